"""The sealer: links what was entered since, in the order in which it was committed, and signs the chain's new end.

It goes by what waits, not by the last number, so that a row that was committed late with a low number is linked too.
Any number of processes may call `seal`: a lock lets one at a time link, and the others go on after it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from midas.kernel import Clock, Digest
from midas.ledger.chain import FIELDS, START, digest_of, instant, said
from midas.ledger.models import Checkpoint, Head, Link, Waiting
from midas.manifest import PrivateKey, sign
from midas.wire.v1 import Signed

AT_ONCE = 5_000
"""Rows a transaction: one stays short enough for others that wait to write."""
LOCK = 0x4D494441_5331
"""Names the sealer's lock in PostgreSQL; SQLite lets one transaction write at a time anyway."""


def seal(*, signer: PrivateKey, clock: Clock) -> int:
    """Link every committed row that no link holds; return how many there were."""
    total = 0
    while Waiting.objects.exists():
        done = _bundle(signer, clock)
        total += done
        if done < AT_ONCE:
            break
    return total


@transaction.atomic
def _bundle(signer: PrivateKey, clock: Clock) -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    rows = list(
        Waiting.objects.order_by("entry_id").values_list(*(f"entry__{name}" for name in FIELDS))[:AT_ONCE]
    )
    if not rows:
        return 0
    number, digest = end()
    links = []
    for row in rows:
        number += 1
        digest = digest_of(number, digest, said(row))
        links.append(Link(number=number, entry_id=row[0], digest=digest))
    Link.objects.bulk_create(links)
    Waiting.objects.filter(entry_id__in=[row[0] for row in rows]).delete()
    now = clock.now()
    Head.objects.update_or_create(
        day=timezone.localdate(now),
        defaults={
            "number": number, "digest": digest,
            "signed": head_at(number, digest, signer=signer, at=now).model_dump(),
        },
    )  # fmt: skip
    return len(rows)


def end() -> tuple[int, Digest]:
    """Return number and digest of the newest link, or of what stands before the first one that is kept."""
    last = Link.objects.order_by("-number").values_list("number", "digest").first()
    return last or before_first()


def before_first() -> tuple[int, Digest]:
    """Return number and digest that the first kept link follows: the newest checkpoint's, or the chain's start."""
    found = Checkpoint.objects.order_by("-number").values_list("number", "digest").first()
    return found or (0, START)


def head_at(number: int, digest: str, *, signer: PrivateKey, at: datetime) -> Signed:
    """Return a signed head: what others may keep and hold against the chain of a later day."""
    value: dict[str, Any] = {
        "schema": "midas-ledger-head/1", "number": number, "digest": digest, "time": instant(at),
    }  # fmt: skip
    return sign(value, signer)


def head(*, signer: PrivateKey, clock: Clock) -> Signed:
    """Return the head of the chain as it is now."""
    number, digest = end()
    return head_at(number, digest, signer=signer, at=clock.now())
