"""A plan to read before anything is touched: what would become of each element, region and part of a file, and why.

In comes a file or folder with profile and secret, out come `Planned` values and lines of JSON. No value of an element is
in them, neither the one that stands there nor the one that would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag

from midas.deid.ahead import look_ahead
from midas.deid.batch import Workplace, job_for, sealed_cards, surveyed, workplace
from midas.deid.engine import planned
from midas.deid.heads import OPTION, Entry, Faces, Item, look_for_faces
from midas.deid.model import Held, Job, PartStep, Profile, Region
from midas.deid.plan import Plan, Step
from midas.deid.report import MEANING
from midas.deid.secret import Secret
from midas.kernel import NoProgress, NotFound, Progress, Runner


@dataclass(frozen=True)
class Planned:
    """The plan of one file, or why it would be held."""

    steps: tuple[Step, ...] = ()
    regions: tuple[Region, ...] = ()
    parts: tuple[PartStep, ...] = ()
    reason: str = ""
    detail: str = ""
    face: str = ""
    """What the look at its series for a face came to; "" where the profile asks for none."""

    def lines(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield tag, keyword, where, what becomes of it and the clause, for each element that does not stay as it is."""
        for step in self.steps:
            where = ".".join(f"{keyword_for_tag(tag) or f'{tag:08X}'}[{number}]" for tag, number in step.path)
            name = "content item" if step.tag == 0 else keyword_for_tag(step.tag) or "private"
            tag = f"({step.tag >> 16:04X},{step.tag & 0xFFFF:04X})"
            yield tag, name, where, MEANING.get(step.act, step.act), step.cites

    def region_lines(self) -> Iterator[tuple[str, str, str, str]]:
        for one in self.regions:
            frames = "all" if one.frames is None else f"{one.frames[0]} to {one.frames[1] - 1}"
            yield f"{one.left}, {one.top}, {one.width}, {one.height}", frames, one.rule, one.evidence

    def part_lines(self) -> Iterator[tuple[str, str, str]]:
        yield from ((one.part, MEANING.get(one.act, one.act), one.cites) for one in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-like data."""
        keys = ("tag", "attribute", "where", "becomes", "clause")
        return {
            "state": "held" if self.reason else "clean", "reason": self.reason, "detail": self.detail,
            "face": self.face,
            "elements": [dict(zip(keys, line, strict=True)) for line in self.lines()],
            "regions": [{**one.__dict__} for one in self.regions], "parts": [{**one.__dict__} for one in self.parts],
        }  # fmt: skip


def plan_job(job: Job) -> Planned:
    """Plan one file; what would be held says why."""
    try:
        made: Plan = planned(job)
    except Held as held:
        return Planned(regions=held.regions, reason=held.reason, detail=held.detail)
    return Planned(made.steps, made.regions, made.parts)


def plan_file(path: Path, *, profile: Profile, secret: Secret) -> Planned:
    """Plan one file with what its header says of the person.

    Where faces are to be cut, its series is read from the file's folder: one slice shows no face.
    """
    if not path.is_file():
        raise NotFound("There is no such file.", advice="Check the path.")
    from midas.compute import here

    with workplace(secret) as place:
        item = Item(path, place.folder / "out.dcm", path.name)
        beside = [one for one in _beside(path) if one != path] if OPTION in profile.options else []
        others = [Item(one, place.folder / f"{n}.dcm", one.name) for n, one in enumerate(beside)]
        watch = NoProgress()
        entries, crowd = surveyed([item, *others], place=place, runner=here(), progress=watch)
        own = next(one for one in entries if one.item is item)
        near = [
            one for one in entries if one.series == own.series or (one.frame[1] and one.frame == own.frame)
        ]
        faces = look_for_faces(near, folder=place.folder, profile=profile, runner=here(), progress=watch)
        card = sealed_cards(crowd, place)[own.person.key]
        return _with_face(own, faces, profile, plan_job(job_for(own, card, place, profile, faces)))


def _beside(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.iterdir() if one.is_file())


def _with_face(entry: Entry, faces: Faces, profile: Profile, planned: Planned) -> Planned:
    """Return the plan with what was seen of the series: held, where a person must look at it first."""
    verdict = faces.verdicts.get(entry.series)
    held = faces.held(entry, profile)
    if held is not None:
        return Planned(reason=held.reason, detail=held.detail, face=held.detail)
    return planned if verdict is None else replace(planned, face=verdict.evidence or verdict.state)


def plan_all(
    items: Sequence[Item], *, place: Workplace, profile: Profile, runner: Runner, progress: Progress
) -> Iterator[tuple[Item, Planned]]:
    """Yield the plan of each file, in their order; series are looked at for faces first where the profile asks for it."""
    entries, crowd = surveyed(items, place=place, runner=runner, progress=progress)
    faces = look_for_faces(entries, folder=place.folder, profile=profile, runner=runner, progress=progress)
    cards = sealed_cards(crowd, place)
    by_source = {one.item.source: one for one in entries}
    asked = [by_source[item.source] for item in items]
    jobs = [job_for(one, cards[one.person.key], place, profile, faces) for one in asked]
    jobs = look_ahead(asked, jobs, runner=runner, progress=progress)
    done = progress.track(runner.map(plan_job, jobs), label="Plan", total=len(jobs))
    for one, made in zip(asked, done, strict=True):
        yield one.item, _with_face(one, faces, profile, made)


def plan_line(name: str, planned: Planned) -> bytes:
    """Return one line of `plan.jsonl`."""
    return json.dumps({"source": name, **planned.to_dict()}, ensure_ascii=False).encode() + b"\n"
