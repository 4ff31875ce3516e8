"""Checks of one whole-slide image: focus, pen marks, tissue, stain, magnification.

In come the levels of a slide as DICOM (`OBJECT`, `SLICE`, `SERIES`), or its small picture, tiles and scale; out comes what
each check measured. The questions are those of HistoQC (Janowczyk et al., JCO Clin. Cancer Inform.
2019): tissue, pen, blur, strength of the stain; each measure names the paper that it is taken from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from midas.formats.dicom.render import Viewport, is_tiled, pieced
from midas.formats.dicom.view import UNDECODED
from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality import sharpness
from midas.quality.checks import Check, Measured, judge, wrong
from midas.quality.image import Image, Slice, as_number
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
    "Optical density: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23:291, 2001; above 0.05 and limit: MIDAS default",
    {"min": 0.5},
)  # fmt: skip
PEN = Check(
    "slide.pen", Severity.WARNING, SLIDE, "%",
    {"en": "Pen marks", "hi": "कलम के निशान"},
    "Wipe the glass and scan the slide again; a mark may also hold a name.",
    "Colours of ink, after HistoQC: Janowczyk et al., JCO Clin. Cancer Inform. 2019; limit: MIDAS default", {"max": 0.1},
)  # fmt: skip
FOCUS = Check(
    "slide.focus", Severity.WARNING, SLIDE, "%",
    {"en": "Tissue out of focus", "hi": "फ़ोकस से बाहर ऊतक"},
    "Scan the slide again with more focus points.",
    "Crete et al., Proc. SPIE 6492, 2007, by tiles; limit: MIDAS default", {"max": 20},
)  # fmt: skip
STAIN = Check(
    "slide.stain", Severity.WARNING, SLIDE, "OD",
    {"en": "Strength of the stain", "hi": "रंजक की तीव्रता"},
    "Compare with other slides of the laboratory; stain or scan it again where structures cannot be told apart.",
    "Median optical density of the tissue: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23:291, 2001; "
    "limits: MIDAS default",
    {"min": 0.1, "max": 0.9},
)  # fmt: skip
NUCLEI = Check(
    "slide.haematoxylin", Severity.WARNING, SLIDE, "OD",
    {"en": "Haematoxylin in the nuclei", "hi": "केंद्रकों में हीमैटॉक्सिलिन"},
    "Look whether nuclei can be seen; the slide may be faded or not stained.",
    "Colour deconvolution: Ruifrok and Johnston, Anal. Quant. Cytol. Histol. 23:291, 2001; limit: MIDAS default",
    {"min": 0.1},
)  # fmt: skip
SCALE = Check(
    "slide.mpp", Severity.WARNING, SLIDE, "µm/pixel",
    {"en": "Micrometres in a pixel", "hi": "प्रति पिक्सेल माइक्रोमीटर"},
    "Send the scanner's full resolution with its calibration: 0.25 is 40x, 0.5 is 20x.",
    "PS3.3 C.7.6.16.2.1 (Pixel Spacing), C.8.12.4; limit: MIDAS default", {"max": 0.55},
)  # fmt: skip
MAGNIFICATION = Check(
    "slide.magnification", Severity.WARNING, SLIDE, "µm",
    {"en": "Objective and scale agree", "hi": "लेंस और पैमाना मेल खाते हैं"},
    "Ask which objective was used: either the magnification or the calibration is wrong.",
    "PS3.3 C.8.12.5 (Objective Lens Power), times micrometres in a pixel: about 10; limits: MIDAS default",
    {"min": 7, "max": 14},
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
STROKE = 5
"""Least width of a pen's stroke, in pixels of the picture of the whole slide: nuclei and folds are narrower."""
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
    stroke = np.ones((STROKE, STROKE), np.uint8)
    found = [
        cv2.morphologyEx(one.astype(np.uint8), cv2.MORPH_OPEN, stroke) for one in (green, blue, red, black)
    ]
    return np.asarray(np.maximum.reduce(found) > 0)


def _spread(mask: Array) -> Array:
    """Return a mask with the soft edges of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def numbers(picture: Array) -> dict[str, float]:
    """Measure the picture of the whole slide: percent of tissue and of ink, strength of stain and of haematoxylin (OD).

    The last two are left out where there is no tissue.
    """
    seen = whole(picture)
    density = seen.density[seen.tissue]
    found = {TISSUE.id: 100 * float(seen.tissue.mean()), PEN.id: 100 * float(seen.ink.mean())}
    if len(density):
        found[STAIN.id] = float(np.median(density.mean(axis=1)))
        found[NUCLEI.id] = float(np.percentile(haematoxylin(density), DARKEST))
    return found


DARKEST = 95
"""Percentile of haematoxylin over the tissue that stands for its nuclei."""
SAID = (
    (TISSUE, "The part that is tissue is"),
    (PEN, "The part that pen marks cover is"),
    (STAIN, "The median density of the tissue is"),
    (NUCLEI, "The haematoxylin of the darkest nuclei is"),
)


def blur_of(tile: Array, mpp: float | None) -> float | None:
    """Return the blur of a full-resolution tile (RGB), `mpp` micrometres a pixel; `None` where it is almost all glass."""
    if mpp is not None and mpp < USUAL:
        tile = reduced(tile, max(1, round(max(tile.shape[:2]) * mpp / USUAL)))
    grey = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY)
    return sharpness.blur(grey) if (grey < LIT).mean() >= LEAST_TISSUE else None


LIT = 255 * 10**-DENSE
"""Grey level below which a pixel of a tile is tissue, before white glass."""


def slide(
    seen: Mapping[str, float], blurs: Sequence[float], *, mpp: float | None, power: float | None,
    item: Item | None = None, scope: str = "item",
) -> Iterator[Measured]:  # fmt: skip
    """Judge one slide: `numbers` of its picture, `blur_of` its tiles of tissue, `mpp` micrometres a pixel, the objective.

    What is not there is measured as unknown; a missing scale is a finding, since nothing can be measured on such a slide.
    """
    for check, said in SAID:
        yield judge(check, seen.get(check.id), said, item=item, scope=scope)
    share = 100 * float(np.mean(np.array(blurs) > BLURRED)) if blurs else None
    yield judge(FOCUS, share, "Of the tiles of tissue looked at, out of focus are", item=item, scope=scope)
    product = mpp * power if mpp and power else None
    yield judge(
        MAGNIFICATION, product, "Micrometres in a pixel times the objective is", item=item, scope=scope
    )
    if mpp is None:
        yield wrong(SCALE, "The micrometres in a pixel are not given.", item=item, scope=scope)
    else:
        yield judge(SCALE, mpp, "The micrometres in a pixel are", item=item, scope=scope)


LEAST, MOST = 1024, 4096
"""Pixels of the longer side of the level that shows the whole slide: the smallest from `LEAST` on, none beyond `MOST`."""
BLUR = "slide.blur"


def keep_blur(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    """Keep the blur of a tile for the look at the whole slide."""
    del item, scope
    if _is_level(one.owner) and one.raw.ndim == 3 and (blur := blur_of(one.raw, _mpp(one.owner))) is not None:
        one.kept[BLUR] = blur
    yield from ()


def keep_picture(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    """Keep what a low level shows of the whole slide."""
    del item, scope
    if _is_level(image) and _longer(image) < MOST:
        with suppress(*UNDECODED):  # the look at its frames says so
            image.slices[0].kept |= numbers(_picture(image))
    yield from ()


def whole_slide(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    """Check the levels of one slide together."""
    levels = sorted((one for one in images if _is_level(one)), key=_longer)
    if not levels:
        return
    shown = [one for one in levels if TISSUE.id in one.slices[0].kept]
    best = next((one for one in shown if _longer(one) >= LEAST), shown[-1] if shown else None)
    path = (levels[-1].value("OpticalPathSequence") or [None])[0]
    yield from slide(
        best.slices[0].kept if best else {}, [one.kept[BLUR] for one in levels[-1].slices if BLUR in one.kept],
        mpp=_mpp(levels[-1]), power=as_number(path.get("ObjectiveLensPower")) if path is not None else None,
        item=item, scope=scope,
    )  # fmt: skip


def _is_level(image: Image) -> bool:
    return image.modality in SLIDE and image.has_pixels and is_tiled(image.ds)


def _longer(image: Image) -> int:
    return int(max(image.ds.TotalPixelMatrixColumns, image.ds.TotalPixelMatrixRows))


def _mpp(image: Image) -> float | None:
    spacing = as_number(image.value("PixelSpacing"))
    return 1000 * spacing if spacing else None


def _picture(image: Image) -> Array:
    def tile(index: int) -> Array:
        raw = np.asarray(image.slices[index].raw)
        image.slices[index].let_go()
        return raw

    return pieced(image.ds, tile, Viewport(SIDE, SIDE))


OBJECT, SLICE, SERIES = (keep_picture,), (keep_blur,), (whole_slide,)
