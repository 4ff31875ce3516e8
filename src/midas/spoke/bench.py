"""What a worker process does with one received file: make it DICOM, look at it, de-identify it, verify it.

In comes an `Order` of paths and opaque names; out comes `Worked`, without any identified value. The worker opens the
person's sealed card (and the sealed door of a photograph or slide) with a key that lives for one run; it knows no
database and no network, and it never raises for bad data: it says why the file is to be held.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from midas import deid, ingest, quality
from midas.deid.ahead import levels
from midas.deid.model import Region
from midas.formats import Kind
from midas.kernel import BadInput, Finding, Severity
from midas.protocol.model import Item as Wanted
from midas.spoke.inks import inks
from midas.spoke.vault.keys import Vault
from midas.wire.v1 import Code


@dataclass(frozen=True)
class Order:
    """One file to work on. `job` is complete but for source and target; `door` is sealed; `folder` is private scratch.

    `of_series`: what the look at its whole series found.
    `ask`: the protocol wants a person to look at each of these, and nobody has yet.
    """

    source: Path
    kind: str
    wanted: Wanted
    job: deid.Job
    folder: Path
    door: Path | None = None
    companions: tuple[Path, ...] = ()
    accepted_quality: bool = False
    of_series: tuple[Finding, ...] = ()
    ask: bool = False


@dataclass(frozen=True)
class Worked:
    """Either `reason` says why to hold the file, or `outcomes` and `targets` are its cleaned instances.

    `regions` are what the machine proposes to mask, where a person has to decide; `inks` tell their drawings apart.
    """

    reason: str = ""
    detail: str = ""
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[deid.Outcome, ...] = ()
    targets: tuple[Path, ...] = ()
    regions: tuple[Region, ...] = ()
    inks: tuple[str, ...] = ()


SETTLED = "series.mixed"
"""Whose images they are, the vault has settled: several hospital numbers in one series are no fault here."""


@dataclass(frozen=True)
class Series:
    """The files of one series, and what the protocol asks of it."""

    paths: tuple[Path, ...]
    wanted: Wanted


def look(series: Series) -> tuple[Finding, ...]:
    """Look at one series in a worker."""
    told = quality.examine(series.paths, series.wanted, scope="series", whole=True)
    mine = quality.checks_of_series() - {SETTLED}
    return quality.findings(one for one in told if one.check in mine)


def _opened_door(order: Order, path: Path) -> ingest.Door:
    key = bytes.fromhex(json.loads(order.job.key_file.read_text())["storage"])
    told = json.loads(Vault(key).open(path.read_bytes(), about="door"))
    anatomy = told.pop("anatomy")
    return ingest.Door(anatomy=Code(**anatomy) if anatomy else None, **told)


def instances(order: Order) -> tuple[Path, ...]:
    """Return the DICOM files of an order: the source itself, or what the door makes of a photograph or slide."""
    if order.door is None:
        return (order.source,)
    return ingest.to_dicom(
        order.source, kind=Kind(order.kind), door=_opened_door(order, order.door), out=order.folder / "door",
        companions=order.companions,
    )  # fmt: skip


def ready(number: int) -> int:
    """Do nothing, in a worker that has imported by then what it needs: so the first image need not wait for that."""
    return number


def work(order: Order) -> Worked:
    """Do steps 3 to 6 of the spine for one file."""
    worked = _work(order)
    if worked.reason and worked.regions and order.kind == Kind.DICOM.value:
        return replace(worked, inks=inks(order.source, worked.regions))
    return worked


def _work(order: Order) -> Worked:
    order.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        sources = instances(order)
    except BadInput as error:
        cut = "ends before" in error.message
        return Worked(reason="truncated" if cut else "convert-failed", detail=str(error))
    slide = order.kind == Kind.SLIDE.value
    together = [sources] if slide else [(source,) for source in sources]
    looked = [one for some in together for one in quality.examine(some, order.wanted, whole=slide)]
    findings = (*quality.findings(looked), *order.of_series)
    wrong = [one for one in findings if one.severity is Severity.ERROR and not order.accepted_quality]
    outcomes: list[deid.Outcome] = []
    targets: list[Path] = []
    jobs = [
        replace(order.job, source=source, target=order.folder / f"{number}.dcm")
        for number, source in enumerate(sources)
    ]
    for number, job in enumerate(levels(jobs) if len(jobs) > 1 else jobs):
        target, outcome = job.target, deid.clean(job)
        findings += outcome.findings
        if outcome.state != "cleaned":
            return Worked(
                reason=why_held(outcome, order.job.profile), detail=outcome.detail, findings=findings,
                regions=outcome.regions if len(sources) == 1 else (),
            )  # fmt: skip
        leaks = quality.examine_dicom(target, scope=f"instance {number + 1}")
        findings += leaks
        if stops := [one for one in leaks if one.severity is Severity.ERROR]:
            return Worked(reason="verify-failed", detail=stops[0].message, findings=findings)
        outcomes.append(outcome)
        targets.append(target)
    proposed = outcomes[0].regions if len(outcomes) == 1 else ()
    if wrong:
        reason = "unreadable" if "unreadable" in wrong[0].rule else "quality"
        return Worked(reason=reason, detail=wrong[0].message, findings=findings, regions=proposed)
    if order.ask:
        return Worked(reason="review", findings=findings, regions=proposed)
    return Worked(findings=findings, outcomes=tuple(outcomes), targets=tuple(targets))


def why_held(outcome: deid.Outcome, profile: deid.Profile) -> str:
    """Return the engine's word for holding a file, told apart where it is text in the pixels."""
    rules = {finding.rule for finding in outcome.findings}
    if outcome.reason != "burned-in-text":
        return outcome.reason or "deid-failed"
    if "deid.risk.slide-label" in rules:
        return "slide-label"
    if "deid.pixels.left" in rules or not outcome.regions:
        return "burned-in-text"
    return "masked-too-much" if profile.thresholds.unattended else "masked-unseen"


@dataclass(frozen=True)
class LabelPart:
    """Images of one place in the subject tree, by the names that the label file gives them, and how to clean."""

    names: tuple[str, ...]
    images: tuple[Order, ...]
    job: deid.Job


@dataclass(frozen=True)
class LabelOrder:
    """One label file that came with images. `codes` gives the code of each class of the protocol's target."""

    source: Path
    kind: str
    target: str
    codes: tuple[tuple[str, Code], ...]
    parts: tuple[LabelPart, ...]
    folder: Path


@dataclass(frozen=True)
class LabelWorked:
    """For each part: what was cleaned, and image UID → label UID, both as they were before mapping."""

    reason: str = ""
    detail: str = ""
    parts: tuple[Worked, ...] = ()
    links: tuple[tuple[tuple[str, str], ...], ...] = ()


def work_labels(order: LabelOrder) -> LabelWorked:
    """Make a label file DICOM beside its images and de-identify it as they were; all of it or nothing."""
    parts: list[Worked] = []
    links: list[tuple[tuple[str, str], ...]] = []
    for number, part in enumerate(order.parts):
        folder = order.folder / str(number)
        try:
            references = [instances(image)[0] for image in part.images]
            made = ingest.labels_to_dicom(
                order.source, kind=Kind(order.kind), references=references, out=folder, target=order.target,
                codes=dict(order.codes), names=dict(zip(part.names, references, strict=False)) or None,
            )  # fmt: skip
        except BadInput as error:
            return LabelWorked(reason="labels-unlinked", detail=str(error))
        outcomes: list[deid.Outcome] = []
        targets: list[Path] = []
        for place, source in enumerate(made.files):
            target = folder / f"clean-{place}.dcm"
            outcome = deid.clean(replace(part.job, source=source, target=target))
            if outcome.state != "cleaned":
                return LabelWorked(reason=outcome.reason or "deid-failed", detail=outcome.detail)
            leaks = quality.examine_dicom(target, scope=f"label {place + 1}")
            if stops := [one for one in leaks if one.severity is Severity.ERROR]:
                return LabelWorked(reason="verify-failed", detail=stops[0].message)
            outcomes.append(outcome)
            targets.append(target)
        parts.append(Worked(outcomes=tuple(outcomes), targets=tuple(targets)))
        links.append(tuple(made.by_image.items()))
    return LabelWorked(parts=tuple(parts), links=tuple(links))
