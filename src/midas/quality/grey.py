"""What the pixels of any grey slice show: that there is something, in enough grey levels.

In comes a `Slice` of CT, MR or X-ray, out comes what each check measured. Colour is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import CT, MR, XRAY, Check, Measured, judge, well, wrong
from midas.quality.image import Slice

CONSTANT = Check(
    "image.constant", Severity.WARNING, frozenset(), "", {"en": "Is not blank", "hi": "छवि कोरी नहीं है"},
    "Look at the image; it may be blank.", "PS3.3 C.7.6.3.1.4",
)  # fmt: skip
LEVELS = Check(
    "image.grey-levels", Severity.WARNING, CT | MR | XRAY, "levels", {"en": "Grey levels used", "hi": "प्रयुक्त धूसर स्तर"},
    "Export the original images: so few levels come from a screenshot or a conversion.",
    "PS3.3 C.7.6.3.1.4; limit: MIDAS default", {"min": 64},
)  # fmt: skip
CHECKS = (CONSTANT, LEVELS)


def not_blank(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    if one.owner.modality == "SM":
        return  # a tile of clear glass is blank by right
    raw = one.raw
    if raw.size and raw.min() == raw.max():
        said = "Every pixel of a frame has the same value."
        yield wrong(CONSTANT, said, item=item, scope=scope)
    else:
        yield well(CONSTANT)


def distinct(raw: NDArray[Any]) -> int:
    """Count the distinct values of an array of integers; sixteen bits are counted without sorting, signed or not."""
    if raw.dtype.itemsize != 2:
        return len(np.unique(raw))
    bits = np.ascontiguousarray(raw).view(np.uint16)
    return int(np.count_nonzero(cv2.calcHist([bits], [0], None, [65536], [0, 65536])))


def grey_levels(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    """Count distinct stored values."""
    if not LEVELS.concerns(one.owner.modality) or not one.owner.grey_scale:
        return
    raw = one.raw
    if raw.dtype.kind not in "iu" or raw.min() == raw.max():
        return
    yield judge(LEVELS, distinct(raw), "The grey levels used are", item=item, scope=scope)


SLICE = (not_blank, grey_levels)
