"""An output file as a stranger reads it: strictly, by its bytes, believing nothing that it says of itself.

In come the bytes of a file, out come its file meta information, the elements of its root and the place where the pixel
data begins; None where anything is not exactly as PS3.5 and PS3.10 ask. Written for the verifier alone: the engine reads
and writes with other code.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

Data = bytes | mmap.mmap
WIDE = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
NARROW = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST",
    b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
IMPLICIT = b"1.2.840.10008.1.2"
PIXEL_DATA = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_HEAD, _LENGTH = struct.Struct("<HH2sH"), struct.Struct("<I")
CHARSET, SIGN = 0x00080005, 0x00280103


@dataclass(frozen=True)
class Reread:
    """What stands in a file: elements by tag, each with its whole encoding, up to `at`."""

    meta: dict[int, bytes]
    implicit: bool
    elements: dict[int, bytes]
    at: int

    @cached_property
    def ground(self) -> tuple[tuple[int, bytes], ...]:
        """What every other element is read by: the character set and, where no VR is written, the sign of the pixels."""
        tags = (CHARSET, SIGN) if self.implicit else (CHARSET,)
        return tuple((tag, self.elements[tag]) for tag in tags if tag in self.elements)

    def creator(self, tag: int) -> tuple[tuple[int, bytes], ...]:
        """Return the private creator of a private element, if there is one."""
        if not tag >> 16 & 1 or tag & 0xFFFF < 0x1000:
            return ()
        creator = tag >> 16 << 16 | (tag & 0xFFFF) >> 8
        return ((creator, self.elements[creator]),) if creator in self.elements else ()

    def read_with(self, tag: int) -> Dataset:
        """Return an element with those by which it is read, as pydicom decodes them."""
        parts = {**dict(self.ground), **dict(self.creator(tag)), tag: self.elements[tag]}
        return decoded(b"".join(parts[one] for one in sorted(parts)), implicit=self.implicit)


def reread(data: Data) -> Reread | None:
    """Return what stands in the file; None where it is not well formed up to its pixel data."""
    if data[128:132] != b"DICM":
        return None
    meta, at = _elements(data, 132, implicit=False, group=2)
    syntax = next((raw[8:].rstrip(b"\0") for tag, raw in meta.items() if tag == 0x00020010), b"")
    if not syntax or at < 0:
        return None
    elements, at = _elements(data, at, implicit=syntax == IMPLICIT)
    return None if at < 0 else Reread(meta, syntax == IMPLICIT, elements, at)


def _elements(
    data: Data, at: int, *, implicit: bool, group: int | None = None
) -> tuple[dict[int, bytes], int]:
    """Return the elements from `at` on and where they end: at the pixel data, another `group` or the end; -1: malformed."""
    found: dict[int, bytes] = {}
    end, last = len(data), -1
    while at < end:
        if end - at < 8:
            return found, -1
        high, low, vr, short = _HEAD.unpack_from(data, at)
        tag = high << 16 | low
        if tag in PIXEL_DATA or (group is not None and tag >> 16 != group):
            return found, at
        if tag <= last:
            return found, -1
        if implicit:
            size = 8 + _LENGTH.unpack_from(data, at + 4)[0]
        elif vr in NARROW:
            size = 8 + short
        elif vr in WIDE and not short and end - at >= 12:
            size = 12 + _LENGTH.unpack_from(data, at + 8)[0]
        else:
            return found, -1
        if size % 2 or at + size > end:
            return found, -1
        found[tag] = data[at : at + size]
        last, at = tag, at + size
    return found, at


def decoded(data: bytes, *, implicit: bool) -> Dataset:
    """Return encoded elements as pydicom reads them."""
    return read_dataset(BytesIO(data), implicit, True)
