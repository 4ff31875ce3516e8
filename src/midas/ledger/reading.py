"""Reading the ledger: pages of rows for the auditor, and what the hub noted about one person.

Pages go by key (time and number of a row), so that the last page of a hundred million rows costs what the first costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from midas.ledger.chain import FIELDS
from midas.ledger.models import Entry, Link, Refusal
from midas.people.models import Account

ON_PAGE = 50
START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """Which rows: empty values leave a field open; days are whole days in the hub's time zone, both included."""

    who: str = ""
    deed: str = ""
    dataset: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def by_day_only(self) -> bool:
        return not (self.who or self.deed or self.dataset)

    def of(self, rows: QuerySet[Any], *, before: str = "") -> QuerySet[Any]:
        """Narrow rows that have an entry's columns; `before` is put in front of their names."""
        exact = {name: one for name in ("who", "deed", "dataset") if (one := getattr(self, name))}
        if self.since:
            exact["at__gte"] = _midnight(self.since)
        if self.until:
            exact["at__lt"] = _midnight(self.until + timedelta(days=1))
        return rows.filter(**{before + name: one for name, one in exact.items()})


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True)
class Page:
    """Rows, newest first, each with `number` and `digest` of its link (`None` while it waits); `older` leads on."""

    rows: list[Any]
    older: str


def page(wanted: Wanted, *, by: Account | None = None, before: str = "", size: int = ON_PAGE) -> Page:
    """Return a page of rows: of one account where `by` is given. A `before` that is none starts at the newest row."""
    found = wanted.of(Entry.objects.all())
    if by is not None:
        found = found.filter(by=by)
    if (place := _place(before)) is not None:
        at, pk = place
        found = found.filter(Q(at__lt=at) | Q(pk__lt=pk), at__lte=at)
    rows: list[Any] = list(found.order_by("-at", "-pk")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    links = {one.entry_id: one for one in Link.objects.filter(entry_id__in=[row.pk for row in rows])}
    for row in rows:
        link = links.get(row.pk)
        row.number, row.digest = (link.number, link.digest) if link else (None, "")
    return Page(rows, _cursor(rows[-1]) if more else "")


def _cursor(row: Entry) -> str:
    return f"{(row.at - START_OF_TIME) // timedelta(microseconds=1)}.{row.pk}"


def _place(text: str) -> tuple[datetime, int] | None:
    micros, _, pk = text.partition(".")
    try:
        return START_OF_TIME + timedelta(microseconds=int(micros)), int(pk)
    except (ValueError, OverflowError):
        return None


def sealed(wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    """Yield (number, digest, columns of the entry …) of the linked rows that are wanted, in the chain's order.

    By days alone the rows come without a gap: all links from the first to the last of those days.
    """
    links = Link.objects.all()
    chosen = wanted.of(links, before="entry__")
    if wanted.by_day_only and (wanted.since or wanted.until):
        first, last = chosen.order_by("number").first(), chosen.order_by("-number").first()
        chosen = links.filter(number__range=(first.number, last.number)) if first and last else links.none()
    number = 0
    columns = ("number", "digest", *(f"entry__{name}" for name in FIELDS))
    while bundle := list(chosen.filter(number__gt=number).order_by("number").values_list(*columns)[:2_000]):
        yield from bundle
        number = bundle[-1][0]


def counted_now() -> QuerySet[Any]:
    """Return the refusals that are still being counted: they become rows when their hour has passed."""
    return Refusal.objects.order_by("-hour", "-times")
