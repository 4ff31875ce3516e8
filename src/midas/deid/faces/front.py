"""The front of the head as the picture itself shows it: what of it must go, and whether it did.

In come a volume, its `Fit` and, for the check, the finished mask; out come how deep each voxel lies under open air, the
skin of the face that goes wherever the template's own mask ends, and a `Front`: figures by which a mask counts or not.
The skin is found by the border of body and air, not by the template; the template says only what is brow and chin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import SimpleITK

from midas.deid.faces.model import Array, FaceMask
from midas.deid.faces.register import Fit, template
from midas.deid.faces.volume import Volume

sitk: Any = SimpleITK

PEEL_MM = 12.0
"""Depth under the patient's own skin that goes from the front of the face, whatever the template's mask says."""
PEEL_TOP_MM, PEEL_BACK_MM, PEEL_DEGREES = 14.0, -46.0, 60.0
"""Where: up to this height (the mean brow stands at -10), before this frontal plane, this far from the midline."""
TOP_MM, CHIN_MM, BACK_MM, DEGREES = 2.0, -108.0, -52.0, 40.0
"""What is checked: front skin between these heights, before this plane, this far from the midline seen from in front."""
AXIS_MM = -10.0
"""The frontal plane of the axis about which degrees from the midline are told (template, LPS y)."""
CROWN_MM, FOREHEAD_MM = 82.0, -103.0
"""Where the mean head's crown (z) and forehead (y) stand. Where the patient's own stand elsewhere by more than `LOOSE_MM`,
the check moves along."""
LOOSE_MM = 6.0
LEAST_CUT = 0.98
"""Least share of the front skin (voxels at open air) that a mask must take to count."""
LEAST_VOXELS = 20
"""Front skin of fewer voxels than this is none: where a mask takes voxels, its face was not found."""
VAULT_MM, VAULT_SHARE, FARTHEST_MM = -5.0, 90.0, 7.0
"""Above this height before the ears, this percentile of the skin may lie at most so far from the template's skin, on the
better of both sides."""


@dataclass(frozen=True)
class Front:
    """What was measured: `cut`, share (0 to 1) of `skin` front voxels that go; brain voxels that go; `apart` in mm.

    `seen` counts the voxels of the body that lie where the face must be; 0 where the slices end above it.
    """

    seen: int
    skin: int
    cut: float
    brain: int
    apart: float

    @property
    def doubt(self) -> str:
        """Return why the mask does not count, or ""."""
        if self.skin < LEAST_VOXELS <= self.seen:
            return "No front of a face was found where the mask lies."
        if self.skin and self.cut < LEAST_CUT:
            return f"Only {self.cut:.0%} of the skin of the face lies in the mask."
        return "The mask takes voxels of the brain." if self.brain else ""


def depths(volume: Volume, head: Array) -> Array:
    """Return how many mm each voxel lies under air that slices show: 0 in the air, where no air was seen a great number.

    Where the slices end there is no air, and so no skin.
    """
    air = ~head & volume.seen
    if not air.any():
        return np.full(head.shape, 1e6, np.float32)
    image = sitk.GetImageFromArray(air.astype(np.uint8))
    image.SetSpacing((volume.step,) * 3)
    far = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    found: Array = np.maximum(np.asarray(sitk.GetArrayFromImage(far)), 0)
    return found


def in_peel(there: Array, *, scale: float, depth: Array) -> Array:
    """Return which template points, `depth` mm under the patient's skin, belong to the face's skin or the air before it."""
    low = template().origin[2] - 30.0
    within = (there[..., 2] <= PEEL_TOP_MM) & (there[..., 2] >= low) & (there[..., 1] <= PEEL_BACK_MM)
    return np.asarray(within & _ahead(there, PEEL_DEGREES) & (depth <= PEEL_MM * min(1.0, scale)))


def _ahead(there: Array, degrees: float) -> Array:
    return np.asarray(np.abs(there[..., 0]) <= np.tan(np.deg2rad(degrees)) * (AXIS_MM - there[..., 1]))


def scale_of(fit: Fit) -> float:
    """Return how long the patient's head is beside the template's."""
    return float(np.abs(np.linalg.det(fit.matrix[:, :3])) ** (-1 / 3))


def checked(volume: Volume, fit: Fit, mask: FaceMask) -> Front:
    """Measure on the picture what a mask does to the front of the head and to the brain."""
    points = volume.points
    there = fit.to_template(points)
    depth = depths(volume, fit.head)
    skin = fit.head & volume.seen & (depth <= 1.1 * volume.step)
    back, lift = _own(there[skin])
    within = fit.head & volume.seen & (there[..., 2] <= TOP_MM + lift) & (there[..., 2] >= CHIN_MM)
    within &= (there[..., 1] <= BACK_MM + back) & _ahead(there - np.array([0.0, back, 0.0]), DEGREES)
    face = within & skin
    brain = template().at(there, "brain") & fit.head
    gone = int(mask.inside(points[face]).sum())
    lost = int(mask.inside(points[_inner(brain)]).sum())
    return Front(
        int(within.sum()), int(face.sum()), gone / max(1, int(face.sum())), lost, apart(volume, fit, depth)
    )


def _own(there: Array) -> tuple[float, float]:
    """Return how far (mm) the patient's own forehead lies behind, and crown above, the place that the fit gives them."""
    forehead = there[(np.abs(there[:, 0]) < 30) & (there[:, 2] > 0) & (there[:, 2] < 40)]
    back = float(np.percentile(forehead[:, 1], 1)) - FOREHEAD_MM if len(forehead) else 0.0
    lift = float(there[:, 2].max()) - CROWN_MM if len(there) else 0.0
    return max(0.0, back - LOOSE_MM), max(0.0, lift - LOOSE_MM)


def apart(volume: Volume, fit: Fit, depth: Array) -> float:
    """Return how far (mm, `VAULT_SHARE` percentile) the skin of forehead and crown lies from the template's skin.

    The better of both sides counts: an operation leaves a hole on one, a wrong fit lies wrong on both.
    """
    there = fit.to_template(volume.points[fit.head & volume.seen & (depth <= 1.1 * volume.step)])
    there = there[(there[:, 2] > VAULT_MM) & (there[:, 1] < 0)]
    sides = [_off(there[there[:, 0] * side > 0]) for side in (-1, 1)]
    return min(sides) * scale_of(fit)


def _off(there: Array) -> float:
    if len(there) < LEAST_VOXELS:
        return float("inf")
    head = template()
    index = np.rint((there - head.origin) / head.step).astype(int)
    i, j, k = (np.clip(index[:, axis], 0, n - 1) for axis, n in enumerate(head.labels.shape[::-1]))
    return float(np.percentile(_from_skin()[k, j, i], VAULT_SHARE))


@lru_cache(maxsize=1)
def _from_skin() -> Array:
    """Return how far (mm) each voxel of the template's grid lies from its skin, inside or outside."""
    image = sitk.GetImageFromArray(template().part("head").astype(np.uint8))
    image.SetSpacing((template().step,) * 3)
    far = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    found: Array = np.abs(np.asarray(sitk.GetArrayFromImage(far)))
    return found


def _inner(brain: Array) -> Array:
    """Leave out the outermost voxels: the mask's grid is finer than the picture's."""
    made = sitk.BinaryErode(sitk.GetImageFromArray(brain.astype(np.uint8)), [1] * 3)
    return np.asarray(sitk.GetArrayFromImage(made), bool)
