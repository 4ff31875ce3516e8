"""Dates and ages: moved by whole days, so that every interval between two days of one person is kept.

In come DICOM values (DA, DT, AS), out come values of the same kind; a date that cannot be read becomes nothing.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DT = re.compile(
    r"^(\d{8})((?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?([+-](?:0\d|1[0-4])[0-5]\d)?$",
    re.ASCII,
)
_DA = re.compile(r"^(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})$", re.ASCII)
_TM = re.compile(r"^([01]\d|2[0-3])(:?[0-5]\d(:?([0-5]\d|60)(\.\d{1,6})?)?)?$", re.ASCII)
_AS = re.compile(r"^(\d{1,3})([DWMY])$", re.ASCII)
OLDEST = 90
"""Years; from here on ages are one group (HIPAA 164.514(b)(2)(i)(C))."""


def shift_da(value: str, days: int) -> str:
    """Return YYYYMMDD moved by `days`, or "" where there is no such day."""
    match = _DA.match(value.strip())
    if not match:
        return ""
    try:
        moved = date(*(int(part) for part in match.groups())) + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return moved.strftime("%Y%m%d") if moved.year >= 1000 else ""


def shift_dt(value: str, days: int) -> str:
    """Return a DT whose day is moved; one less precise than a day cannot be moved and becomes ""."""
    match = _DT.match(value.strip())
    if not match:
        return shift_da(value, days)
    day = shift_da(match[1], days)
    return day + (match[2] or "") + (match[3] or "") if day else ""


def valid_tm(value: str) -> str:
    """Return a time of day as it is, or "" where it is not one."""
    value = value.strip()
    return value if _TM.match(value) else ""


def cap_age(value: str) -> str:
    """Return an age string with 90 years and over as one group, or "" where it is not an age."""
    match = _AS.match(value.strip().upper())
    if not match:
        return ""
    years = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}[match[2]] * int(match[1])
    return f"{OLDEST:03d}Y" if years >= OLDEST else f"{int(match[1]):03d}{match[2]}"
