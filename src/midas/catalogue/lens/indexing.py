"""One DICOM file → what is kept of it to be served: its metadata and where its frames lie. No database and no Django here.

An address within a value is written with `ROOT` in place of the DICOMweb root: the same index serves every scope.
"""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
import zstandard
from pydicom.dataset import FileDataset

from midas.formats import dicom
from midas.kernel import BadInput, sha256_bytes

ROOT = "\x1a"
"""Stands for the root until an answer goes out. JSON holds no control character, so it is never part of a value."""
_ESCAPED = "\\u001a"
LEVEL = 6


@dataclass(frozen=True)
class Indexed:
    """The index of one file; fields as in `midas.catalogue.models.DicomIndex`."""

    sha256: str
    size: int
    subject: str
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number: int | None
    rows: int
    columns: int
    frame_count: int
    metadata: bytes = field(repr=False)
    frames: bytes = field(repr=False)


def index_file(path: Path, *, sha256: str, size: int) -> Indexed:
    """Index a DICOM file whose bytes have this digest and size; `BadInput` where it cannot be read as DICOM."""
    with path.open("rb") as stream:
        return _index(stream, sha256=sha256, size=size)


def index_bytes(data: bytes) -> Indexed:
    """Index a DICOM file that is in memory; `BadInput` where it cannot be read as DICOM."""
    return _index(io.BytesIO(data), sha256=sha256_bytes(data), size=len(data))


def _index(stream: BinaryIO, *, sha256: str, size: int) -> Indexed:
    with dicom.quiet():
        try:
            ds = pydicom.dcmread(stream, stop_before_pixels=True)
            pixels, frames = _pixels(ds, stream)
            return _indexed(ds, frames, sha256=sha256, size=size, pixels=pixels)
        except Exception as error:
            raise BadInput("It cannot be indexed as DICOM.", advice="Export it again.") from error


def _pixels(ds: FileDataset, stream: BinaryIO) -> tuple[str, dicom.FrameTable]:
    """Return the tag of the pixel data, empty where there is none, and where its frames lie."""
    if ds.file_meta.TransferSyntaxUID.is_deflated:
        return ("7FE00010" if "Rows" in ds else ""), dicom.FrameTable()
    at = stream.tell()
    raw = stream.read(4)
    if len(raw) < 4:
        return "", dicom.FrameTable()
    stream.seek(at)
    group, element = struct.unpack("<HH" if ds.original_encoding[1] else ">HH", raw)
    return f"{group:04X}{element:04X}", dicom.frame_table(ds, stream)


def _indexed(ds: Any, frames: dicom.FrameTable, *, sha256: str, size: int, pixels: str) -> Indexed:
    place = (
        f"{ROOT}/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    )
    metadata = dicom.to_json(ds, bulk=lambda path: f"{place}/bulkdata/{path}")
    if pixels:
        vr = {"7FE00008": "OF", "7FE00009": "OD"}.get(pixels, "OW")
        metadata[pixels] = {"vr": vr, "BulkDataURI": f"{place}/bulkdata/{pixels}"}
    return Indexed(
        sha256=sha256, size=size, subject=str(ds.get("PatientID") or ""), study_uid=str(ds.StudyInstanceUID),
        series_uid=str(ds.SeriesInstanceUID), sop_instance_uid=str(ds.SOPInstanceUID),
        sop_class_uid=str(ds.SOPClassUID), transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID),
        number=_whole(metadata, "00200013"), rows=_whole(metadata, "00280010") or 0,
        columns=_whole(metadata, "00280011") or 0,
        frame_count=(_whole(metadata, "00280008") or 1) if pixels else 0,
        metadata=pack(metadata), frames=frames.to_bytes(),
    )  # fmt: skip


def _whole(metadata: dict[str, Any], tag: str) -> int | None:
    values = metadata.get(tag, {}).get("Value", ())
    return values[0] if values and isinstance(values[0], int) else None


def text_of(value: Any) -> bytes:
    """Write JSON as it goes out, with `ROOT` as the one byte that is replaced then."""
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        .replace(_ESCAPED, ROOT)
        .encode("utf-8", "replace")
    )


def value_of(text: bytes | str) -> Any:
    return json.loads(text, strict=False)


def pack(value: Any) -> bytes:
    return squeezed(text_of(value))


def squeezed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(data)


def spread(data: bytes | memoryview) -> bytes:
    """Return what was squeezed."""
    return zstandard.ZstdDecompressor().decompress(data)
