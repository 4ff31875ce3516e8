"""Where the frames of an instance lie in its file, so that each can be read by itself.

In comes an open file just before its pixel data; out comes a table of byte ranges. Native pixel data needs one line
(PS3.5 §8.2); of encapsulated data every fragment is visited (PS3.5 §A.4), whatever its offset tables say.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from pydicom.dataset import Dataset

Pieces = tuple[tuple[int, int], ...]
_HEAD = struct.Struct("<BIQQ")
NONE, NATIVE, ENCAPSULATED = range(3)
UNDEFINED = 0xFFFFFFFF
ITEM, END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"UN"})
"""What stands behind the tag where VRs are explicit; read as a length it would be odd, which none is."""
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP")
"""First bytes of a JPEG or JPEG-LS image, a JPEG 2000 or HTJ2K codestream, a JP2 file."""


@dataclass(frozen=True)
class FrameTable:
    """The frames of one file, counted from 1. `kind` NONE: the frames cannot be read one by one (deflated, no pixels).

    NATIVE: frame n begins `(n - 1) * bits` bits after byte `start`. ENCAPSULATED: `cuts` holds frame, offset and length
    (bytes) of each fragment's content, in order.
    """

    kind: int = NONE
    frames: int = 0
    start: int = 0
    bits: int = 0
    cuts: Sequence[int] = field(default=(), repr=False)

    @property
    def ranged(self) -> bool:
        """Can a frame be read without the whole file?"""
        return self.kind != NONE

    @property
    def encapsulated(self) -> bool:
        return self.kind == ENCAPSULATED

    def pieces(self, number: int) -> Pieces:
        """Return (offset, length) in bytes of the parts of a frame, to be joined; `IndexError` where there is none.

        A frame of single bits that does not begin at a byte lies within its piece: `read` cuts it out.
        """
        if not self.ranged or not 1 <= number <= self.frames:
            raise IndexError(number)
        if self.kind == NATIVE:
            first, last = (number - 1) * self.bits, number * self.bits
            return ((self.start + first // 8, (last + 7) // 8 - first // 8),)
        at = bisect_left(range(len(self.cuts) // 3), number, key=lambda line: self.cuts[3 * line])
        found = []
        while 3 * at < len(self.cuts) and self.cuts[3 * at] == number:
            found.append((self.cuts[3 * at + 1], self.cuts[3 * at + 2]))
            at += 1
        return tuple(found)

    def read(self, number: int, ranged: Callable[[int, int], bytes]) -> bytes:
        """Return a frame's bytes. `ranged(start, end)` reads the file; single bits come to begin at a byte."""
        data = b"".join(ranged(offset, offset + length) for offset, length in self.pieces(number))
        shift = (number - 1) * self.bits % 8 if self.kind == NATIVE else 0
        if self.kind == ENCAPSULATED or (shift == 0 and self.bits % 8 == 0):
            return data
        value = (int.from_bytes(data, "little") >> shift) & ((1 << self.bits) - 1)
        return value.to_bytes((self.bits + 7) // 8, "little")

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(self.kind, self.frames, self.start, self.bits)
        return head + array("Q", self.cuts).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameTable:
        """Read what `to_bytes` wrote; no bytes are the table of nothing."""
        if not data:
            return cls()
        cuts = array("Q")
        cuts.frombytes(data[_HEAD.size :])
        kind, frames, start, bits = _HEAD.unpack_from(data)
        return cls(kind, frames, start, bits, cuts)


def frame_table(ds: Dataset, stream: BinaryIO) -> FrameTable:
    """Return the table of an instance; `stream` stands where `ds` was read up to: before the pixel data element.

    Frames that cannot be told apart (PS3.5 §A.4: no offset table, several fragments for each frame, no mark at their
    beginning) give the table of nothing, and so does deflated data.
    """
    order = "<" if ds.original_encoding[1] else ">"
    head = stream.read(12)
    if len(head) < 8 or struct.unpack(order + "HH", head[:4]) not in {(0x7FE0, e) for e in (0x10, 8, 9)}:
        return FrameTable()
    if head[4:6] not in _VRS:
        at, length = stream.tell() - len(head) + 8, struct.unpack(order + "L", head[4:8])[0]
    else:
        at, length = stream.tell(), struct.unpack(order + "L", head[8:12])[0]
    number = _number(ds, "NumberOfFrames") or 1
    if length != UNDEFINED:
        bits = _bits_of_a_frame(ds)
        return FrameTable(NATIVE, number, at, bits) if 0 < bits * number <= length * 8 else FrameTable()
    offsets, fragments = _fragments(stream, at)
    if "ExtendedOffsetTable" in ds:
        raw = bytes(ds.ExtendedOffsetTable)
        offsets = struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
    cuts = _grouped(stream, offsets, fragments, number)
    return FrameTable(ENCAPSULATED, number, 0, 0, cuts) if cuts else FrameTable()


def _bits_of_a_frame(ds: Dataset) -> int:
    bits = _number(ds, "BitsAllocated") * (_number(ds, "SamplesPerPixel") or 1)
    if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    return _number(ds, "Rows") * _number(ds, "Columns") * bits


def _number(ds: Dataset, keyword: str) -> int:
    """Return a whole number, 0 where there is none or where it cannot be read as one."""
    try:
        return int(ds.get(keyword) or 0)
    except (TypeError, ValueError):
        return 0


def _fragments(stream: BinaryIO, at: int) -> tuple[Sequence[int], list[tuple[int, int]]]:
    """Return the basic offset table and (offset, length) of each fragment; offsets are from the file's beginning."""
    stream.seek(at)
    found: list[tuple[int, int]] = []
    table: Sequence[int] | None = None
    while len(head := stream.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", head)
        if (group, element) != ITEM or length == UNDEFINED:
            break
        if table is None:
            table = struct.unpack(f"<{length // 4}L", stream.read(length)[: length // 4 * 4])
        else:
            found.append((stream.tell(), length))
            stream.seek(length, 1)
    return table or (), found


def _grouped(
    stream: BinaryIO, offsets: Sequence[int], fragments: list[tuple[int, int]], number: int
) -> array[int] | None:
    """Say which frame each fragment belongs to: frame, offset, length in one row of numbers; `None` where unknown."""
    if not fragments:
        return None
    if len(fragments) == number:
        frames: Sequence[int] = range(1, number + 1)
    elif number == 1:
        frames = [1] * len(fragments)
    elif len(offsets) == number:
        starts, base = set(offsets), fragments[0][0] - 8
        frames = _counted([offset - 8 - base in starts for offset, _ in fragments])
    else:
        frames = _counted([_begins(stream, offset) for offset, _ in fragments])
    if frames[0] != 1 or frames[-1] != number:
        return None
    return array(
        "Q", (value for frame, cut in zip(frames, fragments, strict=True) for value in (frame, *cut))
    )


def _counted(first: list[bool]) -> list[int]:
    frame, found = 0, []
    for begins in first:
        frame += begins
        found.append(frame)
    return found


def _begins(stream: BinaryIO, offset: int) -> bool:
    stream.seek(offset)
    return stream.read(6).startswith(_STARTS)
