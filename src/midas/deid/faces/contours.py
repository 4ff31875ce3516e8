"""Contours of structure sets that follow the skin: their points inside the face go (PS3.3 C.8.8.6).

In come an RTSTRUCT dataset and a mask, out comes the same dataset clipped. Tumours and organs inside the head keep their
shape; outlines of the body, fixation masks and boluses, which repeat the face, are clipped where they enter it.
"""

from __future__ import annotations

import re

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from midas.deid.faces.model import FaceMask

INSIDE = frozenset({
    "GTV", "CTV", "PTV", "TREATED_VOLUME", "IRRAD_VOLUME", "ORGAN", "AVOIDANCE", "MARKER", "ISOCENTER", "REGISTRATION",
    "CONTRAST_AGENT", "CAVITY", "BRACHY_CHANNEL", "BRACHY_ACCESSORY", "BRACHY_SRC_APP", "BRACHY_CHNL_SHLD", "DOSE_REGION",
    "DOSE_MEASUREMENT", "CONTROL",
})  # fmt: skip
"""RT ROI Interpreted Types (PS3.3 C.8.8.8.1) of what lies in the body; others (EXTERNAL, BOLUS …) may follow skin."""
SKIN_NAMES = re.compile(r"skin|extern|body|outline|face|head|scalp|mask|bolus|surface|couch", re.IGNORECASE)


def clip(ds: Dataset, mask: FaceMask) -> int:
    """Remove the points of skin contours that lie in `mask`; return how many went."""
    kinds = {
        int(item.get("ReferencedROINumber") or -1): str(item.get("RTROIInterpretedType") or "")
        for item in ds.get("RTROIObservationsSequence") or []
    }
    names = {
        int(item.get("ROINumber") or -1): str(item.get("ROIName") or "")
        for item in ds.get("StructureSetROISequence") or []
    }
    gone = 0
    for roi in ds.get("ROIContourSequence") or []:
        number = int(roi.get("ReferencedROINumber") or -1)
        if kinds.get(number) not in INSIDE or SKIN_NAMES.search(names.get(number, "")):
            gone += _clipped(roi, mask)
    return gone


def _clipped(roi: Dataset, mask: FaceMask) -> int:
    kept, gone = [], 0
    for contour in roi.get("ContourSequence") or []:
        points = np.array(contour.get("ContourData") or [], float).reshape(-1, 3)
        inside = mask.inside(points)
        gone += int(inside.sum())
        if not inside.any():
            kept.append(contour)
            continue
        left = points[~inside]
        if len(left) < (3 if str(contour.get("ContourGeometricType", "")).startswith("CLOSED") else 1):
            continue
        contour.ContourData = [f"{value:.10g}"[:16] for value in left.ravel()]
        contour.NumberOfContourPoints = len(left)
        kept.append(contour)
    if gone:
        roi.ContourSequence = Sequence(kept)
        if not kept:
            del roi.ContourSequence
    return gone
