"""Bytes in, bytes out: the header in memory, untouched pixel data copied past it as it stands.

In comes a file of any transfer syntax, out comes a whole file with a zero preamble, file meta information of our own
and nothing after the last element. Pixels are decoded only where they must be changed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    UID_dictionary,
)  # fmt: skip

from midas.deid.model import ENGINE, Held
from midas.deid.segments import RLE, STARTS, bare_frame, family

IMPLEMENTATION_UID = "2.25.317064157423058931412043837164593817273"
UNDEFINED = 0xFFFFFFFF
CHUNK = 1 << 20
TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
OFFSETS = (0x7FE00001, 0x7FE00002, 0x7FE00003)
"""Extended offset tables: fragments may have become shorter."""


@dataclass
class Opened:
    """A parsed header and where in the file the pixel data stands (`at` is None where there is none)."""

    ds: FileDataset
    path: Path
    syntax: str
    at: int | None = None
    tag: int = 0
    vr: str = "OW"
    length: int = 0
    little: bool = True
    masked: IO[bytes] | None = None
    """Pixel data that stands for the file's own where pixels were changed: the same form, `at` counted from its start."""

    def pixels(self) -> IO[bytes]:
        """Return the stream in which the pixel data stands, to be closed by the caller."""
        return self.masked if self.masked is not None else self.path.open("rb")

    def pixels_again(self) -> AbstractContextManager[IO[bytes]]:
        """Return the same stream for a first look: what was masked already stays open."""
        return nullcontext(self.masked) if self.masked is not None else self.path.open("rb")


def open_file(path: Path) -> Opened:
    """Parse everything but the pixel data; `Held` where the file is no DICOM or ends early."""
    with path.open("rb") as stream:
        try:
            ds = pydicom.dcmread(stream, force=True, stop_before_pixels=True)
        except RecursionError:
            raise Held("unreadable", "The file nests deeper than can be read.") from None
        except Exception as problem:  # noqa: BLE001 - pydicom raises many kinds for broken bytes
            raise Held(
                "unreadable", f"The file cannot be parsed as DICOM ({type(problem).__name__})."
            ) from None
        if "SOPClassUID" not in ds or "SOPInstanceUID" not in ds:
            raise Held(
                "not-an-instance",
                "The file has no SOP Class or SOP Instance UID, so nothing says what it is.",
            )
        if not ds.get("StudyInstanceUID") or not ds.get("SeriesInstanceUID"):
            raise Held(
                "incomplete-identity", "The file has no Study or Series Instance UID, so it belongs nowhere."
            )
        opened = Opened(ds, path, _syntax(ds), little=bool(ds.original_encoding[1]))
        if opened.syntax == DeflatedExplicitVRLittleEndian:
            _inflated(opened)
        else:
            _find_pixels(opened, stream)
    _settle(ds, 0)
    return opened


def _syntax(ds: FileDataset) -> str:
    given = str(ds.file_meta.get("TransferSyntaxUID", "")) if getattr(ds, "file_meta", None) else ""
    if given:
        if UID_dictionary.get(given, ("", ""))[1] != "Transfer Syntax":
            raise Held(
                "transfer-syntax-not-mastered", "The file is encoded in a way that DICOM does not define."
            )
        return given
    implicit, little = ds.original_encoding
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _inflated(opened: Opened) -> None:
    """Read pixels of a deflated file with the header: such files are small, and have no place to stream from."""
    try:
        whole = pydicom.dcmread(opened.path, force=True)
    except (zlib.error, EOFError, ValueError, OSError):
        raise Held("truncated", "The deflated file ends before its content does.") from None
    for tag in PIXELS:
        if tag in whole:
            expected = _expected(opened)
            if len(whole[tag].value) < expected:
                raise Held("truncated", "There are fewer pixels than rows, columns and frames ask for.")
            whole[tag].value = _even(_clean_bits(opened.ds, whole[tag].value[:expected]))
            opened.ds[tag] = whole[tag]
            return


def _find_pixels(opened: Opened, stream: IO[bytes]) -> None:
    at, size = stream.tell(), opened.path.stat().st_size
    order = "<" if opened.little else ">"
    for tag in list(opened.ds.keys()):
        raw = opened.ds.get_item(tag)
        if (
            isinstance(raw, RawDataElement)
            and raw.value is not None
            and raw.length != UNDEFINED
            and len(raw.value) < raw.length
        ):
            raise Held("truncated", "The file ends before its content does.")
    head = stream.read(12)
    if len(head) < 8:
        return
    group, element = struct.unpack(order + "HH", head[:4])
    if (group << 16 | element) not in PIXELS:
        return
    implicit = bool(opened.ds.original_encoding[0])
    opened.tag, opened.vr = group << 16 | element, "OW" if implicit else head[4:6].decode("ascii", "replace")
    start = 8 if implicit else 12
    opened.length = struct.unpack(order + "I", head[4:8] if implicit else head[8:12])[0]
    opened.at = at + start
    if opened.length != UNDEFINED and opened.at + opened.length > size:
        raise Held("truncated", "The file ends before its pixel data does.")


def _settle(ds: Dataset, depth: int) -> None:
    """Decode every element once, with the character set that its bytes speak for; what cannot be read is taken away."""
    if depth > 32:
        raise Held("unreadable", "The file nests deeper than any object of the standard.")
    for tag in list(ds.keys()):
        raw = ds.get_item(tag)
        try:
            if isinstance(raw, RawDataElement):
                _recode(ds, raw)
            element = ds[tag]
            _ = element.is_empty, str(element.value) if element.VR not in {"SQ", "OB", "OW", "UN"} else ""
        except Exception:  # noqa: BLE001 - pydicom raises many kinds; what cannot be read must not stay
            del ds[tag]
            continue
        if element.VR == "SQ":
            for item in element.value:
                _settle(item, depth + 1)


def _recode(ds: Dataset, raw: RawDataElement) -> None:
    vr = raw.VR or (dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else "")
    if vr not in TEXT or not raw.value or raw.value.isascii():
        return
    try:
        text = raw.value.decode("utf-8")
    except UnicodeDecodeError:
        return
    text = text.rstrip("\0 ")
    many = vr not in {"LT", "ST", "UT"} and "\\" in text
    ds[raw.tag] = DataElement(raw.tag, vr, text.split("\\") if many else text)


def native(syntax: str) -> bool:
    return syntax in {
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    }


def write(opened: Opened, out: IO[bytes]) -> str:
    """Write the cleaned header, then the pixel data, to `out`; returns the transfer syntax of what was written."""
    ds = opened.ds
    syntax = (
        opened.syntax
        if opened.syntax not in {ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
        else ExplicitVRLittleEndian
    )
    if syntax == ImplicitVRLittleEndian and opened.at is None and not any(tag in ds for tag in PIXELS):
        syntax = ExplicitVRLittleEndian
    fresh = Dataset()
    fresh.update(ds)
    for tag in OFFSETS:
        fresh.pop(tag, None)
    target = FileDataset("", fresh, preamble=b"\0" * 128, file_meta=_meta(ds, UID(syntax)))
    target.set_original_encoding(syntax == ImplicitVRLittleEndian, True, None)
    dcmwrite(
        out,
        target,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=True,
    )
    if opened.at is not None:
        with opened.pixels() as stream:
            stream.seek(opened.at)
            _copy_pixels(opened, stream, out, implicit=syntax == ImplicitVRLittleEndian)
    return syntax


def _meta(ds: Dataset, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = ENGINE.replace("midas-deid ", "MIDAS_DEID_")[:16]
    return meta


def _copy_pixels(opened: Opened, stream: IO[bytes], out: IO[bytes], *, implicit: bool) -> None:
    if opened.length == UNDEFINED:
        out.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED))
        _copy_frames(opened, stream, out)
        return
    expected = _expected(opened)
    if opened.length < expected:
        raise Held("truncated", "There are fewer pixels than rows, columns and frames ask for.")
    length = expected + expected % 2
    tag = struct.pack("<HH", 0x7FE0, opened.tag & 0xFFFF)
    vr = opened.vr if opened.vr in {"OB", "OW", "OF", "OD"} else "OW"
    out.write(tag + (struct.pack("<I", length) if implicit else struct.pack("<2sHI", vr.encode(), 0, length)))
    swap = 0 if opened.little or vr == "OB" else {"OW": 2, "OF": 4, "OD": 8}[vr]
    left = expected
    while left:
        part = stream.read(min(CHUNK, left))
        if not part:
            raise Held("truncated", "The file ends before its pixel data does.")
        out.write(_clean_bits(opened.ds, _swapped(part, swap)))
        left -= len(part)
    out.write(b"\0" * (length - expected))


def _clean_bits(ds: Dataset, part: bytes) -> bytes:
    """Return native pixels, little endian, whose unused bits hold nothing (PS3.5 8.1.1): an overlay could stand there."""
    allocated, stored = int(ds.get("BitsAllocated") or 0), int(ds.get("BitsStored") or 0)
    if allocated not in (8, 16, 32) or not 0 < stored < allocated:
        return part
    import numpy as np

    high = int(ds.get("HighBit", stored - 1))
    low = high + 1 - stored
    if low < 0 or high >= allocated or len(part) % (allocated // 8):
        raise Held("unreadable", "Bits stored, high bit and bits allocated contradict each other.")
    values = np.frombuffer(part, dtype=f"<u{allocated // 8}")
    used = values & np.array(((1 << stored) - 1) << low, dtype=values.dtype)
    if low == 0 and int(ds.get("PixelRepresentation") or 0):
        sign = np.array(1 << high, dtype=values.dtype)
        used = (used ^ sign) - sign
    return part if np.array_equal(used, values) else used.tobytes()


def _swapped(part: bytes, width: int) -> bytes:
    if not width:
        return part
    import numpy as np

    return np.frombuffer(part, dtype=f">u{width}").astype(f"<u{width}").tobytes()


def _expected(opened: Opened) -> int:
    """Return how many bytes of native pixels the header asks for; nothing beyond them is copied (PS3.5 8.1.1)."""
    ds = opened.ds
    try:
        bits = int(ds.Rows) * int(ds.Columns) * int(ds.get("SamplesPerPixel") or 1) * int(ds.BitsAllocated)
        bits *= int(ds.get("NumberOfFrames") or 1)
    except (AttributeError, TypeError, ValueError):
        raise Held("unreadable", "Rows, columns or bits of the pixels are missing.") from None
    if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    expected = (bits + 7) // 8
    return expected if opened.little or opened.vr != "OW" else expected + expected % 2


def _copy_frames(opened: Opened, stream: IO[bytes], out: IO[bytes]) -> None:
    """Copy each frame, without comments and application data, as one fragment behind a table that fits (PS3.5 A.4)."""
    start, frames = stream.tell(), frame_count(opened.ds)
    sizes = [len(frame) for frame in _frames(opened, stream)]
    if len(sizes) != frames:
        raise Held("truncated", "There are more or fewer compressed frames than the header says.")
    table = b""
    if sum(sizes) + 8 * frames < UNDEFINED:
        offsets = accumulate((size + 8 for size in sizes[:-1]), initial=0)
        table = struct.pack(f"<{frames}I", *offsets)
    out.write(struct.pack("<HHI", 0xFFFE, 0xE000, len(table)) + table)
    stream.seek(start)
    out.writelines(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame for frame in _frames(opened, stream)
    )
    out.write(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))


def _frames(opened: Opened, stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the frames, bare and of even length: each begins with a fragment that begins as its kind does."""
    kind, single = family(opened.syntax), frame_count(opened.ds) == 1
    plane = int(opened.ds.get("Rows") or 0) * int(opened.ds.get("Columns") or 0)
    frame: list[bytes] = []
    for fragment in _fragments(stream):
        if (frame and not single and fragment.startswith(STARTS[kind])) or (frame and kind == RLE):
            yield _even(bare_frame(b"".join(frame), kind, plane=plane))
            frame = []
        frame.append(fragment)
    if frame:
        yield _even(bare_frame(b"".join(frame), kind, plane=plane))


def _even(part: bytes) -> bytes:
    return part + b"\0" * (len(part) % 2)


def _fragments(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the fragments after the offset table."""
    number = 0
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise Held("truncated", "The file ends before its pixel data does.")
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        body = stream.read(length) if (group, element) == (0xFFFE, 0xE000) and length < UNDEFINED else b""
        if (group, element) != (0xFFFE, 0xE000) or len(body) < length:
            raise Held("truncated", "The file ends before its pixel data does.")
        if number:
            yield body
        number += 1


def frame_count(ds: Dataset) -> int:
    value: Any = ds.get("NumberOfFrames") or 1
    return int(value)
