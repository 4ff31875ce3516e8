"""How large a compressed frame says that it is, before anybody decodes it: a few bytes can ask for gigabytes of memory.

In comes one frame's bytes; out come rows, columns and samples from its own header (ISO/IEC 10918-1 B.2.2, 14495-1 C.2.2,
15444-1 A.5.1), or `None` for a stream of another kind.
"""

from __future__ import annotations

import struct

FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""JPEG markers that begin a frame header: SOF0 to SOF15, and SOF55 of JPEG-LS."""
BARE = {0x01, *range(0xD0, 0xD9)}
"""JPEG markers without a length."""


def stated(frame: bytes) -> tuple[int, int, int] | None:
    """Return (rows, columns, samples) that the frame's own header says."""
    if frame[:2] == b"\xff\xd8":
        return _jpeg(frame)
    at = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or len(frame) < at + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, at + 8)
    (samples,) = struct.unpack_from(">H", frame, at + 40)
    return max(0, bottom - top), max(0, right - left), samples


def _jpeg(frame: bytes) -> tuple[int, int, int] | None:
    at = 2
    while at + 10 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in FRAMES:
            rows, columns, samples = struct.unpack_from(">HHB", frame, at + 5)
            return rows, columns, samples
        at += 1 if marker == 0xFF else 2 if marker in BARE else 2 + struct.unpack_from(">H", frame, at + 2)[0]
    return None
