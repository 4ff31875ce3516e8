"""Pixels that must change: boxes blackened in every frame, overlay bits cleared. Everything else is left undecoded.

In come an opened file and boxes drawn by a person, out comes the same object with native pixels. What cannot be masked
with certainty raises `Held`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels import decompress
from pydicom.uid import UID, ExplicitVRLittleEndian

from midas.deid.model import Held
from midas.deid.stream import Opened, frame_count, native

Boxes = tuple[tuple[int, int, int, int], ...]
CARRIED = (
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "SamplesPerPixel",
)


def overlay_bits(ds: Dataset) -> bool:
    """Say whether unused bits of the pixels carry an overlay (retired, PS3.3 C.9.2 of 2004)."""
    groups = range(0x6000, 0x6100, 2)
    planes = [group for group in groups if (group, 0x0102) in ds and (group, 0x3000) not in ds]
    return any(int(ds[group, 0x0102].value or 0) > 0 for group in planes)


def mask(opened: Opened, *, boxes: Boxes, clear_overlay: bool) -> None:
    """Blacken `boxes` (left, top, width, height) in every frame; the result stands in `opened.ds`."""
    full = _decoded(opened)
    ds = opened.ds
    if int(full.BitsAllocated) not in (8, 16, 32) or full.get("PhotometricInterpretation") == "YBR_FULL_422":
        raise Held(
            "masking-not-mastered", "These pixels are stored in a form in which boxes cannot be drawn."
        )
    pixels = _array(full)
    if clear_overlay:
        _clear_high_bits(pixels, full)
    black = _black(full, pixels)
    for left, top, width, height in boxes:
        if width < 1 or height < 1 or left < 0 or top < 0:
            raise Held("masking-not-mastered", "A box lies outside the picture.")
        for sample, value in enumerate(black):
            _plane(pixels, full, sample)[..., top : top + height, left : left + width] = value
    for keyword in CARRIED:
        if keyword in full:
            setattr(ds, keyword, full[keyword].value)
    data = pixels.tobytes()
    ds.add_new(0x7FE00010, "OB" if int(full.BitsAllocated) == 8 else "OW", data + b"\0" * (len(data) % 2))
    opened.at, opened.syntax = None, ExplicitVRLittleEndian


def _decoded(opened: Opened) -> Dataset:
    try:
        full = pydicom.dcmread(opened.path, force=True)
        full.file_meta.TransferSyntaxUID = UID(opened.syntax)
        if not native(opened.syntax):
            decompress(full, generate_instance_uid=False)
    except Exception as problem:  # noqa: BLE001 - decoders raise many kinds
        raise Held("pixels-unreadable", f"The pixels cannot be decoded ({type(problem).__name__}).") from None
    return full


def _array(full: Dataset) -> np.ndarray[Any, Any]:
    bits, samples = int(full.BitsAllocated), int(full.get("SamplesPerPixel") or 1)
    rows, columns, frames = int(full.Rows), int(full.Columns), frame_count(full)
    little = full.file_meta.TransferSyntaxUID.is_little_endian
    sign = "i" if int(full.get("PixelRepresentation") or 0) else "u"
    kind = np.dtype(f"{'<' if little else '>'}{sign}{bits // 8}")
    planar = samples > 1 and int(full.get("PlanarConfiguration") or 0) == 1
    shape = (frames, samples, rows, columns) if planar or samples == 1 else (frames, rows, columns, samples)
    data = np.frombuffer(full.PixelData, dtype=kind, count=int(np.prod(shape))).reshape(shape)
    return data.astype(kind.newbyteorder("<"), copy=True)


def _plane(pixels: np.ndarray[Any, Any], full: Dataset, sample: int) -> np.ndarray[Any, Any]:
    samples = int(full.get("SamplesPerPixel") or 1)
    planar = samples == 1 or int(full.get("PlanarConfiguration") or 0) == 1
    return pixels[:, sample] if planar else pixels[..., sample]


def _black(full: Dataset, pixels: np.ndarray[Any, Any]) -> tuple[int, ...]:
    colours, signed = (
        str(full.get("PhotometricInterpretation", "")),
        bool(int(full.get("PixelRepresentation") or 0)),
    )
    if colours == "RGB":
        return (0, 0, 0)
    if colours.startswith("YBR"):
        return (0, 128, 128)
    if colours == "MONOCHROME1":
        return (int(pixels.max()) if signed else (1 << int(full.BitsStored)) - 1,)
    if colours == "PALETTE COLOR":
        return (_darkest(full),)
    return (int(pixels.min()) if signed else 0,)


def _darkest(full: Dataset) -> int:
    tables = []
    for colour in ("Red", "Green", "Blue"):
        data, bits = (
            full.get(f"{colour}PaletteColorLookupTableData"),
            full.get(f"{colour}PaletteColorLookupTableDescriptor"),
        )
        if data is None or bits is None:
            raise Held("masking-not-mastered", "The palette of these pixels is missing or segmented.")
        tables.append(np.frombuffer(data, dtype="<u2" if int(bits[2]) == 16 else "u1").astype(np.int64))
    first = int(full.RedPaletteColorLookupTableDescriptor[1])
    return first + int(np.argmin(tables[0] + tables[1] + tables[2]))


def _clear_high_bits(pixels: np.ndarray[Any, Any], full: Dataset) -> None:
    stored, high = int(full.BitsStored), int(full.HighBit)
    keep = ((1 << stored) - 1) << (high + 1 - stored)
    if pixels.dtype.kind == "i":
        raise Held("overlay-in-pixels", "Signed pixels carry an overlay in their unused bits.")
    np.bitwise_and(pixels, np.array(keep, dtype=pixels.dtype), out=pixels)
