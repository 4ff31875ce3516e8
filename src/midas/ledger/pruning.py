"""Prune: rows past their years go, and a signed checkpoint stays from which the chain goes on.

Links go from the oldest on without a gap, so a young row keeps all that were linked after it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from midas.kernel import Clock
from midas.ledger.chain import instant
from midas.ledger.entering import COMMAND, enter
from midas.ledger.models import Checkpoint, Deed, Entry, Link
from midas.ledger.sealing import before_first
from midas.manifest import PrivateKey, sign

YEAR = timedelta(days=366)
"""A leap year, so that no row goes before its year is over."""
AT_ONCE = 10_000


@transaction.atomic
def prune(*, years: int, signer: PrivateKey, clock: Clock) -> Checkpoint | None:
    """Remove linked rows older than `years`; return the checkpoint that stays, or `None` where nothing is that old."""
    now = clock.now()
    cutoff = now - years * YEAR
    before, _ = before_first()
    old = Link.objects.filter(entry__at__lt=cutoff)
    young = Link.objects.filter(entry__at__gte=cutoff).order_by("number").first()
    last = (old.filter(number__lt=young.number) if young else old).order_by("-number").first()
    if last is None:
        return None
    value = {
        "schema": "midas-ledger-checkpoint/1", "number": last.number, "digest": last.digest, "count": last.number - before,
        "older_than": instant(cutoff), "time": instant(now),
    }  # fmt: skip
    stays = Checkpoint.objects.create(
        number=last.number, digest=last.digest, count=last.number - before, at=now, signed=sign(value, signer).model_dump()
    )  # fmt: skip
    for first in range(before + 1, last.number + 1, AT_ONCE):
        bundle = Link.objects.filter(number__gte=first, number__lt=min(first + AT_ONCE, last.number + 1))
        entries = list(bundle.values_list("entry_id", flat=True))
        bundle._raw_delete(bundle.db)  # noqa: SLF001 - the door for pruning; the rows' own `delete` refuses
        gone = Entry.objects.filter(pk__in=entries)
        gone._raw_delete(gone.db)  # noqa: SLF001 - the same
    enter(
        Deed.PRUNE, by=None, who=COMMAND, clock=clock, target=str(last.number), count=stays.count,
        older_than=instant(cutoff),
    )  # fmt: skip
    return stays
