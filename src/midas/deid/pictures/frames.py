"""The frames of an opened file, one at a time: where their bytes stand, what they look like, what they hold.

In comes an `Opened` (its header and the place of its pixel data), out come frames as stored bytes, as stored samples or
as pictures for the eye. No more than one frame is in memory at a time; nothing is changed here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian

from midas.deid.model import Held
from midas.deid.segments import RLE, STARTS, family
from midas.deid.stream import UNDEFINED, Opened, frame_count, native

Array = np.ndarray[Any, Any]
PIXEL_DATA, FLOATS = 0x7FE00010, {0x7FE00008: "f4", 0x7FE00009: "f8"}
DESCRIBING = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
PALETTE = tuple(
    0x00280000 + tag for tag in (0x1101, 0x1102, 0x1103, 0x1201, 0x1202, 0x1203, 0x1221, 0x1222, 0x1223)
)
"""Descriptors and data of the tables of colours; their words are little-endian once a file is open."""
ROUNDS_UP = 8


@dataclass
class Frames:
    """The frames of one opened file. Numbers count from 0."""

    opened: Opened
    _places: list[list[tuple[int, int]]] = field(default_factory=list, repr=False)

    @cached_property
    def count(self) -> int:
        return frame_count(self.opened.ds)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, samples per pixel."""
        ds = self.opened.ds
        return int(ds.Rows), int(ds.Columns), int(ds.get("SamplesPerPixel") or 1)

    @property
    def native(self) -> bool:
        return native(self.opened.syntax)

    @property
    def colours(self) -> str:
        return str(self.opened.ds.get("PhotometricInterpretation") or "MONOCHROME2")

    @property
    def halved(self) -> bool:
        """Say whether two pixels share their colours (PS3.3 C.7.6.3.1.2, uncompressed YBR_FULL_422)."""
        return self.native and self.colours == "YBR_FULL_422"

    @cached_property
    def bits(self) -> int:
        """Bits of one stored frame of native pixels."""
        rows, columns, samples = self.shape
        return rows * columns * (2 if self.halved else samples) * int(self.opened.ds.BitsAllocated)

    @cached_property
    def kind(self) -> np.dtype[Any]:
        """How one stored sample of native pixels is written."""
        ds, opened = self.opened.ds, self.opened
        tag = self._tag()
        order = "<" if opened.little else ">"
        if tag in FLOATS:
            return np.dtype(order + FLOATS[tag])
        bits, sign = int(ds.BitsAllocated), "i" if int(ds.get("PixelRepresentation") or 0) else "u"
        if bits not in (1, 8, 16, 32, 64):
            raise Held("masking-not-mastered", "Pixels of this many bits cannot be changed.")
        return np.dtype(f"{order}{sign}{max(bits, 8) // 8}")

    def _tag(self) -> int:
        if self.opened.at is not None:
            return self.opened.tag
        return next((int(tag) for tag in (*FLOATS, PIXEL_DATA) if tag in self.opened.ds), PIXEL_DATA)

    def stored(self, number: int) -> bytes:
        """Return one frame as it stands in the file; `Held` where it is not all there."""
        if self.native:
            return self._native(number)
        with self.opened.pixels_again() as stream:
            parts = []
            for at, length in self.places[number]:
                stream.seek(at)
                parts.append(stream.read(length))
        return b"".join(parts)

    def _native(self, number: int) -> bytes:
        if self.bits % 8:
            whole = self._bytes(0, (self.bits * self.count + 7) // 8)
            bits = np.unpackbits(np.frombuffer(whole, "u1"), bitorder="little")
            return np.packbits(
                bits[number * self.bits : (number + 1) * self.bits], bitorder="little"
            ).tobytes()
        size = self.bits // 8
        return self._bytes(number * size, size)

    def _bytes(self, start: int, size: int) -> bytes:
        opened = self.opened
        if opened.at is None:
            data = bytes(opened.ds[self._tag()].value[start : start + size])
        else:
            with opened.pixels_again() as stream:
                data = self._swapped(stream, start, size)
        if len(data) < size:
            raise Held("truncated", "There are fewer pixels than rows, columns and frames ask for.")
        return data

    def _swapped(self, stream: IO[bytes], start: int, size: int) -> bytes:
        """Bytes of 8-bit pixels in big-endian words stand in the wrong order (PS3.5 Annex A.3)."""
        opened = self.opened
        at = opened.at or 0
        if opened.little or opened.vr != "OW" or self.kind.itemsize != 1:
            stream.seek(at + start)
            return stream.read(size)
        first = start - start % 2
        stream.seek(at + first)
        words = stream.read(start + size - first + (start + size - first) % 2)
        return np.frombuffer(words, ">u2").astype("<u2").tobytes()[start - first : start - first + size]

    @cached_property
    def places(self) -> list[list[tuple[int, int]]]:
        """Where the fragments of each compressed frame stand; `Held` where there are not as many as the header says."""
        kind, single = family(self.opened.syntax), self.count == 1
        frames: list[list[tuple[int, int]]] = []
        with self.opened.pixels_again() as stream:
            stream.seek(self.opened.at or 0)
            for at, length, head in _fragments(stream):
                if not frames or kind == RLE or (not single and head.startswith(STARTS[kind])):
                    frames.append([])
                frames[-1].append((at, length))
        if len(frames) != self.count:
            raise Held("truncated", "There are more or fewer compressed frames than the header says.")
        return frames

    def samples(self, number: int) -> Array:
        """Return the stored samples of one frame: rows x columns, with a third axis for colours."""
        rows, columns, samples = self.shape
        data = self.stored(number)
        if not self.native:
            return self.decoded(data, raw=True)
        if int(self.opened.ds.BitsAllocated) == 1:
            flat = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")[: rows * columns]
            return flat.reshape(rows, columns)
        flat = np.frombuffer(data, self.kind)
        if self.halved:
            return flat.reshape(rows, columns // 2, 4)
        if samples == 1:
            return flat.reshape(rows, columns)
        if int(self.opened.ds.get("PlanarConfiguration") or 0):
            return flat.reshape(samples, rows, columns).transpose(1, 2, 0)
        return flat.reshape(rows, columns, samples)

    def decoded(self, data: bytes, *, raw: bool) -> Array:
        """Return one compressed frame decoded; `raw` leaves its colour model as stored. `Held` where it cannot be."""
        from midas.formats.dicom import codecs  # noqa: F401 - registers the decoder of twelve-bit JPEG

        ds = described(self.opened.ds)
        ds.PixelData = encapsulate([data])
        ds["PixelData"].is_undefined_length = True
        ds.file_meta = _meta(self.opened.syntax)
        ds.set_original_encoding(False, True, None)
        try:
            made, _ = get_decoder(UID(self.opened.syntax)).as_array(ds, raw=raw, index=0)
        except Exception as problem:  # noqa: BLE001 - decoders raise many kinds
            raise Held(
                "pixels-unreadable", f"The pixels cannot be decoded ({type(problem).__name__})."
            ) from None
        return made

    def seen(self, number: int) -> Array:
        """Return one frame as the eye sees it: RGB in eight bits, or grey values of any kind, light where it is bright."""
        if self.colours.startswith("YBR") and not self.native:
            return eight(self.decoded(self.stored(number), raw=False))
        samples = self.samples(number)
        if self.halved:
            return eight(_rgb(_unhalved(samples)))
        if self.colours.startswith("YBR_FULL"):
            return eight(_rgb(samples))
        if self.colours == "PALETTE COLOR":
            return eight(palette(self.opened.ds, samples))
        if samples.ndim == 3:
            return eight(samples)
        return _inverted(samples) if self.colours == "MONOCHROME1" else samples


def described(ds: Dataset) -> Dataset:
    """Return a dataset that says of one frame what a codec must know."""
    bare = Dataset()
    for keyword in DESCRIBING:
        if keyword in ds:
            setattr(bare, keyword, ds[keyword].value)
    bare.NumberOfFrames = 1
    bare.SamplesPerPixel = int(ds.get("SamplesPerPixel") or 1)
    if bare.SamplesPerPixel > 1 and "PlanarConfiguration" not in bare:
        bare.PlanarConfiguration = 0
    bare.PixelRepresentation = int(ds.get("PixelRepresentation") or 0)
    return bare


def _meta(syntax: str) -> Any:
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax or ExplicitVRLittleEndian)
    return meta


def _fragments(stream: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (place, length, first bytes) of every fragment after the offset table."""
    number = 0
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise Held("truncated", "The file ends before its pixel data does.")
        group, element, length = struct.unpack("<HHI", head)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        if (group, element) != (0xFFFE, 0xE000) or length >= UNDEFINED:
            raise Held("truncated", "The file ends before its pixel data does.")
        at = stream.tell()
        if number:
            yield at, length, stream.read(min(8, length))
        stream.seek(at + length)
        number += 1


def eight(picture: Array) -> Array:
    """Return samples of any depth in eight bits, by their highest bits."""
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind == "i":
        picture = picture.astype(np.int64) - int(picture.min())
    top = max(int(picture.max()), 255)
    shift = max(top.bit_length() - ROUNDS_UP, 0)
    return (picture.astype(np.uint64) >> np.uint64(shift)).astype(np.uint8)


def _inverted(samples: Array) -> Array:
    if samples.dtype.kind == "f":
        return -samples
    if samples.dtype.kind == "i":
        return -1 - samples
    return np.array(np.iinfo(samples.dtype).max, samples.dtype) - samples


def _unhalved(samples: Array) -> Array:
    """Give each of two pixels that share their colours its own: Y1 Y2 Cb Cr becomes Y1 Cb Cr, Y2 Cb Cr."""
    rows, pairs, _ = samples.shape
    full = np.empty((rows, pairs * 2, 3), samples.dtype)
    full[:, 0::2, 0], full[:, 1::2, 0] = samples[..., 0], samples[..., 1]
    full[:, 0::2, 1:], full[:, 1::2, 1:] = samples[..., 2:], samples[..., 2:]
    return full


def _rgb(picture: Array) -> Array:
    import cv2

    if picture.dtype != np.uint8:
        picture = eight(picture)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB))


def palette(ds: Dataset, samples: Array) -> Array:
    """Return stored samples of PALETTE COLOR as RGB; `Held` where the palette cannot be read."""
    from pydicom.pixels import apply_color_lut

    bare = described(ds)
    for tag in PALETTE:
        if tag in ds:
            bare[tag] = ds[tag]
    bare.set_original_encoding(False, True, None)
    try:
        return np.asarray(apply_color_lut(samples, bare))
    except Exception:  # noqa: BLE001 - a broken palette fails in many ways
        raise Held("pixels-unreadable", "The palette of these pixels is missing or broken.") from None
