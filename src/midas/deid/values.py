"""One value under one action: the dummy for each VR, the shifted date, the mapped UID, the cleaned text.

In comes a value with its VR, out comes its replacement (always one that the VR allows) or "" for none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from midas.deid import tables
from midas.deid.dates import cap_age, shift_da, shift_dt, valid_tm
from midas.deid.devices import code_tells
from midas.deid.model import Card, Keys, Profile
from midas.deid.numbers import stands_for
from midas.deid.uids import map_uid
from midas.deid.words import MIN_PART, Known, clean_text

TEXT = frozenset({"LO", "SH", "LT", "ST", "UT", "UC"})
LONG_TEXT = frozenset({"LT", "ST", "UT", "UC"})
DATES = frozenset({"DA", "DT", "TM"})
BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
LIMIT = {"SH": 16, "LO": 64, "CS": 16, "AE": 16}
_CS = re.compile(r"^(?!.*\d{6})[A-Z0-9_ ]{1,16}$", re.ASCII)
"""PS3.5 6.2; a run of six digits is no defined term but a day or a number of a person."""
_LETTERS = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$", re.ASCII)
_DAY = re.compile(
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}"
)
_REACHES = re.compile(r"(?:91|0)?[6-9]\d{6}(?!000)\d{3}|\d{9,13}(?!000)\d{3}")
"""Digits of a mobile number, or twelve and more (Aadhaar, ABHA); measured amounts of that size end in zeros."""
LARGEST_IS = (1 << 31) - 1
DIGITS = 9
"""Digits before the point that a count (IS) or a measure (DS) has at most, where no table says otherwise."""
UNWRITTEN = Decimal(10) ** 18
SHORTEST, POINTED = 4, 7
"""Digits after leading zeros from which a number is compared with those of the person, and with a point somewhere."""

DUMMY: dict[str, Any] = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "LO": "REMOVED", "SH": "REMOVED", "ST": "REMOVED",
    "LT": "REMOVED", "UT": "REMOVED", "UC": "REMOVED", "PN": "REMOVED", "CS": "REMOVED", "AE": "REMOVED", "AS": "000Y",
    "IS": "0", "DS": "0", "UR": "urn:removed", "OB": b"\0\0", "OW": b"\0\0", "UN": b"\0\0",
}  # fmt: skip
"""Never a value that could be someone's: the same in every output, so that the verifier knows it."""


def names_someone(number: str) -> bool:
    """Say whether a number is written like a day, a telephone number or a number of a person.

    Zeros before it only fill a field: `000000056675` is a series.
    """
    digits = whole_digits(number)
    return bool(_DAY.fullmatch(digits) or _REACHES.fullmatch(digits.lstrip("0")))


def whole_digits(number: str) -> str:
    """Return the digits before the point, however the number is written (`9.87654321E9`); "" where it is none."""
    text = number.strip().lstrip("+-")
    if not _NUMBER.match(text):
        return ""
    if "e" in text.casefold():
        size = Decimal(text)
        return f"{size.to_integral_value(ROUND_DOWN):f}" if size < UNWRITTEN else ""
    return text.partition(".")[0]


def out_of_size(keyword: str, number: str, vr: str) -> bool:
    """Say whether a number has more digits than its attribute can need: it numbers somebody.

    No count of a device has ten digits; measures of that size are not known to the unit, and end in zeros.
    """
    digits = whole_digits(number).lstrip("0")
    most = tables.most_digits().get(keyword, DIGITS)
    return len(digits) > most and not (vr == "DS" and most == DIGITS and digits.endswith("000"))


def is_one_of(known: Known, number: str) -> bool:
    """Say whether a number is one of a person, wherever its point stands (`98230.41577`)."""
    bare = number.strip().lstrip("+-")
    told = (bare, bare.lstrip("0"), whole_digits(bare))
    if any(len(one.lstrip("0")) >= SHORTEST and known.numbers(one, least=SHORTEST) for one in told):
        return True
    digits = bare.replace(".", "")
    alike = (digits, digits.lstrip("0"), digits.strip("0"))
    return any(len(one.lstrip("0")) >= POINTED and known.numbers(one, least=SHORTEST) for one in alike)


def listed(value: Any) -> list[Any]:
    """Return the values of an element as a list, whether it has one or many."""
    return list(value) if isinstance(value, (list, tuple, MultiValue)) else [value]


def written(number: Any) -> str:
    """Return a number of a binary value as a person would write it."""
    return f"{number:.6f}" if isinstance(number, float) else str(number)


def each(value: Any, change: Callable[[str], str], *, placed: bool = False) -> Any:
    """Apply `change` to every value of a possibly multiple one; values that become empty are left out.

    A value that was empty keeps its place: the third value of Image Type stays the third. With `placed` one that becomes
    empty before another keeps its place too.
    """
    if value is None or value == "":
        return value
    changed = [(str(old), change(str(old)) if str(old) else "") for old in listed(value)]
    last = max((at for at, (_, new) in enumerate(changed) if new), default=-1)
    kept = [new for at, (old, new) in enumerate(changed) if new or not old or (placed and at < last)]
    if not any(kept):
        return ""
    return kept if len(kept) > 1 else kept[0]


class Values:
    """Replacements for one person's file."""

    def __init__(
        self, *, keys: Keys, card: Card, known: Known, profile: Profile, persons: Known | None = None
    ) -> None:
        self._keys, self._days, self.known = keys, card.shift_days, known
        self._subject = card.subject
        self.persons = persons or known
        """What names someone in a text that a device writes."""
        self.full_dates = "retain-longitudinal-full-dates" in profile.options
        self.moved_dates = "retain-longitudinal-modified-dates" in profile.options

    def uid(self, value: Any) -> Any:
        return each(value, lambda uid: map_uid(self._keys, uid))

    def number(self, value: Any) -> Any:
        return each(value, lambda number: stands_for(self._keys, self._subject, number))

    def dummy(self, element: DataElement, vr: str) -> Any:
        if vr == "UI":
            return self.uid(element.value)
        return DUMMY.get(vr, 0 if vr in {"US", "SS", "UL", "SL", "FL", "FD", "SV", "UV"} else None)

    def date(self, value: Any, vr: str) -> Any:
        days = 0 if self.full_dates and not self.moved_dates else self._days
        change = {"DA": lambda v: shift_da(v, days), "DT": lambda v: shift_dt(v, days), "TM": valid_tm}[vr]
        return each(value, change)

    def text(self, value: Any, vr: str) -> Any:
        limit, prose = LIMIT.get(vr), vr in LONG_TEXT
        return each(value, lambda text: clean_text(text, self.known, prose=prose)[:limit].strip())

    def age(self, value: Any) -> Any:
        return each(value, cap_age)

    def coded(self, value: Any, vr: str, keyword: str = "") -> Any:
        """Return CS, IS and DS values that are what their VR says; others name nobody only when gone."""
        form, code = (_CS, True) if vr == "CS" else (_NUMBER, False)

        def stays(one: str) -> bool:
            if not form.match(one.strip().upper()) or self._is_known(one, vr):
                return False
            return not (code_tells(keyword, one) if code else out_of_size(keyword, one, vr))

        return each(value, lambda one: one if stays(one) else "", placed=code)

    def _is_known(self, value: str, vr: str) -> bool:
        if vr == "CS":
            defined = all(word in tables.vocabulary() for word in _LETTERS.findall(value.lower()))
            return len(value) >= MIN_PART and not defined and self.known.names(value)
        if vr == "IS" and abs(float(value)) > LARGEST_IS:
            return True
        return names_someone(value) or is_one_of(self.known, value)
