"""Invitations: a link that makes one account, once. The key goes out once; only its SHA-256 stays.

In comes whom to invite and with which role; out goes a key, and later an account of the name that the person chose.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from midas.kernel import BadInput, Clock, Conflict, NotFound, sha256_bytes
from midas.people.accounts import add_account, give_role
from midas.people.models import Account, Institution, Invitation, Role

DAYS = 7
"""Days that an invitation stands."""


def invite(
    *,
    clock: Clock,
    by: Account | None,
    email: str = "",
    institution: Institution | None = None,
    role: str = "",
    dataset: str = "",
    days: int = DAYS,
) -> str:
    """Return the key of a new invitation (256 random bits). `Conflict` where the address belongs to an account."""
    if role and role not in Role.values:
        raise BadInput(f"There is no role {role}.", advice=f"Choose one of {', '.join(Role.values)}.")
    if email and Account.objects.filter(email__iexact=email).exists():
        raise Conflict("This address belongs to an account already.", advice="Look for it in the list.")
    key, now = secrets.token_urlsafe(32), clock.now()
    Invitation.objects.create(
        digest=_digest(key), email=email, institution=institution, role=role, dataset=dataset, by=by,
        made_at=now, expires_at=now + timedelta(days=days),
    )  # fmt: skip
    return key


def standing_invitation(key: str, *, now: datetime) -> Invitation:
    """Return the invitation with this key. `NotFound` for an unknown, used or expired one, without saying which."""
    found = Invitation.objects.filter(digest=_digest(key), used_at=None, expires_at__gt=now).first()
    if found is None:
        raise NotFound(
            "This invitation is not valid, or it has been used or has expired.", advice="Ask for a new one."
        )
    return found


def invitation_to(email: str, *, now: datetime) -> Invitation | None:
    """Return the standing invitation to an address that somebody else has verified, or `None`."""
    return (
        Invitation.objects.filter(email__iexact=email, used_at=None, expires_at__gt=now)
        .order_by("-pk")
        .first()
    )


@transaction.atomic
def accept(
    *,
    invitation: Invitation,
    name: str,
    password: str | None,
    clock: Clock,
    full_name: str = "",
    language: str = "en",
) -> Account:
    """Make the account that was invited, with its role; the invitation is used up. No password: it signs in elsewhere."""
    won = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=clock.now()).update(
        used_at=clock.now()
    )
    if not won:
        raise Conflict("This invitation has been used, or it has expired.", advice="Ask for a new one.")
    made = add_account(
        name=name,
        password=password,
        email=invitation.email,
        institution=invitation.institution,
        language=language,
    )
    made.full_name = full_name[:150]
    made.save(update_fields=["full_name"])
    if invitation.role:
        give_role(account=made, role=invitation.role, dataset=invitation.dataset)
    Invitation.objects.filter(pk=invitation.pk).update(account=made)
    return made


def _digest(key: str) -> str:
    return str(sha256_bytes(key.encode("utf-8", "surrogatepass")))
