"""Administrators' pages about institutions: where they are, whom to ask there, which key their spoke signs with."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import MidasError, SystemClock
from midas.people.accounts import institution_named
from midas.people.models import Account, Institution, Token
from midas.people.rule import Act
from midas.web.guard import needs
from midas.web.identity import deeds
from midas.web.identity.deeds import Hand
from midas.web.pages.frame import account_of, page

TOLD = ("name", "city", "state", "ror", "contact", "spoke_key")


def _told(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").strip() for name in TOLD}


def _hand(request: HttpRequest) -> Hand:
    return Hand(by=account_of(request), clock=SystemClock())


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    tokens = (
        Token.objects.filter(spoke__isnull=False, revoked_at=None)
        .values_list("spoke")
        .annotate(n=Count("pk"))
    )
    people = (
        Account.objects.filter(institution__isnull=False).values_list("institution").annotate(n=Count("pk"))
    )
    keys, members = dict(tokens.order_by()), dict(people.order_by())
    rows = [
        {"institution": one, "tokens": keys.get(one.pk, 0), "people": members.get(one.pk, 0)}
        for one in Institution.objects.order_by("name")
    ]
    status = more.pop("status", 200)
    return page(request, "institutions", {"rows": rows, **more}, section="administration", status=status)


@needs(Act.MANAGE_PEOPLE)
def institutions(request: HttpRequest) -> HttpResponse:
    return _page(request)


@needs(Act.MANAGE_PEOPLE)
@require_POST
def institution_add(request: HttpRequest) -> HttpResponse:
    """Add an institution; where it has a spoke's key, show the spoke's token in the answer itself, once."""
    told, slug = _told(request), request.POST.get("slug", "").strip()
    try:
        made = deeds.keep_institution(_hand(request), slug=slug, new=True, **told)
    except MidasError as error:
        return _page(request, problem=str(error), told={**told, "slug": slug}, status=400)
    if not made.spoke_key:
        messages.success(request, _("The institution was added."))
        return HttpResponseRedirect(reverse("hub:institution", args=[made.slug]))
    return _page(request, fresh=deeds.issue_spoke_token(_hand(request), spoke=made), fresh_for=made.name)


@needs(Act.MANAGE_PEOPLE)
def institution(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one institution, and keep what is changed there."""
    found = institution_named(slug)
    context: dict[str, Any] = {"institution": found, "told": {name: getattr(found, name) for name in TOLD}}
    context["people"] = Account.objects.filter(institution=found).order_by("username")
    if request.method != "POST":
        return page(request, "institution", context, section="administration")
    told = _told(request)
    try:
        deeds.keep_institution(_hand(request), slug=slug, new=False, **told)
    except MidasError as error:
        context |= {"problem": str(error), "told": told}
        return page(request, "institution", context, section="administration", status=400)
    messages.success(request, _("The institution was changed."))
    return HttpResponseRedirect(reverse("hub:institution", args=[slug]))


@needs(Act.MANAGE_PEOPLE)
@require_POST
def institution_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a new token for an institution's spoke and show it once; the ones it had end."""
    found = institution_named(slug)
    if not found.spoke_key:
        messages.error(request, _("Give the key that its spoke signs with first."))
        return HttpResponseRedirect(reverse("hub:institution", args=[slug]))
    fresh = deeds.issue_spoke_token(_hand(request), spoke=found, afresh=True)
    return _page(request, fresh=fresh, fresh_for=found.name)
