"""Pixels that must change: regions blackened in the frames they name, overlay bits cleared, all else left as it is.

In come an opened file and regions, out comes the same object whose pixel data stands in a stream of its own: native
pixels changed in place, compressed frames compressed again in their own transfer syntax, only those that changed. One
frame is in memory at a time. What cannot be masked with certainty raises `Held`.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from midas.deid.model import Held, Region
from midas.deid.pictures.encode import LOSSY, CannotEncode, encode
from midas.deid.pictures.frames import Array, Frames, palette
from midas.deid.stream import UNDEFINED, Opened

IN_MEMORY = 1 << 26
"""Bytes of changed pixel data held in memory; more goes to an unnamed file."""
DARK = 24
"""How far from black, of 255, a lossy frame may decode inside a masked box."""


@dataclass(frozen=True)
class Masked:
    """What masking did: pixels blackened over all frames, frames changed, and whether compression was given up."""

    pixels: int = 0
    frames: int = 0
    uncompressed: bool = False


def overlay_bits(ds: Dataset) -> bool:
    """Say whether unused bits of the pixels carry an overlay (retired, PS3.3 C.9.2 of 2004)."""
    groups = range(0x6000, 0x6100, 2)
    planes = [group for group in groups if (group, 0x0102) in ds and (group, 0x3000) not in ds]
    return any(int(ds[group, 0x0102].value or 0) > 0 for group in planes)


def mask(opened: Opened, *, regions: Sequence[Region], clear_overlay: bool = False) -> Masked:
    """Blacken `regions` in their frames; the result stands in `opened`. `Held` where that cannot be done."""
    frames = Frames(opened)
    rows, columns, _ = frames.shape
    for region in regions:
        if region.width < 1 or region.height < 1 or region.left < 0 or region.top < 0:
            raise Held("masking-not-mastered", "A box lies outside the picture.")
        if region.left >= columns or region.top >= rows:
            raise Held("masking-not-mastered", "A box lies outside the picture.")
    if not regions and (frames.native or not clear_overlay):
        return Masked()
    work = _Work(frames, tuple(regions), clear_overlay)
    return work.native() if frames.native else work.compressed()


def change_frames(
    opened: Opened, change: Callable[[int, Array], Array], *, numbers: Collection[int]
) -> Masked:
    """Replace the stored samples of frames `numbers` (from 0) by what `change` returns for them, of equal shape and type.

    The result stands in `opened`, as with `mask`; all other frames keep their bytes. `Held` where that cannot be done.
    """
    frames = Frames(opened)
    if not numbers:
        return Masked()
    work = _Changes(frames, change, frozenset(numbers))
    return work.native() if frames.native else work.compressed()


def _names(region: Region, number: int) -> bool:
    return region.frames is None or region.frames[0] <= number < region.frames[1]


class _Work:
    def __init__(self, frames: Frames, regions: tuple[Region, ...], clear_overlay: bool) -> None:
        self.frames, self.regions, self.clear = frames, regions, clear_overlay
        self.ds, self.changed, self.pixels = frames.opened.ds, 0, 0

    def boxes(self, number: int) -> list[Region]:
        return [region for region in self.regions if _names(region, number)]

    def painted(self, samples: Array, boxes: Sequence[Region]) -> Array:
        """Return a copy of one frame with its boxes black and, if asked for, its unused bits cleared."""
        full = samples.copy()
        if self.clear:
            full = _used_bits(full, self.ds)
        black = self._black(full)
        covered = np.zeros(full.shape[:2], bool)
        for box in boxes:
            left, right = box.left, box.left + box.width
            if self.frames.halved:
                left, right = left // 2, (right + 1) // 2
            covered[box.top : box.top + box.height, left:right] = True
        full[covered] = black
        self.changed += 1
        self.pixels += int(covered.sum()) * (2 if self.frames.halved else 1)
        return full

    def _black(self, samples: Array) -> Any:
        colours, ds = self.frames.colours, self.ds
        if self.frames.halved:
            return (0, 0, 128, 128)
        if samples.ndim == 3:
            mixed = colours.startswith("YBR") and colours not in {"YBR_RCT", "YBR_ICT"}
            middle = 1 << (min(int(ds.BitsStored), samples.dtype.itemsize * 8) - 1)
            return (0, middle, middle) if mixed else 0
        if colours == "PALETTE COLOR":
            return _darkest(ds, samples)
        if samples.dtype.kind in "if":
            return samples.max() if colours == "MONOCHROME1" else samples.min()
        return (1 << int(ds.BitsStored)) - 1 if colours == "MONOCHROME1" else 0

    def native(self) -> Masked:
        """Rewrite native pixels, little-endian, frame by frame."""
        opened = self.frames.opened
        out = _stream()
        if self.frames.bits % 8:
            self._bitwise(out)
        else:
            for number in range(self.frames.count):
                out.write(self._native_frame(number))
        if opened.at is None:
            data = _whole(out)
            tag = next(tag for tag in (0x7FE00008, 0x7FE00009, 0x7FE00010) if tag in self.ds)
            self.ds[tag].value = data + b"\0" * (len(data) % 2)
        else:
            opened.length, opened.at, opened.little = out.tell(), 0, True
            opened.masked = out
        return Masked(self.pixels, self.changed)

    def _native_frame(self, number: int) -> bytes:
        samples, boxes = self.frames.samples(number), self.boxes(number)
        planar = samples.ndim == 3 and not self.frames.halved and bool(self.ds.get("PlanarConfiguration"))
        full = self.painted(samples, boxes) if boxes else samples
        if int(self.ds.BitsAllocated) == 1 and self.frames.kind.itemsize == 1:
            return np.packbits(full.ravel(), bitorder="little").tobytes()
        full = full.astype(full.dtype.newbyteorder("<"), copy=False)
        return np.ascontiguousarray(full.transpose(2, 0, 1) if planar else full).tobytes()

    def _bitwise(self, out: IO[bytes]) -> None:
        """Frames of single bits do not begin at bytes: they are written as one run of bits."""
        parts = []
        for number in range(self.frames.count):
            samples, boxes = self.frames.samples(number), self.boxes(number)
            parts.append((self.painted(samples, boxes) if boxes else samples).ravel())
        out.write(np.packbits(np.concatenate(parts), bitorder="little").tobytes())

    def compressed(self) -> Masked:
        """Compress the frames that change again, in their own transfer syntax; without compression where that fails."""
        out = _stream()
        try:
            out.write(struct.pack("<HHI", 0xFFFE, 0xE000, 0))
            for frame in self._compressed_frames():
                out.write(struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame)
        except CannotEncode:
            return self._given_up()
        out.write(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
        opened = self.frames.opened
        opened.masked, opened.at, opened.length = out, 0, UNDEFINED
        return Masked(self.pixels, self.changed)

    def _compressed_frames(self) -> Iterator[bytes]:
        for number in range(self.frames.count):
            stored, boxes = self.frames.stored(number), self.boxes(number)
            if not boxes and not self.clear:
                yield stored + b"\0" * (len(stored) % 2)
                continue
            full = self.painted(self.frames.decoded(stored, raw=True), boxes)
            made = encode(full, like=stored, syntax=self.frames.opened.syntax, ds=self.ds)
            self._same(full, made, boxes)
            yield made

    def _same(self, full: Array, made: bytes, boxes: Sequence[Region]) -> None:
        """Raise `CannotEncode` where the new frame does not decode to what was meant."""
        try:
            again = self.frames.decoded(made, raw=True)
        except Held:
            raise CannotEncode("unreadable") from None
        if again.shape != full.shape:
            raise CannotEncode("shape")
        if self.frames.opened.syntax not in LOSSY:
            if not np.array_equal(again, full):
                raise CannotEncode("differs")
            return
        scale = max(1 << (int(self.ds.BitsStored) - 8), 1)
        for box in boxes:
            part = np.s_[box.top + 8 : box.top + box.height - 8, box.left + 8 : box.left + box.width - 8]
            apart = np.abs(again[part].astype(np.int64) - full[part].astype(np.int64))
            if apart.size and int(apart.max()) > DARK * scale:
                raise CannotEncode("differs")

    def _given_up(self) -> Masked:
        """Write all frames without compression: no encoder at hand masters these."""
        self.changed = self.pixels = 0
        out, opened = _stream(), self.frames.opened
        for number in range(self.frames.count):
            samples = self.frames.samples(number)
            full = self.painted(samples, self.boxes(number)) if self.boxes(number) or self.clear else samples
            out.write(np.ascontiguousarray(full.astype(full.dtype.newbyteorder("<"))).tobytes())
        self._described(full)
        opened.masked, opened.at, opened.length = out, 0, out.tell()
        opened.syntax, opened.little, opened.tag = ExplicitVRLittleEndian, True, 0x7FE00010
        opened.vr = "OB" if full.dtype.itemsize == 1 else "OW"
        return Masked(self.pixels, self.changed, uncompressed=True)

    def _described(self, full: Array) -> None:
        bits = full.dtype.itemsize * 8
        if bits != int(self.ds.BitsAllocated):
            self.ds.BitsAllocated = bits
        self.ds.BitsStored = min(int(self.ds.BitsStored), bits)
        self.ds.HighBit = int(self.ds.BitsStored) - 1
        if full.ndim == 3:
            self.ds.PlanarConfiguration = 0
            if self.frames.colours in {"YBR_RCT", "YBR_ICT"}:
                self.ds.PhotometricInterpretation = "RGB"
            elif self.frames.colours == "YBR_FULL_422":
                self.ds.PhotometricInterpretation = "YBR_FULL"


class _Changes(_Work):
    """The same, for frames that someone else changes: each is one region as large as the picture."""

    def __init__(
        self, frames: Frames, change: Callable[[int, Array], Array], numbers: frozenset[int]
    ) -> None:
        rows, columns, _ = frames.shape
        wanted = (Region(0, 0, columns, rows, "", "", (number, number + 1)) for number in sorted(numbers))
        super().__init__(frames, tuple(wanted), False)
        self.change = change

    def painted(self, samples: Array, boxes: Sequence[Region]) -> Array:
        number = boxes[0].frames[0] if boxes[0].frames else 0
        made = self.change(number, samples.copy())
        if made.shape != samples.shape or made.dtype != samples.dtype:
            raise Held("masking-not-mastered", "A frame came back in another form than it had.")
        self.changed += 1
        self.pixels += int((made != samples).sum())
        return made

    def _same(self, full: Array, made: bytes, boxes: Sequence[Region]) -> None:
        """Lossy compression may blur the edge of what was cut: at least 99 of 100 samples must be near what was meant."""
        if self.frames.opened.syntax not in LOSSY:
            super()._same(full, made, boxes)
            return
        again = self.frames.decoded(made, raw=True)
        scale = max(1 << (int(self.ds.BitsStored) - 8), 1)
        apart = np.abs(again.astype(np.int64) - full.astype(np.int64)) > DARK * scale
        if again.shape != full.shape or float(apart.mean()) > 0.01:
            raise CannotEncode("differs")


def _stream() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


def _whole(out: IO[bytes]) -> bytes:
    out.seek(0)
    with out:
        return out.read()


def _darkest(ds: Dataset, samples: Array) -> int:
    first = int(ds.RedPaletteColorLookupTableDescriptor[1])
    many = int(ds.RedPaletteColorLookupTableDescriptor[0]) or 1 << 16
    top = np.iinfo(samples.dtype).max
    values = np.arange(first, min(first + many, int(top) + 1), dtype=samples.dtype).reshape(1, -1)
    return int(values[0, int(np.argmin(palette(ds, values)[0].astype(np.int64).sum(axis=1)))])


def _used_bits(samples: Array, ds: Dataset) -> Array:
    """Return the samples whose unused bits hold nothing but their sign."""
    stored, high = int(ds.BitsStored), int(ds.HighBit)
    if high + 1 != stored:
        raise Held("overlay-in-pixels", "Pixels that do not begin at the lowest bit carry an overlay.")
    bits = samples.view(f"u{samples.dtype.itemsize}")
    used = bits & np.array((1 << stored) - 1, bits.dtype)
    if samples.dtype.kind == "i":
        sign = np.array(1 << (stored - 1), bits.dtype)
        used = (used ^ sign) - sign
    return np.asarray(used.view(samples.dtype))
