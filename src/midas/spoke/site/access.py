"""Who may see the spoke's pages; every view declares it.

In comes a request; on goes the request, or the browser is sent to sign in, or is told that a role is missing. Operators see
counts, states and reasons; identified names, pictures and values are for reviewers (`accounts.Role`), and so is deciding.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from midas.spoke.accounts import may_review

View = Callable[..., HttpResponseBase]


class Door(StrEnum):
    OPEN = "anyone at this machine"
    LOCAL = "people with a local account"
    REVIEWER = "people who may see what is identified"


def door(kind: Door) -> Callable[[View], View]:
    """Declare who may use a view; a test refuses a route without it."""

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if kind is not Door.OPEN and not (request.user.is_authenticated and request.user.is_active):
                query = urlencode({"next": request.get_full_path()})
                return _to(request, f"{reverse('spoke:sign-in')}?{query}")
            if kind is Door.REVIEWER and not may_review(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.door = kind  # type: ignore[attr-defined]
        return guarded

    return declare


def _to(request: HttpRequest, address: str) -> HttpResponse:
    """Send the browser elsewhere: the whole page, also where only a part of it was asked for."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
