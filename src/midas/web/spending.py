"""What a dataset has taken: hours of processor, energy and carbon, from what spokes told and this hub kept.

In come rows of submissions, runs of the checks and releases; out come `Evidence` values and the figures of a page. Nothing
is measured here, so the same rows say the same again. What one of them does not say makes a part, which is shown as one and
is no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, Q

from midas.catalogue import findings
from midas.catalogue.models import CheckRun, Submission
from midas.compute import Meter, here, total
from midas.kernel import Clock, Evidence, Runner
from midas.release.models import Draft, Release
from midas.web.bootstrap import current_home
from midas.wire.v1 import Spent

HOUR_S, KWH_J, GB = 3600, 3_600_000, 1_000_000_000


@contextmanager
def metered(runner: Runner) -> Iterator[Meter]:
    """Yield a runner that tells what is done by it and around it."""
    said = current_home().config.footprint
    with Meter(runner, watts_per_core=said.watts_per_core, counters=said.counters) as meter:
        yield meter


def keep(row: Submission | CheckRun | Release, meter: Meter) -> None:
    """Write to a row what the work on it took; what it took before, when it was tried and refused, is added."""
    before = [Spent.model_validate(row.spent)] if row.spent else []
    row.spent = total([*before, meter.spent()]).model_dump(mode="json")
    row.save(update_fields=["spent"])


def keep_cut(cut: Callable[[], Release], *, clock: Clock) -> Release:
    """Cut a release or its twin, and keep what that took; one that was there before keeps what it took then."""
    began = clock.now()
    with metered(here()) as meter:
        made = cut()
        if made.spent is None and made.cut_at >= began:
            keep(made, meter)
    return made


@dataclass(frozen=True)
class Figures:
    """What a version took at spokes and here, as told by `told` of its `submissions`; `whole` where nothing is missing."""

    spokes: Spent
    here: Spent
    submissions: int
    told: int
    whole: bool

    @property
    def hours(self) -> float:
        """Hours of processor, all cores together."""
        return total([self.spokes, self.here]).processor_s / HOUR_S


def figures(draft: Draft) -> Figures:
    """Add up what spokes told of the draft's submissions, and what verifying, examining and cutting took here."""
    mine = Submission.objects.filter(dataset=draft.dataset, root__in=draft.submissions)
    brought = [(_spent(far), _spent(near)) for far, near in mine.values_list("header__spent", "spent")]
    cuts = Release.objects.filter(dataset=draft.dataset, version=draft.version)
    cut_at = cuts.aggregate(first=Min("cut_at"))["first"]
    of_all = Q(submission=None) & (Q(started_at__lte=cut_at) if cut_at else Q())
    runs = CheckRun.objects.filter(Q(submission__in=mine) | of_all, dataset=draft.dataset)
    done = [_spent(one) for rows in (runs, cuts) for one in rows.values_list("spent", flat=True)]
    spokes = [far for far, _ in brought if far]
    here = [one for one in (*(near for _, near in brought), *done) if one]
    told = sum(far is not None and near is not None for far, near in brought)
    waiting = findings.unchecked().filter(pk__in=mine).exists()
    whole = bool(brought) and told == len(brought) and None not in done and not waiting
    return Figures(total(spokes), total(here), len(brought), told, whole)


def _spent(kept: Any) -> Spent | None:
    return Spent.model_validate(kept) if kept else None


def evidence(draft: Draft, *, about: str) -> Iterator[Evidence]:
    """Yield hours, energy and carbon of a version; nothing of what is told in part, or rests on a number nobody set.

    `of` counts its submissions.
    """
    found = figures(draft)
    if not found.whole:
        return
    both, of = total([found.spokes, found.here]), found.submissions
    source = (
        f"{found.spokes.processor_s / HOUR_S:.3g} at spokes, {found.here.processor_s / HOUR_S:.3g} at the hub; "
        f"at most {both.peak_bytes / GB:.2g} GB a process"
    )
    yield Evidence("sustainability.compute", found.hours, about, source, unit="hours", of=of)
    if both.unknown_s:
        return
    kwh, source = (both.measured_j + both.estimated_j) / KWH_J, _how(both)
    yield Evidence("sustainability.energy", kwh, about, source, unit="kWh", of=of)
    grid = current_home().config.footprint
    if grid.grid_kg_per_kwh is not None:
        said = f"{grid.grid_kg_per_kwh:g} kg CO2 a kWh ({grid.grid_source}); energy {source}"
        yield Evidence("sustainability.carbon", kwh * grid.grid_kg_per_kwh, about, said, unit="kg", of=of)


def _how(spent: Spent) -> str:
    """Say how energy is known."""
    if not spent.estimated_s:
        return "read from RAPL counters of the whole machines"
    said = f"estimated from processor time at {spent.estimated_j / spent.estimated_s:.3g} W a core"
    share = spent.estimated_s / spent.processor_s
    return said if share > 0.995 else f"{said} for {share:.0%} of it, the rest read from RAPL counters"
