"""What curators ask hospitals, and what these answer: each answer stands with its question, once, and in the ledger.

In come a spoke and its answer; out come open questions. An answer that looks as if it named somebody is refused: the spoke
has looked before, and here it is looked at again.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from midas.catalogue.models import QualityAnswer, QualityDecision, QualityFinding
from midas.kernel import BadInput, Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.quality import examine_line

ON_PAGE = 200
Kind = QualityAnswer.Kind


def asked(*, spoke: str, dataset: str = "", after: int = 0) -> QuerySet[QualityDecision]:
    """Return the open questions to a spoke from a number on: asked last of what still stands, and not answered."""
    later = QualityDecision.objects.filter(mark=OuterRef("mark"), pk__gt=OuterRef("pk"))
    stands = QualityFinding.objects.filter(mark=OuterRef("mark"), superseded=None)
    found = QualityDecision.objects.filter(
        verdict=QualityDecision.Verdict.ASK, finding__submission__spoke=spoke, pk__gt=after
    )
    if dataset:
        found = found.filter(finding__dataset__slug=dataset)
    found = found.exclude(Exists(later)).exclude(
        Exists(QualityAnswer.objects.filter(decision=OuterRef("pk")))
    )
    names = ("dataset", "subject", "series__study", "instance", "record")
    return found.filter(Exists(stands)).select_related(*(f"finding__{one}" for one in names)).order_by("pk")


def answer(*, number: int, spoke: str, kind: str, words: str, clock: Clock) -> QualityAnswer:
    """Keep a spoke's answer. The same again changes nothing.

    Raise `NotFound` for a question that was not put to this spoke, `BadInput` for no words or words that look as if they
    named somebody, `Conflict` where it was answered otherwise.
    """
    said = " ".join(words.split())
    if kind not in Kind.values or len(said) > 1000 or (kind == Kind.WORDS and not said):
        raise BadInput(
            "That is no answer.", advice="Write a sentence, or say that a corrected copy was sent."
        )
    if seen := examine_line({"words": said}):
        raise BadInput(
            f"The answer is not kept. {seen[0].message}", advice="Answer without what names somebody."
        )
    decision = QualityDecision.objects.filter(
        pk=number, verdict=QualityDecision.Verdict.ASK, finding__submission__spoke=spoke
    )
    found = decision.select_related("finding__dataset").first()
    if found is None:
        raise NotFound("There is no such question to this spoke.", advice="Fetch the open questions again.")
    try:
        return _kept(found, spoke, kind, said, clock)
    except IntegrityError:
        before = QualityAnswer.objects.get(decision=found)
        if (before.kind, before.words) != (kind, said):
            raise Conflict(
                "This question was answered otherwise.", advice="A curator can ask again."
            ) from None
        return before


@transaction.atomic
def _kept(decision: QualityDecision, spoke: str, kind: str, words: str, clock: Clock) -> QualityAnswer:
    made = QualityAnswer.objects.create(
        decision=decision, kind=kind, words=words, spoke=spoke, at=clock.now()
    )
    finding = decision.finding
    enter(
        Deed.ANSWER, by=None, who=spoke, clock=clock, dataset=finding.dataset.slug, target=f"finding {finding.pk}",
        question=decision.pk, kind=kind, rule=finding.rule,
    )  # fmt: skip
    return made
