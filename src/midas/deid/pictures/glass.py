"""A slide as one picture: its tiles put together and reduced until they can be searched at once.

In come the frames of an image of tiles, out come pictures of the whole glass, one for each layer, and for boxes in them the
regions of all tiles that they touch. One tile is decoded at a time, each kind of empty tile once; nothing is changed here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil, floor

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from midas.deid.model import Held, Region
from midas.deid.pictures.frames import Array, Frames
from midas.deid.slides import SLIDES
from midas.deid.stream import frame_count

LARGE = 1 << 24
"""Pixels of all tiles of a slide above which not every tile is searched for itself, only the glass as a whole."""
LARGEST = 1 << 22
"""Pixels of the reduced picture that is searched."""
REMEMBERED = 64
"""Tiles whose reduced picture is kept: scanners write the same bytes for every tile of empty glass."""
DECODED = (8, 4, 2)
"""Factors by which a decoder of JPEG reduces a picture while it decodes it."""
SPARE = 0.002
"""By how much of the slide's width and height a box grows where it is carried over from another level."""

Box = tuple[int, int, int, int]
Shares = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the slide's width and height."""


@dataclass(frozen=True)
class Grid:
    """Columns and rows of the whole in pixels, of a tile, and where each frame stands (left, top)."""

    size: tuple[int, int]
    tile: tuple[int, int]
    places: tuple[tuple[int, int], ...]

    @property
    def layers(self) -> list[list[int]]:
        """Frames by layer: the first that stand in their place, the second (another focus or stain), and so on."""
        met: Counter[tuple[int, int]] = Counter()
        layers: defaultdict[int, list[int]] = defaultdict(list)
        for number, place in enumerate(self.places):
            layers[met[place]].append(number)
            met[place] += 1
        return [layers[number] for number in sorted(layers)]


def large(ds: Dataset) -> bool:
    """Say whether this is a slide of which only the whole is searched, not every tile."""
    pixels = frame_count(ds) * int(ds.get("Rows") or 0) * int(ds.get("Columns") or 0)
    return str(ds.get("SOPClassUID", "")) in SLIDES and pixels > LARGE


def tiled(ds: Dataset) -> bool:
    """Say whether the frames are tiles of one picture (PS3.3 C.7.6.17.3)."""
    return (
        str(ds.get("SOPClassUID", "")) in SLIDES and "TotalPixelMatrixColumns" in ds and frame_count(ds) > 1
    )


def grid(ds: Dataset) -> Grid:
    """Return where the frames stand; `Held` where nothing says it. Frames that are no tiles lie on each other."""
    count, tile = frame_count(ds), (int(ds.Columns), int(ds.Rows))
    if "TotalPixelMatrixColumns" not in ds or "TotalPixelMatrixRows" not in ds:
        return Grid(tile, tile, ((0, 0),) * count)
    size = int(ds.TotalPixelMatrixColumns), int(ds.TotalPixelMatrixRows)
    across, down = ceil(size[0] / tile[0]), ceil(size[1] / tile[1])
    if told := _told_places(ds, count):
        return Grid(size, tile, told)
    if not across * down or count % (across * down):
        raise Held(
            "burned-in-text",
            "Nothing says where the tiles of this slide lie; it cannot be searched for text.",
        )
    whole = [(column * tile[0], row * tile[1]) for row in range(down) for column in range(across)]
    return Grid(size, tile, tuple(whole * (count // len(whole))))


def _told_places(ds: Dataset, count: int) -> tuple[tuple[int, int], ...]:
    """Return the places that frames tell of themselves, none where one of them is silent."""
    groups = ds.get("PerFrameFunctionalGroupsSequence") or ()
    places = []
    for group in groups:
        told = group.get("PlanePositionSlideSequence")
        if not told or "ColumnPositionInTotalImagePixelMatrix" not in told[0]:
            return ()
        left = int(told[0].ColumnPositionInTotalImagePixelMatrix) - 1
        top = int(told[0].get("RowPositionInTotalImagePixelMatrix") or 1) - 1
        places.append((max(left, 0), max(top, 0)))
    return tuple(places) if len(places) == count else ()


@dataclass
class Sheets:
    """The layers of a slide as reduced pictures. `factor` is how many of its pixels one of theirs is wide."""

    frames: Frames
    grid: Grid
    _known: dict[bytes, Array] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, frames: Frames) -> Sheets:
        return cls(frames, grid(frames.opened.ds))

    @property
    def factor(self) -> int:
        wide, tall = self.grid.size
        factor = 1
        while ceil(wide / factor) * ceil(tall / factor) > LARGEST:
            factor *= 2
        return factor

    def pictures(self) -> Iterator[tuple[Array, list[int]]]:
        """Yield each layer as a picture of eight bits, with the numbers of its frames."""
        for layer in self.grid.layers:
            yield self._picture(layer), layer

    def _picture(self, layer: Sequence[int]) -> Array:
        factor, coloured = self.factor, self.frames.shape[2] > 1 or self.frames.colours == "PALETTE COLOR"
        wide, tall = (ceil(side / factor) for side in self.grid.size)
        whole = np.full((tall, wide, 3), 255, np.uint8) if coloured else np.zeros((tall, wide), np.uint8)
        for number in layer:
            left, top = (at // factor for at in self.grid.places[number])
            small = self._small(number)[: tall - top, : wide - left]
            if small.size:
                whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        return whole

    def _small(self, number: int) -> Array:
        stored = self.frames.stored(number)
        key = blake2b(stored, digest_size=16).digest()
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._decoded(stored, number)
        return self._known[key]

    def _decoded(self, stored: bytes, number: int) -> Array:
        import cv2

        rows, columns, samples = self.frames.shape
        size = ceil(columns / self.factor), ceil(rows / self.factor)
        made = None
        if (
            self.frames.opened.syntax == JPEGBaseline8Bit
            and samples == 3
            and self.frames.colours.startswith("YBR")
        ):
            made = _reduced(stored, self.factor)
        picture = _eight(self.frames.seen(number), self.frames.opened.ds) if made is None else made
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))

    def regions(
        self, boxes: Iterable[Box], *, layer: Sequence[int] | None = None, like: Region
    ) -> list[Region]:
        """Return what covers boxes (left, top, right, bottom of the whole slide) in every tile they touch."""
        parts: dict[Box, list[int]] = defaultdict(list)
        wide, tall = self.grid.tile
        numbers = range(len(self.grid.places)) if layer is None else layer
        for box in boxes:
            for number in numbers:
                x, y = self.grid.places[number]
                left, top = max(box[0] - x, 0), max(box[1] - y, 0)
                right, bottom = min(box[2] - x, wide), min(box[3] - y, tall)
                if left < right and top < bottom:
                    parts[left, top, right - left, bottom - top].append(number)
        return [
            Region(*part, rule=like.rule, evidence=like.evidence, frames=run)
            for part, found in parts.items()
            for run in _runs(sorted(set(found)))
        ]

    def of_shares(self, shares: Iterable[Shares], *, like: Region) -> list[Region]:
        """Return what covers boxes that were found on another level of the same glass."""
        wide, tall = self.grid.size
        boxes = [
            (
                floor((left - SPARE) * wide), floor((top - SPARE) * tall),
                ceil((right + SPARE) * wide), ceil((bottom + SPARE) * tall),
            )
            for left, top, right, bottom in shares
        ]  # fmt: skip
        return self.regions(boxes, like=like)

    def shares(self, regions: Iterable[Region]) -> list[Shares]:
        """Return regions of tiles as shares of the whole."""
        wide, tall = self.grid.size
        found = []
        for one in regions:
            for number in range(*(one.frames or (0, len(self.grid.places)))):
                x, y = self.grid.places[number]
                left, top = x + one.left, y + one.top
                found.append((left / wide, top / tall, (left + one.width) / wide, (top + one.height) / tall))
        return list(dict.fromkeys(found))

    def covered(self, regions: Iterable[Region]) -> float:
        """Return which share of the whole the regions cover."""
        mask = np.zeros((256, 256), bool)
        for left, top, right, bottom in self.shares(regions):
            mask[int(top * 256) : ceil(bottom * 256), int(left * 256) : ceil(right * 256)] = True
        return float(mask.mean())


def _reduced(stored: bytes, factor: int) -> Array | None:
    """Return a JPEG of three colours decoded at a part of its size; None where that cannot be done."""
    import cv2

    by = next((one for one in DECODED if one <= factor), 1)
    how = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
    flags = how.get(by, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    made = cv2.imdecode(np.frombuffer(stored, np.uint8), flags)
    return None if made is None else np.asarray(made[..., ::-1])


def _eight(picture: Array, ds: Dataset) -> Array:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype.kind == "f":
        top = float(np.abs(picture).max()) or 1.0
        return np.asarray((picture / top * 255).clip(0, 255).astype(np.uint8))
    shift = max(int(ds.get("BitsStored") or 8) - 8, 0)
    return np.asarray((picture >> shift).clip(0, 255).astype(np.uint8))


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges of numbers that follow one another."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last + 1
            first = number
        last = number
    yield first, last + 1
