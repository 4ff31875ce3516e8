"""Every byte of every output, searched for what may not be there: names of files too, and what lies compressed in them.

In come the key and the outputs; out come `Leak`s, each with the place and kind of the string. Encodings: UTF-8, UTF-16 in
both orders, upper and lower case, the DICOM and the plain spelling of a name.
"""

from __future__ import annotations

import io
import re
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pydicom
from pydicom.uid import UID_dictionary

from midas.deid.audit.answers import Answers, Secret
from midas.deid.audit.attributes import walk
from midas.deid.audit.outputs import Given, every_file

_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_DAY = re.compile(rb"(?<![\d.])((?:19|20)\d{6})(?!\d{2,5}[^\d])")
BULK = 1 << 16
"""Bytes; longer values are pixels or samples and are searched for this person's strings alone."""


BY_CHANCE = 7
"""Bytes; shorter strings turn up in compressed pixels by chance."""


@dataclass(frozen=True)
class Leak:
    """`what` (identifier, name-word, date, uid, path) of `kind` stands in the output of file `number`."""

    number: int
    what: str
    kind: str
    value: str
    spot: str


def find(answers: Answers, given: Given) -> tuple[Leak, ...]:
    """Return every leak of an identifier, UID or telling path in `given`, once for each output and string."""
    owner = {output.path: number for number, output in given.outputs.items()}
    whose = {planted.number: planted.person for planted in answers.files}
    forms: dict[bytes, Secret] = {}
    own: dict[int, dict[bytes, Secret]] = defaultdict(dict)
    for secret in answers.secrets:
        for form in spellings(secret.value):
            forms.setdefault(form, secret)
            if len(form) >= BY_CHANCE:
                own[whose[secret.file]].setdefault(form, secret)
    uids = {
        check.value for check in answers.checks if check.action == "uid_changed" and len(check.value) > 12
    }
    found: list[Leak] = []
    page = _Page()
    for path in every_file(given.root):
        number = owner.get(path, -1)
        text, bulk = parts_of(path)
        page.add(number, text, path.relative_to(given.root).as_posix())
        found += _in_bulk(number, bulk, own.get(whose.get(number, -1), {}))
    found += page.search(forms, uids - set(_writers(given)))
    return tuple(dict.fromkeys(found))


def _writers(given: Given) -> Iterator[str]:
    """Yield the UIDs by which the outputs name the program that wrote them: they name no person or thing."""
    for output in given.outputs.values():
        yield str(getattr(output.ds, "file_meta", {}).get("ImplementationClassUID", ""))


def _in_bulk(number: int, bulk: bytes, forms: dict[bytes, Secret]) -> Iterator[Leak]:
    low = bulk.lower()
    yield from (
        Leak(number, "identifier", s.kind, s.value, s.spot) for form, s in forms.items() if form in low
    )


class _Page:
    """The texts of all outputs one after the other, so that each string is searched once."""

    def __init__(self) -> None:
        self.texts, self.paths = _Joined(), _Joined()

    def add(self, number: int, text: bytes, path: str) -> None:
        self.texts.add(number, text)
        self.paths.add(number, path.encode())

    def search(self, forms: dict[bytes, Secret], uids: set[str]) -> Iterator[Leak]:
        for form, secret in forms.items():
            for number in self.texts.where(form):
                yield Leak(number, "identifier", secret.kind, secret.value, secret.spot)
            for number in self.paths.where(form):
                yield Leak(number, "path", secret.kind, secret.value, "path")
        for uid in sorted(uids - set(UID_dictionary)):
            for number in self.texts.where(uid.encode()):
                yield Leak(number, "uid", "uid", uid, "bytes")
            for number in self.paths.where(uid.encode()):
                yield Leak(number, "path", "uid", uid, "path")


class _Joined:
    def __init__(self) -> None:
        self.starts: list[int] = []
        self.numbers: list[int] = []
        self.pieces: list[bytes] = []
        self.size = 0
        self.whole: bytes | None = None

    def add(self, number: int, text: bytes) -> None:
        self.starts.append(self.size)
        self.numbers.append(number)
        self.pieces.append(text.lower() + b"\n\x1d\n")
        self.size += len(text) + 3

    def where(self, form: bytes) -> list[int]:
        if self.whole is None:
            self.whole = b"".join(self.pieces)
        found, at = [], self.whole.find(form)
        while at >= 0:
            index = bisect_right(self.starts, at) - 1
            found.append(self.numbers[index])
            at = self.whole.find(form, self.starts[index + 1]) if index + 1 < len(self.starts) else -1
        return found


def spellings(value: str) -> set[bytes]:
    """Return the byte strings by which a value is searched, all in lower case."""
    plain = {value, value.replace("^", " ").strip(), re.sub(r"\^+", "^", value).strip("^")}
    compact = re.sub(r"[ \-/]", "", value)
    if sum(c.isdigit() for c in compact) >= 8:
        plain.add(compact)
    forms: set[bytes] = set()
    for one in plain:
        low = one.casefold()
        forms |= {low.encode(), low.encode("utf-16-le"), low.encode("utf-16-be")}
    return {form for form in forms if len(form) >= 4}


@lru_cache(maxsize=1024)
def parts_of(path: Path) -> tuple[bytes, bytes]:
    """Return (all that is not bulk, inflated where it was compressed; the bulk)."""
    data = path.read_bytes()
    text, bulk = io.BytesIO(), io.BytesIO()
    try:
        ds = pydicom.dcmread(path, force=True)
        spans = [element.value for _, element in walk(ds) if isinstance(element.value, bytes)]
        spans += [ds.PixelData] if "PixelData" in ds else []
    except Exception:  # noqa: BLE001 - what is no DICOM is searched as it is
        spans = []
    if data[128:132] == b"DICM" and b"1.2.840.10008.1.2.1.99" in data[:400]:
        data += _inflated_dataset(data)
    rest = data
    for span in spans:
        if len(span) > BULK:
            at = rest.find(span)
            if at >= 0:
                rest = rest[:at] + rest[at + len(span) :]
            bulk.write(span + b"\n")
    text.write(rest)
    for stream in _STREAM.findall(data):
        text.write(b"\n" + _inflated(stream))
    return text.getvalue(), bulk.getvalue()


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, 1 << 24)
    except zlib.error:
        return b""


def _inflated_dataset(data: bytes) -> bytes:
    at = 132 + 12 + int.from_bytes(data[140:144], "little")
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[at:], 1 << 28)
    except zlib.error:
        return b""


def shifts(answers: Answers, given: Given) -> dict[int, list[int]]:
    """Return, by person, the shift in days of every date that came back, place by place."""
    person = {planted.number: planted.person for planted in answers.files}
    found: dict[int, list[int]] = defaultdict(list)
    for check in answers.checks:
        output = given.outputs.get(check.file)
        if check.action != "date_shifted" or check.area == "birth" or output is None:
            continue
        was, now = day_of(check.value), day_of(str(output.element(check.tag, check.where) or ""))
        if was and now:
            found[person[check.file]].append((now - was).days)
    return found


def day_of(value: str) -> datetime | None:
    """Return the day of a DA or DT value, None where there is none."""
    try:
        return datetime.strptime(value[:8], "%Y%m%d")  # noqa: DTZ007 - DICOM days know no zone
    except ValueError:
        return None


def true_days(answers: Answers, given: Given, by_person: dict[int, int]) -> Iterator[Leak]:
    """Yield each true day of a person that stands in that person's outputs and is no other day, shifted."""
    person = {planted.number: planted.person for planted in answers.files}
    moved: dict[int, set[str]] = defaultdict(set)
    for check in answers.checks:
        shift = by_person.get(person[check.file])
        if check.action == "date_shifted" and shift:
            moved[person[check.file]].add(_moved(check.value, shift))
    for number, output in given.outputs.items():
        days = set(answers.days[person[number]]) - moved[person[number]]
        text, _ = parts_of(output.path)
        for day in sorted({m.decode() for m in _DAY.findall(text)} & days):
            yield Leak(number, "date", "date", day, "bytes")


def _moved(day: str, shift: int) -> str:
    try:
        then = day_of(day)
        return f"{then + timedelta(days=shift):%Y%m%d}" if then else ""
    except OverflowError:
        return ""
