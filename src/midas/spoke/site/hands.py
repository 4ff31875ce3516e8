"""The pair of hands that cleans what reviewers let on, so that no page waits for it: one thread that starts one process.

`poke` says that there is something to do; the thread takes it up, and again what was decided meanwhile. What a kill leaves
undone waits in the database: it is taken up at the next start of the site or the next `midas spoke receive`.

    python -m midas.spoke.site.hands HOME     cleans what waits in this home, and ends
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

from midas import compute
from midas.spoke.bootstrap import configure, current_home

log = logging.getLogger("django.midas.hands")
POLITE = 5
"""Niceness of the cleaning process: pages come first."""
_asked = threading.Event()
_started = threading.Lock()


def at_once() -> bool:
    """Say whether decisions are carried out before the page answers: so in tests, not where the site is served."""
    return not getattr(settings, "SPOKE_HANDS", False)


def poke() -> None:
    """Let the hands look for what was decided and waits; returns at once."""
    if at_once():
        return
    _asked.set()
    if _started.acquire(blocking=False):
        threading.Thread(target=_work, name="midas-hands", daemon=True).start()


def _work() -> None:
    command = [sys.executable, "-m", "midas.spoke.site.hands", str(current_home().path)]
    while True:
        _asked.wait()
        _asked.clear()
        done = subprocess.run(  # noqa: S603 - our own module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            log.warning("Cleaning stopped with code %d; it goes on with the next decision.", done.returncode)


def main(home: Path) -> None:
    """Clean what waits, in this process."""
    os.nice(POLITE)
    made = configure(home)
    from midas.spoke import flow

    flow.go_on(home=made, runner=compute.here())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
