"""What a reader chose about looks and language: two cookies, set by one form that works without JavaScript."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEME_COOKIE = "midas_theme"
THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


@require_POST
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Remember `theme` or `language` from the form and go back to the page that it stood on."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    secure = request.is_secure()
    if (theme := request.POST.get("theme")) in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_S, samesite="Lax", httponly=True, secure=secure)
    if (language := request.POST.get("language")) in dict(settings.LANGUAGES):
        name = settings.LANGUAGE_COOKIE_NAME
        response.set_cookie(name, language, max_age=YEAR_S, samesite="Lax", httponly=True, secure=secure)
    return response
