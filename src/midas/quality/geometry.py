"""Where the slices of a series lie: parallel stacks of planes, and how far apart their slices are.

In come images, out come `Stack`s. Nothing is judged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midas.quality.image import Image, Slice

REPEATS = (
    "EchoNumbers", "EffectiveEchoTime", "TemporalPositionIdentifier", "TemporalPositionIndex", "DiffusionBValue",
    "CardiacCyclePosition", "ContrastBolusAgentPhase",
)  # fmt: skip
"""Attributes by which one series may hold the same place more than once, and rightly."""
SAME_PLACE_MM = 1e-3


@dataclass(frozen=True)
class Stack:
    """Parallel slices in the order of their place; `positions` in mm along their normal."""

    slices: tuple[Slice, ...]
    positions: NDArray[np.float64]

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Distances between neighbours in mm, without those that lie where another one lies."""
        between = np.diff(self.positions)
        return between[between >= SAME_PLACE_MM]

    @property
    def doubled(self) -> int:
        """How many slices lie where another one lies."""
        return int(np.sum(np.diff(self.positions) < SAME_PLACE_MM))


def _told_apart(one: Slice) -> tuple[str, ...]:
    """Return what may rightly put two slices of a series in one place, such as the parts named in Image Type."""
    kind = one.value("ImageType") or ()
    return (*(str(one.value(name)) for name in REPEATS), "/".join(str(part) for part in list(kind)[2:]))


def normal_of(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit normal of a plane from the direction cosines of rows and columns (PS3.3 C.7.6.2.1.1)."""
    normal: Any = np.cross(directions[0], directions[1])
    return np.asarray(normal / max(float(np.linalg.norm(normal)), 1e-12))


def placed(images: Sequence[Image]) -> list[Slice]:
    """Return the slices that say where they lie."""
    return [one for image in images for one in image.slices if one.plane is not None]


def stacks(images: Sequence[Image]) -> list[Stack]:
    """Part a series into stacks: same direction, and nothing that rightly repeats a place; three slices make a stack."""
    parts: defaultdict[tuple[Any, ...], list[Slice]] = defaultdict(list)
    for one in placed(images):
        if one.plane is not None:
            parts[(*np.round(one.plane.directions.ravel(), 3).tolist(), *_told_apart(one))].append(one)
    found = []
    for slices in parts.values():
        if len(slices) < 3:
            continue
        planes = [one.plane for one in slices if one.plane is not None]
        along = np.array([plane.origin for plane in planes]) @ normal_of(planes[0].directions)
        order = np.argsort(along, kind="stable")
        found.append(Stack(tuple(slices[at] for at in order), along[order]))
    return found


def largest_angle(images: Sequence[Image]) -> float | None:
    """Return the largest angle in degrees between the normals of two slices of a series; `None` for fewer than two."""
    normals = np.array([normal_of(one.plane.directions) for one in placed(images) if one.plane is not None])
    if len(normals) < 2:
        return None
    return float(np.degrees(np.arccos(np.clip((normals @ normals[0]).min(), -1, 1))))
