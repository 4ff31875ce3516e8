"""When a browser that is signed in was last seen, true to the hour: one small write an hour, no address, no page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from midas.kernel import SystemClock
from midas.people.sessions import BEGUN, SEEN


class Presence:
    """Middleware behind Django's own of sessions and accounts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if BEGUN in request.session:
            hour = SystemClock().now().replace(minute=0, second=0, microsecond=0).isoformat()
            if request.session.get(SEEN) != hour:
                request.session[SEEN] = hour
        return self._next(request)
