"""Does a dataset come out as often as its protocol plans? Counted over the days on which its releases were cut.

In come the months between releases and the days of cutting; out come `Evidence` values, none where nothing is planned.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date

from midas.kernel import Evidence


def evidence(
    every_months: int | None, cut_on: Sequence[date], *, today: date, about: str, source: str
) -> Iterator[Evidence]:
    """Yield `curation.cycle` where releases are planned, and `curation.adherence` once a planned day has passed."""
    if every_months is None:
        return
    yield Evidence("curation.cycle", True, about, "protocol.yaml", of=every_months)
    kept = kept_days(every_months, cut_on, today=today)
    if kept:
        share = sum(kept) / len(kept)
        yield Evidence("curation.adherence", share, about, source, "share", of=len(kept))


def kept_days(every_months: int, cut_on: Sequence[date], *, today: date) -> tuple[bool, ...]:
    """Say of each planned day before `today` whether a release was cut since the one before it.

    Planned is every so many months after the first release, on its day of the month or the month's last. A release that
    is late stands under the next day: it does not put right the day that was missed.
    """
    found: list[bool] = []
    first = min(cut_on, default=today)
    before, day = first, months_after(first, every_months)
    while day < today:
        found.append(any(before < one <= day for one in cut_on))
        before, day = day, months_after(first, every_months * (len(found) + 1))
    return tuple(found)


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later; where that month is shorter, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
