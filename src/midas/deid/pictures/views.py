"""Pictures for the detector: one frame, or many laid over each other, in eight bits and RGB.

In come the frames of an opened file, out come a few pictures in which every text that any frame shows can be seen.
No more than two frames are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.deid.pictures.frames import Array, Frames

DARKEST, LIGHTEST = 0.2, 99.9
"""Percentiles of grey values shown as black and as white."""
SAMPLE = 1 << 16
"""Pixels looked at to find them."""
LIGHT_GROUND, LIGHTS = 224, 192
"""Grey value of 255 from which a ground is light, and from which its lights are then spread: white may be written on it."""
SAME = 2
"""Grey values of 255 by which two pictures may differ and still show the same."""


@dataclass(frozen=True)
class View:
    """One picture to search, and the one frame that it shows; None stands for all frames laid over each other."""

    picture: Array
    frame: int | None = None


def views(frames: Frames) -> Iterator[View]:
    """Yield what must be searched: each window of a single picture; of a loop its first frame and its extremes."""
    first = frames.seen(0)
    if frames.count == 1:
        for picture in shown(first, frames.opened.ds):
            yield View(picture)
        return
    low, high = first, first
    for number in range(1, frames.count):
        frame = frames.seen(number)
        low, high = np.minimum(low, frame), np.maximum(high, frame)
    done: list[Array] = []
    for laid in (first, high, low):
        for picture in shown(laid, frames.opened.ds):
            if not any(_alike(picture, one) for one in done):
                done.append(picture)
                yield View(picture)


def _alike(one: Array, other: Array) -> bool:
    return int(np.abs(one.astype(np.int16) - other.astype(np.int16)).max()) <= SAME


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
