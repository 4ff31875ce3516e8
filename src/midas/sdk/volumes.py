"""DICOM images of one series → volumes with their geometry. In come datasets, out go arrays in the order of space.

Slices are ordered by ImagePositionPatient along the normal of the plane (PS3.3 C.7.6.2.1.1), never by number or name;
spacing between slices is what the positions say, never SliceThickness. Where the geometry is no even stack of parallel
slices, no spacing is invented.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, pixel_array

Array = npt.NDArray[Any]

SAME_DIRECTION = 1e-3
EVEN_MM = 0.01
"""Distances between slices may differ by this part of the usual one, or by 0.01 mm, and still count as even."""


@dataclass(frozen=True)
class Plane:
    """Where one frame lies: mm in the patient's coordinate system (left, posterior, superior)."""

    position: tuple[float, float, float]
    direction: tuple[float, ...]
    spacing: tuple[float, float]

    @property
    def normal(self) -> Array:
        return np.cross(np.array(self.direction[:3]), np.array(self.direction[3:]))

    @property
    def depth(self) -> float:
        return float(np.dot(self.normal, np.array(self.position)))


@dataclass(frozen=True)
class Volume:
    """`array` is (slices, rows, columns) or (rows, columns); `spacing_mm` goes along the same axes.

    `affine` maps (column, row, slice) to mm in DICOM's patient coordinates; both are `None` without even geometry.
    """

    array: Array
    spacing_mm: tuple[float, ...] | None
    affine: Array | None
    members: tuple[int, ...]


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in value)


def plane_of(ds: Dataset) -> Plane | None:
    """Return where a single-frame image lies (PS3.3 C.7.6.2)."""
    given = [ds.get(name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")]
    if any(value is None or not len(value) for value in given):
        return None
    position, direction, spacing = (_numbers(value) for value in given)
    return Plane((position[0], position[1], position[2]), direction, (spacing[0], spacing[1]))


def planes_of_frames(ds: Dataset) -> list[Plane] | None:
    """Return where each frame of an enhanced image lies (PS3.3 C.7.6.16), or `None` where that is not said."""
    shared = (ds.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    planes = []
    for own in ds.get("PerFrameFunctionalGroupsSequence") or ():

        def group(name: str, own: Dataset = own) -> Dataset | None:
            found = own.get(name) or shared.get(name)
            return found[0] if found else None

        position, orientation, measures = (
            group(name)
            for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        )
        if position is None or orientation is None or measures is None:
            return None
        flat = Dataset()
        flat.update(position)
        flat.update(orientation)
        flat.update(measures)
        if (plane := plane_of(flat)) is None:
            return None
        planes.append(plane)
    return planes or None


def pixel_spacing(ds: Dataset) -> tuple[float, float] | None:
    """Return mm between rows and between columns where the image says so."""
    shared = (ds.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    measures = (shared.get("PixelMeasuresSequence") or [Dataset()])[0]
    for holder, name in ((ds, "PixelSpacing"), (measures, "PixelSpacing"), (ds, "ImagerPixelSpacing")):
        value = holder.get(name)
        if value:
            rows, columns = _numbers(value)
            return rows, columns
    return None


def values_of(ds: Dataset) -> Array:
    """Return the pixels in the unit of the modality (Hounsfield for CT): integers where nothing is lost, else float32."""
    from midas.formats.dicom import codecs  # noqa: F401 - no decoder meets a frame that is not what the object says

    raw = pixel_array(ds)
    if ds.get("SamplesPerPixel", 1) != 1:
        return raw
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    if "ModalityLUTSequence" in ds:
        return np.asarray(apply_modality_lut(raw, ds))
    if slope == 1 and intercept.is_integer():
        return raw if intercept == 0 else (raw.astype(np.int32) + np.int32(intercept))
    return (raw.astype(np.float32) * np.float32(slope) + np.float32(intercept)).astype(np.float32)


def _affine(first: Plane, step: Array) -> Array:
    made = np.eye(4)
    rows, columns = first.spacing
    made[:3, 0] = np.array(first.direction[:3]) * columns
    made[:3, 1] = np.array(first.direction[3:]) * rows
    made[:3, 2] = step
    made[:3, 3] = first.position
    return made


def _stack(frames: Sequence[tuple[int, Array, Plane]]) -> Volume:
    """Put frames of one shape and direction into a volume, in the order of space."""
    ordered = sorted(frames, key=lambda frame: (frame[2].depth, frame[0]))
    array = np.stack([pixels for _, pixels, _ in ordered])
    planes = [plane for _, _, plane in ordered]
    members = tuple(number for number, _, _ in ordered)
    if len(planes) == 1:
        thin = planes[0]
        return Volume(array[0], thin.spacing, _affine(thin, thin.normal), members)
    gaps = np.diff([plane.depth for plane in planes])
    usual = float(np.median(gaps))
    if usual <= EVEN_MM or np.abs(gaps - usual).max() > max(EVEN_MM, EVEN_MM * usual):
        return Volume(array, None, None, members)
    step = (np.array(planes[-1].position) - np.array(planes[0].position)) / (len(planes) - 1)
    return Volume(array, (float(np.mean(gaps)), *planes[0].spacing), _affine(planes[0], step), members)


def volumes_of(datasets: Sequence[Dataset]) -> list[Volume]:
    """Return the volumes in the images of one series: one for each shape and direction (a scout view stands apart).

    `members` of each volume are positions in `datasets`. Errors of decoders pass through.
    """
    loose: list[Volume] = []
    groups: dict[tuple[Any, ...], list[tuple[int, Array, Plane]]] = defaultdict(list)
    for number, ds in enumerate(datasets):
        pixels = values_of(ds)
        if int(ds.get("NumberOfFrames") or 1) > 1:
            planes = planes_of_frames(ds)
            if planes is None or len(planes) != len(pixels):
                loose.append(Volume(pixels, None, None, (number,)))
                continue
            frames = list(zip(pixels, planes, strict=True))
        elif (plane := plane_of(ds)) is None:
            loose.append(Volume(pixels, pixel_spacing(ds), None, (number,)))
            continue
        else:
            frames = [(pixels, plane)]
        for frame, plane in frames:
            direction = tuple(np.round(np.array(plane.direction) / SAME_DIRECTION).astype(int).tolist())
            groups[frame.shape, direction, plane.spacing].append((number, frame, plane))
    return [_stack(frames) for frames in groups.values()] + loose
