"""Plain facts of an image that name nobody: sizes, spacing, device make, technique.

In comes a dataset; out comes a flat dict with one value per fact, None where it is absent. Only the attributes listed
here are ever read: no date, no text typed by a person, no UID of a person's study.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.formats.dicom.read import BROKEN

Fact = str | int | float | None

INTEGERS = (
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation",
    "TotalPixelMatrixRows", "TotalPixelMatrixColumns", "NumberOfTemporalPositions", "EchoTrainLength",
)  # fmt: skip
NUMBERS = (
    "SliceThickness", "SpacingBetweenSlices", "KVP", "XRayTubeCurrent", "Exposure", "ExposureTime",
    "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle", "MagneticFieldStrength", "ReconstructionDiameter",
    "ObjectiveLensPower", "RescaleSlope", "RescaleIntercept", "DistanceSourceToDetector", "GantryDetectorTilt",
)  # fmt: skip
LISTS = (
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio", "ImageType",
    "ImageOrientationPatient", "SequenceVariant", "ScanOptions",
)  # fmt: skip
WORDS = (
    "Modality", "SOPClassUID", "Manufacturer", "ManufacturerModelName", "PhotometricInterpretation", "BodyPartExamined",
    "ViewPosition", "Laterality", "ImageLaterality", "PatientPosition", "ScanningSequence", "MRAcquisitionType",
    "ContrastBolusAgent", "ConvolutionKernel", "LossyImageCompression", "LossyImageCompressionMethod",
    "BurnedInAnnotation", "ConversionType", "SegmentationType", "DimensionOrganizationType",
)  # fmt: skip
NESTED = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "OpticalPathSequence")
GROUPS = (
    "PixelMeasuresSequence",
    "MRTimingAndRelatedParametersSequence",
    "CTXRayDetailsSequence",
    "PlaneOrientationSequence",
)
"""Functional groups in which enhanced objects keep what single-frame objects keep at the top (PS3.3 C.7.6.16)."""


def facts(ds: Dataset) -> dict[str, Fact]:
    """Return facts of `ds` by DICOM keyword, lists joined with `\\`, lengths in mm and times in ms as PS3.3 says."""
    places = tuple(_places(ds))
    found: dict[str, Fact] = {}
    for keyword in INTEGERS:
        found[keyword] = _number(_first(places, keyword), int)
    for keyword in NUMBERS:
        found[keyword] = _number(_first(places, keyword), float)
    for keyword in (*LISTS, *WORDS):
        found[keyword] = _words(_first(places, keyword))
    meta = getattr(ds, "file_meta", Dataset())
    found["TransferSyntaxUID"] = _words(meta.get("TransferSyntaxUID"))
    return found


def _places(ds: Dataset) -> Iterator[Dataset]:
    yield ds
    for name in NESTED:
        items = _value(ds, name)
        if not items:
            continue
        first = items[0]
        yield first
        for group in GROUPS:
            inner = _value(first, group)
            if inner:
                yield inner[0]


def _value(ds: Dataset, keyword: str) -> Any:
    try:
        return ds.get(keyword)
    except BROKEN:
        return None


def _first(places: tuple[Dataset, ...], keyword: str) -> Any:
    for place in places:
        value = _value(place, keyword)
        if value not in (None, ""):
            return value
    return None


def _number(value: Any, kind: type[int | float]) -> Fact:
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        return None if value is None else kind(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _words(value: Any) -> Fact:
    if value is None:
        return None
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(str(part) for part in value) or None
    return str(value)[:128] or None
