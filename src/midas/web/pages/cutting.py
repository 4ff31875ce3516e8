"""Cutting or checking a draft beside the pages: a POST starts it, the page asks how far it is, a file remembers.

One thread per draft in this process. Cutting a draft twice gives the same key, so that what a crash broke off is simply
started again; a run whose file was not touched for `SILENT_S` and which no thread here has is taken for broken off.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from django.db import connection

from midas.kernel import MidasError, SystemClock, whole_file
from midas.people.models import Account
from midas.release import check_gates, cut, make_twin
from midas.release.models import Draft
from midas.web.bootstrap import current_home, signer, store
from midas.web.gating import brought
from midas.web.spending import keep_cut

T = TypeVar("T")
log = logging.getLogger("midas.hub")

SILENT_S = 120.0
"""Seconds without a sign of life after which a run of another process counts as broken off."""
BETWEEN_S = 0.5
"""Seconds between two notes of progress: each writes a small file."""

_running: dict[int, threading.Thread] = {}
_door = threading.Lock()


@dataclass(frozen=True)
class Standing:
    """How far a cut is. `state` is `running`, `done`, `failed` or `broken`; what went wrong stands in `problem`.

    With `check` only the gates are looked at, and `done` means that the draft's page shows them.
    """

    state: str
    step: str = ""
    done: int = 0
    total: int = 0
    problem: str = ""
    check: bool = False


def start(draft: Draft, *, twin: bool = False, by: Account | None = None, check: bool = False) -> bool:
    """Start cutting, or with `check` looking at the gates; return `False` where that is already going on."""
    with _door:
        if (before := standing(draft)) is not None and before.state == "running":
            return False
        _write(draft.pk, Standing("running", check=check))
        thread = threading.Thread(
            target=_work, args=(draft.pk, twin, by, check), name=f"midas-cut-{draft.pk}", daemon=True
        )
        _running[draft.pk] = thread
        thread.start()
    return True


def standing(draft: Draft) -> Standing | None:
    """Return how far the cut of this draft is, or `None` where none was started."""
    path = _path(draft.pk)
    try:
        touched, found = path.stat().st_mtime, Standing(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    thread = _running.get(draft.pk)
    alive = (thread is not None and thread.is_alive()) or time.time() - touched < SILENT_S
    return replace(found, state="broken") if found.state == "running" and not alive else found


def perform(number: int, *, twin: bool, by: Account | None = None) -> None:
    """Cut one draft and note how it went; a fault is noted and never raised: nobody waits for this thread."""
    noted = Noted(number)
    try:
        draft = Draft.objects.select_related("dataset", "protocol").get(pk=number)
        clock = SystemClock()
        release = keep_cut(
            lambda: cut(
                draft=draft, store=store(), signer=signer(), clock=clock, progress=noted, by=by, brought=brought(draft)
            ),
            clock=clock,
        )  # fmt: skip
        if twin:
            keep_cut(
                lambda: make_twin(
                    release=release, store=store(), signer=signer(), clock=clock, progress=noted, by=by
                ),
                clock=clock,
            )
        _write(number, Standing("done"))
    except MidasError as error:
        _write(number, Standing("failed", problem=str(error)))
    except Exception:
        log.exception("a release could not be cut")
        _write(number, Standing("failed", problem="The hub failed while it was cutting; its log says why."))


def look(number: int) -> None:
    """Look at the gates of one draft; what they say is kept with it, and a fault is noted."""
    try:
        draft = Draft.objects.select_related("dataset", "protocol").get(pk=number)
        noted = Noted(number, check=True)
        check_gates(draft=draft, store=store(), clock=SystemClock(), brought=brought(draft), progress=noted)
        _write(number, Standing("done", check=True))
    except MidasError as error:
        _write(number, Standing("failed", problem=str(error), check=True))
    except Exception:
        log.exception("a draft could not be checked")
        said = "The hub failed while it was checking; its log says why."
        _write(number, Standing("failed", problem=said, check=True))


class Noted:
    """A `Progress` that writes down how far it is."""

    def __init__(self, number: int, *, check: bool = False) -> None:
        self._number, self._check = number, check

    def track(self, items: Iterable[T], *, label: str, total: int | None = None) -> Iterator[T]:
        every = total if total is not None else len(items) if isinstance(items, Sized) else 0
        noted = 0.0
        for done, item in enumerate(items):
            if time.monotonic() - noted > BETWEEN_S:
                noted = time.monotonic()
                _write(self._number, Standing("running", label, done, every, check=self._check))
            yield item


def _work(number: int, twin: bool, by: Account | None, check: bool) -> None:
    try:
        if check:
            look(number)
        else:
            perform(number, twin=twin, by=by)
    finally:
        connection.close()


def _path(number: int) -> Path:
    return current_home().scratch / "cuts" / f"{number}.json"


def _write(number: int, standing: Standing) -> None:
    path = _path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as out:
        out.write(json.dumps(asdict(standing)).encode())
