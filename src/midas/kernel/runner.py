"""The port for bulk work: pure functions over many items, here or elsewhere (`midas.compute` holds the backends)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Runner(Protocol):
    """The port to where work is done: in this process, in several, or on other machines."""

    def map(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        """Yield `work(item)` for every item, in the items' order; `work` and items must be picklable.

        Items are taken as room becomes free, never all at once. An error in `work` is raised at its place.
        `WorkerDied` where a process ended with items in hand: this runner takes no others then.
        """
        ...
