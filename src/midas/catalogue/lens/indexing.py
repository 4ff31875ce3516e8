"""One DICOM file → what is kept of it to be served: its metadata and where its frames lie. No database and no Django here.

An address within a value is written with `ROOT` in place of the DICOMweb root: the same index serves every scope.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import zstandard

from midas.formats import dicom
from midas.kernel import BadInput

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
    with dicom.quiet():
        try:
            with path.open("rb") as stream:
                ds = pydicom.dcmread(stream, stop_before_pixels=True)
                deflated = ds.file_meta.TransferSyntaxUID.is_deflated
                frames = dicom.FrameTable() if deflated else dicom.frame_table(ds, stream)
                has_pixels = deflated or frames.ranged
            return _indexed(ds, frames, sha256=sha256, size=size, has_pixels=has_pixels)
        except Exception as error:
            raise BadInput("It cannot be indexed as DICOM.", advice="Export it again.") from error


def _indexed(ds: Any, frames: dicom.FrameTable, *, sha256: str, size: int, has_pixels: bool) -> Indexed:
    place = (
        f"{ROOT}/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    )
    metadata = dicom.to_json(ds, bulk=lambda path: f"{place}/bulkdata/{path}")
    if has_pixels and "Rows" in ds:
        metadata["7FE00010"] = {"vr": "OW", "BulkDataURI": f"{place}/bulkdata/7FE00010"}
    return Indexed(
        sha256=sha256, size=size, subject=str(ds.get("PatientID") or ""), study_uid=str(ds.StudyInstanceUID),
        series_uid=str(ds.SeriesInstanceUID), sop_instance_uid=str(ds.SOPInstanceUID),
        sop_class_uid=str(ds.SOPClassUID), transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID),
        number=_whole(metadata, "00200013"), rows=_whole(metadata, "00280010") or 0,
        columns=_whole(metadata, "00280011") or 0,
        frame_count=(_whole(metadata, "00280008") or 1) if has_pixels else 0,
        metadata=pack(metadata), frames=frames.to_bytes(),
    )  # fmt: skip


def _whole(metadata: dict[str, Any], tag: str) -> int | None:
    values = metadata.get(tag, {}).get("Value", ())
    return values[0] if values and isinstance(values[0], int) else None


def text_of(value: Any) -> bytes:
    """Write JSON as it goes out, with `ROOT` as the one byte that is replaced then."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace(_ESCAPED, ROOT).encode()


def value_of(text: bytes | str) -> Any:
    return json.loads(text, strict=False)


def pack(value: Any) -> bytes:
    return squeezed(text_of(value))


def squeezed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(data)


def spread(data: bytes | memoryview) -> bytes:
    """Return what was squeezed."""
    return zstandard.ZstdDecompressor().decompress(data)
