"""Until when a statement's document stands: it counts on its last day, and not from the next one on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.evidence import fact, facts_for
from tests.unit.grading.conftest import NOW, Centre

from midas.grading import approve, judge, look, rubric_named, send_back, submit
from midas.grading.models import Assessment, Statement
from midas.grading.rubric import FORMS
from midas.grading.stating import FARTHEST, read_day
from midas.kernel import BadInput, FixedClock, Ink
from midas.ledger.models import Entry

RUBRIC = rubric_named()
TODAY = NOW.date()
LAST = date(2027, 3, 31)
LAST_MOMENT = FixedClock(datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC))
NEXT_DAY = FixedClock(datetime(2027, 4, 1, tzinfo=UTC))
POLICY = "security.policy"
SECURITY = [one for form in FORMS for one in facts_for(RUBRIC, {8: 3}, form) if one.ink is Ink.COMPUTED]
"""What is computed of domain 8 up to level 3; the rest is stated, and without the policy it is level 2."""


def level(row: Assessment, clock: FixedClock) -> int:
    return look.grade_of(row, clock=clock).domain(8).level


def accept(technical: Assessment) -> None:
    for kind in ("security.reviewed", POLICY):
        judge(assessment=technical, kind=kind, verdict="okay")


def stated(centre: Centre) -> Assessment:
    row = centre.lite(SECURITY)
    centre.state(row, "security.reviewed")
    centre.state(row, POLICY, valid_until=LAST)
    return row


def test_a_statement_counts_on_its_last_day_and_is_missing_on_the_next(centre: Centre) -> None:
    row = stated(centre)
    on, after = (look.side(row, clock=clock) for clock in (LAST_MOMENT, NEXT_DAY))
    assert (on.grade.domain(8).level, on.ended) == (3, frozenset())
    assert (after.grade.domain(8).level, after.ended) == (2, frozenset({POLICY}))
    policy = next(one for one in after.grade.domain(8).steps[2] if POLICY in {it.kind for it in one.lacks})
    assert (policy.holds, policy.standing) == (False, "missing")
    assert next(one.to for one in after.advice.steps if one.domain == 8) > 2
    assert Entry.objects.last().details["valid_until"] == "2027-03-31"


def test_without_a_last_day_it_counts_for_good(centre: Centre) -> None:
    row = stated(centre)
    centre.state(row, POLICY)
    assert level(row, FixedClock(NOW + timedelta(days=40_000))) == 3


def test_a_form_that_is_not_open_is_judged_on_its_own_day(centre: Centre) -> None:
    """Looking at it later changes nothing; the nodal centre's decision is another judgement, on another day."""
    row = submit(assessment=stated(centre), by=centre.curator, clock=LAST_MOMENT)
    assert level(row, NEXT_DAY) == 3
    row.refresh_from_db()
    assert row.grade == look.grade_of(row, clock=NEXT_DAY).to_dict()

    technical = centre.technical(row, SECURITY)
    accept(technical)
    assert (level(technical, LAST_MOMENT), level(technical, NEXT_DAY)) == (3, 2)
    done = approve(assessment=technical, by=centre.nodal, why="Complete.", clock=LAST_MOMENT)
    for one in (done, Assessment.objects.get(pk=done.pk), Assessment.objects.get(pk=row.pk)):
        assert level(one, NEXT_DAY) == 3
        assert one.grade == look.grade_of(one, clock=NEXT_DAY).to_dict()


def test_what_ended_before_the_decision_does_not_count_in_it(centre: Centre) -> None:
    row = submit(assessment=stated(centre), by=centre.curator, clock=LAST_MOMENT)
    technical = centre.technical(row, SECURITY)
    accept(technical)
    done = approve(assessment=technical, by=centre.nodal, why="As far as it goes.", clock=NEXT_DAY)
    assert done.grade["domains"][7]["level"] == level(done, LAST_MOMENT) == 2


def test_what_was_sent_back_stays_as_it_was_and_the_open_form_looks_at_today(centre: Centre) -> None:
    row = submit(assessment=stated(centre), by=centre.curator, clock=LAST_MOMENT)
    technical = centre.technical(row, SECURITY)
    accept(technical)
    row = send_back(assessment=technical, by=centre.nodal, why="Say more.", clock=LAST_MOMENT)
    technical.refresh_from_db()
    assert (level(technical, NEXT_DAY), level(row, NEXT_DAY)) == (3, 2)


@pytest.mark.parametrize("until", [TODAY, LAST, TODAY.replace(year=TODAY.year + FARTHEST)])
def test_a_last_day_from_today_on_is_kept(centre: Centre, until: date) -> None:
    centre.state(centre.lite(), valid_until=until)
    assert Statement.objects.get().valid_until == until


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (TODAY - timedelta(days=1), "ended on 2026-11-21"), (date(1, 1, 1), "ended on 0001-01-01"),
        (date(2076, 11, 23), "more than 50 years ahead"), (date.max, "more than 50 years ahead"),
    ],
)  # fmt: skip
def test_a_last_day_that_is_past_or_far_ahead_is_refused(centre: Centre, until: date, why: str) -> None:
    row = centre.lite()
    with pytest.raises(BadInput, match=why):
        centre.state(row, valid_until=until)
    assert not Statement.objects.exists()


def test_what_the_data_are_has_no_last_day(centre: Centre) -> None:
    """When it ended, a domain would apply again or the override would be lifted: a grade would rise by the calendar."""
    assert RUBRIC.lasting == {"synthetic.present", "privacy.clinical_genomic"}
    row = centre.lite()
    for kind in RUBRIC.lasting:
        with pytest.raises(BadInput, match="has no last day"):
            centre.state(row, kind, valid_until=LAST)
        centre.state(row, kind)


def test_a_computed_fact_stays_when_the_statement_beside_it_ends(centre: Centre) -> None:
    row = centre.lite([fact("metadata.doi", True)])
    centre.state(row, "metadata.doi", valid_until=LAST)
    assert [one.ink for one in look.facts_of(row, day=NEXT_DAY.now().date())] == [Ink.COMPUTED]


def test_a_day_is_read_as_a_date_field_writes_it() -> None:
    assert (read_day(""), read_day("2027-03-31")) == (None, LAST)
    for text in ("31.03.2027", "2027-02-29", "soon"):
        with pytest.raises(BadInput, match="not a date"):
            read_day(text)
