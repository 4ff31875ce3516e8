"""Administrators' pages about people: who there is, one person's roles and state, invitations. No password is ever shown.

Each change asks for its reason and is one transaction with its row of the ledger (`midas.web.identity.deeds`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from midas.catalogue.models import Dataset
from midas.kernel import BadInput, MidasError, SystemClock
from midas.people.accounts import account_named, institution_named
from midas.people.models import Account, Institution, Invitation, Membership, Role, Token
from midas.people.rule import Act
from midas.people.sessions import sessions_of
from midas.web.bootstrap import current_home
from midas.web.guard import needs
from midas.web.identity import deeds
from midas.web.identity.adapters import send
from midas.web.identity.deeds import Hand
from midas.web.pages.accounts import role_title
from midas.web.pages.frame import account_of, page

CLOCK = SystemClock()


def _choices() -> dict[str, Any]:
    return {
        "roles": [{"value": role.value, "title": role_title(role.value)} for role in Role],
        "datasets": list(Dataset.objects.order_by("slug").values_list("slug", flat=True)),
        "institutions": list(Institution.objects.order_by("name")),
    }


def _people(request: HttpRequest, *, fresh: str = "", status: int = 200) -> HttpResponse:
    roles: dict[int, list[dict[str, str]]] = {}
    for one in Membership.objects.order_by("role", "dataset"):
        roles.setdefault(one.account_id, []).append({"title": role_title(one.role), "dataset": one.dataset})
    factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    guarded = set(Authenticator.objects.filter(type__in=factors).values_list("user_id", flat=True))
    accounts = Account.objects.select_related("institution").order_by("username")
    context = {
        "people": [{"account": one, "roles": roles.get(one.pk, []), "factor": one.pk in guarded} for one in accounts],
        "invitations": Invitation.objects.filter(used_at=None, expires_at__gt=CLOCK.now()).order_by("-made_at"),
        "mail": current_home().config.mail, "days": current_home().config.invitation_days, "fresh": fresh,
        **_choices(),
    }  # fmt: skip
    return page(request, "administration", context, section="administration", status=status)


def _person(request: HttpRequest, account: Account, *, fresh: str = "") -> HttpResponse:
    roles = Membership.objects.filter(account=account).order_by("role", "dataset")
    context = {
        "person": account,
        "memberships": [
            {"role": one.role, "title": role_title(one.role), "dataset": one.dataset} for one in roles
        ],
        "factors": [one.wrap() for one in Authenticator.objects.filter(user_id=account.pk)],
        "tokens": Token.objects.filter(account=account, revoked_at=None).count(),
        "sessions": sessions_of(account, now=CLOCK.now()).count(),
        "fresh": fresh,
        **_choices(),
    }
    return page(request, "member", context, section="administration")


def _done(request: HttpRequest, name: str, words: str, change: Callable[[Account], Any]) -> HttpResponse:
    """Change one person's account, say so or say why not, and go back to the page about the person."""
    account = account_named(name)
    try:
        change(account)
        messages.success(request, words)
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:member", args=[account.username]))


def _hand(request: HttpRequest) -> Hand:
    return Hand(by=account_of(request), clock=CLOCK)


@needs(Act.MANAGE_PEOPLE)
def administration(request: HttpRequest) -> HttpResponse:
    return _people(request)


@needs(Act.MANAGE_PEOPLE)
def person(request: HttpRequest, name: str) -> HttpResponse:
    return _person(request, account_named(name))


@needs(Act.MANAGE_PEOPLE)
@require_POST
def role_give(request: HttpRequest) -> HttpResponse:
    told = {key: request.POST.get(key, "") for key in ("role", "dataset", "why")}
    return _done(
        request, request.POST.get("account", ""), _("The role was given."),
        lambda account: deeds.give_role(_hand(request), account=account, **told),
    )  # fmt: skip


@needs(Act.MANAGE_PEOPLE)
@require_POST
def role_take(request: HttpRequest) -> HttpResponse:
    told = {key: request.POST.get(key, "") for key in ("role", "dataset", "why")}
    return _done(
        request, request.POST.get("account", ""), _("The role was taken away."),
        lambda account: deeds.take_role(_hand(request), account=account, **told),
    )  # fmt: skip


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_state(request: HttpRequest, name: str) -> HttpResponse:
    """Close an account or open it again."""
    active, why = request.POST.get("active") == "yes", request.POST.get("why", "")
    return _done(
        request, name, _("The account is open.") if active else _("The account is closed."),
        lambda account: deeds.set_active(_hand(request), account=account, active=active, why=why),
    )  # fmt: skip


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_place(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a person's institution and address."""
    slug, email = request.POST.get("institution", ""), request.POST.get("email", "").strip()

    def change(account: Account) -> None:
        where = institution_named(slug) if slug else None
        deeds.place(_hand(request), account=account, institution=where, email=email)

    return _done(request, name, _("Institution and address were kept."), change)


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_factors(request: HttpRequest, name: str) -> HttpResponse:
    """Take the second factors off the account of a person who has lost them."""
    why = request.POST.get("why", "")
    return _done(
        request, name, _("The second factors were taken off, and all browsers signed out."),
        lambda account: deeds.drop_factors(_hand(request), account=account, why=why),
    )  # fmt: skip


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_keys(request: HttpRequest, name: str) -> HttpResponse:
    """Revoke all keys of an account and sign its browsers out."""

    def change(account: Account) -> None:
        with transaction.atomic():
            deeds.revoke_tokens(_hand(request), account=account)
            deeds.end_other_sessions(_hand(request), account=account)

    return _done(request, name, _("Keys were revoked, and all browsers signed out."), change)


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_reset(request: HttpRequest, name: str) -> HttpResponse:
    """Show a link that sets a new password, once, within a day; it is kept nowhere, and the person must have it by hand."""
    account = account_named(name)
    if not account.is_active:
        messages.error(request, _("The account is closed. Open it first."))
        return HttpResponseRedirect(reverse("hub:member", args=[account.username]))
    key = f"{user_pk_to_url_str(account)}-{default_token_generator.make_token(account)}"
    link = get_adapter(request).get_reset_password_from_key_url(key)
    with transaction.atomic():
        deeds.note(_hand(request), "reset link made", account)
    return _person(request, account, fresh=link)


@needs(Act.MANAGE_PEOPLE)
@require_POST
def person_invite(request: HttpRequest) -> HttpResponse:
    """Mail an invitation where the hub sends mail and an address is given; else show its link, once."""
    told = {key: request.POST.get(key, "").strip() for key in ("email", "role", "dataset")}
    slug, config = request.POST.get("institution", ""), current_home().config
    try:
        where = institution_named(slug) if slug else None
        with transaction.atomic():
            key = deeds.invite(_hand(request), institution=where, days=config.invitation_days, **told)
            link = request.build_absolute_uri(reverse("join", args=[key]))
            if config.mail and told["email"]:
                words = {"link": link, "days": config.invitation_days, "address": request.get_host()}
                send(
                    told["email"], _("Your invitation to MIDAS"), render_to_string("mail/invited.txt", words)
                )
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:administration"))
    if config.mail and told["email"]:
        messages.success(request, _("The invitation is on its way."))
        return HttpResponseRedirect(reverse("hub:administration"))
    return _people(request, fresh=link)


@needs(Act.MANAGE_PEOPLE)
@require_POST
@sensitive_post_parameters("password")
def person_add(request: HttpRequest) -> HttpResponse:
    """Add an account with a first password, for a person who sits beside."""
    slug, name = request.POST.get("institution", ""), request.POST.get("name", "").strip()
    try:
        if not name:
            raise BadInput("An account has a name.", advice="Letters, digits and @ . + - _")
        institution = institution_named(slug) if slug else None
        deeds.add_account(
            _hand(request), name=name, password=request.POST.get("password", ""), institution=institution
        )
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:administration"))
    messages.success(request, _("The account was added. Give it a role next."))
    return HttpResponseRedirect(reverse("hub:member", args=[name]))
