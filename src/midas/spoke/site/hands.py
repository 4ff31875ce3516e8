"""The pair of hands that cleans what reviewers let on, so that no page waits for it: one thread, one worker process.

`poke` says that there is something to do; the thread takes it up, and again what was decided meanwhile. What a kill leaves
undone waits in the database: it is taken up at the next start of the site or the next `midas spoke receive`.
"""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import connections

from midas import compute
from midas.kernel import MidasError
from midas.spoke import flow
from midas.spoke.bootstrap import current_home

log = logging.getLogger("django.midas.hands")
_asked = threading.Event()
_started = threading.Lock()


def at_once() -> bool:
    """Say whether decisions are carried out before the page answers: so in tests, not where the site is served."""
    return not getattr(settings, "MIDAS_SPOKE_HANDS", False)


def poke() -> None:
    """Let the hands look for what was decided and waits; returns at once."""
    if at_once():
        return
    _asked.set()
    if _started.acquire(blocking=False):
        threading.Thread(target=_work, name="midas-hands", daemon=True).start()


def _work() -> None:
    with compute.processes(1) as pool:
        while True:
            _asked.wait()
            _asked.clear()
            try:
                flow.go_on(home=current_home(), runner=pool)
            except (MidasError, OSError) as problem:
                log.warning(
                    "Cleaning stopped (%s); it goes on with the next decision.", type(problem).__name__
                )
            finally:
                connections.close_all()
