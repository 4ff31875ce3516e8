"""The sealer's thread in the server's process: every round it writes down counts, closes hours and seals what waits.

Whatever is entered is linked within `PROMISE_S`: a round begins `ROUND_S` after the one before it. Servers that share
a database may each have one; the ledger lets one at a time link.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections, connection

from midas.kernel import Clock, SystemClock
from midas.ledger import seal
from midas.ledger.denying import close_hours, write_counts
from midas.web.bootstrap import signer

log = logging.getLogger("midas.hub")

ROUND_S = 1.0
PROMISE_S = 5.0
"""Seconds between an entry's commit and its link, at most, while a server runs."""


def start() -> Callable[[], None]:
    """Start the thread; return what stops it after a last round. Call it once per server."""
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(stop,), name="midas-sealer", daemon=True)
    thread.start()

    def stop_sealer() -> None:
        stop.set()
        thread.join(timeout=30)

    return stop_sealer


def one_round(*, clock: Clock | None = None) -> int:
    """Do what a round does; return how many rows were linked."""
    now = clock or SystemClock()
    write_counts()
    close_hours(clock=now)
    return seal(signer=signer(), clock=now)


def _work(stop: threading.Event) -> None:
    is_last = False
    while not is_last:
        is_last = stop.wait(ROUND_S)
        close_old_connections()
        try:
            one_round()
        except Exception:
            log.exception("the ledger could not be sealed; it is tried again")
    connection.close()
