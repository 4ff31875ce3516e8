"""What the spoke's work takes, kept until a parcel tells the hub the sum: hours, memory, energy; nothing of any one item.

What came in before anything was kept makes a parcel that tells nothing: a part is not told as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db.models import Max, Min, QuerySet

from midas.compute import Meter, total
from midas.kernel import Clock, Runner
from midas.spoke.intake.models import Item
from midas.spoke.outbox.models import Output, Parcel, Work
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import Spent


def meter_of(desk: Desk, runner: Runner) -> Meter:
    config = desk.home.config
    return Meter(runner, watts_per_core=config.watts_per_core, counters=config.energy_counters)


@contextmanager
def metered(desk: Desk, runner: Runner, *, clock: Clock) -> Iterator[Meter]:
    """Yield a runner that keeps what is done until the context ends, also where that is by an error."""
    began = clock.now()
    with meter_of(desk, runner) as meter:
        try:
            yield meter
        finally:
            keep(desk, meter, began_at=began)


def keep(desk: Desk, meter: Meter, *, began_at: datetime) -> None:
    """Keep what a meter has counted until now."""
    spent = meter.spent().model_dump(mode="json")
    Work.objects.create(project=desk.project, began_at=began_at, spent=spent)


def to_tell(desk: Desk, outputs: QuerySet[Output]) -> tuple[Spent | None, QuerySet[Work]]:
    """Return what all took that no parcel has told, and the rows that say so.

    None where something in these outputs came in before it was kept what work takes.
    """
    kept = Work.objects.filter(project=desk.project)
    found = kept.aggregate(first=Min("began_at"), last=Max("pk"))
    rows, first = kept.filter(parcel=None, pk__lte=found["last"] or 0), found["first"]
    if first is None or Item.objects.filter(outputs__in=outputs, batch__started_at__lt=first).exists():
        return None, rows
    return total(Spent.model_validate(one) for one in rows.values_list("spent", flat=True)), rows


def taken_back(parcel: Parcel) -> None:
    """Let the next parcel tell what a refused one told: its items go with that one."""
    Work.objects.filter(parcel=parcel).update(parcel=None)
