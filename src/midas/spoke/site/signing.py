"""Signing in at the hospital with a local account; too many tries close the door for a while."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from midas.kernel import sha256_bytes
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import page
from midas.ui.preferences import set_preferences

TRIES = 8
"""Wrong passwords that one name may have within the window; the next is refused without looking at it."""
WINDOW_S = 300

preferences = door(Door.OPEN)(set_preferences)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or reverse("spoke:overview")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("spoke:overview")


@door(Door.OPEN)
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return page(request, "sign_in", {"next": _next(request)})
    name = request.POST.get("username", "").strip()[:150]
    counter = f"sign-in:{sha256_bytes(name.encode('utf-8', 'replace'))}"
    if cache.get(counter, 0) >= TRIES:
        return render(request, "429.html", status=429)
    account = authenticate(request, username=name, password=request.POST.get("password", ""))
    if account is None:
        cache.add(counter, 0, WINDOW_S)
        cache.incr(counter)
        problem = _("Name and password do not belong together. Check both and try again.")
        return page(
            request, "sign_in", {"next": _next(request), "problem": problem, "username": name}, status=400
        )
    cache.delete(counter)
    login(request, account)
    return HttpResponseRedirect(_next(request))


@door(Door.OPEN)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect(reverse("spoke:sign-in"))
