"""What kind of file this is, judged by its bytes and never by its name.

In comes a path; out comes a `Kind`. A file is never refused here: what is not recognised is `UNKNOWN`. The one thing
looked at beside the file is the data folder of a MIRAX slide, whose own first bytes are those of a photograph.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path
from typing import Any

HEAD = 65536
"""Bytes read first: enough for every magic number, a DICOM file meta group and fifty rows of a table."""

JSON_LIMIT = 512 << 20
"""A JSON document larger than this is judged by its head only: labels of whole collections stay far below."""

MIRAX_INDEX = "Slidedat.ini"
"""The file in the data folder of a MIRAX slide that says what the others are."""


class Kind(StrEnum):
    """The kinds of file that hospitals hand over."""

    DICOM = "dicom"
    DICOMDIR = "dicomdir"
    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    HEIC = "heic"
    WEBP = "webp"
    SLIDE = "slide"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    NIFTI = "nifti"
    COCO = "coco"
    VIA = "via"
    QUPATH = "qupath"
    ARCHIVE = "archive"
    PDF = "pdf"
    TEXT = "text"
    UNKNOWN = "unknown"


_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_VRS = set(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_DIRECTORY = re.compile(rb"1\.2\.840\.10008\.1\.3\.10(?![.0-9])")
"""Media Storage Directory Storage (PS3.6 Table A-1) as Media Storage SOP Class UID."""

DELIMITERS = ",;\t|"


def sniff(path: Path) -> Kind:
    """Return the kind of the file at `path` by its content; OSError where it cannot be read."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if (kind := _dicom(head)) is not None:
        return kind
    if (kind := _picture(path, head)) is not None:
        return kind
    if (kind := _container(path, head)) is not None:
        return kind
    if _nifti(head):
        return Kind.NIFTI
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    return _text(path, head)


def _dicom(head: bytes) -> Kind | None:
    """PS3.10 §7.1 asks for `DICM` at byte 128; older files start with a group 0002 or 0008 element at once."""
    if head[128:132] == b"DICM":
        return Kind.DICOMDIR if _DIRECTORY.search(head[132:1024]) else Kind.DICOM
    if len(head) < 16 or not _bare_element(head):
        return None
    return Kind.DICOM


def _bare_element(head: bytes) -> bool:
    for order in ("<", ">"):
        group, element = struct.unpack(order + "HH", head[:4])
        if group not in (0x0002, 0x0008) or element > 0x0100:
            continue
        if head[4:6] in _VRS:
            return True
        (length,) = struct.unpack(order + "I", head[4:8])
        if order == "<" and length <= 256 and length % 2 == 0:
            following = 8 + length
            after = (
                struct.unpack("<HH", head[following : following + 4])
                if len(head) >= following + 4
                else (0, 0)
            )
            return after[0] in (group, 0x0008, 0x0010) and after > (group, element)
    return False


def _picture(path: Path, head: bytes) -> Kind | None:
    if head[:3] == b"\xff\xd8\xff":
        return Kind.SLIDE if mirax_folder(path) else Kind.JPEG
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return Kind.PNG
    if head[:4] in _TIFF:
        return Kind.SLIDE if _pyramid(path) else Kind.TIFF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp":
        size = min(max(int.from_bytes(head[:4]), 16), 256)
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, size, 4)}
        return Kind.HEIC if brands & _HEIF_BRANDS else None
    return None


def mirax_folder(path: Path) -> Path | None:
    """Return the data folder of a MIRAX slide: beside the file, of the same stem, with its index in it."""
    folder = path.with_suffix("")
    if folder == path or folder.is_symlink() or not folder.is_dir():
        return None
    return folder if (folder / MIRAX_INDEX).is_file() else None


def _pyramid(path: Path) -> bool:
    """A TIFF is a slide when a scanner's format is known in it, or when it is tiled and holds reduced levels."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            flags = ("is_svs", "is_ndpi", "is_ome", "is_scn", "is_bif", "is_philips", "is_qpi")
            if any(getattr(tiff, flag, False) for flag in flags):
                return True
            page = tiff.pages.first
            if not page.is_tiled:
                return False
            return any(len(series.levels) > 1 for series in tiff.series)
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError, TypeError, OSError, struct.error):
        return False


def _container(path: Path, head: bytes) -> Kind | None:
    if head[:4] == b"PAR1":
        return Kind.PARQUET
    if head[:2] == b"\x1f\x8b":
        return Kind.NIFTI if _nifti(_inflated(head)) else Kind.ARCHIVE
    if head[:2] == b"PK" and head[:4] in _ARCHIVES:
        return Kind.XLSX if _workbook(path) else Kind.ARCHIVE
    if any(head.startswith(magic) for magic in _ARCHIVES) or head[257:262] == b"ustar":
        return Kind.ARCHIVE
    return None


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return False
    return "[Content_Types].xml" in names and any(name.startswith("xl/workbook") for name in names)


def _nifti(head: bytes) -> bool:
    """NIfTI-1 has `n+1` or `ni1` at byte 344, NIfTI-2 `n+2` at byte 4 (the sizes of their headers come first)."""
    if len(head) < 348:
        return False
    size = {int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")}
    first = 348 in size and head[344:348] in (b"n+1\0", b"ni1\0")
    return first or (540 in size and head[4:7] in (b"n+2", b"ni2"))


def decode(data: bytes, *, whole: bool = True) -> tuple[str, str] | None:
    """Return (text, encoding) for UTF-8, UTF-16 with a byte order mark or cp1252, or None for what is not text.

    `whole` is False for the head of a longer file, whose last character may be cut.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        even = data if whole else data[: len(data) // 2 * 2]
        text = even.decode("utf-16", errors="strict" if whole else "ignore") if len(even) % 2 == 0 else None
        return (text, "utf-16") if text is not None and _printable(text) else None
    for encoding in ("utf-8-sig", "cp1252"):
        for cut in range(1 if whole else 4):
            try:
                text = data[: len(data) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return (text, encoding) if _printable(text) else None
    return None


def _printable(text: str) -> bool:
    return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)


def _text(path: Path, head: bytes) -> Kind:
    if not head.strip():
        return Kind.UNKNOWN
    try:
        found = decode(head, whole=len(head) < HEAD)
    except UnicodeDecodeError:
        found = None
    if found is None:
        return Kind.UNKNOWN
    text = found[0].lstrip()
    if text[:1] in ("{", "["):
        kind = _labels(path)
        if kind is not None:
            return kind
    return Kind.CSV if table_dialect(text, cut=len(head) == HEAD) else Kind.TEXT


def _labels(path: Path) -> Kind | None:
    if path.stat().st_size > JSON_LIMIT:
        return None
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return label_kind(value)


def label_kind(value: Any) -> Kind | None:
    """Return which label format a JSON value is written in, or None."""
    if isinstance(value, dict) and isinstance(value.get("images"), list) and "annotations" in value:
        return Kind.COCO
    if isinstance(value, dict):
        entries = value.get("_via_img_metadata", value)
        if isinstance(entries, dict) and entries and all(_via_entry(entry) for entry in entries.values()):
            return Kind.VIA
    features = value.get("features") if isinstance(value, dict) else value
    if isinstance(value, dict) and value.get("type") == "Feature":
        features = [value]
    if isinstance(features, list) and features and all(_feature(entry) for entry in features):
        return Kind.QUPATH
    return None


def _via_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and "regions" in entry and isinstance(entry.get("filename"), str)


def _feature(entry: Any) -> bool:
    return (
        isinstance(entry, dict) and entry.get("type") == "Feature" and isinstance(entry.get("geometry"), dict)
    )


def table_dialect(text: str, *, cut: bool = False) -> str | None:
    """Return the delimiter of a table whose first row holds at least two headings, or None for running text."""
    best: tuple[float, int, str] | None = None
    for delimiter in DELIMITERS:
        rows = _rows(text, delimiter)
        rows = rows[:-1] if cut and len(rows) > 1 else rows
        if len(rows) < 2 or len(rows[0]) < 2:
            continue
        headings = [cell.strip() for cell in rows[0]]
        named = sum(bool(cell) and len(cell) <= 120 for cell in headings)
        if named < 2 or named < 0.5 * len(headings):
            continue
        same = sum(len(row) == len(rows[0]) for row in rows[1:]) / (len(rows) - 1)
        if same >= 0.6 and (best is None or (same, len(headings)) > best[:2]):
            best = (same, len(headings), delimiter)
    return best[2] if best else None


def _rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) == 60:
                break
    except csv.Error:
        return []
    return rows
