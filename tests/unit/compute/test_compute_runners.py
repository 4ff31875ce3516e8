"""Both runners keep order, raise errors in place, and take no more than they need."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from midas.compute import Meter, here, processes
from midas.kernel import BadInput, BrokenPromise, Runner, Unavailable


def double(number: int) -> int:
    if number == 7:
        raise BrokenPromise("seven")
    return number * 2


def die(number: int) -> int:
    os._exit(3) if number == 2 else None
    return number


def process_id(_: int) -> int:
    return os.getpid()


def leaves_ctrl_c(_: int) -> bool:
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.fixture(scope="module")
def pool() -> Iterator[Runner]:
    with processes(2) as runner:
        yield runner


@pytest.mark.parametrize("kind", ["here", "pool", "metered here", "metered pool"])
def test_results_come_in_the_items_order_and_errors_in_their_place(kind: str, pool: Runner) -> None:
    plain = here() if "here" in kind else pool
    with Meter(plain) as meter:
        in_order(meter if "metered" in kind else plain)


def in_order(runner: Runner) -> None:
    assert list(runner.map(double, range(7))) == [0, 2, 4, 6, 8, 10, 12]
    results = runner.map(double, range(20))
    assert [next(results) for _ in range(7)] == [0, 2, 4, 6, 8, 10, 12]
    with pytest.raises(BrokenPromise, match="seven"):
        next(results)


def test_an_endless_stream_is_taken_only_as_far_as_needed(pool: Runner) -> None:
    taken = []

    def endless() -> Iterator[int]:
        number = 10
        while True:
            taken.append(number)
            yield number
            number += 1

    results = pool.map(double, endless())
    assert [next(results) for _ in range(3)] == [20, 22, 24]
    assert len(taken) <= 3 + 2 * 2


def test_the_work_is_done_elsewhere(pool: Runner) -> None:
    assert os.getpid() not in set(pool.map(process_id, range(4)))


def test_a_worker_that_dies_is_said() -> None:
    with processes(1) as runner, pytest.raises(Unavailable, match="worker process died"):
        list(runner.map(die, range(6)))


def test_ctrl_c_is_for_workers_too_unless_they_are_left_undisturbed(pool: Runner) -> None:
    assert list(pool.map(leaves_ctrl_c, range(1))) == [False]
    with processes(1, undisturbed=True) as runner:
        assert list(runner.map(leaves_ctrl_c, range(1))) == [True]


def test_no_processes_is_an_error() -> None:
    with pytest.raises(BadInput):
        processes(0)
