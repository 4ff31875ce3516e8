"""Where each element of a little-endian dataset begins and ends, without decoding one.

In come bytes, out come the elements of the root as raw ones, each with the bytes that it was read from, and the place
where the pixel data begins. Anything that does not read as the transfer syntax says gives None: pydicom's more lenient
reader must then look at the file.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from midas.deid.memory import TAGS, tag_of

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
DEPTH = 24
SHORT = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()
)  # the length takes two bytes (PS3.5 7.1.2)
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = {code: code.decode() for code in SHORT | LONG}
_TAG_VR_LENGTH, _LENGTH, _TAG_LENGTH = struct.Struct("<HH2sH"), struct.Struct("<I"), struct.Struct("<HHI")
Data = bytes | mmap.mmap
TAIL = 1 << 16
"""Bytes; what stands behind the last element and is longer may be a part of the object."""
LAST = frozenset({b"\xfa\xff\xfa\xff", b"\xfc\xff\xfc\xff"})


class _Strange(Exception):
    """These bytes are not what the transfer syntax says."""


@dataclass(frozen=True)
class Split:
    """The elements of the root before the pixel data, which begins `at` (the end of the data where there is none)."""

    elements: dict[BaseTag, RawDataElement]
    raws: dict[int, bytes]
    at: int


def split(data: Data, start: int, *, implicit: bool) -> Split | None:
    """Return the root's elements from `start` on; None where the bytes are not well formed."""
    try:
        return _split(data, start, implicit)
    except (_Strange, struct.error):
        return None


def _split(data: Data, at: int, implicit: bool) -> Split:
    found = Split({}, {}, at)
    try:
        return _walk(data, at, implicit, found.elements, found.raws)
    except (_Strange, struct.error):
        end = sum(map(len, found.raws.values()), at)
        if not _is_tail(data, _past_last(data, end, implicit), found.elements):
            raise
        return Split(found.elements, found.raws, len(data))


def _walk(
    data: Data, at: int, implicit: bool, elements: dict[BaseTag, RawDataElement], raws: dict[int, bytes]
) -> Split:
    vr: str | None
    size, before, known, head = len(data), -1, TAGS, _TAG_VR_LENGTH.unpack_from
    while size - at >= 8:
        group, element, code, length = head(data, at)
        tag = group << 16 | element
        if not implicit and code in SHORT:
            vr, value = VRS[code], at + 8
        else:
            tag, vr, value, length = _head(data, at, implicit)
        if tag in PIXELS:
            break
        if tag <= before or tag >> 16 >= 0xFFFA:
            raise _Strange
        if length == UNDEFINED:
            vr, end = "SQ", _past_items(data, value, implicit, vr, 0)
            content = data[value : end - 8]
        else:
            end = value + length
            content = data[value:end]
        if end > size:
            raise _Strange
        key = known.get(tag) or tag_of(tag)
        elements[key] = RawDataElement(key, vr, length, content, value, implicit, True)
        raws[key] = data[at:end]
        before, at = tag, end
    else:
        if at != size:
            raise _Strange
    return Split(elements, raws, at)


def _past_last(data: Data, at: int, implicit: bool) -> int:
    """Return where digital signatures (FFFA,FFFA) and padding (FFFC,FFFC), the last of all elements, end if they begin here.

    Neither outlives de-identification: a signature of what was changed is void, and padding means nothing (PS3.10 7.2).
    """
    while data[at : at + 4] in LAST:
        _, vr, value, length = _head(data, at, implicit)
        at = _past_items(data, value, implicit, vr, 0) if length == UNDEFINED else value + length
    return at


def _is_tail(data: Data, at: int, before: dict[BaseTag, RawDataElement]) -> bool:
    """Say whether what is left is no element of the object, but bytes that something wrote behind it.

    They are neither read nor written. A tag that the dictionary or the creator of its block knows is an element that
    ends early: the file was cut short. So it may be where pixels could stand in what is left.
    """
    rest = data[at : at + TAIL + 1]
    if not before or not 0 < len(rest) <= TAIL or b"\xe0\x7f" in rest:
        return False
    if len(rest) < 8 or rest[:2] == b"\0\0":
        return True
    group, element = struct.unpack_from("<HH", rest)
    if group & 1:
        return not (element < 0x100 or tag_of(group << 16 | element >> 8) in before)
    return group < 0xFFFA and not dictionary_has_tag(group << 16 | element)


def _head(data: Data, at: int, implicit: bool) -> tuple[int, str | None, int, int]:
    """Return tag, VR (None where the bytes do not say), where the value begins and how long it is."""
    if implicit:
        group, element, length = _TAG_LENGTH.unpack_from(data, at)
        return group << 16 | element, None, at + 8, length
    group, element, code, length = _TAG_VR_LENGTH.unpack_from(data, at)
    if code in SHORT:
        return group << 16 | element, VRS[code], at + 8, length
    if code not in LONG:
        raise _Strange
    return group << 16 | element, VRS[code], at + 12, _LENGTH.unpack_from(data, at + 8)[0]


def _past_items(data: Data, at: int, implicit: bool, vr: str | None, depth: int) -> int:
    """Return where a sequence of undefined length ends, its delimiter included."""
    if vr not in {"SQ", None} or depth > DEPTH:
        raise _Strange
    while True:
        group, element, length = _TAG_LENGTH.unpack_from(data, at)
        tag, at = group << 16 | element, at + 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM:
            raise _Strange
        at = _past_elements(data, at, implicit, depth + 1) if length == UNDEFINED else at + length


def _past_elements(data: Data, at: int, implicit: bool, depth: int) -> int:
    while True:
        group, element, length = _TAG_LENGTH.unpack_from(data, at)
        if group << 16 | element == ITEM_END:
            return at + 8
        _, vr, value, length = _head(data, at, implicit)
        at = _past_items(data, value, implicit, vr, depth) if length == UNDEFINED else value + length


def meta(data: Data) -> tuple[dict[BaseTag, RawDataElement], int] | None:
    """Return the file meta information (PS3.10 7.1) and where it ends; None where there is none, or it is not well formed.

    Its group length is not believed: the first tag of another group ends it.
    """
    if data[128:132] != b"DICM":
        return None
    found: dict[BaseTag, RawDataElement] = {}
    at, size = 132, len(data)
    try:
        while size - at >= 8 and data[at : at + 2] == b"\2\0":
            tag, vr, value, length = _head(data, at, implicit=False)
            if value + length > size:
                return None
            key = tag_of(tag)
            found[key] = RawDataElement(key, vr, length, data[value : value + length], value, False, True)
            at = value + length
    except (_Strange, struct.error):
        return None
    return (found, at) if found else None
