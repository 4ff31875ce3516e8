"""The simplest runner: one item after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Here:
    """A `midas.kernel.Runner` in this process: one item after the other, no pickling, nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def map(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        return map(work, items)


def here() -> Here:
    """Return the runner that works in this process."""
    return Here()
