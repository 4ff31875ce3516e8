"""The page of one's own account: roles, and keys for programs that are shown once and can be taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import SystemClock
from midas.people.models import Membership, Token
from midas.people.rule import Act
from midas.people.tokens import issue_token
from midas.web.guard import needs
from midas.web.pages.frame import account_of, page

DAYS = {"30": 30, "90": 90, "365": 365}


def role_title(role: str) -> str:
    titles = {
        "operator": _("Spoke operator"), "curator": _("Curator"), "annotator": _("Annotator"),
        "adjudicator": _("Adjudicator"), "ethics": _("Ethics committee member"), "access-officer": _("Access officer"),
        "researcher": _("Researcher"), "policy": _("Policy maker"), "admin": _("Hub administrator"),
        "auditor": _("Auditor"),
    }  # fmt: skip
    return titles[role]


def _page(request: HttpRequest, *, fresh: str = "") -> HttpResponse:
    account: Any = account_of(request)
    roles = Membership.objects.filter(account=account).order_by("role", "dataset")
    context = {
        "memberships": [{"title": role_title(one.role), "dataset": one.dataset} for one in roles],
        "tokens": Token.objects.filter(account=account, revoked_at=None).order_by("-created_at"),
        "fresh": fresh,
    }
    return page(request, "account", context)


@needs(Act.OWN_ACCOUNT)
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@needs(Act.OWN_ACCOUNT)
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a key and show it in the answer itself: it is kept nowhere else."""
    title = request.POST.get("title", "").strip() or _("Key")
    days = DAYS.get(request.POST.get("days", ""), 90)
    fresh = issue_token(title=title, clock=SystemClock(), account=account_of(request), days=days)
    return _page(request, fresh=fresh)


@needs(Act.OWN_ACCOUNT)
@require_POST
def token_revoke(request: HttpRequest, number: int) -> HttpResponse:
    mine = Token.objects.filter(pk=number, account=account_of(request), revoked_at=None)
    if not mine.update(revoked_at=SystemClock().now()):
        raise Http404
    messages.success(request, _("The key was taken back. Programs that use it are refused from now on."))
    return HttpResponseRedirect(reverse("hub:account"))
