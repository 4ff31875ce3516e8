"""Files of which worker processes die, and programs that are killed: everything else goes on, and a person is told."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Self

import pytest
from tests.unit.spoke.conftest import CLOCK

from midas import compute
from midas.deid import Profile
from midas.kernel import MidasError, WorkerDied
from midas.spoke import bench, flow, heads, watching
from midas.spoke.home import at_work
from midas.spoke.intake.items import close_interrupted, name_of
from midas.spoke.intake.models import Batch, Item
from midas.spoke.outbox.models import Output


class Mortal:
    """A pool of one worker that takes two ahead, and dies of a task, metered as flows do, that names this file."""

    n = 1

    def __init__(self, digest: str, at: Callable[..., Any]) -> None:
        self.digest, self.at, self.deaths = digest, at, 0
        self.broken = False

    def __enter__(self) -> Self:
        self.broken = False
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Any, items: Iterable[Any]) -> Iterator[Any]:
        stream = iter(items)
        while some := list(islice(stream, 2)):
            if self.broken or (
                getattr(work, "work", work) is self.at and any(self.digest in repr(one) for one in some)
            ):
                self.broken, self.deaths = True, self.deaths + 1
                raise WorkerDied("A worker process died.")
            yield from map(work, some)


@pytest.fixture
def folder(work: Any, export: Path, tmp_path: Path) -> Path:
    """Four good images, of which the second has a poison; the tables are here already."""
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    made = tmp_path / "camera"
    made.mkdir()
    for name in ("Ramesh/1.dcm", "Ramesh/2.dcm", "Sunanda/1.dcm", "early.dcm"):
        shutil.copy(export / "scans" / name, made / name.replace("/", "-"))
    return made


def mortal(folder: Path, at: Callable[..., Any]) -> Mortal:
    return Mortal(hashlib.sha256((folder / "Ramesh-2.dcm").read_bytes()).hexdigest(), at)


def images(work: Any) -> dict[str, tuple[str, str, str, int]]:
    found = Item.objects.filter(kind="dicom")
    return {name_of(work, one): (one.state, one.stage, one.reason, one.deaths) for one in found}


CLEAN = ("waiting", "cleaned", "", 0)


@pytest.mark.parametrize("at", [bench.work, bench.look], ids=["cleaning", "series"])
def test_a_file_that_kills_its_worker_is_held_and_all_others_go_on(work, folder, at) -> None:
    for deaths in (1, 2, 3):
        with pytest.raises(WorkerDied), mortal(folder, at) as runner:
            flow.receive(home=work.home, folder=folder if deaths == 1 else None, runner=runner, clock=CLOCK)
        seen = images(work)
        assert seen["Ramesh-2.dcm"] == (
            ("held", "matched", "worker-died", 3) if deaths == 3 else ("waiting", "matched", "", deaths)
        )
    flow.receive(home=work.home, folder=None, runner=mortal(folder, at), clock=CLOCK)
    seen = images(work)
    assert [seen[name] for name in sorted(set(seen) - {"Ramesh-2.dcm"})] == [CLEAN] * 3, (
        "suspected, and let off"
    )
    assert Output.objects.filter(kind="instance").count() == 3, "it is not tried for ever"


def test_a_person_can_have_it_tried_once_more(work, folder) -> None:
    for _ in range(3):
        with pytest.raises(WorkerDied), mortal(folder, bench.work) as runner:
            flow.receive(home=work.home, folder=folder, runner=runner, clock=CLOCK)
    with pytest.raises(WorkerDied), mortal(folder, bench.work) as runner:
        flow.receive(home=work.home, folder=None, runner=runner, clock=CLOCK, again=True)
    assert images(work)["Ramesh-2.dcm"] == ("held", "matched", "worker-died", 3), "one try, not three"
    flow.receive(home=work.home, folder=None, runner=compute.here(), clock=CLOCK, again=True)
    assert images(work)["Ramesh-2.dcm"] == CLEAN
    assert Output.objects.filter(kind="instance").count() == 4


def test_a_watched_folder_with_such_a_file_comes_to_rest(work, folder, monkeypatch) -> None:
    runner, said, stop = mortal(folder, bench.work), list[str](), threading.Event()
    monkeypatch.setattr(watching.compute, "processes", lambda *_, **__: runner)
    monkeypatch.setattr(watching, "PAUSE", 0.0)

    def through(_: Any) -> None:
        """The end of a round that nothing stopped."""
        if Item.objects.filter(kind="dicom").exists():
            stop.set()

    monkeypatch.setattr(flow, "look_alongside", through)

    def wrong(error: MidasError) -> None:
        said.append(error.message)
        if len(said) > 10:
            stop.set()

    watching.watch(
        home=work.home, folders=[folder], stop=stop, told=lambda *_: None, wrong=wrong, settle=0.01
    )
    assert said == ["A worker process died."] * 3
    seen = images(work)
    assert seen.pop("Ramesh-2.dcm") == ("held", "matched", "worker-died", 3)
    assert set(seen.values()) == {CLEAN}


def test_a_look_for_faces_that_kills_its_worker_is_no_exception(work, folder, monkeypatch) -> None:
    profile = Profile.of(work.protocol, work.project.protocol_sha256)
    monkeypatch.setattr(heads, "OPTION", min(profile.options))
    for _ in range(3):
        with pytest.raises(WorkerDied), mortal(folder, heads.look) as runner:
            flow.receive(home=work.home, folder=folder, runner=runner, clock=CLOCK)
    assert images(work)["Ramesh-2.dcm"] == ("held", "matched", "worker-died", 3)


KILLED = """
import os, signal, sys
from pathlib import Path
from midas.protocol import load_named
from midas.spoke.bootstrap import initialise
from midas.spoke.home import Config
config = Config(name="wardha", project="oral-cancer")
home = initialise(path=Path(sys.argv[1]), config=config, loaded=load_named("oral-cancer"))
from midas import compute, ingest
from midas.spoke import flow
ingest.arrivals = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
flow.receive(home=home, folder=Path(sys.argv[2]), runner=compute.here())
"""
STARTED = """
import sys
from pathlib import Path
from midas.spoke.bootstrap import configure
configure(Path(sys.argv[1]))
from midas.spoke.intake.models import Batch
print([(one.interrupted, one.finished_at is not None) for one in Batch.objects.all()])
"""


def test_a_start_after_a_kill_says_that_the_batch_was_interrupted(tmp_path: Path) -> None:
    home, folder = str(tmp_path / "home"), str(tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, home, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    said = subprocess.run([sys.executable, "-c", STARTED, home], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[(True, True)]"


def test_a_batch_of_a_killed_program_is_closed_at_the_next_start_and_a_running_one_is_not(
    work, folder
) -> None:
    killed = Batch.objects.create(
        project=work.project, origin=work.vault.seal(str(folder), about="batch"), started_at=CLOCK.now()
    )
    with at_work(work.home):
        close_interrupted(work.home, at=CLOCK.now())
        killed.refresh_from_db()
        assert (killed.finished_at, killed.interrupted) == (None, False), "another program may be at it"
    close_interrupted(work.home, at=CLOCK.now())
    killed.refresh_from_db()
    assert (killed.finished_at, killed.interrupted) == (CLOCK.now(), True)
    flow.receive(home=work.home, folder=folder, runner=compute.here(), clock=CLOCK)
    assert not Batch.objects.exclude(pk=killed.pk).filter(interrupted=True).exists()
