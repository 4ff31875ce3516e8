"""Where lines of text stand in a picture, by the detector's map of probability.

In comes an RGB picture of eight bits, out come slanted boxes in its pixels. What stands in them is not read here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from midas.deid.pictures import reader
from midas.deid.pictures.frames import Array

SEED, SURE = 0.25, 0.4
"""Least probability of a pixel of text, and least mean probability of a line."""
GROWTH = 1.6
"""The detector marks the core of a line: its box grows by area x GROWTH / circumference on each side (DB, 2020)."""
SMALLEST = 3


@dataclass(frozen=True)
class Line:
    """A line of text: centre, length along the text, height across it (pixels), slant in degrees, probability."""

    x: float
    y: float
    length: float
    height: float
    slant: float
    score: float

    def corners(self, *, by: float = 0.0) -> Array:
        """Return the four corners, moved outwards by `by` pixels."""
        import cv2

        size = (self.length + 2 * by, self.height + 2 * by)
        return np.asarray(cv2.boxPoints(((self.x, self.y), size, self.slant)))

    def box(self, shape: tuple[int, ...], *, by: float = 0.0) -> tuple[int, int, int, int]:
        """Return (left, top, right, bottom), half open, of the upright box around it within a picture of `shape`."""
        points = self.corners(by=by)
        left, top = np.floor(points.min(axis=0)).astype(int)
        right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
        return max(int(left), 0), max(int(top), 0), min(int(right), shape[1]), min(int(bottom), shape[0])

    def moved(self, x: float, y: float, scale: float = 1.0) -> Line:
        """Return the line in a picture that is `scale` times as large, then shifted."""
        return Line(
            self.x * scale + x,
            self.y * scale + y,
            self.length * scale,
            self.height * scale,
            self.slant,
            self.score,
        )


def lines(picture: Array, *, scale: float = 1.0) -> list[Line]:
    """Return the lines of text that the detector sees in the picture, looked at `scale` times its size."""
    import cv2

    looked = picture
    if scale != 1.0:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        looked = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    sure = reader.probability(looked)
    return [line.moved(0, 0, 1 / scale) for line in from_map(sure)]


def from_map(sure: Array) -> list[Line]:
    """Return the lines in a map of probability."""
    import cv2

    seeds = cv2.dilate((sure > SEED).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(seeds, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (wide, tall), angle = cv2.minAreaRect(contour)
        if min(wide, tall) < SMALLEST:
            continue
        if wide < tall:
            wide, tall, angle = tall, wide, angle - 90
        angle = (angle + 90) % 180 - 90
        score = _score(sure, contour)
        if score < SURE:
            continue
        grown = wide * tall * GROWTH / (2 * (wide + tall))
        found.append(Line(x, y, wide + 2 * grown, tall + 2 * grown, angle, score))
    return found


def _score(sure: Array, contour: Array) -> float:
    import cv2

    left, top, wide, tall = cv2.boundingRect(contour)
    inside = np.zeros((tall, wide), np.uint8)
    cv2.fillPoly(inside, [contour - (left, top)], 1)
    return float(cv2.mean(sure[top : top + tall, left : left + wide], inside)[0])
