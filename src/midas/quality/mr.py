"""What the pixels of one MR slice show: signal to noise, ghosts, and how blurred motion has left it.

In comes a `Slice`, out comes what each check measured. The measures need air around the body: where a device has set it
to zero, or the body fills the picture, they are not told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import MR, Check, Measured, judge
from midas.quality.image import SMALL, Slice

SNR = Check(
    "mr.snr", Severity.WARNING, MR, "", {"en": "Signal to noise", "hi": "सिग्नल-शोर अनुपात (SNR)"},
    "Look at the images; the scan may have to be done again with more averages or a better coil.",
    "NEMA MS 1-2008 method 4 (0.655 x signal / deviation of air); limit: MIDAS default", {"min": 5},
)  # fmt: skip
GHOST = Check(
    "mr.ghost", Severity.WARNING, MR, "%", {"en": "Ghosts in the air", "hi": "हवा में प्रेत-छवि (घोस्ट)"},
    "Look for pulsation or motion along the phase direction; the scan may have to be done again.",
    "Ghosting ratio of the ACR MRI phantom test (there 2.5 % at most); limit for persons: MIDAS default", {"max": 6},
)  # fmt: skip
ENTROPY = Check(
    "mr.focus-entropy", Severity.WARNING, MR, "",
    {"en": "Blur by motion (entropy focus criterion)", "hi": "हिलने से धुँधलापन (EFC)"},
    "Compare with other series of the device; there is no limit that holds for all, so the protocol may set one.",
    "Atkinson et al., IEEE Trans Med Imaging 1997;16:903; as in MRIQC",
)  # fmt: skip
CHECKS = (SNR, GHOST, ENTROPY)

RAYLEIGH = math.sqrt(2 - math.pi / 2)
"""Deviation of the magnitude of pure noise, 0.655 times that of its real and imaginary parts (NEMA MS 1)."""
ENOUGH = 0.005
"""Least share of a slice that a region must have before anything is told of it."""

SEEN = 0.25
"""What lies above this part of the way from dark to bright belongs to the body; fainter ghosts stay in the air."""


class Regions(NamedTuple):
    """Body and air of a slice, the air a good way off the body."""

    body: NDArray[np.bool_]
    air: NDArray[np.bool_]


def regions(values: NDArray[np.float32]) -> Regions | None:
    """Part a magnitude image by Otsu's threshold; `None` where body or air is too small to measure."""
    top = float(np.percentile(values[::4, ::4], 99.5))
    if top <= 0 or values.min() == values.max():
        return None
    eight = np.clip(values * (255 / top), 0, 255).astype(np.uint8)
    small = cv2.resize(eight, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    parted, _ = cv2.threshold(small, 0, 255, cv2.THRESH_OTSU)
    dark, bright = float(small[small <= parted].mean()), float(small[small > parted].mean())
    seen = (small > dark + SEEN * (bright - dark)).astype(np.uint8)
    clean = cv2.morphologyEx(seen, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(clean, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15)))
    wide = cv2.dilate(closed, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    shape = (values.shape[1], values.shape[0])
    air = cv2.resize(wide, shape, interpolation=cv2.INTER_NEAREST) == 0
    body = eight > (dark + bright) / 2
    least = ENOUGH * values.size
    return Regions(body, air) if wide.any() and body.sum() >= least and air.sum() >= least else None


def looks(one: Slice) -> bool:
    return one.owner.modality in MR and one.owner.grey_scale and min(one.grey.shape) >= 32


def signal_to_noise(body: NDArray[np.float32], air: NDArray[np.float32]) -> float | None:
    """Return NEMA's ratio for magnitude images; `None` where air was set to zero and holds no noise."""
    deviation = float(air.std())
    if deviation <= 0 or np.count_nonzero(air) < air.size / 2:
        return None
    return RAYLEIGH * float(np.median(body[::4])) / deviation


def ghosting(values: NDArray[np.float32], parts: Regions) -> float | None:
    """Return ACR's ghosting ratio: how air above and below differs from air beside, by twice the signal.

    Air is taken in the bands beside the box around the body; `None` where a side has none.
    """
    rows, columns = np.flatnonzero(~parts.air.all(1)), np.flatnonzero(~parts.air.all(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    across = (values[:top, left:right], values[bottom:, left:right])
    beside = (values[top:bottom, :left], values[top:bottom, right:])
    if min(part.size for part in (*across, *beside)) < ENOUGH * values.size / 4:
        return None
    upright, flat = (float(np.mean([part.mean() for part in pair])) for pair in (across, beside))
    return abs(upright - flat) / (2 * float(values[parts.body].mean()))


def focus_entropy(values: NDArray[np.float32]) -> float:
    """Return the entropy focus criterion: 0 where all signal is in one pixel, 1 where it is spread evenly."""
    share = np.abs(values)
    share /= np.float32(max(float(cv2.norm(share)), 1e-12))
    logs = cv2.log(np.maximum(share, np.float32(1e-16)))
    most = math.sqrt(values.size) * math.log(math.sqrt(values.size))
    return float(-cv2.multiply(share, logs).sum(dtype=np.float64) / most)


def measures(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    if not looks(one):
        return
    values = one.grey
    parts = regions(values)
    if parts is None:
        return
    snr = signal_to_noise(values[parts.body], values[parts.air])
    yield judge(SNR, snr, "The signal to noise ratio is", item=item, scope=scope)
    ghosts = None if snr is None else ghosting(values, parts)
    yield judge(
        GHOST, None if ghosts is None else 100 * ghosts, "Ghosts in the air are", item=item, scope=scope
    )
    yield judge(ENTROPY, focus_entropy(values), "The entropy focus criterion is", item=item, scope=scope)


SLICE = (measures,)
