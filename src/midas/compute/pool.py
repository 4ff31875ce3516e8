"""A pool of worker processes on this machine. Workers are started as they are needed and never forked from threads.

Never more than `2 × n` items are taken ahead of the result that is next, so a stream of any length needs little memory.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Self, TypeVar

from midas.kernel import BadInput, Unavailable

A = TypeVar("A")
R = TypeVar("R")


class Processes:
    """Run work in up to `n` processes; use it as a context, so that the workers end with it."""

    def __init__(self, n: int) -> None:
        if n < 1:
            raise BadInput(f"{n} processes cannot work.", advice="Give 1 or more.")
        self.n = n
        self._pool = ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        """Yield `work(item)` in order; an error of `work` is raised at its place, and what waits is given up.

        Raise `Unavailable` where a worker process died, most often for want of memory.
        """
        stream = iter(items)
        ahead: deque[Future[R]] = deque(self._submit(work, item) for item in islice(stream, 2 * self.n))
        try:
            while ahead:
                result = _result(ahead.popleft())
                ahead.extend(self._submit(work, item) for item in islice(stream, 1))
                yield result
        finally:
            for waiting in ahead:
                waiting.cancel()

    def _submit(self, work: Callable[[A], R], item: A) -> Future[R]:
        try:
            return self._pool.submit(work, item)
        except BrokenProcessPool as error:
            raise _died() from error


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _died() from error


def _died() -> Unavailable:
    return Unavailable(
        "A worker process died.", advice="Run it again with fewer processes; it may have been out of memory."
    )


def processes(n: int | None = None) -> Processes:
    """Open a pool of `n` worker processes; `None`: one for each processor that this process may use."""
    if n is None:
        n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Processes(n)
