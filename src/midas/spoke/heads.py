"""Which series of matched images show a face: each is looked at once, as a whole, before any of its files is cleaned.

In come the waiting images of a run, out come `Heads`: the mask for each image, or why a person must look first. Masks stand
in the run's scratch folder. Only protocols with the option Clean Recognizable Visual Features (PS3.15 E.3.2) ask for it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from midas.deid.faces import OPTION, FaceVerdict
from midas.deid.model import Profile
from midas.kernel import Clock, Progress, Runner
from midas.spoke.dying import worked_on
from midas.spoke.home import Home
from midas.spoke.intake import items, store
from midas.spoke.intake.models import Item, State
from midas.spoke.vault.projects import Desk

Key = tuple[int, str]
"""A series: its person's key, and its group or the one item that it is."""
LESIONS = frozenset({"SEG", "RTSTRUCT"})
"""Modalities that outline what must not be cut."""


@dataclass(frozen=True)
class Look:
    """The files of one series, where its mask goes, and outlines that may lie in the same frame of reference."""

    paths: tuple[Path, ...]
    out: Path
    profile: Profile
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Found:
    """The verdict on one series; `frame` tells frames of reference apart and is no UID."""

    verdict: FaceVerdict
    frame: str


def _frame(path: Path) -> str:
    from midas.deid.faces import frame_of

    uid = frame_of(path)
    return hashlib.sha256(uid.encode()).hexdigest() if uid else ""


def look(task: Look) -> Found:
    """Judge one series in a worker."""
    from midas.deid.faces import of_series

    frame = _frame(task.paths[0])
    lesions = tuple(path for path in task.others if frame and _frame(path) == frame)
    verdict = of_series(task.paths, out=task.out, profile=task.profile, lesions=lesions)
    return Found(replace(verdict, frame=""), frame)


@dataclass
class Heads:
    """Verdicts by series and masks by frame; files that share a frame with a masked head are cut alike."""

    of_item: dict[int, Key] = field(default_factory=dict)
    verdicts: dict[Key, FaceVerdict] = field(default_factory=dict)
    masks: dict[Key, Path] = field(default_factory=dict)
    frames: dict[Key, str] = field(default_factory=dict)

    def verdict(self, item: Item) -> FaceVerdict | None:
        return self.verdicts.get(self.of_item.get(item.pk, (0, "")))

    def volume(self, item: Item) -> bool:
        """Say whether the image belongs to a series that was judged as a volume of voxels."""
        verdict = self.verdict(item)
        return verdict is not None and verdict.reason != "no-volume"

    def mask(self, item: Item) -> Path | None:
        series = self.of_item.get(item.pk)
        if series is None:
            return None
        frame = self.frames.get(series, "")
        return self.masks.get(series) or (self.masks.get((series[0], frame)) if frame else None)


def look_for_faces(
    desk: Desk, chosen: Iterable[Item], *, folder: Path, profile: Profile, runner: Runner, progress: Progress,
    clock: Clock,
) -> Heads:  # fmt: skip
    """Look at each series of the chosen images once, with all its files that are here; empty where nothing is asked.

    Outlines among the chosen may show a face that another series of their person shows: each of those is looked at, too.
    """
    heads = Heads()
    if OPTION not in profile.options:
        return heads
    series: defaultdict[Key, list[Item]] = defaultdict(list)
    for item in chosen:
        if item.kind == "dicom" and item.person_id:
            heads.of_item[item.pk] = _key(item.person_id, item)
            series[heads.of_item[item.pk]].append(item)
    concerned = [
        *((key, members, members) for key, members in series.items()),
        *_beside_outlines(desk, series),
    ]
    keys, tasks = dict[Path, Key](), list[tuple[list[Item], Look]]()
    for number, (key, members, waiting) in enumerate(concerned):
        out = folder / f"{number}.face"
        keys[out] = key
        others = _others(desk, key[0], members)
        tasks.append((waiting, Look(files_of(desk, key[0], members), out, profile, others)))
    looked = worked_on(runner, look, tasks, clock=clock)
    for _, task, found in progress.track(looked, label="Look for faces", total=len(tasks)):
        key = keys[task.out]
        heads.verdicts[key], heads.frames[key] = found.verdict, found.frame
        if found.verdict.state == "mask":
            heads.masks[key] = task.out
            if found.frame:
                heads.masks.setdefault((key[0], found.frame), task.out)
    return heads


def _key(person: int, item: Item) -> Key:
    return person, item.group or f"item {item.pk}"


def _beside_outlines(
    desk: Desk, series: Mapping[Key, list[Item]]
) -> Iterator[tuple[Key, list[Item], list[Item]]]:
    """Yield the other series that are here of persons with outlines among these: key, images, and the outlines."""
    outlines: defaultdict[int, list[Item]] = defaultdict(list)
    drawn = _drawn(desk)
    for (person, _), members in series.items():
        outlines[person] += [one for one in members if one.definition in drawn]
    for person, mine in outlines.items():
        rest: defaultdict[Key, list[Item]] = defaultdict(list)
        here = (
            items.of_project(desk.project).filter(person_id=person, kind="dicom").exclude(state=State.REFUSED)
        )
        for one in here.exclude(definition__in=drawn).order_by("pk") if mine else ():
            if (key := _key(person, one)) not in series:
                rest[key].append(one)
        yield from ((key, members, mine) for key, members in rest.items())


def _drawn(desk: Desk) -> list[str]:
    return [one.id for one in desk.protocol.items if LESIONS & set(one.modalities)]


def files_of(desk: Desk, person: int, members: list[Item]) -> tuple[Path, ...]:
    """Return every file of a series that is here, also those that are held, cleaned or sent: half a head is no head."""
    first = members[0]
    if not first.group:
        return (_path(desk.home, first),)
    whole = items.of_project(desk.project).filter(person_id=person, group=first.group, kind="dicom")
    return tuple(_path(desk.home, one) for one in whole.exclude(state=State.REFUSED).order_by("pk"))


def _others(desk: Desk, person: int, members: list[Item]) -> tuple[Path, ...]:
    """Return the person's outlines that came as DICOM: which of them share the frame is seen in the worker."""
    found = items.of_project(desk.project).filter(person_id=person, kind="dicom", definition__in=_drawn(desk))
    own = {item.pk for item in members}
    return tuple(_path(desk.home, one) for one in found.exclude(state=State.REFUSED) if one.pk not in own)


def _path(home: Home, item: Item) -> Path:
    return store.place_of(home, item.stored)
