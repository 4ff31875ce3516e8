"""What is examined: an image object, and its slices (frames), whose pixels are decoded once and let go after the look.

In comes a DICOM dataset; out come attributes wherever the object keeps them, and arrays. Nothing is judged here.
"""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

SAMPLE = 64
"""Frames of one object whose pixels are looked at, evenly spread; an object with fewer is looked at whole."""
SMALL = 128
"""Rows and columns of the small picture by which neighbouring slices are compared."""
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
SAMPLES_OF_A_FRAME = 1 << 28
"""Samples of one frame that are decoded: four times a mammogram in colour; of two bytes each it is half a GiB."""
FRAMES_WITHOUT_PIXELS = 1 << 17
"""Frames of an object that came without its pixels, by which they could be counted."""


class Plane(NamedTuple):
    """Where a slice lies: direction cosines of its rows and columns, the centre of its first pixel in mm."""

    directions: NDArray[np.float64]
    origin: NDArray[np.float64]


def _in_groups(groups: Dataset, keyword: str) -> Any:
    for element in groups:
        if element.VR == "SQ" and element.value and keyword in element.value[0]:
            return element.value[0][keyword].value
    return None


class Slice:
    """One frame of an object. `kept` holds numbers that one rule worked out and another needs."""

    def __init__(self, owner: Image, index: int) -> None:
        self.owner, self.index = owner, index
        self.kept: dict[str, float] = {}

    def value(self, keyword: str) -> Any:
        """Return an attribute of this frame: of its own functional groups, the shared ones, or the object."""
        frames = self.owner.ds.get("PerFrameFunctionalGroupsSequence") or ()
        own = _in_groups(frames[self.index], keyword) if self.index < len(frames) else None
        return self.owner.value(keyword) if own is None else own

    def number(self, keyword: str) -> float | None:
        """Return an attribute of this frame as a number, the first of several; `None` where it is none."""
        return as_number(self.value(keyword))

    @cached_property
    def raw(self) -> NDArray[Any]:
        """Stored values, rows x columns, or x 3 in colour; whatever the decoder raises, where it cannot.

        `ValueError` where the object asks for more than `SAMPLES_OF_A_FRAME`.
        """
        from pydicom.pixels import pixel_array

        from midas.formats.dicom import codecs  # noqa: F401 - no decoder meets a frame that is not what the object says

        if self.owner.samples > SAMPLES_OF_A_FRAME:
            raise ValueError("the frame is larger than any image")
        return np.asarray(pixel_array(self.owner.ds, index=self.index))

    @cached_property
    def grey(self) -> NDArray[np.float32]:
        """Values after the rescale of PS3.3 C.11.1 (Hounsfield units in CT), rows x columns."""
        slope, intercept = self.number("RescaleSlope"), self.number("RescaleIntercept")
        values = self.raw.astype(np.float32)
        if slope not in (None, 1.0):
            values *= np.float32(slope)
        if intercept not in (None, 0.0):
            values += np.float32(intercept)
        return values

    @cached_property
    def padding(self) -> NDArray[np.bool_] | None:
        """Pixels that are no measurement (PS3.3 C.7.5.1.1.2), or `None` where the object names no such value."""
        value, limit = self.number("PixelPaddingValue"), self.number("PixelPaddingRangeLimit")
        if value is None:
            return None
        low, high = min(value, limit if limit is not None else value), max(value, limit or value)
        return (self.raw >= low) & (self.raw <= high)

    @cached_property
    def small(self) -> NDArray[np.float32]:
        """The slice in `SMALL` rows and columns, each the mean of what lies under it."""
        return cv2.resize(self.grey, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32)

    @cached_property
    def plane(self) -> Plane | None:
        directions, origin = self.value("ImageOrientationPatient"), self.value("ImagePositionPatient")
        if not directions or not origin or len(directions) != 6 or len(origin) != 3:
            return None
        return Plane(
            np.array([float(x) for x in directions]).reshape(2, 3), np.array([float(x) for x in origin])
        )

    @cached_property
    def pixel_mm(self) -> float | None:
        """Distance of rows in mm."""
        return self.number("PixelSpacing") or self.number("ImagerPixelSpacing")

    def let_go(self) -> None:
        """Drop the pixels; the small picture stays where it was made."""
        for name in ("raw", "grey", "padding"):
            self.__dict__.pop(name, None)


def as_number(value: Any) -> float | None:
    first = value[0] if isinstance(value, list | tuple | MultiValue) and value else value
    try:
        return float(first)
    except (TypeError, ValueError):
        return None


class Image:
    """One object as it stands in a file. `modality` is what the object says of itself."""

    def __init__(self, ds: Dataset) -> None:
        self.ds = ds
        self.modality = str(ds.get("Modality") or "")
        self.has_pixels = any(name in ds for name in PIXELS)
        self.slices = tuple(Slice(self, index) for index in range(self._frames()))

    def _frames(self) -> int:
        """Return how many frames there are: no more than the pixels have room for, whatever the header says."""
        said = max(1, int(as_number(self.ds.get("NumberOfFrames")) or 1))
        data = self.ds.get("PixelData")
        if said == 1 or not isinstance(data, bytes):
            return min(said, FRAMES_WITHOUT_PIXELS)
        bits = self.samples * self._whole("BitsAllocated")
        room = len(data) // 8 if self.encapsulated else 8 * len(data) // max(1, bits)
        return min(said, max(1, room))

    @property
    def samples(self) -> int:
        """Samples of one frame, by the header."""
        return prod(map(self._whole, ("Rows", "Columns", "SamplesPerPixel")))

    def _whole(self, keyword: str) -> int:
        return max(1, int(as_number(self.ds.get(keyword)) or 1))

    @property
    def encapsulated(self) -> bool:
        """Whether each frame is a compressed stream of its own (PS3.5 A.4)."""
        syntax = getattr(self.ds, "file_meta", Dataset()).get("TransferSyntaxUID")
        return bool(syntax and not syntax.is_private and syntax.is_encapsulated)

    def value(self, keyword: str) -> Any:
        """Return an attribute of the object or, in enhanced objects, of the shared functional groups."""
        if keyword in self.ds:
            return self.ds[keyword].value
        for group in self.ds.get("SharedFunctionalGroupsSequence") or ():
            if (found := _in_groups(group, keyword)) is not None:
                return found
        return None

    @cached_property
    def grey_scale(self) -> bool:
        """Whether one sample stands for one pixel and more means more, in one direction or the other."""
        said = str(self.ds.get("PhotometricInterpretation") or "")
        return said.startswith("MONOCHROME") and int(self.ds.get("SamplesPerPixel") or 1) == 1

    def sampled(self) -> tuple[Slice, ...]:
        """Return the slices whose pixels are looked at: all, or `SAMPLE` of them, evenly spread."""
        if not self.has_pixels:
            return ()
        if len(self.slices) <= SAMPLE:
            return self.slices
        return tuple(self.slices[int(at)] for at in np.linspace(0, len(self.slices) - 1, SAMPLE).round())

    def let_go(self) -> None:
        """Drop the pixels of the dataset too; its header stays."""
        for name in PIXELS:
            if name in self.ds:
                del self.ds[name]
