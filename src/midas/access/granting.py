"""Give and take back grants. Each is one transaction with its row of the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from midas.access.models import Grant, Request, Terms
from midas.kernel import BadInput, Clock, Conflict, sha256_bytes
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.release.models import Release

LONGEST_DAYS = 3 * 365
"""A grant ends after three years at the latest; then it is asked for again."""


def terms_of(text: str, *, title: str, clock: Clock) -> Terms:
    """Return the terms with this text, kept by its SHA-256; made at first use."""
    found, _ = Terms.objects.get_or_create(
        sha256=sha256_bytes(text.encode()), defaults={"title": title, "text": text, "added_at": clock.now()}
    )
    return found


@transaction.atomic
def give(
    *,
    account: Account,
    release: Release,
    purpose: str,
    terms: Terms,
    by: Account,
    why: str,
    clock: Clock,
    days: int = 365,
    words: str = "",
    request: Request | None = None,
) -> Grant:
    """Give `account` a release for `days`. `BadInput` without a reason or for too long, `Conflict` for one's own grant."""
    if not why.strip():
        raise BadInput("A grant needs a reason.", advice="Say in a sentence why access is given.")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"A grant lasts 1 to {LONGEST_DAYS} days.", advice="Choose a shorter time.")
    if by.pk == account.pk:
        raise Conflict("Nobody gives access to themselves.", advice="Ask another officer.")
    now = clock.now()
    made = Grant.objects.create(
        account=account, institution=account.institution, release=release, purpose=purpose, words=words, terms=terms,
        request=request, given_by=by, given_at=now, why=why[:500], expires_at=now + timedelta(days=days),
    )  # fmt: skip
    enter(
        Deed.GRANT, by=by, clock=clock, dataset=release.dataset.slug, version=release.version, target=str(made.pk),
        why=why, to=account.username, purpose=purpose, terms=terms.sha256, until=made.expires_at.isoformat(),
    )  # fmt: skip
    return made


@transaction.atomic
def revoke(*, grant: Grant, by: Account, why: str, clock: Clock) -> Grant:
    """Take a grant back; taking it back again changes nothing. `BadInput` without a reason."""
    if not why.strip():
        raise BadInput("Taking access back needs a reason.", advice="Say in a sentence why.")
    row = Grant.objects.select_for_update().select_related("release__dataset", "account").get(pk=grant.pk)
    if row.revoked_at is not None:
        return row
    row.revoked_at, row.revoked_by, row.revoked_why = clock.now(), by, why[:500]
    row.save(update_fields=["revoked_at", "revoked_by", "revoked_why"])
    enter(
        Deed.REVOKE, by=by, clock=clock, dataset=row.release.dataset.slug, version=row.release.version,
        target=str(row.pk), why=why, to=row.account.username,
    )  # fmt: skip
    return row


def standing_grants(account: Account, *, now: datetime) -> frozenset[tuple[str, str]]:
    """Return (dataset, version) of each release that the account has a grant for now."""
    held = Grant.objects.filter(account=account, revoked_at=None, expires_at__gt=now, release__twin=False)
    return frozenset(held.values_list("release__dataset__slug", "release__version"))
