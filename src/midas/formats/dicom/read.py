"""A DICOM file read into a dataset, whole or not at all.

In comes a path; out come the dataset and findings about what had to be assumed (no preamble, character set). A file
that ends early, or is no DICOM, is `BadInput`. Pixel data is read only where asked for.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from midas.formats.dicom.quiet import quiet
from midas.formats.sniff import Kind, sniff
from midas.kernel import BadInput, Finding, Severity

UNDEFINED = 0xFFFFFFFF
PIXEL_TAGS = {Tag(0x7FE00010), Tag(0x7FE00008), Tag(0x7FE00009)}
TEXT_VRS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
"""Value representations that Specific Character Set governs (PS3.5 §6.1.2.2)."""

BROKEN = (
    InvalidDicomError, BytesLengthException, EOFError,
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error,
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
    with quiet():
        try:
            return _look(path, pixels)
        except BadInput:
            raise
        except BROKEN as problem:
            raise BadInput("The file cannot be read as DICOM.", advice=AGAIN) from problem


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
        _ends_well(ds, stream, size)
        return
    implicit, little = ds.original_encoding
    _follow_pixels(stream, size, implicit=bool(implicit), order="<" if little else ">")
    stream.seek(at)


def _ends_well(ds: FileDataset, stream: BinaryIO, size: int) -> None:
    """Without pixel data the last element must end where the file does: pydicom drops a cut header in silence."""
    elements: list[Any] = [ds.get_item(tag) for tag in sorted(ds.keys())]
    last = elements[-1]
    raws = [element for element in elements if element.is_raw and element.length != UNDEFINED]
    if isinstance(last, RawDataElement) and last.length != UNDEFINED:
        if (
            max(element.value_tell + element.length for element in raws if element.length != UNDEFINED)
            != size
        ):
            raise _short()
        return
    stream.seek(max(0, size - 8))
    ending = stream.read(8)
    if getattr(last, "is_undefined_length", False) and not ending.endswith(bytes(4)):
        raise _short()


def _follow_pixels(stream: BinaryIO, size: int, *, implicit: bool, order: str) -> None:
    """Step over the pixel data and what may follow it (padding, signatures), by lengths alone."""
    first = True
    while stream.tell() < size:
        tag, length = _header(stream, implicit=implicit, order=order)
        if first and tag not in PIXEL_TAGS:
            raise _short() if tag.group >= 0x0008 else _nothing_left()
        first = False
        if length == UNDEFINED:
            if tag not in PIXEL_TAGS:
                return
            _follow_fragments(stream, size, order)
        elif stream.tell() + length > size:
            raise _short()
        else:
            stream.seek(length, 1)


LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
"""Value representations whose explicit length has four bytes (PS3.5 Table 7.1-1)."""


def _header(stream: BinaryIO, *, implicit: bool, order: str) -> tuple[BaseTag, int]:
    head = stream.read(8)
    if len(head) < 8:
        raise _short() if any(head) else _nothing_left()
    group, element = struct.unpack(order + "HH", head[:4])
    if implicit or not head[4:6].isalpha():  # some writers leave the VR out of an explicit file here
        return BaseTag(group << 16 | element), struct.unpack(order + "I", head[4:8])[0]
    if head[4:6] not in LONG:
        return BaseTag(group << 16 | element), struct.unpack(order + "H", head[6:8])[0]
    rest = stream.read(4)
    if len(rest) < 4:
        raise _short()
    return BaseTag(group << 16 | element), struct.unpack(order + "I", rest)[0]


def _follow_fragments(stream: BinaryIO, size: int, order: str) -> None:
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
    return encodings[0] != "iso8859"  # what pydicom takes for ISO_IR 6, which has no character beyond ASCII


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
        nested: Any = ds.get_item(tag)
        if not nested.is_raw and nested.VR == "SQ":
            for item in nested.value:
                _encode(item, encodings)
