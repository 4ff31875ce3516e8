"""How often something may be tried: signing in, and asking the API. In come a request and a name; out comes yes or a wait.

Failed sign-ins are counted per name and address, and per address alone, in this process's memory; after too many nobody
signs in from there until the window has passed. Names, addresses and keys are kept only as digests.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache
from django.http import HttpRequest

from midas.kernel import sha256_bytes
from midas.ledger import Deed
from midas.people.models import Account
from midas.people.rule import Act
from midas.web.bootstrap import current_home
from midas.web.noting import note_refusal

NAMES_PER_ADDRESS = 5
"""An address may fail this many times as often as one name from it: a hospital shares one address."""


MINUTE_S = 60


def address_of(request: HttpRequest | None) -> str:
    """Return the address that asks: the connection's, or what a trusted proxy says of it."""
    if request is None:
        return ""
    told: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if current_home().config.trust_proxy else ""
    return told.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def seconds_to_wait(who: str, limit: int) -> int:
    """Count one request of `who` (a key's or an address's name) in this minute; return 0, or the seconds until the next.

    A request over the limit is answered 429 with these seconds in Retry-After (RFC 6585 §4).
    """
    minute, second = divmod(int(time.time()), MINUTE_S)
    key = f"asked:{minute}:{sha256_bytes(who.encode('utf-8', 'replace'))}"
    if cache.add(key, 1, MINUTE_S):
        return 0
    try:
        return 0 if cache.incr(key) <= limit else MINUTE_S - second
    except ValueError:  # it has just run out
        return 0


def _counters(request: HttpRequest | None, name: str) -> tuple[tuple[str, int], ...]:
    tries = current_home().config.sign_in_tries
    address = address_of(request)
    pair = sha256_bytes(f"{address}\0{name}".encode("utf-8", "replace"))
    return (
        (f"sign-in:{pair}", tries),
        (f"sign-in:{sha256_bytes(address.encode())}", tries * NAMES_PER_ADDRESS),
    )


def is_throttled(request: HttpRequest | None, name: str) -> bool:
    """Say whether sign-in is closed for this name from this address for now (HTTP 429)."""
    return any(cache.get(key, 0) >= limit for key, limit in _counters(request, name))


class ThrottledBackend(ModelBackend):
    """Django's accounts with their hashed passwords, behind the counter."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Account | None:
        name = username or ""
        if is_throttled(request, name):
            self._note(request)
            return None
        account = super().authenticate(request, username=username, password=password, **kwargs)
        if account is None:
            self._count(request, name)
            self._note(request)
        else:
            cache.delete(_counters(request, name)[0][0])
        return account

    @staticmethod
    def _count(request: HttpRequest | None, name: str) -> None:
        window_s = current_home().config.sign_in_window_minutes * 60
        for key, _ in _counters(request, name):
            if not cache.add(key, 1, window_s):
                cache.incr(key)

    @staticmethod
    def _note(request: HttpRequest | None) -> None:
        note_refusal(None, Act.SIGN_IN, dataset=None, address=address_of(request), deed=Deed.SIGN_IN_REFUSED)
