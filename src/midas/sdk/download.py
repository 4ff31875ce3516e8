"""A release at a hub → the same release in a folder: parallel, verified, resumable, and without what was withdrawn.

In come a client, a release's name and a folder; out come files whose SHA-256 is the sealed one, each whole or absent.
Run again it keeps what is right, goes on where it broke off, fetches what a withdrawal rewrote and takes away what it
erased. It removes only files that an earlier seal of the same release named, never others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from midas.kernel import BrokenPromise, Conflict, NoProgress, Progress, sha256_bytes, sha256_file
from midas.manifest import Entry, Tombstone, Tree, key_of, read_seal, verify_signature, write_seal
from midas.manifest.folder import SEAL, TOMBSTONES
from midas.sdk.client import Client
from midas.wire.v1 import SealAnswer

PARTS = ".midas-parts"
"""Where what was fetched so far of a file waits, inside the folder; gone when all is done."""

DEFAULT_JOBS = 8
"""Files fetched at the same time: enough to fill a line in spite of small files, few enough for a shared hub."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download did; `size` in bytes of the files asked for."""

    folder: Path
    key: str
    files: int
    fetched: int
    kept: int
    removed: int
    size: int


def inside(folder: Path, path: str) -> Path:
    """Return where a sealed path lies in a folder; `BrokenPromise` where it would lie outside."""
    pure = PurePosixPath(path)
    bad = pure.is_absolute() or ".." in pure.parts or not pure.parts or any(mark in path for mark in "\\\0:")
    if bad or pure.parts[0] == PARTS:
        raise BrokenPromise(
            "The release names a file outside its folder.", advice="Do not use this hub; tell its operator."
        )
    return folder.joinpath(*pure.parts)


def _tree(entries: Sequence[Entry], sealed: SealAnswer) -> Tree:
    """Put the tree together and check that it gives the signed key."""
    verify_signature(sealed.seal)
    key = json.loads(sealed.seal.payload)["key"]
    nodes: list[str] = []
    for signed in sealed.tombstones:
        verify_signature(signed, trusted=sealed.seal.public_key)
        stone = Tombstone.model_validate_json(signed.payload)
        if stone.key != key:
            raise BrokenPromise("A tombstone belongs to another release.", advice="Tell the hub's operator.")
        nodes.append(stone.node)
    tree = Tree(tuple(entries), sealed.salts, tuple(nodes))
    if key_of(tree) != key:
        raise BrokenPromise(
            "The list of files does not give the signed key.",
            advice="Try again; then tell the hub's operator.",
        )
    return tree


def _earlier(folder: Path, sealed: SealAnswer) -> tuple[Entry, ...]:
    """Return what an earlier seal in the folder named; `Conflict` where it is another release or another signer."""
    if not (folder / SEAL).is_file():
        return ()
    before, about, public_key = read_seal(folder)
    if about["key"] != json.loads(sealed.seal.payload)["key"]:
        raise Conflict(f"{folder} holds another release.", advice="Choose another folder.")
    if public_key != sealed.seal.public_key:
        raise BrokenPromise(
            "The same release is signed by another key now.", advice="Ask the hub's operator why."
        )
    return before.entries


def fetch_seal(client: Client, name: str, *, folder: Path, twin: bool = False) -> tuple[Tree, int]:
    """Bring a folder's seal up to date; take away what was withdrawn. Return the tree and the number of files removed."""
    sealed = client.seal(name, twin=twin)
    tree = _tree(client.tree(name, twin=twin), sealed)
    now = {entry.path for entry in tree.entries}
    removed = 0
    for entry in _earlier(folder, sealed):
        path = inside(folder, entry.path)
        if entry.path not in now and path.is_file():
            path.unlink()
            removed += 1
            _prune(path.parent, folder)
    for stone in (folder / TOMBSTONES).glob("*.json"):
        stone.unlink()
    write_seal(folder, tree=tree, seal=sealed.seal, tombstones=sealed.tombstones)
    return tree, removed


def _prune(empty: Path, root: Path) -> None:
    while empty != root and not any(empty.iterdir()):
        empty.rmdir()
        empty = empty.parent


def is_right(path: Path, entry: Entry) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and sha256_file(path) == entry.sha256


def _receive(client: Client, name: str, entry: Entry, part: Path, *, twin: bool) -> None:
    """Append to the part file what is still missing, over as many tries as the client's patience allows."""

    def go_on() -> None:
        start = part.stat().st_size if part.exists() else 0
        if start == entry.size and part.exists():
            return
        with part.open("ab") as stream:

            def take(chunk: bytes) -> None:
                if stream.tell() + len(chunk) > entry.size:
                    raise BrokenPromise(
                        f"{entry.path} is longer than what was sealed.", advice="Tell the hub's operator."
                    )
                stream.write(chunk)

            client.file(name, entry.path, twin=twin, start=start, take=take)
            stream.flush()
            os.fsync(stream.fileno())

    client.patiently(go_on)


def fetch_file(client: Client, name: str, entry: Entry, *, folder: Path, twin: bool = False) -> bool:
    """Make sure that one file is there and right; return whether it had to be fetched."""
    target = inside(folder, entry.path)
    if is_right(target, entry):
        return False
    part = folder / PARTS / f"{sha256_bytes(entry.path.encode())[:32]}-{entry.sha256[:16]}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    for again in (True, False):
        if part.exists() and part.stat().st_size > entry.size:
            part.unlink()
        _receive(client, name, entry, part, twin=twin)
        if is_right(part, entry):
            break
        part.unlink(missing_ok=True)
        if not again:
            raise BrokenPromise(
                f"{entry.path} is not what was sealed.", advice="Try again; then tell the hub's operator."
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    return True


def fetch_files(
    client: Client,
    name: str,
    entries: Iterable[Entry],
    *,
    folder: Path,
    twin: bool = False,
    jobs: int = DEFAULT_JOBS,
    progress: Progress | None = None,
) -> int:
    """Make sure that many files are there and right; return how many had to be fetched. The first failure ends it."""
    wanted = list(entries)
    pool = ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="midas-get")
    futures: list[Future[bool]] = [
        pool.submit(fetch_file, client, name, entry, folder=folder, twin=twin) for entry in wanted
    ]
    try:
        done = (progress or NoProgress()).track(as_completed(futures), label="Download", total=len(futures))
        return sum(future.result() for future in done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def download(
    client: Client,
    name: str,
    *,
    folder: Path,
    twin: bool = False,
    jobs: int = DEFAULT_JOBS,
    progress: Progress | None = None,
    only: set[str] | None = None,
) -> Downloaded:
    """Fetch a release, or the files of it named in `only`, into `folder`.

    `Conflict` where the folder holds another release, `BrokenPromise` where a hash or signature fails, `Forbidden` or
    `NotFound` as the hub says, `Unavailable` when it stays silent: run it again to go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tree, removed = fetch_seal(client, name, folder=folder, twin=twin)
    entries = [entry for entry in tree.entries if only is None or entry.path in only]
    fetched = fetch_files(client, name, entries, folder=folder, twin=twin, jobs=jobs, progress=progress)
    parts = folder / PARTS
    if parts.is_dir() and not any(parts.iterdir()):
        parts.rmdir()
    return Downloaded(
        folder=folder, key=key_of(tree), files=len(tree.entries), fetched=fetched, kept=len(entries) - fetched,
        removed=removed, size=sum(entry.size for entry in entries),
    )  # fmt: skip


__all__ = ["Downloaded", "download", "fetch_file", "fetch_files", "fetch_seal", "inside"]
