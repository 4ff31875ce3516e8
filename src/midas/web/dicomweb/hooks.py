"""What the ledger hears of: a look at a study, before its first byte goes out, and a refusal."""

from __future__ import annotations

from midas.kernel import SystemClock
from midas.ledger import viewed
from midas.people.models import Account
from midas.people.rule import Act
from midas.web.dicomweb.places import Place
from midas.web.guard import Caller
from midas.web.noting import note_refusal

ACT = {"releases": Act.DOWNLOAD, "twins": Act.GET_TWIN, "drafts": Act.READ_DATASET, "tasks": Act.READ}
"""What was refused, by the kind of place: which release or task it would have been does not matter for the count."""


def on_view(account: Account | None, place: Place, study_uid: str) -> None:
    """Note that an account looks at a study; called before the first byte of any retrieval."""
    viewed(
        by=account, dataset=place.dataset, version=place.version or "", target=study_uid, clock=SystemClock()
    )


def on_denied(account: Account | None, kind: str, name: str, address: str) -> None:
    """Count a refusal at `/dicomweb/{kind}/{name}` of an account, or of the address where nobody is known."""
    dataset = None if kind == "tasks" else name.partition("@")[0][:64]
    caller = Caller(account=account) if account is not None else None
    note_refusal(caller, ACT.get(kind, Act.BROWSE), dataset=dataset, address=address)
