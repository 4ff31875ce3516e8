"""What the ledger hears of: a look at a study, before its first byte goes out, and a refusal."""

from __future__ import annotations

from importlib import import_module

from midas.kernel import SystemClock
from midas.people.models import Account
from midas.web.dicomweb.places import Place


def on_view(account: Account | None, place: Place, study_uid: str) -> None:
    """Note that an account looks at a study; called before the first byte of any retrieval."""
    if viewed := getattr(import_module("midas.ledger"), "viewed", None):
        viewed(
            by=account, dataset=place.dataset, version=place.version or "", target=study_uid, clock=SystemClock()
        )  # fmt: skip


def on_denied(account: Account | None, place: Place) -> None:
    """Count a refusal."""
    if denied := getattr(import_module("midas.ledger"), "denied", None):
        denied(act=place.acts[0].value, clock=SystemClock(), by=account, dataset=place.dataset)
