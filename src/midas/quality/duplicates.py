"""Near-duplicates in a dataset: the same picture again, also compressed, resized, mirrored, turned by 90°, or cropped.

In comes a small picture; out come its hashes, to be kept beside it. In come the hashes of a whole dataset; out come the
candidates, found without comparing all with all (`lookup`). In come the two pictures of a candidate; out comes whether
they are the same: a hash of 63 bits is never proof. Nothing here opens a file or knows whose picture it is.

A hash holds the signs of the 8 x 8 lowest frequencies of the picture's cosine transform without the mean (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010; the comparison with zero in place of the
median makes mirror images and turns exact). A cropped copy is found because the whole of it looks like a window of the
other: each picture has one hash for the whole and one for each further window of `WINDOWS`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.quality.checks import Check
from midas.quality.lookup import LAYOUT, TURNS, Hashes, Lookup, Plain, upright

Array = np.ndarray[Any, Any]
BASE = 256
"""Pixels a side of the picture that the transforms are taken of, whatever the shape of the picture was."""
TRIMS = (
    *((before, after) for before in (0.0, 0.05, 0.1) for after in (0.0, 0.05, 0.1)),
    (0.17, 0.0),
    (0.0, 0.17),
)
"""What a crop may have taken from the two ends of a side, as a part of it; in between, the hash is near enough."""
WINDOWS = tuple((top, bottom, left, right) for top, bottom in TRIMS for left, right in TRIMS)
"""The parts cut off above, below, left and right; the first is the whole picture."""
FLAT = 1.0
"""Contrast in grey levels (standard deviation over the 63 frequencies) below which nothing could be recognised."""
WHOLE, CROPPED = 8, 5
"""Bits in which hashes of whole pictures, and of a window and a whole picture, may differ."""
SAME = 0.8
"""Correlation of detail from which two pictures are the same."""
FEW = 256
"""Different hashes up to which all are compared with all: the index alone would take seconds to make."""

COPY = Check(
    "dataset.near-duplicate", Severity.WARNING, frozenset(), "",
    {"en": "The same picture again in the dataset", "hi": "डेटासेट में वही तस्वीर दोबारा"},
    "One person under two names: note them as a pair, so that they stay in one part of every split. A copy that does not "
    "belong: exclude it. Two pictures that only look alike: accept.",
    "hash: Zauner 2010; search: Norouzi et al., CVPR 2012; second look: correlation of detail. Limit: MIDAS default",
    {"max": SAME},
)  # fmt: skip
CHECKS = (COPY,)

_ROWS, _COLUMNS = [one.down for one in LAYOUT], [one.across for one in LAYOUT]
_PLACES = np.uint64(1) << np.arange(len(LAYOUT), dtype=np.uint64)


def _waves() -> NDArray[np.float32]:
    """Return the first 8 cosine waves over each of `TRIMS`: what lies beyond the trim counts nothing."""
    edges = np.arange(BASE + 1) / BASE
    found = np.zeros((len(TRIMS), 8, BASE))
    for number, (before, after) in enumerate(TRIMS):
        at = np.clip((edges - before) / (1 - before - after), 0, 1)
        found[number, 0] = np.diff(at)
        for wave in range(1, 8):
            found[number, wave] = np.diff(np.sin(np.pi * wave * at)) / (np.pi * wave) * np.sqrt(2)
    return found.reshape(-1, BASE).astype(np.float32)


WAVES = _waves()


def hashes(picture: Array) -> Hashes:
    """Return the hashes of one picture (8-bit grey or RGB, any size): `len(WINDOWS)` of 63 bits, the whole one first.

    0 stands for a window without content. Make them where the picture is decoded anyway; 300 pixels a side are enough.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    base = cv2.resize(grey, (BASE, BASE), interpolation=cv2.INTER_AREA).astype(np.float32)
    planes = (WAVES @ (base - base.mean()) @ WAVES.T).reshape(len(TRIMS), 8, len(TRIMS), 8)
    waves = planes.transpose(0, 2, 1, 3).reshape(len(WINDOWS), 8, 8)[:, _ROWS, _COLUMNS]
    found = ((waves > 0) * _PLACES).sum(axis=1, dtype=np.uint64)
    found[np.sqrt((waves**2).sum(axis=1)) < FLAT] = 0
    return np.asarray(found)


class Pair(NamedTuple):
    """Two pictures that may be the same, by their places in the array of hashes, the smaller first.

    `distance` is in bits of 63; `cropped` says that only a part of one looks like the other.
    """

    first: int
    second: int
    distance: int
    cropped: bool


def pairs(marks: Hashes, *, whole: int = WHOLE, cropped: int | None = CROPPED) -> tuple[Pair, ...]:
    """Return all candidates in a dataset: `marks` has one row of `hashes` for each picture (pictures x windows).

    Exact: no two rows within the stated distances are missed, whichever of the eight ways they lie; `cropped` None leaves
    windows out. Copies with the very same hash are each paired with the first of them, and that one with all others.
    Memory is that of `marks` and of the pairs; time grows with the pictures and with the pairs found.
    """
    full = np.ascontiguousarray(marks[:, 0])
    alive = np.flatnonzero(full != 0)
    _, first, group = np.unique(upright(full[alive]), return_index=True, return_inverse=True)
    owners = alive[first]
    found: dict[tuple[int, int], Pair] = {}
    for picture, leader in zip(alive.tolist(), owners[group].tolist(), strict=True):
        if picture != leader:
            found[leader, picture] = Pair(leader, picture, 0, False)
    held = full[owners]
    index: Lookup | Plain = Plain(held) if len(owners) <= FEW else Lookup(held)
    ones, others, apart = index.near(held, whole)
    _add(found, owners[ones], owners[others], apart, cropped=False)
    if cropped is not None:
        for pictures, others, apart in index.near_any(marks[:, 1:], owners, cropped):
            _add(found, pictures, owners[others], apart, cropped=True)
    return tuple(sorted(found.values()))


def _add(
    found: dict[tuple[int, int], Pair], ones: NDArray[np.int64], others: NDArray[np.int64],
    apart: NDArray[np.uint8], *, cropped: bool,
) -> None:  # fmt: skip
    """Add pairs that were found; a pair of whole pictures comes before one of a window."""
    lows, highs = np.minimum(ones, others), np.maximum(ones, others)
    different = lows != highs
    for low, high, bits in zip(
        lows[different].tolist(), highs[different].tolist(), apart[different].tolist(), strict=True
    ):
        held = found.get((low, high))
        if held is None or (held.cropped and cropped and bits < held.distance):
            found[low, high] = Pair(low, high, bits, cropped)


class Likeness(NamedTuple):
    """How alike two pictures are at best: the correlation of their detail (-1 to 1), and how one lies in the other.

    `turn` names the way (`lookup.TURNS`) in which the smaller view was turned; `part` is how much of the larger it covers.
    """

    score: float
    turn: int
    part: float

    @property
    def same(self) -> bool:
        return self.score >= SAME


LOOK = 128
"""Pixels of the longer side at which the second look is taken."""
FINE, COARSE = 1.0, 8.0
"""Widths, in those pixels, between which detail is compared: noise and shading lie outside."""
SCALES, FINER = np.arange(1.0, 0.66, -0.03), np.arange(-0.02, 0.021, 0.01)
"""Parts of a side that a cropped copy may cover, and the steps by which the best of them is refined."""


def alike(first: Array, second: Array) -> Likeness:
    """Look at the pixels of two pictures (8-bit grey or RGB, at least 64 pixels a side): is one the other, or a part of it?

    Every turn, scale and place is tried, with the shading taken away, so that two pictures of one kind do not pass as one.
    """
    one, other = _detail(first), _detail(second)
    best, found = Likeness(-1.0, 0, 0.0), (one, other, 1.0)
    for large, small in ((one, other), (other, one)):
        for turn in range(len(TURNS)):
            view = turned(small, turn)
            for scale in SCALES:
                seen = _within(large, view, float(scale), turn)
                if seen > best:
                    best, found = seen, (large, view, float(scale))
    large, view, scale = found
    return max(
        [best, *(_within(large, view, scale + float(step), best.turn) for step in FINER if scale + step <= 1)]
    )


def turned(picture: Array, turn: int) -> Array:
    """Return a picture turned in one of the eight ways (an index into `lookup.TURNS`)."""
    transposed, across, down = TURNS[turn]
    picture = picture.T if transposed else picture
    picture = picture[:, ::-1] if across else picture
    return np.ascontiguousarray(picture[::-1] if down else picture)


def _detail(picture: Array) -> Array:
    """Return the picture in `LOOK` pixels, its noise and shading taken away."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    scale = LOOK / max(grey.shape)
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), FINE) - cv2.GaussianBlur(small, (0, 0), COARSE))


def _within(large: Array, small: Array, scale: float, turn: int) -> Likeness:
    """Find the best place of one picture in another, as large as fits times `scale`."""
    fit = scale * min(large.shape[0] / small.shape[0], large.shape[1] / small.shape[1])
    size = (round(small.shape[1] * fit), round(small.shape[0] * fit))
    if min(size) < 16:
        return Likeness(-1.0, turn, 0.0)
    view = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    score = cv2.matchTemplate(large, view, cv2.TM_CCOEFF_NORMED).max()
    return Likeness(float(score), turn, view.size / large.size)
