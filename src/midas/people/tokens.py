"""Tokens: keys for programs. The token goes out once, when it is issued; only its SHA-256 stays."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from midas.kernel import BadInput, Clock, sha256_bytes
from midas.people.models import Account, Institution, Token
from midas.people.rule import Act
from midas.people.scopes import limited

LONGEST_DAYS = 365
"""Days that a token with an end lasts at most; people's all have an end, a spoke's lasts until it is revoked."""
MARK = "midas_"
"""Tokens begin so, that people and secret scanners know one when they see it."""


def issue_token(
    *,
    title: str,
    clock: Clock,
    account: Account | None = None,
    spoke: Institution | None = None,
    days: int | None = None,
    scope: frozenset[Act] | None = None,
) -> str:
    """Return a new token of an account or of a spoke, with 256 random bits; it cannot be shown again.

    `days` is how long it is good for, `None`: until it is revoked; `scope` limits it to some of its account's acts, `None`
    leaves it all but those that a token has by name only.
    """
    if (account is None) == (spoke is None):
        raise BadInput("A token belongs to one account or one spoke.", advice="Name exactly one of them.")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"A token lasts 1 to {LONGEST_DAYS} days.", advice="Choose a shorter time.")
    token = MARK + secrets.token_urlsafe(32)
    now = clock.now()
    Token.objects.create(
        digest=_digest(token),
        title=title[:100],
        account=account,
        spoke=spoke,
        scope=None if scope is None else sorted(scope),
        created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    return token


def revoke_tokens(
    *,
    clock: Clock,
    account: Account | None = None,
    spoke: Institution | None = None,
    number: int | None = None,
) -> int:
    """Revoke all tokens of an account or a spoke, or the one with `number`; return how many there were."""
    if (account is None) == (spoke is None):
        raise BadInput("Tokens belong to one account or one spoke.", advice="Name exactly one of them.")
    standing = Token.objects.filter(account=account, spoke=spoke, revoked_at=None)
    if number is not None:
        standing = standing.filter(pk=number)
    return standing.update(revoked_at=clock.now())


def key_of_account(token: str, *, now: datetime) -> Token | None:
    """Return the standing token of an active account; `None` for an unknown, expired or revoked one."""
    found = _standing(token, now).filter(account__is_active=True).select_related("account").first()
    if found is not None and found.used_on != now.date():
        Token.objects.filter(pk=found.pk).update(used_on=now.date())
    return found


def key_stands(number: int, *, now: datetime) -> bool:
    """Say whether the token with this number is neither expired nor revoked by now."""
    in_time = Q(expires_at=None) | Q(expires_at__gt=now)
    return Token.objects.filter(in_time, pk=number, revoked_at=None).exists()


def account_of_token(token: str, *, now: datetime) -> Account | None:
    """Return the active account that a token belongs to; `None` for an unknown, expired or revoked one."""
    found = key_of_account(token, now=now)
    return found.account if found else None


def scope_of(key: Token) -> frozenset[Act]:
    """Return the acts that a token is limited to; an act that is no longer known is none."""
    return limited(None if key.scope is None else frozenset(Act(one) for one in key.scope if one in set(Act)))


def spoke_of_token(token: str, *, now: datetime) -> Institution | None:
    """Return the institution that a spoke's token belongs to; `None` for an unknown, expired or revoked one."""
    found = _standing(token, now).filter(spoke__isnull=False).select_related("spoke").first()
    return found.spoke if found else None


def _standing(token: str, now: datetime) -> QuerySet[Token]:
    in_time = Q(expires_at=None) | Q(expires_at__gt=now)
    return Token.objects.filter(in_time, digest=_digest(token), revoked_at=None)


def _digest(token: str) -> str:
    return str(sha256_bytes(token.encode("utf-8", "surrogatepass")))
