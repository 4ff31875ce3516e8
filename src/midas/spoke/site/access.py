"""Who may see the spoke's pages: people with a local account who signed in here; every view declares it.

In comes a request; on goes the request, or the browser is sent to sign in. There are no roles at a spoke: whoever has
an account here was given it by the operator (`midas spoke user add`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

View = Callable[..., HttpResponseBase]


class Door(StrEnum):
    OPEN = "anyone at this machine"
    LOCAL = "people with a local account"


def door(kind: Door) -> Callable[[View], View]:
    """Declare who may use a view; a test refuses a route without it."""

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if kind is Door.LOCAL and not (request.user.is_authenticated and request.user.is_active):
                query = urlencode({"next": request.get_full_path()})
                return HttpResponseRedirect(f"{reverse('spoke:sign-in')}?{query}")
            return view(request, *args, **kwargs)

        guarded.door = kind  # type: ignore[attr-defined]
        return guarded

    return declare
