"""Whom all hospitals have collected, at one of them: kept with its day, and still there when the hub is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK

from midas.kernel import FixedClock, Unavailable
from midas.spoke.covering import all_together
from midas.spoke.outbox import together
from midas.wire.v1 import CoverageTotal, CoveredVariable

TOLD = CoverageTotal(
    dataset="oral-cancer", protocol="1.0.0", mine=4, others=40,
    variables=(CoveredVariable(variable="sex", persons={"F": 9, "M": 34}, target={"F": 0.5, "M": 0.5}, unknown=1),),
)  # fmt: skip


@dataclass
class Hub:
    told: CoverageTotal
    away: bool = False

    def coverage(self, dataset: str) -> CoverageTotal:
        if self.away:
            raise Unavailable("The hub did not answer.")
        assert dataset == "oral-cancer"
        return self.told


pytestmark = pytest.mark.django_db


def test_what_the_hub_told_stands_while_it_is_away(work: Any) -> None:
    assert together.last(work) == (None, None)
    assert "did not answer" in together.ask(work, hub=Hub(TOLD, away=True), clock=CLOCK)
    kept, told = together.last(work)
    assert kept is not None
    assert (told, kept.told_at, kept.missed_at) == (None, None, CLOCK.now())
    assert together.ask(work, hub=Hub(TOLD), clock=CLOCK) == ""
    later = FixedClock(CLOCK.now() + timedelta(days=2))
    together.ask(work, hub=Hub(TOLD, away=True), clock=later)
    kept, told = together.last(work)
    assert kept is not None
    assert (told, kept.told_at, kept.missed_at) == (TOLD, CLOCK.now(), later.now())
    together.ask(work, hub=Hub(TOLD.model_copy(update={"others": 45})), clock=later)
    kept, told = together.last(work)
    assert kept is not None
    assert told is not None
    assert (told.others, kept.told_at, kept.missed_at) == (45, later.now(), None)


def test_the_next_persons_are_advised_for_all_hospitals(work: Any) -> None:
    found = all_together(TOLD, more=20)
    assert (found.people, found.others) == (44, 40)
    assert [(one.value, one.persons) for one in found.advice] == [("F", 20)]
    assert found.advice[0].certain
    (sex,) = found.compared
    assert (sex.persons, sex.unknown) == (43, 1)
