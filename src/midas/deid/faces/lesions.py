"""Where lesions lie: the points of segmentations and structure sets that say they are lesions.

In comes a SEG or RTSTRUCT file, out come LPS points in mm. Organs, skin and devices are never taken for lesions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from midas.deid.faces.model import Array
from midas.deid.faces.volume import planes
from midas.deid.pictures.frames import Frames
from midas.deid.stream import open_file

RTSTRUCT, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.66.4"
TARGETS = frozenset({"GTV", "CTV"})
"""RT ROI Interpreted Type of tumours (PS3.3 C.8.8.8); a planning target volume has a margin and is none."""
ABNORMAL = frozenset({"49755003", "M-01000"})
"""SNOMED CT "Morphologically abnormal structure" and its SRT code: the category of lesions in SEG (CID 7150)."""


def points_of(path: Path) -> Array:
    """Return the points (n, 3) of every lesion in the file; none where it says of nothing that it is one."""
    ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    kind = str(ds.get("SOPClassUID", ""))
    if kind == RTSTRUCT:
        return _contours(ds)
    return _segments(ds, path) if kind == SEGMENTATION else np.zeros((0, 3))


def _contours(ds: Dataset) -> Array:
    wanted = {
        int(item.ReferencedROINumber)
        for item in ds.get("RTROIObservationsSequence") or []
        if str(item.get("RTROIInterpretedType") or "") in TARGETS
    }
    made: list[Array] = [np.zeros((0, 3))]
    for roi in ds.get("ROIContourSequence") or []:
        if int(roi.get("ReferencedROINumber") or -1) in wanted:
            outlines = [contour.ContourData for contour in roi.get("ContourSequence") or []]
            made.extend(_within(np.array(outline, float).reshape(-1, 3)) for outline in outlines)
    return np.concatenate(made)


def _within(outline: Array) -> Array:
    """Return a contour with points between it and its middle, so that the whole lesion is named."""
    middle = outline.mean(axis=0)
    reach = float(np.abs(outline - middle).max())
    steps = max(2, int(reach / 2) + 1)
    return np.concatenate([middle + (outline - middle) * part for part in np.linspace(0, 1, steps)])


def lesion_segments(ds: Dataset) -> frozenset[int]:
    """Return the numbers of the segments that are lesions."""
    return frozenset(
        int(item.SegmentNumber)
        for item in ds.get("SegmentSequence") or []
        if any(
            str(code.get("CodeValue") or "") in ABNORMAL
            for code in item.get("SegmentedPropertyCategoryCodeSequence") or []
        )
    )


def segment_of(ds: Dataset, number: int) -> int:
    """Return which segment a frame of a SEG shows, 0 where it does not say."""
    frames = ds.get("PerFrameFunctionalGroupsSequence") or []
    shared = ds.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for place in (frames[number] if number < len(frames) else Dataset(), shared[0]):
        for item in place.get("SegmentIdentificationSequence") or []:
            return int(item.get("ReferencedSegmentNumber") or 0)
    return 0


def _segments(ds: Dataset, path: Path) -> Array:
    wanted, frames = lesion_segments(ds), Frames(open_file(path))
    made: list[Array] = [np.zeros((0, 3))]
    for plane in planes(ds, path):
        if segment_of(ds, plane.number) in wanted:
            row, column = np.nonzero(frames.samples(plane.number))
            made.append(plane.at + row[:, None] * plane.down + column[:, None] * plane.across)
    return np.concatenate(made)
