"""Give and take back grants. Each is one transaction with its row of the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from midas.access.models import Grant, Request, Terms
from midas.access.terms import purpose_for
from midas.kernel import BadInput, Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.release.models import Release

LONGEST_DAYS = 3 * 365
"""A grant ends after three years at the latest; then it is asked for again."""


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
    """Give `account` a release for `days`.

    `BadInput` without a reason, for too long, or for a purpose that the release's terms do not allow; `Conflict` for one's
    own grant, or where none is needed.
    """
    if not why.strip():
        raise BadInput("A grant needs a reason.", advice="Say in a sentence why access is given.")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"A grant lasts 1 to {LONGEST_DAYS} days.", advice="Choose a shorter time.")
    if by.pk == account.pk:
        raise Conflict("Nobody gives access to themselves.", advice="Ask another officer.")
    if release.twin or release.access == "open":
        raise Conflict(
            "This needs no grant.", advice="Twins are for anyone, open releases for all who sign in."
        )
    now, purpose = clock.now(), purpose_for(release, purpose)
    made = Grant.objects.create(
        account=account, institution=account.institution, release=release, purpose=purpose, words=words, terms=terms,
        request=request, given_by=by, given_at=now, why=why[:500], expires_at=now + timedelta(days=days),
    )  # fmt: skip
    if request is not None:
        request.decided_at = now
        request.save(update_fields=["decided_at"])
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


def grant_numbered(number: int) -> Grant:
    """Return the grant with this number; `NotFound` without it."""
    found = Grant.objects.select_related("account", "release__dataset", "terms").filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no grant {number}.", advice="See `midas hub grant list`.")
    return found


def standing_grants(account: Account, *, now: datetime) -> frozenset[tuple[str, str]]:
    """Return (dataset, version) of each release that the account has a grant for now.

    A grant is given to a person at an institution: who has moved to another asks again.
    """
    held = Grant.objects.filter(
        account=account,
        institution=account.institution_id,
        revoked_at=None,
        expires_at__gt=now,
        release__twin=False,
    )
    return frozenset(held.values_list("release__dataset__slug", "release__version"))
