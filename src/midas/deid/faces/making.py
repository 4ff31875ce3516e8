"""From a fitted head to the voxels that go: the face, everything before it, less what the dataset needs.

In come a volume, its `Fit` and what to keep; out come a `FaceMask` in patient coordinates and how much of the head it
takes. What is kept lies under the skin: the skin itself and `SKIN_MM` beneath it always go. The registered brain never goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK

from midas.deid.faces.front import depths, in_peel, scale_of
from midas.deid.faces.model import Array, FaceMask
from midas.deid.faces.register import Fit, template
from midas.deid.faces.volume import Volume

sitk: Any = SimpleITK

STEP_MM = 2.0
"""Edge of the mask's voxels."""
VOXEL_CM3 = STEP_MM**3 / 1000
MARGIN_MM = 8.0
"""How far the mask reaches beyond the slices, so that the outermost voxels and contours are cut as well."""
PLATE_MM = 6.0
"""Thickness of the wall of even tissue that closes the cut."""
SKIN_MM = 6.0
"""Depth of skin and fat that is cut even over what is kept."""
LESION_MM = 6.0
"""Margin around a lesion that is kept with it."""
BEYOND = (16.0, 30.0)
"""How far (mm, sideways and down) the face goes on outside the template: its mean head ends at the chin."""


@dataclass(frozen=True)
class Made:
    """A mask, the head's volume that it takes (cm³) and, of what it keeps, what lies bare at the skin."""

    mask: FaceMask
    taken_cm3: float
    kept_cm3: float
    lesion_bare: bool


def make(
    volume: Volume, fit: Fit, *, keep: frozenset[str], lesions: Sequence[Array], frame: str, inverted: bool
) -> Made:
    """Return the mask of one series. `lesions`: LPS points (n, 3) of each lesion's voxels or contours."""
    grid = _grid(volume)
    points = grid.points
    under = depths(volume, fit.head)
    face = _goes(fit, points, _nearest(under, volume, points))
    there = points[face]
    deep = _sampled(_eroded(fit.head, volume.step), volume, there)
    kept = np.zeros(len(there), bool)
    for part in sorted(keep & {"teeth", "jaw", "orbit"}):
        kept |= template().at(fit.to_template(there), part, beyond=BEYOND) & deep
    sick = _near(lesions, grid)
    met = sick[face]
    kept |= met
    head = _sampled(fit.head, volume, there)
    plate = np.zeros_like(face)
    plate[face] = head & ~kept & _sampled(_wall(fit, volume, under), volume, there)
    face[face] = ~kept
    sign, tissue = (-1 if inverted else 1), float(np.median(volume.values[fit.head]))
    mask = _cropped(face, plate, grid, air=sign * volume.air, tissue=sign * tissue, frame=frame)
    return Made(
        mask, int((head & ~kept).sum()) * VOXEL_CM3, int((head & kept).sum()) * VOXEL_CM3,
        bool((met & ~deep).any()),
    )  # fmt: skip


def _goes(fit: Fit, points: Array, depth: Array) -> Array:
    """Return which points go: the template's face and the patient's own skin over it, never the brain."""
    there = fit.to_template(points)
    face = template().at(there, "face", beyond=BEYOND) | in_peel(there, scale=scale_of(fit), depth=depth)
    return np.asarray(face & ~template().at(there, "brain"))


def _grid(volume: Volume) -> Volume:
    size = np.array(volume.values.shape[::-1]) * volume.step + 2 * MARGIN_MM
    shape = np.ceil(size / STEP_MM).astype(int)[::-1]
    return Volume(
        np.zeros(shape, np.float32), np.zeros(0, bool), volume.origin - MARGIN_MM, volume.air, STEP_MM
    )


def _sampled(mask: Array, volume: Volume, points: Array) -> Array:
    index = np.rint((points - volume.origin) / volume.step).astype(np.int32)
    within = np.all((index >= 0) & (index < mask.shape[::-1]), axis=-1)
    return np.asarray(_nearest(mask, volume, points) & within)


def _nearest(values: Array, volume: Volume, points: Array) -> Array:
    """Return the value of the nearest voxel; beyond the slices, of the outermost one."""
    index = np.rint((points - volume.origin) / volume.step).astype(np.int32)
    i, j, k = (np.clip(index[..., axis], 0, n - 1) for axis, n in enumerate(values.shape[::-1]))
    return np.asarray(values[k, j, i])


def _eroded(head: Array, step: float) -> Array:
    depth = max(1, round(SKIN_MM / step))
    made = sitk.BinaryErode(sitk.GetImageFromArray(head.astype(np.uint8)), [depth] * 3)
    return np.asarray(sitk.GetArrayFromImage(made), bool)


def _near(lesions: Sequence[Array], grid: Volume) -> Array:
    made = np.zeros(grid.values.shape, np.uint8)
    for points in lesions:
        index = np.rint((points - grid.origin) / grid.step).astype(int)
        index = index[np.all((index >= 0) & (index < made.shape[::-1]), axis=1)]
        made[index[:, 2], index[:, 1], index[:, 0]] = 1
    if not made.any():
        return made.astype(bool)
    reach = round(LESION_MM / grid.step)
    return np.asarray(
        sitk.GetArrayFromImage(sitk.BinaryDilate(sitk.GetImageFromArray(made), [reach] * 3)), bool
    )


def _wall(fit: Fit, volume: Volume, under: Array) -> Array:
    """Return what lies within `PLATE_MM` of the head that is left behind the face."""
    face = _goes(fit, volume.points, under)
    reach = max(1, round(PLATE_MM / volume.step))
    left = sitk.GetImageFromArray((fit.head & ~face).astype(np.uint8))
    return np.asarray(sitk.GetArrayFromImage(sitk.BinaryDilate(left, [reach] * 3)), bool)


def _cropped(cut: Array, plate: Array, grid: Volume, *, air: float, tissue: float, frame: str) -> FaceMask:
    where = np.argwhere(cut)
    if not len(where):
        return FaceMask(np.zeros((1, 1, 1), bool), (0.0, 0.0, 0.0), STEP_MM, air, frame)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    x, y, z = (float(value) for value in grid.origin + low[::-1] * STEP_MM)
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return FaceMask(cut[part], (x, y, z), STEP_MM, air, frame, tissue, plate[part])
