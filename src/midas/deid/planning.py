"""A plan to read before anything is touched: what would become of each element, region and part of a file, and why.

In comes a file or folder with profile and secret, out come `Planned` values and lines of JSON. No value of an element is
in them, neither the one that stands there nor the one that would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag

from midas.deid.batch import Workplace, job_for, sealed_cards, surveyed, workplace
from midas.deid.engine import planned
from midas.deid.heads import Faces, Item
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
    """Plan one file on its own, with what its header says of the person."""
    if not path.is_file():
        raise NotFound("There is no such file.", advice="Check the path.")
    from midas.compute import here

    with workplace(secret) as place:
        items = [Item(path, place.folder / "out.dcm", path.name)]
        return plan_job(_jobs(items, place, profile, here(), NoProgress())[0])


def _jobs(
    items: Sequence[Item], place: Workplace, profile: Profile, runner: Runner, progress: Progress
) -> list[Job]:
    entries, crowd = surveyed(items, place=place, runner=runner, progress=progress)
    cards = sealed_cards(crowd, place)
    by_source = {
        one.item.source: job_for(one, cards[one.person.key], place, profile, Faces()) for one in entries
    }
    return [by_source[item.source] for item in items]


def plan_all(
    items: Sequence[Item], *, place: Workplace, profile: Profile, runner: Runner, progress: Progress
) -> Iterator[tuple[Item, Planned]]:
    """Yield the plan of each file, in their order."""
    jobs = _jobs(items, place, profile, runner, progress)
    done = progress.track(runner.map(plan_job, jobs), label="Plan", total=len(jobs))
    yield from zip(items, done, strict=True)


def plan_line(name: str, planned: Planned) -> bytes:
    """Return one line of `plan.jsonl`."""
    return json.dumps({"source": name, **planned.to_dict()}, ensure_ascii=False).encode() + b"\n"
