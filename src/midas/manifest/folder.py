"""A sealed folder on disk, checked without any server: three answers per file.

seal/seal.json        signed: the key, and what the folder calls itself
seal/tree.ndjson      one entry per file, in path order
seal/salts.json       owner → salt
seal/tombstones/*.json  signed: one per withdrawn subject
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from midas.kernel import BadInput, BrokenPromise, NoProgress, Progress, canonical, sha256_file, whole_file
from midas.manifest.sign import verify_signature
from midas.manifest.tree import Entry, Tombstone, Tree, key_of
from midas.wire.v1 import Signed

OF_THE_SEAL = re.compile(r"seal/(seal\.json|tree\.ndjson|salts\.json|tombstones/\d{6}\.json)")
AGAIN = "Fetch the seal folder again."
SEAL, TREE, SALTS, TOMBSTONES = "seal/seal.json", "seal/tree.ndjson", "seal/salts.json", "seal/tombstones"


class Answer(StrEnum):
    """What verification says of one file; `WITHDRAWN` only where a signed tombstone stands for it."""

    RIGHT = "right"
    WITHDRAWN = "withdrawn"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """The answer for one file of a release (path below its folder), and why where it is not right."""

    path: str
    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ok` when no file is wrong and the tree gives the signed key."""

    key: str
    about: Mapping[str, Any]
    public_key: str
    files: tuple[FileAnswer, ...]
    ok: bool

    def count(self, answer: Answer) -> int:
        return sum(file.answer is answer for file in self.files)


def encode_tree(entries: Iterable[Entry]) -> bytes:
    return b"".join(
        canonical({
            "path": entry.path, "sha256": entry.sha256, "size": entry.size, "owner": entry.owner,
            **({"leaf": entry.leaf} if entry.leaf else {}),
        }) + b"\n"
        for entry in sorted(entries, key=lambda entry: entry.path)
    )  # fmt: skip


def decode_tree(lines: Iterable[bytes | str]) -> tuple[Entry, ...]:
    """Read entries; `BrokenPromise` for a line that is none, or whose path would lead out of the folder."""
    try:
        entries = tuple(Entry(**json.loads(line)) for line in lines if line.strip())
    except (ValueError, TypeError):
        raise BrokenPromise(f"{TREE} holds a line that is no entry.", advice=AGAIN) from None
    for entry in entries:
        parts = entry.path.split("/")
        if "\\" in entry.path or ":" in parts[0] or any(part in {"", ".", ".."} for part in parts):
            raise BrokenPromise(f"{TREE} names a path outside the release.", advice=AGAIN)
    return entries


def write_seal(folder: Path, *, tree: Tree, seal: Signed, tombstones: Iterable[Signed] = ()) -> None:
    """Write the four kinds of seal files; `seal` signs a JSON object that holds at least `key`."""
    files: dict[str, bytes] = {
        SEAL: seal.model_dump_json().encode(),
        TREE: encode_tree(tree.entries),
        SALTS: canonical(dict(tree.salts)),
    }
    for number, stone in enumerate(tombstones, start=1):
        files[f"{TOMBSTONES}/{number:06d}.json"] = stone.model_dump_json().encode()
    for name, data in files.items():
        with whole_file(folder / name) as stream:
            stream.write(data)


def _signed(path: Path, trusted: str | None) -> Signed:
    try:
        signed = Signed.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(
            f"{path.name} is missing.", advice="Give the folder that holds seal/seal.json."
        ) from None
    except ValueError:
        raise BrokenPromise(f"{path.name} is not a signed seal.", advice="Fetch it again.") from None
    verify_signature(signed, trusted=trusted)
    return signed


def read_seal(folder: Path, *, trusted: str | None = None) -> tuple[Tree, dict[str, Any], str]:
    """Return the tree, what the seal says, and the public key that signed it; `BrokenPromise` if a signature fails."""
    signed = _signed(folder / SEAL, trusted)
    about = json.loads(signed.payload)
    if not isinstance(about, dict) or "key" not in about:
        raise BrokenPromise("What was signed is no seal: it names no key.", advice=AGAIN)
    stones = [
        Tombstone.model_validate_json(_signed(path, signed.public_key).payload)
        for path in sorted((folder / TOMBSTONES).glob("*.json"))
    ]
    if any(stone.key != about["key"] for stone in stones):
        raise BrokenPromise("A tombstone belongs to another release.", advice=AGAIN)
    try:
        with (folder / TREE).open("rb") as lines:
            entries = decode_tree(lines)
        salts = {str(owner): str(salt) for owner, salt in json.loads((folder / SALTS).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        raise BrokenPromise(
            "The seal is not whole: its tree or salts cannot be read.", advice=AGAIN
        ) from None
    latest = {item.path: item for stone in stones for item in stone.replaced}
    for entry in entries:
        if entry.leaf is None:
            continue
        stone = latest.get(entry.path)
        if stone is None or (stone.leaf, stone.sha256, stone.size) != (entry.leaf, entry.sha256, entry.size):
            raise BrokenPromise(
                f"{entry.path} was rewritten without a tombstone that says so.",
                advice=AGAIN,
            )
    return Tree(entries, salts, tuple(stone.node for stone in stones)), about, signed.public_key


def _check(folder: Path, entry: Entry) -> FileAnswer:
    path = folder / entry.path
    if not path.is_file():
        return FileAnswer(entry.path, Answer.WRONG, "missing")
    if path.stat().st_size != entry.size:
        return FileAnswer(entry.path, Answer.WRONG, "its size is not what was sealed")
    if sha256_file(path) != entry.sha256:
        return FileAnswer(entry.path, Answer.WRONG, "its bytes are not what was sealed")
    return FileAnswer(entry.path, Answer.RIGHT, "rows of withdrawn subjects taken out" if entry.leaf else "")


def _unsealed(folder: Path, tree: Tree) -> Iterator[FileAnswer]:
    known = {entry.path for entry in tree.entries}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known and not OF_THE_SEAL.fullmatch(name):
            yield FileAnswer(name, Answer.WRONG, "not part of what was sealed")


def verify_folder(folder: Path, *, trusted: str | None = None, progress: Progress | None = None) -> Verdict:
    """Hash every file of a sealed folder and compare with the signed key.

    Each file is right, withdrawn (a signed tombstone stands for its subject's files; they have no names any more, so
    one answer speaks for each withdrawn subject) or wrong (changed, missing or never sealed). `BadInput` where the
    folder has no seal, `BrokenPromise` where a signature fails.
    """
    tree, about, public_key = read_seal(folder, trusted=trusted)
    key = key_of(tree)
    files = [_check(folder, entry) for entry in (progress or NoProgress()).track(
        tree.entries, label="Verify", total=len(tree.entries)
    )]  # fmt: skip
    files += [
        FileAnswer(f"subject {node[:12]}…", Answer.WITHDRAWN, "withdrawn; a signed tombstone stands here")
        for node in tree.withdrawn
    ]
    files += _unsealed(folder, tree)
    if key != about["key"]:
        files.append(FileAnswer(TREE, Answer.WRONG, "the tree does not give the signed key"))
    return Verdict(
        key=key, about=about, public_key=public_key, files=tuple(files),
        ok=key == about["key"] and all(file.answer is not Answer.WRONG for file in files),
    )  # fmt: skip
