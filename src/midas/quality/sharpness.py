"""How blurred a picture is, as a whole and part by part, by how much a further blur would change it.

In comes one grey plane; out come numbers from 0 (sharp) to 1 (blurred). The measure is that of Crete et al., "The blur
effect: perception and estimation with a new no-reference perceptual blur metric" (Proc. SPIE 6492, 2007): it follows
neither the brightness nor the amount of texture, as the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) does.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Plane = np.ndarray[Any, Any]
SIZE = 11
"""Pixels of the further blur, as in the paper's experiments."""
FLAT = 2.0
"""Mean step (grey levels of 255, over two pixels) below which a part shows noise alone and is not judged."""


def _steps(grey: Plane) -> tuple[tuple[Plane, Plane], ...]:
    """Return for each axis how large the steps between pixels are, and how much of them a further blur takes away."""
    values = grey.astype(np.float32)
    found = []
    for dx, dy in ((0, 1), (1, 0)):
        window = (SIZE, 1) if dx else (1, SIZE)
        again = cv2.blur(values, window, borderType=cv2.BORDER_REFLECT)
        sharp = cv2.Sobel(values, cv2.CV_32F, dx, dy, scale=0.25, borderType=cv2.BORDER_REFLECT)
        soft = cv2.Sobel(again, cv2.CV_32F, dx, dy, scale=0.25, borderType=cv2.BORDER_REFLECT)
        np.abs(sharp, out=sharp)
        np.abs(soft, out=soft)
        inner = (slice(2, -1), slice(2, -1))
        found.append((sharp[inner], cv2.subtract(sharp, cv2.min(sharp, soft))[inner]))
    return tuple(found)


def blur(grey: Plane) -> float | None:
    """Return the blur of a plane (rows, columns), the worse of both axes; `None` where it is flat or tiny."""
    if min(grey.shape) < SIZE + 4:
        return None
    worst = None
    for steps, lost in _steps(grey):
        total = float(cv2.sumElems(steps)[0])
        if total > 1e-3 * steps.size:
            worst = max(worst or 0.0, 1 - float(cv2.sumElems(lost)[0]) / total)
    return worst


def blur_map(grey: Plane, parts: int) -> Plane:
    """Return the blur of each of `parts` x `parts` fields of a plane; NaN where a field is flat."""
    shape = (parts, parts)
    worst = np.full(shape, np.nan, np.float32)
    for steps, lost in _steps(grey):
        mean = cv2.resize(steps, shape, interpolation=cv2.INTER_AREA)
        gone = cv2.resize(lost, shape, interpolation=cv2.INTER_AREA)
        with np.errstate(divide="ignore", invalid="ignore"):
            worst = np.fmax(worst, np.where(mean > FLAT, 1 - gone / mean, np.nan))
    return worst
