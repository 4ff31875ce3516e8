"""Where lines of text stand in a picture, by the detector's map of probability.

In comes an RGB picture of eight bits, out come slanted boxes in its pixels. Parts that cannot hold text are not
looked at; what stands in the boxes is not read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from midas.deid.pictures import reader
from midas.deid.pictures.candidates import CELL, Look, Part, looks
from midas.deid.pictures.frames import Array

SEED, SURE = 0.25, 0.4
"""Least probability of a pixel of text, and least mean probability of a line."""
GROWTH = 1.6
"""The detector marks the core of a line: its box grows by area x GROWTH / circumference on each side (DB, 2020)."""
SMALLEST = 3
SMALL = 24
"""Height in pixels above which a closer look shows nothing new."""
DONE = 0.6
"""Probability of a small line from which coarser looks do not look there again."""
ALIKE = 1.7
"""Heights of which one is up to so many times the other belong to the same text."""
LOOSE, TOLD = 6.0, 0.75
"""How much higher than the text a coarser look may draw its box, and how much of it finer lines must fill to replace it."""


@dataclass(frozen=True)
class Line:
    """A line of text: centre, length along the text, height across it (pixels), slant in degrees, probability."""

    x: float
    y: float
    length: float
    height: float
    slant: float
    score: float

    def corners(self, *, by: float = 0.0, along: float = 0.0) -> Array:
        """Return the four corners, moved outwards by `by` pixels, and by `along` more at both ends."""
        import cv2

        size = (self.length + 2 * (by + along), self.height + 2 * by)
        return np.asarray(cv2.boxPoints(((self.x, self.y), size, self.slant)))

    def box(
        self, shape: tuple[int, ...], *, by: float = 0.0, along: float = 0.0
    ) -> tuple[int, int, int, int]:
        """Return (left, top, right, bottom), half open, of the upright box around it within a picture of `shape`."""
        points = self.corners(by=by, along=along)
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


def lines(picture: Array, *, within: Array | None = None, before: Sequence[Line] = ()) -> list[Line]:
    """Return the lines of text that the detector sees in an RGB picture, at every size of looking, each once.

    `within` are the pixels around which to look (None: all), `before` the lines that are known and not told again.
    """
    kept = list(before)
    for number, size in enumerate(looks(picture, within=within)):
        fine = [
            line for line in kept if number and line.score > DONE and line.height * size.scale < SMALL / 2
        ]
        kept = _with(kept, _seen(size.parts(told=_told_cells(size, [*before, *fine], by=CELL / 2))))
        if number == 0:
            nearer = _seen(size.closer(_told_cells(size, kept)))
            kept = _with(kept, [line for line in nearer if line.height * size.scale < SMALL])
    return [line for line in kept if line not in before]


_PARTS_SEEN: reader.Remembered[tuple[Line, ...]] = reader.Remembered(2048)


def _seen(parts: Iterable[Part]) -> list[Line]:
    """Return the lines in parts of a picture; the same part is never searched twice in one process."""
    found: list[Line] = []
    for part in parts:
        key = reader.Remembered.key(part.picture)
        near = _PARTS_SEEN.get(key)
        if near is None:
            near = tuple(from_map(reader.probability(part.picture)))
            _PARTS_SEEN.put(key, near)
        found += [line.moved(part.left / part.scale, part.top / part.scale, 1 / part.scale) for line in near]
    return once(found)


def _with(kept: Sequence[Line], found: Sequence[Line]) -> list[Line]:
    """Return the lines with those of a coarser look that they do not tell already, less what these complete."""
    fresh = [line for line in found if not _told(line, kept)]
    return [line for line in kept if not any(_piece(line, other) for other in fresh)] + fresh


def _told_cells(size: Look, kept: Sequence[Line], *, by: float = 0.0) -> Array:
    import cv2

    told = np.zeros(size.scores.shape, np.uint8)
    for line in kept:
        corners = line.corners(by=line.height / 3 + by / size.scale) * size.scale / CELL
        cv2.fillPoly(told, [np.round(corners - 0.5).astype(np.int32)], 1)
    return told


def once(found: Sequence[Line]) -> list[Line]:
    """Return the lines without those that are a piece of another of about the same height."""
    kept: list[Line] = []
    for line in sorted(found, key=lambda one: -one.length):
        if not any(_piece(line, other) for other in kept):
            kept.append(line)
    return kept


def _told(line: Line, finer: Sequence[Line]) -> bool:
    """Say whether lines found at a finer size fill this one along its length: then they are its text, closer fitted."""
    filled = np.zeros(64, bool)
    for other in finer:
        along, across = from_centre(other, line)
        apart = abs((other.slant - line.slant + 90) % 180 - 90)
        if apart > 20 or across > 0.5 * line.height or other.height < line.height / LOOSE:
            continue
        first, last = (along + sign * other.length / 2 for sign in (-1, 1))
        cut = [round(64 * (0.5 + end / line.length)) for end in (first, last)]
        filled[max(cut[0], 0) : max(cut[1], 0)] = True
    return float(filled.mean()) > TOLD


def from_centre(line: Line, other: Line) -> tuple[float, float]:
    """Return how far the centre of `line` lies from that of `other`: along the slant of `other` (signed), and across."""
    turn = np.deg2rad(other.slant)
    x, y = line.x - other.x, line.y - other.y
    return float(x * np.cos(turn) + y * np.sin(turn)), abs(float(y * np.cos(turn) - x * np.sin(turn)))


def _piece(line: Line, other: Line) -> bool:
    if not 1 / ALIKE < line.height / other.height < ALIKE:
        return False
    along, across = from_centre(line, other)
    return (
        across < 0.4 * other.height and abs(along) + line.length / 2 < other.length / 2 + 0.6 * other.height
    )


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
