"""Near-duplicates among series of CT and MR: the same scan again, also windowed, rescaled, mirrored, cropped or shortened.

In come the images of one series after their slices were looked at; out comes its signature, to be kept beside it. In come
the signatures of two series; out comes whether they are the same scan. Nothing here knows whose series it is.

Slices of one scan are alike, and so are those of two persons at one level; therefore a whole series is one picture: the
mean of its slices, found again by its hashes as any picture is (`duplicates.hashes`). It changes little where some slices
are missing, and not at all where their order is reversed. The second look then compares the series slab by slab.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.quality.checks import CT, MR, Check
from midas.quality.duplicates import SCALES, Likeness, hashes, turned
from midas.quality.geometry import stacks
from midas.quality.image import Image
from midas.quality.lookup import TURNS, Hashes

MODALITIES = CT | MR
FEWEST = 8
"""Slices of one stack from which a series is searched: scout views and single slices are not."""
SLABS, SIDE = 16, 64
"""Parts of equal thickness that a stack is divided into, and pixels of the longer side of their pictures."""
RANGE = (5, 99)
"""Percentiles of a series between which grey values count, so that neither rescaling nor a wide window matters."""
SAME = 0.88
"""Correlation of detail of half the slabs from which two series are the same scan (docs/design/025-gates-and-splits.md)."""
FINE, COARSE = 0.7, 4.0
"""Widths in pixels between which the detail of slabs is compared."""
BETWEEN = 4
"""Steps from one slab to the next at which a slab is compared: slices that are missing shift it."""

COPY = Check(
    "dataset.near-duplicate-series", Severity.WARNING, MODALITIES, "",
    {"en": "The same scan again in the dataset", "hi": "डेटासेट में वही स्कैन दोबारा"},
    "One person under two names: note them as a pair, so that they stay in one part of every split. A copy that does not "
    "belong: exclude it. Two scans that only look alike: accept.",
    "hash: Zauner 2010; search: Norouzi et al., CVPR 2012; second look: correlation of slabs. Limit: MIDAS default",
    {"max": SAME},
)  # fmt: skip
CHECKS = (COPY,)


class Signature(NamedTuple):
    """What is kept of a series: the hashes of its mean picture, its slabs as a JPEG of 4 x 4, its middle image's UID."""

    marks: Hashes
    slabs: bytes
    middle: str


def sign(images: Sequence[Image]) -> Signature | None:
    """Return the signature of a series' largest stack, or `None` where that has fewer than `FEWEST` slices or is blank."""
    found = max(stacks(images), key=lambda one: len(one.slices), default=None)
    seen = [one for one in found.slices if "small" in one.__dict__] if found else []
    if len(seen) < FEWEST:
        return None
    low, high = np.percentile([one.small[::4, ::4] for one in seen], RANGE)
    if not high > low:
        return None
    middle = seen[len(seen) // 2].owner.ds
    scale = SIDE / max(middle.Rows, middle.Columns)
    size = (max(8, round(middle.Columns * scale)), max(8, round(middle.Rows * scale)))
    begins = np.linspace(0, len(seen), SLABS + 1)
    slabs = np.zeros((SLABS, *seen[0].small.shape), np.float32)
    for at, one in enumerate(seen):
        grey = np.clip((one.small - low) * (255 / (high - low)), 0, 255)
        part = np.clip(np.minimum(begins[1:], at + 1) - np.maximum(begins[:-1], at), 0, None)
        for slab in np.flatnonzero(part):
            slabs[slab] += float(part[slab]) * SLABS / len(seen) * grey
    marks = hashes(_stretched(slabs.mean(axis=0)))
    small = [cv2.resize(slab, size, interpolation=cv2.INTER_AREA) for slab in slabs]
    montage = np.concatenate([np.concatenate(small[row : row + 4], axis=1) for row in range(0, SLABS, 4)])
    packed = cv2.imencode(".jpg", montage.round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return Signature(marks, packed.tobytes(), str(middle.SOPInstanceUID)) if marks[0] else None


def _stretched(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(picture, (1, 99.5))
    return np.asarray(np.clip((picture - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8))


def alike_series(first: bytes, second: bytes) -> Likeness:
    """Say how alike two series are at best, by their slabs (`Signature.slabs`).

    The mean pictures tell how one lies in the other: turned, and as large a part of it as a crop leaves. Each slab is then
    compared with all of the other series, in either order, and the middle one of what they reach is the score. What has no
    slabs (any more) is like nothing.
    """
    if not (first and second):
        return Likeness(0.0, 0, 0.0)
    one, other = _slabs(first), _slabs(second)
    best, large, small = max(
        ((_placed(here, there), here, there) for here, there in ((one, other), (other, one))),
        key=lambda found: found[0].score,
    )
    wide, high = best.size
    view = _flat([_detail(cv2.resize(turned(slab, best.turn), best.size)) for slab in small])
    window = _flat(
        [_detail(slab)[best.top : best.top + high, best.left : best.left + wide] for slab in large]
    )
    score = max(
        float(np.median((these @ _between(those).T).max(axis=1)))
        for these, those in ((view, window), (window, view))
    )
    return Likeness(score, best.turn, wide * high / large[0].size)


class _Place(NamedTuple):
    score: float
    turn: int
    size: tuple[int, int]
    left: int
    top: int


def _placed(large: NDArray[np.float32], small: NDArray[np.float32]) -> _Place:
    """Find where the mean picture of one series lies best in that of the other; `size` is columns and rows."""
    picture, best = _detail(large.mean(axis=0)), _Place(-2.0, 0, (8, 8), 0, 0)
    for turn in range(len(TURNS)):
        view = _detail(turned(small.mean(axis=0), turn))
        fit = min(picture.shape[0] / view.shape[0], picture.shape[1] / view.shape[1])
        for scale in SCALES:
            size = (round(view.shape[1] * fit * scale), round(view.shape[0] * fit * scale))
            if min(size) < 8:
                continue
            resized = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
            _, score, _, (left, top) = cv2.minMaxLoc(
                cv2.matchTemplate(picture, resized, cv2.TM_CCOEFF_NORMED)
            )
            if score > best.score:
                best = _Place(score, turn, size, left, top)
    return best


def _slabs(packed: bytes) -> NDArray[np.float32]:
    montage = np.asarray(cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_GRAYSCALE), np.float32)
    rows = np.split(montage, 4)
    return np.stack([slab for row in rows for slab in np.split(row, 4, axis=1)])


def _detail(picture: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), FINE) - cv2.GaussianBlur(picture, (0, 0), COARSE))


def _flat(pictures: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return each picture as a row of unit length without its mean, so that a product of two is their correlation."""
    rows = np.stack(pictures).reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3))


def _between(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows and what lies between them."""
    at = np.linspace(0, len(rows) - 1, (len(rows) - 1) * BETWEEN + 1)
    before = np.minimum(at.astype(int), len(rows) - 2)
    part = (at - before)[:, None].astype(np.float32)
    return _flat(rows[before] * (1 - part) + rows[before + 1] * part)
