"""What is true of every grade, whatever the facts."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence import STRONGER, fact, passing

from midas.grading import grade, raise_this, rubric_named
from midas.grading.grades import Grade
from midas.grading.rubric import FORMS, Access, Comparison, Form, stricter
from midas.kernel import Evidence, Ink

RUBRIC = rubric_named()
CALM = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
KINDS = sorted(RUBRIC.kinds)
COMPARISONS = [
    comparison
    for domain in RUBRIC.domains
    for form in FORMS
    for step in domain.ladder(form)
    for statement in step
    for comparison in statement.comparisons
]
forms = st.sampled_from(FORMS)
values = st.one_of(
    st.booleans(),
    st.floats(-1, 101, allow_nan=False),
    st.sampled_from(["routine", "stigma", "critical", "coarse", "x"]),
)
some = st.builds(
    lambda kind, value, ink, interval: fact(
        kind, value, ink=ink, low=0.1 if interval else None, high=0.9 if interval else None
    ),
    st.sampled_from([*KINDS, "no.kind"]), values, st.sampled_from(Ink), st.booleans(),
)  # fmt: skip


def true_fact(comparison: Comparison) -> Evidence:
    """Return a fact that passes every comparison on its kind."""
    made = passing(RUBRIC, comparison)
    value = STRONGER.get(comparison.kind, made.value)
    bounds = (0.1, 0.9) if not isinstance(value, bool) else (None, None)
    return fact(comparison.kind, value, ink=made.ink, low=bounds[0], high=bounds[1])


true_facts = st.sampled_from([true_fact(one) for one in COMPARISONS])
facts = st.lists(st.one_of(some, true_facts), max_size=30)


def levels(made: Grade) -> dict[int, int]:
    return {one.number: one.level for one in made.domains}


@CALM
@given(facts=st.lists(true_facts, max_size=40), more=st.lists(true_facts, max_size=20), form=forms)
def test_more_true_evidence_never_lowers_a_level(
    facts: list[Evidence], more: list[Evidence], form: Form
) -> None:
    before, after = (levels(grade(RUBRIC, one, form=form)) for one in (facts, facts + more))
    assert all(after[number] >= before[number] for number in before)


@CALM
@given(facts=facts, form=forms, data=st.data())
def test_order_and_repetition_do_not_matter(facts: list[Evidence], form: Form, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts))
    assert grade(RUBRIC, facts, form=form) == grade(RUBRIC, [*shuffled, *facts], form=form)


@CALM
@given(facts=facts, form=forms)
def test_bounds_and_honesty(facts: list[Evidence], form: Form) -> None:
    made = grade(RUBRIC, facts, form=form)
    assert 0 <= made.computed <= made.cqi <= 100
    assert 0 <= made.prs.score <= 100
    assert (made.access is None) is bool(made.stops)
    known = {one.kind for one in facts}
    for domain in made.domains:
        for at, step in enumerate(domain.steps):
            for one in step:
                assert not (one.holds and one.standing == "missing")
                assert not one.holds or (one.evidence and {fact.kind for fact in one.evidence} <= known)
                assert one.holds or one.lacks
                assert one.holds or at >= domain.level  # nothing below the level is untrue


@CALM
@given(facts=facts, form=forms)
def test_the_stricter_wins(facts: list[Evidence], form: Form) -> None:
    made = grade(RUBRIC, facts, form=form)
    if made.access is not None:
        assert made.access is stricter(*made.cell, *([Access.CONTROLLED] if made.overridden else []))
    assert made.prs.score >= (
        made.prs_lite.score if form == "lite" else max(made.prs_lite.score, made.prs_technical.score)
    )


@CALM
@given(facts=facts, form=forms)
def test_advice_always_gains(facts: list[Evidence], form: Form) -> None:
    made = grade(RUBRIC, facts, form=form)
    advice = raise_this(RUBRIC, made)
    assert all(step.gain > 0 and step.needs and step.cqi > made.cqi for step in advice.steps)
    assert bool(advice.plan) is bool(advice.next_band)
    assert len({step.domain for step in advice.plan}) == len(advice.plan)
