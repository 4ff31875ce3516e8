"""Text in pictures: an opened object and what is known of its person become boxes to blacken, each with its reason.

In come an `Opened` and `Known`; out comes `Seen`: regions with rule and evidence, how many lines may stay, and why a
person must look, if so. `again` reads an output and says what is still there. No text that was read ever leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midas.deid.model import Held, Profile, Region
from midas.deid.pictures import find
from midas.deid.pictures.frames import Array, Frames
from midas.deid.pictures.gate import acquired, quiet
from midas.deid.pictures.judge import HIDE, KEEP, grown, judged
from midas.deid.pictures.views import views
from midas.deid.stream import Opened, open_file
from midas.deid.words import Known
from midas.kernel import Finding, Severity

MARGIN, ENDS, LEAST = 0.14, 0.35, 2.0
"""How far a mask reaches beyond a line: shares of its height, on all sides and at its ends, and at least so many pixels."""


@dataclass(frozen=True)
class Seen:
    """What was found in the pixels: regions to blacken, lines that may stay, and why a person must look ("" if not)."""

    regions: tuple[Region, ...] = ()
    kept: int = 0
    person: str = ""
    findings: tuple[Finding, ...] = ()


def look(opened: Opened, *, known: Known, profile: Profile) -> Seen:
    """Return what must be blackened in an opened file; nothing where it has no picture. `Held` where it is unreadable."""
    frames = Frames(opened)
    if not _pictured(opened) or _untouched(frames):
        return Seen()
    regions: list[Region] = []
    kept = 0
    for view in views(frames):
        found, stays = _searched(view.picture, known)
        regions += found
        kept += stays
    regions = joined(regions)
    share = _share(regions, frames.shape)
    person = ""
    if share > profile.thresholds.masked_share:
        person = f"{share:.0%} of the picture would be blackened."
    return Seen(tuple(regions), kept, person, _findings(regions, person))


def again(path: Path, *, known: Known, seen: Seen, profile: Profile) -> tuple[Finding, ...]:
    """Return what is still legible in the output at `path`; nothing means that it was read again and came out clean."""
    left = look(open_file(path), known=known, profile=profile)
    return tuple(
        Finding(
            "deid.pixels.left", Severity.ERROR, "instance", "Text is still legible in the pixels after masking.",
            "Mask it by hand, or reject the picture.", "PS3.15 E.3.1", "midas.deid",
        )
        for region in left.regions
        if not _covered(region, seen.regions)
    )  # fmt: skip


def _pictured(opened: Opened) -> bool:
    ds = opened.ds
    return "Rows" in ds and "Columns" in ds and (opened.at is not None or "PixelData" in ds)


def _untouched(frames: Frames) -> bool:
    """Say whether these are slices as their scanner made them, on which nothing was drawn."""
    opened = frames.opened
    return acquired(opened.ds, opened.syntax) and all(
        quiet(frames.samples(number)) for number in range(frames.count)
    )


def _searched(picture: Array, known: Known) -> tuple[list[Region], int]:
    height, width = picture.shape[:2]
    if min(height, width) < 8 or int(picture.max()) == int(picture.min()):
        return [], 0
    lines = find.lines(picture)
    verdicts = judged(picture, lines, known=known)
    regions = []
    for line, verdict in zip(lines, verdicts, strict=True):
        if verdict.act == HIDE:
            line = grown(picture, line)
            left, top, right, bottom = line.box(
                picture.shape, by=LEAST + MARGIN * line.height, along=ENDS * line.height
            )
            regions.append(Region(left, top, right - left, bottom - top, verdict.rule, verdict.evidence))
    return regions, sum(verdict.act == KEEP for verdict in verdicts)


def joined(regions: Sequence[Region]) -> list[Region]:
    """Return the regions without those that lie wholly inside another."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda one: -one.width * one.height):
        if not _covered(region, kept):
            kept.append(region)
    return kept


def _covered(region: Region, others: Sequence[Region]) -> bool:
    return any(
        one.left <= region.left and one.top <= region.top
        and one.left + one.width >= region.left + region.width and one.top + one.height >= region.top + region.height
        for one in others
    )  # fmt: skip


def _share(regions: Sequence[Region], shape: tuple[int, int, int]) -> float:
    mask = np.zeros(shape[:2], bool)
    for one in regions:
        mask[one.top : one.top + one.height, one.left : one.left + one.width] = True
    return float(mask.mean()) if mask.size else 0.0


def _findings(regions: Sequence[Region], person: str) -> tuple[Finding, ...]:
    if not regions:
        return ()
    message = person or "Text was found in the pixels and blackened."
    return (
        Finding(
            "deid.pixels.text", Severity.WARNING if person else Severity.INFO, "instance", message,
            "Look at the picture." if person else "", "PS3.15 E.3.1", "midas.deid",
        ),
    )  # fmt: skip


__all__ = ["Held", "Seen", "again", "joined", "look"]
