"""Django's own errors in the same words: problems under /api/, pages elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from midas.kernel import BadInput, Forbidden, MidasError, NotFound
from midas.web.answers import problem


def _answer(request: HttpRequest, error: MidasError, status: int) -> HttpResponse:
    if not request.path.startswith("/api/"):
        return render(request, {403: "403.html", 404: "404.html"}.get(status, "500.html"), status=status)
    answer = problem(error)
    answer.status_code = status
    return answer


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    del exception
    return _answer(request, BadInput("The request cannot be read.", advice="See the API's description."), 400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    del exception
    return _answer(request, Forbidden("You may not do this.", advice="Ask for the role that it needs."), 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    del exception
    return _answer(request, NotFound("There is nothing here.", advice="Check the address."), 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(
        request, MidasError("The hub failed.", advice="Try again; tell its operator if it stays."), 500
    )
