"""Sign-in that slows down who guesses. In come a name, a password and a request; out comes an account or nothing.

Failures are counted per name and address, and per address alone, in this process's memory; after too many nobody
signs in from there until the window has passed. Names are kept only as digests.
"""

from __future__ import annotations

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


def _counters(request: HttpRequest | None, name: str) -> tuple[tuple[str, int], ...]:
    tries = current_home().config.sign_in_tries
    address = request.META.get("REMOTE_ADDR", "") if request else ""
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
        address = request.META.get("REMOTE_ADDR", "") if request else ""
        note_refusal(None, Act.SIGN_IN, dataset=None, address=address, deed=Deed.SIGN_IN_REFUSED)
