"""The page of one's own account: roles, name for credit, browsers signed in, and keys for programs that are shown once."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import BadInput, MidasError, SystemClock, sha256_bytes
from midas.people.models import Membership, Role, Token
from midas.people.rule import BY_ROLE, Act
from midas.people.scopes import SCOPES, acts_of, words_of
from midas.people.sessions import sessions_of
from midas.ui.preferences import set_preferences
from midas.web.guard import needs
from midas.web.identity import deeds
from midas.web.identity.deeds import Hand
from midas.web.pages.frame import account_of, page
from midas.web.standing import lacking_factor

DAYS = {"30": 30, "90": 90, "365": 365}
RECOMMENDED = frozenset({Role.ADMIN, Role.ACCESS_OFFICER, Role.CURATOR, Role.AUDITOR, Role.NODAL})
"""Roles whose holders are asked to have a second factor, also where the hub does not require it."""

preferences = needs(Act.SIGN_IN)(set_preferences)


def role_title(role: str) -> str:
    titles = {
        "operator": _("Spoke operator"), "curator": _("Curator"), "annotator": _("Annotator"),
        "adjudicator": _("Adjudicator"), "ethics": _("Ethics committee member"), "access-officer": _("Access officer"),
        "researcher": _("Researcher"), "policy": _("Policy maker"), "admin": _("Hub administrator"),
        "auditor": _("Auditor"), "nodal": _("Nodal centre validator"),
    }  # fmt: skip
    return titles[role]


def scope_title(name: str) -> str:
    titles = {
        "catalogue": _("look at the catalogue and its figures"),
        "download": _("see and download releases, files and images (DICOMweb)"),
        "drafts": _("see the images of drafts (DICOMweb)"),
        "tasks": _("read for tasks and settle them"),
        "curate": _("draft and cut releases, withdraw, set tasks"),
        "ask": _("ask for access"),
        "audit": _("read the ledger"),
        "grant": _("give and take back access"),
        "people": _("manage accounts and roles"),
    }
    return titles[name]


def _asleep(account: Any) -> list[str]:
    """Return the titles of roles that wait for a second factor."""
    roles = frozenset(Membership.objects.filter(account=account).values_list("role", "dataset"))
    wanted = sorted({role for role, _where in roles} & set(getattr(settings, "SECOND_FACTOR_ROLES", ())))
    return [role_title(role) for role in wanted] if lacking_factor(account, roles) else []


def _page(request: HttpRequest, *, fresh: str = "", status: int = 200) -> HttpResponse:
    account: Any = account_of(request)
    roles = list(Membership.objects.filter(account=account).order_by("role", "dataset"))
    factors = (
        Authenticator.objects.filter(user_id=account.pk)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .count()
    )
    offered = {act for one in roles for act in BY_ROLE[Role(one.role)]}
    hidden = {
        "audit": Act.AUDIT,
        "grant": Act.GRANT,
        "people": Act.MANAGE_PEOPLE,
        "curate": Act.DRAFT,
        "tasks": Act.READ,
    }
    context = {
        "memberships": [{"title": role_title(one.role), "dataset": one.dataset} for one in roles],
        "asleep": _asleep(account),
        "factors": factors,
        "recommended": not factors and any(one.role in RECOMMENDED for one in roles),
        "providers": SocialAccount.objects.filter(user_id=account.pk).count(),
        "scopes": [
            {"name": name, "title": scope_title(name)} for name in SCOPES if name not in hidden or hidden[name] in offered
        ],
        "tokens": [
            {"row": one, "scopes": [scope_title(name) for name in words_of(one.scope)]}
            for one in Token.objects.filter(account=account, revoked_at=None).order_by("-created_at")
        ],
        "sessions": sorted(
            (
                {"row": one, "number": _number(one.session_key), "this": one.session_key == request.session.session_key}
                for one in sessions_of(account, now=SystemClock().now())
            ),
            key=lambda one: not one["this"],
        ),
        "fresh": fresh,
    }  # fmt: skip
    return page(request, "account", context, status=status)


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("hub:account"))


@needs(Act.OWN_ACCOUNT)
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@needs(Act.OWN_ACCOUNT)
@require_POST
def credit(request: HttpRequest) -> HttpResponse:
    """Keep how credit shall name this person."""
    me: Any = account_of(request)
    told = {name: request.POST.get(name, "") for name in ("full_name", "orcid")}
    try:
        deeds.describe(Hand(by=me), account=me, credited="credited" in request.POST, **told)
        messages.success(request, _("Credit will name you so, if you chose to be named."))
    except BadInput as error:
        messages.error(request, str(error))
    return _back()


@needs(Act.OWN_ACCOUNT)
@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign other browsers out: the one whose number is given, or all of them."""
    me: Any = account_of(request)
    here, wanted = request.session.session_key or "", request.POST.get("number", "")
    others = [one for one in sessions_of(me, now=SystemClock().now()) if one.session_key != here]
    chosen = [one.session_key for one in others if _number(one.session_key) == wanted]
    if wanted and not chosen:
        return _back()
    deeds.end_other_sessions(Hand(by=me), account=me, but=here, only=chosen[0] if chosen else "")
    messages.success(request, _("Signed out there."))
    return _back()


def _number(session_key: str) -> str:
    """Return what a page may say of a session's key without giving it away."""
    return str(sha256_bytes(session_key.encode()))[:16]


@needs(Act.OWN_ACCOUNT)
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a key and show it in the answer itself: it is kept nowhere else."""
    me: Any = account_of(request)
    title = request.POST.get("title", "").strip() or _("Key")
    days = DAYS.get(request.POST.get("days", ""), 90)
    try:
        named = request.POST.getlist("scope")
        fresh = deeds.issue_token(
            Hand(by=me), account=me, title=title, days=days, scope=acts_of(named) if named else None
        )
    except MidasError as error:
        messages.error(request, str(error))
        return _page(request, status=400)
    return _page(request, fresh=fresh)


@needs(Act.OWN_ACCOUNT)
@require_POST
def token_revoke(request: HttpRequest, number: int) -> HttpResponse:
    me: Any = account_of(request)
    deeds.revoke_tokens(Hand(by=me), account=me, number=number)
    messages.success(request, _("The key was taken back. Programs that use it are refused from now on."))
    return _back()
