"""The look at a whole series: do its images belong together, is none missing or there twice, and do they fit?

In come the images of one series and the protocol's item; out comes what each check measured. Only headers are looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import CT, MR, Check, Measured, judge, well, wrong
from midas.quality.geometry import largest_angle, stacks
from midas.quality.image import Image, as_number

ALL: frozenset[str] = frozenset()
VOLUMES = CT | MR

MIXED = Check(
    "series.mixed", Severity.ERROR, ALL, "", {"en": "One person, one study", "hi": "एक ही व्यक्ति, एक ही अध्ययन"},
    "Separate the persons and export again.", "PS3.3 C.7.1.1, C.7.2.1",
)  # fmt: skip
DUPLICATE = Check(
    "series.duplicate", Severity.WARNING, ALL, "images", {"en": "Each image once", "hi": "हर छवि केवल एक बार"},
    "One of each is enough.", "PS3.3 C.12.1.1.1", {"max": 0},
)  # fmt: skip
TOO_FEW = Check(
    "series.too-few", Severity.WARNING, ALL, "images", {"en": "Enough images", "hi": "पर्याप्त छवियाँ"},
    "Check that the whole series was exported.", "protocol: items.min_instances",
)  # fmt: skip
SHAPES = Check(
    "series.shapes", Severity.WARNING, VOLUMES, "", {"en": "Images of one size", "hi": "सभी छवियाँ एक आकार की"},
    "Check for a scout view in the series.", "PS3.3 C.7.6.3",
)  # fmt: skip
PIXEL_SPACING = Check(
    "series.pixel-spacing", Severity.WARNING, VOLUMES, "", {"en": "One pixel spacing", "hi": "एक समान पिक्सेल दूरी"},
    "Check for several reconstructions in one series.", "PS3.3 C.7.6.2, 10.7.1.3",
)  # fmt: skip
NUMBERS = Check(
    "series.numbers", Severity.WARNING, VOLUMES, "images", {"en": "No gap in the numbering", "hi": "क्रमांक में कोई कमी नहीं"},
    "Check that the whole series was exported.", "PS3.3 C.7.6.1", {"max": 0},
)  # fmt: skip
ORIENTATION = Check(
    "series.orientation", Severity.WARNING, VOLUMES, "°", {"en": "Slices are parallel", "hi": "स्लाइस समानांतर हैं"},
    "Take the scout views out, or keep each direction in its own series.", "PS3.3 C.7.6.2.1.1", {"max": 1},
)  # fmt: skip
SAME_PLACE = Check(
    "series.same-place", Severity.WARNING, VOLUMES, "slices",
    {"en": "One slice in each place", "hi": "हर स्थान पर एक ही स्लाइस"},
    "Check for several echoes, phases or copies in one series.", "PS3.3 C.7.6.2.1.1", {"max": 0},
)  # fmt: skip
SLICE_GAP = Check(
    "series.slice-gap", Severity.WARNING, VOLUMES, "slices", {"en": "No slice is missing", "hi": "कोई स्लाइस छूटी नहीं"},
    "Export the whole series.", "PS3.3 C.7.6.2.1.1", {"max": 0},
)  # fmt: skip
SPACING = Check(
    "series.spacing", Severity.WARNING, VOLUMES, "%", {"en": "Even distances of slices", "hi": "स्लाइस के बीच समान दूरी"},
    "Volumes from it need resampling.", "PS3.3 C.7.6.2.1.1; limit: MIDAS default", {"max": 10},
)  # fmt: skip
BETWEEN = Check(
    "series.unseen", Severity.WARNING, VOLUMES, "mm",
    {"en": "Nothing unseen between slices", "hi": "स्लाइस के बीच कुछ अनदेखा नहीं"},
    "Tissue between the slices is in no image; ask for contiguous slices.",
    "PS3.3 C.7.6.2 (Slice Thickness), C.7.6.2.1.1 (Image Position); limit: MIDAS default", {"max": 2.5},
)  # fmt: skip
CONTRAST = Check(
    "series.contrast", Severity.WARNING, VOLUMES, "",
    {"en": "Contrast as the header says", "hi": "कंट्रास्ट वही जो हेडर बताता है"},
    "Check whether contrast was given, and correct the header where the device allows it.", "PS3.3 C.7.6.4",
)  # fmt: skip
CHECKS = (
    MIXED, DUPLICATE, TOO_FEW, SHAPES, PIXEL_SPACING, NUMBERS, ORIENTATION, SAME_PLACE, SLICE_GAP, SPACING, BETWEEN,
    CONTRAST,
)  # fmt: skip

ONE_OF = (
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientSex",
    "PatientBirthDate",
    "FrameOfReferenceUID",
)
"""What all images of a series share; the last may be absent."""
WITH_CONTRAST = re.compile(
    r"(?<![A-Z])(POST|CE|CECT|C ?\+|\+ ?C|GAD|GD|CONTRAST|CONTRASTED|ARTERIAL|VENOUS|PORTAL|DELAYED)(?![A-Z])", re.IGNORECASE
)  # fmt: skip
WITHOUT_CONTRAST = re.compile(
    r"(?<![A-Z])(PLAIN|NCCT|NECT|PRE|C ?-|W/?O|NON[ -]?CONTRAST|NON[ -]?ENHANCED|WITHOUT)(?![A-Z])", re.IGNORECASE
)  # fmt: skip


def one_person(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    several = [
        keyword for keyword in ONE_OF if len({str(image.ds.get(keyword) or "") for image in images}) > 1
    ]
    for keyword in several:
        yield wrong(MIXED, f"Its images do not share one {keyword}.", item=item, scope=scope)
    if not several:
        yield well(MIXED)


def each_once(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    twice = sum(
        count - 1 for count in Counter(str(image.ds.get("SOPInstanceUID")) for image in images).values()
    )
    yield judge(DUPLICATE, twice, "Images that are there more than once:", item=item, scope=scope)


def enough(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    count = sum(len(image.slices) for image in images)
    if count < item.min_instances:
        said = f"It has {count} images; {item.id} asks for {item.min_instances}."
        yield wrong(TOO_FEW, said, item=item, scope=scope, value=count)
    else:
        yield well(TOO_FEW, count)


def _volume(images: Sequence[Image]) -> bool:
    return len(images[0].slices) * len(images) > 1 and images[0].modality in VOLUMES


def one_size(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    if not _volume(images):
        return
    if len({(image.ds.get("Rows"), image.ds.get("Columns")) for image in images}) > 1:
        yield wrong(SHAPES, "Its images differ in size.", item=item, scope=scope)
    else:
        yield well(SHAPES)
    spacings = {str(one.value("PixelSpacing")) for image in images for one in image.slices}
    if len(spacings) > 1:
        yield wrong(PIXEL_SPACING, "Its images differ in pixel spacing.", item=item, scope=scope)
    else:
        yield well(PIXEL_SPACING)


def no_gap_in_numbers(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    if not _volume(images) or len(images) < 3:
        return
    said = {as_number(image.ds.get("InstanceNumber")) for image in images}
    numbers = sorted(number for number in said if number is not None)
    if len(numbers) < 3:
        return
    absent = int(numbers[-1] - numbers[0]) + 1 - len(numbers)
    regular = absent >= len(numbers)
    value = 0 if regular else absent
    yield judge(NUMBERS, value, "Numbers that are missing between first and last:", item=item, scope=scope)


def parallel(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    if _volume(images):
        angle = largest_angle(images)
        yield judge(ORIENTATION, angle, "Two of its slices are tilted by", item=item, scope=scope)


def even(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    """Measure places, gaps and distances of each stack of a series, and tell the worst stack."""
    if not _volume(images):
        return
    found = stacks(images)
    if not found:
        return
    yield judge(
        SAME_PLACE, sum(stack.doubled for stack in found), "Slices that lie where another one lies:", item=item, scope=scope
    )  # fmt: skip
    absent, uneven, unseen = 0, 0.0, None
    for stack in found:
        gaps = stack.gaps
        if len(gaps) < 2:
            continue
        usual = float(np.median(gaps))
        lost = np.round(gaps / usual) - 1
        absent += int(lost.sum())
        uneven = max(uneven, float(np.abs(gaps - usual)[lost < 1].max(initial=0.0)) / usual)
        thick = stack.slices[0].number("SliceThickness")
        if thick:
            unseen = max(unseen or 0.0, usual - thick)
    yield judge(SLICE_GAP, absent, "Slices that seem to be missing in the stack:", item=item, scope=scope)
    yield judge(SPACING, 100 * uneven, "Distances of slices differ from the usual by", item=item, scope=scope)
    yield judge(BETWEEN, unseen, "Between neighbouring slices is unseen", item=item, scope=scope)


def contrast(images: Sequence[Image], item: Item, scope: str) -> Iterator[Measured]:
    """Hold what the header says of contrast medium against the name of the series, and images against one another."""
    if images[0].modality not in VOLUMES:
        return
    given = {_given(image) for image in images}
    name = str(images[0].ds.get("SeriesDescription") or "").replace("_", " ")
    without = bool(WITHOUT_CONTRAST.search(name))
    with_it = bool(WITH_CONTRAST.search(WITHOUT_CONTRAST.sub("", name)))
    if len(given) > 1:
        yield wrong(CONTRAST, "Some of its images are with contrast, some without.", item=item, scope=scope)
    elif with_it and not without and given == {False}:
        yield wrong(
            CONTRAST, "Its name speaks of contrast; its header names no agent.", item=item, scope=scope
        )
    elif without and not with_it and given == {True}:
        yield wrong(
            CONTRAST, "Its name says without contrast; its header names an agent.", item=item, scope=scope
        )
    else:
        yield well(CONTRAST)


def _given(image: Image) -> bool:
    agent = str(image.ds.get("ContrastBolusAgent") or "").strip().upper()
    return bool(image.ds.get("ContrastBolusAgentSequence")) or agent not in {"", "NO", "NONE", "N"}


SERIES = (one_person, each_once, enough, one_size, no_gap_in_numbers, parallel, even, contrast)
