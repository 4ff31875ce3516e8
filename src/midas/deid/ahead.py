"""What a few files tell of all others beside them, found before any is cleaned.

In come the jobs of a run with their surveyed files, out come the same jobs: slices of a long series are `suspect` where
text was found in its middle, first or last one, and levels of a slide that are too large to be searched tile by tile carry
what its largest other level shows. What was read stays in the worker; boxes and a yes or no come back. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from midas.deid.cards import open_card, open_keys
from midas.deid.known import known_in
from midas.deid.looking import TEXT_OPTION
from midas.deid.model import Glass, Held, Job
from midas.deid.pictures.gate import SECTIONS
from midas.deid.slides import SLIDES, label_regions
from midas.deid.stream import Opened, open_file
from midas.deid.words import Known
from midas.formats.dicom import quiet
from midas.kernel import MidasError, Progress, Runner

if TYPE_CHECKING:
    from midas.deid.heads import Entry
    from midas.deid.pictures import Seen

SERIES = 64
"""Slices of a series for which one is searched: the middle, then the first, then the last, so that looking ahead costs a
small part of cleaning. Of a shorter series none is: there the rule of `gate` stands alone."""
ALIKE = 0.02
"""Share by which the ratio of width to height may differ between levels of one glass."""


@dataclass(frozen=True)
class Look:
    """Files to search for others, in one worker: slices of one series, or the levels of one slide."""

    jobs: tuple[Job, ...]
    slide: bool


@dataclass(frozen=True)
class Told:
    """What was found: whether any slice bears text, and for each level what another shows."""

    text: bool = False
    glass: tuple[Glass | None, ...] = ()


def look_ahead(
    entries: Sequence[Entry], jobs: Sequence[Job], *, runner: Runner, progress: Progress
) -> list[Job]:
    """Return the jobs, each knowing what other files of its series or slide show; `entries` are their files."""
    knowing = list(jobs)
    tasks = [
        (numbers, Look(tuple(jobs[one] for one in asked), slide))
        for numbers, asked, slide in _asked(entries, jobs)
    ]
    looked = progress.track(
        runner.map(searched, [task for _, task in tasks]), label="Look ahead", total=len(tasks)
    )
    for (numbers, task), told in zip(tasks, looked, strict=True):
        if task.slide:
            for number, glass in zip(numbers, told.glass, strict=True):
                knowing[number] = replace(knowing[number], glass=glass)
        elif told.text:
            for number in numbers:
                knowing[number] = replace(knowing[number], suspect=True)
    return knowing


def _asked(entries: Sequence[Entry], jobs: Sequence[Job]) -> Iterator[tuple[list[int], list[int], bool]]:
    """Yield for each series of slices, and each slide, the numbers of its files, and of those to search."""
    slices: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    levels: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, (entry, job) in enumerate(zip(entries, jobs, strict=True)):
        if entry.picture is not None or not _searches(job):
            continue
        if entry.header.sop_class in SECTIONS:
            slices[entry.series].append(number)
        elif entry.header.sop_class in SLIDES:
            levels[entry.frame if entry.header.frame else entry.series].append(number)
    for numbers in slices.values():
        if asked := samples(numbers):
            yield numbers, asked, False
    for numbers in levels.values():
        if len(numbers) > 1:
            yield numbers, numbers, True


def _searches(job: Job) -> bool:
    """Say whether text is searched for in this file, which no person has decided about."""
    return TEXT_OPTION in job.profile.options and not job.boxes and not job.accepted_risk


def samples(numbers: Sequence[int]) -> list[int]:
    """Return which slices of a series are searched for all of them."""
    most = len(numbers) // SERIES
    chosen = [len(numbers) // 2, 0, len(numbers) - 1][: min(most, 3)]
    return [numbers[one] for one in chosen]


def searched(task: Look) -> Told:
    """Search some files in a worker. What cannot be opened or decoded tells nothing: it is held when it is cleaned."""
    with quiet():
        if task.slide:
            return Told(glass=carried(task.jobs))
        return Told(text=any(_shows_text(job) for job in task.jobs))


def _shows_text(job: Job) -> bool:
    with suppress(Held, MidasError, OSError):
        opened, known = _opened(job)
        seen = _look(job, opened, known, suspect=True)
        return bool(seen.regions or seen.person)
    return False


def levels(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs of one slide's levels, the large ones knowing what the largest that can be searched shows."""
    if not all(map(_searches, jobs)):
        return list(jobs)
    with quiet():
        return [replace(one, glass=glass) for one, glass in zip(jobs, carried(jobs), strict=True)]


def carried(jobs: Sequence[Job]) -> tuple[Glass | None, ...]:
    """Return for each level of one slide what must go there by what its largest searched level shows; None: look itself."""
    from midas.deid.pictures.glass import large

    opened = [_tissue(job) for job in jobs]
    wanting = [one is not None and large(one.ds) for one in opened]
    readers = [_reader(opened, wanting, number) if wants else None for number, wants in enumerate(wanting)]
    found = {number: _on(jobs[number]) for number in dict.fromkeys(readers) if number is not None}
    return tuple(None if number is None else found[number] for number in readers)


def _tissue(job: Job) -> Opened | None:
    with suppress(Held, MidasError, OSError):
        opened = open_file(job.source)
        return None if label_regions(opened.ds) or "TotalPixelMatrixColumns" not in opened.ds else opened
    return None


def _reader(opened: Sequence[Opened | None], wanting: Sequence[bool], number: int) -> int | None:
    """Return the largest level of the same glass of which every tile is searched."""
    own = opened[number]
    others = [
        (_pixels(one.ds), at)
        for at, one in enumerate(opened)
        if own is not None and one is not None and not wanting[at] and _same_glass(own.ds, one.ds)
    ]
    return max(others)[1] if others else None


def _pixels(ds: Dataset) -> int:
    return int(ds.TotalPixelMatrixColumns) * int(ds.TotalPixelMatrixRows)


def _same_glass(ds: Dataset, other: Dataset) -> bool:
    """Say whether two levels show the same piece of glass: of one form, from one corner."""
    forms = [int(one.TotalPixelMatrixColumns) / max(int(one.TotalPixelMatrixRows), 1) for one in (ds, other)]
    return abs(forms[0] / forms[1] - 1) < ALIKE and _corner(ds) == _corner(other)


def _corner(ds: Dataset) -> tuple[float, ...]:
    """Return where the picture begins on the glass, in tenths of a millimetre; levels differ by half a pixel."""
    told = ds.get("TotalPixelMatrixOriginSequence")
    if not told:
        return ()
    return tuple(round(float(told[0].get(f"{axis}OffsetInSlideCoordinateSystem") or 0), 1) for axis in "XY")


def _on(job: Job) -> Glass | None:
    from midas.deid.pictures.frames import Frames
    from midas.deid.pictures.glass import Sheets

    with suppress(Held, MidasError, OSError):
        opened, known = _opened(job)
        seen = _look(job, opened, known)
        return Glass(tuple(Sheets.of(Frames(opened)).shares(seen.regions)), seen.person)
    return None


def _opened(job: Job) -> tuple[Opened, Known]:
    storage, _ = open_keys(job.key_file)
    opened = open_file(job.source)
    stays = "retain-institution-identity" in job.profile.options
    return opened, known_in(opened.ds, open_card(job.card, key=storage), places_stay=stays)


def _look(job: Job, opened: Opened, known: Known, *, suspect: bool = False) -> Seen:
    from midas.deid.pictures import look

    return look(opened, known=known, profile=job.profile, suspect=suspect)
