"""What work takes: seconds of processor and clock, memory, and energy where the machine tells it.

A `Meter` is a `midas.kernel.Runner` around another one. It measures each job in the process that does it, and what the
thread that gives out the work does meanwhile; out comes a `midas.wire.v1.Spent`. Nothing here is ever guessed: energy is
read from counters, or worked out from a number that an operator set, or not known.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from midas.kernel import Runner
from midas.wire.v1 import Spent

A = TypeVar("A")
R = TypeVar("R")

POWERCAP = Path("/sys/class/powercap")
"""Where Linux tells energy (Documentation/power/powercap/powercap.rst)."""
READ_EVERY_S = 60.0
"""Seconds between two readings: a counter of 262 kJ turns over after an hour at 65 W, after 11 minutes at 400 W."""
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of one unit of `ru_maxrss` (getrusage(2))."""


class Packages:
    """The energy that this machine's processor packages took since this was made, from RAPL counters.

    Only whole packages (`intel-rapl:0`, `intel-rapl:1`, …) are read. Their subzones (cores, graphics) are parts of them,
    `psys` and `intel-rapl-mmio` count the same again.
    """

    def __init__(self, folder: Path | None) -> None:
        found = sorted(folder.glob("intel-rapl:*")) if folder else []
        self._zones = [zone for zone in found if _is_package(zone)]
        self._joules = 0.0
        self._lock = threading.Lock()
        self._last = self._read()

    def joules(self) -> float | None:
        """Return the energy in joules; `None` where a counter cannot be read, or could not be read once."""
        with self._lock:
            now = self._read() if self._last is not None else None
            if now is not None and self._last is not None:
                for before, (microjoules, full) in zip(self._last, now, strict=True):
                    self._joules += (microjoules - before[0]) % full / 1e6
            self._last = now
            return self._joules if now is not None else None

    def _read(self) -> list[tuple[int, int]] | None:
        """Return each package's counter, and where it turns over, in microjoules."""
        try:
            found = [
                (int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text()))
                for zone in self._zones
            ]
        except (OSError, ValueError):
            return None
        return found if found and all(full > 0 for _, full in found) else None


def _is_package(zone: Path) -> bool:
    try:
        return zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package-")
    except OSError:
        return False


@dataclass(frozen=True)
class _Job(Generic[A, R]):
    """Work that tells what it took; it travels to workers as the work itself does."""

    work: Callable[[A], R]

    def __call__(self, item: A) -> _Done[R]:
        clock = _clock()
        began = clock()
        result = self.work(item)
        return _Done(result, os.getpid(), clock() - began, _peak())


@dataclass(frozen=True)
class _Done(Generic[R]):
    result: R
    process: int
    processor_s: float
    peak_bytes: int


def _clock() -> Callable[[], float]:
    """Return the clock of what is ours: all threads where the main thread works, otherwise this one alone.

    Beside a server's other threads, which answer pages, threads that a library starts are not counted.
    """
    main = threading.current_thread() is threading.main_thread()
    return time.process_time if main else time.thread_time


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


class Meter:
    """Run work by another runner, and keep what it took from entering this context on.

    Use it in one thread. Where the counters of energy cannot be read, or are not to be (`counters`), energy is estimated at
    `watts_per_core` (watts that a busy core draws; 0: nobody said) or not known. The counters are the whole machine's: other
    work on it counts too.
    """

    def __init__(self, runner: Runner, *, watts_per_core: float = 0, counters: bool = True) -> None:
        self._runner, self._watts, self._counters = runner, watts_per_core, counters
        self._in_others = 0.0
        self._peak = 0

    def __enter__(self) -> Self:
        self._clock = _clock()
        self._packages = Packages(POWERCAP if self._counters else None)
        self._over = threading.Event()
        if self._packages.joules() is not None:
            threading.Thread(target=self._watch, name="midas-meter", daemon=True).start()
        self._began, self._own = time.monotonic(), self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(READ_EVERY_S):
            self._packages.joules()

    def map(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        """Yield `work(item)` as the other runner does."""
        for done in self._runner.map(_Job(work), items):
            if done.process != os.getpid():  # what was done here is on this thread's own clock
                self._in_others += done.processor_s
            self._peak = max(self._peak, done.peak_bytes)
            yield done.result

    def spent(self) -> Spent:
        """Return what the work took until now; call it inside the context."""
        processor_s = self._clock() - self._own + self._in_others
        joules = self._packages.joules()
        known = {
            "measured_j": joules or 0,
            "estimated_s": processor_s if joules is None and self._watts else 0,
            "estimated_j": processor_s * self._watts if joules is None else 0,
            "unknown_s": processor_s if joules is None and not self._watts else 0,
        }
        return total([
            Spent(
                processor_s=processor_s, wall_s=time.monotonic() - self._began, peak_bytes=max(self._peak, _peak()), **known
            )
        ])  # fmt: skip


def total(some: Iterable[Spent]) -> Spent:
    """Add up what several pieces of work took, to the thousandth; of memory the most that any of them held."""
    every = list(some)
    sums = {
        name: round(sum(getattr(one, name) for one in every), 3)
        for name in Spent.model_fields
        if name != "peak_bytes"
    }
    return Spent(**sums, peak_bytes=max((one.peak_bytes for one in every), default=0))
