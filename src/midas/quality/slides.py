"""Checks of one whole-slide image: focus, pen marks, tissue, stain, magnification.

In come a small RGB picture of the whole slide, some full-resolution tiles and what the file says of its scale; out comes
what each check measured. `places` says which tiles to decode. The questions are those of HistoQC (Janowczyk et al., JCO
Clin. Cancer Inform. 2019): tissue, pen, blur, brightness of the stain; each measure names the paper that it is taken from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality import sharpness
from midas.quality.checks import Check, Measured, judge, wrong
from midas.quality.photos import reduced

Array = np.ndarray[Any, Any]
SLIDE = frozenset({"SM"})
"""Slide microscopy (PS3.3 C.7.3.1.1.1)."""
SIDE = 1024
"""Pixels of the longer side of the picture of the whole slide that is measured."""

TISSUE = Check(
    "slide.tissue", Severity.WARNING, SLIDE, "%",
    {"en": "Part of the slide that is tissue", "hi": "स्लाइड पर ऊतक का भाग"},
    "Look whether the right slide was scanned, and all of it.",
    "Optical density above 0.05, by Beer and Lambert: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23, 2001", {"min": 0.5},
)  # fmt: skip
PEN = Check(
    "slide.pen", Severity.WARNING, SLIDE, "%",
    {"en": "Pen marks", "hi": "कलम के निशान"},
    "Wipe the glass and scan the slide again; a mark may also hold a name.",
    "Colours of ink as in HistoQC: Janowczyk et al., JCO Clin. Cancer Inform. 2019", {"max": 0.1},
)  # fmt: skip
FOCUS = Check(
    "slide.focus", Severity.WARNING, SLIDE, "%",
    {"en": "Tissue out of focus", "hi": "फ़ोकस से बाहर ऊतक"},
    "Scan the slide again with more focus points.",
    "Crete et al., Proc. SPIE 6492, 2007, by tiles", {"max": 20},
)  # fmt: skip
STAIN = Check(
    "slide.stain", Severity.WARNING, SLIDE, "OD",
    {"en": "Strength of the stain", "hi": "रंजक की तीव्रता"},
    "Compare with other slides of the laboratory; stain or scan it again where structures cannot be told apart.",
    "Median optical density of the tissue: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23, 2001", {"min": 0.1, "max": 1.2},
)  # fmt: skip
NUCLEI = Check(
    "slide.haematoxylin", Severity.WARNING, SLIDE, "OD",
    {"en": "Haematoxylin in the nuclei", "hi": "केंद्रकों में हीमैटॉक्सिलिन"},
    "Look whether nuclei can be seen; the slide may be faded or not stained.",
    "Colour deconvolution: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23, 2001", {"min": 0.1},
)  # fmt: skip
SCALE = Check(
    "slide.mpp", Severity.WARNING, SLIDE, "µm/pixel",
    {"en": "Micrometres in a pixel", "hi": "प्रति पिक्सेल माइक्रोमीटर"},
    "Send the scanner's full resolution with its calibration: 0.25 is 40x, 0.5 is 20x.",
    "PS3.3 C.7.6.2 Pixel Spacing; PS3.3 C.8.12.4 whole slide microscopy", {"max": 0.55},
)  # fmt: skip
MAGNIFICATION = Check(
    "slide.magnification", Severity.WARNING, SLIDE, "µm",
    {"en": "Objective and scale agree", "hi": "लेंस और पैमाना मेल खाते हैं"},
    "Ask which objective was used: either the magnification or the calibration is wrong.",
    "Micrometres in a pixel x objective is about 10: HistoQC; PS3.3 C.8.12.5 Objective Lens Power", {"min": 7, "max": 14},
)  # fmt: skip
CHECKS = (TISSUE, PEN, FOCUS, STAIN, NUCLEI, SCALE, MAGNIFICATION)

LIGHT = 99
"""Percentile of the brightness of the slide that stands for clear glass."""
DENSE = 0.05
"""Least mean optical density of tissue: pale stroma is above it, dust and shading of clear glass below."""
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], np.float32)
"""Optical density of haematoxylin, eosin and DAB in red, green and blue (Ruifrok and Johnston 2001)."""
BLURRED = 0.55
"""Blur of a tile, brought to `USUAL` micrometres a pixel, from which it counts as out of focus."""
USUAL = 0.5
LEAST_TISSUE = 0.2
"""Part of a tile that is tissue before its focus is judged."""


@dataclass(frozen=True)
class Whole:
    """What is measured on the picture of a whole slide: densities (rows, columns, 3), and where tissue and ink are."""

    density: Array
    tissue: Array
    ink: Array


def whole(picture: Array) -> Whole:
    """Measure the picture of a whole slide: RGB (rows, columns, 3) of 8 bits, `ValueError` otherwise."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError("the picture of a slide is 8-bit RGB")
    small = reduced(picture, SIDE)
    density = optical_density(small)
    ink = pen(small)
    dense = (density.mean(axis=2) > DENSE) & ~_spread(ink)
    tissue = cv2.morphologyEx(dense.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return Whole(density, tissue, ink)


def optical_density(picture: Array) -> Array:
    """Return how much light each colour lost against clear glass, as a power of ten (Beer and Lambert)."""
    glass = np.maximum(np.percentile(picture.reshape(-1, 3), LIGHT, axis=0), 128.0)
    table = np.log10(glass[None] / np.maximum(np.arange(256.0), 1.0)[:, None]).clip(0).astype(np.float32)
    return np.stack([table[:, band][picture[..., band]] for band in range(3)], axis=2)


def haematoxylin(density: Array) -> Array:
    """Return the amount of haematoxylin, in units of its own vector, of densities (…, 3)."""
    unit = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    return np.asarray(density @ np.linalg.inv(unit)[:, 0])


def pen(picture: Array) -> Array:
    """Return where ink of a green, blue, red or black pen is: colours that no common stain has, in strokes."""
    hue, saturation, value = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV))
    green = (hue >= 38) & (hue <= 88) & (saturation > 64) & (value > 30)
    blue = (hue > 88) & (hue <= 124) & (saturation > 128)
    red = ((hue <= 6) | (hue >= 176)) & (saturation > 190) & (value > 90)
    black = (value < 60) & (saturation < 90)
    stroke = np.ones((3, 3), np.uint8)
    found = [cv2.morphologyEx(one.astype(np.uint8), cv2.MORPH_OPEN, stroke) for one in (green, blue, red, black)]
    return np.maximum.reduce(found) > 0


def _spread(mask: Array) -> Array:
    """Return a mask with the soft edges of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def places(seen: Whole, *, columns: int, rows: int, most: int = 16) -> tuple[tuple[int, int], ...]:
    """Return (column, row) of up to `most` tiles of a `columns` x `rows` grid that hold tissue, spread evenly over it."""
    held = cv2.resize(seen.tissue.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    at = np.argwhere(held > LEAST_TISSUE)
    if not len(at):
        at = np.argwhere(held >= max(float(held.max()), 1e-6))
    chosen = at[np.unique(np.linspace(0, len(at) - 1, min(most, len(at))).round().astype(int))] if len(at) else at
    return tuple((int(column), int(row)) for row, column in chosen)


def slide(
    picture: Array | Whole, *, tiles: Iterable[Array] = (), mpp: float | None = None, power: float | None = None,
    item: Item | None = None, scope: str = "item",
) -> tuple[Measured, ...]:  # fmt: skip
    """Check one slide. `tiles` are RGB at full resolution; `mpp` micrometres a pixel there; `power` the objective's.

    What is not given is measured as unknown; a missing scale is a finding, since nothing can be measured on such a slide.
    """
    seen = picture if isinstance(picture, Whole) else whole(picture)
    density = seen.density[seen.tissue]
    found = (
        (TISSUE, 100 * float(seen.tissue.mean()), "The part that is tissue is"),
        (PEN, 100 * float(seen.ink.mean()), "The part that pen marks cover is"),
        (FOCUS, out_of_focus(tiles, mpp=mpp), "Of the tiles of tissue looked at, out of focus are"),
        (STAIN, float(np.median(density.mean(axis=1))) if len(density) else None, "The median density of the tissue is"),
        (NUCLEI, float(np.percentile(haematoxylin(density), 95)) if len(density) else None, "The haematoxylin is"),
        (MAGNIFICATION, mpp * power if mpp and power else None, "Micrometres in a pixel times the objective is"),
    )
    measured = [judge(check, value, said, item=item, scope=scope) for check, value, said in found]
    if mpp is None:
        measured.append(wrong(SCALE, "The micrometres in a pixel are not given.", item=item, scope=scope))
    else:
        measured.append(judge(SCALE, mpp, "The micrometres in a pixel are", item=item, scope=scope))
    return tuple(measured)


def out_of_focus(tiles: Iterable[Array], *, mpp: float | None = None) -> float | None:
    """Return the part of the tiles, in percent, that are blurred; those almost without tissue do not count."""
    blurs = []
    for tile in tiles:
        if mpp is not None and mpp < USUAL:
            tile = reduced(tile, max(1, round(max(tile.shape[:2]) * mpp / USUAL)))
        grey = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY)
        if (grey < LIT).mean() >= LEAST_TISSUE and (one := sharpness.blur(grey)) is not None:
            blurs.append(one)
    return 100 * float(np.mean(np.array(blurs) > BLURRED)) if blurs else None


LIT = 255 * 10**-DENSE
"""Grey level below which a pixel of a tile is tissue, before white glass."""
