"""A meter tells what work took: seconds where they were spent, and energy as the counters or an operator say it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from midas.compute import Meter, Processes, here, metering, processes
from midas.compute.metering import Packages
from midas.wire.v1 import Spent

FULL = 262_143_328_850
"""Where a package's counter turns over on many processors, in microjoules."""


def busy(seconds: float) -> float:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return seconds


def hold(size: int) -> int:
    return sum(bytearray(b"\1") * size)


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes]:
    with processes(2) as runner:
        list(runner.map(busy, [0.0]))
        yield runner


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's counters; elsewhere in the tests there are none."""
    monkeypatch.setattr(metering, "POWERCAP", tmp_path)
    return tmp_path


def zone(folder: Path, name: str, says: str, microjoules: int, full: int = FULL) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    for file, value in (("name", says), ("energy_uj", microjoules), ("max_energy_range_uj", full)):
        (place / file).write_text(f"{value}\n")
    return place / "energy_uj"


@pytest.mark.parametrize("kind", ["here", "pool"])
def test_seconds_of_processor_are_those_of_the_work_and_not_of_waiting(kind: str, pool: Processes) -> None:
    with Meter(here() if kind == "here" else pool) as meter:
        assert list(meter.map(busy, [0.2, 0.1, 0.1])) == [0.2, 0.1, 0.1]
        time.sleep(0.3)
        found = meter.spent()
    assert 0.4 <= found.processor_s < 0.65
    assert found.wall_s >= 0.5
    assert (found.unknown_s, found.measured_j, found.estimated_j) == (found.processor_s, 0, 0)


def test_what_the_giver_does_meanwhile_counts_too(pool: Processes) -> None:
    with Meter(pool) as meter:
        for _ in meter.map(busy, [0.1]):
            busy(0.2)
        assert 0.3 <= meter.spent().processor_s < 0.5


def test_beside_other_threads_only_its_own_work_counts() -> None:
    found: list[Spent] = []

    def work() -> None:
        with Meter(here()) as meter:
            until = time.thread_time() + 0.1
            list(meter.map(lambda _: [None for _ in iter(lambda: time.thread_time() < until, False)], [1]))
            found.append(meter.spent())

    thread = threading.Thread(target=work)
    thread.start()
    busy(0.5)
    thread.join()
    assert 0.1 <= found[0].processor_s < 0.3


def test_the_most_memory_of_one_process_is_told(pool: Processes) -> None:
    with Meter(pool) as meter:
        before = meter.spent().peak_bytes
        list(meter.map(hold, [before + 50_000_000]))
        assert meter.spent().peak_bytes > before + 50_000_000


def test_whole_packages_are_added_up_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 5_000_000)
    others = [
        zone(tmp_path, "intel-rapl:0:0", "core", 0), zone(tmp_path, "intel-rapl:0:1", "dram", 0),
        zone(tmp_path, "intel-rapl:2", "psys", 0), zone(tmp_path, "intel-rapl-mmio:0", "package-0", 0),
    ]  # fmt: skip
    found = Packages(tmp_path)
    assert found.joules() == 0
    first.write_text("3500000\n")
    second.write_text("5500000\n")
    for one in others:
        one.write_text("90000000\n")
    assert found.joules() == pytest.approx(3.0)


def test_a_counter_that_turns_over_goes_on(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl:0", "package-0", FULL - 2_000_000)
    found = Packages(tmp_path)
    counter.write_text("3000000\n")
    assert found.joules() == pytest.approx(5.0)
    counter.write_text("1000000\n")  # and once more, a whole turn less two joules later
    assert found.joules() == pytest.approx(5.0 + FULL / 1e6 - 2.0)


@pytest.mark.parametrize("how", ["absent", "unreadable", "no number", "one of two", "no range"])
def test_what_cannot_be_read_is_not_known(how: str, counters: Path) -> None:
    if how != "absent":
        counter = zone(counters, "intel-rapl:0", "package-0", 1, full=0 if how == "no range" else FULL)
    if how == "unreadable":
        counter.unlink()
        counter.mkdir()  # root may read what nobody may: a folder is read by nobody
    if how == "no number":
        counter.write_text("n/a")
    if how == "one of two":
        zone(counters, "intel-rapl:1", "package-1", 1).unlink()
    assert Packages(counters).joules() is None
    with Meter(here()) as meter:
        list(meter.map(busy, [0.05]))
        found = meter.spent()
    assert (found.measured_j, found.estimated_j, found.estimated_s) == (0, 0, 0)
    assert found.unknown_s == found.processor_s > 0


def test_what_could_not_be_read_once_stays_unknown(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    found = Packages(tmp_path)
    counter.unlink()
    assert found.joules() is None
    counter.write_text("9000000")
    assert found.joules() is None


def test_what_is_measured_is_not_estimated(counters: Path) -> None:
    counter = zone(counters, "intel-rapl:0", "package-0", 0)
    with Meter(here(), watts_per_core=10) as meter:
        list(meter.map(lambda _: counter.write_text("7000000"), [1]))
        found = meter.spent()
    assert (found.measured_j, found.estimated_j, found.estimated_s, found.unknown_s) == (7, 0, 0, 0)


def test_counters_that_an_operator_turned_off_are_not_read(counters: Path) -> None:
    counter = zone(counters, "intel-rapl:0", "package-0", 0)
    with Meter(here(), counters=False) as meter:
        list(meter.map(lambda _: counter.write_text("7000000"), [1]))
        found = meter.spent()
    assert (found.measured_j, found.unknown_s) == (0, found.processor_s)


def test_an_operators_number_makes_an_estimate() -> None:
    with Meter(here(), watts_per_core=12.5) as meter:
        list(meter.map(busy, [0.1]))
        found = meter.spent()
    assert found.estimated_s == found.processor_s >= 0.1
    assert found.estimated_j == pytest.approx(12.5 * found.processor_s, abs=0.01)
    assert (found.measured_j, found.unknown_s) == (0, 0)


def test_a_long_stretch_is_read_in_between(counters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "READ_EVERY_S", 0.02)
    counter = zone(counters, "intel-rapl:0", "package-0", 0, full=10_000_000)
    with Meter(here()) as meter:
        for value in (
            6_000_000,
            2_000_000,
            8_000_000,
        ):  # 6, 12 and 18 J: two turns that end-to-end reading would miss
            aside = counters / "aside"
            aside.write_text(str(value))
            aside.replace(counter)
            time.sleep(0.5)
        assert meter.spent().measured_j == pytest.approx(18)
