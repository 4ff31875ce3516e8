"""Signing in and out. Wrong name and wrong password look the same; too many tries close the door for a while."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from midas.people.rule import Act
from midas.ui.preferences import set_preferences
from midas.web.guard import needs
from midas.web.pages.frame import page
from midas.web.throttle import is_throttled

preferences = needs(Act.SIGN_IN)(set_preferences)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


@needs(Act.SIGN_IN)
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return page(request, "sign_in", {"next": _next(request)})
    name = request.POST.get("username", "").strip()[:150]
    if is_throttled(request, name):
        return render(request, "429.html", status=429)
    account = authenticate(request, username=name, password=request.POST.get("password", ""))
    if account is None:
        problem = _("Name and password do not belong together. Check both and try again.")
        return page(
            request, "sign_in", {"next": _next(request), "problem": problem, "username": name}, status=400
        )
    login(request, account)
    return HttpResponseRedirect(_next(request))


@needs(Act.SIGN_IN)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/")
