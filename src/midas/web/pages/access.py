"""Asking for a release, and the page of what one asked for and has."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from midas.access import ask, look
from midas.access.models import Request, Terms
from midas.access.requesting import LONGEST_WORDS, SHORTEST_WORDS
from midas.access.terms import access_of, purposes_of, terms_of_release
from midas.kernel import MidasError, SystemClock
from midas.people.rule import Act
from midas.release import look as releases
from midas.release.models import Release
from midas.web.bootstrap import store
from midas.web.guard import needs
from midas.web.pages.access_words import duo_words
from midas.web.pages.datasets import answers_of, title_of
from midas.web.pages.frame import account_of, page


def _release(dataset: str, version: str) -> Release:
    try:
        found = releases.release(dataset, version)
    except MidasError:
        raise Http404 from None
    if found.access == "open":
        raise Http404
    return found


@needs(Act.ASK_ACCESS)
def ask_page(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Show the form with the terms in full; a POST asks, and on a mistake shows the form again as it was filled in."""
    account: Any = account_of(request)
    found, clock = _release(dataset, version), SystemClock()
    terms = terms_of_release(found, store=store(), clock=clock)
    problem = ""
    if request.method == "POST":
        try:
            ask(
                account=account, release=found, purpose=request.POST.get("purpose", ""), terms=terms, clock=clock,
                words=request.POST.get("words", ""), accepted=request.POST.get("accepted", ""),
                commercial=request.POST.get("commercial") == "yes",
            )  # fmt: skip
        except MidasError as error:
            problem = f"{error.message} {error.advice}"
        else:
            messages.success(request, _("Your request was sent. An access officer decides about it."))
            return HttpResponseRedirect(reverse("hub:access"))
    now = clock.now()
    context = {
        "dataset": {"slug": dataset, "title": title_of(dataset)}, "version": version, "terms": terms, "problem": problem,
        "purposes": [{"id": code, "label": duo_words(code)} for code in purposes_of(found)],
        "may_be_commercial": access_of(found).commercial, "institution": account.institution,
        "given": request.POST, "shortest": SHORTEST_WORDS, "longest": LONGEST_WORDS,
        "open": Request.objects.filter(account=account, release=found, decided_at=None).first(),
        "grant": next((one for one in look.grants_of(account).filter(release=found) if one.state(now) == "stands"), None),
        "answers": answers_of(found.dataset),
    }  # fmt: skip
    return page(request, "ask", context, section="catalogue", status=400 if problem else 200)


@needs(Act.ASK_ACCESS)
def my_access(request: HttpRequest) -> HttpResponse:
    account: Any = account_of(request)
    now = SystemClock().now()
    context = {
        "grants": [grant_line(one, now) for one in look.grants_of(account)],
        "requests": [request_line(one) for one in look.requests_of(account)],
    }
    return page(request, "access", context)


def request_line(one: Request) -> dict[str, Any]:
    """Return what lists say of a request."""
    return {
        "number": one.pk, "dataset": one.release.dataset.slug, "version": one.release.version,
        "title": title_of(one.release.dataset.slug), "person": one.account.username, "institution": one.institution,
        "purpose": duo_words(one.purpose), "words": one.words, "asked_at": one.asked_at,
        "decided_at": one.decided_at, "why": one.declined_why, "terms": one.terms.sha256,
    }  # fmt: skip


def grant_line(one: Any, now: Any) -> dict[str, Any]:
    """Return what lists say of a grant."""
    return {
        "number": one.pk, "dataset": one.release.dataset.slug, "version": one.release.version,
        "title": title_of(one.release.dataset.slug), "person": one.account.username, "institution": one.institution,
        "purpose": duo_words(one.purpose), "given_at": one.given_at, "until": one.expires_at, "state": one.state(now),
        "revoked_why": one.revoked_why, "terms": one.terms.sha256,
    }  # fmt: skip


@needs(Act.BROWSE)
def terms(request: HttpRequest, sha256: str) -> HttpResponse:
    """Show terms as they were accepted: their address is their hash."""
    found = Terms.objects.filter(sha256=sha256).first()
    if found is None:
        raise Http404
    return page(request, "terms", {"terms": found})
