"""The access officer's pages: the queue of requests, one request and the decision, grants and taking them back.

Members of the ethics committee and auditors see the same and decide nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from midas.access import accept, decline, grant_numbered, look, request_numbered, revoke
from midas.access.models import Grant, Request
from midas.catalogue.models import Dataset
from midas.kernel import BadInput, MidasError, SystemClock
from midas.people.rule import Act
from midas.web.guard import ANYWHERE, Place, needs
from midas.web.pages.access import grant_line, request_line
from midas.web.pages.frame import account_of, page
from midas.web.standing import forget, may, visible

ON_PAGE = 25
DAYS = (90, 180, 365, 730)


def _slugs(request: HttpRequest) -> list[str]:
    every = list(Dataset.objects.order_by("slug").values_list("slug", flat=True))
    return visible(account_of(request), Act.SEE_GRANTS, every)


@needs(Act.SEE_GRANTS, dataset=ANYWHERE)
def grants(request: HttpRequest) -> HttpResponse:
    mine, now = _slugs(request), SystemClock().now()
    shown: Any = Paginator(look.grants(mine), ON_PAGE).get_page(request.GET.get("page"))
    shown.object_list = [grant_line(one, now) for one in shown]
    context = {
        "waiting": [request_line(one) for one in look.requests(mine, waiting=True)],
        "declined": [request_line(one) for one in look.requests(mine, waiting=False).exclude(declined_by=None)[:ON_PAGE]],
        "grants": shown,
    }  # fmt: skip
    return page(request, "grants", context, section="grants")


def _seen(request: HttpRequest, find: Any, number: int) -> Place:
    """Choose the act: who looks may see grants of its dataset, who decides may give them."""
    try:
        dataset = find(number).release.dataset.slug
    except MidasError:
        raise Http404 from None
    return (Act.GRANT if request.method == "POST" else Act.SEE_GRANTS), dataset


def _of_request(request: HttpRequest, number: int) -> Place:
    return _seen(request, request_numbered, number)


def _of_grant(request: HttpRequest, number: int) -> Place:
    return _seen(request, grant_numbered, number)


@needs(Act.SEE_GRANTS, Act.GRANT, choose=_of_request)
def access_request(request: HttpRequest, number: int) -> HttpResponse:
    """Show a request; a POST gives what was asked for, or declines it."""
    found, officer = request_numbered(number), account_of(request)
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _decide(request, found, officer))
            return HttpResponseRedirect(reverse("hub:grants"))
        except MidasError as error:
            problem = f"{error.message} {error.advice}"
    dataset = found.release.dataset.slug
    now = SystemClock().now()
    before = look.grants_of(found.account).exclude(request=found)
    context = {
        "asked": {**request_line(found), "commercial": found.commercial, "email": found.account.email,
                  "name": found.account.get_full_name()},
        "grant": Grant.objects.filter(request=found).select_related("given_by").first(),
        "before": [grant_line(one, now) for one in before],
        "may_decide": found.decided_at is None and may(officer, Act.GRANT, dataset),
        "own": officer == found.account, "days": DAYS, "given": request.POST, "problem": problem,
    }  # fmt: skip
    return page(request, "access_request", context, section="grants", status=400 if problem else 200)


def _decide(request: HttpRequest, found: Request, officer: Any) -> str:
    why, clock = request.POST.get("why", "").strip(), SystemClock()
    if request.POST.get("decision") == "decline":
        decline(request=found, by=officer, why=why, clock=clock)
        return _("The request was declined.")
    try:
        days = int(request.POST.get("days", ""))
    except ValueError:
        raise BadInput(_("For how long?"), advice=_("Choose a number of days.")) from None
    accept(request=found, by=officer, why=why, clock=clock, days=days)
    forget(found.account_id)
    return _("Access was given.")


@needs(Act.SEE_GRANTS, Act.GRANT, choose=_of_grant)
def grant(request: HttpRequest, number: int) -> HttpResponse:
    """Show a grant; a POST takes it back, and downloads that are under way stop."""
    found, officer = grant_numbered(number), account_of(request)
    problem = ""
    if request.method == "POST" and officer is not None:
        try:
            revoke(grant=found, by=officer, why=request.POST.get("why", ""), clock=SystemClock())
        except MidasError as error:
            problem = f"{error.message} {error.advice}"
        else:
            forget(found.account_id)
            messages.success(request, _("Access was taken back. Downloads that were under way stop."))
            return HttpResponseRedirect(reverse("hub:grants"))
    context = {
        "grant": {**grant_line(found, SystemClock().now()), "why": found.why, "words": found.words,
                  "given_by": found.given_by.username, "request": found.request_id},
        "may_decide": may(officer, Act.GRANT, found.release.dataset.slug), "problem": problem,
    }  # fmt: skip
    return page(request, "grant", context, section="grants", status=400 if problem else 200)
