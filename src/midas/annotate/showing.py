"""Which images and objects a reader may look at: one scope for each reader of a task, and nothing of others in it.

A reader's scope holds the images of their own items and the objects that they stored themselves. An adjudicator's grows
by an item, with both readers' objects, when its readers have submitted and differ. Who set the task has the images alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from midas.annotate.models import Assignment, ItemImage, Reading, Task, TaskItem
from midas.catalogue import lens
from midas.people.models import Account

KIND = "task"


def scope_name(task_id: int, account_pk: int | None = None) -> str:
    """Return the name of a reader's scope; without an account, of the scope with the task's images alone."""
    return str(task_id) if account_pk is None else f"{task_id}-{account_pk}"


def may_open(task_id: int, account: Account | None) -> str | None:
    """Return the name of the scope that this account looks at under `/dicomweb/tasks/{id}`, `None`: there is none for it.

    Ask the one rule as well: READ on the task's dataset for a reader, SET_READING for who set it.
    """
    if account is None:
        return None
    if Assignment.objects.filter(item__task=task_id, reader=account).exists():
        return scope_name(task_id, account.pk)
    if Task.objects.filter(pk=task_id, set_by=account).exists():
        return scope_name(task_id)
    return None


def publish(task: Task) -> None:
    """Fill the scopes of a task that was just set: its images, and for each reader those of their items."""
    mine: dict[int, list[str]] = {}
    rows = Assignment.objects.filter(item__task=task, role=Assignment.Role.READER)
    images = dict[int, list[str]]()
    for item, sha256 in ItemImage.objects.filter(item__task=task).values_list("item", "instance__sha256"):
        images.setdefault(item, []).append(sha256)
    for item, reader in rows.values_list("item", "reader"):
        mine.setdefault(reader, []).extend(images.get(item, ()))
    _add(task, scope_name(task.pk), (one for many in images.values() for one in many))
    for reader, digests in sorted(mine.items()):
        _add(task, scope_name(task.pk, reader), digests)
    for (one,) in (
        Assignment.objects.filter(item__task=task).values_list("reader").distinct().order_by("reader")
    ):
        if one not in mine:
            _add(task, scope_name(task.pk, one), ())


def show_own(assignment: Assignment, sha256: str) -> None:
    """Add an object to the scope of who stored it, and to no other."""
    task = assignment.item.task
    _add(task, scope_name(task.pk, assignment.reader_id), [sha256])


def show_to_adjudicator(item: TaskItem, readings: Sequence[Reading]) -> None:
    """Add an item and what its readers drew to the scope of its adjudicator."""
    images = ItemImage.objects.filter(item=item).values_list("instance__sha256", flat=True)
    drawn = [one.sha256 for one in readings if one.sha256]
    for one in Assignment.objects.filter(item=item, role=Assignment.Role.ADJUDICATOR):
        _add(item.task, scope_name(item.task_id, one.reader_id), [*images, *drawn])


def _add(task: Task, name: str, digests: Iterable[str]) -> None:
    lens.publish(kind=KIND, name=name, dataset=task.dataset, digests=digests)
