"""Forked workers do the same work, and are forked only where that is safe."""

from __future__ import annotations

import os
import threading

from midas.compute import pool, processes


def number_and_process(number: int) -> tuple[int, int]:
    return number * 2, os.getpid()


def test_forked_workers_do_the_work_elsewhere_and_in_order() -> None:
    with processes(2, forked=True) as runner:
        done = list(runner.map(number_and_process, range(20)))
    assert [one for one, _ in done] == [2 * number for number in range(20)]
    assert os.getpid() not in {process for _, process in done}


def test_nothing_is_forked_beside_a_thread() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert pool._start(True) == "spawn"
    finally:
        stop.set()
        thread.join()
    assert pool._start(False) == "spawn"
