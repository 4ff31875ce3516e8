"""Checks of one clinical photograph, and of the set of views that a visit or lesion needs.

In come frames of a DICOM object (`SLICE`), or upright 8-bit pixels with the JPEG stream behind them where there is one,
and the protocol's item; out comes what each check measured. Every measure but resolution and recompression is taken from
a copy of at most 1024 pixels a side, so that a limit means the same for every camera. Nothing here knows who is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import JPEGBaseline8Bit

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality import compression, sharpness
from midas.quality.checks import Check, Measured, bounds, judge, well, wrong
from midas.quality.image import Slice

Array = np.ndarray[Any, Any]
SIDE = 1024
"""Pixels of the longer side of the copy that is measured."""
SMALL = 512
"""Pixels of the longer side of the copy on which light is measured."""
PARTS = 16
"""Fields a side in which focus is compared; the subject is the middle 8 x 8 of them."""

PHOTO = frozenset({"XC", "DMS", "ES", "OP"})
"""External camera, dermoscopy, endoscopy, ophthalmic photography (PS3.3 C.7.3.1.1.1, PS3.16 CID 29)."""
WHITE_LIGHT = frozenset({"XC", "DMS"})
"""Pictures that show something white or grey beside the tissue; an eye's ground or a bowel is red all over."""

SHARPNESS = Check(
    "photo.sharpness", Severity.WARNING, PHOTO, "",
    {"en": "Sharpness of the photograph", "hi": "तस्वीर की स्पष्टता"},
    "Take it again: hold the camera still, let it focus, use more light.",
    "Crete et al., Proc. SPIE 6492, 2007; limit: MIDAS default", {"max": 0.5},
)  # fmt: skip
SUBJECT = Check(
    "photo.focus-on-subject", Severity.WARNING, PHOTO, "",
    {"en": "Focus on the subject, not on what surrounds it", "hi": "फ़ोकस विषय पर है, आसपास पर नहीं"},
    "Take it again with the focus on the lesion in the middle of the picture.",
    "Crete et al., Proc. SPIE 6492, 2007, by parts; limit: MIDAS default", {"max": 0.25},
)  # fmt: skip
DARK = Check(
    "photo.dark", Severity.WARNING, PHOTO, "%",
    {"en": "Too dark in the middle", "hi": "बीच का भाग बहुत अँधेरा"},
    "Take it again with more light.", "Mean luma (ITU-R BT.601) of the middle; limit: MIDAS default", {"min": 15},
)  # fmt: skip
BRIGHT = Check(
    "photo.overexposed", Severity.WARNING, PHOTO, "%",
    {"en": "Burnt-out area", "hi": "अधिक प्रकाश से जला हुआ भाग"},
    "Take it again with less light, or a shorter exposure.",
    "Luma (ITU-R BT.601) of the middle at the top of its range; limit: MIDAS default", {"max": 10},
)  # fmt: skip
CAST = Check(
    "photo.colour-cast", Severity.WARNING, WHITE_LIGHT, "degrees",
    {"en": "Colour cast of the light", "hi": "प्रकाश का रंग-विचलन"},
    "Set the white balance to the lamp, or put a grey card into the first picture.",
    "van de Weijer et al., Edge-based color constancy, IEEE TIP 16(9), 2007; grey world: Buchsbaum 1980; "
    "limit: MIDAS default",
    {"max": 15},
)  # fmt: skip
REFLECTION = Check(
    "photo.reflection", Severity.WARNING, PHOTO, "%",
    {"en": "Specular reflection", "hi": "चमक का प्रतिबिंब"},
    "Dry the surface, tilt the camera, or use a polarising filter.",
    "Arnold et al., EURASIP J. Image Video Process. 2010:814319, module 1; limit: MIDAS default", {"max": 3},
)  # fmt: skip
RESOLUTION = Check(
    "photo.resolution", Severity.WARNING, PHOTO, "pixels",
    {"en": "Pixels of the shorter side", "hi": "छोटी भुजा के पिक्सेल"},
    "Send the camera's own file, not a copy from a messenger or a screenshot.",
    "American Telemedicine Association, Quick Guide to Store-Forward Teledermatology: 800 x 600 at least", {"min": 600},
)  # fmt: skip
RECOMPRESSED = Check(
    "photo.recompressed", Severity.WARNING, PHOTO, "",
    {"en": "A JPEG compressed again", "hi": "दोबारा संपीड़ित जेपीईजी"},
    "Send the camera's own file, not a copy that a program has saved again.",
    "Popescu and Farid, IH 2004; calibration: Fridrich et al., IH 2002; limit: MIDAS default", {"max": 0.3},
)  # fmt: skip
VIEWS = Check(
    "photo.views", Severity.WARNING, PHOTO, "views",
    {"en": "Standard views that are missing", "hi": "अनुपस्थित मानक दृश्य"},
    "Take the missing views, or say in the table why there are none.", "protocol: items.views", {"max": 0},
)  # fmt: skip
CHECKS = (SHARPNESS, SUBJECT, DARK, BRIGHT, CAST, REFLECTION, RESOLUTION, RECOMPRESSED, VIEWS)


def photograph(
    pixels: Array, *, stream: bytes = b"", modality: str = "XC", item: Item | None = None, scope: str = "item"
) -> tuple[Measured, ...]:
    """Check one photograph: 8-bit grey (rows, columns) or RGB (rows, columns, 3), upright.

    `stream` is the JPEG stream that shows exactly these pixels; without one nothing is said of recompression. Checks that
    do not concern the modality do not run. `ValueError` where the pixels are no such picture.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError("a photograph is 8-bit grey or RGB")
    view = reduced(pixels, SIDE)
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY) if view.ndim == 3 else view
    light = reduced(view, SMALL)
    luma = _middle(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY) if light.ndim == 3 else light)
    table = compression.luminance_table(stream) if stream else None
    found = (
        (RESOLUTION, float(min(pixels.shape[:2])), "The shorter side has"),
        (SHARPNESS, sharpness.blur(grey), "The blur, from 0 to 1, is"),
        (SUBJECT, focus_on_subject(grey), "The middle is more blurred than its surroundings by"),
        (DARK, float(luma.mean()) / 2.55, "The mean brightness of the middle is"),
        (BRIGHT, 100 * float((luma >= BURNT).mean()), "The burnt-out part of the middle is"),
        (CAST, colour_cast(light), "The colour of the light differs from white by"),
        (REFLECTION, reflection(light), "The part that reflects the lamp is"),
        (
            RECOMPRESSED,
            None if table is None else compression.compressed_twice(pixels, table),
            "The unevenness of its coefficients is",
        ),
    )
    return tuple(
        judge(check, value, said, item=item, scope=scope)
        for check, value, said in found
        if check.concerns(modality)
    )


def of_frame(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    """Check a frame of a photographic object; of a film with several frames each one looked at."""
    ds, modality = one.owner.ds, one.owner.modality
    if modality not in PHOTO or ds.get("PhotometricInterpretation") in ("PALETTE COLOR", "MONOCHROME1"):
        return
    pixels = one.raw
    if pixels.dtype == np.uint8 and pixels.shape[2:] in ((), (3,)):
        stream = _stream(ds, one.index)
        yield from photograph(pixels, stream=stream, modality=modality, item=item, scope=scope)


def _stream(ds: Dataset, index: int) -> bytes:
    """Return the JPEG stream of a frame, nothing where it is compressed otherwise or not at all."""
    if getattr(getattr(ds, "file_meta", None), "TransferSyntaxUID", "") != JPEGBaseline8Bit:
        return b""
    frames = int(ds.get("NumberOfFrames") or 1)
    return get_frame(ds.PixelData, index, number_of_frames=frames)


SLICE = (of_frame,)


def views(seen: Iterable[str], *, item: Item, scope: str = "visit") -> Measured:
    """Say which of the item's standard views are missing among those `seen` at one visit, lesion or specimen."""
    held = set(seen)
    missing = [view for view in item.views if view not in held]
    allowed = bounds(VIEWS, item).max
    if allowed is None or len(missing) <= allowed:
        return well(VIEWS, float(len(missing)))
    said = f"{len(missing)} of {len(item.views)} standard views are missing: {', '.join(missing)}."
    return wrong(VIEWS, said, item=item, scope=scope, value=float(len(missing)))


def reduced(pixels: Array, side: int) -> Array:
    """Return the picture with at most `side` pixels on its longer side, each the mean of those it stands for."""
    high, wide = pixels.shape[:2]
    if max(high, wide) <= side:
        return pixels
    size = (max(1, round(wide * side / max(high, wide))), max(1, round(high * side / max(high, wide))))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _middle(plane: Array) -> Array:
    """Return the middle half of each side: where the subject is."""
    high, wide = plane.shape[:2]
    return plane[high // 4 : high - high // 4, wide // 4 : wide - wide // 4]


def focus_on_subject(grey: Array) -> float | None:
    """Return the blur of the middle less that of its surroundings, each the median over fields with detail.

    A middle without any detail, within surroundings that have it, counts as wholly blurred. `None` where neither has.
    """
    if min(grey.shape) < 4 * PARTS:
        return None
    fields = sharpness.blur_map(grey, PARTS)
    ring = np.ones_like(fields, dtype=bool)
    _middle(ring)[:] = False
    inner, outer = fields[~ring], fields[ring]
    inner, outer = inner[np.isfinite(inner)], outer[np.isfinite(outer)]
    if outer.size < SOME * ring.sum():
        return None
    return float((np.median(inner) if inner.size else 1.0) - np.median(outer))


SOME = 0.1
"""Part of the fields that must show detail before focus is compared."""
BURNT, BLACK = 250, 8
"""Grey levels from which, and up to which, a camera no longer tells how much light there was."""
NORM, SMOOTH = 6, 2.0
"""Minkowski norm and width (pixels) of the smoothing in the general grey-edge estimate."""
LINEAR = np.array(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255], np.float32
)
"""Light by sRGB value (IEC 61966-2-1)."""


def colour_cast(light: Array) -> float | None:
    """Return the angle, in degrees, between the colour of the lamp and white; `None` for grey pictures or no detail.

    The lamp's colour is that of the steps between pixels: over many surfaces they are grey on average.
    """
    if light.ndim == 2:
        return None
    strongest = light.max(axis=2)
    unusable = ((strongest >= BURNT) | (strongest <= BLACK)).astype(np.uint8)
    usable = cv2.dilate(unusable, np.ones((7, 7), np.uint8)) == 0
    if usable.mean() < 0.01:
        return None
    planes = cv2.GaussianBlur(LINEAR[light], (0, 0), SMOOTH)
    along, down = cv2.Sobel(planes, cv2.CV_32F, 1, 0), cv2.Sobel(planes, cv2.CV_32F, 0, 1)
    steps = (along * along + down * down)[usable]
    lamp = (steps.astype(np.float64) ** (NORM / 2)).mean(axis=0) ** (1 / NORM)
    length = float(np.linalg.norm(lamp))
    if length < 1e-4:
        return None
    return float(np.degrees(np.arccos(min(1.0, float(lamp.sum()) / (np.sqrt(3) * length)))))


GLARE = 240
"""Threshold T1 of the paper, in grey levels."""
PATCH = 0.1
"""Largest part of the picture that one reflection covers; beyond it the ground is white or the picture burnt out."""


def reflection(light: Array) -> float | None:
    """Return the part of the picture, in percent, that mirrors the lamp; `None` for grey pictures."""
    if light.ndim == 2:
        return None
    luma = cv2.cvtColor(light, cv2.COLOR_RGB2GRAY)
    whole = max(1.0, float(np.percentile(luma, 95)))
    bright = luma > GLARE
    for channel in (1, 2):
        share = float(np.percentile(light[..., channel], 95)) / whole
        bright &= light[..., channel] > min(share, 1.0) * GLARE
    _, _, patches, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    areas = patches[1:, cv2.CC_STAT_AREA]
    return 100 * float(areas[areas <= PATCH * luma.size].sum()) / luma.size
