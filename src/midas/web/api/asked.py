"""What a hub tells a hospital's spoke: questions of curators, whose answers it brings, and whom all have collected.

A spoke sees and answers its own questions only, and of other hospitals' persons only numbers that anyone could be told.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from midas.catalogue import findings
from midas.catalogue.findings.asking import ON_PAGE
from midas.catalogue.models import QualityDecision
from midas.kernel import SystemClock
from midas.people.rule import Act
from midas.web import answers, covering
from midas.web.api.describe import body_of, operation, query_of
from midas.web.guard import needs
from midas.wire.v1 import AnswerKept, AnswerSent, AskedLine, AskedPage, AskedQuery, CoverageTotal


@operation("GET", "What curators ask this spoke", gives=AskedPage, query=AskedQuery)
@needs(Act.SUBMIT)
def asked(request: HttpRequest) -> HttpResponse:
    wanted, spoke = query_of(AskedQuery, request), request.caller.spoke  # type: ignore[attr-defined]
    rows = list(findings.asked(spoke=spoke.slug, dataset=wanted.dataset, after=wanted.after)[: ON_PAGE + 1])
    lines = tuple(_line(one) for one in rows[:ON_PAGE])
    return answers.wire(AskedPage(asked=lines, next=lines[-1].number if len(rows) > ON_PAGE else None))


def _line(one: QualityDecision) -> AskedLine:
    finding = one.finding
    series, record = finding.series, finding.record
    return AskedLine(
        number=one.pk, dataset=finding.dataset.slug, asked_at=one.at.isoformat(), rule=finding.rule,
        severity=finding.severity, message=finding.message, advice=finding.advice, why=one.why,
        subject=finding.subject.pseudonym if finding.subject else None,
        study_uid=series.study.uid if series else None, series_uid=series.uid if series else None,
        sop_instance_uid=finding.instance.sop_instance_uid if finding.instance else None,
        table=record.table if record else None, record=record.record if record else None,
    )  # fmt: skip


@operation(
    "POST", "Answer a curator's question", gives=AnswerKept, takes=AnswerSent, status=201, idempotent=True
)
@needs(Act.SUBMIT)
def answer(request: HttpRequest, number: int) -> HttpResponse:
    sent, spoke = body_of(AnswerSent, request), request.caller.spoke  # type: ignore[attr-defined]
    kept = findings.answer(
        number=number, spoke=spoke.slug, kind=sent.kind, words=sent.words, clock=SystemClock()
    )
    told = AnswerKept(number=number, kind=sent.kind, words=kept.words, at=kept.at.isoformat())
    return answers.wire(told, status=201)


@operation("GET", "Whom all hospitals have collected, for one of them", gives=CoverageTotal)
@needs(Act.SUBMIT)
def coverage(request: HttpRequest, dataset: str) -> HttpResponse:
    spoke = request.caller.spoke  # type: ignore[attr-defined]
    return answers.wire(covering.total(dataset=dataset, spoke=spoke.slug))
