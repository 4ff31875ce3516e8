"""A grade → what would raise it with the fewest statements. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from midas.grading.grades import DomainGrade, Grade, Judged
from midas.grading.judging import percent
from midas.grading.rubric import Rubric


@dataclass(frozen=True, slots=True)
class Step:
    """Raise one domain from a level to another by making `needs` true; `cqi` is the CQI that alone would give."""

    domain: int
    name: str
    level: int
    to: int
    needs: tuple[Judged, ...]
    cqi: float
    lifts: str = ""

    @property
    def gain(self) -> int:
        return self.to - self.level


@dataclass(frozen=True, slots=True)
class Advice:
    """`steps`: one for each domain, best first. `plan`: the fewest statements that reach `next_band`."""

    steps: tuple[Step, ...]
    next_band: str
    plan: tuple[Step, ...]

    @property
    def statements(self) -> int:
        """How many statements the plan asks for."""
        return sum(len(one.needs) for one in self.plan)


def raise_this(rubric: Rubric, grade: Grade) -> Advice:
    """Return what to do next. First what stops a release, then most points for each statement, then fewest statements."""
    ways = [_ways(rubric, grade, one) for one in grade.domains if one.applies and one.level < 4]
    best = [
        max(steps, key=lambda one: (bool(one.lifts), one.gain / len(one.needs), -one.to)) for steps in ways
    ]
    best.sort(key=lambda one: (not one.lifts, -one.gain / len(one.needs), len(one.needs), one.domain))
    higher = [one for one in rubric.bands if one.lowest > grade.cqi]
    if not higher:
        return Advice(tuple(best), "", ())
    target = higher[-1]
    wanted = next(n for n in range(grade.maximum + 1) if percent(n, grade.maximum) >= target.lowest)
    return Advice(tuple(best), target.id, _fewest(ways, wanted - grade.points))


def _ways(rubric: Rubric, grade: Grade, domain: DomainGrade) -> tuple[Step, ...]:
    """Return the steps to each higher level of a domain; a level that would be reached without more is passed."""
    stop = next(
        (one.id for one in rubric.hard_stops if (one.domain, one.level) == (domain.number, domain.level)), ""
    )
    steps = []
    for to in range(domain.level + 1, 5):
        if to < 4 and all(one.holds for one in domain.steps[to]):
            continue
        needs = tuple(one for step in domain.steps[domain.level : to] for one in step if not one.holds)
        cqi = percent(grade.points + to - domain.level, grade.maximum)
        steps.append(Step(domain.number, domain.name, domain.level, to, needs, cqi, stop))
    return tuple(steps)


def _fewest(ways: list[tuple[Step, ...]], points: int) -> tuple[Step, ...]:
    """Choose at most one step of each domain so that the points come together with the fewest statements."""
    best: dict[int, tuple[int, tuple[Step, ...]]] = {0: (0, ())}
    for steps in ways:
        after = dict(best)
        for reached, (cost, chosen) in best.items():
            for one in steps:
                to, price = min(points, reached + one.gain), cost + len(one.needs)
                if to not in after or price < after[to][0]:
                    after[to] = (price, (*chosen, one))
        best = after
    return best[points][1] if points in best else ()
