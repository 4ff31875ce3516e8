"""One cell of a table as the protocol's column says: text in, value out, or a `BadCell` that says how to write it.

Dates are read as India writes them (day first) or as ISO 8601; never month first. No error text holds the cell's value.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from midas.protocol.model import Column
from midas.spoke.vault.keys import normal

Value = str | int | float | bool | None

EMPTY = {"", "-", "--", "na", "n/a", "n.a.", "nil", "null", "none", "nan", "not available", "not known", "?"}
YES = {"yes", "y", "true", "1", "present", "हाँ", "हां", "होय", "ஆம்"}
NO = {"no", "n", "false", "0", "absent", "नहीं", "नाही", "இல்லை"}
MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
INDIAN = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})(?: .*)?")
WORDED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[/.\- ]*([a-z]{3,9})[/.,\- ]*(\d{4})", re.IGNORECASE)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?")


class BadCell(Exception):
    """What is wrong with a cell and how to write it; never the value itself."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what, self.advice = what, advice


def plain(text: str) -> str:
    """Return the text without outer and doubled blanks, with digits of any script as 0–9."""
    text = unicodedata.normalize("NFKC", text).strip()
    text = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    return re.sub(r"\s+", " ", text)


def empty(text: str) -> bool:
    return plain(text).casefold() in EMPTY


def read_date(text: str) -> date:
    """Return a date written yyyy-mm-dd, dd/mm/yyyy, dd-mm-yyyy, dd.mm.yyyy or dd Mon yyyy. Raise `BadCell` otherwise."""
    text = plain(text)
    numbers: tuple[int, int, int] | None = None
    if (found := ISO.fullmatch(text)) or (found := COMPACT.fullmatch(text)):
        numbers = int(found[1]), int(found[2]), int(found[3])
    elif found := INDIAN.fullmatch(text):
        numbers = int(found[3]), int(found[2]), int(found[1])
    elif (found := WORDED.fullmatch(text)) and (month := MONTHS.get(found[2].casefold())):
        numbers = int(found[3]), month, int(found[1])
    try:
        if numbers and numbers[0] >= 1900:
            return date(*numbers)
    except ValueError:
        pass
    raise BadCell("is not a date", "write dd/mm/yyyy, the day first and the year with four digits")


def _number(text: str) -> float:
    if GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text):
        raise BadCell("is not a number", "write digits alone, with a full stop before decimals and no unit")
    return float(text)


def _within(number: float, column: Column) -> None:
    low, high = column.min, column.max
    if (low is not None and number < low) or (high is not None and number > high):
        unit = f" {column.unit}" if column.unit else ""
        if low is None or high is None:
            allowed = f"at least {low:g}{unit}" if high is None else f"at most {high:g}{unit}"
        else:
            allowed = f"between {low:g} and {high:g}{unit}"
        raise BadCell("is outside the allowed range", f"write a value {allowed}")


def _category(text: str, column: Column) -> str:
    wanted = normal("text", text)
    for value in column.values:
        if normal("text", value) == wanted:
            return value
    for alias, value in column.aliases_of_values.items():
        if normal("text", alias) == wanted:
            return value
    raise BadCell("is not one of the allowed values", f"write one of: {', '.join(column.values)}")


def read_text(text: str, column: Column) -> str:
    """Return a cell of free text in one line, "" where it is empty. It is identified until it has been cleaned."""
    text = plain(text)
    if not empty(text):
        return text
    if column.required:
        raise BadCell("is empty", "fill it in")
    return ""


def read_cell(text: str, column: Column) -> Value:
    """Return the value of a `variable` cell. Raise `BadCell` where it does not fit the column."""
    text = plain(text)
    if column.type == "category" and normal("text", text) in {
        normal("text", one) for one in (*column.values, *column.aliases_of_values)
    }:
        return _category(text, column)
    if empty(text):
        if column.required:
            raise BadCell("is empty", "fill it in")
        return None
    if column.type == "category":
        return _category(text, column)
    if column.type == "boolean":
        word = text.casefold()
        if word not in YES | NO:
            raise BadCell("is neither yes nor no", "write yes or no")
        return word in YES
    number = _number(text)
    _within(number, column)
    if column.type == "integer":
        if not number.is_integer():
            raise BadCell("is not a whole number", "write a whole number")
        return int(number)
    return number
