"""The planes of a series and, from them, one coarse volume along the patient's axes.

In come files: single slices or multi-frame objects, in any orientation, with gaps, unequal spacing or a tilted gantry.
Out come planes (where each stands, PS3.3 C.7.6.2.1.1) and a `Volume` on a grid of `STEP_MM`. Only as many slices are
decoded as the grid asks for. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from midas.deid.faces.model import Array
from midas.deid.pictures.frames import Frames
from midas.deid.stream import open_file

STEP_MM = 3.0
"""Edge of a voxel of the coarse volume: faces are centimetres large, and registration is done in seconds."""
LONGEST_MM = 360.0
"""How much of a long scan is looked at, from its upper end: a head with neck and raised arms."""
WANTED = [
    "SOPClassUID", "Modality", "ImageType", "BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "NumberOfFrames", "RescaleSlope", "RescaleIntercept", "PhotometricInterpretation", "SamplesPerPixel",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ConversionType", "AnatomicRegionSequence",
    "PatientPosition", "SliceThickness", "GridFrameOffsetVector", "RequestedProcedureDescription",
    "VolumetricProperties", "ReferencedFrameOfReferenceSequence", "StructureSetROISequence",
]  # fmt: skip


@dataclass(frozen=True)
class Plane:
    """One frame in the patient: `at` is the centre of its first pixel, steps are vectors in mm to the next pixel."""

    path: Path
    number: int
    at: Array
    across: Array
    down: Array
    rows: int
    columns: int
    slope: float = 1.0
    intercept: float = 0.0
    inverted: bool = False

    @property
    def normal(self) -> Array:
        along = np.cross(self.across, self.down)
        return np.asarray(along / np.linalg.norm(along))

    def corners(self) -> Array:
        right, bottom = self.across * (self.columns - 1), self.down * (self.rows - 1)
        return np.stack([self.at, self.at + right, self.at + bottom, self.at + right + bottom])


@dataclass(frozen=True)
class Volume:
    """`values[z, y, x]` on a grid of `STEP_MM` from `origin` (LPS, mm); `seen` is false where no slice lies."""

    values: Array
    seen: Array
    origin: Array
    air: float
    step: float = STEP_MM

    @property
    def points(self) -> Array:
        """Return the LPS coordinates of every voxel (z, y, x, 3)."""
        z, y, x = (
            self.origin[2 - axis] + np.arange(n) * self.step for axis, n in enumerate(self.values.shape)
        )
        made = np.empty((*self.values.shape, 3), np.float32)
        made[..., 0], made[..., 1], made[..., 2] = x, y[:, None], z[:, None, None]
        return made


def header(path: Path) -> Dataset:
    """Read what `planes` and the choice of series need, without pixels."""
    return pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=WANTED)


def planes(ds: Dataset, path: Path) -> Iterator[Plane]:
    """Yield the frames of one object that have a place in the patient."""
    rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
    if not rows or not columns:
        return
    frames = ds.get("PerFrameFunctionalGroupsSequence")
    shared = (ds.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    inverted = ds.get("PhotometricInterpretation") == "MONOCHROME1"
    for number, own in enumerate(frames or [Dataset()]):
        at = _of(own, shared, ds, "PlanePositionSequence", "ImagePositionPatient")
        turned = _of(own, shared, ds, "PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = _of(own, shared, ds, "PixelMeasuresSequence", "PixelSpacing")
        if at is None or turned is None or spacing is None or len(at) != 3 or len(turned) != 6:
            continue
        slope = _of(own, shared, ds, "PixelValueTransformationSequence", "RescaleSlope")
        zero = _of(own, shared, ds, "PixelValueTransformationSequence", "RescaleIntercept")
        row, column = np.array(turned[:3], float), np.array(turned[3:], float)
        if abs(np.linalg.norm(np.cross(row, column)) - 1) > 0.05 or min(map(float, spacing)) <= 0:
            continue
        yield Plane(
            path, number, np.array(at, float), row * float(spacing[1]), column * float(spacing[0]), rows, columns,
            1.0 if slope is None else float(slope) or 1.0, 0.0 if zero is None else float(zero), inverted,
        )  # fmt: skip


def _of(own: Dataset, shared: Dataset, ds: Dataset, group: str, keyword: str):  # type: ignore[no-untyped-def]
    """Return an attribute from the frame's, else the shared functional group, else the object itself (PS3.3 C.7.6.16)."""
    for place in (own, shared):
        items = place.get(group)
        if items and items[0].get(keyword) is not None:
            return items[0].get(keyword)
    return ds.get(keyword)


def stacks(found: Iterable[Plane]) -> list[list[Plane]]:
    """Return planes by common orientation and size, each stack in order along its normal, the largest stack first."""
    by: dict[tuple[object, ...], list[Plane]] = {}
    for plane in found:
        key = (*np.round(np.concatenate([plane.across, plane.down]), 1), plane.rows, plane.columns)
        by.setdefault(key, []).append(plane)
    made = []
    for stack in by.values():
        places: dict[float, Plane] = {}
        for plane in stack:
            places.setdefault(round(float(plane.at @ plane.normal), 2), plane)
        made.append([places[key] for key in sorted(places)])
    return sorted(made, key=_extent, reverse=True)


def _extent(stack: Sequence[Plane]) -> float:
    first = stack[0]
    area = first.rows * first.columns * float(np.linalg.norm(np.cross(first.across, first.down)))
    return (float(gaps(stack).sum()) + 1.0) * area


def gaps(stack: Sequence[Plane]) -> Array:
    """Return the distances in mm between neighbouring planes of a stack."""
    normal = stack[0].normal
    return np.diff([float(plane.at @ normal) for plane in stack])


def volume(stack: Sequence[Plane]) -> Volume:
    """Read a stack onto the coarse grid; `Held` (from the decoder) where its pixels cannot be read."""
    low, high = _bounds(stack)
    chosen = _enough([plane for plane in stack if plane.corners()[:, 2].max() >= low[2]])
    pixels, shrink = _read(chosen)
    grid = Volume(
        np.zeros(np.ceil((high - low) / STEP_MM).astype(int)[::-1] + 1, np.float32),
        np.zeros(0, bool),
        low,
        0.0,
    )
    values, seen = _sampled(pixels, chosen, shrink, grid.points)
    return Volume(values, seen, low, _air(pixels))


def _bounds(stack: Sequence[Plane]) -> tuple[Array, Array]:
    corners = np.concatenate([plane.corners() for plane in stack])
    low, high = corners.min(axis=0), corners.max(axis=0)
    low[2] = max(low[2], high[2] - LONGEST_MM)
    return low, high


def _enough(stack: Sequence[Plane]) -> list[Plane]:
    """Leave out slices that lie closer than the grid's step."""
    kept, last = [stack[0]], float(stack[0].at @ stack[0].normal)
    for plane in stack[1:]:
        place = float(plane.at @ plane.normal)
        if place - last >= STEP_MM * 0.99:
            kept.append(plane)
            last = place
    return kept if kept[-1] is stack[-1] else [*kept, stack[-1]]


def _read(stack: Sequence[Plane]) -> tuple[Array, tuple[float, float]]:
    """Return the slices in the series' own units, averaged to the grid's step; inverted ones with their sign turned."""
    import cv2

    first = stack[0]
    shrink = tuple(max(1.0, STEP_MM / float(np.linalg.norm(step))) for step in (first.down, first.across))
    size = max(2, round(first.columns / shrink[1])), max(2, round(first.rows / shrink[0]))
    made = np.empty((len(stack), size[1], size[0]), np.float32)
    for k, (plane, frames) in enumerate(_opened(stack)):
        samples = frames.samples(plane.number).astype(np.float32)
        flat = samples.mean(axis=2) if samples.ndim == 3 else samples
        flat = flat * plane.slope + plane.intercept
        made[k] = cv2.resize(-flat if plane.inverted else flat, size, interpolation=cv2.INTER_AREA)
    return made, (first.rows / size[1], first.columns / size[0])


def _opened(stack: Sequence[Plane]) -> Iterator[tuple[Plane, Frames]]:
    path, frames = None, None
    for plane in stack:
        if frames is None or plane.path != path:
            path, frames = plane.path, Frames(open_file(plane.path))
        yield plane, frames


def _sampled(
    pixels: Array, stack: Sequence[Plane], shrink: tuple[float, float], points: Array
) -> tuple[Array, Array]:
    """Interpolate between slices at `points`, following the slices where the gantry was tilted (PS3.3 C.8.2.1)."""
    normal, origins = stack[0].normal, np.stack([plane.at for plane in stack])
    places = origins @ normal
    depth = points @ normal
    k = np.interp(depth, places, np.arange(len(stack), dtype=float))
    at = np.stack([np.interp(k, np.arange(len(stack)), origins[:, axis]) for axis in range(3)], axis=-1)
    offset = points - at
    across, down = stack[0].across, stack[0].down
    column = (offset @ across / (across @ across) + 0.5) / shrink[1] - 0.5
    row = (offset @ down / (down @ down) + 0.5) / shrink[0] - 0.5
    margin = max(STEP_MM, float(np.median(np.diff(places))) / 2 if len(stack) > 1 else STEP_MM)
    shape = pixels.shape
    seen = (depth >= places[0] - margin) & (depth <= places[-1] + margin)
    seen &= (row >= -1) & (row <= shape[1]) & (column >= -1) & (column <= shape[2])
    return _trilinear(pixels, k, row, column), seen


def _trilinear(pixels: Array, k: Array, row: Array, column: Array) -> Array:
    index, part = [], []
    for place, size in zip((k, row, column), pixels.shape, strict=True):
        low = np.clip(np.floor(place), 0, max(size - 2, 0)).astype(np.int32)
        index.append((low, np.minimum(low + 1, size - 1)))
        part.append(np.clip(place - low, 0, 1).astype(np.float32))
    made = np.zeros(k.shape, np.float32)
    for corner in range(8):
        a, b, c = corner >> 2, corner >> 1 & 1, corner & 1
        weight = (
            (part[0] if a else 1 - part[0])
            * (part[1] if b else 1 - part[1])
            * (part[2] if c else 1 - part[2])
        )
        made += weight * pixels[index[0][a], index[1][b], index[2][c]]
    return made


def _air(pixels: Array) -> float:
    """Return what air measures: the median of the darkest fifth of the border of all slices."""
    border = np.concatenate([pixels[:, 0].ravel(), pixels[:, :, 0].ravel(), pixels[:, :, -1].ravel()])
    return float(np.median(border[border <= np.percentile(border, 20)]))
