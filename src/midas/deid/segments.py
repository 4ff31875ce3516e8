"""Compressed frames without what travels beside the picture: comments, EXIF, thumbnails, bytes after its end.

In comes one compressed frame, out comes the same picture bit for bit with nothing else in it. A frame that is not what
its transfer syntax says, or whose end is not found, raises `Held`: what cannot be followed cannot be vouched for.
"""

from __future__ import annotations

import re
import struct

from midas.deid.model import Held

_J2K_KEPT = frozenset(
    {0x50, 0x51, 0x52, 0x53, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63}
)
"""Markers of ISO/IEC 15444-1 Table A.2 and 15444-15 that describe the picture; TLM (55) goes where lengths change."""
_J2K_TLM, _J2K_COM = 0x55, 0x64
_JP2 = b"jP  "
_WRITERS = frozenset(
    """created creator by file written with encoded encoder compressed version v openjpeg gdcm grok jasper kakadu aware
    mainconcept lead technologies inc llc intel ipp corporation jpeg jpeg2000 j2k library lavc libjpeg turbo ijg charls hp
    pegasus imaging corp accusoft picvideo matrox morgan medical dcmtk dcmjpeg software copyright c""".split()
)
"""What the comments of published encoders are made of; one with any other word, or more digits than a version has, goes."""
_VERSION, _LONGEST = 6, 80
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JFIF, _ADOBE = b"JFIF\0", b"Adobe"
JPEG, J2K, RLE, JXL = "jpeg", "j2k", "rle", "jxl"
STARTS = {JPEG: b"\xff\xd8", J2K: b"\xff\x4f\xff\x51", RLE: b"", JXL: b"\xff\x0a"}
_TAIL = "1.2.840.10008.1.2."


def family(syntax: str) -> str:
    """Return how frames of a transfer syntax are compressed (PS3.5 A.4); `Held` for one that is not mastered."""
    tail = syntax.removeprefix(_TAIL)
    if tail == "5":
        return RLE
    if tail in {f"4.{n}" for n in (50, 51, 57, 70, 80, 81)}:
        return JPEG
    if tail in {"4.90", "4.91", "4.201", "4.202", "4.203"}:
        return J2K
    if tail in {"4.110", "4.111", "4.112"}:
        return JXL
    raise Held("transfer-syntax-not-mastered", "The pixels are compressed in a way that is not mastered.")


def bare_frame(frame: bytes, kind: str, *, plane: int = 0) -> bytes:
    """Return the frame without comments, application data and what stands after its end; `plane` is rows x columns."""
    if kind == J2K and frame[4:8] == _JP2:
        frame = _codestream(frame)
    if not frame.startswith(STARTS[kind]):
        raise _strange()
    if kind == JXL:
        return frame
    try:
        return _rle(frame, plane) if kind == RLE else {JPEG: _jpeg, J2K: _jpeg2000}[kind](frame)
    except (struct.error, IndexError):
        raise _strange() from None


def _codestream(data: bytes) -> bytes:
    """Return the codestream of a JP2 file (ISO/IEC 15444-1 Annex I), which PS3.5 A.4.4 lets no frame wrap around it."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if name == b"jp2c":
            return data[at + 8 : at + size] if size else data[at + 8 :]
        if size < 8:
            break
        at += size
    raise _strange()


def _by_encoder(comment: bytes) -> bool:
    """Say whether a comment only tells which program compressed the picture."""
    try:
        text = comment.rstrip(b"\0 ").decode("ascii").lower()
    except UnicodeDecodeError:
        return False
    if len(text) > _LONGEST or sum(map(str.isdigit, text)) > _VERSION or not text.isprintable():
        return False
    words = re.findall(r"[a-z0-9]+", text)
    return all(word in _WRITERS or re.fullmatch(r"v?\d+", word) for word in words)


def _padding(tail: bytes) -> bool:
    """Say whether bytes behind a picture are one byte again and again, which tells nothing."""
    return tail in {b"\0" * len(tail), b"\xff" * len(tail)}


def _strange() -> Held:
    return Held("compressed-data-not-understood", "A compressed frame is not what its transfer syntax says.")


def _jpeg(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while True:
        if data[at] != 0xFF:
            raise _strange()
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            tail = data[at + 2 :]
            return b"".join([*kept, b"\xff\xd9", tail if _padding(tail) else b""])
        if marker in _STANDALONE:
            kept.append(data[at : at + 2])
            at += 2
            continue
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if end > len(data):
            raise _strange()
        kept.append(_segment(marker, data[at:end]))
        at = end
        if marker == 0xDA:
            end = _scan_end(data, at)
            kept.append(data[at:end])
            at = end


def _segment(marker: int, segment: bytes) -> bytes:
    """Keep tables and frames; of application data only what says how colours are coded, at its proper length."""
    if marker == 0xE0 and segment[4:9] == _JFIF:
        return b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0" if len(segment) >= 18 else b""
    if marker == 0xEE and segment[4:9] == _ADOBE:
        return b"\xff\xee\0\x0e" + segment[4:16] if len(segment) >= 16 else b""
    if marker == 0xFE:
        return segment if _by_encoder(segment[4:]) else b""
    if marker == 0xE8 and _spiff(segment[4:]):
        return segment
    return b"" if 0xE0 <= marker <= 0xEF else segment


def _spiff(content: bytes) -> bool:
    """Say whether application data is a SPIFF header (ITU-T T.84 F.2: sizes and resolutions) or its end of directory."""
    if content in {b"\0\0\0\1", b"\0\0\0\1\xff\xd8"}:
        return True
    return (
        len(content) == 30 and content.startswith(b"SPIFF\0") and content[22:24] + content[26:28] == bytes(4)
    )


def _scan_end(data: bytes, at: int) -> int:
    """Return where entropy-coded data ends: at the next marker that is neither stuffing nor a restart."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        follows = data[at + 1]
        if follows >= 0x80 and follows != 0xFF and not 0xD0 <= follows <= 0xD7:
            return at
        at += 1 if follows == 0xFF else 2
    return len(data)


def _jpeg2000(data: bytes) -> bytes:
    head, at = _markers(data, 2, until=0x90)
    tiles = []
    while data[at : at + 2] == b"\xff\x90":
        length = struct.unpack(">I", data[at + 6 : at + 10])[0]
        end = at + length if length else _codestream_end(data, at)
        if 0 < length < 14 or end > len(data):
            raise _strange()
        marks, body = _markers(data, at + 12, until=0x93)
        part = marks + data[body:end]
        size = len(part) + 12 if length else 0
        start = data[at : at + 6] + struct.pack(">I", size) + data[at + 10 : at + 12]
        tiles.append((size != length, start + part))
        at = end
    if not tiles or data[at : at + 2] not in {b"\xff\xd9", b"", b"\0"}:
        raise _strange()
    tail = data[at + 2 :] if _padding(data[at + 2 :]) else b""
    if any(changed for changed, _ in tiles):
        head, _ = _markers(data, 2, until=0x90, but=_J2K_TLM)
    return data[:2] + head + b"".join(tile for _, tile in tiles) + b"\xff\xd9" + tail


def _codestream_end(data: bytes, at: int) -> int:
    """Return where the last tile-part ends that runs to the end of the codestream: before EOC, which no data can hold."""
    end = data.find(b"\xff\xd9", at + 12)
    return end if end >= 0 else len(data)


def _markers(data: bytes, at: int, *, until: int, but: int = 0) -> tuple[bytes, int]:
    """Return the marker segments that describe the picture up to the marker `until`, and where that stands."""
    kept = []
    while data[at] == 0xFF and data[at + 1] != until:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if end > len(data):
            raise _strange()
        told = (
            data[at + 1] == _J2K_COM and data[at + 4 : at + 6] == b"\0\1" and _by_encoder(data[at + 6 : end])
        )
        if (data[at + 1] in _J2K_KEPT and data[at + 1] != but) or told:
            kept.append(data[at:end])
        at = end
    if data[at] != 0xFF:
        raise _strange()
    return b"".join(kept), at


def _rle(data: bytes, plane: int) -> bytes:
    """Return the segments that the header counts, one after the other, each as long as its runs (PS3.5 Annex G)."""
    count, *starts = struct.unpack("<16I", data[:64])
    if not 1 <= count <= 15:
        raise _strange()
    ends = [*starts[1:count], len(data)]
    parts: list[bytes] = []
    offsets: list[int] = []
    hidden = any(starts[count:]) or starts[0] != 64
    for start, end in zip(starts[:count], ends, strict=True):
        if not 64 <= start <= end <= len(data):
            raise _strange()
        offsets.append(64 + sum(len(one) for one in parts))
        part = data[start : start + _rle_length(data[start:end], plane)]
        hidden = hidden or data[start + len(part) : end] not in {b"", b"\0"}
        parts.append(part + b"\0" * (len(part) % 2))
    if not hidden:
        return data
    return struct.pack("<16I", count, *offsets, *([0] * (15 - count))) + b"".join(parts)


def _rle_length(segment: bytes, expected: int) -> int:
    """Return how many bytes of an RLE segment give `expected` bytes; what stands behind them is no picture."""
    at = made = 0
    while made < expected and at < len(segment):
        head = segment[at]
        if head < 128:
            made, at = made + head + 1, at + head + 2
        else:
            made, at = made + (257 - head if head > 128 else 0), at + (2 if head > 128 else 1)
    return at
