"""What a proposed box shows, as a fingerprint: the same words drawn by the same device have the same one.

In come a DICOM file and boxes; out comes a SHA-256 for each, of the box's bright-on-dark or dark-on-bright drawing, cut to
its ink so that a box found a few pixels elsewhere counts as the same. It says whether two drawings are equal, not what they
say; the spoke keys it before it is kept. A box whose drawing cannot be cut out has none ("") and equals no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midas.deid.model import Region
from midas.formats import dicom
from midas.kernel import MidasError

LEAST = 12
"""Pixels of ink below which a drawing is too small to be told from another."""


def inks(path: Path, regions: Sequence[Region]) -> tuple[str, ...]:
    """Return the fingerprint of what stands in each region, in the frame where it begins or the middle one."""
    frames: dict[int | None, NDArray[Any] | None] = {}
    found = []
    for region in regions:
        index = region.frames[0] if region.frames else None
        if index not in frames:
            frames[index] = _frame(path, index)
        picture = frames[index]
        found.append("" if picture is None else _ink(picture, region))
    return tuple(found)


def _frame(path: Path, index: int | None) -> NDArray[Any] | None:
    try:
        return dicom.frame(path, index=index)
    except MidasError:
        return None


def _ink(picture: NDArray[Any], region: Region) -> str:
    crop = picture[region.top : region.top + region.height, region.left : region.left + region.width]
    grey = crop.astype(np.float32).mean(axis=-1) if crop.ndim == 3 else crop.astype(np.float32)
    if grey.size == 0 or float(np.ptp(grey)) < 24:
        return ""
    drawn = grey > (float(grey.min()) + float(grey.max())) / 2
    if drawn.mean() > 0.5:
        drawn = ~drawn
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    ink = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if int(ink.sum()) < LEAST:
        return ""
    return hashlib.sha256(repr(ink.shape).encode() + np.packbits(ink).tobytes()).hexdigest()
