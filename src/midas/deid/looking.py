"""Step 2 of cleaning a file: what in its pixels must be blackened, and whether a person must look first.

In come an opened file, what is known of the person and the job, out comes `Looked`: regions, findings. Where a person
must decide it raises `Held` with what the machine would have masked. Nothing is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from midas.deid import sop
from midas.deid.memory import Memory
from midas.deid.model import Held, Job, Region
from midas.deid.slides import label_regions
from midas.deid.stream import Opened
from midas.deid.words import Known
from midas.kernel import Finding, Severity

if TYPE_CHECKING:
    from midas.deid.pictures import Seen

TEXT_OPTION, FACE_OPTION = "clean-pixel-data", "clean-recognizable-visual-features"
LABEL = "deid.risk.slide-label"
DRAWN = Region(0, 0, 0, 0, rule="person", evidence="drawn by a person")
NO_PICTURES = frozenset("1.2.840.10008.5.1.4.1.1." + tail for tail in ("30", "66.4", "66.7", "66.8", "481.2"))
"""Parametric maps, segmentations and doses: a computation fills them and no device draws into them, unless something else
in the header speaks for it (`sop.risk`). All other pictures are looked at."""
_REMEMBERED = Memory()


@dataclass(frozen=True)
class Looked:
    """What becomes of the pixels. `seen` is what the search for text found, None where it was not needed."""

    regions: tuple[Region, ...] = ()
    findings: tuple[Finding, ...] = ()
    seen: Seen | None = None
    no_text: bool = False
    """Whether somebody or something looked for text and what was found is to be blackened."""

    def with_more(self, regions: tuple[Region, ...]) -> Looked:
        """Return the same with more regions: text that was still found in an output."""
        if self.seen is None:
            return self
        seen = replace(self.seen, regions=(*self.seen.regions, *regions))
        return replace(self, regions=(*self.regions, *regions), seen=seen)


def looked_at(job: Job, opened: Opened, known: Known) -> Looked:
    """Return what must become of the pixels of an opened file; `Held` where a person must look at them first."""
    risks = _REMEMBERED.ask("risk", opened.ds, lambda: sop.risk(opened.ds))
    risks += _face_risk(job, opened.ds)
    if job.boxes or job.accepted_risk:
        drawn = tuple(Region(*box, rule=DRAWN.rule, evidence=DRAWN.evidence) for box in job.boxes)
        return Looked(drawn, risks, no_text=bool(risks))
    if paper := label_regions(opened.ds):
        return Looked(paper, risks, no_text=True)
    faces = _faces(job, opened)
    _only_a_person(job, risks)
    if TEXT_OPTION not in job.profile.options or not _needs_search(opened.ds, risks):
        return Looked(faces, risks)
    seen = _searched(job, opened, known, risks)
    return Looked((*seen.regions, *faces), (*risks, *seen.findings), seen, no_text=True)


def _needs_search(ds: Dataset, risks: tuple[Finding, ...]) -> bool:
    if risks or "Rows" not in ds:
        return bool(risks)
    return str(ds.get("SOPClassUID", "")) not in NO_PICTURES


def _face_risk(job: Job, ds: Dataset) -> tuple[Finding, ...]:
    if FACE_OPTION not in job.profile.options or job.face_seen or job.face is not None:
        return ()
    return sop.face_risk(ds)


def _only_a_person(job: Job, risks: tuple[Finding, ...]) -> None:
    """Raise `Held` for what no machine here takes away: a face that nobody cut, a slide's label, text without a search."""
    faces = tuple(risk for risk in risks if risk.rule == "deid.risk.face")
    if risks and len(faces) == len(risks):
        raise Held("recognisable-face", risks[0].message, risks)
    if (
        faces
        or any(risk.rule == LABEL for risk in risks)
        or (risks and TEXT_OPTION not in job.profile.options)
    ):
        raise Held("burned-in-text", risks[0].message, risks)


def _searched(job: Job, opened: Opened, known: Known, risks: tuple[Finding, ...]) -> Seen:
    from midas.deid.pictures import look

    seen = look(
        opened, known=known, profile=job.profile, risky=bool(risks), suspect=job.suspect, on_glass=job.glass
    )
    if seen.person:
        raise Held("burned-in-text", seen.person, (*risks, *seen.findings), seen.regions)
    if seen.regions and not job.profile.thresholds.unattended:
        message = "Text was found in the pixels, and the protocol wants a person to see it."
        raise Held("burned-in-text", message, (*risks, *seen.findings), seen.regions)
    said = any(risk.rule == "deid.risk.burned-in-annotation" for risk in risks)
    if said and not seen.regions and not seen.kept:
        raise Held("burned-in-text", "The header speaks of burned-in text, and none was found.", risks)
    return seen


def _faces(job: Job, opened: Opened) -> tuple[Region, ...]:
    """Return what covers faces in a photograph; `Held` where only a person can tell whether there is one."""
    photo = str(opened.ds.get("SOPClassUID", "")) in sop.VISIBLE_LIGHT - sop.SLIDES
    if FACE_OPTION not in job.profile.options or not photo:
        return ()
    from midas.deid.faces import in_photo
    from midas.deid.pictures.frames import Frames
    from midas.deid.pictures.views import views

    regions: list[Region] = []
    for view in views(Frames(opened)):
        found, why = in_photo(view.picture)
        regions += found
        if why:
            raise Held(
                "recognisable-face",
                f"Only a person can judge this photograph ({why}).",
                (_photo(why),),
                found,
            )
    return tuple(regions)


def _photo(why: str) -> Finding:
    return Finding(
        "deid.risk.face", Severity.WARNING, "instance", f"Only a person can judge this photograph ({why}).",
        "Look at the picture; cover what could be recognised.", "PS3.15 E.3.2", "midas.deid",
    )  # fmt: skip
