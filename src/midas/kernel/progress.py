"""Progress as a port: the rooms report, the door (a terminal, a page, nothing) shows."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """The port to whoever watches: work that takes long passes its items through it."""

    def track(self, items: Iterable[T], *, label: str, total: int | None = None) -> Iterator[T]:
        """Pass the items on, one step each; `total` where the items cannot tell their number."""
        ...


class NoProgress:
    """A `Progress` that shows nothing: for programs and tests."""

    def track(self, items: Iterable[T], *, label: str, total: int | None = None) -> Iterator[T]:
        del label, total
        return iter(items)
