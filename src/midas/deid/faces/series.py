"""One series: does it show a face, and if so, which voxels go?

In come the files of a series and a profile, out comes a `FaceVerdict`; `out` holds the mask where the verdict says so.
Headers can say that a head is in the picture, never that none is: where the words point elsewhere the geometry must
agree. Whatever cannot be read, placed or matched goes to a person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from midas.deid.faces.model import OPTION, FaceVerdict
from midas.deid.faces.volume import Plane, gaps, header, planes, stacks
from midas.deid.model import Held, Profile
from midas.kernel import Finding, Severity

_S = "1.2.840.10008.5.1.4.1.1."
CT = frozenset(_S + tail for tail in ("2", "2.1", "2.2", "13.1.1", "13.1.2"))
"""Computed tomography, also of C-arms and dental cone beams: values with air far below tissue."""
VOLUMES = CT | frozenset(_S + tail for tail in ("4", "4.1", "4.3", "4.4", "20", "128", "128.1", "130"))
CAPTURES = frozenset(
    _S + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4", "66.5", "104.3", "104.4", "104.5")
)
"""Pictures of a screen, and surfaces (PS3.3 A.57, A.85): either may be a rendered head."""
PLANES, GAP_MM, DEPTH_MM = 10, 7.5, 40.0
"""Fewer planes, wider gaps or a thinner slab give no surface on which a face can be known again."""
SHORT_MM = 550.0
"""A scan longer than this may reach the head whatever body part its header names."""
LEAST_CM3 = 2.0
"""A mask that takes less of the head than this meets no face: the slices end above the brow."""
BODY_MM = 230.0
"""A body that is wider than this in its uppermost slice shows no crown: its scan begins below the neck."""


def frame_of(path: Path) -> str:
    """Return the Frame of Reference UID in which a file lies, or "": files of one frame are cut by one mask."""
    ds = header(path)
    own = str(ds.get("FrameOfReferenceUID") or "")
    if own:
        return own
    items = [
        *(ds.get("ReferencedFrameOfReferenceSequence") or []),
        *(ds.get("StructureSetROISequence") or []),
    ]
    found = [
        str(item.get("FrameOfReferenceUID") or item.get("ReferencedFrameOfReferenceUID") or "")
        for item in items
    ]
    return next((uid for uid in found if uid), "")


def of_series(
    paths: Sequence[Path], *, out: Path, profile: Profile, lesions: Sequence[Path] = ()
) -> FaceVerdict:
    """Judge the files of one series and write its mask to `out` where one is needed. Never raises for bad data.

    `lesions` are SEG or RTSTRUCT files of the same frame of reference whose lesions must stay (PS3.15 E.3.2).
    """
    started = time.perf_counter()
    try:
        verdict = _of_series(paths, out=out, profile=profile, lesions=lesions)
    except Held as held:
        verdict = _person(held.reason, held.detail)
    except Exception as problem:  # noqa: BLE001 - fail closed: what was not foreseen goes to a person
        verdict = _person("not-understood", f"The volume could not be read ({type(problem).__name__}).")
    taken = round(time.perf_counter() - started, 3)
    return FaceVerdict(
        verdict.state,
        verdict.reason,
        verdict.evidence,
        verdict.overlap,
        taken,
        verdict.frame,
        verdict.findings,
    )


def _of_series(paths: Sequence[Path], *, out: Path, profile: Profile, lesions: Sequence[Path]) -> FaceVerdict:
    # 1. What headers say
    if OPTION not in profile.options:
        return FaceVerdict("none-needed", "not-asked", "The profile does not ask for it.")
    heads = [(header(path), path) for path in paths]
    first = heads[0][0]
    said = _said(first)
    early = _by_kind(first, said)
    if early is not None:
        return early
    # 2. What the geometry says
    found = [plane for ds, path in heads for plane in planes(ds, path)]
    frames = sum(int(ds.get("NumberOfFrames") or 1) for ds, _ in heads)
    if frames - len(found) >= PLANES and said != "elsewhere":
        return _person("no-geometry", "Slices do not say where they lie, so no face can be sought in them.")
    usable = [stack for stack in stacks(found) if _renderable(stack)]
    if not usable:
        return FaceVerdict(
            "none-needed", "not-renderable", "Too few slices, or too far apart, to show a surface."
        )
    if said == "elsewhere" and all(_height(stack) < SHORT_MM for stack in usable):
        return FaceVerdict("none-needed", "elsewhere", "The header names another part of the body.")
    # 3. What the voxels say
    return _looked(usable[0], first, said, out=out, profile=profile, lesions=lesions)


def _by_kind(ds: Dataset, said: str) -> FaceVerdict | None:
    kind = str(ds.get("SOPClassUID", ""))
    if kind in CAPTURES and _drawn(ds, said):
        return _person("rendering", "The picture may show a rendered head.")
    if kind not in VOLUMES:
        return FaceVerdict("none-needed", "no-volume", "This kind of object holds no volume of voxels.")
    return None


def _drawn(ds: Dataset, said: str) -> bool:
    """A capture may be a rendering where words say so, or where it is coloured and made from sections of a head."""
    if str(ds.get("SOPClassUID", "")).startswith((_S + "66.5", _S + "104.")):
        return said != "elsewhere"
    about = _words(ds) + " " + " ".join(map(str, ds.get("ImageType") or ())).upper()
    named = any(word in about for word in _table()["drawn"])
    section = str(ds.get("Modality", "")) in {"CT", "MR", "PT", "NM", "XA"}
    coloured = int(ds.get("SamplesPerPixel") or 1) == 3
    return said != "elsewhere" and section and (named or coloured)


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    made: dict[str, Any] = json.loads((files(__package__) / "data" / "words.json").read_text())
    return made


def _words(ds: Dataset) -> str:
    keywords = ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName")
    texts = [str(ds.get(keyword) or "") for keyword in keywords]
    texts += [str(item.get("CodeMeaning") or "") for item in ds.get("AnatomicRegionSequence") or []]
    return " ".join(texts).upper()


def _said(ds: Dataset) -> str:
    """Return what the header's words name: "head", "elsewhere" or "" (nothing)."""
    about = _words(ds)
    if any(word in about for word in _table()["head"]):
        return "head"
    return "elsewhere" if any(word in about for word in _table()["elsewhere"]) else ""


def _renderable(stack: Sequence[Plane]) -> bool:
    if len(stack) < PLANES:
        return False
    apart = gaps(stack)
    return float(np.median(apart)) <= GAP_MM and float(apart.sum()) >= DEPTH_MM


def _height(stack: Sequence[Plane]) -> float:
    corners = np.concatenate([stack[0].corners(), stack[-1].corners()])
    return float(np.ptp(corners[:, 2]))


def _looked(
    stack: Sequence[Plane], ds: Dataset, said: str, *, out: Path, profile: Profile, lesions: Sequence[Path]
) -> FaceVerdict:
    from midas.deid.faces.front import FARTHEST_MM, checked
    from midas.deid.faces.lesions import points_of
    from midas.deid.faces.making import make
    from midas.deid.faces.register import register
    from midas.deid.faces.volume import volume

    frame = str(ds.get("FrameOfReferenceUID") or "")
    seen = volume(stack)
    least = profile.thresholds.face_overlap
    fit = register(seen, ct=str(ds.get("SOPClassUID", "")) in CT, least=least)
    if fit is None:
        return _unmatched(said, None, "No body of a head's size was found.", frame)
    if fit.overlap < least or not (fit.plausible and fit.upright):
        if said != "head" and _trunk(fit.head, seen.step):
            return FaceVerdict(
                "none-needed", "no-crown", "The body does not end in a head.", fit.overlap, frame=frame
            )
        return _unmatched(said, fit.overlap, "The head does not match the template well enough.", frame)
    if "lesion" in profile.face_keep and not lesions:
        return _person(
            "lesion-unknown",
            "The protocol keeps lesions, and nothing says where they lie.",
            fit.overlap,
            frame,
        )
    made = make(
        seen, fit, keep=profile.face_keep, lesions=[points_of(path) for path in lesions], frame=frame,
        inverted=stack[0].inverted,
    )  # fmt: skip
    if made.lesion_bare:
        return _person("lesion-in-face", "A lesion reaches the skin of the face.", fit.overlap, frame)
    front = checked(seen, fit, made.mask)
    if front.apart > FARTHEST_MM:
        return _unmatched(said, fit.overlap, "The forehead does not lie where the template's does.", frame)
    if made.taken_cm3 < LEAST_CM3:
        return FaceVerdict(
            "none-needed", "no-face-in-view", "The slices end before the face.", fit.overlap, frame=frame
        )
    if front.doubt:
        return _person("face-not-cut", front.doubt, fit.overlap, frame)
    made.mask.save(out)
    return FaceVerdict(
        "mask", "registered", f"{made.taken_cm3:.0f} cm³ of the head lie in the mask.", fit.overlap, frame=frame,
        findings=tuple(_residual(profile.face_keep, made.kept_cm3)),
    )  # fmt: skip


def _trunk(body: Any, step: float) -> bool:
    """Say whether the body is as wide as a trunk in the uppermost slices that show it at all."""
    upper = np.flatnonzero(body.any(axis=(1, 2)))[-3:]
    widths = [int(np.ptp(np.flatnonzero(body[k].any(axis=0)))) * step for k in upper]
    return min(widths) > BODY_MM


def _unmatched(said: str, overlap: float | None, evidence: str, frame: str) -> FaceVerdict:
    reason = "head-not-matched" if said == "head" else "head-not-excluded"
    return _person(reason, evidence, overlap, frame)


def _person(reason: str, evidence: str, overlap: float | None = None, frame: str = "") -> FaceVerdict:
    finding = Finding(
        "deid.risk.face", Severity.WARNING, "series", evidence,
        "Look at the rendered volume; accept it, cut it elsewhere, or reject it.", "PS3.15 E.3.2", "midas.deid",
    )  # fmt: skip
    return FaceVerdict("person", reason, evidence, overlap, frame=frame, findings=(finding,))


def _residual(keep: frozenset[str], kept_cm3: float) -> list[Finding]:
    if not keep or kept_cm3 <= 0:
        return []
    message = (
        f"{kept_cm3:.0f} cm³ within the face are kept because the protocol needs them ({', '.join(sorted(keep))}). "
        "Dental arches and bones can identify a person and cannot be masked."
    )
    return [
        Finding(
            "deid.residual.face", Severity.WARNING, "series", message,
            "Release only under an agreement that forbids re-identification.", "PS3.15 E.3.2", "midas.deid",
        )
    ]  # fmt: skip
