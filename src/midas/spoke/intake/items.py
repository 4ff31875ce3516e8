"""Items and their states: made once per identity, moved from stage to stage, stopped for a reason of the closed table.

In come what was found and what became of it; out go rows of the database. An item is never deleted but for a recognised
table, whose rows take its place, and a person's reading (reason, detail, findings) never holds an identified value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from midas.kernel import Finding
from midas.spoke.home import Home, nobody_at_work
from midas.spoke.intake.models import Batch, Item, State
from midas.spoke.outbox.models import Output
from midas.spoke.reasons import reason
from midas.spoke.vault.models import Project
from midas.spoke.vault.projects import Desk


@dataclass(frozen=True)
class Tally:
    """Everything in = waiting + held + refused + sent; `by_reason` splits held and refused."""

    items_in: int
    waiting: int
    held: int
    refused: int
    sent: int
    by_reason: dict[str, int] = field(default_factory=dict)

    def states(self) -> dict[str, int]:
        return {"waiting": self.waiting, "held": self.held, "refused": self.refused, "sent": self.sent}


def of_project(project: Project) -> QuerySet[Item]:
    return Item.objects.filter(batch__project=project)


def count(project: Project) -> Tally:
    rows = of_project(project).values("state", "reason").annotate(n=Count("pk")).order_by()
    states = dict.fromkeys(State.values, 0)
    reasons: dict[str, int] = {}
    for row in rows:
        states[row["state"]] += row["n"]
        if row["reason"]:
            reasons[row["reason"]] = row["n"]
    return Tally(items_in=of_project(project).count(), by_reason=dict(sorted(reasons.items())), **states)


def add(
    desk: Desk, batch: Batch, *, kind: str, name: str, identity: str, at: datetime, **more: Any
) -> tuple[Item, bool]:
    """Return the item of this identity and whether it is new."""
    return Item.objects.get_or_create(
        lookup=desk.vault.lookup("item", identity, within=desk.project.slug),
        defaults={
            "batch": batch, "kind": kind, "name": desk.vault.seal(name, about="item"), "changed_at": at, **more,
        },
    )  # fmt: skip


def name_of(desk: Desk, item: Item) -> str:
    """Return the identified name of an item: relative path, archive member or table row."""
    return desk.vault.open(item.name, about="item")


def payload_of(desk: Desk, item: Item) -> dict[str, Any]:
    if item.payload is None:
        return {}
    opened: dict[str, Any] = json.loads(desk.vault.open(item.payload, about="payload"))
    return opened


def sealed_payload(desk: Desk, value: dict[str, Any]) -> bytes:
    return desk.vault.seal(json.dumps(value, ensure_ascii=False), about="payload")


def stop(item: Item, code: str, *, at: datetime, detail: str = "", findings: Iterable[Finding] = ()) -> None:
    """Hold or refuse an item, as the reason says; what was made of it and has not left is taken back."""
    take_back(item)
    item.state, item.reason, item.detail = reason(code).state, code, detail
    if found := [one.to_dict() for one in findings]:
        item.findings = found
    item.changed_at = at
    item.save()


def go_on(item: Item, stage: str, *, at: datetime) -> None:
    """Let an item wait at the next stage."""
    item.state, item.reason, item.detail, item.stage = State.WAITING, "", "", stage
    item.changed_at = at
    item.save()


def close_interrupted(home: Home, *, at: datetime) -> None:
    """Close the batches of programs that ended in the middle, such as by a power cut; others may be receiving now."""
    if Batch.objects.filter(finished_at=None).exists():
        with nobody_at_work(home) as alone:
            if alone:
                Batch.objects.filter(finished_at=None).update(finished_at=at, interrupted=True)


def take_back(item: Item) -> None:
    """Delete outputs made of this item that no parcel holds; what is packed or sent stands."""
    Output.objects.filter(sources=item, parcel=None).delete()
