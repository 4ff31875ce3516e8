"""Whether a JPEG was compressed more than once: a copy of a copy, whose detail is less than its file seems to say.

In come the pixels of a JPEG and its table of luminance quantisation; out comes one number. Rounding twice leaves gaps and
peaks in the histograms of DCT coefficients (Popescu and Farid, "Statistical tools for digital forensics", IH 2004). What
the histograms would be after one compression is taken from the picture itself, its blocks moved by half (calibration:
Fridrich, Goljan and Hogea, "Steganalysis of JPEG images: breaking the F5 algorithm", IH 2002).

It sees an earlier compression that was coarser than the last one. It cannot see an earlier one that was finer, one with
the same table, nor one before the picture was made smaller or cropped off the grid of blocks.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

Array = np.ndarray[Any, Any]
SIDE = 1024
"""Pixels a side of the part looked at: 16,384 blocks."""
LEAST = 200
"""Coefficients other than 0 that a frequency needs."""
BINS = 20
LOW = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0))
"""The first frequencies (row, column) of ITU-T T.81 Figure A.6 without the mean: those that noise reaches least."""

_at = np.arange(8)
DCT = np.array(
    [np.sqrt((1 if u == 0 else 2) / 8) * np.cos(np.pi * (2 * _at + 1) * u / 16) for u in range(8)], np.float32
)
"""The transform of ITU-T T.81 A.3.3 as a matrix."""


def luminance_table(stream: bytes) -> Array | None:
    """Return the 8 x 8 table of luminance quantisation of a JPEG stream; `None` where it is no JPEG."""
    try:
        with Image.open(io.BytesIO(stream), formats=["JPEG"]) as image:
            table = getattr(image, "quantization", {}).get(0)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    return np.array(table, np.float32).reshape(8, 8) if table else None


def compressed_twice(pixels: Array, table: Array) -> float | None:
    """Return how uneven the histograms are beyond what one compression leaves: about 0 after one, above 0.3 after two.

    `pixels` are grey or RGB as decoded, neither turned nor resized. `None` where too little detail is left to tell.
    """
    luminance = _luminance(pixels)
    if min(luminance.shape) < 64:
        return None
    there, moved = _coefficients(luminance), _coefficients(luminance[4:, 4:])
    found = []
    for row, column in LOW:
        step = table[row, column]
        held = _histogram(there[:, :, row, column] / step)
        if held.sum() >= LEAST:
            found.append(_uneven(held) - _uneven(_histogram(moved[:, :, row, column] / step)))
    return max(0.0, float(np.median(found))) if found else None


def _luminance(pixels: Array) -> Array:
    """Return the luminance of the middle, cut where blocks begin."""
    top, left = (max(0, (size - SIDE) // 2) // 8 * 8 for size in pixels.shape[:2])
    part = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
    return (cv2.cvtColor(part, cv2.COLOR_RGB2YCrCb)[..., 0] if part.ndim == 3 else part).astype(np.float32)


def _coefficients(luminance: Array) -> Array:
    high, wide = (size // 8 for size in luminance.shape)
    blocks = luminance[: high * 8, : wide * 8].reshape(high, 8, wide, 8).transpose(0, 2, 1, 3)
    return np.asarray(DCT @ (blocks - 128) @ DCT.T)


def _histogram(steps: Array) -> Array:
    """Count how often 1, 2 … `BINS` steps occur, whatever their sign."""
    sizes = np.minimum(np.abs(np.rint(steps)), BINS + 1).astype(np.intp)
    return np.bincount(sizes.ravel(), minlength=BINS + 2)[1 : BINS + 1].astype(float)


def _uneven(held: Array) -> float:
    """Return by what part each bin differs from the geometric mean of its neighbours."""
    middle = held[1:-1]
    return float(np.abs(middle - np.sqrt(held[:-2] * held[2:])).sum() / max(1.0, middle.sum()))
