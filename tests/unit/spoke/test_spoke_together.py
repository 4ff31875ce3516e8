"""Whom all hospitals have collected, at one of them: kept with its day, and still there when the hub is not."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK

from midas.kernel import FixedClock, Unavailable
from midas.spoke import flow
from midas.spoke.covering import all_together
from midas.spoke.outbox import together
from midas.spoke.outbox.models import Together
from midas.wire.v1 import AskedLine, CoverageTotal, CoveredVariable

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


def test_what_is_kept_in_an_older_shape_was_not_told_yet(work: Any) -> None:
    together.ask(work, hub=Hub(TOLD), clock=CLOCK)
    Together.objects.update(told={"dataset": "oral-cancer", "people": 44})
    kept, told = together.last(work)
    assert kept is not None
    assert told is None
    together.ask(work, hub=Hub(TOLD), clock=CLOCK)
    assert together.last(work)[1] == TOLD


@dataclass
class Away:
    """A hub that counts how often it is asked, and does not answer."""

    asked_for: list[str] = field(default_factory=list)

    def asked(self, dataset: str = "") -> tuple[AskedLine, ...]:
        self.asked_for.append("questions")
        raise Unavailable("The hub did not answer.")

    def coverage(self, dataset: str) -> CoverageTotal:
        self.asked_for.append("coverage")
        raise Unavailable("The hub did not answer.")


def test_a_hub_that_is_away_is_asked_once(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Away()
    monkeypatch.setattr(flow, "hub_of", lambda desk, attempts: nullcontext(hub))
    assert flow.exchange(home=work.home, clock=CLOCK) == 0
    assert hub.asked_for == ["questions"]


def test_the_next_persons_are_advised_for_all_hospitals(work: Any) -> None:
    found = all_together(TOLD, more=20)
    assert found.people == 44
    assert [(one.value, one.persons) for one in found.advice] == [("F", 20)]
    assert found.advice[0].certain
    (sex,) = found.compared
    assert (sex.persons, sex.unknown) == (43, 1)
