"""Questions of curators at the spoke: beside the item, answered by a person, held where they name anybody; and coverage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.spoke.conftest import CLOCK

from midas import compute
from midas.kernel import BadInput, Conflict, Unavailable
from midas.spoke import flow
from midas.spoke.covering import collected
from midas.spoke.intake import items
from midas.spoke.outbox import questions
from midas.spoke.outbox.models import Output, Question
from midas.wire.v1 import AnswerKept, AskedLine


@dataclass
class Hub:
    """The hub's side: what it asks, what it was told, and whether it can be reached."""

    lines: tuple[AskedLine, ...] = ()
    told: dict[int, tuple[str, str]] = field(default_factory=dict)
    away: bool = False
    refuses: bool = False

    def asked(self, dataset: str = "") -> tuple[AskedLine, ...]:
        self._reached()
        return tuple(one for one in self.lines if one.number not in self.told and one.dataset == dataset)

    def answer(self, number: int, *, kind: Any, words: str = "") -> AnswerKept:
        self._reached()
        if self.refuses:
            raise BadInput("The answer is not kept.")
        self.told[number] = (kind, words)
        return AnswerKept(number=number, kind=kind, words=words, at="2026-11-22T09:00:00+00:00")

    def _reached(self) -> None:
        if self.away:
            raise Unavailable("The hub did not answer.")


@pytest.fixture
def sent(work: Any, export: Path) -> Any:
    flow.receive(home=work.home, folder=export, runner=compute.here(), clock=CLOCK)
    return work


def line(work: Any, number: int = 7, **more: Any) -> AskedLine:
    made = Output.objects.filter(kind="instance").order_by("pk").first()
    assert made is not None
    told = {
        "subject": made.line["subject"], "series_uid": made.line["series_uid"], "study_uid": made.line["study_uid"],
    }  # fmt: skip
    return AskedLine(
        number=number, dataset="oral-cancer", asked_at="2026-11-22T08:00:00+00:00", rule="agreement.side",
        severity="error", message="The image shows the other side.", why="Which side is it?", **(told | more),
    )  # fmt: skip


def asked(work: Any, hub: Hub, number: int = 7) -> Question:
    questions.fetch(work, hub=hub, clock=CLOCK)
    return questions.questions(work).get(number=number)


def say(work: Any, one: Question, words: str, kind: str = "words") -> Question:
    return questions.answer(work, one, kind=kind, words=words, by_name="asha", clock=CLOCK)


def test_what_waits_for_a_person_stands_before_what_was_answered(sent: Any) -> None:
    hub = Hub(tuple(line(sent, number) for number in (7, 8, 9)))
    say(sent, asked(sent, hub, 9), "The table is right.")
    assert [one.number for one in questions.questions(sent)] == [8, 7, 9]


def test_a_question_finds_its_item_and_person_and_its_answer_the_hub(sent: Any) -> None:
    record = Output.objects.filter(kind="record").order_by("pk").first()
    assert record is not None
    of_row = {
        "series_uid": None,
        "study_uid": None,
        "table": record.line["table"],
        "record": record.line["record"],
    }
    hub = Hub((line(sent), line(sent, 8, **of_row)))
    one, row = asked(sent, hub), asked(sent, hub, 8)
    assert questions.fetch(sent, hub=hub, clock=CLOCK) == 2, "the same again changes nothing"
    (item,) = questions.items_of(sent, one)
    assert item.kind == "dicom"
    assert [found.number for found in questions.about(sent, item)] == [7]
    assert [found.kind for found in questions.items_of(sent, row)] == ["row"]
    person = questions.person_of(sent, one)
    assert person is not None
    assert person.pseudonym == one.asked["subject"]
    assert say(sent, one, "  The image is right,\nthe table is wrong. ").state == "ready"
    assert say(sent, row, "", kind="corrected").state == "ready"
    assert questions.exchange(sent, hub=hub, clock=CLOCK) == (2, 0)
    assert hub.told == {7: ("words", "The image is right, the table is wrong."), 8: ("corrected", "")}
    assert questions.exchange(sent, hub=hub, clock=CLOCK) == (0, 0)
    with pytest.raises(Conflict):
        say(sent, asked(sent, hub), "Once more.")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Ramesh is a man", "person"),
        ("It is Sunanda Kavlekarin", "person"),
        ("See WR/24/0002 in the table", "person"),
        ("Call 98230 12345", "pattern"),
        ("The lady came with Hemlata", "words"),
        ("It was taken on 12/03/2024", "words"),
    ],
)
def test_an_answer_that_may_name_somebody_is_held_and_stays(sent: Any, words: str, why: str) -> None:
    hub = Hub((line(sent),))
    one = say(sent, asked(sent, hub), words)
    assert (one.state, one.held_for) == ("held", why)
    assert words.encode() not in bytes(one.words or b""), "kept encrypted"
    assert questions.words_of(sent, one) == words
    questions.exchange(sent, hub=hub, clock=CLOCK)
    assert hub.told == {}
    if why == "words":
        assert questions.harmful(sent, words, subject=one.asked["subject"])
    assert say(sent, asked(sent, hub), "The table is right.").state == "ready"


def test_without_the_hub_an_answer_waits(sent: Any) -> None:
    hub = Hub((line(sent),))
    one = say(sent, asked(sent, hub), "The table is right.")
    hub.away = True
    with pytest.raises(Unavailable):
        questions.exchange(sent, hub=hub, clock=CLOCK)
    one.refresh_from_db()
    assert one.state == "ready"
    assert flow.exchange(home=sent.home, clock=CLOCK) == 0, "no hub is configured: nothing fails"
    hub.away, hub.refuses = False, True
    questions.exchange(sent, hub=hub, clock=CLOCK)
    one.refresh_from_db()
    assert (one.state, one.held_for) == ("held", "hub")


def test_what_is_asked_no_more_is_closed_and_can_be_asked_again(sent: Any) -> None:
    hub = Hub((line(sent),))
    asked(sent, hub)
    hub.lines = ()
    assert questions.fetch(sent, hub=hub, clock=CLOCK) == 0
    assert questions.questions(sent).get(number=7).state == "closed"
    hub.lines = (line(sent),)
    assert asked(sent, hub).state == "open"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_identifier_of_anybody_here_leaves_in_an_answer(sent: Any, data: st.DataObject) -> None:
    from midas.spoke.vault import persons
    from midas.spoke.vault.models import Person

    people = list(Person.objects.filter(project=sent.project).order_by("pk"))
    whose = data.draw(st.sampled_from(people))
    known = [value for kind, value in persons.known_of(sent, whose) if kind != "birth-date"]
    value = data.draw(st.sampled_from(sorted(known)))
    before = data.draw(st.sampled_from(["", "The image of ", "Yes, ", "The left side: "]))
    after = data.draw(st.sampled_from(["", ".", " is right", ", the table is wrong"]))
    about = data.draw(st.sampled_from([None, *(one.pseudonym for one in people)]))
    assert questions.why_held(sent, " ".join(f"{before}{value}{after}".split()), subject=about) != ""


def test_coverage_counts_what_waits_and_was_sent_here(sent: Any) -> None:
    found = collected(sent, more=1)
    assert found.people == 3, "the one who withdrew is not counted"
    (sex,) = found.compared
    assert {one.value: one.persons for one in sex.groups} == {"F": 2, "M": 1}
    assert [(one.variable, one.value, one.persons) for one in found.advice] == [("sex", "M", 1)]
    assert sum(found.counts["age"].values()) >= 2
    assert found.counts["device"]
    assert found.untold == ()
    for item in items.of_project(sent.project):
        assert items.name_of(sent, item) not in str(found)
