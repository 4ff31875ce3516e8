"""What surrounds a DICOM dataset: preamble, order of elements, what stands after the last one. Bytes in, findings out."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator, read_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from midas.kernel import Finding, Severity

UNDEFINED = 0xFFFFFFFF
DEFER = 65536


def _finding(rule: str, scope: str, message: str, cites: str) -> Finding:
    return Finding(
        rule=f"leak.{rule}", severity=Severity.ERROR, scope=scope, message=message, cites=cites,
        advice="Write the file again with the de-identification engine.", origin="midas.quality.layout",
    )  # fmt: skip


def _inflated(stream: BinaryIO, start: int) -> tuple[BinaryIO, int, bool]:
    """Return the inflated dataset, its size, and whether something stands after the deflated data."""
    stream.seek(start)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(stream.read()) + inflater.flush()
    return BytesIO(data), len(data), len(inflater.unused_data.strip(b"\0")) > 0


def _end_of_dataset(stream: BinaryIO, syntax: UID) -> tuple[int, bool]:
    """Return where the last element ends, and whether tags rise strictly as PS3.5 7.1 asks."""
    end, last, rising = stream.tell(), -1, True
    source: Any = stream
    for element in data_element_generator(
        source, syntax.is_implicit_VR, syntax.is_little_endian, defer_size=DEFER
    ):
        rising, last = rising and int(element.tag) > last, int(element.tag)
        end = stream.tell()
        if isinstance(element, RawDataElement) and element.length != UNDEFINED:
            end = element.value_tell + element.length
    return end, rising


def examine_layout(path: Path, *, scope: str) -> Iterator[Finding]:
    """Examine what surrounds the dataset of one file (PS3.10 7.1, PS3.5 7.1); what cannot be parsed is a finding."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116 - one call
        with Path(path).open("rb") as stream:
            head = stream.read(132)
            if head[128:] != b"DICM":
                yield _finding("layout", scope, "There is no DICOM prefix.", "PS3.10 7.1")
                return
            if head[:128].strip(b"\0"):
                yield _finding("preamble", scope, "The preamble is not empty.", "PS3.10 7.1; PS3.15 E.1.1")
            yield from _after(path, stream, size, scope)
    except Exception as error:  # noqa: BLE001 - whatever hinders examination is itself the finding
        yield _finding(
            "layout", scope, f"Its elements cannot be followed ({type(error).__name__}).", "PS3.5 7.1"
        )


def _after(path: Path, stream: BinaryIO, size: int, scope: str) -> Iterator[Finding]:
    meta = read_file_meta_info(path)
    start = 132 + 12 + int(meta.FileMetaInformationGroupLength)
    syntax = UID(meta.TransferSyntaxUID)
    body: BinaryIO = stream
    body.seek(start)
    if syntax == DeflatedExplicitVRLittleEndian:
        body, size, more = _inflated(stream, start)
        if more:
            yield _finding("trailing-bytes", scope, "There are bytes after the dataset.", "PS3.5 7.1")
    end, rising = _end_of_dataset(body, syntax)
    if not rising:
        yield _finding("layout", scope, "Its elements are not in rising order.", "PS3.5 7.1")
    if end != size:
        yield _finding("trailing-bytes", scope, "There are bytes after the dataset.", "PS3.5 7.1")
