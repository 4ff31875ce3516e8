"""Keep what a reader says, revision after revision, until they submit it; then nothing of it changes any more."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from midas.annotate.models import Assignment, Reading, Settlement, Task
from midas.catalogue.models import Instance
from midas.kernel import BadInput, Clock, Conflict, Forbidden, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.store import Blobs

Value = str | float


@dataclass(frozen=True)
class Drawn:
    """A DICOM object that a reader stored: SEG, SR, ANN, RTSTRUCT or a presentation state; its bytes are a blob."""

    sha256: str
    size: int
    modality: str
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str


_NOTHING = dict.fromkeys(Drawn.__dataclass_fields__, "") | {"size": 0}


def assignment_of(*, task_id: int, number: int, account: Account) -> Assignment:
    """Return the account's own assignment of an item; `NotFound` for anything that is not theirs."""
    found = (
        Assignment.objects.filter(item__task=task_id, item__number=number, reader=account)
        .select_related("item__task__dataset", "item__subject", "reader")
        .first()
    )
    if found is None:
        raise NotFound("You have no such item to read.", advice="See your list of readings.")
    return found


def latest(assignment: Assignment) -> Reading | None:
    return Reading.objects.filter(assignment=assignment).order_by("-revision").first()


@transaction.atomic
def keep_reading(
    *,
    assignment: Assignment,
    by: Account,
    clock: Clock,
    value: Value | None = None,
    drawn: Drawn | None = None,
) -> Reading:
    """Keep a value, an object, or both, as the next revision; the same again adds none. What is not given stays.

    Raise `Forbidden` for another person's assignment, `Conflict` once it was submitted or the task ended, and for an
    adjudicator before all readers submitted; `BadInput` for a value that the question does not allow.
    """
    row = _open(assignment, by)
    task = row.item.task
    if value is None and drawn is None:
        raise BadInput("There is nothing to keep.", advice="Choose a value, or draw and store an object.")
    checked = None if value is None else allowed(task, value)
    before = latest(row)
    if drawn is not None:
        _not_elsewhere(row, drawn)
    wanted: dict[str, Any] = {
        "value": checked if checked is not None else (before.value if before else None),
        **(asdict(drawn) if drawn else {name: getattr(before, name) for name in _NOTHING} if before else _NOTHING),
    }  # fmt: skip
    if before is not None and all(getattr(before, name) == one for name, one in wanted.items()):
        return before
    made = Reading.objects.create(
        assignment=row, revision=before.revision + 1 if before else 1, kept_at=clock.now(), **wanted
    )
    enter(
        Deed.READ, by=by, clock=clock, dataset=task.dataset.slug, target=f"task {task.pk} item {row.item.number}",
        revision=made.revision, role=row.role,
    )  # fmt: skip
    return made


@transaction.atomic
def submit_reading(*, assignment: Assignment, by: Account, store: Blobs, clock: Clock) -> Assignment:
    """Hand in what was kept last; it is frozen. With the last reader's the item settles itself where they agree.

    Handing in twice changes nothing. `BadInput` where nothing answers the question yet; `Forbidden` as `keep_reading`.
    """
    from midas.annotate.settling import settle_if_agreed

    row = _mine(assignment, by)
    if row.submitted_at is not None:
        return row
    _open(assignment, by)
    task, kept = row.item.task, latest(row)
    if kept is None or not (kept.sha256 if task.draws else kept.value is not None):
        raise BadInput(
            "Nothing answers the question yet.",
            advice="Draw it in the viewer and store it." if task.draws else "Choose a value first.",
        )
    row.submitted_at = clock.now()
    row.save(update_fields=["submitted_at"])
    enter(
        Deed.READ, by=by, clock=clock, dataset=task.dataset.slug, target=f"task {task.pk} item {row.item.number}",
        revision=kept.revision, role=row.role, submitted=True,
    )  # fmt: skip
    if row.role == Assignment.Role.READER:
        settle_if_agreed(item=row.item, store=store, clock=clock)
    return row


def ripe(assignment: Assignment) -> bool:
    """Say whether all readers of the item have submitted, so that an adjudicator may look at what they said."""
    readers = Assignment.objects.filter(item=assignment.item_id, role=Assignment.Role.READER)
    return not readers.filter(submitted_at=None).exists()


def number_of(reading: Reading) -> float:
    """Return the number that a submitted reading of a question for numbers says."""
    return float(str(reading.value))


def allowed(task: Task, value: Value) -> Value:
    """Return the value as it is kept; `BadInput` where the question does not allow it."""
    if task.kind == Task.Kind.CATEGORY:
        if value not in task.values:
            raise BadInput(f"'{value}' is not an answer.", advice=f"Choose one of {', '.join(task.values)}.")
        return value
    if task.kind == Task.Kind.NUMBER:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            raise BadInput("This question wants a number.", advice="Such as 12.5.")
        return number
    raise BadInput("This question wants a drawing.", advice="Draw it in the viewer and store it there.")


def _mine(assignment: Assignment, by: Account) -> Assignment:
    """Read the assignment again, locked, so that nothing can be kept beside its submission."""
    row = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("item__task__dataset", "item__subject")
        .get(pk=assignment.pk)
    )
    if row.reader_id != by.pk:
        raise Forbidden("This is somebody else's to read.", advice="See your own list of readings.")
    return row


def _open(assignment: Assignment, by: Account) -> Assignment:
    row = _mine(assignment, by)
    if row.submitted_at is not None:
        raise Conflict("You have submitted this reading.", advice="What was submitted stays as it is.")
    if row.item.task.closed_at is not None:
        raise Conflict("This task has ended.", advice="Nothing more is read for it.")
    if row.role == Assignment.Role.ADJUDICATOR:
        if not ripe(row):
            raise Conflict("Not all readers have submitted.", advice="Come back when they have.")
        if Settlement.objects.filter(item=row.item).exists():
            raise Conflict("This item is settled.", advice="A settlement stays as it is.")
    return row


def _not_elsewhere(row: Assignment, drawn: Drawn) -> None:
    """Refuse an object whose UID stands for something else already."""
    same = Reading.objects.filter(sop_instance_uid=drawn.sop_instance_uid)
    if (
        same.exclude(assignment=row, sha256=drawn.sha256).exists()
        or Instance.objects.filter(sop_instance_uid=drawn.sop_instance_uid).exists()
    ):
        raise Conflict(
            "The hub holds this SOP instance with other bytes.",
            advice="Store it again under a new instance UID.",
        )
