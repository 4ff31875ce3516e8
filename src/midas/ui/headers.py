"""Every answer leaves with the content policy and with `no-store` unless the page says that it may be kept."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from midas.ui.project import CONTENT_SECURITY_POLICY

Next = Callable[[HttpRequest], HttpResponseBase]


class PolicyHeaders:
    """Middleware of both sites; a header that a view set itself is left as it is."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._next(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cache-Control", "no-store")
        return response
