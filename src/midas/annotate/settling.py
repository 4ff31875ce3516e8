"""Settle an item: by itself where its readers agree by the task's rule, else by the adjudicator, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from django.db import transaction

from midas.annotate import showing
from midas.annotate.drawn import NoMask, drawing, overlap
from midas.annotate.models import Assignment, Reading, Settlement, Task, TaskItem
from midas.annotate.reading import Value, keep_reading, latest, number_of, ripe, submit_reading
from midas.kernel import BadInput, Clock, Conflict, Forbidden
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.store import Blobs

How = Settlement.How


def readings_of(item: TaskItem) -> list[Reading]:
    """Return what the readers of an item submitted, first submitted first: of each the last revision."""
    assignments = Assignment.objects.filter(
        item=item, role=Assignment.Role.READER, submitted_at__isnull=False
    ).order_by("submitted_at", "pk")
    return [found for one in assignments if (found := latest(one)) is not None]


def agreement_on(task: Task, readings: Sequence[Reading], store: Blobs) -> float | None:
    """Return how far readers agree on one item, 0 to 1: the least of all pairs; `None` where nothing can be compared.

    Categories and numbers agree (1) or not (0); of outlines it is the Dice coefficient of the structure that fits worst.
    """
    pairs = list(combinations(readings, 2))
    if not pairs:
        return None
    if task.draws:
        try:
            drawn = {one.pk: drawing(b"".join(store.read(one.sha256))) for one in readings}
            return min(min(overlap(drawn[a.pk], drawn[b.pk]).values(), default=1.0) for a, b in pairs)
        except NoMask:
            return None
    if task.kind == Task.Kind.NUMBER:
        return float(all(abs(number_of(a) - number_of(b)) <= (task.agree_at or 0.0) for a, b in pairs))
    return float(all(a.value == b.value for a, b in pairs))


@transaction.atomic
def settle_if_agreed(*, item: TaskItem, store: Blobs, clock: Clock) -> Settlement | None:
    """Settle an item whose readers have all submitted and agree; the reading that came first stands for all.

    Otherwise the adjudicator is shown what they said. Where a task has no adjudicator, the item then stays unsettled.
    """
    TaskItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    waiting = Assignment.objects.filter(item=item, role=Assignment.Role.READER, submitted_at=None)
    if waiting.exists() or Settlement.objects.filter(item=item).exists():
        return None
    task, readings = item.task, readings_of(item)
    agreement = agreement_on(task, readings, store)
    enough = (task.agree_at or 0.0) if task.draws else 1.0
    if len(readings) > 1 and (agreement is None or agreement < enough):
        showing.show_to_adjudicator(item, readings)
        return None
    return _record(item, readings[0], How.AGREEMENT, agreement, by=None, why="", clock=clock)


@transaction.atomic
def settle(
    *, assignment: Assignment, by: Account, why: str, store: Blobs, clock: Clock,
    choice: Value | Reading | None = None,
) -> Settlement:  # fmt: skip
    """Settle what readers differ on. `choice` is a value, one of the item's readings, or nothing: the own last reading.

    Raise `Forbidden` unless the item was given to this adjudicator, `Conflict` before all readers submitted or once it
    is settled, `BadInput` without a reason or a choice.
    """
    if assignment.role != Assignment.Role.ADJUDICATOR or assignment.reader_id != by.pk:
        raise Forbidden("You are not the adjudicator of this item.", advice="See your own list of readings.")
    if not why.strip():
        raise BadInput("Settling needs a reason.", advice="Say in a sentence why.")
    item = (
        TaskItem.objects.select_for_update(of=("self",))
        .select_related("task__dataset")
        .get(pk=assignment.item_id)
    )
    if not ripe(assignment):
        raise Conflict("Not all readers have submitted.", advice="Come back when they have.")
    if Settlement.objects.filter(item=item).exists():
        raise Conflict("This item is settled.", advice="A settlement stays as it is.")
    readings = readings_of(item)
    if isinstance(choice, Reading):
        if choice.pk not in {one.pk for one in readings}:
            raise BadInput("This is no reading of this item.", advice="Choose one of those that are shown.")
        chosen = choice
    else:
        if choice is not None:
            keep_reading(assignment=assignment, by=by, value=choice, clock=clock)
        submit_reading(assignment=assignment, by=by, store=store, clock=clock)
        own = latest(assignment)
        if own is None:
            raise BadInput("Nothing was chosen.", advice="Choose a reading, or give your own.")
        chosen = own
    agreement = agreement_on(item.task, readings, store)
    return _record(item, chosen, How.ADJUDICATOR, agreement, by=by, why=why.strip(), clock=clock)


def _record(
    item: TaskItem, reading: Reading, how: How, agreement: float | None, *, by: Account | None, why: str, clock: Clock
) -> Settlement:  # fmt: skip
    made = Settlement.objects.create(
        item=item, reading=reading, how=how, agreement=agreement, by=by, why=why[:500], at=clock.now()
    )
    task = item.task
    enter(
        Deed.SETTLE, by=by, who="" if by else "rule", clock=clock, dataset=task.dataset.slug,
        target=f"task {task.pk} item {item.number}", why=why, how=str(how),
    )  # fmt: skip
    return made
