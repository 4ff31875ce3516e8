"""What stands around every page of the hub: which section is open and which menus this account has."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from midas.people.models import Account
from midas.people.rule import Act
from midas.web.standing import may_anywhere


def account_of(request: HttpRequest) -> Account | None:
    return request.user if isinstance(request.user, Account) else None


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    section: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a page with the menus that this account may use."""
    account = account_of(request)
    around = {
        "section": section,
        "can_curate": account is not None and may_anywhere(account, Act.DRAFT),
        "can_read": account is not None and may_anywhere(account, Act.READ),
        "can_audit": account is not None and may_anywhere(account, Act.AUDIT),
        "can_administer": account is not None and may_anywhere(account, Act.MANAGE_PEOPLE),
    }
    return render(request, f"hub/{template}.html", {**around, **(context or {})}, status=status)
