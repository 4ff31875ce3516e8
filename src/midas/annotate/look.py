"""Read-only questions about tasks, for pages, the API and commands. What is not settled is counted and never told.

`worklist` and `shown` answer one reader about their own; `progress` counts; `agreement` and `outcome` speak of items that
are settled, and of no others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from midas.annotate import agreeing
from midas.annotate.agreeing import Coefficient
from midas.annotate.drawn import NoMask, drawing, overlap
from midas.annotate.models import Assignment, ItemImage, ReaderCode, Reading, Settlement, Task, TaskItem
from midas.annotate.reading import number_of, ripe
from midas.catalogue.models import Instance
from midas.kernel import NotFound
from midas.people.models import Account
from midas.store import Blobs

Role = Assignment.Role


@dataclass(frozen=True)
class Progress:
    """How far a task is, in items and in readings to be submitted by readers."""

    items: int
    readings: int
    submitted: int
    settled: int
    waiting: int
    """Items whose readers differ and that nobody has settled yet."""


@dataclass(frozen=True)
class Share:
    """How far one person of a task is; for an adjudicator, of the items that wait for one or were settled by them."""

    account: Account
    role: str
    items: int
    done: int


@dataclass(frozen=True)
class PairAgreement:
    """How far two readers of a task agree, over the settled items that both read; `classes` is for each category."""

    first: str
    second: str
    coefficients: tuple[Coefficient, ...]
    classes: tuple[Coefficient, ...] = ()


def task(number: int) -> Task:
    found = Task.objects.filter(pk=number).select_related("dataset", "protocol", "set_by").first()
    if found is None:
        raise NotFound("There is no such reading task.", advice="See the list of tasks.")
    return found


def tasks_of(datasets: Iterable[str]) -> QuerySet[Task]:
    """Return the tasks that were set on these datasets, newest first."""
    return (
        Task.objects.filter(dataset__slug__in=list(datasets))
        .select_related("dataset")
        .order_by("-set_at", "-pk")
    )


def tasks_for(account: Account) -> QuerySet[Task]:
    """Return the tasks in which the account reads or adjudicates, newest first."""
    mine = Assignment.objects.filter(item__task=OuterRef("pk"), reader=account)
    return Task.objects.filter(Exists(mine)).select_related("dataset").order_by("-set_at", "-pk")


def _ripe_items(task_id: int) -> QuerySet[TaskItem]:
    waiting = Assignment.objects.filter(item=OuterRef("pk"), role=Role.READER, submitted_at=None)
    settled = Settlement.objects.filter(item=OuterRef("pk"))
    return TaskItem.objects.filter(~Exists(waiting), ~Exists(settled), task=task_id)


def worklist(task_id: int, account: Account) -> Any:
    """Return what the account has to read in a task, in its order; an adjudicator's items come when readers differ."""
    settled = Settlement.objects.filter(item=OuterRef("item"), by=account)
    mine: Any = Assignment.objects.filter(item__task=task_id, reader=account).annotate(
        decided=Exists(settled)
    )
    shown = Q(role=Role.READER) | Q(decided=True) | Q(item__in=_ripe_items(task_id))
    return mine.filter(shown).select_related("item__task", "item__subject").order_by("item__number")


def is_done(assignment: Any) -> bool:
    """Say whether a row of `worklist` is done."""
    return bool(assignment.decided if assignment.role == Role.ADJUDICATOR else assignment.submitted_at)


def next_item(task_id: int, account: Account, *, after: int = 0) -> int | None:
    """Return the number of the next item that the account has still to do, from the start again after the last."""
    open_ones = worklist(task_id, account).filter(submitted_at=None, decided=False)
    numbers = open_ones.values_list("item__number", flat=True)
    found: int | None = numbers.filter(item__number__gt=after).first() or numbers.first()
    return found


def images(item: TaskItem) -> QuerySet[Instance]:
    """Return the images that are shown for an item, in the order of their paths."""
    mine = ItemImage.objects.filter(item=item).values("instance")
    return Instance.objects.filter(pk__in=mine).select_related("series__study").order_by("path")


def progress(task_id: int) -> Progress:
    readers = Assignment.objects.filter(item__task=task_id, role=Role.READER)
    return Progress(
        items=TaskItem.objects.filter(task=task_id).count(), readings=readers.count(),
        submitted=readers.exclude(submitted_at=None).count(),
        settled=Settlement.objects.filter(item__task=task_id).count(), waiting=_ripe_items(task_id).count(),
    )  # fmt: skip


def people(task_id: int) -> list[Share]:
    """Return everyone of a task with how far they are, readers first."""
    rows = Assignment.objects.filter(item__task=task_id).values_list("reader", "role").annotate(
        items=Count("pk"), done=Count("submitted_at")
    )  # fmt: skip
    accounts = Account.objects.in_bulk([row[0] for row in rows])
    found = []
    for reader, role, items, done in rows.order_by("role", "reader__username"):
        if role == Role.ADJUDICATOR:
            done = Settlement.objects.filter(item__task=task_id, by=reader).count()
            mine = Assignment.objects.filter(role=role, reader=reader).values("item")
            items = done + _ripe_items(task_id).filter(pk__in=mine).count()
        found.append(Share(accounts[reader], role, items, done))
    return sorted(found, key=lambda one: one.role == Role.ADJUDICATOR)


def item(task_id: int, number: int) -> TaskItem:
    found = (
        TaskItem.objects.filter(task=task_id, number=number)
        .select_related("task__dataset", "subject")
        .first()
    )
    if found is None:
        raise NotFound("There is no such item.", advice="See the list of the task's items.")
    return found


def may_adjudicate(of: TaskItem, account: Account) -> bool:
    """Say whether the item is the account's to settle, and its readers have all submitted."""
    mine = Assignment.objects.filter(item=of, reader=account, role=Role.ADJUDICATOR).first()
    return mine is not None and ripe(mine)


def outcome(item: TaskItem) -> Settlement | None:
    return Settlement.objects.filter(item=item).select_related("reading__assignment__reader", "by").first()


def agreement(of: Task, store: Blobs) -> tuple[PairAgreement, ...]:
    """Return the agreement of each pair of readers over settled items, with 95 % intervals; codes stand for readers."""
    said: dict[int, dict[int, Reading]] = {}
    rows = Reading.objects.filter(
        assignment__item__in=Settlement.objects.filter(item__task=of).values("item"),
        assignment__role=Role.READER, assignment__submitted_at__isnull=False,
    ).select_related("assignment").order_by("assignment__item", "revision")  # fmt: skip
    for one in rows:
        said.setdefault(one.assignment.item_id, {})[one.assignment.reader_id] = one
    pairs: dict[tuple[int, int], list[tuple[Reading, Reading]]] = {}
    for readings in said.values():
        for a, b in combinations(sorted(readings), 2):
            pairs.setdefault((a, b), []).append((readings[a], readings[b]))
    codes = dict(ReaderCode.objects.values_list("account_id", "code"))
    return tuple(
        PairAgreement(codes[a], codes[b], _coefficients(of, both, store), _classes(of, both))
        for (a, b), both in sorted(pairs.items())
    )


def _classes(of: Task, both: list[tuple[Reading, Reading]]) -> tuple[Coefficient, ...]:
    if of.kind != Task.Kind.CATEGORY:
        return ()
    return agreeing.of_classes([(str(a.value), str(b.value)) for a, b in both], of.values)


def _coefficients(of: Task, both: list[tuple[Reading, Reading]], store: Blobs) -> tuple[Coefficient, ...]:
    if of.kind == Task.Kind.CATEGORY:
        values = [(str(a.value), str(b.value)) for a, b in both]
        return (agreeing.kappa(values, of.values, ordinal=of.ordinal),)
    if of.kind == Task.Kind.NUMBER:
        numbers = [(number_of(a), number_of(b)) for a, b in both]
        return (agreeing.icc(numbers), agreeing.mean_over_items("|Δ|", [abs(a - b) for a, b in numbers]))
    found: dict[str, list[float]] = {}
    for a, b in both:
        try:
            drawn = overlap(*(drawing(b"".join(store.read(one.sha256))) for one in (a, b)))
        except NoMask:
            continue
        for name, value in drawn.items():
            found.setdefault(name, []).append(value)
    return tuple(agreeing.mean_over_items(f"Dice {name}", values) for name, values in sorted(found.items()))
