"""Write a deed down, in the transaction of the deed itself: what did not happen is not in the ledger, and the reverse."""

from __future__ import annotations

from typing import Any

from midas.kernel import Clock
from midas.ledger.models import Deed, Entry
from midas.people.models import Account


def enter(
    deed: Deed,
    *,
    by: Account | None,
    clock: Clock,
    who: str = "",
    dataset: str = "",
    version: str = "",
    target: str = "",
    why: str = "",
    **details: str | float | bool | None,
) -> Entry:
    """Add one row. `who` names a spoke or a command where no account acts; never put an identifier of a person here."""
    return Entry.objects.create(
        at=clock.now(), deed=deed, by=by, who=by.username if by else who, dataset=dataset, version=version,
        target=target[:100], why=why[:500], details=details,
    )  # fmt: skip


def named(entry: Entry) -> dict[str, Any]:
    """Return what a row says, as it is chained and exported."""
    return {
        "number": entry.pk, "at": entry.at.isoformat(), "deed": entry.deed, "who": entry.who, "dataset": entry.dataset,
        "version": entry.version, "target": entry.target, "why": entry.why, "details": entry.details,
    }  # fmt: skip
