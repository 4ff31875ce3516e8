"""Steps 9 and 10: what the hub lacks is sent, then the submission; its receipt is verified and kept.

In come packed parcels; out come acknowledged ones, and their items are `sent`. Only files of a parcel are ever read here.
What breaks off is taken up again: the hub is asked first what it lacks, and a submission is known by its root.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django.db import transaction
from pydantic import ValidationError

from midas.kernel import BadInput, BrokenPromise, Clock, Progress, Unavailable, whole_file
from midas.manifest import verify_signature
from midas.spoke.intake import items
from midas.spoke.intake.models import State
from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.outbox.packing import files_of, items_of
from midas.spoke.outbox.spending import taken_back
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import Receipt, Signed, SubmissionStatus

if TYPE_CHECKING:
    from midas.sdk import Client

POLLS = 600
"""How often the hub is asked whether it is done; with the pauses below about half an hour."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 3.0


class Hub(Protocol):
    """What a spoke asks of a hub; `midas.sdk.Client` is one."""

    def missing(self, digests: Iterable[str]) -> tuple[str, ...]: ...
    def put_blob(self, source: Path, sha256: str) -> None: ...
    def submit(self, signed: Signed) -> SubmissionStatus: ...
    def submission(self, root: str) -> SubmissionStatus: ...


def hub_of(desk: Desk, *, attempts: int | None = None) -> Client:
    """Return the hub that the config names; `BadInput` where it names none. `attempts`: how often it is tried."""
    from midas.sdk.client import Client, Patience

    config = desk.home.config
    if not config.hub or not config.token:
        raise BadInput(
            "No hub is configured.", advice="Put hub and token into config.toml (`midas spoke init`)."
        )
    patience = Patience() if attempts is None else Patience(attempts=attempts, connect_s=4.0, answer_s=20.0)
    return Client(config.hub, config.token, patience=patience)


def send_parcels(
    desk: Desk,
    *,
    hub: Hub | None,
    progress: Progress,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Parcel]:
    """Send every parcel that the hub has not acknowledged, oldest first, and return them."""
    open_states = [Parcel.State.PACKED, Parcel.State.SENDING]
    parcels = list(Parcel.objects.filter(project=desk.project, state__in=open_states).order_by("pk"))
    if not parcels:
        return []
    peer = hub or hub_of(desk)
    for parcel in parcels:
        _send(desk, parcel, peer, progress, clock, sleep)
    return parcels


def _send(
    desk: Desk, parcel: Parcel, hub: Hub, progress: Progress, clock: Clock, sleep: Callable[[float], None]
) -> None:
    parcel.state = Parcel.State.SENDING
    parcel.save(update_fields=["state"])
    files = files_of(desk, parcel)
    lacking = hub.missing(sorted(files))
    for digest in progress.track(lacking, label="Send", total=len(lacking)):
        hub.put_blob(files[digest], digest)
    status = hub.submit(Signed.model_validate(parcel.signed))
    pause = FIRST_PAUSE_S
    for _ in range(POLLS):
        if status.state in {"registered", "refused"}:
            break
        sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)
        status = hub.submission(parcel.root)
    if status.state == "registered":
        acknowledge(desk, parcel, status, clock=clock)
    elif status.state == "refused":
        refused(parcel, status, clock=clock)
    else:
        raise Unavailable("The hub is still verifying.", advice="Run `midas spoke send` again later.")


def _trusted(desk: Desk) -> str | None:
    pinned = desk.home.keys / "hub.pub"
    return desk.home.config.hub_key or (pinned.read_text() if pinned.exists() else None)


def acknowledge(desk: Desk, parcel: Parcel, status: SubmissionStatus, *, clock: Clock) -> None:
    """Verify the receipt, keep it, and mark items and persons as sent. `BrokenPromise` where it is not this parcel's.

    The first receipt's key is remembered unless the config names one; a later one by another key is not believed.
    """
    if status.receipt is None:
        raise BrokenPromise(
            "The hub registered the submission without a receipt.", advice="Ask its operator."
        )
    trusted = _trusted(desk)
    verify_signature(status.receipt, trusted=trusted)
    try:
        receipt = Receipt.model_validate(json.loads(status.receipt.payload))
    except (ValueError, ValidationError):
        raise BrokenPromise("The hub's receipt cannot be read.", advice="Ask its operator.") from None
    named = (receipt.root, receipt.spoke, receipt.dataset, receipt.instances)
    header = parcel.header
    if named != (parcel.root, header["spoke"], header["dataset"], header["instances"]):
        raise BrokenPromise("The hub's receipt is for something else.", advice="Ask its operator.")
    if trusted is None:
        with whole_file(desk.home.keys / "hub.pub", mode=0o600) as stream:
            stream.write(status.receipt.public_key.encode())
    at = clock.now()
    with transaction.atomic():
        parcel.receipt, parcel.findings = status.receipt.model_dump(mode="json"), _findings(status)
        parcel.state, parcel.acknowledged_at = Parcel.State.ACKNOWLEDGED, at
        parcel.save()
        chosen = list(items_of(parcel).values_list("pk", flat=True))
        items.of_project(desk.project).filter(pk__in=chosen, state=State.WAITING).update(
            state=State.SENT, reason="", detail="", changed_at=at
        )
        Person.objects.filter(pk__in=parcel.outputs.values("person_id")).update(sent=True)


def _findings(status: SubmissionStatus) -> list[dict[str, str]]:
    return [one.model_dump(mode="json") for one in status.findings]


@transaction.atomic
def refused(parcel: Parcel, status: SubmissionStatus, *, clock: Clock) -> None:
    """Hold what the hub's errors name; the rest can be packed again. Where they name no item, everything is held."""
    at = clock.now()
    parcel.state, parcel.findings = Parcel.State.REFUSED, _findings(status)
    parcel.save(update_fields=["state", "findings"])
    scopes = {one.scope for one in status.findings if one.severity == "error"}
    blamed = [one for one in parcel.outputs.all() if _named(one, scopes)]
    wrong = set(
        items_of(parcel).filter(outputs__in=blamed or parcel.outputs.all()).values_list("pk", flat=True)
    )
    everything = list(items_of(parcel))
    parcel.outputs.update(parcel=None)
    taken_back(parcel)
    first = next((one.message for one in status.findings if one.severity == "error"), "")
    for item in everything:
        if item.pk in wrong:
            items.stop(item, "hub-refused", at=at, detail=first)
        else:
            items.go_on(item, "cleaned", at=at)


def _named(output: Output, scopes: set[str]) -> bool:
    line = output.line
    return bool(scopes & {str(line.get("path")), str(line.get("sop_instance_uid")), str(line.get("record"))})
