"""Who approved a draft: different people, each for the draft as it was then. A draft that changed has no approvals.

In come a draft and an account; out go rows. How many are needed is the gate's matter; taking one back ends its row. An
approval counts while its giver may cut releases of the dataset: who lost that role or the account approves nothing any more.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from midas.kernel import Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.people.rule import Act, Standing, allows, roles_of
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
    """Return the approvals that stand for the draft as it is now, one for each person who may cut it."""
    return [one for one in _given(draft) if _may_cut(one.account, draft)]


def lapsed(draft: Draft) -> list[Approval]:
    """Return the approvals of the draft as it is now that count no more, because their givers may not cut it."""
    return [one for one in _given(draft) if not _may_cut(one.account, draft)]


def _given(draft: Draft) -> QuerySet[Approval]:
    found = Approval.objects.filter(draft=draft, digest=draft_digest(draft), withdrawn_at=None)
    return found.select_related("account").order_by("approved_at", "pk")


def _may_cut(account: Account, draft: Draft) -> bool:
    standing = Standing(roles=roles_of(account), active=account.is_active)
    return allows(standing, Act.CUT, draft.dataset.slug)
