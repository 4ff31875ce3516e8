"""What people decide on held items: written down, made by two where two must, taken back, and used again.

In come held items with a verdict, boxes and a reason; out comes a `Decision`, and items that go on, are refused, or wait for
a second person. Nothing is cleaned or sent here. A decision is never deleted, and it can be taken back until its items are
packed. What one screen layout of a device was decided to be, later items of the same looks become by themselves, as said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from midas.kernel import BadInput, Conflict
from midas.spoke.intake import items
from midas.spoke.intake.models import Decision, Item, Screen, Standing, State, Verdict
from midas.spoke.intake.screens import box_of
from midas.spoke.reasons import REASONS
from midas.spoke.vault.projects import Desk

Box = tuple[int, int, int, int]
"""left, top, width, height in pixels."""
SCOPES = ("items", "series", "layout")
SAME_PLACE = 0.5
"""Least overlap (intersection over union, 0 to 1) at which two boxes are taken for the same."""


@dataclass(frozen=True)
class Said:
    """What a person said of held items. `why` is required; `boxes` are masked besides what the machine proposes.

    `dropped` are proposed boxes that the person took away on the item that was `looked_at`. On other items a box goes
    only where it stands at the same place and shows the very same drawing: harmless words, not other words.
    """

    verdict: str
    why: str
    boxes: tuple[Box, ...] = ()
    dropped: tuple[Box, ...] = ()
    scope: str = "items"
    looked_at: Item | None = None

    def __post_init__(self) -> None:
        if self.verdict not in Verdict.values:
            raise BadInput(f"{self.verdict} is no verdict.", advice="Use accept, mask or reject.")
        if self.scope not in SCOPES:
            raise BadInput(f"{self.scope} is no scope.", advice=f"Use one of {', '.join(SCOPES)}.")
        if not self.why.strip():
            raise BadInput("A decision needs items and a reason.", advice="Say in a few words what was seen.")
        if any(min(b) < 0 or not (b[2] and b[3]) for b in (*self.boxes, *self.dropped)):
            raise BadInput(
                "A box is x, y, width and height in whole pixels.", advice="Draw it on the picture."
            )

    def same_as(self, decision: Decision) -> bool:
        boxes = sorted(tuple(box) for box in decision.boxes)
        dropped = sorted(tuple(box[:4]) for box in decision.dropped)
        return (self.verdict, sorted(self.boxes), sorted(self.dropped)) == (decision.verdict, boxes, dropped)


def of_scope(item: Item, scope: str) -> QuerySet[Item]:
    """Return the held items that an act on this one reaches: itself, its series, or all that look the same."""
    same: dict[str, Any] = {"pk": item.pk}
    if scope == "series" and item.group:
        same = {"group": item.group}
    elif scope == "layout" and item.screen is not None and item.screen.tells:
        same = {"screen_id": item.screen_id}
    held = Item.objects.filter(batch__project=item.batch.project, state=State.HELD, reason=item.reason)
    return held.filter(**same).order_by("pk")


def needs_second(desk: Desk, item: Item) -> bool:
    """Say whether the protocol asks two different people to decide the same before this item goes on."""
    wanted = next((one for one in desk.protocol.items if one.id == item.definition), None)
    return desk.protocol.deid.second_reviewer or bool(wanted and wanted.second_reviewer)


@transaction.atomic
def decide(
    desk: Desk, chosen: Sequence[Item], said: Said, *, by: Any = None, by_name: str, at: datetime
) -> Decision:
    """Write a decision down and carry it out, or let it wait for a second person.

    `Conflict` where an item is not held, or is held for a reason that looking at it cannot settle; `BadInput` for a mask
    without any box.
    """
    _check(chosen, said)
    two = said.verdict != Verdict.REJECT and any(needs_second(desk, item) for item in chosen)
    proposals = Decision.objects.filter(items__in=chosen, standing=Standing.PROPOSED).distinct()
    agreed = next(
        (one for one in proposals if two and by is not None and said.same_as(one) and one.by_name != by_name),
        None,
    )
    for other in proposals:
        if other != agreed:
            _end(other, by_name, at)
    if agreed is not None:
        return _agree(agreed, chosen, by_name, at)
    decision = Decision.objects.create(
        verdict=said.verdict, boxes=[list(box) for box in said.boxes], why=said.why.strip(), by_name=by_name, at=at,
        dropped=_with_ink(said), looked_at=said.looked_at, scope=said.scope, by=by if getattr(by, "pk", None) else None,
        standing=Standing.PROPOSED if two else Standing.FINAL, was=_was(chosen),
        screen=_screen(chosen) if said.scope == "layout" else None,
    )  # fmt: skip
    decision.items.set(chosen)
    if not two:
        _carry_out(decision, chosen, at)
    return decision


def _check(chosen: Sequence[Item], said: Said) -> None:
    if not chosen:
        raise BadInput("A decision needs items and a reason.", advice="Choose at least one item.")
    if said.verdict == Verdict.MASK and not said.boxes and not any(item.regions for item in chosen):
        raise BadInput("A mask needs at least one box.", advice="Give x, y, width and height in pixels.")
    for item in chosen:
        if item.state != State.HELD:
            raise Conflict("An item is not held (any more).", advice="Look at the list again.")
        why_held = REASONS[item.reason]
        if said.verdict != Verdict.REJECT and not why_held.review:
            raise Conflict(f"Looking at it does not settle “{why_held.title}”.", advice=why_held.advice)


def _with_ink(said: Said) -> list[list[int | str]]:
    """Return the dropped boxes with the fingerprint of what each shows on the item that was looked at."""
    shown = {
        box_of(one): str(one.get("ink", "")) for one in (said.looked_at.regions if said.looked_at else [])
    }
    return [[*box, shown.get(box, "")] for box in said.dropped]


def _screen(chosen: Sequence[Item]) -> Screen | None:
    """Return the one screen of all these items, where its looks tell enough for a decision to be used again."""
    screens = {item.screen for item in chosen}
    only = screens.pop() if len(screens) == 1 else None
    return only if only is not None and only.tells else None


def _was(chosen: Iterable[Item]) -> dict[str, list[str]]:
    return {str(item.pk): [item.reason, item.detail] for item in chosen}


def _agree(proposal: Decision, chosen: Sequence[Item], by_name: str, at: datetime) -> Decision:
    """A second person said the same: what both looked at stands; the rest of the proposal goes on waiting."""
    both = [item for item in chosen if proposal.items.filter(pk=item.pk).exists()]
    if proposal.items.exclude(pk__in=[item.pk for item in both]).exists():
        rest, whole = proposal, Decision.objects.get(pk=proposal.pk)
        whole.pk = None
        whole.was = {str(item.pk): proposal.was[str(item.pk)] for item in both}
        whole.save()
        whole.items.set(both)
        rest.items.remove(*both)
        proposal = whole
    proposal.standing, proposal.second_name, proposal.second_at = Standing.FINAL, by_name, at
    proposal.save()
    _carry_out(proposal, both, at)
    return proposal


def _carry_out(decision: Decision, chosen: Iterable[Item], at: datetime) -> None:
    for item in chosen:
        if decision.verdict == Verdict.REJECT:
            items.stop(item, "rejected", at=at)
        else:
            items.go_on(item, "matched", at=at)


def _end(decision: Decision, by_name: str, at: datetime) -> None:
    decision.standing, decision.ended_name, decision.ended_at = Standing.REVOKED, by_name, at
    decision.save()


@transaction.atomic
def take_back(decision: Decision, *, by_name: str, at: datetime) -> int:
    """Take a decision back, and what it was used again for; return how many items are held again.

    `Conflict` where it was taken back before, or where all its items are packed or sent and nothing is left of it.
    """
    if decision.standing == Standing.REVOKED:
        raise Conflict("This decision was taken back before.", advice="Look at the list again.")
    held = 0
    for one in (decision, *decision.uses.exclude(standing=Standing.REVOKED)):
        if one.standing == Standing.FINAL:
            held += sum(_held_again(one, item, at) for item in one.items.all())
        if one != decision:
            _end(one, by_name, at)
    if not held and decision.standing == Standing.FINAL and decision.screen is None:
        raise Conflict(
            "Its items are packed or sent, or were decided again.", advice="Withdraw the person instead."
        )
    _end(decision, by_name, at)
    return held


def _held_again(decision: Decision, item: Item, at: datetime) -> bool:
    last = item.decisions.filter(standing=Standing.FINAL).order_by("-at", "-pk").first()
    gone = item.state == State.SENT or item.outputs.filter(parcel__isnull=False).exists()
    open_to = item.state in {State.WAITING, State.HELD} or item.reason == "rejected"
    if last != decision or gone or not open_to:
        return False
    code, detail = decision.was.get(str(item.pk), ["review", ""])
    items.stop(item, code, at=at, detail=detail)
    return True


def standing(item: Item) -> Decision | None:
    """Return the decision that lets this item go on, if the last that stands does."""
    last = item.decisions.filter(standing=Standing.FINAL).order_by("-at", "-pk").first()
    return last if last is not None and last.verdict != Verdict.REJECT else None


def boxes_for(decision: Decision, item: Item) -> tuple[Box, ...]:
    """Return what is masked in this item: the decision's boxes, and what the machine proposes and nobody dropped."""
    boxes = [_box(sides) for sides in decision.boxes]
    own = decision.looked_at_id == item.pk
    for region in item.regions:
        proposed, ink = box_of(region), str(region.get("ink", ""))
        gone = any(
            same_place(proposed, _box(sides)) and (own or bool(ink and ink in sides[4:]))
            for sides in decision.dropped
        )
        if not gone and proposed not in boxes:
            boxes.append(proposed)
    return tuple(boxes)


def _box(sides: Sequence[Any]) -> Box:
    left, top, width, height = (int(side) for side in sides[:4])
    return left, top, width, height


def same_place(one: Box, other: Box) -> bool:
    """Say whether two boxes overlap so far that they stand for the same thing."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    both = width * height
    return both >= SAME_PLACE * (one[2] * one[3] + other[2] * other[3] - both)


@transaction.atomic
def use_again(item: Item, *, at: datetime) -> Decision | None:
    """Decide a held item as its screen layout was decided before, once; `None` where nothing stands for it.

    An accepted layout lets nothing on in which a proposed box shows other words than those that were looked at.
    """
    if item.state != State.HELD or item.screen is None or not REASONS[item.reason].again_by_looks:
        return None
    found = Decision.objects.filter(screen=item.screen, standing=Standing.FINAL, reuses=None)
    first = next(
        (one for one in found.order_by("-at", "-pk") if item.reason in {was[0] for was in one.was.values()}),
        None,
    )
    if (
        first is None
        or item.decisions.filter(reuses=first).exists()
        or first.items.filter(pk=item.pk).exists()
    ):
        return None
    if first.verdict == Verdict.ACCEPT and boxes_for(first, item):
        return None
    decision = Decision.objects.create(
        verdict=first.verdict, boxes=first.boxes, dropped=first.dropped, why=first.why, by=first.by,
        by_name=first.by_name, looked_at=first.looked_at, at=at, second_name=first.second_name,
        second_at=first.second_at, reuses=first,
        was=_was([item]),
    )  # fmt: skip
    decision.items.set([item])
    _carry_out(decision, [item], at)
    return decision
