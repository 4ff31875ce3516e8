"""Releases on schedule: counted over the days of cutting, and never better than they were."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midas.release.upkeep import evidence, kept_days, months_after

DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 22), 6, date(2027, 5, 22)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
    ],
)
def test_a_planned_day_is_a_day_of_the_calendar(day: date, months: int, then: date) -> None:
    assert months_after(day, months) == then


def test_each_planned_day_needs_a_release_of_its_own() -> None:
    first = date(2026, 1, 31)
    assert kept_days(3, [], today=date(2030, 1, 1)) == ()
    assert kept_days(3, [first], today=date(2026, 4, 30)) == (), "the planned day is not over"
    assert kept_days(3, [first], today=date(2026, 5, 1)) == (False,)
    assert kept_days(3, [first, date(2026, 4, 30)], today=date(2026, 5, 1)) == (True,)
    late = [first, date(2026, 5, 2)]
    assert kept_days(3, late, today=date(2026, 8, 1)) == (False, True)
    several = [first, date(2026, 2, 1), date(2026, 2, 2)]
    assert kept_days(3, several, today=date(2026, 8, 1)) == (True, False), (
        "two early ones are not two on time"
    )


def test_what_is_not_planned_is_not_said() -> None:
    day = date(2026, 1, 31)
    assert list(evidence(None, [day], today=date(2030, 1, 1), about="a@1.0.0", source="/")) == []
    young = list(evidence(6, [day], today=date(2026, 2, 1), about="a@1.0.0", source="/"))
    assert [(one.kind, one.value) for one in young] == [("curation.cycle", True)]
    old = list(evidence(6, [day], today=date(2027, 3, 1), about="a@1.0.0", source="/"))
    assert [(one.kind, one.value, one.of) for one in old][1:] == [("curation.adherence", 0.0, 2)]


@given(st.lists(DAYS, min_size=1, max_size=12), st.integers(1, 24), DAYS)
def test_no_more_days_are_kept_than_releases_followed_the_first(
    cut_on: list[date], months: int, today: date
) -> None:
    kept = kept_days(months, cut_on, today=today)
    assert sum(kept) <= len(cut_on) - 1
    assert len(kept) == len(kept_days(months, [min(cut_on)], today=today)), "later releases plan nothing new"
