"""The cleaned file as bytes: header, then pixel data copied past it as it stands, and nothing behind.

In come an `Opened` whose plan was carried out and a stream, out comes a whole file. Compressed pixel data stays byte for
byte as it was, offset table and fragments included, where every frame is bare and the table is right; else each frame is
written as one fragment behind a table that fits. No more than one frame, or one chunk of native pixels, is in memory.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import IO

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from midas.deid import header
from midas.deid.memory import Memory
from midas.deid.model import Held, PartStep
from midas.deid.samples import Layout, even, frame_count, swapped
from midas.deid.segments import RLE, STARTS, bare_frame, family
from midas.deid.stream import PIXELS, UNDEFINED, Opened

CHUNK, PADDING = 1 << 20, 1 << 12
_ITEM = struct.Struct("<HHI")
_LAYOUTS = Memory()


class Hashed:
    """A stream that hashes (SHA-256) and counts what is written to it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._hash, self.size = out, hashlib.sha256(), 0

    def write(self, part: bytes) -> None:
        self._hash.update(part)
        self.size += len(part)
        self._out.write(part)

    def digest(self) -> str:
        """Return the SHA-256 of all that was written, in hexadecimal digits."""
        return self._hash.hexdigest()


def syntax_of(opened: Opened) -> str:
    """Return the transfer syntax of the output: the source's, but little endian, not deflated, never implicit in vain."""
    if opened.syntax in {ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}:
        return ExplicitVRLittleEndian
    no_pixels = opened.at is None and not any(tag in opened.ds for tag in PIXELS)
    return ExplicitVRLittleEndian if opened.syntax == ImplicitVRLittleEndian and no_pixels else opened.syntax


def parts_of(opened: Opened) -> tuple[PartStep, ...]:
    """Return what becomes of the parts of a file that are no elements of its dataset."""
    preamble = getattr(opened.ds, "preamble", None) or b""
    extra = sum(1 for element in opened.ds.file_meta if int(element.tag) not in header.META)
    said = f"{extra} of its elements say more than how the file is written" if extra else ""
    parts = [
        PartStep("preamble", "Z", "PS3.10 7.1", "it is not empty" if preamble.strip(b"\0") else ""),
        PartStep("file meta information", "D", "PS3.10 7.1", said),
        PartStep("bytes behind the pixel data", "X", "PS3.10 7.2"),
    ]
    if opened.length == UNDEFINED:
        parts.append(PartStep("comments and application data in compressed frames", "X", "PS3.5 A.4"))
    elif opened.at is not None:
        parts.append(PartStep("bits of the pixels that no sample uses", "Z", "PS3.5 8.1.1"))
    return tuple(parts)


def write(opened: Opened, out: Hashed) -> str:
    """Write the cleaned header, then the pixel data, to `out`; returns the transfer syntax of what was written."""
    ds, syntax = opened.ds, syntax_of(opened)
    implicit = syntax == ImplicitVRLittleEndian
    out.write(header.meta(header.uid(ds, "SOPClassUID"), header.uid(ds, "SOPInstanceUID"), syntax))
    out.write(header.encoded(ds, implicit=implicit))
    if opened.at is not None:
        with opened.pixels() as stream:
            stream.seek(opened.at)
            _copy_pixels(opened, stream, out, implicit=implicit)
    return syntax


def _copy_pixels(opened: Opened, stream: IO[bytes], out: Hashed, *, implicit: bool) -> None:
    if opened.length == UNDEFINED:
        out.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED))
        _copy_frames(opened, stream, out)
        return
    layout = _layout(opened)
    size = layout.size + layout.size % 2 if not opened.little and opened.vr == "OW" else layout.size
    if opened.length < size:
        raise Held("truncated", "There are fewer pixels than rows, columns and frames ask for.")
    length = size + size % 2
    padding = _padding(stream, opened.length - length, after=size)
    length += len(padding)
    tag = struct.pack("<HH", 0x7FE0, opened.tag & 0xFFFF)
    vr = opened.vr if opened.vr in {"OB", "OW", "OF", "OD"} else "OW"
    out.write(tag + (struct.pack("<I", length) if implicit else struct.pack("<2sHI", vr.encode(), 0, length)))
    words = {"OB": 0, "OW": max(2, layout.allocated // 8), "OF": 4, "OD": 8}
    swap = 0 if opened.little else words[vr]
    left = size
    while left:
        part = stream.read(min(CHUNK, left))
        if not part:
            raise Held("truncated", "The file ends before its pixel data does.")
        out.write(layout.clean(swapped(part, swap)))
        left -= len(part)
    out.write(b"\0" * (size % 2) + padding)


def _padding(stream: IO[bytes], extra: int, *, after: int) -> bytes:
    """Return what stands behind the pixels where it is a few zeros, which tell nothing: the value stays as it was."""
    if not 0 < extra <= PADDING or extra % 2:
        return b""
    at = stream.tell()
    stream.seek(at + after + after % 2)
    tail = stream.read(extra)
    stream.seek(at)
    return tail if tail == bytes(extra) else b""


def _layout(opened: Opened) -> Layout:
    ds = opened.ds
    return (
        Layout.of(ds) if header.all_ready(ds) is None else _LAYOUTS.ask("layout", ds, lambda: Layout.of(ds))
    )


@dataclass
class _Found:
    """What a first look at compressed pixel data found; `bare` while every frame stands there as it may stay."""

    sizes: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    table: bytes = b""
    bare: bool = True


def _copy_frames(opened: Opened, stream: IO[bytes], out: Hashed) -> None:
    """Copy the frames, without comments and application data, behind a table that fits (PS3.5 A.4)."""
    start, frames = stream.tell(), frame_count(opened.ds)
    found = _Found()
    found.sizes = [len(frame) for frame in _frames(opened, stream, found)]
    end = stream.tell() - 8
    if len(found.sizes) != frames:
        raise Held("truncated", "There are more or fewer compressed frames than the header says.")
    stream.seek(start)
    if found.bare and found.table in {b"", struct.pack(f"<{frames}I", *_ends(found.starts))}:
        _copy_bytes(stream, out, end - start)
    else:
        offsets = list(accumulate((size + 8 for size in found.sizes[:-1]), initial=0))
        _write_items(_frames(opened, stream, _Found()), offsets, out)
    out.write(_ITEM.pack(0xFFFE, 0xE0DD, 0))


def _ends(starts: list[int]) -> list[int]:
    return starts if not starts or starts[-1] < UNDEFINED else [0] * len(starts)


def _copy_bytes(stream: IO[bytes], out: Hashed, size: int) -> None:
    while size:
        part = stream.read(min(CHUNK, size))
        out.write(part)
        size -= len(part)


def _write_items(frames: Iterable[bytes], offsets: list[int], out: Hashed) -> None:
    table = struct.pack(f"<{len(offsets)}I", *offsets) if offsets[-1] < UNDEFINED else b""
    out.write(_ITEM.pack(0xFFFE, 0xE000, len(table)) + table)
    for frame in frames:
        out.write(_ITEM.pack(0xFFFE, 0xE000, len(frame)))
        out.write(frame)


def _frames(opened: Opened, stream: IO[bytes], found: _Found) -> Iterator[bytes]:
    """Yield the frames, bare and of even length: each begins with a fragment that begins as its kind does."""
    kind, single = family(opened.syntax), frame_count(opened.ds) == 1
    plane = int(opened.ds.get("Rows") or 0) * int(opened.ds.get("Columns") or 0)
    frame: list[bytes] = []
    for offset, fragment in _fragments(stream, found):
        if frame and (kind == RLE or (not single and fragment.startswith(STARTS[kind]))):
            yield _bare(frame, kind, plane, found)
            frame = []
        if not frame:
            found.starts.append(offset)
        frame.append(fragment)
    if frame:
        yield _bare(frame, kind, plane, found)


def _bare(fragments: list[bytes], kind: str, plane: int, found: _Found) -> bytes:
    whole = b"".join(fragments)
    bare = even(bare_frame(whole, kind, plane=plane))
    found.bare = found.bare and bare == whole and not any(len(one) % 2 for one in fragments)
    return bare


def _fragments(stream: IO[bytes], found: _Found) -> Iterator[tuple[int, bytes]]:
    """Yield the fragments after the offset table, each with the place of its item counted from the first one's."""
    number, first = 0, 0
    while True:
        at, head = stream.tell(), stream.read(8)
        if not head and number > 1:
            return  # no delimiter ends the sequence; whether the last frame is whole, its own end marker tells
        if len(head) < 8:
            raise Held("truncated", "The file ends before its pixel data does.")
        group, element, length = _ITEM.unpack(head)
        if (group, element) == (0xFFFE, 0xE0DD):
            return
        body = stream.read(length) if (group, element) == (0xFFFE, 0xE000) and length < UNDEFINED else b""
        if (group, element) != (0xFFFE, 0xE000) or len(body) < length:
            raise Held("truncated", "The file ends before its pixel data does.")
        if number:
            first = first or at
            yield at - first, body
        else:
            found.table = body
        number += 1
