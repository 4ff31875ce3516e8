"""What two readers drew, as masks over the same frames, so that they can be compared.

In comes a segmentation (PS3.3 A.51) as bytes; out come boolean frames by structure and by the frame of the source that
each was drawn on. A report, a contour or a tiled slide is not turned into a mask here: it has none, and a person compares.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import SegmentationStorage

from midas.annotate.agreeing import dice
from midas.formats.dicom import codecs  # noqa: F401 - no decoder meets a frame that is not what the object says

Frame = tuple[str, int]
"""SOP instance UID of the source, and the number of its frame."""
Drawing = Mapping[str, Mapping[Frame, Any]]


class NoMask(Exception):
    """The object cannot be laid over its source frame by frame."""


def drawing(data: bytes) -> Drawing:
    """Read a segmentation; segments with one label are one structure. `NoMask` for any other kind of object."""
    try:
        ds = pydicom.dcmread(io.BytesIO(data))
        if ds.SOPClassUID != SegmentationStorage or ds.get("SegmentationType") == "LABELMAP":
            raise NoMask
        pixels = (
            np.atleast_3d(ds.pixel_array) if int(ds.get("NumberOfFrames", 1)) > 1 else ds.pixel_array[None]
        )
        names = {
            int(one.SegmentNumber): " ".join(str(one.SegmentLabel).split()).casefold()
            for one in ds.SegmentSequence
        }
    except NoMask:
        raise
    except Exception as error:  # pydicom and its codecs raise many kinds for what they cannot read
        raise NoMask from error
    found: dict[str, dict[Frame, Any]] = {name: {} for name in names.values()}
    for number, frame in enumerate(_frames(ds)):
        structure = found[names[frame.segment]]
        drawn = pixels[number] > 0
        structure[frame.source] = structure[frame.source] | drawn if frame.source in structure else drawn
    return found


@dataclass(frozen=True)
class _Placed:
    segment: int
    source: Frame


def _frames(ds: Any) -> Iterator[_Placed]:
    """Yield what each frame of the segmentation shows, and on which frame of the source."""
    shared = (
        ds.SharedFunctionalGroupsSequence[0]
        if ds.get("SharedFunctionalGroupsSequence")
        else pydicom.Dataset()
    )
    try:
        for group in ds.PerFrameFunctionalGroupsSequence:
            identified = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
            derived = group.get("DerivationImageSequence") or shared.DerivationImageSequence
            source = derived[0].SourceImageSequence[0]
            numbers = source.get("ReferencedFrameNumber", 1)
            frame = int(numbers if isinstance(numbers, int) else numbers[0])
            yield _Placed(
                int(identified[0].ReferencedSegmentNumber), (str(source.ReferencedSOPInstanceUID), frame)
            )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NoMask from error


def overlap(first: Drawing, second: Drawing) -> dict[str, float]:
    """Return the Dice coefficient of each structure; where each drew one structure, they are taken for the same."""
    if len(first) == len(second) == 1:
        second = dict(zip(first, second.values(), strict=True))
    a, b = {}, {}
    for name in {*first, *second}:
        one, other = first.get(name, {}), second.get(name, {})
        places = sorted({*one, *other})
        shapes = {frame.shape for frame in (*one.values(), *other.values())}
        if len(shapes) > 1:
            raise NoMask
        empty = np.zeros(shapes.pop() if shapes else (1, 1), bool)
        a[name], b[name] = _stack(one, places, empty), _stack(other, places, empty)
    return dice(a, b)


def _stack(frames: Mapping[Frame, Any], places: list[Frame], empty: Any) -> Any:
    return np.stack([frames.get(place, empty) for place in places] or [empty])
