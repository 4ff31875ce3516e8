"""Photographs, slides and PDFs beside DICOM files: made DICOM where they are cleaned, and cleaned as any other.

In comes a job whose source is a picture, out come the outcomes of the instances that it became: all cleaned, or one that
says why the file is held. How a picture becomes DICOM is the caller's business (`Maker`); of a picture nothing but
pixels, colour profile, calibration and day comes over, and what was made stands in scratch until it is cleaned.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from midas.deid.ahead import levels
from midas.deid.engine import clean
from midas.deid.looking import FACE_OPTION, TEXT_OPTION
from midas.deid.model import Job, Outcome, Profile
from midas.formats import Kind
from midas.kernel import BadInput, Finding, Severity

PHOTOS = frozenset({Kind.JPEG, Kind.PNG, Kind.TIFF, Kind.HEIC, Kind.WEBP})
PICTURES = PHOTOS | {Kind.SLIDE, Kind.PDF}
LOOKED_AT = frozenset({TEXT_OPTION, FACE_OPTION})
"""What every loose photograph undergoes, whatever the profile asks for: no header says what kind of picture it is, and
full-face photographs identify (45 CFR 164.514(b)(2)(i)(Q))."""


class Maker(Protocol):
    """Makes DICOM of one picture or PDF below `out`; BadInput where it cannot. It must be picklable."""

    def __call__(
        self, path: Path, *, kind: Kind, study: str, series: str, companions: Sequence[Path], out: Path
    ) -> tuple[Path, ...]: ...


@dataclass(frozen=True)
class Picture:
    """How one file becomes DICOM. `study` and `series` name nobody; `size` in bytes, with its companions.

    `whose` says how its person was found: `path`, `table`, `folder`, or `unknown` where the folder stands for a person.
    """

    kind: Kind
    make: Maker
    study: str
    series: str
    size: int
    whose: str
    companions: tuple[Path, ...] = ()

    @property
    def slide(self) -> bool:
        return self.kind is Kind.SLIDE


def looked_at(profile: Profile) -> Profile:
    """Return the profile under which a loose photograph is cleaned."""
    return replace(profile, options=profile.options | LOOKED_AT)


def clean_all(job: Job) -> tuple[Outcome, ...]:
    """Clean one file into one output, or a slide into its levels; what is held stands alone."""
    if job.picture is None:
        return (clean(job),)
    aside = job.target.with_name(f"{job.target.name}.made")
    asked = looked_at(job.profile) if job.picture.kind in PHOTOS else job.profile
    try:
        made = _made(job, job.picture, aside)
        if isinstance(made, Outcome):
            return (made,)
        done: list[Outcome] = []
        for one in _jobs(job, made, asked):
            outcome = clean(one)
            one.source.unlink()
            done.append(outcome)
            if outcome.state != "cleaned":
                return (_none_of(job, done, outcome),)
        return (_told(done[0], job.picture), *done[1:])
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _jobs(job: Job, made: Sequence[Path], asked: Profile) -> list[Job]:
    """Return the job of each instance; levels of a slide know what the largest that can be searched shows."""
    targets = [
        job.target.with_name(f"{job.target.stem}-{number}{job.target.suffix}") for number in range(len(made))
    ]
    return levels([
        replace(job, source=source, target=target, profile=asked, picture=None)
        for source, target in zip(made, targets, strict=True)
    ])  # fmt: skip


def _made(job: Job, picture: Picture, aside: Path) -> tuple[Path, ...] | Outcome:
    try:
        made = picture.make(
            job.source, kind=picture.kind, study=picture.study, series=picture.series,
            companions=picture.companions, out=aside,
        )  # fmt: skip
        return made or _held(job, "The picture holds nothing.")
    except BadInput as problem:
        return _held(job, problem.message)
    except Exception as problem:  # noqa: BLE001 - fail closed: readers of pictures raise many kinds
        return _held(job, f"The picture's reader met something unforeseen ({type(problem).__name__}).")


def _held(job: Job, detail: str) -> Outcome:
    return Outcome("held", "convert-failed", detail, profile=job.profile.name, digest=job.profile.digest)


def _none_of(job: Job, done: Sequence[Outcome], held: Outcome) -> Outcome:
    """Take back what was written of a file of which a part is held."""
    for one in done[:-1]:
        job.target.with_name(one.output).unlink(missing_ok=True)
    return held


def _told(outcome: Outcome, picture: Picture) -> Outcome:
    if picture.whose != "unknown":
        return outcome
    finding = Finding(
        "deid.person.unknown", Severity.WARNING, "instance",
        "Nothing says whose picture this is; its folder stands for a person of its own.",
        "Put the patient's number into the path, or list the file in a table beside the number.",
        "", "midas.deid",
    )  # fmt: skip
    return replace(outcome, findings=(*outcome.findings, finding))
