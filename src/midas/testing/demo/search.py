"""The leak search: every planted string, in every byte and every decoded text of a folder of the hub.

In come a folder and the planted strings; out come the places where one was found. Bytes are searched raw (also as
UTF-16 and as JSON escapes); DICOM, Parquet, PNG and SQLite are searched once more as what they say when read.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet
import pydicom
from PIL import Image

SHORTEST_RAW = 7
"""Bytes. Shorter strings turn up by chance in compressed pixels, so these are searched in decoded text only."""
SHORTEST_DIGITS = 8
"""Digits. Shorter numbers (a postal code) stand by chance in any UID."""
CERTAIN_DIGITS = 10
"""Digits. A shorter number counts only where no further digit touches it."""


@dataclass(frozen=True)
class Leak:
    """Where a planted string was found; `what` is synthetic, so it may be shown."""

    place: str
    what: str


@dataclass(frozen=True)
class Needles:
    """The planted strings in every way of writing them, ready for one pass over a text."""

    raw: tuple[str, ...]
    text: tuple[str, ...]

    @classmethod
    def of(cls, planted: Iterable[str]) -> Needles:
        values = {
            form
            for value in planted
            if not (value.isdigit() and len(value) < SHORTEST_DIGITS)
            for form in (unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value))
        }
        raw = {
            data.decode("latin-1")
            for value in values
            for data in (value.encode(), value.encode("utf-16-le"), json.dumps(value)[1:-1].encode())
            if len(data) >= SHORTEST_RAW
        }
        return cls(tuple(sorted(raw)), tuple(sorted(values)))

    def in_bytes(self, data: bytes) -> set[str]:
        return _confirmed(data.decode("latin-1"), self.raw)

    def in_text(self, text: str) -> set[str]:
        return _confirmed(text, self.text)


def _confirmed(text: str, needles: tuple[str, ...]) -> set[str]:
    found = pl.Series([text]).str.extract_many(list(needles), ascii_case_insensitive=True, overlapping=True)[
        0
    ]
    sure = set()
    for needle in set(found):
        if needle.isdigit() and len(needle) < CERTAIN_DIGITS:
            if re.search(rf"(?<!\d){needle}(?!\d)", text):
                sure.add(needle)
        else:
            sure.add(needle)
    return sure


def search(folder: Path, *, planted: Iterable[str]) -> Iterator[Leak]:
    """Yield each planted string found in a file below `folder`, or in a file's name."""
    needles = Needles.of(planted)
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        found = needles.in_bytes(data) | needles.in_text(name)
        for text in decoded(path, data):
            found |= needles.in_text(text)
        yield from (Leak(name, needle) for needle in sorted(found))


def decoded(path: Path, data: bytes) -> Iterator[str]:
    """Yield what the file says when read by what it is: the values of DICOM, Parquet, PNG and SQLite."""
    if data[128:132] == b"DICM":
        yield "\n".join(_dicom_values(pydicom.dcmread(path)))
    elif data[:4] == b"PAR1":
        table = pyarrow.parquet.read_table(path)
        yield "\n".join(str(value) for column in table.columns for value in column.to_pylist())
        yield str(table.schema.metadata)
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        with Image.open(path) as image:
            yield str(image.info)
    elif data[:15] == b"SQLite format 3":
        yield from _sqlite_values(path)


def _dicom_values(ds: pydicom.Dataset) -> Iterator[str]:
    for part in (ds.file_meta, ds):
        for element in part.iterall():
            if element.VR not in {"SQ", "OW", "OF", "OD", "OL", "OV"}:
                value = element.value
                yield value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _sqlite_values(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the name comes from the database itself
            yield "\n".join(str(value) for row in rows for value in row)
