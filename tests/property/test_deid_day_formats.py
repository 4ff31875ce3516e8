"""Days in tables: whatever way a day is written, writer and verifier read the same day, and it moves by the same days."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from midas.deid.celldates import read_day, shifted
from midas.deid.clinical_again import _moved
from midas.deid.search import LONG_MONTHS, MONTHS

TIMES = (
    "",
    "T10:35",
    "T10:35:20Z",
    "T10:35:20+05:30",
    " 10:35",
    " 10:35:20.123",
    " 10.35 am",
    ", 9:05 PM",
    " 7:05",
    " 10.35.20",
)
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")


@st.composite
def cells(draw: st.DrawFn) -> tuple[str, date, str]:
    """Return a cell, the day that it tells, and the order in which its numbers stand."""
    day = draw(st.dates(date(1855, 1, 1), date(2100, 12, 31)))
    order = draw(st.sampled_from(["day", "month"]))
    short = 1941 <= day.year <= 2040 and draw(st.booleans())
    year = f"{day.year % 100:02d}" if short else f"{day.year:04d}"
    wide = draw(st.sampled_from(["02d", "d"]))
    number, month = f"{day.day:{wide}}", f"{day.month:{wide}}"
    gap = draw(st.sampled_from("-/."))
    form = draw(st.sampled_from(["iso", "compact", "numbers", "worded"]))
    if form == "iso":
        cell = f"{day.year:04d}{gap}{month}{gap}{number}"
    elif form == "compact":
        return f"{day:%Y%m%d}" if 1900 <= day.year < 2100 else f"{day:%Y-%m-%d}", day, order
    elif form == "numbers":
        first, second = (number, month) if order == "day" else (month, number)
        gap = draw(st.sampled_from("-/. "))
        cell = f"{first}{gap}{second}{gap}{year}"
    else:
        name = draw(st.sampled_from([MONTHS[day.month - 1], LONG_MONTHS[day.month - 1]]))
        name = draw(st.sampled_from([name, name.upper(), name.lower()]))
        ending = draw(st.sampled_from(["", "st", "nd", "rd", "th"]))
        before, after = (
            draw(st.sampled_from(["", "-", "/", ".", " "])),
            draw(st.sampled_from(["", "-", "/", ".", ", ", " "])),
        )
        cell = f"{number}{ending}{before}{name}{after}{year}"
    cell += draw(st.sampled_from(TIMES))
    return cell.translate(DEVANAGARI) if draw(st.booleans()) and form == "numbers" else cell, day, order


@given(cells(), st.integers(-730, -1))
def test_writer_and_verifier_read_the_same_day(cell, days):
    text, day, order = cell
    read = read_day(text, order)
    assert read is not None
    assert read[0] == day
    out = shifted(text, days, order)
    assert _moved(text, out, days, order)
    first = 1900 if text.isdecimal() else 1850  # eight digits alone are a day from 1900 on
    if day + timedelta(days=days) >= date(first, 1, 1):
        again = read_day(out, order)
        assert again is not None
        assert again[0] == day + timedelta(days=days)
