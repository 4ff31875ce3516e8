"""What Table E.1-1 does not name: which attributes a device writes, which a person types, and text inside binary values.

In come keywords and bytes, out come verdicts. A value that a person types keeps only words of the vocabulary; one that
a device writes stays unless it looks as if it named someone.
"""

from __future__ import annotations

import re
from datetime import date

from midas.deid import tables
from midas.deid.dates_in_text import date_spans
from midas.deid.devices import words_tell
from midas.deid.patterns import Span, spans
from midas.deid.words import Known, suspicious, telling

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
TABLES = re.compile(
    r"PaletteColorLookupTableData$|^LUTData$|^BlendingLookupTableData$|CIELabValueList$|IndexList$"
)
"""Look-up tables and lists of indices: a ramp of numbers reads like the alphabet."""
MEASURED = frozenset(
    "WaveformData SpectroscopyData FloatPixelData DoubleFloatPixelData PointCoordinatesData PrimitivePointIndexList"
    " LongPrimitivePointIndexList DoublePointCoordinatesData VectorCoordinateData VectorGridData".split()
)
"""Signals and shapes, without which an object is nothing; small numbers in a row read like letters."""
_SENTENCE = re.compile(
    rb"(?=[\x20-\x7e]{32})[\x20-\x7e]*?[A-Za-z]{3,}[ ^,.:=][ ]?[A-Za-z]{3,}[ ^,.:=][ ]?[A-Za-z0-9]{3,}"
)
"""Three words in a run of 32 printed characters: no signal writes these by chance."""
SHORT_RUN, LONG_RUN, SMALL = 6, 16, 4096
"""Printable characters in a row that count as text: in a large value short ones come about by chance."""
_PRINTED = {
    n: re.compile(rb"[\x20-\x7e]{%d,}|(?:[\x20-\x7e]\0){%d,}|(?:\0[\x20-\x7e]){%d,}" % (n, n, n))
    for n in (SHORT_RUN, LONG_RUN)
}
_WORD = re.compile(r"[a-z]{4,}")
_VERSION = re.compile(r"[A-Za-z]{0,4}[ ._-]?\d{1,5}(?:[._]\d{1,5}){1,3}[A-Za-z]?")
_MODEL = re.compile(r"[A-Za-z]{2,5}[ _-]?\d{1,5}[A-Za-z]{0,2}")
"""Names of models are written like numbers of a register (`ADC_5146`, `CT660`)."""
_REPOSITORY = re.compile(
    r"(?:(?:https?|git)://|git@)(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)[/:][\w.\-]{1,39}/(?!\d+$)[\w.\-]{1,60}"
)
"""Programs that make objects call themselves by the public place of their source."""
_DAY = re.compile(
    r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])[._](?:0?[1-9]|1[0-2])[._](?:19|20)?\d{2}(?!\d)"
    r"|(?<!\d)(?:19|20)\d{2}[._](?:0?[1-9]|1[0-2])[._](?:0?[1-9]|[12]\d|3[01])(?!\d)"
)
"""Three numbers that are a day, month and year; in a version one of them is not."""


def device_written(keyword: str) -> bool:
    """Say whether the firmware of a device writes this attribute (names of makers, models, kernels, sequences)."""
    return keyword in _DEVICE or keyword.endswith(_DEVICE_ENDINGS)


def device_text_tells(text: str, known: Known) -> bool:
    """Say whether what a device should have written looks as if it named someone.

    A version (`5.00.02`, `51.80.108.010`) is no day; a word is of the field, a maker's or a device's.
    """
    if known.names(text) or not text.isascii():
        return True
    if _REPOSITORY.fullmatch(text.strip()):
        return False
    if _VERSION.fullmatch(text.strip()) and not _DAY.search(text):
        return False
    if suspicious(text, known) and not _MODEL.fullmatch(text.strip()):
        return True
    return words_tell(text)


def is_version(keyword: str) -> bool:
    """Say whether the attribute tells which software ran: builds, parts and their days."""
    return keyword.endswith(("SoftwareVersion", "SoftwareVersions"))


def version_tells(text: str, known: Known, days: frozenset[date]) -> bool:
    """Say whether a version could name someone, or tells one of `days`, those of the object.

    Numbers of parts and the days of builds (`453561454581__OS.09__[2010/06/14]`) are the same on every such device.
    Without any day of the object to compare with, every day tells.
    """
    if known.names(text) or not text.isascii() or telling(text):
        return True
    if any(one.kind in _REACHING or _called(one, text) for one in spans(text)):
        return True
    return any(_is_one_of(text[slice(*found)], days) for found in date_spans(text, whole=True))


def _called(found: Span, text: str) -> bool:
    """Say whether a telephone number was found; one with dots is a version."""
    return found.kind == "phone" and "." not in text[found.start : found.end]


_REACHING = frozenset({"e-mail", "aadhaar", "masked", "abha", "pan", "gstin", "licence"})
_FIGURES = re.compile(r"\d+")


def _is_one_of(found: str, days: frozenset[date]) -> bool:
    """Say whether all figures of a written day are figures of one of `days`; without any to compare with it may be."""
    packed = re.sub(r"((?:19|20)\d\d)(\d\d)(\d\d)", r"\1 \2 \3", found)
    figures = {int(one) for one in _FIGURES.findall(packed)[:3]}
    return not days or any(figures <= {day.year, day.year % 100, day.month, day.day} for day in days)


def text_within(data: bytes) -> bool:
    """Say whether a binary value holds text (ASCII or UTF-16) with a word that the vocabulary does not know, or a number."""
    if len(data) >= 1 << 24:
        return False
    runs = _PRINTED[SHORT_RUN if len(data) < SMALL else LONG_RUN].finditer(data)
    return any(_tells(run.group().replace(b"\0", b"").decode("ascii").lower()) for run in runs)


def sentence_within(data: bytes) -> bool:
    """Say whether signals or shapes hold words: several beside one another, as measurements never are."""
    return len(data) < 1 << 24 and _SENTENCE.search(data) is not None


def _tells(text: str) -> bool:
    unknown = any(word not in tables.vocabulary() for word in _WORD.findall(text))
    return unknown or bool(re.search(r"\d{6,}", text))
