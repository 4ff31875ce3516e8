"""What the pixels of one CT or cone-beam slice show: calibration, noise, metal, a body that leaves the picture.

In comes a `Slice` in Hounsfield units, out comes what each check measured. Localizers are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import CT, Check, Measured, judge
from midas.quality.image import Slice

AIR = Check(
    "ct.air", Severity.WARNING, CT, "HU", {"en": "Air is air (Hounsfield scale)", "hi": "हवा का मान सही है (हाउंसफ़ील्ड पैमाना)"},
    "Check Rescale Slope and Intercept, and whether the device keeps to Hounsfield units (most cone-beam devices do not).",
    "PS3.3 C.11.1.1.2; ACR CT phantom: air -1005 to -970 HU; limits: MIDAS default", {"min": -1100, "max": -850},
)  # fmt: skip
NOISE = Check(
    "ct.noise", Severity.WARNING, CT, "HU", {"en": "Noise in soft tissue", "hi": "कोमल ऊतक में शोर (नॉइज़)"},
    "Ask for a softer reconstruction or thicker slices of the same scan.",
    "Global noise level: Christianson et al., AJR 2015;205:W93; limit: MIDAS default", {"max": 40},
)  # fmt: skip
METAL = Check(
    "ct.metal", Severity.INFO, CT, "%", {"en": "Metal in the slice", "hi": "स्लाइस में धातु"},
    "Expect streaks; export a series with metal artefact reduction where there is one.",
    "Share at or above 3000 HU; limit: MIDAS default", {"max": 0.1},
)  # fmt: skip
TRUNCATED = Check(
    "ct.truncated", Severity.WARNING, CT, "%", {"en": "Body inside the field of view", "hi": "शरीर दृश्य-क्षेत्र के भीतर है"},
    "Ask for a reconstruction with the full field of view.",
    "PS3.3 C.8.2.1 Reconstruction Diameter; share of the field's edge in the body; limit: MIDAS default", {"max": 25},
)  # fmt: skip
CHECKS = (AIR, NOISE, METAL, TRUNCATED)

BODY_HU, METAL_HU, NO_TISSUE_HU = -300.0, 3000.0, -1500.0
SOFT_HU = (0.0, 100.0)
"""Soft tissue by the mean of its surroundings, as the global noise level takes it."""
REGION_MM = 6.0
"""Side of the region whose deviation is one sample of the noise."""
ENOUGH = 0.01
"""Least share of a slice that must be soft tissue before its noise is told."""


class Noise(NamedTuple):
    """Local standard deviations in soft tissue, HU: the most frequent one, and the one that nine of ten stay below."""

    usual: float
    high: float


def looks(one: Slice) -> bool:
    return (
        one.owner.modality in CT and one.owner.grey_scale and "LOCALIZER" not in str(one.value("ImageType"))
    )


def local_deviation(
    values: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation (of the population) of the `side` x `side` pixels around every other pixel."""
    mean = np.asarray(cv2.blur(values, (side, side))[::2, ::2], np.float32)
    square = np.asarray(cv2.sqrBoxFilter(values, cv2.CV_32F, (side, side))[::2, ::2], np.float32)
    return mean, np.sqrt(np.maximum(square - mean * mean, 0))


def noise_of(values: NDArray[np.float32], pixel_mm: float | None) -> Noise | None:
    """Return the noise of a slice in HU; `None` where there is too little soft tissue to tell."""
    side = 2 * max(1, round(REGION_MM / (pixel_mm or 0.7) / 2)) + 1
    mean, deviation = local_deviation(np.clip(values, -200, 300), side)
    chosen = deviation[(mean >= SOFT_HU[0]) & (mean <= SOFT_HU[1])]
    if chosen.size < ENOUGH * mean.size:
        return None
    counts = np.bincount(np.minimum(chosen * 4, 999).astype(np.int64), minlength=1000)
    smooth = np.convolve(counts, np.ones(5), "same")
    below = int(np.searchsorted(np.cumsum(counts), 0.9 * chosen.size))
    return Noise((float(np.argmax(smooth)) + 0.5) / 4, (below + 0.5) / 4)


def calibrated_air(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    """Measure the darkest hundredth of what is no padding; a slice wholly inside a body has no air to tell."""
    if not looks(one):
        return
    rows, columns = one.grey.shape
    kept = inner(rows, columns) if round_field(one) else np.ones((rows, columns), bool)
    if one.padding is not None:
        kept = kept & ~one.padding
    values = one.grey[::2, ::2][kept[::2, ::2]]
    if values.size < 100:
        return
    values = np.partition(values.ravel(), values.size // 100)[: values.size // 100 + 1]
    yield judge(
        AIR, float(values.max()), "The darkest hundredth of the slice lies at", item=item, scope=scope
    )


def noise(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    if not looks(one):
        return
    found = noise_of(one.grey, one.pixel_mm)
    if found is not None:
        one.kept["ct.noise"], one.kept["ct.noise-high"] = found
        yield judge(NOISE, found.usual, "The noise in soft tissue is", item=item, scope=scope)


def metal(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    if looks(one):
        share = 100.0 * np.count_nonzero(one.grey >= METAL_HU) / one.grey.size
        yield judge(METAL, share, "Metal covers", item=item, scope=scope)


def round_field(one: Slice) -> bool:
    """Say whether only a circle was reconstructed: the corners hold padding, or what cannot be a measurement."""
    corners = one.grey[[0, 0, -1, -1], [0, -1, 0, -1]]
    padded = one.padding is not None and bool(one.padding[0, 0] and one.padding[-1, -1])
    return padded or bool((corners <= NO_TISSUE_HU).all())


@lru_cache(maxsize=16)
def inner(rows: int, columns: int, less: float = 2) -> NDArray[np.bool_]:
    """Return the largest circle in a picture, `less` pixels smaller."""
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2)
    return np.asarray(radius < min(rows, columns) / 2 - less)


@lru_cache(maxsize=16)
def edge(rows: int, columns: int, circle: bool) -> NDArray[np.bool_]:
    """Return the edge of the field: of the rectangle, or of the largest circle in it, two pixels wide."""
    if circle:
        return np.asarray(inner(rows, columns) & ~inner(rows, columns, 4))
    rim = np.ones((rows, columns), bool)
    rim[2:-2, 2:-2] = False
    return rim


def inside_the_field(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    """Measure how much of the field's edge lies in the body; the field is round where its corners hold no measurement."""
    if not looks(one) or min(one.grey.shape) < 32:
        return
    rim = edge(one.grey.shape[0], one.grey.shape[1], round_field(one))
    share = 100.0 * float(np.mean(one.grey[rim] > BODY_HU))
    yield judge(TRUNCATED, share, "Of the edge of the field, the body covers", item=item, scope=scope)


SLICE = (calibrated_air, noise, metal, inside_the_field)
