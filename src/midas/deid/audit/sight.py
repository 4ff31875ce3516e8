"""Whether a drawn line can still be seen, and whether other pixels are as they were: by glyph pixels, not by reading.

In come the planted and the returned frames and a line's mask; out come shares between 0 and 1.
"""

from __future__ import annotations

import numpy as np

from midas.deid.audit.answers import Line
from midas.deid.audit.glyphs import Pixels

SAME = 0.06
"""Share of the picture's range within which a pixel counts as unchanged: lossy frames move a little when encoded again."""
APART = 0.04
"""Share of the range by which a glyph must differ from what surrounds it to be seen."""
LOOKALIKE = 0.7
"""Correlation of a box before and after from which its text can be read, whatever happened to the brightness."""


def brightness(frames: Pixels) -> Pixels:
    """Return (frames, rows, columns) as floating point; colours become their mean."""
    grey = frames.astype(np.float32)
    return grey.mean(axis=3) if grey.ndim == 4 else grey


def showing(line: Line, before: Pixels, after: Pixels) -> float:
    """Return the largest share, over its frames, of the line's glyph pixels that can be told from their surroundings."""
    if after.shape[1:] != before.shape[1:]:
        return 1.0
    first, last = line.frames
    chosen = {first, (first + last) // 2, last - 1} & set(range(min(len(before), len(after))))
    return max((_seen(line, before[n], after[n]) for n in chosen), default=0.0)


def _seen(line: Line, before: Pixels, after: Pixels) -> float:
    left, top, width, height = line.box
    glyphs = line.glyphs()
    old, new = before[top : top + height, left : left + width], after[top : top + height, left : left + width]
    reach = float(np.ptp(before)) or 1.0
    ground = float(np.median(new[~glyphs])) if (~glyphs).any() else float(new.mean())
    kept = (np.abs(new - old) <= SAME * reach) & (np.abs(new - ground) > APART * reach) & glyphs
    share = float(kept.sum() / max(1, glyphs.sum()))
    if share < 0.5 and new.std() > APART * reach / 2 and _alike(glyphs.astype(np.float32), new) > LOOKALIKE:
        return 1.0
    return share


def _alike(one: Pixels, other: Pixels) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]))


def outside(lines: list[Line], before: Pixels, after: Pixels, *, margin: int) -> float:
    """Return the share of pixels outside all secret lines (and `margin` pixels around them) that are as they were."""
    if before.shape != after.shape:
        return 0.0
    free = np.ones(before.shape[1:], dtype=bool)
    for line in lines:
        if line.secret:
            left, top, width, height = line.box
            free[
                max(0, top - margin) : top + height + margin, max(0, left - margin) : left + width + margin
            ] = False
    reach = float(np.ptp(before)) or 1.0
    same = np.abs(after - before) <= SAME * reach
    return float(same[:, free].mean()) if free.any() else 1.0
