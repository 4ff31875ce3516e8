"""Who asks, by bearer token or by the browser's session: remembered as briefly as what stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from midas.kernel import SystemClock
from midas.people.models import Account
from midas.people.rule import NOBODY, Act, Standing
from midas.people.tokens import key_of_account, scope_of, spoke_of_token
from midas.web import standing
from midas.web.guard import SignInFirst

Who = tuple[Account | None, frozenset[Act] | None]
"""An account and the acts that its token is limited to (`None`: all that the account may)."""


def who_asks(headers: Mapping[str, str]) -> tuple[Account | None, Standing]:
    """Return the account and what stands for it, at most `standing.FRESH_S` old; nobody in particular is `None`.

    `SignInFirst` for a token that is not a standing one. A spoke may nothing here that nobody in particular may not.
    """
    if given := headers.get("authorization"):
        account, scope = standing.recall(f"token {given}", lambda: _by_token(given))
    else:
        key = _session_key(headers.get("cookie", ""))
        if not key:
            return None, NOBODY
        account, scope = standing.recall(f"session {key}", lambda: (_by_session(key), None))
    if account is None:
        return None, NOBODY
    found = standing.remembered(account)
    return account, found if scope is None else replace(found, scope=scope)


def _by_token(given: str) -> Who:
    kind, _, token = given.partition(" ")
    if kind.lower() == "bearer":
        now = SystemClock().now()
        if (key := key_of_account(token.strip(), now=now)) is not None:
            return key.account, scope_of(key)
        if spoke_of_token(token.strip(), now=now) is not None:
            return None, None
    raise SignInFirst("The token is not known, or it has ended.", advice="Ask the hub for a new one.")


def _session_key(cookies: str) -> str:
    if settings.SESSION_COOKIE_NAME not in cookies:
        return ""
    try:
        held = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return held.value if held else ""


def _by_session(key: str) -> Account | None:
    """Ask Django, which also looks whether the password has changed since."""
    request: Any = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, Account) else None
