"""What one image says of itself: modality, kind, acquisition parameters, stored bits, rescale, compression, exposure.

In comes an `Image`, out comes what each check measured. No pixel is looked at, and no value that someone typed is repeated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydicom.uid import UID

from midas.kernel import Severity
from midas.protocol.model import Item, Range
from midas.quality.checks import CT, MR, XRAY, Check, Measured, judge, well, wrong
from midas.quality.image import Image, as_number

ALL: frozenset[str] = frozenset()

MODALITY = Check(
    "image.modality", Severity.ERROR, ALL, "", {"en": "Right modality", "hi": "सही मोडैलिटी"},
    "Check that the item stands under the right definition.", "protocol: items.modalities; PS3.3 C.7.3.1.1.1",
)  # fmt: skip
SOP_CLASS = Check(
    "image.sop-class", Severity.ERROR, ALL, "", {"en": "Right kind of object", "hi": "सही प्रकार का ऑब्जेक्ट"},
    "Export the original images, not screenshots or derived objects.", "protocol: items.sop_classes",
)  # fmt: skip
ACQUISITION = Check(
    "image.acquisition", Severity.WARNING, ALL, "",
    {"en": "Acquisition parameters as the protocol asks", "hi": "प्रोटोकॉल के अनुसार इमेजिंग पैरामीटर"},
    "Compare the acquisition with the protocol.", "protocol: items.acquisition",
)  # fmt: skip
UNKNOWN = Check(
    "image.acquisition-unknown", Severity.INFO, ALL, "",
    {"en": "Acquisition parameters are given", "hi": "इमेजिंग पैरामीटर दर्ज हैं"},
    "Nothing to do where the device does not write it.", "protocol: items.acquisition",
)  # fmt: skip
NO_PIXELS = Check(
    "image.no-pixels", Severity.ERROR, ALL, "", {"en": "Has pixels", "hi": "पिक्सेल मौजूद हैं"},
    "Export the images themselves.", "PS3.3 C.7.6.3",
)  # fmt: skip
BITS = Check(
    "image.bit-depth", Severity.WARNING, CT | MR, "bit", {"en": "Bits stored (CT, MR)", "hi": "बिट गहराई (सीटी, एमआर)"},
    "Export the original images: eight bits come from a screenshot or a conversion.",
    "PS3.3 C.7.6.3 (Bits Stored), C.8.2.1.1.5 (CT); limits: MIDAS default", {"min": 10, "max": 16},
)  # fmt: skip
BITS_XRAY = Check(
    "xray.bit-depth", Severity.WARNING, XRAY, "bit", {"en": "Bits stored (X-ray)", "hi": "बिट गहराई (एक्स-रे)"},
    "Export the original images.", "PS3.3 C.7.6.3 and C.8.11.3 (Bits Stored); limits: MIDAS default", {"min": 8, "max": 16},
)  # fmt: skip
RESCALE = Check(
    "image.rescale", Severity.WARNING, CT, "", {"en": "Rescale to Hounsfield units", "hi": "हाउंसफ़ील्ड इकाई में रीस्केल"},
    "Export the original images; without it the values mean nothing.",
    "PS3.3 C.8.2.1 (Rescale Slope and Intercept), C.11.1.1.2",
)  # fmt: skip
LOSSY = Check(
    "image.lossy", Severity.WARNING, CT | MR, ": 1",
    {"en": "Lossy compression of CT and MR", "hi": "सीटी और एमआर का हानिपूर्ण संपीड़न"},
    "Export the images as the device made them.",
    "PS3.3 C.7.6.1.1.5; limit: German consensus conference on compression in radiology (CT of the brain 5 : 1)", {"max": 5},
)  # fmt: skip
LOSSY_XRAY = Check(
    "xray.lossy", Severity.WARNING, XRAY, ": 1", {"en": "Lossy compression of X-ray", "hi": "एक्स-रे का हानिपूर्ण संपीड़न"},
    "Export the images as the device made them.",
    "PS3.3 C.7.6.1.1.5; limit: German consensus conference on compression in radiology (CR and DR 10 : 1)", {"max": 10},
)  # fmt: skip
DEVIATION = Check(
    "xray.exposure", Severity.WARNING, XRAY, "", {"en": "Exposure (deviation index)", "hi": "एक्सपोज़र (विचलन सूचकांक)"},
    "Below -3 the image is too noisy and should be repeated; above 3 the dose was twice what was wanted.",
    "Deviation index of IEC 62494-1 and AAPM TG-116 (2009); limits: MIDAS default", {"min": -3, "max": 3},
)  # fmt: skip
SPACING = Check(
    "image.spacing", Severity.WARNING, ALL, "mm", {"en": "Distances of pixels are possible", "hi": "पिक्सेल की दूरी संभव है"},
    "Export the original images; without a true scale nothing can be measured in them.",
    "PS3.3 10.7.1.3 (Pixel Spacing: both values greater than zero), C.8.11.3 (Imager Pixel Spacing)",
)  # fmt: skip
CHECKS = (
    MODALITY, SOP_CLASS, ACQUISITION, UNKNOWN, NO_PIXELS, BITS, BITS_XRAY, SPACING, RESCALE, LOSSY, LOSSY_XRAY, DEVIATION,
)  # fmt: skip

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
"""Attributes that give the distances of rows and of columns in mm."""
TERMS = re.compile(
    r"[A-Z]{2}|X3DM|RT[A-Z]{3,8}|SEG|SMR|REG|FID|DOC|PLAN|EPS|IVOCT|IVUS|OAM|OPM|OPT|OPTENF|OPTBSV|OPV|ASMT|STAIN|ANN"
)
"""Defined terms of Modality (PS3.3 C.7.3.1.1.1); anything else was typed by someone and is not repeated."""


def right_modality(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    said = image.modality
    if said in item.modalities:
        yield well(MODALITY)
        return
    told = said if TERMS.fullmatch(said) else "not one" if said else "not given"
    wanted = " or ".join(item.modalities)
    yield wrong(MODALITY, f"The modality is {told}; {item.id} needs {wanted}.", item=item, scope=scope)


def right_class(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    uid = str(image.ds.get("SOPClassUID") or "")
    if not item.sop_classes or uid in item.sop_classes:
        yield well(SOP_CLASS)
        return
    name = UID(uid).name if uid else "No SOP class"
    yield wrong(SOP_CLASS, f"{name} is not allowed for {item.id}.", item=item, scope=scope)


def in_range(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    for bound in item.acquisition:
        value = image.slices[0].value(bound.keyword)
        if value is None or value == "":
            yield wrong(UNKNOWN, f"{bound.keyword} is not given.", item=item, scope=scope, cites=bound.cites)
        elif said := _outside(value, bound):
            found = wrong(
                ACQUISITION, f"{bound.keyword} {said}.", item=item, scope=scope, value=as_number(value),
                cites=bound.cites, severity=Severity(bound.severity),
            )  # fmt: skip
            yield found
        else:
            yield well(ACQUISITION)


def _outside(value: Any, bound: Range) -> str:
    if bound.one_of:
        return "" if str(value) in bound.one_of else f"is not one of {', '.join(bound.one_of)}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "is not a number"
    unit = f" {bound.unit}" if bound.unit else ""
    if bound.min is not None and number < bound.min:
        return f"is {number:g}{unit}, below {bound.min:g}"
    if bound.max is not None and number > bound.max:
        return f"is {number:g}{unit}, above {bound.max:g}"
    return ""


def has_pixels(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    yield (
        well(NO_PIXELS)
        if image.has_pixels
        else wrong(NO_PIXELS, "There are no pixels.", item=item, scope=scope)
    )


def stored_bits(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    check = BITS if image.modality in CT | MR else BITS_XRAY
    if not check.concerns(image.modality) or not image.has_pixels:
        return
    allocated, stored, high = (
        as_number(image.ds.get(name)) for name in ("BitsAllocated", "BitsStored", "HighBit")
    )
    if stored is None or allocated is None:
        yield wrong(check, "Bits Allocated or Bits Stored is not given.", item=item, scope=scope)
    elif stored > allocated or high != stored - 1:
        yield wrong(check, "Bits Stored, Bits Allocated and High Bit do not fit.", item=item, scope=scope)
    else:
        yield judge(check, stored, "The bits stored are", item=item, scope=scope)


def possible_spacing(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    """Hold the distances that the object gives, of each frame, to what a distance can be; one that is absent is no fault."""
    for name in SPACINGS:
        told = [value for one in image.slices if (value := one.value(name)) not in (None, "", [])]
        if not told:
            continue
        worst = next((value for value in told if not _are_distances(value)), None)
        if worst is None:
            yield well(SPACING)
        else:
            yield wrong(SPACING, f"{name} is not two distances greater than 0.", item=item, scope=scope)


def _are_distances(value: Any) -> bool:
    """Say whether a value is two finite numbers greater than 0: of rows, and of columns."""
    two = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    numbers = [as_number(one) for one in two]
    return len(numbers) == 2 and all(one is not None and math.isfinite(one) and one > 0 for one in numbers)


def hounsfield(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    if image.modality not in CT or "LOCALIZER" in str(image.ds.get("ImageType")):
        return
    slope, intercept = image.slices[0].number("RescaleSlope"), image.slices[0].number("RescaleIntercept")
    if not slope or intercept is None:
        yield wrong(RESCALE, "Rescale Slope or Intercept is missing or 0.", item=item, scope=scope)
    elif str(image.slices[0].value("RescaleType") or "HU") not in {"HU", "HU_MOD"}:
        yield wrong(RESCALE, "The values are not said to be Hounsfield units.", item=item, scope=scope)
    else:
        yield well(RESCALE)


def compressed(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    check = LOSSY if image.modality in CT | MR else LOSSY_XRAY
    if not check.concerns(image.modality):
        return
    if str(image.ds.get("LossyImageCompression") or "") != "01":
        yield well(check)
        return
    ratio = image.ds.get("LossyImageCompressionRatio")
    steps = [ratio] if as_number(ratio) is not None and not hasattr(ratio, "__iter__") else list(ratio or ())
    if not steps:
        yield wrong(check, "It was compressed with loss; by how much is not said.", item=item, scope=scope)
        return
    whole = 1.0
    for one in steps:
        whole *= as_number(one) or 1.0
    yield judge(check, whole, "The image was compressed with loss by", item=item, scope=scope)


def exposed(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    if image.modality in XRAY:
        value = as_number(image.ds.get("DeviationIndex"))
        yield judge(DEVIATION, value, "The deviation index is", item=item, scope=scope)


OBJECT = (
    right_modality,
    right_class,
    in_range,
    has_pixels,
    stored_bits,
    possible_spacing,
    hounsfield,
    compressed,
    exposed,
)
