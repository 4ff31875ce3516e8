"""How large a deflated object is (PS3.5 A.5) before anybody holds it. In comes a file; out goes a size, or a refusal.

Deflate makes a thousand bytes of one: what comes from outside is inflated piece by piece first, and nothing of it is kept.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from midas.formats.dicom.quiet import quiet
from midas.kernel import BadInput

MOST = 256 << 20
"""Bytes of an inflated object: a segmentation of a thousand slices is far smaller."""
PIECE = 1 << 20


def measured(path: Path, *, most: int = MOST) -> int:
    """Return the bytes that the file is once it is inflated; its size where it is not deflated, or is no DICOM.

    `BadInput` where that is more than `most`, or where what is deflated cannot be inflated.
    """
    size = path.stat().st_size
    with path.open("rb") as stream, quiet():
        try:
            read_preamble(stream, force=False)
            meta = _read_file_meta_info(stream)
            if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
                return size
        except Exception:  # noqa: BLE001 - pydicom raises many kinds for bytes that are not DICOM; who reads it says so
            return size
        inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), stream.tell()
        while (piece := inflater.unconsumed_tail or stream.read(PIECE)) and not inflater.eof:
            try:
                total += len(inflater.decompress(piece, PIECE))
            except zlib.error:
                raise BadInput("It cannot be inflated.", advice="Store it uncompressed.") from None
            if total > most:
                raise BadInput(
                    f"Inflated it is larger than {most >> 20} MiB.",
                    advice="Store it uncompressed, or in parts.",
                )
    return total
