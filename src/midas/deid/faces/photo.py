"""Faces in one photograph: where they are, what of them is covered, and what only a person can judge.

In comes an RGB picture, out come regions to blacken and, where the picture needs a person, why. The detector (BlazeFace,
shipped) knows frontal and half-turned faces. It knows nothing of profiles, parts of faces, tattoos, scars or jewellery:
no result here says that they are absent, and where much outer skin is seen a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from midas.deid.faces.detect import Face, faces
from midas.deid.faces.model import Array
from midas.deid.model import Region

EVIDENCE = "a face by its eyes, nose and mouth"
MOUTH = (1.1, 0.75)
"""Half width and half height of what is left open around the mouth, in distances of the eyes."""
WIDER = 0.25
"""How much the box of a face is widened on each side: it ends at the brow and the chin."""
SKIN_SHARE = 0.35
"""Share of a picture without a sure face that may look like outer skin before a person is asked."""


def in_photo(rgb: Array, *, open_mouth: bool = True) -> tuple[tuple[Region, ...], str]:
    """Return the regions of `rgb` (rows x columns x 3, 8 bits) to cover, and why a person must look, or "".

    Eyes and face are covered, the mouth stays open unless `open_mouth` is false. What may be a face but is not surely one
    is not covered: it goes to a person, as does outer skin on which no face was found.
    """
    found = faces(np.ascontiguousarray(rgb))
    sure = [face for face in found if face.sure]
    regions = tuple(region for face in sure for region in covered(face, rgb.shape, open_mouth=open_mouth))
    if len(sure) < len(found):
        return regions, "possible-face"
    if not sure and outer_skin(rgb) > SKIN_SHARE:
        return regions, "skin"
    return regions, ""


def covered(face: Face, shape: tuple[int, ...], *, open_mouth: bool) -> Iterator[Region]:
    """Yield boxes that cover a face but for its mouth."""
    left, top, right, bottom = face.box
    wide, high = (right - left) * WIDER, (bottom - top) * WIDER
    left, top, right, bottom = left - wide, top - 1.5 * high, right + wide, bottom + high
    if not open_mouth:
        yield from _box(left, top, right, bottom, shape)
        return
    across, along = _window(face)
    x0, x1 = face.mouth[0] - across, face.mouth[0] + across
    y0, y1 = face.mouth[1] - along, face.mouth[1] + along
    yield from _box(left, top, right, y0, shape)
    yield from _box(left, y0, x0, y1, shape)
    yield from _box(x1, y0, right, y1, shape)
    yield from _box(left, y1, right, bottom, shape)


def _window(face: Face) -> tuple[float, float]:
    """Return half the width and height of the open window; it never reaches the eyes, however the head is held."""
    (x0, y0), (x1, y1) = face.eyes
    sideways = abs(y1 - y0) > abs(x1 - x0)
    across, along = (MOUTH[1], MOUTH[0]) if sideways else MOUTH
    nearest = min(np.hypot(face.mouth[0] - x, face.mouth[1] - y) for x, y in face.eyes)
    limit = 0.55 * float(nearest)
    return min(across * face.apart, limit), min(along * face.apart, limit)


def _box(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Iterator[Region]:
    x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    x1, y1 = min(shape[1], int(np.ceil(right))), min(shape[0], int(np.ceil(bottom)))
    if x1 > x0 and y1 > y0:
        yield Region(x0, y0, x1 - x0, y1 - y0, "deid.photo.face", EVIDENCE)


def outer_skin(rgb: Array) -> float:
    """Return the share of pixels with the colour of outer skin: browns and pinks less red than mucosa (CIE Lab)."""
    import cv2

    small = cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    light, red, yellow = lab[..., 0], lab[..., 1], lab[..., 2]
    angle = np.degrees(np.arctan2(yellow, red))
    skin = (light > 20) & (light < 90) & (red > 4) & (red < 24) & (angle > 30) & (angle < 75) & (yellow > 6)
    return float(skin.mean())
