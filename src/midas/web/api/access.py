"""Access: what a dataset answers to anyone, its terms, asking for a release, and what one has."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import override

from midas.access import ask, look
from midas.access.models import Grant, Request
from midas.access.terms import access_of, purposes_of, terms_of_release
from midas.catalogue.models import Dataset
from midas.kernel import NotFound, SystemClock
from midas.people.rule import Act
from midas.protocol.duo import duo_terms
from midas.release import look as releases
from midas.release.models import Release
from midas.web import answers
from midas.web.api.describe import body_of, operation
from midas.web.bootstrap import address, store
from midas.web.guard import needs
from midas.web.pages.access_words import sentences
from midas.wire.v1 import AccessAnswers, AccessAsk, AccessGrant, AccessRequest, AccessTerms, DuoUse, MyAccess


def _use(code: str) -> DuoUse:
    term = duo_terms().get(code)
    return DuoUse(id=code, label=term.label if term else code)


def _name(release: Release) -> str:
    return f"{release.dataset.slug}@{release.version}"


@operation("GET", "Who may use a dataset, for what, where, and how long access takes", gives=AccessAnswers)
@needs(Act.BROWSE)
def dataset_access(request: HttpRequest, dataset: str) -> HttpResponse:
    del request
    found = Dataset.objects.filter(slug=dataset).first()
    told = look.answers(found, now=SystemClock().now()) if found else None
    if told is None:
        raise NotFound(f"There is no dataset {dataset}.", advice="See /api/v1/datasets.")
    page = f"/datasets/{dataset}/releases/{told.version}"
    with override("en"):
        says = sentences(told)
    return answers.wire(
        AccessAnswers(
            dataset=dataset, release=told.version or None, level=told.level, commercial=told.commercial,
            where=told.where, uses=tuple(map(_use, told.uses)), median_days=told.days, decided=told.decided,
            twin=address(f"{page}/twin") if told.twin else None,
            ask=address(f"{page}/ask") if told.version and told.level != "open" else None, says=says,
        )
    )  # fmt: skip


@operation("GET", "The terms of a release, and what it may be asked for", gives=AccessTerms)
@needs(Act.BROWSE)
def terms(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    del request
    found = releases.release(dataset, version)
    kept = terms_of_release(found, store=store(), clock=SystemClock())
    return answers.wire(
        AccessTerms(
            release=_name(found), sha256=kept.sha256, text=kept.text, purposes=tuple(map(_use, purposes_of(found))),
            commercial=access_of(found).commercial,
        )
    )  # fmt: skip


@operation("POST", "Ask for a release", gives=AccessRequest, takes=AccessAsk, status=201, idempotent=True)
@needs(Act.ASK_ACCESS)
def request_access(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    caller: Any = request.caller  # type: ignore[attr-defined]
    asked, found, clock = body_of(AccessAsk, request), releases.release(dataset, version), SystemClock()
    made = ask(
        account=caller.account, release=found, purpose=asked.purpose, words=asked.words, commercial=asked.commercial,
        terms=terms_of_release(found, store=store(), clock=clock), accepted=asked.accepted, clock=clock,
    )  # fmt: skip
    return answers.wire(_request(made), status=201)


@operation("GET", "What you asked for and what you may have", gives=MyAccess)
@needs(Act.ASK_ACCESS)
def my_access(request: HttpRequest) -> HttpResponse:
    caller: Any = request.caller  # type: ignore[attr-defined]
    return answers.wire(
        MyAccess(
            requests=tuple(map(_request, look.requests_of(caller.account))),
            grants=tuple(map(_grant, look.grants_of(caller.account))),
        )
    )


def _request(one: Request) -> AccessRequest:
    return AccessRequest(
        number=one.pk, release=_name(one.release), purpose=one.purpose, words=one.words, terms=one.terms.sha256,
        asked_at=one.asked_at.isoformat(), state="waiting" if one.decided_at is None else "declined",
        why=one.declined_why,
    )  # fmt: skip


def _grant(one: Grant) -> AccessGrant:
    return AccessGrant(
        number=one.pk, release=_name(one.release), purpose=one.purpose, terms=one.terms.sha256,
        given_at=one.given_at.isoformat(), until=one.expires_at.isoformat(), state=one.state(SystemClock().now()),
        why=one.revoked_why,
    )  # fmt: skip
