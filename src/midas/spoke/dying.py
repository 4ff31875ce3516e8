"""Items whose worker died, for want of memory or by a fault of a decoder: they are tried apart, then held.

In come items and what is to be done for them; out come results. Which item a worker died of is not told: all that were in
hand are suspected. A suspected one is worked on after all others and alone, and held after its third death. Everything of
its person waits with it: what hides a face is found in one of a person's series and cut out of others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from midas.kernel import Clock, Runner, WorkerDied
from midas.spoke.intake import items
from midas.spoke.intake.matching import LABELS
from midas.spoke.intake.models import Item, State
from midas.spoke.vault.projects import Desk

A = TypeVar("A")
R = TypeVar("R")

DEATHS = 3
"""After so many an item is held: the first may be a neighbour's fault; of two alone, one a moment's want of memory."""
HELD = "worker-died"

Tasks = Iterable[tuple[Sequence[Item], A]]
"""Work, and the items for which it is done."""


def worked_on(
    runner: Runner, work: Callable[[A], R], tasks: Tasks[A], *, clock: Clock
) -> Iterator[tuple[Sequence[Item], A, R]]:
    """Yield each task with its items and result, those of suspected items last and one by one.

    Raise `WorkerDied`, once that is noted with all items in hand.
    """
    suspected = list[tuple[Sequence[Item], A]]()

    def calm() -> Iterator[tuple[Sequence[Item], A]]:
        for one in tasks:
            if any(item.deaths for item in one[0]):
                suspected.append(one)
            else:
                yield one

    yield from _at_once(runner, work, calm(), clock=clock)
    for one in suspected:
        yield from _at_once(runner, work, [one], clock=clock)


def _at_once(
    runner: Runner, work: Callable[[A], R], tasks: Tasks[A], *, clock: Clock
) -> Iterator[tuple[Sequence[Item], A, R]]:
    taken: deque[tuple[Sequence[Item], A]] = deque()

    def given() -> Iterator[A]:
        for one in tasks:
            taken.append(one)
            yield one[1]

    try:
        for result in runner.map(work, given()):
            members, task = taken.popleft()
            yield members, task, result
    except WorkerDied:
        for members, _ in taken:
            for item in members:
                _note(item, at=clock.now())
        raise


def _note(item: Item, *, at: datetime) -> None:
    known = item.changed_at
    item.refresh_from_db()
    item.deaths += 1
    if item.deaths >= DEATHS and item.changed_at == known:
        items.stop(item, HELD, at=at)
    else:
        item.save(update_fields=["deaths"])


def survived(item: Item) -> None:
    """Note that there is a result: the item is suspected no more."""
    if item.deaths:
        item.deaths = 0
        item.save(update_fields=["deaths"])


def apart(chosen: QuerySet[Item]) -> list[list[int]]:
    """Return the keys of items in rounds: everyone of whom nothing is suspected, then each other person, the worst last."""
    rows = list(chosen.order_by("pk").values_list("pk", "deaths", "person_id"))
    worst: dict[object, int] = {}
    for key, deaths, person in rows:
        if deaths:
            alone = person or f"item {key}"
            worst[alone] = max(deaths, worst.get(alone, 0))
    rounds: dict[object, list[int]] = {None: []} | {
        alone: [] for alone in sorted(worst, key=worst.__getitem__)
    }
    for key, _, person in rows:
        alone = person or f"item {key}"
        rounds[alone if alone in worst else None].append(key)
    return [keys for keys in rounds.values() if keys]


def try_again(desk: Desk, *, at: datetime) -> None:
    """Give everything that was held for its deaths one more try."""
    for item in items.of_project(desk.project).filter(state=State.HELD, reason=HELD):
        item.deaths = DEATHS - 1
        if item.kind in LABELS:
            items.stop(item, "labels-unlinked", at=at)
        else:
            items.go_on(item, "received", at=at)
