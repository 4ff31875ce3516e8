"""Whom this hospital has collected so far, against whom the protocol's dataset stands for, and whom to collect next.

In come the spoke's own records, waiting and sent; out come counts and the comparison of `midas.quality.coverage`, in numbers
only. What the hub told of all hospitals together is compared in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from midas.kernel import NotFound
from midas.quality.coverage import Advice, Coverage, collect_next, cover, values_of
from midas.quality.persons import ages
from midas.quality.rows import frame_of
from midas.spoke.intake import items
from midas.spoke.intake.models import State
from midas.spoke.outbox.models import Output
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import CoverageTotal

BAND = 10
"""Years of the age bands in which persons are counted where the protocol sets no bands."""


@dataclass(frozen=True)
class Collected:
    """`people` in all; `compared` against targets; `untold`: variables of the target that nothing here tells.

    `counts` are persons by value, as collected, of what has no target: `sex`, `age`, `device` and each target of prediction.
    """

    people: int
    compared: tuple[Coverage, ...]
    advice: tuple[Advice, ...]
    untold: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]


def collected(desk: Desk, *, more: int) -> Collected:
    """Compare what waits and what was sent with the protocol's target; `more`: how many persons come next."""
    tables = _tables(desk)
    people = tables["subjects"].height
    compared: list[Coverage] = []
    untold: list[str] = []
    for variable, target in desk.protocol.population.variable.items():
        try:
            values = values_of(desk.protocol, variable, tables).drop_nulls().unique()
        except NotFound:
            untold.append(variable)
            continue
        counts = _count(values)
        unknown = people - values["subject"].n_unique()
        compared.append(cover(variable, counts, {one.value: one.share for one in target}, unknown=unknown))
    advice = collect_next(compared, more=more) if compared else ()
    return Collected(people, tuple(compared), advice, tuple(untold), _others(desk, tables))


@dataclass(frozen=True)
class All:
    """All hospitals together by what the hub told: `people` in all, as anyone is told."""

    people: int
    compared: tuple[Coverage, ...]
    advice: tuple[Advice, ...]


def all_together(told: CoverageTotal, *, more: int) -> All:
    """Compare what the hub told with the target it told; `more`: how many persons come next, at all hospitals."""
    compared = tuple(
        cover(one.variable, one.persons, one.target, unknown=one.unknown) for one in told.variables
    )
    advice = collect_next(compared, more=more) if compared else ()
    return All(told.mine + told.others, compared, advice)


def _count(values: pl.DataFrame) -> Counter[str]:
    counted = values.group_by("value").len().sort("value")
    return Counter(dict(zip(counted["value"].to_list(), counted["len"].to_list(), strict=True)))


def _others(desk: Desk, tables: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Count what the target does not name."""
    held = ages(tables["visits"])["age"].to_list()
    decades = Counter(min(age // BAND * BAND, 90) for age in held)
    found: dict[str, dict[str, int]] = {
        "age": {
            f"{one}+" if one == 90 else f"{one}–{one + BAND - 1}": decades[one] for one in sorted(decades)
        }
    }
    targets = [one.id for one in desk.protocol.targets if one.type == "category"]
    for variable in ("sex", "device", *targets):
        told = (
            tables["labels"].filter(pl.col("target") == variable).select("subject", "value")
            if variable in targets else values_of(desk.protocol, variable, tables)
        )  # fmt: skip
        found[variable] = dict(_count(told.drop_nulls().unique()).most_common())
    gone = {"age" if one == "age-band" else one for one in desk.protocol.population.variable}
    return {variable: counts for variable, counts in found.items() if counts and variable not in gone}


def _tables(desk: Desk) -> dict[str, pl.DataFrame]:
    """Return what was collected in the tables that a release has, as far as coverage reads them."""
    counted = items.of_project(desk.project).filter(state__in=[State.WAITING, State.SENT])
    mine = Person.objects.filter(pk__in=counted.values("person"), merged_into=None)
    people = list(mine.exclude(bases__withdrawn_on__isnull=False).distinct().order_by("pk"))
    names = {one.pk: one.pseudonym for one in people}
    text = pl.String
    subjects = [(one.pseudonym, one.sex, desk.home.config.name) for one in people]
    seen = [
        (names[visit.person_id], visit.name, visit.on.toordinal(), visit.age_years)
        for one in mine.filter(pk__in=names).prefetch_related("visits")
        for visit in one.visits.all()
    ]
    lines = Output.objects.filter(project=desk.project, person__in=names).order_by("pk")
    devices = [
        (line["subject"], line["facts"].get("Manufacturer"), line["facts"].get("ManufacturerModelName"))
        for line in lines.filter(kind="instance").values_list("line", flat=True).iterator()
    ]
    labels = [
        (line["subject"], line["target"], str(line["value"]))
        for line in lines.filter(kind="label").values_list("line", flat=True).iterator()
    ]
    frames = {
        "subjects": pl.DataFrame(subjects, {"subject": text, "sex": text, "spoke": text}, orient="row"),
        "visits": pl.DataFrame(
            seen, {"subject": text, "visit": text, "day": pl.Int64, "age_years": pl.Int64}, orient="row"
        ),
        "series": pl.DataFrame(
            devices, {"subject": text, "manufacturer": text, "manufacturer_model": text}, orient="row"
        ).unique(),
        "labels": pl.DataFrame(labels, {"subject": text, "target": text, "value": text}, orient="row"),
    }
    for table in desk.protocol.tables:
        frames[f"clinical/{table.id}"] = _clinical(table, lines)
    return frames


def _clinical(table: Any, lines: Any) -> pl.DataFrame:
    found = lines.filter(kind="record", line__table=table.id).values_list("line", flat=True)
    rows = {
        line["record"]: {"subject": line["subject"], **dict.fromkeys(_leaving(table)), **line["values"]}
        for line in found.iterator()
    }
    none = {"subject": None, **dict.fromkeys(_leaving(table))}
    return frame_of(table, rows.values() or [none]).filter(pl.col("subject").is_not_null())


def _leaving(table: Any) -> list[str]:
    return [one.name for one in table.columns if one.leaves]
