"""What Table E.1-1 does not name: which attributes a device writes, which a person types, and text inside binary values.

In come keywords and bytes, out come verdicts. A value that a person types keeps only words of the vocabulary; one that
a device writes stays unless it looks as if it named someone.
"""

from __future__ import annotations

import re

from midas.deid import tables

_DEVICE_ENDINGS = (
    "Manufacturer", "ManufacturerName", "ManufacturerModelName", "SoftwareVersion", "SoftwareVersions", "CoilName",
)  # fmt: skip
_DEVICE = frozenset("""
    ConvolutionKernel SequenceName PulseSequenceName MultiCoilElementName MultiCoilConfiguration ImagedNucleus
    ImageFilter FilterType TypeOfFilters CollimatorGridName Radionuclide Radiopharmaceutical ReconstructionMethod
    AttenuationCorrectionMethod ScatterCorrectionMethod DetectorLinesOfResponseUsed AlgorithmName SegmentAlgorithmName
    AlgorithmVersion ApplicationName ApplicationVersion DoseModeName AcquisitionMode AcquisitionDeviceProcessingCode
    PhosphorType PlateType ProcessingFunction PostprocessingFunction RescaleType PVCRejection TransducerData
    MIMETypeOfEncapsulatedDocument ListOfMIMETypes FunctionalGroupPrivateCreator DimensionIndexPrivateCreator
    WindowCenterWidthExplanation DigitalImageFormatAcquired VideoImageFormatAcquired
""".split())  # fmt: skip
TYPED_CODES = frozenset("BodyPartExamined ContentLabel FilterMaterial ModifiedImageID StudyStatusID".split())
"""Code strings (CS) into which people and scripts write what they like."""
TABLES = re.compile(
    r"PaletteColorLookupTableData$|^LUTData$|^BlendingLookupTableData$|CIELabValueList$|IndexList$"
)
"""Look-up tables and lists of indices: a ramp of numbers reads like the alphabet."""
SHORT_RUN, LONG_RUN, SMALL = 6, 16, 4096
"""Printable characters in a row that count as text: in a large value short ones come about by chance."""
_PRINTED = {
    n: re.compile(rb"[\x20-\x7e]{%d,}|(?:[\x20-\x7e]\0){%d,}|(?:\0[\x20-\x7e]){%d,}" % (n, n, n))
    for n in (SHORT_RUN, LONG_RUN)
}
_WORD = re.compile(r"[a-z]{4,}")


def device_written(keyword: str) -> bool:
    """Say whether the firmware of a device writes this attribute (names of makers, models, kernels, sequences)."""
    return keyword in _DEVICE or keyword.endswith(_DEVICE_ENDINGS)


def text_within(data: bytes) -> bool:
    """Say whether a binary value holds text (ASCII or UTF-16) with a word that the vocabulary does not know, or a number."""
    if len(data) >= 1 << 24:
        return False
    runs = _PRINTED[SHORT_RUN if len(data) < SMALL else LONG_RUN].finditer(data)
    return any(_tells(run.group().replace(b"\0", b"").decode("ascii").lower()) for run in runs)


def _tells(text: str) -> bool:
    unknown = any(word not in tables.vocabulary() for word in _WORD.findall(text))
    return unknown or bool(re.search(r"\d{6,}", text))
