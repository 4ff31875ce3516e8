"""What curators ask this hospital: fetched with the spoke's own token, answered by a person here, and sent when it can be.

In come the hub's open questions; out go answers that name nobody. Words are looked at twice: every word must be known to be
harmless, and none may be part of anybody's name or number here; what is not is held, with the reason, and never sent.
Without a hub everything but fetching and sending goes on; doing it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from django.db import transaction
from django.db.models import Case, Q, QuerySet, When

from midas.deid.words import Known, clean_text
from midas.kernel import BadInput, Clock, Conflict, NotFound
from midas.quality import leaks
from midas.spoke.intake.models import Item
from midas.spoke.outbox.models import Output, Question
from midas.spoke.vault import persons
from midas.spoke.vault.models import Identifier, Person
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import AnswerKept, AskedLine

State = Question.State
MOST_WORDS = 1000
LONGEST_NAME = 4
"""Words of a name or number that are looked up together."""

HELD = {
    "pattern": ("It looks like a number, an address or a date of somebody.", "यह किसी का नंबर, पता या तिथि लगता है।"),
    "person": ("It holds a name or number of a patient here.", "इसमें यहाँ के किसी मरीज़ का नाम या नंबर है।"),
    "words": ("Some of its words are not known to be harmless.", "इसके कुछ शब्द सुरक्षित नहीं माने जा सकते।"),
    "hub": ("The hub did not take it: to its rules it looks as if it named somebody.",
            "हब ने इसे नहीं लिया: उसके नियमों से लगता है कि इसमें किसी की पहचान है।"),
}  # fmt: skip
"""Why an answer is held, in English and Hindi; the advice is always to say it in other words."""


class Hub(Protocol):
    """What is asked of a hub; `midas.sdk.Client` is one."""

    def asked(self, dataset: str = "") -> tuple[AskedLine, ...]: ...
    def answer(self, number: int, *, kind: Literal["words", "corrected"], words: str = "") -> AnswerKept: ...


def questions(desk: Desk) -> QuerySet[Question]:
    """Return all questions, those that wait for a person here first, the latest first."""
    waits = Case(When(state__in=[State.OPEN, State.HELD], then=0), default=1)
    return Question.objects.filter(project=desk.project).order_by(waits, "-number")


def exchange(desk: Desk, *, hub: Hub, clock: Clock) -> tuple[int, int]:
    """Send the answers that are ready, then fetch what is asked; return how many were sent and are open.

    `Unavailable` where the hub does not answer; what was done until then stands.
    """
    sent = send_answers(desk, hub=hub, clock=clock)
    return sent, fetch(desk, hub=hub, clock=clock)


def fetch(desk: Desk, *, hub: Hub, clock: Clock) -> int:
    """Keep what the hub asks now, and close what it asks no more; return how many questions are open."""
    lines = hub.asked(desk.project.slug)
    at = clock.now()
    with transaction.atomic():
        for line in lines:
            Question.objects.get_or_create(
                project=desk.project, number=line.number,
                defaults={"asked": line.model_dump(mode="json"), "fetched_at": at},
            )  # fmt: skip
        open_here = questions(desk).filter(state__in=[State.OPEN, State.HELD])
        open_here.exclude(number__in=[line.number for line in lines]).update(state=State.CLOSED)
        again = questions(desk).filter(number__in=[line.number for line in lines], state=State.CLOSED)
        again.update(state=State.OPEN)
    return waiting(desk)


def waiting(desk: Desk) -> int:
    """Return how many questions wait for an answer."""
    return questions(desk).filter(state__in=[State.OPEN, State.HELD]).count()


def answer(desk: Desk, question: Question, *, kind: str, words: str, by_name: str, clock: Clock) -> Question:
    """Keep an answer: ready to be sent, or held where it may name somebody. `Conflict` once it was sent.

    `BadInput` for an empty answer in words, or one that is too long.
    """
    said = " ".join(words.split())
    if kind not in {"words", "corrected"} or len(said) > MOST_WORDS or (kind == "words" and not said):
        raise BadInput(
            "That is no answer.",
            advice=f"Write a sentence of at most {MOST_WORDS} characters, or say that a corrected copy was sent.",
        )
    if question.state in {State.SENT, State.CLOSED}:
        raise Conflict("This question is settled.", advice="Look at the open ones.")
    question.kind, question.by_name, question.answered_at = kind, by_name, clock.now()
    question.words = desk.vault.seal(said, about="answer") if said else None
    question.held_for = why_held(desk, said, subject=question.asked.get("subject"))
    question.state = State.HELD if question.held_for else State.READY
    question.save()
    return question


def words_of(desk: Desk, question: Question) -> str:
    return desk.vault.open(question.words, about="answer") if question.words else ""


def send_answers(desk: Desk, *, hub: Hub, clock: Clock) -> int:
    """Send what is ready; return how many the hub has now. Each is looked at again: more persons may be known by now."""
    number = 0
    for one in questions(desk).filter(state=State.READY).order_by("number"):
        words = words_of(desk, one)
        why = why_held(desk, words, subject=one.asked.get("subject"))
        try:
            if not why:
                kind: Literal["words", "corrected"] = "corrected" if one.kind == "corrected" else "words"
                hub.answer(one.number, kind=kind, words=words)
        except BadInput:
            why = "hub"
        except (Conflict, NotFound):
            one.state = State.CLOSED
        if why:
            one.state, one.held_for = State.HELD, why
        elif one.state == State.READY:
            one.state, one.sent_at = State.SENT, clock.now()
            number += 1
        one.save(update_fields=["state", "held_for", "sent_at"])
    return number


# -- does it name somebody? ------------------------------------------------------------------------------------


def why_held(desk: Desk, words: str, *, subject: str | None = None) -> str:
    """Return a code of `HELD`, or "" where the words may leave."""
    if not words:
        return ""
    if leaks.examine_line({"text": words}):
        return "pattern"
    known = Known.of([pair for one in _person(desk, subject) for pair in persons.known_of(desk, one)])
    if known.names(words) or _names_anybody(desk, words):
        return "person"
    return "" if clean_text(words, known, prose=True) == words else "words"


def harmful(desk: Desk, words: str, *, subject: str | None = None) -> tuple[str, ...]:
    """Return the words of a held answer that would have to go, for the person who wrote it; they stay here."""
    known = Known.of([pair for one in _person(desk, subject) for pair in persons.known_of(desk, one)])
    left = re.findall(r"\S+", clean_text(words, known, prose=True))
    gone: list[str] = []
    for word in words.split():
        if left and word == left[0]:
            left.pop(0)
        else:
            gone.append(word)
    return tuple(dict.fromkeys(gone))


def _names_anybody(desk: Desk, words: str) -> bool:
    """Say whether neighbouring words are, together, something that somebody of this hospital is known by."""
    tokens = re.findall(r"[^\s,;.:!?()\"']+", words)
    runs = _runs(tokens)
    kinds = ("name", "guardian", "uhid", "abha", "phone", "address", "other")
    lookups = {desk.vault.lookup(kind, run) for run in runs for kind in kinds}
    mine = Identifier.objects.filter(person__project=desk.project)
    wanted = list(lookups)
    return any(
        mine.filter(lookup__in=wanted[start : start + 500]).exists() for start in range(0, len(wanted), 500)
    )


def _runs(tokens: list[str]) -> Iterator[str]:
    for start in range(len(tokens)):
        for end in range(start + 1, min(start + LONGEST_NAME, len(tokens)) + 1):
            yield " ".join(tokens[start:end])


# -- whose and which -------------------------------------------------------------------------------------------


def _person(desk: Desk, subject: str | None) -> Iterable[Person]:
    found = Person.objects.filter(project=desk.project, pseudonym=subject) if subject else ()
    return [persons.survivor(one) for one in found]


def person_of(desk: Desk, question: Question) -> Person | None:
    """Return whom it is about; only here can a pseudonym lead back."""
    found = next(iter(_person(desk, question.asked.get("subject"))), None)
    return persons.survivor(found) if found else None


def about(desk: Desk, item: Item) -> list[Question]:
    """Return the questions about an item, the newest first."""
    lines = item.outputs.values_list("line", flat=True)
    told = {str(line.get(name)) for line in lines for name in ("record", "series_uid", "sop_instance_uid")}
    wanted = questions(desk).filter(Q(asked__record__in=told) | Q(asked__series_uid__in=told))
    return [one for one in wanted if item in items_of(desk, one)]


def items_of(desk: Desk, question: Question) -> list[Item]:
    """Return the items that it is about: the row, the image, or the images of the series."""
    asked = question.asked
    made = Output.objects.filter(project=desk.project)
    if asked.get("record"):
        made = made.filter(kind="record", line__record=asked["record"])
    elif asked.get("sop_instance_uid"):
        made = made.filter(kind="instance", line__sop_instance_uid=asked["sop_instance_uid"])
    elif asked.get("series_uid"):
        made = made.filter(kind="instance", line__series_uid=asked["series_uid"])
    else:
        return []
    return list(Item.objects.filter(outputs__in=made).distinct().order_by("pk"))
