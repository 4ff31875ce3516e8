"""What the spoke's pages ask: read-only queries, and the one door to a picture of a person.

In come a project or an item; out come plain values for people. Nothing here names a person except `item_name` and
`item_preview_png`, which are for signed-in people at the spoke; each view of a picture is written down first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min

from midas.formats import dicom as formats_dicom
from midas.kernel import Clock, NotFound, SystemClock
from midas.spoke.bootstrap import current_home
from midas.spoke.intake import items, store
from midas.spoke.intake.items import Tally
from midas.spoke.intake.models import Batch, Decision, Item, Look, State
from midas.spoke.outbox.models import Parcel
from midas.spoke.reasons import REASONS, Reason
from midas.spoke.vault.models import Person, Project
from midas.spoke.vault.projects import Desk, desk

NOW = SystemClock()
MAX_ITEMS_SHOWN = 200
NO_PICTURE = {"row", "sheet", "trouble", "csv", "xlsx", "pdf", "text", "unknown", "dicomdir", "archive"}


@dataclass(frozen=True)
class ReasonCount:
    """How many items one reason stops."""

    reason: Reason
    state: str
    count: int


@dataclass(frozen=True)
class Overview:
    project: Project
    tally: Tally
    reasons: tuple[ReasonCount, ...]
    persons: int
    batches: int
    last_received: datetime | None
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True)
class Group:
    """Items that are held or refused for one reason and belong together: a series, a table, a kind of file."""

    reason: Reason
    name: str
    definition: str
    kind: str
    count: int
    since: datetime
    items: tuple[Item, ...]
    details: tuple[str, ...]


def the_project(slug: str | None = None) -> Project:
    """Return a project, by default the one that the config names."""
    wanted = slug or current_home().config.project
    found = Project.objects.filter(slug=wanted).first()
    if found is None:
        raise NotFound("There is no such project here.", advice="Make one with `midas spoke init`.")
    return found


def overview(project: Project | None = None) -> Overview:
    project = project or the_project()
    tally = items.count(project)
    counted = tuple(
        ReasonCount(REASONS[code], REASONS[code].state, count) for code, count in tally.by_reason.items()
    )
    batches = project.batches.aggregate(n=Count("pk"), last=Max("started_at"))
    return Overview(
        project=project, tally=tally, reasons=tuple(sorted(counted, key=lambda one: (one.state, -one.count))),
        persons=Person.objects.filter(project=project, merged_into=None).count(), batches=batches["n"],
        last_received=batches["last"], parcels=tuple(project.parcels.order_by("-pk")[:20]),
    )  # fmt: skip


def held_groups(
    project: Project | None = None, *, state: str = State.HELD, reason: str = ""
) -> tuple[Group, ...]:
    """Return held (or refused) items grouped by reason and series or table, those a person can look at first."""
    project = project or the_project()
    chosen = items.of_project(project).filter(state=state)
    if reason:
        chosen = chosen.filter(reason=reason)
    rows = chosen.values("reason", "group", "definition", "kind").annotate(
        n=Count("pk"), since=Min("changed_at")
    )
    return tuple(
        sorted(
            (_group(chosen, row) for row in rows.order_by()),
            key=lambda one: (not one.reason.review, one.reason.code, one.definition, one.name),
        )
    )


def _group(chosen: Any, row: Mapping[str, Any]) -> Group:
    same = {name: row[name] for name in ("reason", "group", "definition", "kind")}
    members = tuple(chosen.filter(**same).order_by("pk")[:MAX_ITEMS_SHOWN])
    details = tuple(dict.fromkeys(one.detail for one in members if one.detail))[:10]
    return Group(
        reason=REASONS[row["reason"]], name=row["group"], definition=row["definition"], kind=row["kind"],
        count=row["n"], since=row["since"], items=members, details=details,
    )  # fmt: skip


@dataclass(frozen=True)
class Detail:
    """One item for its page; `name` is identified and for signed-in people only."""

    item: Item
    name: str
    reason: Reason | None
    has_picture: bool
    decisions: tuple[Decision, ...]
    looks: tuple[Look, ...]
    outputs: tuple[Any, ...]


def _desk(item: Item) -> Desk:
    return desk(home=current_home(), slug=item.batch.project.slug)


def item_name(item: Item) -> str:
    """Return the identified name under which an item came in."""
    return items.name_of(_desk(item), item)


def item_detail(item: Item) -> Detail:
    return Detail(
        item=item, name=item_name(item), reason=REASONS.get(item.reason), has_picture=has_picture(item),
        decisions=tuple(item.decisions.order_by("-at")), looks=tuple(item.looks.select_related("by").order_by("-at")),
        outputs=tuple(item.outputs.order_by("pk")),
    )  # fmt: skip


def has_picture(item: Item) -> bool:
    """Say whether the item can be shown; what workers died of is not decoded in the process that answers pages."""
    return bool(item.stored) and item.kind not in NO_PICTURE and not item.deaths


def item_preview_png(
    item: Item, *, by: Any = None, size: int = 768, frame: int | None = None, clock: Clock = NOW
) -> bytes:
    """Return the identified picture as PNG, after the view has been written down. `BadInput` without pixels.

    `frame` counts from 0; without it the middle one is shown.
    """
    if not has_picture(item):
        raise NotFound("This item has no picture.", advice="Look at its reason and advice instead.")
    looked(item, by=by, clock=clock)
    path = store.place_of(current_home(), item.stored)
    if frame is not None and item.kind == "dicom":
        return formats_dicom.png(formats_dicom.frame(path, index=frame), size=size)
    return formats_dicom.preview(path, size=size)


def looked(item: Item, *, by: Any, what: str = "picture", clock: Clock = NOW) -> None:
    """Write down that a person saw an identified picture or header."""
    Look.objects.create(item=item, by=by if getattr(by, "pk", None) else None, at=clock.now(), what=what)


def batches(project: Project | None = None) -> tuple[Batch, ...]:
    """Return what came in, newest first, each with its number of items as `n`."""
    project = project or the_project()
    return tuple(project.batches.annotate(n=Count("items")).order_by("-started_at"))
