"""What is true of every grade, whatever the facts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence import STRONGER, all_at, fact, facts_for, passing

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


FREED = {"annotation.kappa", "annotation.dice", "synthetic.present"}
"""Kinds without which a grade may be better. `each` asks for what is known of two measures, and how many tasks there were
of each is no evidence of the rubric's (another file, so another id): a failing kappa is worse than none. Both are computed
together, over the same tasks, so nobody can leave one out. Without a word on synthetic data their domain applies.
"""


def almost(form: Form, level: int, spoilt: dict[str, bool | float], ink: Ink) -> list[Evidence]:
    """Return what brings each domain to a level, with other values of a few kinds; `ink` where a kind takes either."""
    whole = {one.kind: one for one in facts_for(RUBRIC, all_at(level), form)}
    whole |= {kind: fact(kind, value) for kind, value in spoilt.items()}
    inks = {kind: ink if RUBRIC.kinds[kind].by == "either" else Ink(RUBRIC.kinds[kind].by) for kind in whole}
    return [replace(one, ink=inks[kind]) for kind, one in whole.items()]


spoilt = st.dictionaries(st.sampled_from(KINDS), st.sampled_from([True, False, 0.0, 100.0]), max_size=4)
mixtures = st.builds(
    lambda form, level, spoilt, ink, more: (form, [*almost(form, level, spoilt, ink), *more]),
    forms, st.integers(3, 4), spoilt, st.sampled_from(Ink), st.lists(some, max_size=3),
)  # fmt: skip


@CALM
@given(mixture=mixtures, gone=st.sets(st.sampled_from(sorted({*KINDS} - FREED)), max_size=20))
def test_what_is_not_known_of_a_kind_never_raises_a_level(
    mixture: tuple[Form, list[Evidence]], gone: set[str]
) -> None:
    """All of a kind goes: of several facts of one kind the worst counts, so that without it the grade may be better."""
    form, known = mixture
    before = grade(RUBRIC, known, form=form)
    after = grade(RUBRIC, [one for one in known if one.kind not in gone], form=form)
    assert after.cqi <= before.cqi
    assert all(levels(after)[number] <= level for number, level in levels(before).items())


@CALM
@given(mixture=mixtures, gone=st.sets(st.sampled_from(sorted({*KINDS} - RUBRIC.lasting)), max_size=20))
def test_the_end_of_statements_never_raises_a_level_nor_opens_access(
    mixture: tuple[Form, list[Evidence]], gone: set[str]
) -> None:
    """As at the hub, each kind is stated once; no kind that may end is left out here."""
    form, known = mixture
    once = {(one.kind, one.ink): one for one in known}
    before = grade(RUBRIC, once.values(), form=form)
    left = [one for one in once.values() if one.kind not in gone or one.ink is Ink.COMPUTED]
    after = grade(RUBRIC, left, form=form)
    assert after.cqi <= before.cqi
    assert all(levels(after)[number] <= level for number, level in levels(before).items())
    if after.access is not None:
        assert before.access is not None
        assert stricter(before.access, after.access) is after.access


def test_a_failing_kappa_beside_a_good_dice_is_worse_than_none() -> None:
    """What `FREED` leaves out is so; a rubric that mends it drops the exception."""
    whole = facts_for(RUBRIC, {1: 4})
    failing = [fact("annotation.kappa", 0.7) if one.kind == "annotation.kappa" else one for one in whole]
    without = [one for one in whole if one.kind != "annotation.kappa"]
    assert [levels(grade(RUBRIC, one))[1] for one in (failing, without)] == [3, 4]


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
