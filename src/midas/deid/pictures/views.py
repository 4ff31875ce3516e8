"""Pictures for the detector: one frame, or many laid over each other, in eight bits and RGB.

In come the frames of an opened file, out come a few pictures in which every text that any frame shows can be seen.
No more than two frames are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.deid.pictures.frames import Array, Frames, eight, palette

DARKEST, LIGHTEST = 0.2, 99.9
"""Percentiles of grey values shown as black and as white."""
SAMPLE = 1 << 16
"""Pixels looked at to find them."""
LIGHT_GROUND, LIGHTS = 224, 192
"""Grey value of 255 from which a ground is light, and from which its lights are then spread: white may be written on it."""
COLOURS, SHOWN, ROUNDING = 512, 0.5, 2
"""Values of a palette that are compared with each other, what share of a difference between two its colours must show,
and by how many grey values of 255 they may fall short."""
SAME = 2
"""Grey values of 255 by which two pictures may differ and still show the same."""


@dataclass(frozen=True)
class View:
    """One picture to search, the one frame that it shows (None: all, laid over each other), and what is new in it.

    `within` are the pixels that differ from the first picture of a loop; None stands for all of them.
    """

    picture: Array
    frame: int | None = None
    within: Array | None = None


def views(frames: Frames) -> Iterator[View]:
    """Yield what must be searched: each window of a single picture; every tile; of a loop its first frame and extremes."""
    ds = frames.opened.ds
    if frames.count > 1 and "TotalPixelMatrixColumns" in ds:
        for number in range(frames.count):
            for picture in shown(frames.seen(number), ds):
                yield View(picture, number)
        return
    yield from _laid(frames, frames.seen)
    if frames.colours == "PALETTE COLOR" and _hides(frames):
        yield from _laid(frames, frames.samples)


def _hides(frames: Frames) -> bool:
    """Say whether a palette shows some values alike that differ: then text may stand in them that no colour shows."""
    used = np.unique(np.concatenate([np.unique(frames.samples(number)) for number in range(frames.count)]))
    if used.size > COLOURS:
        return True
    colours = eight(palette(frames.opened.ds, used[None]))[0].astype(np.int64)
    values = used.astype(np.int64)
    steps = np.abs(values[:, None] - values) * (255 / max(int(values[-1] - values[0]), 1))
    apart = np.abs(colours[:, None] - colours).max(axis=2)
    return bool((apart + ROUNDING < SHOWN * steps).any())


def _laid(frames: Frames, seen: Callable[[int], Array]) -> Iterator[View]:
    """Yield the frames laid over each other as `seen` shows them; a palette may hide what stands in the samples."""
    ds = frames.opened.ds
    first = low = high = seen(0)
    for number in range(1, frames.count):
        frame = seen(number)
        low, high = np.minimum(low, frame), np.maximum(high, frame)
    pictures = list(shown(first, ds))
    yield from (View(picture) for picture in pictures)
    for laid in (high, low) if frames.count > 1 else ():
        for picture, one in zip(shown(laid, ds), pictures, strict=False):
            within = _differs(picture, one)
            if within.any():
                yield View(picture, within=within)


def _differs(picture: Array, other: Array) -> Array:
    """Return the pixels in which two pictures differ by more than compression does."""
    import cv2

    return np.asarray(cv2.absdiff(picture, other).max(axis=2) > SAME)


def shown(picture: Array, ds: Dataset) -> Iterator[Array]:
    """Yield the picture as RGB: as it is or between its percentiles, then its lights on a light ground or its window."""
    if picture.dtype == np.uint8:
        coloured = picture.ndim == 3
        spread = int(picture.max()) - int(picture.min())
        narrow = not coloured and 0 < spread <= 127
        full = grey(picture, *_ends(picture)) if narrow else picture
        yield full if coloured else _rgb(full)
        if float(np.median(picture.min(axis=2) if coloured else picture)) >= LIGHT_GROUND:
            lights = grey(picture, LIGHTS, 255)
            yield lights if coloured else _rgb(lights)
        return
    if picture.ndim == 3:
        yield picture
        return
    low, high = _ends(picture)
    yield _rgb(grey(picture, low, high))
    window = _window(ds)
    if window and not str(ds.get("PhotometricInterpretation", "")).startswith("MONOCHROME1"):
        bottom, top = window
        inside = max(0.0, min(high, top) - max(low, bottom))
        if inside < 0.6 * (high - low):
            yield _rgb(grey(picture, bottom, top))


def grey(picture: Array, low: float, high: float) -> Array:
    """Return grey values between `low` and `high` as 0 to 255."""
    scale = 255.0 / max(high - low, 1e-9)
    return np.asarray(np.clip((picture.astype(np.float32) - low) * scale, 0, 255).astype(np.uint8))


def _rgb(picture: Array) -> Array:
    return np.repeat(picture[..., None], 3, axis=2)


def _ends(picture: Array) -> tuple[float, float]:
    flat = picture.ravel()
    part = flat[:: max(flat.size // SAMPLE, 1)]
    low, high = (float(value) for value in np.percentile(part, [DARKEST, LIGHTEST]))
    if high <= low:
        low, high = float(flat.min()), float(flat.max())
    return low, high


def _window(ds: Dataset) -> tuple[float, float] | None:
    centre, width = ds.get("WindowCenter"), ds.get("WindowWidth")
    if centre is None or width is None:
        return None
    try:
        middle = float(centre[0] if isinstance(centre, MultiValue) else centre)
        wide = float(width[0] if isinstance(width, MultiValue) else width)
        slope, shift = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    except (TypeError, ValueError, IndexError):
        return None
    if wide <= 0 or slope == 0:
        return None
    return (middle - wide / 2 - shift) / slope, (middle + wide / 2 - shift) / slope
