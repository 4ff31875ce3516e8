"""What the pixels of one X-ray image show: how much of the range it uses, how noisy it is, and how much is blown out.

In comes a `Slice` of CR, DX, PX, IO or MG, out comes what each check measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import XRAY, Check, Measured, judge
from midas.quality.image import Slice

CONTRAST = Check(
    "xray.contrast", Severity.WARNING, XRAY, "%", {"en": "Grey range used", "hi": "प्रयुक्त धूसर परास"},
    "Look at the exposure and at the processing of the image.",
    "Rule of scikit-image `is_low_contrast` (percentiles 1 and 99 less than 5 % of the range apart)", {"min": 5},
)  # fmt: skip
CLIPPED = Check(
    "xray.clipped", Severity.WARNING, XRAY, "%", {"en": "Blown-out pixels", "hi": "संतृप्त (जले हुए) पिक्सेल"},
    "The detector was overexposed there, or the export cut the range.",
    "Share at the top of the stored range; measure and limit: MIDAS default", {"max": 20},
)  # fmt: skip
NOISE = Check(
    "xray.noise", Severity.WARNING, XRAY, "%", {"en": "Noise of an X-ray", "hi": "एक्स-रे में शोर (नॉइज़)"},
    "Look at the exposure; an underexposed image is noisy.",
    "Immerkaer, Comput Vis Image Underst 1996;64:300, of the range between percentiles 1 and 99; limit: MIDAS default",
    {"max": 5},
)  # fmt: skip
CHECKS = (CONTRAST, CLIPPED, NOISE)

LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def sigma(values: NDArray[np.float32]) -> float:
    """Return the deviation of white noise in an image, by Immerkaer's difference of two Laplacians.

    The median of the absolute response stands in for its mean, so that edges do not count as noise.
    """
    response = np.abs(cv2.filter2D(values, cv2.CV_32F, LAPLACE)[1:-1, 1:-1])
    return float(np.median(response)) / (6 * 0.6744897501960817)


def measures(one: Slice, item: Item, scope: str) -> Iterator[Measured]:
    if one.owner.modality not in XRAY or not one.owner.grey_scale or min(one.raw.shape) < 32:
        return
    values = one.raw.astype(np.float32)
    low, high = (float(x) for x in np.percentile(values[::4, ::4], [1, 99]))
    stored = one.number("BitsStored") or 16
    full = 2.0**stored - 1
    yield judge(CONTRAST, 100 * (high - low) / full, "The image uses", item=item, scope=scope)
    top = full if not one.number("PixelRepresentation") else math.floor(full / 2)
    share = 100.0 * np.count_nonzero(values >= top) / values.size
    yield judge(CLIPPED, share, "At the top of the range stand", item=item, scope=scope)
    if high > low:
        yield judge(NOISE, 100 * sigma(values) / (high - low), "The noise is", item=item, scope=scope)


SLICE = (measures,)
