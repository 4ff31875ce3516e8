"""What a run writes for the key's owner: lists that lead back to the hospital, and the journal by which it goes on.

In come names, outcomes and UIDs; out come CSV files and a journal in a folder of mode 0700, each of mode 0600. Lists are
written aside and appear whole at the end; the journal grows line by line, so that a stopped run loses little.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, ClassVar

from midas.deid import tables
from midas.deid.formulas import inert
from midas.kernel import BadInput, NotFound, whole_file

if TYPE_CHECKING:
    from midas.deid.batch import Subject

JOURNAL = "journal.jsonl"
LEADS_BACK = ("patient-map.csv", "uid-map.csv", "file-map.csv", "held.csv")


def private(folder: Path) -> None:
    """Make a folder that only its owner can open, or see to it that it is one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not folder.is_dir():
        raise BadInput("The report folder is no folder.", advice="Give a folder of its own.")
    try:
        folder.chmod(0o700)
    except PermissionError:
        raise BadInput(
            "The report folder belongs to somebody else.",
            advice="Give a folder of your own: it will hold names.",
        ) from None


@dataclass(frozen=True)
class Line:
    """One chunk: its files (name, output, sha256, size, reason, detail), what was done by study, UIDs old to new."""

    key: str
    files: list[dict[str, Any]]
    tallies: dict[str, dict[str, object]]
    uids: dict[str, str]


class Journal:
    """The chunks of earlier runs, and those of this one, line by line. A key says all on which its line depends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._path.touch(mode=0o600)
        self._at: dict[str, int] = {}
        self._used: set[int] = set()
        self.released: dict[str, list[str]] = {}
        self._old = self._path.open("rb")
        for at, line in _lines(self._old):
            self._at[str(line["key"])] = at
            for one in line["files"]:
                if one["output"]:
                    self.released.setdefault(one["name"], []).append(one["output"])
        self._end = self._old.seek(0, os.SEEK_END)
        self._out = self._path.open("ab")
        self._out.write(b"\n" if self._end else b"")

    def known(self, key: str) -> Line | None:
        """Return what an earlier run wrote of a chunk."""
        if key not in self._at:
            return None
        self._old.seek(self._at[key])
        self._used.add(self._at[key])
        return Line(**_line(self._old.readline()))

    def write(self, line: Line) -> None:
        """Keep what this run did of a chunk, so that a run that is stopped need not do it again."""
        raw = json.dumps(line.__dict__, ensure_ascii=True, separators=(",", ":")).encode()
        self._out.write(raw + b"\n")
        self._out.flush()

    def finish(self) -> None:
        """Forget the lines of earlier runs that this run had no use for."""
        with whole_file(self._path, mode=0o600) as fresh:
            for at, line in _lines(self._old):
                if at in self._used or at >= self._end:
                    fresh.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        self._out.close()
        self._old.close()


def _lines(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the place and value of each line; the last of a stopped run may be cut and is passed over."""
    at = stream.seek(0)
    while raw := stream.readline():
        line = _line(raw)
        if "key" in line:
            yield at, line
        at = stream.tell()


def _line(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _private_file(path: Path) -> IO[str]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


class Lists:
    """The CSV files of a run. They name persons: they stay with the key's owner.

    `held.csv` is for eyes, so no cell of it is a formula; the maps are read by programs and hold what is, letter for letter.
    """

    HEADS: ClassVar = {
        "held.csv": ("source", "reason", "detail", "what_to_do"),
        "file-map.csv": ("source", "output", "sha256", "size"),
        "uid-map.csv": ("old", "new"),
        "patient-map.csv": ("old", "new", "shift_days", "issuer"),
    }

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams = {name: _private_file(folder / f".{name}.part") for name in self.HEADS}
        self._rows = {name: csv.writer(stream, lineterminator="\n") for name, stream in self._streams.items()}
        for name, head in self.HEADS.items():
            self._rows[name].writerow(head)
        self._seen: set[int] = set()

    def held(self, name: str, reason: str, detail: str) -> None:
        told = tables.why_held(reason)
        row = (name, reason, detail or told.title, told.advice)
        self._rows["held.csv"].writerow([inert(one) for one in row])

    def file(self, name: str, one: Mapping[str, Any]) -> None:
        self._rows["file-map.csv"].writerow((name, one["output"], one["sha256"], one["size"]))

    def uids(self, told: Mapping[str, str]) -> None:
        for old, new in told.items():
            if (mark := hash(old)) not in self._seen:
                self._seen.add(mark)
                self._rows["uid-map.csv"].writerow((old, new))

    def patients(self, subjects: Sequence[Subject]) -> None:
        for one in subjects:
            for old, issuer in one.ids or (("", ""),):
                self._rows["patient-map.csv"].writerow((old, one.pseudonym, one.shift_days, issuer))

    def finish(self) -> None:
        """Let all lists appear whole."""
        for name, stream in self._streams.items():
            stream.close()
            (self._folder / f".{name}.part").replace(self._folder / name)

    def close(self) -> None:
        for name, stream in self._streams.items():
            if not stream.closed:
                stream.close()
                (self._folder / f".{name}.part").unlink(missing_ok=True)


def lists_of(folder: Path) -> dict[str, list[list[str]]]:
    """Return the lists of a run that lead back, by their names without `.csv`, for sealing; `NotFound` without any."""
    found = {}
    for name in LEADS_BACK:
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8", newline="") as stream:
                found[Path(name).stem] = list(csv.reader(stream))
    if not found:
        raise NotFound(
            "There are no maps in this folder.", advice="Give the report folder of `midas deid run`."
        )
    return found


def write_lists(folder: Path, lists: Mapping[str, Sequence[Sequence[str]]]) -> tuple[str, ...]:
    """Write lists that were sealed into a private folder; return their names."""
    for name, rows in lists.items():
        with _private_file(folder / f"{name}.csv") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
    return tuple(f"{name}.csv" for name in lists)


def forget(folder: Path) -> tuple[str, ...]:
    """Remove the lists that lead back, and the journal; reports stay. Return what was removed."""
    gone = tuple(name for name in (*LEADS_BACK, JOURNAL) if (folder / name).is_file())
    for name in gone:
        (folder / name).unlink()
    return gone
