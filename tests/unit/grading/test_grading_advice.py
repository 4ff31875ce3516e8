"""What would raise a grade: ranked, with the fewest statements, and true when it is followed."""

from itertools import product

import pytest
from tests.evidence import all_at, fact, facts_for, passing

from midas.grading import grade, raise_this, rubric_named
from midas.grading.rubric import FORMS, Form
from midas.kernel import Evidence

RUBRIC = rubric_named()


def follow(facts: list[Evidence], statements: set[str], form: Form) -> list[Evidence]:
    """Return the facts with those that the statements ask for in place of what was known."""
    wanted = {
        comparison.kind: passing(RUBRIC, comparison)
        for domain in RUBRIC.domains
        for step in domain.ladder(form)
        for one in step
        if one.id in statements
        for comparison in (one.all or one.comparisons[:1])
    }
    return [one for one in facts if one.kind not in wanted] + list(wanted.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", range(4))
def test_following_the_plan_reaches_the_next_band(form: Form, level: int) -> None:
    facts = facts_for(RUBRIC, all_at(level), form)
    before = grade(RUBRIC, facts, form=form)
    advice = raise_this(RUBRIC, before)
    bands = [one.id for one in RUBRIC.bands]
    needed = {one.id for step in advice.plan for one in step.needs}
    after = grade(RUBRIC, follow(facts, needed, form), form=form)
    assert bands.index(after.band) < bands.index(before.band)
    assert after.band == advice.next_band
    assert len(needed) == advice.statements


def test_the_first_advice_lifts_what_stops_a_release() -> None:
    made = grade(RUBRIC, facts_for(RUBRIC, {n: 2 for n in range(1, 16) if n != 10}))
    first = raise_this(RUBRIC, made).steps[0]
    assert (first.domain, first.lifts) == (10, "no-ethics")


def test_advice_is_ranked_by_points_for_each_statement() -> None:
    steps = raise_this(RUBRIC, grade(RUBRIC, facts_for(RUBRIC, all_at(1)))).steps
    worth = [step.gain / len(step.needs) for step in steps]
    assert worth == sorted(worth, reverse=True)
    assert len({step.domain for step in steps}) == len(steps) == 15


def test_a_higher_level_that_is_already_true_comes_with_the_step() -> None:
    facts = [one for one in facts_for(RUBRIC, {2: 4}) if one.kind != "metadata.structured"]
    step = next(one for one in raise_this(RUBRIC, grade(RUBRIC, facts)).steps if one.domain == 2)
    assert (step.level, step.to, [one.id for one in step.needs]) == (1, 4, ["2T2a"])


def test_the_plan_asks_for_the_fewest_statements() -> None:
    facts = facts_for(RUBRIC, all_at(2, range(1, 5)) | all_at(4, range(5, 12)) | all_at(3, range(12, 16)))
    made = grade(RUBRIC, facts)
    advice = raise_this(RUBRIC, made)
    target = next(one.lowest for one in RUBRIC.bands if one.id == advice.next_band)
    costs = []
    for domain in made.domains:
        needs = [
            sum(not one.holds for step in domain.steps[domain.level : to] for one in step)
            for to in range(domain.level, 5)
        ]
        costs.append(list(enumerate(needs)))
    best = min(
        sum(cost for _, cost in choice)
        for choice in product(*costs)
        if 100 * (made.points + sum(gain for gain, _ in choice)) / made.maximum >= target
    )
    assert advice.statements == best


def test_at_the_top_nothing_is_left_to_raise() -> None:
    advice = raise_this(RUBRIC, grade(RUBRIC, facts_for(RUBRIC, all_at(4))))
    assert (advice.steps, advice.plan, advice.next_band) == ((), (), "")


def test_a_domain_that_does_not_apply_is_not_advised() -> None:
    steps = raise_this(RUBRIC, grade(RUBRIC, [fact("synthetic.present", False)])).steps
    assert 11 not in {one.domain for one in steps}


def test_a_lack_says_what_is_wanted_and_what_was_found() -> None:
    facts = [
        one for one in facts_for(RUBRIC, {1: 4}) if one.kind not in {"annotation.kappa", "annotation.dice"}
    ]
    steps = raise_this(RUBRIC, grade(RUBRIC, [*facts, fact("annotation.kappa", 0.71)])).steps
    step = next(one for one in steps if one.domain == 1)
    lack = step.needs[0].lacks[0]
    assert (lack.kind, lack.wanted, lack.found) == ("annotation.kappa", "at least 0.8", (0.71,))
