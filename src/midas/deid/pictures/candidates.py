"""Which parts of a picture could hold text at all, found cheaply, so that the detector need not look at the rest.

In comes a picture, out come rectangles at several sizes of looking. Thin light and dark strokes are measured in cells of
8 x 8 pixels, and a small network (`tables/text_cells.json`, trained by `tools/train_text_cells.py`) weighs how dense, even,
sharp and alike they are. The rule that leaves a part out is audited by `benchmarks/deid_pixels.py`, which plants text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files

import numpy as np

from midas.deid.pictures.frames import Array

CELL = 8
WIDEST_STROKE = 7
"""Pixels: anything wider is no stroke at this size of looking."""
FAINTEST = 12
"""Grey values of 255 by which a stroke must differ from its ground."""
STANDS_OUT = 2.0
"""How many times the mean of its surroundings a stroke must differ."""
AROUND, FAR = 7, 17
"""Cells a side of its near and of its wide surroundings."""
SPARSE = 0.02
"""Share of a word's window below which strokes are not weighed at all."""
LEVELS = 4
"""Sizes of looking, each half of the one before; text up to 16 times as high as at the first."""
TINY = 320
"""Pixels of the shorter side below which a picture is looked at twice its size."""
LEAST = 32
STRONG, BUSY = 1.5, 0.12
"""Score from which a cell should hold text, and the share of such cells above which a picture is merely busy."""
PAIRS = ((1, 2), (2, 1))
FULL = 0.5
"""Least share of a rectangle that must be worth looking at, else it is cut in two."""
EACH = np.full(CELL, 1 / CELL**2, np.float32)
"""The share of each pixel in the mean of its cell, once its column is summed."""
OVERLAP = 3
"""Cells by which both halves reach over a cut that goes through something."""


@dataclass(frozen=True)
class Part:
    """A rectangle of a picture at one size of looking; `scale` is that size over the picture's own."""

    picture: Array
    left: int
    top: int
    scale: float


@dataclass(frozen=True)
class Weights:
    """The network: features are centred and scaled, one hidden layer of tanh, a score above `least` is worth looking."""

    centre: Array
    spread: Array
    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: float
    least: float


@cache
def weights() -> Weights:
    table = json.loads(files("midas.deid.tables").joinpath("text_cells.json").read_text("utf-8"))
    arrays = {
        name: np.asarray(table[name], np.float32)
        for name in ("centre", "spread", "inner", "inner_bias", "outer")
    }
    return Weights(outer_bias=float(table["outer_bias"]), least=float(table["least"]), **arrays)


@dataclass(frozen=True)
class Look:
    """A picture at one size of looking, with the score of each of its cells, and the cells to look at (None: all)."""

    picture: Array
    scale: float
    scores: Array
    within: Array | None = None

    def parts(self, *, told: Array | None = None) -> Iterator[Part]:
        """Yield the parts that could hold text; where some was told (a mask of cells) nothing more is looked for."""
        worth = (self.scores > weights().least).astype(np.uint8)
        if told is not None:
            worth[told > 0] = 0
        for left, top, right, bottom in self._rectangles(worth):
            yield Part(self.picture[top:bottom, left:right], left, top, self.scale)

    def closer(self, told: Array) -> Iterator[Part]:
        """Yield, at twice the size, the parts that should hold text and where none was told (a mask of cells)."""
        import cv2

        worth = (self.scores > STRONG).astype(np.uint8)
        worth[told > 0] = 0
        worth = np.asarray(
            cv2.max(*(cv2.morphologyEx(worth, cv2.MORPH_OPEN, np.ones(pair, np.uint8)) for pair in PAIRS))
        )
        if worth.mean() > BUSY:
            return
        for left, top, right, bottom in self._rectangles(worth):
            near = self.picture[top:bottom, left:right]
            larger = cv2.resize(near, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            yield Part(larger, left * 2, top * 2, self.scale * 2)

    def _rectangles(self, worth: Array) -> list[tuple[int, int, int, int]]:
        import cv2

        reaching = cv2.dilate(worth, np.ones((3, 5), np.uint8))
        return rectangles(np.asarray(reaching), self.picture.shape, within=self.within)


def looks(picture: Array, *, within: Array | None = None) -> Iterator[Look]:
    """Yield an RGB picture at each size of looking, finest first; `within` are the pixels to look at (None: all)."""
    import cv2

    if within is not None and not within.any():
        return
    scale = 1.0
    if min(picture.shape[:2]) < TINY:
        scale = 2.0
        picture = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for _ in range(LEVELS):
        scores = scored(picture)
        yield Look(picture, scale, scores, None if within is None else _cells(within, scores.shape))
        picture, scale = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), scale / 2
        if min(picture.shape[:2]) < LEAST:
            return


def _cells(pixels: Array, shape: tuple[int, ...]) -> Array:
    """Return the cells in which any of these pixels lies."""
    import cv2

    share = cv2.resize(pixels.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0)


def scored(picture: Array) -> Array:
    """Return how much each cell looks like text: a score, very low where there are hardly any strokes."""
    measured, net = features(picture), weights()
    worth = measured[..., 0] > SPARSE
    scores = np.full(worth.shape, -99.0, np.float32)
    hidden = np.tanh((measured[worth] - net.centre) / net.spread @ net.inner + net.inner_bias)
    scores[worth] = hidden @ net.outer + net.outer_bias
    return scores


def features(picture: Array) -> Array:
    """Return 13 measures of each cell: how dense, strong, even, one-sided, sharp and flat its strokes are, and around it."""
    import cv2

    grey, light, dark = _strokes(picture)
    strength = cv2.max(light, dark).astype(np.float32)
    near = cv2.blur(_per_cell(strength), (AROUND, AROUND))
    limit = cv2.resize(near, grey.shape[::-1], interpolation=cv2.INTER_LINEAR) * STANDS_OUT
    drawn = (strength > np.maximum(FAINTEST, limit)).astype(np.float32)
    value, inked = grey.astype(np.float32), drawn * strength
    share = _per_cell(drawn)
    count = _mean(share) + 1e-3
    mean = _mean(_per_cell(inked)) / count
    spread = _deviation(_per_cell(inked * strength), count, mean)
    tone = _deviation(_per_cell(drawn * value * value), count, _mean(_per_cell(drawn * value)) / count)
    sides = np.abs(_mean(_per_cell(drawn * light)) - _mean(_per_cell(drawn * dark))) / (count * (mean + 1))
    edge = np.zeros_like(value)
    edge[:, 1:] = np.abs(np.diff(value, axis=1))
    edge[1:] = np.maximum(edge[1:], np.abs(np.diff(value, axis=0)))
    flat = np.zeros_like(value)
    flat[:, 1:] = grey[:, 1:] == grey[:, :-1]
    rest = _mean(_per_cell(strength - inked)) / (1 - count + 2e-3)
    wide = np.log1p(cv2.blur(near, (FAR, FAR)))
    word = np.maximum(cv2.blur(share, (5, 1)), cv2.blur(share, (1, 5)))
    made = (
        word, np.log1p(mean), spread / (mean + 1), tone / (mean + 1), sides,
        _mean(_per_cell(drawn * edge)) / (count * (mean + 1)),
        np.log1p(rest), rest / (mean + 1), np.log1p(near) - wide, _mean(_per_cell(drawn * flat)) / count, share,
        cv2.blur(share, (9, 1)), cv2.blur(share, (1, 9)),
    )  # fmt: skip
    return np.stack(made, axis=-1).astype(np.float32)


def _strokes(picture: Array) -> tuple[Array, Array, Array]:
    """Return grey values and by how much each pixel is lighter, and darker, than a ground without thin strokes."""
    import cv2

    picture = np.ascontiguousarray(picture)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    planes = cv2.split(picture)
    alike = np.array_equal(planes[0], planes[1]) and np.array_equal(planes[0], planes[2])
    kernel = np.ones((WIDEST_STROKE, WIDEST_STROKE), np.uint8)
    light, dark = (
        reduce(cv2.max, [cv2.morphologyEx(plane, how, kernel) for plane in ((grey,) if alike else planes)])
        for how in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)
    )
    return np.asarray(grey), np.asarray(light), np.asarray(dark)


def _per_cell(values: Array) -> Array:
    """Return the mean of each cell; what is left over at the right and bottom counts as repeated."""
    import cv2

    rows, columns = -(-values.shape[0] // CELL), -(-values.shape[1] // CELL)
    down, right = rows * CELL - values.shape[0], columns * CELL - values.shape[1]
    if down or right:
        values = cv2.copyMakeBorder(values, 0, down, 0, right, cv2.BORDER_REPLICATE)
    within = values.astype(np.float32, copy=False).reshape(rows, CELL, columns * CELL).sum(axis=1)
    return np.asarray((within.reshape(-1, CELL) @ EACH).reshape(rows, columns))


def _mean(values: Array) -> Array:
    import cv2

    return np.asarray(cv2.blur(values, (3, 3)))


def _deviation(squares: Array, count: Array, mean: Array) -> Array:
    return np.asarray(np.sqrt(np.maximum(_mean(squares) / count - mean * mean, 0)))


def rectangles(
    mask: Array, shape: tuple[int, ...], *, within: Array | None = None
) -> list[tuple[int, int, int, int]]:
    """Return (left, top, right, bottom) in pixels of rectangles that hold every cell of the mask.

    Where cells are given as `within`, patches of the mask that none of them touches are left out.
    """
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found: list[tuple[int, int, int, int]] = []
    for number in range(1, count):
        left, top, wide, tall, _ = (int(value) for value in stats[number])
        own = labels[top : top + tall, left : left + wide] == number
        if within is not None and not (own & within[top : top + tall, left : left + wide]).any():
            continue
        found += [(left + a, top + b, left + c, top + d) for a, b, c, d in _cut(own)]
    height, width = shape[:2]
    return [
        (
            max(left * CELL - 4, 0),
            max(top * CELL - 4, 0),
            min(right * CELL + 4, width),
            min(bottom * CELL + 4, height),
        )
        for left, top, right, bottom in found
    ]


def _cut(own: Array) -> Iterator[tuple[int, int, int, int]]:
    """Yield rectangles of cells: the whole where most of it is worth looking at, else its halves, cut where least stands."""
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if not rows.size:
        return
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    inner = own[top:bottom, left:right]
    tall, wide = inner.shape
    if inner.mean() >= FULL or tall * wide <= 48:
        yield left, top, right, bottom
        return
    across = tall >= wide / 2
    counts = inner.sum(axis=1 if across else 0) / (wide if across else tall)
    middle = np.abs(np.arange(len(counts)) - len(counts) / 2) / len(counts)
    at = int(np.argmin(counts[1:-1] + 0.3 * middle[1:-1])) + 1 if len(counts) > 2 else 1
    more = OVERLAP if counts[at] > 0 else 0
    if at + more >= len(counts) or at - more <= 0:
        yield left, top, right, bottom
        return
    for first, last in ((0, at + more), (at - more, len(counts))):
        half = inner[first:last] if across else inner[:, first:last]
        for a, b, c, d in _cut(half):
            yield (left + a, top + first + b, left + c, top + first + d) if across else (
                left + first + a, top + b, left + first + c, top + d)  # fmt: skip
