"""Which series of a batch show a face: each is looked at once, before its files are cleaned.

In come surveyed files, out come `Faces`: the mask for a frame of reference, or why a person must look at a series. The
mask stays in the run's scratch folder. Without the option Clean Recognizable Visual Features nothing is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from midas.deid.model import Outcome, Profile
from midas.deid.survey import Header, Person
from midas.kernel import Progress, Runner

if TYPE_CHECKING:
    from midas.deid.faces import FaceVerdict
    from midas.deid.loose import Picture

OPTION = "clean-recognizable-visual-features"


@dataclass(frozen=True)
class Item:
    """One file to clean into `target`. `name` is its place in what was handed in; it may name a person.

    `accepted_risk` and `boxes` come from a person's decision, as in `Job`.
    """

    source: Path
    target: Path
    name: str = field(default="", repr=False)
    accepted_risk: bool = False
    boxes: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(slots=True)
class Entry:
    """A file between survey and cleaning."""

    item: Item
    person: Person
    header: Header
    picture: Picture | None = None

    @property
    def series(self) -> tuple[str, str]:
        return self.person.key, self.header.series or self.item.name

    @property
    def frame(self) -> tuple[str, str]:
        return self.person.key, self.header.frame


@dataclass(frozen=True)
class Faces:
    """Verdicts by series and masks by frame of reference. Files that share a frame with a masked head are cut alike."""

    verdicts: dict[tuple[str, str], FaceVerdict] = field(default_factory=dict)
    masks: dict[tuple[str, str], Path] = field(default_factory=dict)

    def mask(self, entry: Entry) -> Path | None:
        own = self.masks.get(entry.series)
        return own or (self.masks.get(entry.frame) if entry.header.frame else None)

    def settled(self, entry: Entry) -> bool:
        """Say whether the series was looked at and the engine may go on."""
        verdict = self.verdicts.get(entry.series)
        return verdict is not None and verdict.state != "person"

    def held(self, entry: Entry, profile: Profile) -> Outcome | None:
        """Return the file as held where a person must look at its series first and has not."""
        verdict = self.verdicts.get(entry.series)
        if verdict is None or verdict.state != "person" or entry.item.accepted_risk:
            return None
        return Outcome(
            "held",
            verdict.reason,
            verdict.evidence,
            findings=verdict.findings,
            profile=profile.name,
            digest=profile.digest,
        )


@dataclass(frozen=True)
class _Look:
    paths: tuple[Path, ...]
    out: Path
    profile: Profile
    lesions: tuple[Path, ...]


def _look(task: _Look) -> FaceVerdict:
    from midas.deid.faces import of_series

    return of_series(task.paths, out=task.out, profile=task.profile, lesions=task.lesions)


def look_for_faces(
    entries: Sequence[Entry], *, folder: Path, profile: Profile, runner: Runner, progress: Progress
) -> Faces:
    """Look at each series once where the profile asks for it; masks are written below `folder`."""
    if OPTION not in profile.options:
        return Faces()
    series: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        series[entry.series].append(entry)
    tasks = [
        _Look(
            tuple(one.item.source for one in members),
            folder / f"{number}.face",
            profile,
            _lesions(members, entries),
        )
        for number, members in enumerate(series.values())
    ]
    found = Faces()
    verdicts = progress.track(runner.map(_look, tasks), label="Look for faces", total=len(tasks))
    for (key, members), task, verdict in zip(series.items(), tasks, verdicts, strict=True):
        found.verdicts[key] = verdict
        if verdict.state == "mask":
            found.masks[key] = task.out
            found.masks.setdefault(members[0].frame, task.out)
    return found


def _lesions(members: Sequence[Entry], entries: Sequence[Entry]) -> tuple[Path, ...]:
    """Return the segmentations and contours that share the series' frame of reference."""
    frame = members[0].frame
    if not frame[1]:
        return ()
    return tuple(
        one.item.source
        for one in entries
        if one.header.modality in {"SEG", "RTSTRUCT"} and one.frame == frame
    )
