"""A cleaned table, read again by a stranger before it gets its name.

In come the written CSV and the source, row beside row; out comes a sentence that says what is wrong, "" where nothing is.
It reads the output with other code than wrote it, counts rows, works out every day anew, and searches each row for all
that is known of its person, and all rows for whatever any column of names or numbers held.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from midas.deid import tables
from midas.deid.columns import Column
from midas.deid.model import Profile
from midas.deid.search import PLACEHOLDERS, Wanted, wanted
from midas.formats import Kind
from midas.formats import tables as formats

People = Mapping[str, tuple[str, int, tuple[tuple[str, str], ...]]]
NAMED = frozenset({"person", "alias", "abha", "name", "guardian", "identifier", "phone"})
MIN_WORD, MIN_NUMBER = 4, 5
_FIGURES = re.compile(r"\d+")
_MONTHS = {
    name: at
    for at, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}  # fmt: skip
_DATE_LIKE = re.compile(
    r"(?<!\d)(?:\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)\d\d|(?:19|20)\d\d[/.\-]\d{1,2}[/.\-]\d{1,2}|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)


def again(
    path: Path, *, source: Path, kind: Kind, sheet: str, columns: Sequence[Column], kept: Sequence[int],
    people: People, profile: Profile,
) -> str:  # fmt: skip
    """Return why the written table may not leave, or "". No value of it is in the answer."""
    raw = path.read_bytes()
    text = raw.decode("utf-8")
    given = next(one for one in formats.read(source, kind) if one.name == sheet)
    rows = list(given.rows)
    lines = _records(text)
    if not lines or len(lines) - 1 != len(rows) or any(len(line) != len(kept) for line in lines):
        return "The written table has other rows or columns than the source."
    secret = _words_of(rows, columns)
    if secret & _words(" ".join(lines[0])):
        return "A heading names a person."
    subjects = {one[0] for one in people.values()}
    shifts = {one[0]: (one[1], wanted(one[2])) for one in people.values()}
    person = next((place for place, at in enumerate(kept) if columns[at].role == "person"), None)
    for number, (row, line) in enumerate(zip(rows, lines[1:], strict=True), 2):
        subject = line[person] if person is not None else _by_file(row, columns, people)
        if subject not in subjects:
            return f"Row {number} bears no pseudonym."
        for place, at in enumerate(kept):
            if place == person or not line[place]:
                continue
            why = _wrong(columns[at], row[at], line[place], shifts.get(subject), secret, profile)
            if why:
                return f"Row {number}, column “{columns[at].heading}”: {why}."
    return ""


def _by_file(row: Sequence[str], columns: Sequence[Column], people: People) -> str:
    """Return the pseudonym of a row that names a file and no person."""
    named = [cell.strip() for column, cell in zip(columns, row, strict=True) if column.role == "file"]
    keys = (json.dumps(["file", name]) for name in named)
    return next((people[key][0] for key in keys if key in people), people.get('["file"]', ("",))[0])


def _wrong(
    column: Column,
    before: str,
    now: str,
    person: tuple[int, Wanted] | None,
    secret: frozenset[str],
    profile: Profile,
) -> str:
    if column.role == "uid":
        return (
            "a UID stayed as it was"
            if now == before and "retain-uids" not in profile.options and _own_uid(now)
            else ""
        )
    if column.role == "file":
        return (
            ""
            if re.fullmatch(r"(?:P-[0-9A-Z-]+/[\d./\-]+|tables/[^/]+)\.(?:dcm|csv)", now)
            else "a file name is not neutral"
        )
    if column.role == "date":
        full = "retain-longitudinal-full-dates" in profile.options
        return (
            ""
            if full or person is None or _moved(before, now, person[0], column.order)
            else "a day is not moved as it should be"
        )
    if secret & _words(now):
        return "it holds a word or number of a column that names persons"
    if person is not None and next(person[1].in_value(now, numeric=column.role in {"age", "sex"}), None):
        return "it holds what is known of the person"
    return "it holds a day" if _DATE_LIKE.search(now) else ""


def _own_uid(uid: str) -> bool:
    from pydicom.uid import UID

    return not uid.startswith("1.2.840.10008.") and UID(uid).is_valid


def _words(text: str) -> set[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    marked = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in folded).split()
    return {*marked, "".join(marked)}


def _words_of(rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> frozenset[str]:
    """Return the words and numbers that stand in columns which name persons; words of the field tell nobody apart."""
    found: set[str] = set()
    for at, column in enumerate(columns):
        if column.role in NAMED:
            for row in rows:
                found |= {word for word in _words(row[at]) if _tells(word)}
    return frozenset(found)


def _tells(word: str) -> bool:
    if word in PLACEHOLDERS or word in tables.vocabulary():
        return False
    return len(word) >= (MIN_NUMBER if word.isdecimal() else MIN_WORD)


def _records(text: str) -> list[list[str]]:
    """Read RFC 4180 by hand: commas, quotation marks doubled inside quotation marks, one line feed after each record."""
    records: list[list[str]] = [[]]
    at, end = 0, len(text)
    while at < end:
        if text[at] == '"':
            cell, at = _quoted(text, at + 1)
        else:
            stop = min(found if (found := text.find(sign, at)) >= 0 else end for sign in ",\n")
            cell, at = text[at:stop], stop
        records[-1].append(cell)
        if at >= end or text[at] == "\n":
            records.append([])
        elif text[at + 1 : at + 2] in {"", "\n"}:
            records[-1].append("")
            records.append([])
            at += 1
        at += 1
    return [record for record in records if record]


def _quoted(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        stop = text.index('"', at)
        parts.append(text[at:stop])
        if text[stop + 1 : stop + 2] != '"':
            return "".join(parts), stop + 1
        parts.append('"')
        at = stop + 2


def _moved(before: str, now: str, days: int, order: str) -> bool:
    """Say whether `now` is `before` moved by `days`; a time of day alone is no day."""
    if re.fullmatch(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[APap][Mm])?", now):
        return now == unicodedata.normalize("NFKC", before).strip()
    was, is_now = _day(before, order), _day(now, order)
    return was is not None and is_now is not None and was + timedelta(days=days) == is_now


def _day(cell: str, order: str) -> date | None:
    """Read a day by its figures and month alone."""
    text = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in unicodedata.normalize("NFKC", cell)
    )
    day_part = re.split(r"(?<=\d)T(?=\d)|,\s?(?=\d{1,2}[:.])|\s+\d{1,2}[:.]\d\d", text.strip())[0]
    figures = _FIGURES.findall(day_part)
    word = re.search(r"[A-Za-z]{3}", re.sub(r"(?<=\d)(?:st|nd|rd|th)", "", day_part))
    try:
        if word and len(figures) >= 2:
            return date(_full(figures[-1]), _MONTHS[word[0].lower()], int(figures[0]))
        if len(figures) == 1 and len(figures[0]) == 8:
            return date(int(figures[0][:4]), int(figures[0][4:6]), int(figures[0][6:]))
        one, two, three = figures[:3]
        if len(one) == 4:
            return date(int(one), int(two), int(three))
        day, month = (one, two) if order == "day" else (two, one)
        return date(_full(three), int(month), int(day))
    except (ValueError, KeyError):
        return None


def _full(year: str) -> int:
    return int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 40 else 2000)
