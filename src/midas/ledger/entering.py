"""Write a deed down, in the transaction of the deed itself: what did not happen is not in the ledger, and the reverse."""

from __future__ import annotations

import json
from typing import Any

from midas.kernel import Clock, canonical
from midas.ledger.chain import SAFE_WHOLE
from midas.ledger.models import Deed, Entry
from midas.people.models import Account

COMMAND = "command line"
"""Who is named where no account and no spoke acts: whoever may run commands on the hub's own machine."""


def enter(
    deed: Deed,
    *,
    by: Account | None,
    clock: Clock,
    who: str = COMMAND,
    dataset: str = "",
    version: str = "",
    target: str = "",
    why: str = "",
    **details: str | float | bool | None,
) -> Entry:
    """Add one row. `who` names a spoke or a command where no account acts; never put an identifier of a person here.

    Raise `ValueError` for a number in `details` that JSON has no one form for.
    """
    return Entry.objects.create(
        at=clock.now(), deed=deed, by=by, who=_text(by.username if by else who, 150), dataset=dataset, version=version,
        target=_text(target, 100), why=_text(why, 500), details=_exact(details),
    )  # fmt: skip


def _text(text: str, most: int) -> str:
    """Keep what both databases and UTF-8 can hold: what others typed may stand here."""
    return text[:most].replace("\0", "").encode("utf-8", "replace").decode()


def _exact(details: dict[str, Any]) -> dict[str, Any]:
    """Return the details as every database gives them back."""
    kept = {key: _text(value, 1000) if isinstance(value, str) else value for key, value in details.items()}
    if any(isinstance(one, int | float) and not abs(one) < SAFE_WHOLE for one in kept.values()):
        raise ValueError("a number that JSON cannot hold exactly")
    exact: dict[str, Any] = json.loads(canonical(kept)) if kept else {}
    return exact
