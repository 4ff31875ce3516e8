"""Folders that are watched: whole files and once, half ones never, whatever happens in between; with real files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK, write_ct, write_table

from midas import compute
from midas.kernel import BadInput, Conflict, FixedClock, NotFound, Unavailable
from midas.spoke import flow, watching
from midas.spoke.intake import items, store
from midas.spoke.intake.models import Batch, Item, Watched
from midas.spoke.outbox.models import Output
from midas.spoke.watching import Folder, Stamp, Watch, alone, files, written_to


class Timer:
    """Seconds that pass only when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "camera"
    made.mkdir()
    return made


@pytest.fixture
def start(work: Any, folder: Path) -> Callable[[], Watch]:
    """Start watching, as after a restart: nothing is remembered but what the database holds."""

    def begin() -> Watch:
        return Watch(
            home=work.home, folders=[folder], runner=compute.here(), settle=2, clock=CLOCK, timer=Timer()
        )

    return begin


def rest(watch: Watch) -> int:
    """Look, wait until everything is at rest, look again, and once more; return how many files were taken in."""
    timer: Any = watch.timer
    taken = watch.look()
    timer.now += 2.5
    return taken + watch.look() + watch.look()


def ends(work: Any) -> dict[str, tuple[str, str]]:
    return {items.name_of(work, one): (one.state, one.reason) for one in Item.objects.exclude(kind="row")}


def test_what_is_put_into_the_folder_is_taken_in_as_receive_does(work, export, folder, start) -> None:
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    watch = start()
    assert watch.look() == 0
    shutil.copytree(export / "scans", folder / "scans")
    (folder / "notes.txt").write_text("call Ramesh Deshmukhwar on 9823012345\n" * 5)
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    assert watch.look() == 0, "nothing has come to rest yet"
    assert rest(watch) == 9
    seen = ends(work)
    assert {name: seen[name] for name in before} == {
        "scans/Ramesh/1.dcm": ("waiting", ""), "scans/Ramesh/2.dcm": ("waiting", ""),
        "scans/Sunanda/1.dcm": ("waiting", ""), "scans/early.dcm": ("waiting", ""),
        "scans/withdrawn.dcm": ("refused", "withdrawn"), "scans/late.dcm": ("held", "no-basis"),
        "scans/nobody.dcm": ("held", "no-person"), "scans/cut.dcm": ("refused", "truncated"),
        "notes.txt": ("refused", "unknown-kind"),
    }  # fmt: skip
    count = watch.tally()
    assert count.items_in == count.waiting + count.held + count.refused + count.sent
    assert {name: (folder / name).read_bytes() for name in before} == before, "the originals stay as they are"
    assert flow.receive(home=work.home, folder=folder, runner=compute.here(), clock=CLOCK) == count
    assert Output.objects.filter(kind="instance").count() == 4


def test_nothing_is_taken_twice_and_a_restart_takes_what_came_meanwhile(
    work, export, folder, start, monkeypatch
) -> None:
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    (folder / "1.dcm").write_bytes((export / "scans/Ramesh/1.dcm").read_bytes())
    first = start()
    assert rest(first) == 1
    assert rest(first) == 0
    (folder / "2.dcm").write_bytes((export / "scans/Sunanda/1.dcm").read_bytes())
    read: list[str] = []
    keep = store.keep
    monkeypatch.setattr(
        store, "keep", lambda home, path, **more: read.append(path.name) or keep(home, path, **more)
    )
    assert rest(start()) == 1
    assert read == ["2.dcm"], "what was taken in before is not even read again"
    assert ends(work)["2.dcm"] == ("waiting", "")
    assert Output.objects.filter(kind="instance").count() == 2


def test_a_kill_before_the_end_of_a_look_loses_and_doubles_nothing(
    work, export, folder, start, monkeypatch
) -> None:
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    shutil.copy(export / "scans/Ramesh/1.dcm", folder)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for where in ("take_in", "receive"):
        with monkeypatch.context() as patched:
            patched.setattr(flow, "clean_matched" if where == "take_in" else "look_alongside", die)
            with pytest.raises(KeyboardInterrupt):
                rest(start())
    assert rest(start()) == 1, "it is read again, and found to be the same"
    assert rest(start()) == 0
    assert ends(work) == {"1.dcm": ("waiting", "")}
    assert Output.objects.filter(kind="instance").count() == 1


def test_a_copy_in_progress_is_not_taken_half(work, export, folder, start) -> None:
    """It grows, it stalls with the file open, and it bears another name until it is whole."""
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    whole = (export / "scans/Ramesh/1.dcm").read_bytes()
    watch = start()
    timer: Any = watch.timer
    with (folder / "slow.dcm").open("wb") as stream:
        for part in range(4):
            stream.write(whole[part * 5000 : (part + 1) * 5000])
            stream.flush()
            timer.now += 1.5
            assert watch.look() == 0
        stalls = written_to(folder / "slow.dcm")
        timer.now += 10
        assert watch.look() == (0 if stalls else 1)
        stream.write(whole[20000:])
    assert not written_to(folder / "slow.dcm")
    for name in (".rsync.dcm.Xy12", "copy.dcm.part", "~$sheet.xlsx", "page.crdownload"):
        (folder / name).write_bytes(whole[:9000])
    assert rest(watch) == 1
    if stalls:
        assert ends(work) == {"slow.dcm": ("waiting", "")}
    (folder / "copy.dcm.part").write_bytes((export / "scans/Sunanda/1.dcm").read_bytes())
    (folder / "copy.dcm.part").rename(folder / "copy.dcm")
    assert rest(watch) == 1
    assert ends(work)["copy.dcm"] == ("waiting", "")


def test_a_file_that_changes_while_it_is_read_is_not_kept(work, export, folder, start, monkeypatch) -> None:
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    place = folder / "1.dcm"
    whole = (export / "scans/Ramesh/1.dcm").read_bytes()
    place.write_bytes(whole[:20000])
    monkeypatch.setattr(store, "CHUNK", 4096)
    seen: list[int] = []

    class Growing:
        def update(self, chunk: bytes) -> None:
            if not seen:
                seen.append(len(chunk))
                place.write_bytes(whole)
                os.utime(place)

        def hexdigest(self) -> str:
            raise AssertionError("half a file has no name")

    with monkeypatch.context() as patched:
        patched.setattr(store.hashlib, "sha256", Growing)
        with pytest.raises(store.StillWritten):
            store.keep(work.home, place)
    assert not list(work.home.intake.glob(".*")), "nothing half stays behind"
    assert rest(start()) == 1
    assert ends(work) == {"1.dcm": ("waiting", "")}


def test_a_file_that_changes_afterwards_is_taken_in_again(work, export, folder, start) -> None:
    whole = (export / "scans/nobody.dcm").read_bytes()
    (folder / "1.dcm").write_bytes(whole[:20000])
    watch = start()
    assert rest(watch) == 1
    (folder / "1.dcm").write_bytes(whole)
    assert rest(watch) == 1
    states = sorted(Item.objects.values_list("state", "reason"))
    assert states == [("held", "no-person"), ("refused", "truncated")], "both are told of"


def test_slices_wait_for_their_neighbours_and_photographs_do_not(folder: Path) -> None:
    at = Folder(folder, settle=2)

    def unknown(*_: object) -> bool:
        return False

    write_ct(folder / "1.dcm", uhid="ZZ/1", name="Nobody^Known", on="20240116")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
    assert at.at_rest(0, known=unknown) == {}
    write_ct(folder / "2.dcm", uhid="ZZ/1", name="Nobody^Known", on="20240116", number=2)
    assert at.at_rest(1, known=unknown) == {}
    assert set(at.at_rest(2.5, known=unknown)) == {"photo.jpg"}
    assert set(at.at_rest(3.1, known=unknown)) == {"photo.jpg", "1.dcm", "2.dcm"}


def test_a_slide_and_its_folder_are_one(folder: Path) -> None:
    (folder / "case").mkdir()
    (folder / "case" / "Slidedat.ini").write_text("[GENERAL]\n")
    (folder / "case" / "Data0000.dat").write_bytes(bytes(100))
    assert files(folder) == {}, "a data folder waits for its slide"
    (folder / "case.mrxs").write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
    before = files(folder)
    assert set(before) == {"case.mrxs"}
    (folder / "case" / "Data0001.dat").write_bytes(bytes(100))
    assert files(folder)["case.mrxs"] != before["case.mrxs"]


def test_links_and_what_cannot_be_opened_are_told_of(work, folder, start, tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.dcm").write_bytes(b"x" * 200)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "empty.dcm").write_bytes(b"")
    locked = folder / "locked.dcm"
    locked.write_bytes(b"y" * 200)
    locked.chmod(0)
    readable = os.access(locked, os.R_OK)
    watch = start()
    assert rest(watch) == 3
    seen = ends(work)
    assert seen["link"] == ("refused", "unsafe-path")
    assert seen["empty.dcm"] == ("refused", "truncated")
    assert seen["locked.dcm"] == ("refused", "unknown-kind" if readable else "unreadable")
    locked.chmod(0o600)
    assert rest(watch) == 1, "its rights changed: it is looked at again"


def test_images_of_one_sitting_are_one_batch_and_tables_have_their_own(work, export, folder, start) -> None:
    watch = start()
    shutil.copy(export / "scans/Ramesh/1.dcm", folder / "1.dcm")
    rest(watch)
    shutil.copy(export / "scans/Sunanda/1.dcm", folder / "2.dcm")
    rest(watch)
    assert Batch.objects.count() == 1
    assert {reason for _, reason in ends(work).values()} == {"no-person"}
    shutil.copytree(export / "tables", folder / "tables")
    rest(watch)
    assert Batch.objects.count() == 2
    assert set(ends(work).values()) == {("waiting", "")}, "the tables say whose the images are"
    rows = (folder / "tables" / "OPD visits.csv").read_text("utf-8").replace(",9\n", ",2\n")
    write_table(folder / "tables" / "OPD visits.csv", [tuple(row.split(",")) for row in rows.splitlines()])
    rest(watch)
    assert Batch.objects.count() == 3
    assert not Item.objects.filter(reason="bad-row").exists(), "a corrected table counts"


def test_a_full_disk_refuses_no_file(work, export, folder, start, monkeypatch) -> None:
    shutil.copy(export / "scans/Ramesh/1.dcm", folder / "1.dcm")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store, "keep", full)
        for _ in range(2):
            with pytest.raises(Unavailable, match="disk"):
                rest(start())
    assert not Item.objects.exists()
    assert not Batch.objects.exists(), "a try that took nothing in leaves nothing behind"
    assert rest(start()) == 1
    (folder / "1.dcm").touch()
    assert rest(start()) == 1
    assert [one.finished_at for one in Batch.objects.all()] == [CLOCK.now()]


def test_a_disk_that_fills_up_leaves_no_batch_running(work, export, folder, start, monkeypatch) -> None:
    for number, name in enumerate(("Ramesh/1.dcm", "Sunanda/1.dcm")):
        shutil.copy(export / "scans" / name, folder / f"{number}.dcm")
    keep = store.keep

    def fills(home: Any, path: Path, **more: Any) -> Any:
        if path.name == "1.dcm":
            raise OSError(28, "No space left on device")
        return keep(home, path, **more)

    with monkeypatch.context() as patched:
        patched.setattr(store, "keep", fills)
        for _ in range(2):
            with pytest.raises(Unavailable, match="disk"):
                rest(start())
    assert [one.finished_at for one in Batch.objects.all()] == [CLOCK.now()]
    assert rest(start()) == 2
    assert set(ends(work)) == {"0.dcm", "1.dcm"}


def test_one_file_that_fails_holds_up_no_other(work, export, folder, start, monkeypatch) -> None:
    flow.receive(home=work.home, folder=export / "tables", runner=compute.here(), clock=CLOCK)
    for name in ("Ramesh/1.dcm", "Ramesh/2.dcm", "Sunanda/1.dcm", "early.dcm"):
        shutil.copy(export / "scans" / name, folder / name.replace("/", "-"))
    keep = store.keep

    def fails(home: Any, path: Path, **more: Any) -> Any:
        if path.name == "Ramesh-1.dcm":
            raise RuntimeError("nobody thought of this")
        return keep(home, path, **more)

    with monkeypatch.context() as patched:
        patched.setattr(store, "keep", fails)
        watch = start()
        assert rest(watch) == 3
        with pytest.raises(RuntimeError):
            watch.look()
        with pytest.raises(RuntimeError):
            rest(start())
        assert set(ends(work)) == {"Ramesh-2.dcm", "Sunanda-1.dcm", "early.dcm"}
        assert Output.objects.filter(kind="instance").count() == 3
    assert rest(start()) == 1
    assert set(ends(work).values()) == {("waiting", "")}
    assert all(batch.items.exists() and batch.finished_at for batch in Batch.objects.all())


def test_a_folder_that_goes_away_is_waited_for(work, export, folder, start) -> None:
    watch = start()
    folder.rename(folder.with_name("unplugged"))
    assert rest(watch) == 0
    folder.with_name("unplugged").rename(folder)
    shutil.copy(export / "scans/nobody.dcm", folder)
    assert rest(watch) == 1


def test_a_folder_that_is_away_at_the_start_stops_no_other(work, export, folder, tmp_path) -> None:
    away, runner = tmp_path / "share", compute.here()
    watch = Watch(home=work.home, folders=[away, folder], runner=runner, settle=2, clock=CLOCK, timer=Timer())
    shutil.copy(export / "scans/nobody.dcm", folder)
    assert rest(watch) == 1
    away.mkdir()
    shutil.copy(export / "scans/early.dcm", away)
    assert rest(watch) == 1


def test_a_server_that_never_leaves_a_file_to_us_is_not_waited_for_longer_than_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "written_to", lambda path: True)
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
    at = Folder(folder, settle=2)
    seen = {now: set(at.at_rest(now, known=lambda *_: False)) for now in (0, 3, 19, 20)}
    assert seen == {0: set(), 3: set(), 19: set(), 20: {"photo.jpg"}}


@pytest.fixture
def days_later(start: Callable[[], Watch]) -> Callable[[Watch, int], int]:
    """Look again so many days later, in the same program; return how many files were taken in."""

    def look(watch: Watch, days: int) -> int:
        timer: Any = watch.timer
        watch.clock = FixedClock(watch.clock.now() + timedelta(days=days))
        timer.now += days * 86400
        return rest(watch)

    return look


def test_a_file_that_left_is_forgotten_after_a_while_and_is_the_same_when_it_comes_back(
    work, export, folder, start, days_later, tmp_path
) -> None:
    for name in ("nobody.dcm", "early.dcm"):
        shutil.copy(export / "scans" / name, folder)
    watch = start()
    assert rest(watch) == 2
    (folder / "nobody.dcm").rename(tmp_path / "nobody.dcm")
    assert days_later(watch, 1) == 0
    assert days_later(watch, 29) == 0
    assert [one.gone_at is not None for one in Watched.objects.order_by("pk")].count(True) == 1, (
        "marked, and kept"
    )
    assert days_later(watch, 2) == 0
    assert Watched.objects.count() == 1, "its row went, the other's did not"
    assert len(watch._taken) == len(watch._known) == len(watch._lookups) == 1, (
        "and the memory of the program with it"
    )
    seen = set(Item.objects.values_list("pk", "state", "reason"))
    (tmp_path / "nobody.dcm").rename(folder / "nobody.dcm")
    assert days_later(watch, 0) == 1
    assert set(Item.objects.values_list("pk", "state", "reason")) == seen, "nothing is taken in twice"
    assert Batch.objects.count() == 1


def test_a_file_that_comes_back_in_time_counts_anew(
    work, export, folder, start, days_later, tmp_path
) -> None:
    for name in ("nobody.dcm", "early.dcm"):
        shutil.copy(export / "scans" / name, folder)
    watch = start()
    rest(watch)
    for _ in range(2):
        (folder / "nobody.dcm").rename(tmp_path / "nobody.dcm")
        days_later(watch, 20)
        (tmp_path / "nobody.dcm").rename(folder / "nobody.dcm")
        days_later(watch, 1)
        assert [one.gone_at for one in Watched.objects.all()] == [None, None]
    assert Item.objects.count() == 2


def test_another_file_of_the_same_name_is_another_file(work, export, folder, start, days_later) -> None:
    shutil.copy(export / "scans/nobody.dcm", folder / "1.dcm")
    shutil.copy(export / "scans/early.dcm", folder / "2.dcm")
    watch = start()
    rest(watch)
    (folder / "1.dcm").unlink()
    days_later(watch, 10)
    shutil.copy(export / "scans/late.dcm", folder / "1.dcm")
    assert days_later(watch, 40) == 1
    assert Item.objects.count() == 3
    assert [one.gone_at for one in Watched.objects.all()] == [None, None]


@pytest.mark.parametrize("place", ["away", "bare", "written into", "locked below"])
def test_an_absent_share_is_no_empty_folder(
    work, export, folder, start, days_later, monkeypatch, place: str
) -> None:
    shutil.copytree(export / "scans", folder / "scans")
    watch = start()
    rest(watch)
    taken = Watched.objects.count()
    mounted = folder.with_name("mounted")
    folder.rename(mounted)
    if place != "away":
        folder.mkdir()
    days = 90
    if place == "written into":
        (folder / "notes.txt").write_text("nothing\n" * 50)
        days = 20
    if place == "locked below":
        (folder / "scans").mkdir()
        (folder / "notes.txt").write_text("nothing\n" * 50)
        scandir = os.scandir

        def locked(path: Path) -> Any:
            if path == folder / "scans":
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", locked)
    days_later(watch, 1)
    days_later(watch, days)
    monkeypatch.undo()
    shutil.rmtree(folder, ignore_errors=True)
    mounted.rename(folder)
    read: list[Path] = []
    monkeypatch.setattr(store, "keep", lambda home, path, **more: read.append(path))
    assert days_later(watch, 1) == 0
    assert rest(start()) == 0, "neither this program nor the next reads them again"
    assert read == []
    assert Watched.objects.filter(gone_at=None).count() == taken


def test_what_cannot_be_watched_is_said(work, folder, tmp_path) -> None:
    for wrong, kind in (
        ([], BadInput), ([tmp_path / "none"], NotFound), ([work.home.path], BadInput), ([tmp_path], BadInput),
        ([work.home.intake], BadInput),
    ):  # fmt: skip
        with pytest.raises(kind):
            watching.checked(work.home, wrong)
    (folder / "inner").mkdir()
    with pytest.raises(BadInput):
        watching.checked(work.home, [folder, folder / "inner"])
    with alone(work.home), pytest.raises(Conflict), alone(work.home):
        pass


def test_what_is_remembered_names_nobody(work, folder, start) -> None:
    (folder / "Ramesh Deshmukhwar.txt").write_text("nothing\n" * 50)
    assert rest(start()) == 1
    from django.db import connection

    assert "Deshmukhwar" not in "\n".join(connection.connection.iterdump())


def test_a_stamp_knows_a_change(folder: Path) -> None:
    path = folder / "a"
    path.write_bytes(b"one")
    before = Stamp.of(path.stat())
    path.write_bytes(b"two")
    assert Stamp.of(path.stat()) != before
