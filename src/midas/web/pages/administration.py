"""Administrators' page: people with their roles, hospitals with their keys. Passwords and tokens are never shown again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from midas.catalogue.models import Dataset
from midas.kernel import BadInput, MidasError, SystemClock
from midas.people.accounts import (
    account_named,
    add_account,
    add_institution,
    give_role,
    institution_named,
    take_role,
)
from midas.people.models import Account, Institution, Membership, Role, Token
from midas.people.rule import Act
from midas.people.tokens import issue_token
from midas.web.guard import needs
from midas.web.pages.accounts import role_title
from midas.web.pages.frame import account_of, page


def _page(request: HttpRequest, *, fresh: str = "", fresh_for: str = "") -> HttpResponse:
    roles: dict[int, list[dict[str, str]]] = {}
    for one in Membership.objects.order_by("role", "dataset"):
        roles.setdefault(one.account_id, []).append(
            {"role": one.role, "title": role_title(one.role), "dataset": one.dataset}
        )
    tokens = dict(
        Token.objects.filter(spoke__isnull=False, revoked_at=None)
        .values_list("spoke")
        .annotate(n=Count("pk"))
        .order_by()
    )
    context: dict[str, Any] = {
        "people": [
            {
                "name": one.username, "institution": one.institution.name if one.institution else "",
                "active": one.is_active, "last_here": one.last_login, "roles": roles.get(one.pk, []),
            }
            for one in Account.objects.select_related("institution").order_by("username")
        ],
        "roles": [{"value": role.value, "title": role_title(role.value)} for role in Role],
        "datasets": list(Dataset.objects.order_by("slug").values_list("slug", flat=True)),
        "spokes": [
            {
                "slug": one.slug, "name": one.name, "spoke_key": one.spoke_key, "tokens": tokens.get(one.pk, 0),
                "place": ", ".join(part for part in (one.city, one.state) if part),
            }
            for one in Institution.objects.order_by("name")
        ],
        "fresh": fresh, "fresh_for": fresh_for,
    }  # fmt: skip
    return page(request, "administration", context, section="administration")


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("hub:administration"))


@needs(Act.MANAGE_PEOPLE)
def administration(request: HttpRequest) -> HttpResponse:
    return _page(request)


@needs(Act.MANAGE_PEOPLE)
@require_POST
def role_give(request: HttpRequest) -> HttpResponse:
    try:
        account = account_named(request.POST.get("account", ""))
        give_role(account=account, role=request.POST.get("role", ""), dataset=request.POST.get("dataset", ""))
        messages.success(request, _("The role was given."))
    except MidasError as error:
        messages.error(request, str(error))
    return _back()


@needs(Act.MANAGE_PEOPLE)
@require_POST
def role_take(request: HttpRequest) -> HttpResponse:
    """Take a role away; the last administrator keeps theirs, or nobody could give roles any more."""
    role, dataset = request.POST.get("role", ""), request.POST.get("dataset", "")
    try:
        account = account_named(request.POST.get("account", ""))
        if role == Role.ADMIN and account == account_of(request):
            raise BadInput(
                _("You cannot take the administrator's role from yourself."), advice=_("Ask another one.")
            )
        take_role(account=account, role=role, dataset=dataset)
        messages.success(request, _("The role was taken away."))
    except MidasError as error:
        messages.error(request, str(error))
    return _back()


@needs(Act.MANAGE_PEOPLE)
@require_POST
@sensitive_post_parameters("password")
def person_add(request: HttpRequest) -> HttpResponse:
    slug = request.POST.get("institution", "")
    try:
        institution = institution_named(slug) if slug else None
        name = request.POST.get("name", "").strip()
        add_account(name=name, password=request.POST.get("password", ""), institution=institution)
        messages.success(request, _("The account was added. Give it a role next."))
    except MidasError as error:
        messages.error(request, str(error))
    return _back()


@needs(Act.MANAGE_PEOPLE)
@require_POST
def spoke_add(request: HttpRequest) -> HttpResponse:
    """Add a hospital and show the token of its spoke in the answer itself: it is kept nowhere else."""
    told = {name: request.POST.get(name, "").strip() for name in ("slug", "name", "city", "state")}
    try:
        made: Institution = add_institution(**told, spoke_key=request.POST.get("key", "").strip())
        fresh = issue_token(title=made.name, clock=SystemClock(), spoke=made)
    except MidasError as error:
        messages.error(request, str(error))
        return _back()
    return _page(request, fresh=fresh, fresh_for=made.name)
