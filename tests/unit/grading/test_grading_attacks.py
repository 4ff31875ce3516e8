"""Who would talk a grade up: marks that must not get lost, hands that must not judge, rubrics that stop nothing."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from tests.evidence import all_at, fact, facts_for, risk
from tests.unit.grading.conftest import Centre

from midas.grading import approve, grade, judge, rubric_named, submit
from midas.grading.models import Assessment, Statement
from midas.grading.opening import hands_of
from midas.grading.rubric.load import load
from midas.grading.stating import unstate
from midas.kernel import BadInput, Evidence, Forbidden, Ink
from midas.people import add_account, give_role
from midas.people.models import Role

RUBRIC = rubric_named()
FILE = resources.files("midas.grading.rubric").joinpath(f"{RUBRIC.id}.yaml").read_text("utf-8")


def shown(kind: str, value: Any) -> Evidence:
    """Return a statement that a stand-in for a document shows."""
    return fact(kind, value, ink=Ink.ATTESTED, demonstration=True)


@pytest.mark.parametrize(
    ("known", "stand_in"),
    [
        ([], shown("synthetic.present", value=False)),
        ([], shown("privacy.clinical_genomic", value=False)),
        (risk("aggregated", "stigma", 0.0), shown("privacy.dp_verified", value=True)),
    ],
)
def test_a_stand_in_that_decides_beside_the_ladders_is_marked_in_the_grade(
    known: list[Evidence], stand_in: Evidence
) -> None:
    """It leaves a domain out of the sum, or lifts what controls access, though no statement of a ladder rests on it."""
    made = grade(RUBRIC, [*known, stand_in])
    assert made.demonstration
    assert made.to_dict()["demonstration"] is True
    assert made.to_dict()["beside"] == [stand_in.to_dict()]
    assert not grade(RUBRIC, known).demonstration


def test_a_domain_that_does_not_apply_leaves_no_points_behind() -> None:
    facts = facts_for(RUBRIC, all_at(4))
    assert grade(RUBRIC, facts).domain(11).level == 4
    without = grade(
        RUBRIC,
        [one for one in facts if one.kind != "synthetic.present"] + [fact("synthetic.present", value=False)],
    )
    assert (without.points, without.maximum, without.cqi) == (56, 56, 100.0)
    assert without.to_dict()["domains"][10]["level"] is None


@pytest.mark.parametrize("value", [None, [1], {}, float("nan"), float("inf"), 10**400, b"x"])
def test_what_is_no_fact_is_refused_and_never_a_fault(value: Any) -> None:
    with pytest.raises(BadInput):
        grade(RUBRIC, [fact("annotation.kappa", value)])


@pytest.mark.parametrize("more", [{"low": "0.8"}, {"high": float("inf")}, {"of": float("nan")}, {"low": [1]}])
def test_what_stands_beside_a_value_is_a_number(more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        grade(RUBRIC, [fact("annotation.kappa", 0.9, **more)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{id: no-ethics, domain: 10,", "{id: no-ethics, domain: 99,"), ("domain: 10, level: 0,", "domain: 10, level: 7,"),
        ("band: remediation, says", "band: bottom, says"), ("sensitivity: [stigma, critical]", "sensitivity: [stigmata]"),
        ("unless_prs: low", "unless_prs: lowest"), ("kappa: {value: 0.80", "kappa: {value: -1"),
        ("kappa: {value: 0.80", "kappa: {value: nan"), ("kappa: {value: 0.80", "kappa: {value: inf"),
        ("direct: 50", "direct: -50"), ("direct: 50", "direct: nan"), ("stigma: 1.5", "stigma: 0"),
        ("direct: 50", "direct: 500"),
        ("epsilon_factor: 20", "epsilon_factor: 0"), ("parameters:\n", "parameters: []\nlimits:\n"),
        ("{id: low, to: 15", "{id: low, to: 41"), ("low: {diamond: [open],", "low: {diamond: [],"),
    ],
)  # fmt: skip
def test_a_rubric_that_stops_overrides_or_weighs_nothing_is_refused(old: str, new: str) -> None:
    assert old in FILE
    with pytest.raises(BadInput):
        load(FILE.replace(old, new, 1).encode())


def test_a_hand_that_was_taken_back_is_a_hand_all_the_same(centre: Centre) -> None:
    """Who stated something that another replaced, or took it back again, does not validate the form."""
    helper = add_account(name="helper", password="a long river of words")
    give_role(account=helper, role=Role.CURATOR, dataset="oral-cancer")
    give_role(account=helper, role=Role.NODAL)
    lite = centre.lite()
    centre.state(lite, by=helper)
    centre.state(lite)
    assert set(Statement.objects.values_list("stated_by__username", flat=True)) == {"asha"}
    assert helper.pk in hands_of(lite)
    unstate(assessment=lite, kind="stewardship.dpia", by=centre.curator, clock=centre.clock)
    lite = submit(assessment=lite, by=centre.curator, clock=centre.clock)
    technical = centre.technical(lite)
    for write in (
        lambda: approve(assessment=technical, by=helper, why="Mine is fine.", clock=centre.clock),
        lambda: centre.state(technical, by=helper),
        lambda: judge(assessment=technical, kind="stewardship.dpia", verdict="okay", by=helper),
        lambda: unstate(assessment=technical, kind="stewardship.dpia", by=helper, clock=centre.clock),
    ):
        with pytest.raises(Forbidden, match="own assessment"):
            write()
    assert hands_of(lite) == {centre.curator.pk, helper.pk}
    assert Assessment.objects.get(form="technical").open


def test_a_sealed_grade_is_plain_json() -> None:
    made = grade(RUBRIC, [*facts_for(RUBRIC, all_at(3)), *risk("coarse", "stigma", 0.05)])
    assert json.loads(json.dumps(made.to_dict(), allow_nan=False)) == made.to_dict()
