"""Masks and contours in space laid onto the slices of a series.

In come a volume of labels or contours in mm and the datasets of a series; out comes one boolean plane per slice and
class. A grid that does not meet the slices is `BadInput`: labels are never interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom.dataset import Dataset

from midas.formats.labels import LabelVolume
from midas.kernel import BadInput

OFF_GRID = 0.1
"""Voxels by which a mask's grid may miss the pixels' centres: rounding in headers stays far below it."""


def _to_patient(ds: Dataset) -> np.ndarray:
    """The matrix from (column, row, 0, 1) to mm (PS3.3 C.7.6.2.1-1)."""
    rows, columns = (float(value) for value in ds.PixelSpacing)
    cosines = np.asarray(ds.ImageOrientationPatient, float)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = cosines[:3] * columns, cosines[3:] * rows
    matrix[:3, 2] = np.cross(cosines[:3], cosines[3:])
    matrix[:3, 3] = np.asarray(ds.ImagePositionPatient, float)
    return matrix


def volume_planes(volume: LabelVolume, series: Sequence[Dataset], segments: Mapping[int, int]) -> np.ndarray:
    """Return planes of segment numbers (slice, row, column), `segments` mapping mask values to them."""
    to_voxel = np.linalg.inv(volume.to_patient)
    lookup = np.zeros(int(volume.values.max(initial=0)) + 1, np.uint16)
    for value, segment in segments.items():
        lookup[value] = segment
    planes = np.zeros((len(series), int(series[0].Rows), int(series[0].Columns)), np.uint16)
    for at, ds in enumerate(series):
        planes[at] = lookup[_slice(volume.values, to_voxel @ _to_patient(ds), planes.shape[1:])]
    if np.count_nonzero(planes) != np.count_nonzero(lookup[volume.values]):
        raise BadInput("The mask reaches beyond the images.", advice="Hand in the whole series.")
    return planes


def _slice(values: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    where = [matrix[axis, 0] * column + matrix[axis, 1] * row + matrix[axis, 3] for axis in range(3)]
    nearest = [np.rint(axis) for axis in where]
    inside = np.ones(shape, bool)
    for axis, size in zip(nearest, values.shape, strict=True):
        inside &= (axis >= 0) & (axis < size)
    if any(
        np.abs(axis - near).max(initial=0, where=inside) > OFF_GRID
        for axis, near in zip(where, nearest, strict=True)
    ):
        raise BadInput(
            "The mask lies on another grid than the images.", advice="Resample it to the images first."
        )
    picked = np.zeros(shape, values.dtype)
    index = tuple(axis[inside].astype(int) for axis in nearest)
    picked[inside] = values[index]
    return picked


def contour_planes(
    contours: Mapping[str, Sequence[Dataset]], series: Sequence[Dataset], labels: Sequence[str]
) -> np.ndarray:
    """Return boolean planes (slice, row, column, segment) inside closed planar contours; a ring in a ring is a hole."""
    shape = (len(series), int(series[0].Rows), int(series[0].Columns), len(labels))
    planes = np.zeros(shape, bool)
    inverse = [np.linalg.inv(_to_patient(ds)) for ds in series]
    for segment, label in enumerate(labels):
        for contour in contours[label]:
            if contour.ContourGeometricType != "CLOSED_PLANAR":
                raise BadInput("A structure has open contours.", advice="Hand in closed planar contours.")
            points = np.asarray(contour.ContourData, float).reshape(-1, 3)
            at, outline = _nearest(points, inverse)
            planes[at, :, :, segment] ^= filled(outline, shape[1], shape[2])
    return planes


def _nearest(points: np.ndarray, inverse: Sequence[np.ndarray]) -> tuple[int, list[tuple[float, float]]]:
    best: tuple[float, int, np.ndarray] | None = None
    for at, matrix in enumerate(inverse):
        local = points @ matrix[:3, :3].T + matrix[:3, 3]
        away = float(np.abs(local[:, 2]).max())
        if best is None or away < best[0]:
            best = (away, at, local)
    if best is None or best[0] > 0.5:
        raise BadInput("A contour lies on none of the images.", advice="Hand in the whole series.")
    return best[1], [(float(x) + 0.5, float(y) + 0.5) for x, y in best[2][:, :2]]


def filled(outline: Sequence[tuple[float, float]], rows: int, columns: int) -> np.ndarray:
    """Return the pixels whose centres lie inside an outline in pixel corners (0, 0 is the first pixel's corner)."""
    turns = np.zeros((rows, columns + 1), np.uint32)
    for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if y0 == y1:
            continue
        first, last = np.ceil(np.clip(sorted((y0 - 0.5, y1 - 0.5)), 0, rows)).astype(int)
        row = np.arange(first, last)
        crossing = x0 + (row + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        turns[row, np.clip(np.ceil(crossing - 0.5), 0, columns).astype(int)] += 1
    return np.asarray(np.cumsum(turns[:, :columns], axis=1) % 2 == 1)
