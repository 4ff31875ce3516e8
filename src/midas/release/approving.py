"""Who approved a draft: different people, each for the draft as it was then. A draft that changed has no approvals.

In come a draft and an account; out go rows. How many are needed is the gate's matter; taking one back ends its row.
"""

from __future__ import annotations

from django.db import transaction

from midas.kernel import Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.release.drafting import draft_digest
from midas.release.models import Approval, Draft, Release


@transaction.atomic
def approve(*, draft: Draft, by: Account, clock: Clock) -> Approval:
    """Keep that this person approved the draft as it is now; `Conflict` where it is cut, or they did so already."""
    if Release.objects.filter(draft=draft, twin=False).exists():
        raise Conflict("This draft is a release already.", advice="Approve the next version.")
    digest = draft_digest(draft)
    if Approval.objects.filter(draft=draft, account=by, digest=digest, withdrawn_at=None).exists():
        raise Conflict(
            "You approved this draft already.",
            advice="Another person must approve it, too, where two are asked for.",
        )
    made = Approval.objects.create(draft=draft, account=by, digest=digest, approved_at=clock.now())
    enter(Deed.APPROVE, by=by, clock=clock, dataset=draft.dataset.slug, version=draft.version, target=digest)
    return made


@transaction.atomic
def take_approval_back(*, draft: Draft, by: Account, clock: Clock) -> None:
    """End this person's approval; `NotFound` where none stands."""
    standing = Approval.objects.filter(draft=draft, account=by, withdrawn_at=None)
    if not standing.update(withdrawn_at=clock.now()):
        raise NotFound("You have not approved this draft.", advice="There is nothing to take back.")
    enter(
        Deed.APPROVE, by=by, clock=clock, dataset=draft.dataset.slug, version=draft.version,
        target=draft_digest(draft), taken_back=True,
    )  # fmt: skip


def approvals_of(draft: Draft) -> list[Approval]:
    """Return the approvals that stand for the draft as it is now, one for each person whose account is open."""
    found = Approval.objects.filter(
        draft=draft, digest=draft_digest(draft), withdrawn_at=None, account__is_active=True
    )
    return list(found.select_related("account").order_by("approved_at", "pk"))
