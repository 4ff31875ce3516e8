"""Text in pictures: an opened object and what is known of its person become boxes to blacken, each with its reason.

In come an `Opened` and `Known`; out comes `Seen`: regions with rule and evidence, how many lines may stay, and why a
person must look, if so. `again` reads an output and says what is still there. No text that was read ever leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from midas.deid.memory import Memory
from midas.deid.model import Glass, Profile, Region
from midas.deid.pictures import find, glass, reader
from midas.deid.pictures.frames import Array, Frames, described
from midas.deid.pictures.gate import quiet, sectional
from midas.deid.pictures.judge import HIDE, KEEP, Verdict, grown, judged
from midas.deid.pictures.views import shown, views
from midas.deid.stream import Opened, frame_count, open_file
from midas.deid.words import Known
from midas.kernel import Finding, Severity

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

MARGIN, ENDS, LEAST = 0.05, 0.35, 1.5
"""How far a mask reaches beyond a line: shares of its height, on all sides and at its ends, and at least so many pixels."""


LEVEL, CORE = 6.0, 0.38
"""Degrees of slant that still count as level, and how far letters reach from the middle of their line, in heights."""
ROUNDS, NEAR = 4, 16
"""How often a picture is searched again after masking, and so many pixels around each mask at least."""


CARRIED = Region(0, 0, 0, 0, rule="deid.pixels.glass", evidence="text on another level of the same glass")

_CLEAN: reader.Remembered[tuple[find.Line, ...]] = reader.Remembered(2048)
"""Pictures in which nothing is to be hidden from those who know a person, and the lines that stay in them."""

_SECTIONS = Memory()

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seen:
    """What was found in the pixels: regions to blacken, lines that may stay, and why a person must look ("" if not)."""

    regions: tuple[Region, ...] = ()
    kept: int = 0
    person: str = ""
    findings: tuple[Finding, ...] = ()
    stays: tuple[Box, ...] = ()
    """Boxes (left, top, right, bottom) of the lines that may stay: what a mask leaves of them names nobody either."""
    glass_stays: tuple[Box, ...] = ()
    """The same in the picture of a whole slide."""
    glass_only: bool = False
    """Whether only the whole of a large slide was searched, and not each of its tiles."""


def look(
    opened: Opened, *, known: Known, profile: Profile, risky: bool = True, suspect: bool = False,
    on_glass: Glass | None = None,
) -> Seen:  # fmt: skip
    """Return what must be blackened in an opened file; nothing where it has no picture. `Held` where it is unreadable.

    `risky` says that something in the header speaks for text: then only slices as their scanner made them are trusted.
    `suspect` says that text was found in another slice of the series; `on_glass` what was found on another level.
    """
    _one_thread()
    if not _pictured(opened) or (not suspect and _untouched(opened, risky=risky)):
        return Seen()
    frames = Frames(opened)
    if glass.large(opened.ds) and not risky:
        return _looked_at_whole(frames, known, profile, on_glass)
    regions, stays = _found(frames, known)
    more: tuple[list[Region], list[Box]] = ([], [])
    share = _share(regions, frames.shape)
    if glass.tiled(opened.ds):
        more = _found_on_glass(sheets := glass.Sheets.of(frames), known)
        regions = joined([*regions, *more[0]])
        share = sheets.covered(regions)
    person = _too_much(share, profile)
    kept = len(stays) + len(more[1])
    return Seen(tuple(regions), kept, person, _findings(regions, person), tuple(stays), tuple(more[1]))


def _too_much(share: float, profile: Profile) -> str:
    return (
        f"{share:.0%} of the picture would be blackened." if share > profile.thresholds.masked_share else ""
    )


def _looked_at_whole(frames: Frames, known: Known, profile: Profile, on_glass: Glass | None) -> Seen:
    """Return what must be blackened in a large slide, by its reduced picture or by what another level showed."""
    sheets = glass.Sheets.of(frames)
    stays: list[Box] = []
    if on_glass is None:
        regions, stays = _found_on_glass(sheets, known)
    else:
        regions = joined(sheets.of_shares(on_glass.shares, like=CARRIED))
    person = (on_glass.person if on_glass else "") or _too_much(sheets.covered(regions), profile)
    found = _findings(regions, person)
    return Seen(tuple(regions), len(stays), person, found, glass_stays=tuple(stays), glass_only=True)


def _found_on_glass(
    sheets: glass.Sheets, known: Known, *, near: Sequence[Region] | None = None, stays: Sequence[Box] = ()
) -> tuple[list[Region], list[Box]]:
    """Return what must be blackened on a slide as a whole, by tiles, and what stays, in its reduced picture.

    With `near` only around regions that were masked.
    """
    factor, ds = sheets.factor, sheets.frames.opened.ds
    regions: list[Region] = []
    found_to_stay: list[Box] = []
    for whole, layer in sheets.pictures():
        within = None if near is None else _near_on_glass(sheets, near, whole.shape)
        picture = next(
            shown(whole, ds)
        )  # nobody writes on glass in white, which the second picture would show
        found, left = _until_clean(picture, known, within=within, done=(), read=stays)
        for one in found:
            box = (one.left, one.top, one.left + one.width, one.top + one.height)
            full = cast("Box", tuple(side * factor for side in box))
            regions += sheets.regions([full], layer=layer, like=one)
        found_to_stay += left
    return joined(regions), found_to_stay


def _near_on_glass(sheets: glass.Sheets, regions: Sequence[Region], shape: tuple[int, ...]) -> Array:
    tall, wide = shape[:2]
    boxes = [
        Region(int(a * wide), int(b * tall), ceil((c - a) * wide), ceil((d - b) * tall), rule="", evidence="")
        for a, b, c, d in sheets.shares(regions)
    ]
    return _around(boxes, shape)


def again(path: Path, *, known: Known, seen: Seen) -> tuple[Finding, ...]:
    """Return what is still legible in the output at `path`; nothing means that it was read again and came out clean.

    It is searched around its masks, where pixels changed; everywhere, if it has none.
    """
    _one_thread()
    frames = Frames(open_file(path))
    near = _around(seen.regions, frames.shape) if seen.regions else None
    left = [] if seen.glass_only else _found(frames, known, near=near, stays=seen.stays)[0]
    if seen.glass_only or glass.tiled(frames.opened.ds):
        sheets = glass.Sheets.of(frames)
        left += _found_on_glass(sheets, known, near=seen.regions or None, stays=seen.glass_stays)[0]
    return tuple(
        Finding(
            "deid.pixels.left", Severity.ERROR, "instance", "Text is still legible in the pixels after masking.",
            "Mask it by hand, or reject the picture.", "PS3.15 E.3.1", "midas.deid",
        )
        for region in left
        if not _covered(region, seen.regions) and not _rest_of(region, seen.stays)
    )  # fmt: skip


def _found(
    frames: Frames, known: Known, *, near: Array | None = None, stays: Sequence[Box] = ()
) -> tuple[list[Region], list[Box]]:
    """Return what must be blackened and what stays, in the whole pictures or only `near` some of their pixels.

    Lines in boxes of which it is known that they may stay (`stays`) are not read again.
    """
    regions: list[Region] = []
    found_to_stay: list[Box] = []
    for view in views(frames):
        frame = None if view.frame is None else (view.frame, view.frame + 1)
        done = [replace(one, frames=None) for one in regions if one.frames == frame]
        within = near if view.within is None else view.within if near is None else near & view.within
        found, left = _until_clean(view.picture, known, within=within, done=done, read=stays)
        regions += [replace(one, frames=frame) for one in found]
        found_to_stay += left
    return joined(regions), found_to_stay


@cache
def _one_thread() -> None:
    """Processes, not threads, share the work: the pool of the batch counts on that."""
    import cv2

    cv2.setNumThreads(1)


def _pictured(opened: Opened) -> bool:
    ds = opened.ds
    return "Rows" in ds and "Columns" in ds and (opened.at is not None or "PixelData" in ds)


def _untouched(opened: Opened, *, risky: bool) -> bool:
    """Say whether these are slices as a scanner or a computation made them, on which nothing was drawn.

    The dataset itself is not read: what stays as it was encoded need not be encoded again.
    """
    section = _SECTIONS.ask(
        "section", opened.ds, lambda: _section(opened, risky=risky), context=(opened.syntax, risky)
    )
    if section is None or opened.at is None:
        return False
    frames = Frames(replace(opened, ds=section))
    return all(quiet(frames.samples(number)) for number in range(frames.count))


def _section(opened: Opened, *, risky: bool) -> FileDataset | None:
    """Return what a decoder must know of a slice that the cheap rule may judge; None for any other picture."""
    if not sectional(opened.ds, opened.syntax, risky=risky):
        return None
    bare = described(opened.ds)
    bare.NumberOfFrames = frame_count(opened.ds)
    return cast("FileDataset", bare)


def _until_clean(
    picture: Array, known: Known, *, within: Array | None, done: Sequence[Region], read: Sequence[Box] = ()
) -> tuple[list[Region], list[Box]]:
    """Search, blacken, and search around again: a mask may cut a neighbouring line, or uncover an overlooked one.

    Lines that stand wholly in regions that are `done` are not told again, nor those in boxes that were `read` before.
    """
    if min(picture.shape[:2]) < 8 or int(picture.max()) == int(picture.min()):
        return [], []
    regions: list[Region] = []
    keep: list[find.Line] = []
    told: list[find.Line] = []
    whole = within is None and not done and not read
    person = hash(known).to_bytes(8, "big", signed=True)
    for _ in range(ROUNDS + 1):
        key = reader.Remembered.key(picture) + person
        if (clean := _CLEAN.get(key)) is not None:
            keep = list(clean)
            break
        lines = find.lines(picture, within=within, before=told)
        places = [(line, _place(line, picture)) for line in lines]
        lines = [line for line, at in places if not _covered(at, done) and not _rest_of(at, read)]
        verdicts = list(zip(lines, judged(picture, lines, known=known), strict=True))
        stays = _boxes(keep, picture)
        keep += [line for line, verdict in verdicts if verdict.act == KEEP]
        found = [_region(picture, line, verdict, keep) for line, verdict in verdicts if verdict.act == HIDE]
        fresh = [one for one in found if not _covered(one, regions) and not _rest_of(one, stays)]
        if not fresh:
            if whole:
                _CLEAN.put(key, tuple(keep))
            break
        regions, told = regions + fresh, told + [line for line, verdict in verdicts if verdict.act != HIDE]
        picture, within = _blackened(picture, fresh), _around(fresh, picture.shape)
    return regions, _boxes(keep, picture)


def _place(line: find.Line, picture: Array) -> Region:
    left, top, right, bottom = line.box(picture.shape)
    return Region(left, top, right - left, bottom - top, rule="", evidence="")


def _boxes(lines: Sequence[find.Line], picture: Array) -> list[Box]:
    return [line.box(picture.shape, by=LEAST) for line in lines]


def _region(picture: Array, line: find.Line, verdict: Verdict, keep: Sequence[find.Line]) -> Region:
    left, top, right, bottom = _sparing(_mask_of(picture, line), line, keep)
    return Region(left, top, right - left, bottom - top, verdict.rule, verdict.evidence)


def _blackened(picture: Array, regions: Sequence[Region]) -> Array:
    """Return the picture with its regions black; the picture itself where there are none."""
    if regions:
        picture = picture.copy()
    for one in regions:
        picture[one.top : one.top + one.height, one.left : one.left + one.width] = 0
    return picture


def _around(regions: Sequence[Region], shape: tuple[int, ...]) -> Array:
    """Return the pixels of regions and of as much around them as they are high."""
    near = np.zeros(shape[:2], bool)
    for one in regions:
        reach = max(min(one.width, one.height), NEAR)
        near[
            max(one.top - reach, 0) : one.top + one.height + reach,
            max(one.left - reach, 0) : one.left + one.width + reach,
        ] = True
    return near


def _rest_of(region: Region, stays: Sequence[Box]) -> bool:
    """Say whether a region is what a mask has left of a line that may stay."""
    x, y = region.left + region.width / 2, region.top + region.height / 2
    return any(
        left <= x < right
        and top <= y < bottom
        and region.width <= 1.3 * (right - left)
        and region.height <= 1.6 * (bottom - top)
        for left, top, right, bottom in stays
    )


def _mask_of(picture: Array, line: find.Line) -> Box:
    longer = grown(picture, line)
    return longer.box(picture.shape, by=LEAST + MARGIN * line.height, along=ENDS * line.height)


def _sparing(box: Box, line: find.Line, keep: Sequence[find.Line]) -> Box:
    """Return the box no further up and down than the letters of the lines next to it that may stay."""
    left, top, right, bottom = box
    if abs(line.slant) > LEVEL:
        return box
    for other in keep:
        if (
            abs(other.slant) > LEVEL
            or other.x + other.length / 2 < left
            or other.x - other.length / 2 > right
        ):
            continue
        if other.y < line.y - CORE * line.height:
            top = max(top, min(int(other.y + CORE * other.height) + 1, int(line.y - CORE * line.height)))
        elif other.y > line.y + CORE * line.height:
            bottom = min(
                bottom, max(int(other.y - CORE * other.height), int(line.y + CORE * line.height) + 2)
            )
    return left, top, right, bottom


def joined(regions: Sequence[Region]) -> list[Region]:
    """Return the regions without those that lie wholly inside another."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda one: -one.width * one.height):
        if not _covered(region, kept):
            kept.append(region)
    return kept


def _covered(region: Region, others: Sequence[Region]) -> bool:
    return any(
        one.frames in (None, region.frames)
        and one.left <= region.left and one.top <= region.top
        and one.left + one.width >= region.left + region.width and one.top + one.height >= region.top + region.height
        for one in others
    )  # fmt: skip


def _share(regions: Sequence[Region], shape: tuple[int, int, int]) -> float:
    """Return the largest share of a frame that would be blackened."""
    masks: dict[tuple[int, int] | None, Array] = {}
    for one in regions:
        mask = masks.setdefault(one.frames, np.zeros(shape[:2], bool))
        mask[one.top : one.top + one.height, one.left : one.left + one.width] = True
    return max((float(mask.mean()) for mask in masks.values()), default=0.0)


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


__all__ = ["Seen", "again", "joined", "look"]
