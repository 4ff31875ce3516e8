"""Ask a release's tables in SQL. In come words and a release; out come rows, or what is wrong with the words.

One statement, which reads; only tables of the release; answered by a process of its own (`midas.release.cell`) that has no
file, network or extension and ends with its answer, or when its time is over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.kernel import BadInput, MidasError, Unavailable
from midas.release.models import Release, ReleaseFile
from midas.store import Blobs

BARE = {"PATH": "", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
CELL = Path(__file__).with_name("cell.py")
LONGEST_SQL = 10_000
LARGEST_ANSWER = 16 << 20
"""Bytes: a page or a notebook shows rows; who wants the table downloads the table."""


@dataclass(frozen=True)
class Limits:
    """What one question may use."""

    seconds: int = 10
    memory_mib: int = 512
    rows: int = 10_000


@dataclass(frozen=True)
class Answer:
    """Rows in the order that was asked for; `more`: there were more than the limit. `took_s` in seconds."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    took_s: float


AT_ONCE = threading.BoundedSemaphore(4)
"""Cells that run beside one another: each has at most one thread and `Limits.memory_mib`."""


def tables(release: Release) -> dict[str, ReleaseFile]:
    """Return the release's tables by the name that SQL knows them by: `subjects`, `clinical.visits` …"""
    found = ReleaseFile.objects.filter(release=release, path__endswith=".parquet").order_by("path")
    return {one.path.removesuffix(".parquet").replace("/", "."): one for one in found}


def ask(
    *, sql: str, release: Release, store: Blobs, parameters: Sequence[Any] = (), limits: Limits = Limits()
) -> Answer:
    """Answer one reading statement over the release's tables.

    `BadInput` says what is wrong with the words, that it took too long, or was too large; `Unavailable` where too many ask.
    """
    there = tables(release)
    wanted = _wanted(sql, there)
    if not AT_ONCE.acquire(timeout=limits.seconds):
        raise Unavailable("Too many questions are being answered.", advice="Ask again in a moment.")
    began = time.monotonic()
    try:
        with _local({name: there[name] for name in wanted}, store) as paths:
            told = _cell(
                {"sql": sql, "tables": paths, "parameters": list(parameters), "seconds": limits.seconds,
                 "memory_mib": limits.memory_mib, "rows": limits.rows},
                limits,
            )  # fmt: skip
    finally:
        AT_ONCE.release()
    if "error" in told:
        raise BadInput(f"The question cannot be answered: {told['error']}", advice=_names(there))
    rows = tuple(tuple(row) for row in told["rows"])
    return Answer(tuple(told["columns"]), tuple(told["types"]), rows, told["more"], time.monotonic() - began)


def _wanted(sql: str, there: Mapping[str, Any]) -> list[str]:
    """Return the tables whose names occur in the words; they are not parsed here, and one table too many does no harm."""
    if len(sql) > LONGEST_SQL:
        raise BadInput(f"A question has at most {LONGEST_SQL:,} characters.", advice="Shorten it.")
    words = sql.casefold()
    return [name for name in there if name.rpartition(".")[2] in words]


def _names(there: Mapping[str, Any]) -> str:
    return f"Its tables: {', '.join(there)}."


@contextmanager
def _local(wanted: Mapping[str, ReleaseFile], store: Blobs) -> Iterator[dict[str, str]]:
    """Give each table as a file of this machine for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="midas-ask-") as folder:
        paths: dict[str, str] = {}
        for number, (name, file) in enumerate(wanted.items()):
            path = store.local_path(file.sha256)
            if path is None:
                path = Path(folder) / f"{number}.parquet"
                with path.open("wb") as stream:
                    stream.writelines(store.read(file.sha256))
            paths[name] = str(path)
        yield paths


def _cell(asked: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Ask a cell; whatever it answers, no more than `LARGEST_ANSWER` of it is ever in this process's memory."""
    with _CELLS.take() as process:
        clock = threading.Timer(limits.seconds + 2, process.kill)
        clock.start()
        try:
            out = _said(process, json.dumps(asked).encode())
            if len(out) > LARGEST_ANSWER:
                raise BadInput("The answer is too large.", advice="Add a LIMIT, or download the tables.")
            if process.wait() != 0:
                raise _too_long(limits)
        finally:
            clock.cancel()
            process.kill()
    told: dict[str, Any] = json.loads(out)
    return told


def _said(process: subprocess.Popen[bytes], asked: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
    with suppress(BrokenPipeError):
        process.stdin.write(asked)
        process.stdin.close()
    return process.stdout.read(LARGEST_ANSWER + 1)


class _Cells:
    """The next cell is started while the last one answers, so that nobody waits for Python and DuckDB to load.

    A cell that is never asked ends when this process does: its input closes.
    """

    def __init__(self) -> None:
        self._ready: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def take(self) -> subprocess.Popen[bytes]:
        with self._lock:
            ready, self._ready = self._ready, None
        taken = ready if ready is not None and ready.poll() is None else self._start()
        following = self._start()
        with self._lock:
            beside, self._ready = self._ready, following
        if beside is not None:
            beside.kill()
        return taken

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        """Start a cell with nothing of this process: no variables, no folder, no open files."""
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", str(CELL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd="/" if os.name != "nt" else None, env=BARE, start_new_session=True,
        )  # fmt: skip


_CELLS = _Cells()


def _too_long(limits: Limits) -> MidasError:
    return BadInput(
        f"The question took more than {limits.seconds} seconds or {limits.memory_mib} MiB.",
        advice="Ask for less at once, or download the tables and ask at your own machine.",
    )
