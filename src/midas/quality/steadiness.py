"""Do the slices of a series hold together: did the person move between them, does one stand out by streaks or noise?

In come the images of one series after their slices were looked at; out comes what each check measured. Neighbouring slices
are compared in pictures of 128 x 128.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import CT, MR, Check, Measured, judge
from midas.quality.geometry import Stack, stacks
from midas.quality.image import SMALL, Image

MOVED = Check(
    "series.motion", Severity.WARNING, CT | MR, "mm", {"en": "Still between slices", "hi": "स्लाइस के बीच कोई हलचल नहीं"},
    "Look at the volume from the side: the person may have moved, and the scan may have to be done again.",
    "Jump of one slice against its neighbours by phase correlation (Kuglin and Hines, IEEE Conf. Cybernetics and Society "
    "1975:163); limit: MIDAS default",
    {"max": 6},
)  # fmt: skip
STREAKS = Check(
    "ct.streaks", Severity.WARNING, CT, "HU", {"en": "Streaks in a slice", "hi": "स्लाइस में धारियाँ (स्ट्रीक)"},
    "Metal or too little dose: ask for a series with metal artefact reduction, or leave the slices out.",
    "Deviation that a slice has beyond its series, sqrt(SD² - SD²usual); measure and limit: MIDAS default",
    {"max": 60},
)  # fmt: skip
CHECKS = (MOVED, STREAKS)

SURE = 0.15
"""Least response of the phase correlation (0 to 1) that counts as a match of two slices."""


def shift(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return how far `after` lies from `before`, in pixels along columns and rows, and how sure that is (0 to 1)."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before, after, window)
    return float(x), float(y), float(response)


def jump_of(stack: Stack) -> float | None:
    """Return the largest displacement of a slice against the run of its neighbours in mm; `None` where none can be told."""
    pictures = [one.__dict__.get("small") for one in stack.slices]
    columns = float(stack.slices[0].owner.ds.get("Columns") or SMALL)
    scale = (stack.slices[0].pixel_mm or 1.0) * columns / SMALL
    steps = [
        shift(before, after)
        for before, after in pairwise(pictures)
        if before is not None and after is not None
    ]
    sure = np.array([(x, y) for x, y, response in steps if response >= SURE])
    if len(sure) < 3:
        return None
    return float(np.hypot(*(sure - np.median(sure, axis=0)).T).max()) * scale


def still(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    if images[0].modality not in CT | MR:
        return
    jumps = [found for stack in stacks(images) if (found := jump_of(stack)) is not None]
    value = max(jumps) if jumps else None
    yield judge(MOVED, value, "A slice is displaced against its neighbours by", item=item, scope=scope)


def streaks(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    """Compare each slice's deviation in soft tissue (the one that nine tenths stay below) with the middle of the series."""
    high = [
        one.kept["ct.noise-high"] for image in images for one in image.slices if "ct.noise-high" in one.kept
    ]
    if len(high) < 3:
        return
    usual = median(high)
    index = math.sqrt(max(max(high) ** 2 - usual**2, 0.0))
    yield judge(STREAKS, index, "The artefact index of the worst slice is", item=item, scope=scope)


SERIES = (still, streaks)
