"""What stands around every page of the hub: which section is open and which menus this account has."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from midas.access.models import Request
from midas.people.models import Account
from midas.people.rule import Act, seen
from midas.web.standing import may_anywhere, standing_of


def account_of(request: HttpRequest) -> Account | None:
    return request.user if isinstance(request.user, Account) else None


def around(request: HttpRequest, section: str = "") -> dict[str, Any]:
    """Return what stands around a page: the section that is open and the menus that this account may use."""
    account = account_of(request)
    return {
        "section": section,
        "can_curate": account is not None and may_anywhere(account, Act.DRAFT),
        "can_read": account is not None and may_anywhere(account, Act.READ),
        "can_grade": account is not None
        and (may_anywhere(account, Act.ASSESS) or may_anywhere(account, Act.VALIDATE)),
        "can_audit": account is not None and may_anywhere(account, Act.AUDIT),
        "can_administer": account is not None and may_anywhere(account, Act.MANAGE_PEOPLE),
        **_access(account),
    }


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    section: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a page of this hub."""
    return render(
        request, f"hub/{template}.html", {**around(request, section), **(context or {})}, status=status
    )


def _access(account: Account | None) -> dict[str, Any]:
    """Return whether the list of requests is in the menu, and how many wait for this account's decision."""
    if account is None or not may_anywhere(account, Act.SEE_GRANTS):
        return {"can_see_grants": False, "requests_waiting": 0}
    waiting = Request.objects.filter(decided_at=None).values_list("release__dataset__slug", flat=True)
    return {"can_see_grants": True, "requests_waiting": len(seen(standing_of(account), Act.GRANT, waiting))}
