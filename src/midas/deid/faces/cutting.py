"""Cutting one file by a face mask: voxels, segmentations and contours.

In come an opened file, as the plan has left it, and a mask of its frame of reference; the file's pixels are replaced by
air in its own transfer syntax, its contours clipped. What has pixels but no place in the patient raises `Held`: it
cannot be cut, and it must not pass.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from midas.deid.faces.contours import clip
from midas.deid.faces.lesions import RTSTRUCT, SEGMENTATION, lesion_segments, segment_of
from midas.deid.faces.model import Array, FaceMask
from midas.deid.faces.volume import Plane, planes
from midas.deid.model import Held
from midas.deid.pixels import change_frames
from midas.deid.stream import Opened

RTDOSE = "1.2.840.10008.5.1.4.1.1.481.2"
"""Energy laid down, no anatomy: its grid shows no surface, and it is left as it is."""


def cut(opened: Opened, *, mask: Path) -> int:
    """Cut what lies in the mask at `mask` and return how many voxels, or points of contours, went.

    `Held` where pixels say of no frame where it lies, or cannot be written again.
    """
    ds, found = opened.ds, FaceMask.load(mask)
    kind = str(ds.get("SOPClassUID", ""))
    if kind == RTSTRUCT:
        return clip(ds, found)
    if kind == RTDOSE or "Rows" not in ds:
        return 0
    frames = _frames(ds, opened.path, kind)
    where = {plane.number: cover for plane in frames if (cover := _cover(plane, found)) is not None}
    if where:
        fills = {plane.number: _fill(plane, kind, found) for plane in frames}
        change_frames(
            opened, lambda number, samples: _filled(samples, where[number], *fills[number]), numbers=where
        )
    if kind != SEGMENTATION:
        ds.RecognizableVisualFeatures = "NO"
    return sum(int((cover > 0).sum()) for cover in where.values())


def _frames(ds: Dataset, path: Path, kind: str) -> list[Plane]:
    """Return the frames that may be cut; a segmentation's lesions are no face."""
    placed = list(planes(ds, path))
    if len(placed) != int(ds.get("NumberOfFrames") or 1):
        raise Held(
            "recognisable-face",
            "A picture of a head does not say where it lies, so no face can be cut from it.",
        )
    if kind != SEGMENTATION:
        return placed
    lesions = lesion_segments(ds)
    return [plane for plane in placed if segment_of(ds, plane.number) not in lesions]


def _cover(plane: Plane, mask: FaceMask) -> Array | None:
    """Return which pixels of a frame lie in the mask (1), of them in its wall (2), or None where none does."""
    origin = np.asarray(mask.origin)
    far = origin + (np.array(mask.grid.shape[::-1]) - 1) * mask.spacing
    corners = plane.corners()
    if (corners.max(axis=0) < origin - mask.spacing).any() or (
        corners.min(axis=0) > far + mask.spacing
    ).any():
        return None
    start, across, down = ((plane.at - origin), plane.across, plane.down)
    columns, rows = np.arange(plane.columns, dtype=np.float32), np.arange(plane.rows, dtype=np.float32)
    within, index = np.ones((plane.rows, plane.columns), bool), []
    for axis, size in zip(range(3), mask.grid.shape[::-1], strict=True):
        line = (start[axis] + columns * across[axis]) / mask.spacing
        place = np.rint(line[None, :] + (rows * (down[axis] / mask.spacing))[:, None]).astype(np.int32)
        within &= (place >= 0) & (place < size)
        index.append(place)
    if not within.any():
        return None
    x, y, z = (place[within] for place in index)
    made = np.zeros(within.shape, np.uint8)
    made[within] = mask.grid[z, y, x]
    if mask.plate is not None:
        made[within] += mask.grid[z, y, x] & mask.plate[z, y, x]
    return made if made.any() else None


def _fill(plane: Plane, kind: str, mask: FaceMask) -> tuple[float, float]:
    """Return what air and the wall are in a frame's stored values."""
    if kind == SEGMENTATION:
        return 0.0, 0.0
    return (mask.air - plane.intercept) / plane.slope, (mask.tissue - plane.intercept) / plane.slope


def _filled(samples: Array, cover: Array, air: float, tissue: float) -> Array:
    low, high = (float(samples.min()), float(samples.max())) if samples.ndim == 2 else (0.0, 0.0)
    for mark, value in ((1, air), (2, tissue)):
        held: Any = min(max(value, low), high)
        samples[cover == mark] = round(held) if samples.dtype.kind in "iu" else held
    return samples
