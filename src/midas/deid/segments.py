"""Compressed frames without what travels beside the picture: JPEG comments, EXIF and JPEG 2000 comments.

In comes one fragment of a compressed frame, out comes the same picture bit for bit, less those segments.
"""

from __future__ import annotations

import struct

_KEPT_APP = frozenset({0xE0, 0xEE, 0xE8})
"""APP0 (JFIF) and APP14 (Adobe) say how colours are coded; APP8 does so for JPEG-LS (SPIFF)."""


def strip_comments(fragment: bytes) -> bytes:
    """Return the fragment without COM and APPn segments (JPEG family) or COM (JPEG 2000); others come back as they are."""
    if fragment[:2] == b"\xff\xd8":
        return _jpeg(fragment)
    if fragment[:4] == b"\xff\x4f\xff\x51":
        return _jpeg2000(fragment)
    return fragment


def _jpeg(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker == 0xDA or length < 2 or 0xD0 <= marker <= 0xD9:
            break
        if marker != 0xFE and not (0xE0 <= marker <= 0xEF and marker not in _KEPT_APP):
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join(kept) + data[at:] if len(b"".join(kept)) < at else data


def _jpeg2000(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0x90, 0x93, 0xD9):
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] != 0x64:
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join(kept) + data[at:]
