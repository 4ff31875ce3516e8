"""A DICOM file read into a dataset, whole or not at all.

In comes a path; out come the dataset and findings about what had to be assumed (no preamble, character set). A file
that ends early, or is no DICOM, is `BadInput`. Pixel data is read only where asked for.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from midas.formats.sniff import Kind, sniff
from midas.kernel import BadInput, Finding, Severity

UNDEFINED = 0xFFFFFFFF
PIXEL_TAGS = {Tag(0x7FE00010), Tag(0x7FE00008), Tag(0x7FE00009)}
TEXT_VRS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
"""Value representations that Specific Character Set governs (PS3.5 §6.1.2.2)."""

BROKEN = (
    InvalidDicomError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error,
    zlib.error, NotImplementedError, RecursionError, OverflowError, MemoryError, AssertionError, LookupError,
)  # fmt: skip
"""What pydicom raises for bytes that do not hold what they say; each becomes one `BadInput`."""

AGAIN = "Export it again from where it came."


@dataclass(frozen=True)
class Read:
    """A dataset and what had to be assumed to read it."""

    dataset: Dataset
    findings: tuple[Finding, ...]


def read(path: Path, *, pixels: bool = False) -> Dataset:
    """Return the dataset at `path`; BadInput where it is not DICOM or not whole. See `look` for the findings."""
    return look(path, pixels=pixels).dataset


def look(path: Path, *, pixels: bool = False) -> Read:
    """Return the dataset at `path` and what had to be assumed; BadInput where it is not DICOM or not whole.

    Text is decoded leniently: where the declared character set (PS3.3 C.12.1.1.2) is missing or does not fit, UTF-8
    and then Latin-1 is taken, set in the dataset and said in a finding.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quiet = logging.getLogger("pydicom")
        level, quiet.level = quiet.level, logging.CRITICAL
        try:
            return _look(path, pixels)
        except BadInput:
            raise
        except BROKEN as problem:
            raise BadInput("The file cannot be read as DICOM.", advice=AGAIN) from problem
        finally:
            quiet.level = level


def _look(path: Path, pixels: bool) -> Read:
    if sniff(path) not in (Kind.DICOM, Kind.DICOMDIR):
        raise BadInput("The file is not DICOM.", advice="Hand in the original file.")
    findings: list[Finding] = []
    with path.open("rb") as stream:
        ds = pydicom.dcmread(stream, force=True, stop_before_pixels=not pixels)
        if len(ds) == 0 or all(tag.group == 0x0002 for tag in list(ds.keys())):
            raise BadInput("The file holds no DICOM attributes.", advice=AGAIN)
        _whole(ds, stream, path.stat().st_size)
    _meta(ds, findings)
    if not is_directory(ds):
        findings += _characters(ds)
    return Read(ds, tuple(findings))


def is_directory(ds: Dataset) -> bool:
    """Is this a DICOMDIR (PS3.3 Annex F)?"""
    meta = getattr(ds, "file_meta", Dataset())
    return (
        meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in ds
    )


def _meta(ds: FileDataset, findings: list[Finding]) -> None:
    if ds.preamble is None:
        findings.append(_note("dicom.no-preamble", "The file has no preamble.", "PS3.10 §7.1"))
    if "TransferSyntaxUID" not in ds.file_meta:
        findings.append(_note("dicom.no-transfer-syntax", "The transfer syntax was inferred.", "PS3.10 §7.1"))
        _implicit, little = ds.original_encoding
        if little and not _implicit:
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        else:
            ds.file_meta.TransferSyntaxUID = (
                pydicom.uid.ImplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
            )


def _note(rule: str, message: str, cites: str, severity: Severity = Severity.INFO) -> Finding:
    return Finding(rule=rule, severity=severity, scope="file", message=message, cites=cites)


def _short() -> BadInput:
    return BadInput("The file ends before its content does.", advice=AGAIN)


def _whole(ds: FileDataset, stream: BinaryIO, size: int) -> None:
    """Compare every top-level length with what was there, then follow the pixel data in the file without reading it."""
    for tag in list(ds.keys()):
        element = ds.get_item(tag)
        if not isinstance(element, RawDataElement) or element.value is None:
            continue
        if element.length != UNDEFINED and len(element.value) < element.length:
            raise _short()
    if ds.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return
    at = stream.tell()
    if at >= size:
        return
    implicit, little = ds.original_encoding
    _follow_pixels(stream, size, implicit=bool(implicit), order="<" if little else ">")
    stream.seek(at)


def _follow_pixels(stream: BinaryIO, size: int, *, implicit: bool, order: str) -> None:
    head = stream.read(12)
    if len(head) < 8:
        raise _short() if any(head) else _nothing_left()
    tag = BaseTag((struct.unpack(order + "H", head[:2])[0] << 16) | struct.unpack(order + "H", head[2:4])[0])
    if tag not in PIXEL_TAGS:
        raise (
            _short()
            if tag.group >= 0x0008
            else BadInput("The file holds bytes after its content.", advice=AGAIN)
        )
    if implicit or not head[4:6].isalpha():  # some writers leave the VR out of an explicit file here
        length, start = struct.unpack(order + "I", head[4:8])[0], 8
    else:
        if len(head) < 12:
            raise _short()
        length, start = struct.unpack(order + "I", head[8:12])[0], 12
    stream.seek(start - len(head), 1)
    if length != UNDEFINED:
        if stream.tell() + length > size:
            raise _short()
        return
    while True:
        item = stream.read(8)
        if len(item) < 8:
            raise _short()
        group, element, length = struct.unpack(order + "HHI", item)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        if (group, element) != (0xFFFE, 0xE000) or stream.tell() + length > size:
            raise _short()
        stream.seek(length, 1)


def _nothing_left() -> BadInput:
    return BadInput("The file ends in bytes that mean nothing.", advice=AGAIN)


def _raw_texts(ds: Dataset) -> Iterator[bytes]:
    """Every undecoded text value that holds bytes beyond ASCII, nested ones too."""
    for tag in list(ds.keys()):
        element = ds.get_item(tag)
        if isinstance(element, RawDataElement):
            vr = element.VR or _dictionary_vr(element.tag)
            if vr in TEXT_VRS and element.value and not element.value.isascii():
                yield element.value
            if vr not in ("SQ", "UN") or (vr == "UN" and element.length != UNDEFINED):
                continue
        nested = ds[tag]
        if nested.VR == "SQ":
            for item in nested.value:
                yield from _raw_texts(item)


def _dictionary_vr(tag: BaseTag) -> str:
    try:
        return pydicom.datadict.dictionary_VR(tag)
    except KeyError:
        return ""


def _characters(ds: Dataset) -> list[Finding]:
    declared = ds.get("SpecificCharacterSet")
    texts = list(_raw_texts(ds))
    escapes = any(b"\x1b" in text for text in texts)
    if not texts or (escapes and declared):
        return []
    if declared and all(_decodes(text, declared) for text in texts):
        return []
    actual = "ISO_IR 192" if all(_decodes(text, "ISO_IR 192") for text in texts) else "ISO_IR 100"
    _set_characters(ds, actual)
    rule = "dicom.charset-wrong" if declared else "dicom.charset-missing"
    message = (
        "The declared character set does not fit the text" if declared else "No character set is declared"
    )
    return [_note(rule, f"{message}; read as {actual}.", "PS3.3 C.12.1.1.2", Severity.WARNING)]


def _decodes(text: bytes, declared: object) -> bool:
    try:
        encodings = convert_encodings(declared)  # type: ignore[arg-type]
        text.decode(encodings[0])
    except (UnicodeDecodeError, LookupError, ValueError):
        return False
    return encodings[0] != "iso8859" or declared == "ISO_IR 6"


def _set_characters(ds: Dataset, charset: str) -> None:
    ds.SpecificCharacterSet = charset
    encodings = convert_encodings(charset)
    _encode(ds, encodings)


def _encode(ds: Dataset, encodings: list[str]) -> None:
    implicit, little = ds.original_encoding
    ds.set_original_encoding(implicit, little, encodings)
    if "SpecificCharacterSet" in ds and ds.SpecificCharacterSet in ("", None):
        del ds.SpecificCharacterSet
    for tag in list(ds.keys()):
        element = ds.get_item(tag)
        if isinstance(element, DataElement) and element.VR == "SQ":
            for item in element.value:
                _encode(item, encodings)
