"""Days in the cells of a table: read as they are written, moved by whole days, and written in the same way.

In comes a cell, out comes the cell with its day moved, or "" where it is no day. A time of day beside it stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal

from midas.deid.names import plain
from midas.deid.search import LONG_MONTHS as LONG
from midas.deid.search import MONTHS as SHORT

Order = Literal["day", "month"]
MONTHS = {
    **{name.casefold(): at for at, name in enumerate(SHORT, 1)},
    **{name.casefold(): at for at, name in enumerate(LONG, 1)},
    "sept": 9,
}
_TIME = r"(?P<time>[T ,]\s?(?:[01]?\d|2[0-3])[:.][0-5]\d(?:[:.][0-5]\d(?:\.\d{1,6})?)?(?:\s?[AaPp][Mm]|Z|[+-]\d\d:?\d\d)?)?"
_ISO = re.compile(rf"(?P<y>\d{{4}})(?P<a>[-/.])(?P<m>\d{{1,2}})(?P=a)(?P<d>\d{{1,2}}){_TIME}")
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<time>)")
_NUMBERS = re.compile(rf"(?P<one>\d{{1,2}})(?P<a>[-/. ])(?P<two>\d{{1,2}})(?P=a)(?P<y>\d{{4}}|\d\d){_TIME}")
_WORDED = re.compile(
    r"(?P<d>\d{1,2})(?:st|nd|rd|th)?(?P<a>[-/. ]?)(?P<word>[A-Za-z]{3,9})\.?(?P<b>[-/., ]{0,2})"
    rf"(?P<y>\d{{4}}|\d\d){_TIME}"
)
_CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:\s?[AaPp][Mm])?")
Writer = Callable[[date], str]


def clock(cell: str) -> bool:
    """Say whether a cell is a time of day alone."""
    return _CLOCK.fullmatch(plain(cell).strip()) is not None


def orders_of(cell: str) -> frozenset[Order]:
    """Return the orders in which a cell can be read as a day; a day written plainly is one in both."""
    return frozenset(order for order in ("day", "month") if read_day(cell, order) is not None)


def shifted(cell: str, days: int, order: Order) -> str:
    """Return the cell with its day moved by `days`, "" where it is no day."""
    found = read_day(cell, order)
    if found is None:
        return ""
    day, write = found
    try:
        return write(day + timedelta(days=days))
    except OverflowError:
        return ""


def read_day(cell: str, order: Order) -> tuple[date, Writer] | None:
    """Return the day in a cell and how to write another in its place; None where the cell is no day."""
    text = plain(cell).strip()
    for pattern in (_ISO, _COMPACT, _NUMBERS, _WORDED):
        if match := pattern.fullmatch(text):
            return _read(match, order)
    return None


def _read(match: re.Match[str], order: Order) -> tuple[date, Writer] | None:
    told = match.groupdict()
    if "one" in told:
        told["d"], told["m"] = (told["one"], told["two"]) if order == "day" else (told["two"], told["one"])
    month = MONTHS.get(told["word"].casefold(), 0) if "word" in told else int(told["m"])
    try:
        day = date(_year(told["y"]), month, int(told["d"]))
    except ValueError:
        return None
    return (day, lambda moved: _written(moved, told, order)) if 1850 <= day.year <= 2150 else None


def _year(text: str) -> int:
    """Read a year of two digits as the last century's from 41 on."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year > 40 else 2000)


def _written(day: date, told: dict[str, str], order: Order) -> str:
    """Write a day as another was; a year of two digits that would be read as another century's is written whole."""
    year = f"{day.year:04d}"
    if len(told["y"]) < len(year) and _year(year[-2:]) == day.year:
        year = year[-2:]
    number, month = f"{day.day:0{len(told['d'])}d}", ""
    if "word" in told:
        whole = told["word"].title() in LONG and told["word"].title() not in SHORT
        names = LONG if whole else SHORT
        month = names[day.month - 1]
        month = (
            month.upper() if told["word"].isupper() else month.lower() if told["word"].islower() else month
        )
        return f"{number}{told['a']}{month}{told['b']}{year}{told['time'] or ''}"
    month = f"{day.month:0{len(told['m'])}d}"
    gap = told.get("a") or ""
    if "one" not in told:
        return f"{year}{gap}{month}{gap}{number}{told['time'] or ''}"
    first, second = (number, month) if order == "day" else (month, number)
    return f"{first}{gap}{second}{gap}{year}{told['time'] or ''}"
