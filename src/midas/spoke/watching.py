"""Folders that are watched: what is put into one is taken in as soon as it has come to rest, and stays where it is.

In come folders; out come items, exactly as from `midas spoke receive`. One program at a time watches for a spoke. A file is
at rest when size and times stay the same for some seconds and nobody is seen to write into it; DICOM files wait for
their neighbours, since half a series would be called incomplete. A file that changes afterwards is taken in again; one that
stays as it was is never read twice, also after a restart. A name that marks a copy in progress waits for its own.

What is known of a file that left its folder is forgotten a month later. Should it come back after that, it is read once
more and found to be the same: nothing is taken in twice. A folder that is away, or shows no file at all as an unmounted
share does, forgets nothing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from django.db import DatabaseError, transaction

from midas import compute
from midas.formats import MIRAX_INDEX, Kind, slide_folder, sniff
from midas.kernel import BadInput, Clock, Conflict, MidasError, NotFound, Runner, SystemClock, Unavailable
from midas.spoke import flow
from midas.spoke.bench import ready
from midas.spoke.home import Home
from midas.spoke.intake.items import Tally
from midas.spoke.intake.models import Batch, Watched
from midas.spoke.vault.projects import desk

EVERY = 0.25
"""Seconds between two looks into the folders."""
SETTLE = 2.0
"""Seconds for which a file must stay as it is."""
STALL = 10
"""For so many times as long, a file that seems to be open for writing is waited for."""
SITTING = timedelta(minutes=10)
"""Images that come within this time of one another are one batch."""
SWEEP = 3600.0
"""Seconds between two looks for files that left."""
KEPT = timedelta(days=30)
"""For so long it is known that a file was taken in after it left: shares are away for days, not for months."""
MANY = 500
"""Rows of one query, below every database's limit of parameters."""
PAUSE = 10.0
"""Seconds to wait after something went wrong."""
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", "~")


class Stamp(NamedTuple):
    """By what a change of a file is known: bytes, and nanoseconds of its last writing and change."""

    size: int
    written: int
    changed: int

    @classmethod
    def of(cls, about: os.stat_result) -> Stamp:
        return cls(about.st_size, about.st_mtime_ns, about.st_ctime_ns)


def unfinished(name: str) -> bool:
    """Say whether a file or folder bears a name that a program gives to what it still copies or hides."""
    return name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED)


def files(folder: Path) -> dict[str, Stamp]:
    """Return every file below a folder by its path in it; a slide's data folder counts as part of the slide.

    Links are not followed. `OSError` where the folder itself cannot be read; one below it that cannot stands for itself.
    """
    found: dict[str, Stamp] = {}
    inner: dict[str, Path] = {}
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.is_dir(follow_symlinks=False):
            if not unfinished(entry.name):
                inner[entry.name] = folder / entry.name
        else:
            found[entry.name] = Stamp.of(entry.stat(follow_symlinks=False))
    for name, below in inner.items():
        try:
            held = files(below)
        except OSError:
            found[name] = Stamp.of(below.lstat())
            continue
        if MIRAX_INDEX in held:
            _join(found, held, folder, name)
        else:
            found |= {f"{name}/{path}": stamp for path, stamp in held.items()}
    return found


def _join(found: dict[str, Stamp], held: dict[str, Stamp], folder: Path, name: str) -> None:
    """Let a slide stand for its data folder; a data folder whose slide is not there yet waits for it."""
    for path, stamp in found.items():
        if PurePosixPath(path).stem == name and slide_folder(folder / path) is not None:
            every = (stamp, *held.values())
            found[path] = Stamp(
                sum(one.size for one in every), max(one.written for one in every), max(one.changed for one in every)
            )  # fmt: skip


def written_to(path: Path) -> bool:
    """Say whether a program on this machine has the file open to write: Linux tells its owner (fcntl(2), F_SETLEASE).

    Where that cannot be asked (another's file, some network shares, another system) the answer is no. On a share over
    SMB or NFSv4 a yes may only mean that its server has not left the file to this machine (no oplock, no delegation).
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        held = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # Should a writer come just now, this is the signal that he sends: one that does nothing.
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(held)
    return False


@dataclass
class Folder:
    """One watched folder: since when each of its files has been as it is."""

    path: Path
    settle: float = SETTLE
    sweep_at: float = -math.inf
    since: dict[str, tuple[Stamp, float]] = field(default_factory=dict)

    def at_rest(self, now: float, *, known: Callable[[str, Stamp], bool]) -> dict[str, Stamp]:
        """Look once, at `now` (seconds of any steady clock), and return the files to take in that are at rest.

        `known` says whether a file was taken in as it is.
        """
        seen = files(self.path)
        before, self.since = self.since, {}
        resting: dict[str, Stamp] = {}
        moving: set[str] = set()
        for name, stamp in seen.items():
            old = before.get(name)
            self.since[name] = old if old is not None and old[0] == stamp else (stamp, now)
            if known(name, stamp):
                continue
            if self._moves(name, now - self.since[name][1]):
                moving.add(_place(name))
            elif not unfinished(PurePosixPath(name).name):
                resting[name] = stamp
        return {
            name: stamp
            for name, stamp in resting.items()
            if _place(name) not in moving or kind_of(self.path / name) != Kind.DICOM
        }

    def _moves(self, name: str, still: float) -> bool:
        if still < self.settle:
            return True
        return still < STALL * self.settle and written_to(self.path / name)


def _place(name: str) -> str:
    return name.rpartition("/")[0]


def kind_of(path: Path) -> Kind:
    try:
        return sniff(path) if path.is_file() and not path.is_symlink() else Kind.UNKNOWN
    except OSError:
        return Kind.UNKNOWN


class Watch:
    """What one program watches. `look` is one look into every folder; it returns how many files were taken in."""

    def __init__(
        self, *, home: Home, folders: Sequence[Path], runner: Runner, settle: float = SETTLE, clock: Clock | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.home, self.runner, self.timer = home, runner, timer
        self.clock = clock or SystemClock()
        self.folders = [Folder(path, settle) for path in apart(home, folders)]
        self.batches: dict[Path, Batch] = {}
        self.restless = True
        self.failed: Exception | None = None
        self.desk = desk(home=home)
        mine = Watched.objects.filter(project=self.desk.project)
        self._taken: dict[str, str] = dict(mine.values_list("lookup", "stamp"))
        self._known: dict[tuple[Path, str], Stamp] = {}
        self._lookups: dict[tuple[Path, str], str] = {}

    def look(self) -> int:
        """Take in what is at rest; where nothing is, do once what the images before left to be done.

        What one file brings about is raised when all others are done.
        """
        taken = sum(self._look(folder) for folder in self.folders)
        if taken:
            self.restless = True
        elif self.restless:
            self.restless = False
            flow.receive(home=self.home, folder=None, runner=self.runner, clock=self.clock)
        elif self.failed is not None:
            raise self.failed
        return taken

    def tally(self) -> Tally:
        return flow.tally(self.desk.project)

    def _look(self, folder: Folder) -> int:
        try:
            chosen = folder.at_rest(
                self.timer(), known=lambda name, stamp: self._is_known(folder, name, stamp)
            )
            if self.timer() >= folder.sweep_at and _whole(folder):
                folder.sweep_at = self.timer() + SWEEP
                self._sweep(folder)
        except OSError:
            return 0  # a stick that was pulled out, a share that is away: it is looked for again
        chosen = {name: stamp for name, stamp in chosen.items() if os.path.lexists(folder.path / name)}
        return self._take(folder, chosen) if chosen else 0

    def _take(self, folder: Folder, chosen: dict[str, Stamp]) -> int:
        """Take files in and return how many; where that fails, each half apart, so that one file holds up no other."""
        try:
            self._take_together(folder, chosen)
        except (Unavailable, NotFound, DatabaseError):
            raise  # of the place, not of a file
        except Exception as error:  # noqa: BLE001 - raised by `look`
            names = sorted(chosen)
            if len(names) == 1:
                self.failed = error
                self._known[folder.path, names[0]] = chosen[names[0]]
                return 0
            halves = names[: len(names) // 2], names[len(names) // 2 :]
            return sum(self._take(folder, {name: chosen[name] for name in half}) for half in halves)
        return len(chosen)

    def _take_together(self, folder: Folder, chosen: dict[str, Stamp]) -> None:
        plain = all(kind_of(folder.path / name).value in flow.IMAGES for name in chosen)
        last = self.batches.get(folder.path) if plain else None
        batch = flow.take_in(
            home=self.home, folder=folder.path, names=chosen, runner=self.runner, clock=self.clock,
            onto=last if last is not None and self._one_sitting(last) else None,
        )  # fmt: skip
        if plain and batch is not None:
            self.batches[folder.path] = batch
        self._remember(folder, chosen)

    def _one_sitting(self, batch: Batch) -> bool:
        return batch.finished_at is not None and self.clock.now() - batch.finished_at < SITTING

    # -- what was taken in ---------------------------------------------------------------------------------------

    def _is_known(self, folder: Folder, name: str, stamp: Stamp) -> bool:
        if self._known.get((folder.path, name)) == stamp:
            return True
        if self._taken.get(self._lookup(folder, name)) != _text(stamp):
            return False
        self._known[folder.path, name] = stamp
        return True

    def _lookup(self, folder: Folder, name: str) -> str:
        place = folder.path, name
        if place not in self._lookups:
            self._lookups[place] = self._hmac(folder.path / name)
        return self._lookups[place]

    def _hmac(self, path: Path) -> str:
        exact = hashlib.sha256(os.fsencode(path)).hexdigest()
        return self.desk.vault.lookup("watched", exact, within=self.desk.project.slug)

    @transaction.atomic
    def _remember(self, folder: Folder, chosen: dict[str, Stamp]) -> None:
        for name, stamp in chosen.items():
            lookup = self._lookup(folder, name)
            told = {
                "project": self.desk.project, "folder": self._hmac(folder.path), "stamp": _text(stamp), "gone_at": None,
            }  # fmt: skip
            Watched.objects.update_or_create(lookup=lookup, defaults=told)
            self._taken[lookup] = _text(stamp)
            self._known[folder.path, name] = stamp

    @transaction.atomic
    def _sweep(self, folder: Folder) -> None:
        """Mark the files that left the folder, unmark those that came back, and forget who left long ago."""
        now = self.clock.now()
        here = {self._lookup(folder, name) for name in folder.since}
        rows = Watched.objects.filter(project=self.desk.project, folder=self._hmac(folder.path))
        changed = []
        for row in rows:
            gone_at = None if row.lookup in here else row.gone_at or now
            if gone_at != row.gone_at:
                row.gone_at = gone_at
                changed.append(row)
        Watched.objects.bulk_update(changed, ["gone_at"], batch_size=MANY)
        old = rows.filter(gone_at__lt=now - KEPT)
        for lookup in old.values_list("lookup", flat=True):
            self._taken.pop(lookup, None)
        old.delete()
        gone = [place for place in self._lookups if place[0] == folder.path and place[1] not in folder.since]
        for place in gone:
            del self._lookups[place]
            self._known.pop(place, None)


def _whole(folder: Folder) -> bool:
    """Say whether the last look showed all that the folder holds.

    One without any file may be the bare place of a share that is away; a folder below that cannot be read stands for itself.
    """
    paths = [folder.path / name for name in folder.since]
    return bool(paths) and not any(path.is_dir() and not path.is_symlink() for path in paths)


def _text(stamp: Stamp) -> str:
    return ":".join(map(str, stamp))


def checked(home: Home, folders: Sequence[Path]) -> list[Path]:
    """Return the folders that somebody asks to watch, as `apart` does. `NotFound` for one that is not there."""
    found = apart(home, folders)
    if not all(path.is_dir() for path in found):
        raise NotFound("A folder to watch is not there.", advice="Make it, or check the path.")
    return found


def apart(home: Home, folders: Sequence[Path]) -> list[Path]:
    """Return the folders to watch, there now or not. `BadInput` for none, one with this spoke, or one in another."""
    if not folders:
        raise BadInput("No folder to watch.", advice="Name one: midas spoke watch FOLDER.")
    found = [path.resolve() for path in folders]
    for path in found:
        if path == home.path or path in home.path.parents or home.path in path.parents:
            raise BadInput(
                "A folder to watch holds this spoke, or lies in it.",
                advice="Choose a folder apart from --home.",
            )
        if any(path in other.parents for other in found):
            raise BadInput("One folder to watch lies in another.", advice="Name the outer one alone.")
    return list(dict.fromkeys(found))


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Let one program watch for a spoke at a time; `Conflict` for a second one."""
    with (home.path / "watching.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                "Another program watches folders for this spoke already.", advice="Stop it first."
            ) from None
        yield


Told = Callable[[int, Tally], None]


def watch(
    *, home: Home, folders: Sequence[Path], stop: threading.Event, told: Told, wrong: Callable[[MidasError], object],
    settle: float = SETTLE, processes: int | None = None,
) -> None:  # fmt: skip
    """Watch until `stop` is set; tell what was taken in, and what went wrong before it is tried again.

    A folder that is not there is looked for again. `BadInput` as `apart`, `Conflict` as `alone`.
    """
    with alone(home):
        apart(home, folders)
        while not stop.is_set():
            with compute.processes(processes or home.config.processes or None, undisturbed=True) as pool:
                try:
                    list(pool.map(ready, range(pool.n)))
                    _look_on(Watch(home=home, folders=folders, runner=pool, settle=settle), stop, told)
                except MidasError as error:
                    wrong(error)
                except Exception as error:  # noqa: BLE001 - the next file is waited for, whatever this one did
                    said = f"What came in could not be worked on ({type(error).__name__})."
                    wrong(Unavailable(said, advice="It is tried again; `midas spoke receive` says more."))
                stop.wait(PAUSE)


def _look_on(seen: Watch, stop: threading.Event, told: Told) -> None:
    while not stop.is_set():
        began = time.monotonic()
        if number := seen.look():
            told(number, seen.tally())
        else:
            stop.wait(max(EVERY, time.monotonic() - began))
