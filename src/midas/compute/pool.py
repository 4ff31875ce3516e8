"""A pool of worker processes on this machine. Workers are started as they are needed and never forked from threads.

Never more than `2 × n` items are taken ahead of the result that is next, so a stream of any length needs little memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Literal, Self, TypeVar

from midas.kernel import BadInput, WorkerDied

A = TypeVar("A")
R = TypeVar("R")


class Processes:
    """Run work in up to `n` processes; use it as a context, so that the workers end with it."""

    def __init__(self, n: int, *, forked: bool = False, undisturbed: bool = False) -> None:
        if n < 1:
            raise BadInput(f"{n} processes cannot work.", advice="Give 1 or more.")
        self.n = n
        context = multiprocessing.get_context(_start(forked))
        self._pool = ProcessPoolExecutor(
            n, mp_context=context, initializer=_undisturbed if undisturbed else None
        )
        if forked:
            self._pool.submit(int).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        """Yield `work(item)` in order; an error of `work` is raised at its place, and what waits is given up.

        Raise `WorkerDied` where a worker process died, most often for want of memory.
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


def _undisturbed() -> None:
    """Leave Ctrl-C, which a terminal sends to every process, to the one that gives out the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _start(forked: bool) -> Literal["fork", "spawn"]:
    """Fork only where that is safe: on Linux, before any thread of ours runs."""
    return "fork" if forked and sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _died() from error


def _died() -> WorkerDied:
    return WorkerDied(
        "A worker process died.", advice="Run it again with fewer processes; it may have been out of memory."
    )


def processes(n: int | None = None, *, forked: bool = False, undisturbed: bool = False) -> Processes:
    """Open a pool of `n` worker processes; `None`: one for each processor that this process may use.

    `forked` workers start at once with all that is imported here: for commands, before they start any thread.
    `undisturbed` ones end what they have in hand when Ctrl-C is pressed, where the program sees to its end itself.
    """
    if n is None:
        n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Processes(n, forked=forked, undisturbed=undisturbed)
