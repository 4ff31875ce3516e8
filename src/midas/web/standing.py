"""What stands for who asks: roles, grants and a token's scope, read from the record or taken from a short memory.

Pages and the API ask the record once for each request. DICOMweb asks thousands of times a minute and takes an answer of
at most `FRESH_S`; a revocation in this process drops it at once (`forget`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.conf import settings

from midas.access import standing_grants
from midas.kernel import SystemClock
from midas.people.rule import NOBODY, Act, Roles, Standing, allows, allows_somewhere, roles_of, seen

FRESH_S = 2.0
"""Seconds that a remembered answer may be old: other processes revoke too, and say nothing here."""

MOST = 10_000
"""Answers that are remembered; beyond it the memory starts again."""
T = TypeVar("T")

_remembered: dict[int, tuple[float, Standing]] = {}
_recalled: dict[str, tuple[float, Any]] = {}


def standing_of(account: Any, *, scope: frozenset[Act] | None = None) -> Standing:
    """Return what stands for an account now, or for nobody in particular (`None`)."""
    roles = roles_of(account)
    if roles is None:
        return NOBODY
    grants = standing_grants(account, now=SystemClock().now())
    if lacking_factor(account, roles):
        roles = frozenset(one for one in roles if one[0] not in _guarded_roles())
    return Standing(roles=roles, grants=grants, scope=scope, active=account.is_active)


def _guarded_roles() -> tuple[str, ...]:
    return getattr(settings, "SECOND_FACTOR_ROLES", ())


def lacking_factor(account: Any, roles: Roles) -> bool:
    """Say whether roles of the account are asleep, because the hub asks a second factor for them and it has none."""
    if not any(role in _guarded_roles() for role, _ in roles):
        return False
    from allauth.mfa.models import Authenticator

    factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return not Authenticator.objects.filter(user_id=account.pk, type__in=factors).exists()


def hold(account: Any, found: Standing) -> None:
    """Let all that one request asks about its account be answered from `found`; the account is this request's own."""
    account.stands = found


def _held(account: Any) -> Standing:
    return getattr(account, "stands", None) or standing_of(account)


def remembered(account: Any) -> Standing:
    """Return the same, at most `FRESH_S` old."""
    if account is None:
        return NOBODY
    now = time.monotonic()
    kept = _remembered.get(account.pk)
    if kept is not None and now - kept[0] < FRESH_S:
        return kept[1]
    found = standing_of(account)
    _remembered[account.pk] = (now, found)
    return found


def recall(key: str, ask: Callable[[], T]) -> T:
    """Return what `ask` says, or what it said for this key at most `FRESH_S` ago; an error is not remembered."""
    now = time.monotonic()
    kept = _recalled.get(key)
    if kept is not None and now - kept[0] < FRESH_S:
        found: T = kept[1]
        return found
    found = ask()
    if len(_recalled) >= MOST:
        _recalled.clear()
    _recalled[key] = (now, found)
    return found


def forget(account_pk: int | None = None) -> None:
    """Drop what is remembered of one account, or of all: call it after a role, a grant, a token or a session changed.

    Tokens, sessions and places are not kept by account: all of them are asked for again.
    """
    _recalled.clear()
    if account_pk is None:
        _remembered.clear()
    else:
        _remembered.pop(account_pk, None)


def may(account: Any, act: Act, dataset: str | None = None, version: str | None = None) -> bool:
    """Say whether `account` (or `None`: nobody in particular) may do `act` there; without a dataset: on all of them."""
    return allows(_held(account), act, dataset, version)


def visible(account: Any, act: Act, datasets: Iterable[str]) -> list[str]:
    """Return those of `datasets` on which `account` may do `act`, in their order."""
    return seen(_held(account), act, datasets)


def may_anywhere(account: Any, act: Act) -> bool:
    """Say whether there may be a dataset on which `account` may do `act`: for menus and lists."""
    return allows_somewhere(_held(account), act)
