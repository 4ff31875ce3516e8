"""How near the persons collected are to those the dataset stands for, and whom to collect next. Pure, over counts.

In come counts of persons by value and target shares; out come shares with intervals, a distance, and ranked advice.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from midas.kernel import BadInput, NotFound
from midas.protocol import variables
from midas.protocol.model import Column, Protocol, Table
from midas.protocol.words import age_band
from midas.quality.intervals import shares
from midas.quality.persons import ages, named
from midas.quality.rows import heading

OTHER = "other"
"""The group of all values that the target does not name; it has what is left of the target's shares."""


@dataclass(frozen=True)
class Group:
    """One value: persons collected, their share with a 95 % interval (Jeffreys), and the target.

    `standardised` is the difference in units of its standard deviation, (p − t) / √((p(1−p) + t(1−t)) / 2) (Austin
    2009): from 0.1 up in size it is usually taken as imbalance. `off_target` is true where the target is outside
    the interval.
    """

    value: str
    persons: int
    share: float
    low: float
    high: float
    target: float
    standardised: float

    @property
    def difference(self) -> float:
        return self.share - self.target

    @property
    def off_target(self) -> bool:
        return not self.low <= self.target <= self.high


@dataclass(frozen=True)
class Coverage:
    """One variable against its target. `unknown` persons have no value and are in no share.

    `distance` is the total variation distance, half the sum of |p − t|: the share of persons who would have to be
    others. The true one is between `low` and `high` with 95 % (the shares' intervals, all at once). `chance` is the
    distance that as many persons drawn from the target itself would show on average: below it nothing is said.
    """

    variable: str
    persons: int
    unknown: int
    groups: tuple[Group, ...]
    distance: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Advice:
    """Collect so many more persons with this value.

    `before` and `after` are the distances of the variable, when all advice on it is followed; `certain` says that
    the group is off its target beyond chance.
    """

    variable: str
    value: str
    persons: int
    before: float
    after: float
    certain: bool


def cover(
    variable: str, counts: Mapping[str, int], target: Mapping[str, float], *, unknown: int = 0
) -> Coverage:
    """Compare counts of persons by value with target shares (0 to 1, at most 1 together).

    Values that the target does not name are `other`, with what its shares leave. Raise `BadInput` for an empty target.
    """
    total, named = sum(counts.values()), sum(target.values())
    if not target or named > 1 + 1e-9 or min((*target.values(), *counts.values(), unknown)) < 0:
        raise BadInput(
            f"The target of {variable} is no set of shares, or a count is below 0.",
            advice="Give shares between 0 and 1 that add up to at most 1.",
        )
    held = {value: counts.get(value, 0) for value in target}
    wanted = dict(target)
    rest = total - sum(held.values())
    if rest or named < 1 - 1e-9:
        held[OTHER], wanted[OTHER] = held.get(OTHER, 0) + rest, wanted.get(OTHER, 0.0) + max(1 - named, 0.0)
    known = list(held)
    share, low, high = shares([held[one] for one in known], [total] * len(known), method="jeffreys")
    groups = tuple(
        Group(one, held[one], p, least, most, wanted[one], _apart(p, wanted[one]))
        for one, p, least, most in zip(known, share.tolist(), low.tolist(), high.tolist(), strict=True)
    )
    chance = sum(math.sqrt(2 * t * (1 - t) / (math.pi * max(total, 1))) for t in wanted.values()) / 2
    least, most = _bounds(held, wanted)
    return Coverage(variable, total, unknown, groups, _distance(held, wanted), least, most, min(chance, 1.0))


def _apart(share: float, target: float) -> float:
    spread = math.sqrt((share * (1 - share) + target * (1 - target)) / 2)
    return (
        (share - target) / spread
        if spread
        else math.copysign(math.inf, share - target)
        if share != target
        else 0.0
    )


def _bounds(held: Mapping[str, int], wanted: Mapping[str, float]) -> tuple[float, float]:
    """Return the nearest and farthest that all shares together can be from the target."""
    total = sum(held.values())
    if not total:
        return 0.0, 1.0
    _, low, high = shares(list(held.values()), [total] * len(held), method="jeffreys", together=len(held))
    sides = list(zip((wanted[one] for one in held), low.tolist(), high.tolist(), strict=True))
    nearest = sum(max(least - t, t - most, 0.0) for t, least, most in sides) / 2
    farthest = sum(max(abs(least - t), abs(most - t)) for t, least, most in sides) / 2
    return nearest, min(farthest, 1.0)


def _distance(held: Mapping[str, int], wanted: Mapping[str, float]) -> float:
    """Return the total variation distance; nobody collected is as far as can be."""
    total = sum(held.values())
    return sum(abs(held[one] / total - wanted[one]) for one in held) / 2 if total else 1.0


def collect_next(found: Iterable[Coverage], *, more: int) -> tuple[Advice, ...]:
    """Say whom the next `more` persons should be: who is off target for certain first, then the largest numbers.

    Within a variable the persons go where they are missing once `more` have come, the largest lack first. A
    variable whose distance they cannot lower is left out. `other` is never advised, for it names nobody.
    """
    if more < 1:
        raise BadInput("Nobody is to be collected.", advice="Say how many persons come next, at least one.")
    advised = [one for coverage in found for one in _advice(coverage, more)]
    return tuple(sorted(advised, key=lambda one: (not one.certain, -one.persons, one.variable, one.value)))


def _advice(coverage: Coverage, more: int) -> list[Advice]:
    held = {one.value: one.persons for one in coverage.groups}
    wanted = {one.value: one.target for one in coverage.groups}
    total = coverage.persons + more
    queue = [(held[one] - wanted[one] * total, one) for one in held if one != OTHER]
    heapq.heapify(queue)
    come: Counter[str] = Counter()
    while come.total() < more and queue[0][0] <= -0.5:
        lack, value = queue[0]
        heapq.heapreplace(queue, (lack + 1, value))
        come[value] += 1
    after = _distance({one: number + come[one] for one, number in held.items()}, wanted)
    if after >= coverage.distance:
        return []
    certain = {one.value: one.off_target for one in coverage.groups}
    return [
        Advice(coverage.variable, value, number, coverage.distance, after, certain[value])
        for value, number in come.items()
    ]


def measure(protocol: Protocol, tables: Mapping[str, pl.DataFrame]) -> dict[str, tuple[Coverage, ...]]:
    """Return the coverage of each target of the protocol's `population`, in total (under "") and by hospital.

    `tables` are those of a release by name: `subjects`, `visits`, `series`, `labels`, `clinical/<table>`. Somebody
    with several values of one variable counts once under each.
    """
    sites = tables["subjects"].select("subject", "spoke")
    found: dict[str, list[Coverage]] = {site: [] for site in ("", *sorted(sites["spoke"].unique().to_list()))}
    for variable, target in protocol.population.variable.items():
        wanted = {one.value: one.share for one in target}
        values = values_of(protocol, variable, tables).drop_nulls().unique().join(sites, on="subject")
        for site, coverages in found.items():
            here = values if site == "" else values.filter(pl.col("spoke") == site)
            people = sites if site == "" else sites.filter(pl.col("spoke") == site)
            counted = here.group_by("value").len()
            counts = dict(zip(counted["value"].to_list(), counted["len"].to_list(), strict=True))
            unknown = people.height - here["subject"].n_unique()
            coverages.append(cover(variable, counts, wanted, unknown=unknown))
    return {site: tuple(coverages) for site, coverages in found.items()}


def values_of(protocol: Protocol, variable: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the pairs `subject`, `value` of a variable that the target population is divided by."""
    if variable in {"sex", "spoke"}:
        return tables["subjects"].select("subject", value=pl.col(variable).replace("U", None))
    if variable == "age-band":
        bands = [one.value for one in protocol.population.variable[variable]]
        return ages(tables["visits"]).select("subject", value=_band(bands))
    if variable == "device":
        made = pl.concat_str("manufacturer", "manufacturer_model", separator=" · ", ignore_nulls=True)
        return tables["series"].select("subject", value=pl.when(made != "").then(made))
    if variable in {one.id for one in protocol.targets} and variable not in variables(protocol):
        return tables["labels"].filter(pl.col("target") == variable).select("subject", "value")
    if found := column_of(protocol, variable):
        table, column = found
        cell = pl.col(heading(column.name)).cast(pl.String)
        return tables[f"clinical/{table.id}"].select("subject", value=cell)
    raise NotFound(
        f"The population is divided by {variable}, which nothing tells.", advice="Correct the protocol."
    )


def column_of(protocol: Protocol, variable: str) -> tuple[Table, Column] | None:
    """Return the clinical column that a variable of the target population names, with its table."""
    for table in protocol.tables:
        for column in table.columns:
            if column.role == "variable" and variable in {column.name, named(table, column)}:
                return table, column
    return None


def _band(words: Sequence[str]) -> pl.Expr:
    """Return the band that an age is in, in the target's own words."""
    found: pl.Expr = pl.lit(OTHER)
    for word in words:
        if band := age_band(word):
            found = pl.when(pl.col("age").is_between(*band)).then(pl.lit(word)).otherwise(found)
    return found
