"""The worked checks of MIDAS 2.0: levels, CQI, bands and borders, PRS, every cell of the matrix, override, hard stops."""

from __future__ import annotations

import pytest
from tests.evidence import all_at, fact, facts_for, risk

from midas.grading import Decision, grade, rubric_named
from midas.grading.grades import Standing
from midas.grading.judging import percent
from midas.grading.rubric import FORMS, Access, Form
from midas.kernel import BadInput, Evidence, Ink

RUBRIC = rubric_named()
NO_SYNTHETIC = fact("synthetic.present", False)
OPEN, CONTROLLED, RESTRICTED = Access.OPEN, Access.CONTROLLED, Access.RESTRICTED

ALL_BUT_11 = [number for number in range(1, 16) if number != 11]


def levels(points: int, numbers: list[int]) -> dict[int, int]:
    """Spread points over domains, the tenth first so that nothing stops the release."""
    found = dict.fromkeys(numbers, 0)
    for number in sorted(numbers, key=lambda one: one != 10):
        found[number] = min(4, points)
        points -= found[number]
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(1, 16))
@pytest.mark.parametrize("level", range(5))
def test_each_level_of_each_ladder_is_reached_by_its_statements(form: Form, number: int, level: int) -> None:
    made = grade(RUBRIC, facts_for(RUBRIC, {number: level}, form), form=form)
    reached = made.domain(number).level
    assert reached >= level
    above = made.domain(number).steps[level : level + 1]
    assert reached == level or all(one.holds for one in above[0])  # the next level's facts were the same


@pytest.mark.parametrize("form", FORMS)
def test_one_missing_statement_is_one_level_down(form: Form) -> None:
    for domain in RUBRIC.domains:
        whole = facts_for(RUBRIC, {domain.number: 4}, form)
        for level, step in enumerate(domain.ladder(form), 1):
            for statement in step:
                left = [one for one in whole if one.kind not in statement.kinds]
                assert grade(RUBRIC, left, form=form).domain(domain.number).level < level, statement.id


@pytest.mark.parametrize(
    ("points", "synthetic", "cqi", "band"),
    [
        (45, True, 75.00, "gold"), (56, False, 100.0, "diamond"), (51, True, 85.0, "platinum"),
        (57, True, 95.0, "diamond"), (42, True, 70.0, "gold"), (53, False, 94.64, "platinum"),
        (56, True, 93.33, "platinum"), (50, True, 83.33, "gold"), (41, True, 68.33, "silver"), (30, True, 50.0, "silver"),
        (29, True, 48.33, "bronze"), (15, True, 25.0, "bronze"), (14, True, 23.33, "remediation"),
        (0, True, 0.0, "remediation"), (60, True, 100.0, "diamond"), (28, False, 50.0, "silver"),
        (14, False, 25.0, "bronze"), (13, False, 23.21, "remediation"),
    ],
)  # fmt: skip
def test_cqi_and_band(points: int, synthetic: bool, cqi: float, band: str) -> None:
    numbers = list(range(1, 16)) if synthetic else ALL_BUT_11
    facts = facts_for(RUBRIC, levels(points, numbers))
    made = grade(RUBRIC, facts if synthetic else [*facts, NO_SYNTHETIC])
    assert (made.points, made.maximum) == (points, 60 if synthetic else 56)
    assert (made.cqi, made.band) == (cqi, band)


def test_all_threes_are_gold() -> None:
    made = grade(RUBRIC, facts_for(RUBRIC, all_at(3), "lite"), form="lite")
    assert (made.points, made.cqi, made.band) == (45, 75.0, "gold")


def test_a_score_left_over_in_domain_11_is_not_added() -> None:
    made = grade(RUBRIC, [*facts_for(RUBRIC, all_at(4)), NO_SYNTHETIC])
    assert (made.points, made.maximum, made.cqi) == (56, 56, 100.0)


def test_rounding_is_half_up() -> None:
    assert percent(1, 3) == 33.33
    assert percent(2, 3) == 66.67
    assert percent(1, 800) == 0.13  # 0.125
    assert percent(0, 0) == 0


def test_the_computed_share_counts_levels_without_attested_statements() -> None:
    made = grade(RUBRIC, facts_for(RUBRIC, {2: 4}))
    assert (made.domain(2).level, made.domain(2).computed) == (4, 3)  # FAIRness is attested
    assert made.computed == 5.0 < made.cqi == 6.67


LITE = [
    ("direct", 50, 75, 100), ("unique", 30, 45, 60), ("coarse", 15, 23, 30), ("generalised", 5, 8, 10),
    ("aggregated", 0, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "sensitivity", "score"),
    [
        (step, sensitivity, score)
        for step, *scores in LITE
        for sensitivity, score in zip(("routine", "stigma", "critical"), scores, strict=True)
    ],
)
def test_every_reachable_prs_lite(step: str, sensitivity: str, score: int) -> None:
    assert grade(RUBRIC, risk(step, sensitivity), form="lite").prs.score == score


@pytest.mark.parametrize(
    ("p", "score", "band"),
    [
        (0.0, 0, "low"), (0.15, 15, "low"), (0.154, 15, "low"), (0.155, 16, "moderate"), (0.40, 40, "moderate"),
        (0.405, 41, "high"), (0.70, 70, "high"), (0.705, 71, "very-high"), (1.0, 100, "very-high"), (0.285, 29, "moderate"),
    ],
)  # fmt: skip
def test_technical_tables_and_borders_of_the_bands(p: float, score: int, band: str) -> None:
    prs = grade(RUBRIC, risk("aggregated", "routine", p)).prs_technical
    assert (prs.score, prs.band) == (score, band)


@pytest.mark.parametrize(
    ("epsilon", "score"), [(0.0, 0), (0.5, 10), (1.0, 20), (2.025, 41), (5.0, 100), (9.0, 100)]
)
def test_technical_differential_privacy(epsilon: float, score: int) -> None:
    facts = [*risk("aggregated", "routine"), fact("privacy.epsilon", epsilon)]
    assert grade(RUBRIC, facts).prs_technical.score == score


def test_sensitivity_raises_the_technical_score_up_to_100() -> None:
    assert grade(RUBRIC, risk("aggregated", "stigma", 0.05)).prs_technical.score == 8  # 7.5, half-up
    assert grade(RUBRIC, risk("aggregated", "critical", 0.9)).prs_technical.score == 100


def test_the_riskiest_baseline_and_class_count() -> None:
    facts = [
        *risk("aggregated", "routine", 0.02),
        fact("privacy.face_risk", 0.3),
        fact("privacy.identification", "coarse"),
    ]
    made = grade(RUBRIC, facts)
    assert (made.prs_technical.score, made.prs_technical.method) == (30, "privacy.face_risk")
    assert made.prs_lite.score == 15


@pytest.mark.parametrize(
    "facts",
    [
        [], [fact("privacy.sensitivity", "routine")], [fact("privacy.identification", "coarse")],
        risk("coarse", "unheard of"), risk("unheard of", "routine"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_the_highest_risk(facts: list[Evidence]) -> None:
    prs = grade(RUBRIC, facts, form="lite").prs
    assert (prs.score, prs.band, bool(prs.missing)) == (100, "very-high", True)


@pytest.mark.parametrize("value", [-0.1, True, "low"])
def test_a_baseline_that_is_no_risk_is_the_highest_risk(value: float) -> None:
    facts = [*risk("coarse", "routine", 0.1), fact("privacy.text_risk", value)]
    assert grade(RUBRIC, facts).prs_technical.score == 100


def test_images_alone_do_not_make_a_technical_score() -> None:
    facts = [*risk("coarse", "routine"), fact("privacy.face_risk", 0.01)]
    assert grade(RUBRIC, facts).prs_technical.missing == ("privacy.probability",)


def test_the_technical_form_takes_the_higher_of_both_scores() -> None:
    assert grade(RUBRIC, risk("unique", "routine", 0.1)).prs.score == 30
    assert grade(RUBRIC, risk("generalised", "routine", 0.5)).prs.score == 50


POINTS = {"diamond": 60, "platinum": 54, "gold": 45, "silver": 33, "bronze": 20}
SCORES = {"low": 0.10, "moderate": 0.30, "high": 0.60, "very-high": 0.90}
MATRIX = {
    "low": [(OPEN,), (OPEN, CONTROLLED), (CONTROLLED, OPEN), (CONTROLLED,), (RESTRICTED,)],
    "moderate": [(OPEN, CONTROLLED), (CONTROLLED,), (CONTROLLED,), (RESTRICTED,), (RESTRICTED,)],
    "high": [(CONTROLLED,), (CONTROLLED,), (RESTRICTED,), (RESTRICTED,), (RESTRICTED,)],
    "very-high": [(RESTRICTED,)] * 5,
}
CELLS = [(prs, band, cell) for prs, row in MATRIX.items() for band, cell in zip(POINTS, row, strict=True)]


@pytest.mark.parametrize(("prs", "band", "cell"), CELLS)
def test_every_cell_of_the_matrix(prs: str, band: str, cell: tuple[Access, ...]) -> None:
    facts = [
        *facts_for(RUBRIC, levels(POINTS[band], list(range(1, 16)))),
        *risk("aggregated", "routine", SCORES[prs]),
    ]
    made = grade(RUBRIC, facts)
    assert (made.band, made.prs.band, made.cell, made.stops) == (band, prs, cell, ())
    assert made.access is (CONTROLLED if CONTROLLED in cell else cell[0])
    for one in Access:
        decided = Decision(one, "asha", "agreed with the committee")
        if one in cell:
            assert grade(RUBRIC, facts, decided=decided).access is one
        else:
            with pytest.raises(BadInput, match="matrix leaves"):
                grade(RUBRIC, facts, decided=decided)


DIAMOND = facts_for(RUBRIC, all_at(4))


@pytest.mark.parametrize(
    ("more", "access"),
    [
        (risk("aggregated", "routine", 0.1), OPEN),
        (risk("aggregated", "stigma", 0.1), CONTROLLED),
        (risk("aggregated", "critical", 0.05), CONTROLLED),
        ([*risk("aggregated", "routine", 0.1), fact("privacy.clinical_genomic", True)], CONTROLLED),
        ([*risk("aggregated", "routine", 0.1), fact("privacy.clinical_genomic", False)], OPEN),
    ],
)
def test_the_override(more: list[Evidence], access: Access) -> None:
    verified = fact("privacy.dp_verified", True, ink=Ink.ATTESTED)
    made = grade(RUBRIC, [*DIAMOND, *more])
    assert made.access is access
    assert made.overridden is (access is CONTROLLED)
    assert grade(RUBRIC, [*DIAMOND, *more, verified]).access is OPEN


def test_verified_differential_privacy_lifts_the_override_only_at_low_risk() -> None:
    verified = fact("privacy.dp_verified", True, ink=Ink.ATTESTED)
    made = grade(RUBRIC, [*DIAMOND, *risk("aggregated", "stigma", 0.2), verified])
    assert (made.prs.band, made.access) == ("moderate", CONTROLLED)


def test_a_decision_does_not_undo_the_override() -> None:
    facts = [*facts_for(RUBRIC, levels(54, list(range(1, 16)))), *risk("aggregated", "stigma", 0.05)]
    assert grade(RUBRIC, facts, decided=Decision(OPEN, "asha", "why")).access is CONTROLLED


def test_the_override_never_loosens() -> None:
    facts = [*facts_for(RUBRIC, levels(20, list(range(1, 16)))), *risk("aggregated", "stigma", 0.05)]
    assert grade(RUBRIC, facts).access is RESTRICTED


def test_without_ethics_nothing_leaves() -> None:
    best = facts_for(RUBRIC, {number: 4 for number in range(1, 16) if number != 10})
    made = grade(RUBRIC, [*best, *risk("aggregated", "routine", 0.0)])
    assert (made.cqi, made.releasable, made.access, made.stops) == (93.33, False, None, ("no-ethics",))


def test_remediation_is_not_releasable() -> None:
    made = grade(RUBRIC, [*facts_for(RUBRIC, {10: 4}), *risk("aggregated", "routine", 0.0)])
    assert (made.band, made.access, made.stops) == ("remediation", None, ("remediation",))


def test_computed_goes_before_attested_and_the_worst_of_several_counts() -> None:
    attested = fact("metadata.doi", True, ink=Ink.ATTESTED)
    shown = {one.id: one for one in grade(RUBRIC, [attested]).domain(2).steps[1]}
    assert shown["2T2b"].standing is Standing.ATTESTED
    assert shown["2T2b"].holds
    both = {one.id: one for one in grade(RUBRIC, [attested, fact("metadata.doi", False)]).domain(2).steps[1]}
    assert both["2T2b"].standing is Standing.COMPUTED
    assert not both["2T2b"].holds
    for kappas in ([0.9, 0.79], [0.79, 0.9]):
        facts = facts_for(RUBRIC, {1: 4}) + [fact("annotation.kappa", one) for one in kappas]
        assert grade(RUBRIC, facts).domain(1).level == 3


def test_one_task_below_the_limit_is_not_outweighed_by_another_measure() -> None:
    facts = [
        one for one in facts_for(RUBRIC, {1: 4}) if one.kind not in {"annotation.kappa", "annotation.dice"}
    ]
    assert grade(RUBRIC, [*facts, fact("annotation.dice", 0.85)]).domain(1).level == 4
    assert grade(RUBRIC, [*facts, fact("annotation.kappa", 0.80)]).domain(1).level == 4
    assert (
        grade(RUBRIC, [*facts, fact("annotation.kappa", 0.80), fact("annotation.dice", 0.84)]).domain(1).level
        == 3
    )


def test_a_kind_is_heard_only_in_its_ink() -> None:
    made = grade(
        RUBRIC,
        [fact("annotation.kappa", 0.9, ink=Ink.ATTESTED), fact("stewardship.dpia", True), fact("no.kind", 1)],
    )
    assert made.unheard == ("annotation.kappa", "no.kind", "stewardship.dpia")


def test_what_is_no_number_is_refused() -> None:
    for value in ("nan", "inf", "-inf"):
        with pytest.raises(BadInput, match="not a number"):
            grade(RUBRIC, [fact("annotation.kappa", float(value))])
    with pytest.raises(BadInput, match="not a number"):
        grade(RUBRIC, [fact("annotation.kappa", 0.9, low=float("nan"))])


def test_a_fact_of_another_type_never_passes() -> None:
    for value in ("true", 1.0, "yes"):
        made = grade(RUBRIC, [fact("metadata.title", value), fact("metadata.basic", True)])
        assert made.domain(2).level == 0


def test_a_demonstration_is_marked_up_to_the_grade() -> None:
    facts = [one for one in facts_for(RUBRIC, {2: 4}) if one.kind != "metadata.fair"]
    made = grade(RUBRIC, [*facts, fact("metadata.fair", True, ink=Ink.ATTESTED, demonstration=True)])
    assert made.demonstration
    assert made.to_dict()["demonstration"]
    assert not grade(RUBRIC, facts).demonstration


def test_the_whole_grade_is_plain_data() -> None:
    plain = grade(RUBRIC, DIAMOND).to_dict()
    assert (plain["rubric"], plain["status"]) == (RUBRIC.id, "draft for expert validation")
    assert len(plain["domains"]) == 15
    assert set(plain["groups"]) == set(RUBRIC.groups)
