"""Are questions about a dataset answered within the time that its protocol sets? As a fact that a grade may rest on.

In come a dataset, a moment and the days that are promised; out comes one `Evidence` value, or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from midas.access.look import COUNTED, FEWEST
from midas.access.models import Request
from midas.catalogue.models import Dataset, QualityAnswer, QualityDecision
from midas.kernel import Evidence

Asked = tuple[datetime, datetime | None]
"""When something was asked, and when it was answered."""


def evidence(
    dataset: Dataset, *, days: int | None, now: datetime, about: str, source: str
) -> tuple[Evidence, ...]:
    """Return `curation.answered`: true where none of two years was answered, or waits, longer than `days`.

    Counted are requests for access and curators' questions to hospitals; what still has time is not. Below `FEWEST`
    requests, as for the median that anyone may see, nothing is said: too few asked to know how users are answered.
    """
    if days is None:
        return ()
    limit = timedelta(days=days)
    requests = _in_time(_requests(dataset, now), limit, now)
    if len(requests) < FEWEST:
        return ()
    found = [*requests, *_in_time(_questions(dataset, now), limit, now)]
    return (Evidence("curation.answered", all(found), about, source, of=len(found)),)


def _in_time(asked: Iterator[Asked], limit: timedelta, now: datetime) -> list[bool]:
    return [
        (answered or now) - begun <= limit
        for begun, answered in asked
        if answered is not None or now - begun > limit
    ]


def _requests(dataset: Dataset, now: datetime) -> Iterator[Asked]:
    found = Request.objects.filter(release__dataset=dataset, asked_at__gt=now - COUNTED)
    return iter(found.values_list("asked_at", "decided_at"))


def _questions(dataset: Dataset, now: datetime) -> Iterator[Asked]:
    """Yield what hospitals were asked; what a curator decided otherwise before an answer came waits for none."""
    later = QualityDecision.objects.filter(mark=OuterRef("mark"), pk__gt=OuterRef("pk"))
    asked = QualityDecision.objects.filter(
        finding__dataset=dataset, verdict=QualityDecision.Verdict.ASK, at__gt=now - COUNTED
    )
    answers = dict(QualityAnswer.objects.filter(decision__in=asked).values_list("decision", "at"))
    for pk, begun, decided in asked.annotate(decided=Exists(later)).values_list("pk", "at", "decided"):
        if pk in answers or not decided:
            yield begun, answers.get(pk)
