"""A first look at a header, fast: the values of a few early elements, as they stand in the bytes.

In comes a path and the tags that are wanted, out come their bytes; None wherever anything is out of the ordinary (another
byte order, compression, no preamble), so that a full reader is asked instead. Nothing is kept.
"""

from __future__ import annotations

import struct
from pathlib import Path

HEAD = 1 << 16
"""Bytes read at first: a header of slices is far shorter."""
MOST = 1 << 22
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""VRs whose length stands in four bytes (PS3.5 7.1.2)."""
EXPLICIT, IMPLICIT = b"1.2.840.10008.1.2.", b"1.2.840.10008.1.2"
ODD_SYNTAXES = frozenset(EXPLICIT + tail for tail in (b"2", b"1.99", b"4.95", b"4.205"))
"""Big endian and the syntaxes that deflate the dataset (PS3.5 A.3, A.5, PS3.6 Table A-1)."""
UNDEFINED, ITEM, ITEM_END, SEQUENCE_END = 0xFFFFFFFF, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TAG, _SHORT, _LENGTH = struct.Struct("<HH"), struct.Struct("<H"), struct.Struct("<I")


class _Short(Exception):
    """The bytes at hand end before what is asked for."""


class _Odd(Exception):
    """Something that a full reader must judge."""


def peek(path: Path, wanted: frozenset[int], *, last: int) -> dict[int, bytes] | None:
    """Return the values of the wanted elements up to the tag `last`, by tag; None where a full reader is to be asked."""
    size = HEAD
    with path.open("rb") as stream:
        while size <= MOST:
            stream.seek(0)
            data = stream.read(size)
            try:
                return _values(data, wanted, last, whole=len(data) < size)
            except _Short:
                size *= 8
            except (_Odd, struct.error):
                return None
    return None


def _values(data: bytes, wanted: frozenset[int], last: int, *, whole: bool) -> dict[int, bytes]:
    if data[128:132] != b"DICM":
        raise _Odd
    at, implicit = _after_meta(data)
    found: dict[int, bytes] = {}
    before = 0
    while at + 8 <= len(data):
        tag, vr, length, value = _element(data, at, implicit=implicit)
        if tag > last:
            break
        if tag <= before:
            raise _Odd
        before = tag
        if length == UNDEFINED:
            if tag in wanted or (vr != b"SQ" and not implicit):
                raise _Odd
            at = _past_sequence(data, value, implicit=implicit, depth=0)
            continue
        at = value + length
        if at > len(data):
            raise _Odd if whole else _Short
        if tag in wanted:
            found[tag] = data[value:at]
    else:
        if not whole:
            raise _Short
    return found


def _after_meta(data: bytes) -> tuple[int, bool]:
    """Return where the dataset begins and whether its VRs are implicit; group 0002 is always explicit (PS3.10 7.1)."""
    at, syntax = 132, b""
    while data[at : at + 2] == b"\x02\x00":
        tag, _, length, value = _element(data, at, implicit=False)
        at = value + length
        if tag == 0x00020010:
            syntax = data[value:at].rstrip(b"\0 ")
    if syntax in ODD_SYNTAXES or not (syntax == IMPLICIT or syntax.startswith(EXPLICIT)):
        raise _Odd
    return at, syntax == IMPLICIT


def _element(data: bytes, at: int, *, implicit: bool) -> tuple[int, bytes, int, int]:
    """Return tag, VR, length and where the value begins."""
    group, number = _TAG.unpack_from(data, at)
    if implicit or group == 0xFFFE:
        return group << 16 | number, b"", _LENGTH.unpack_from(data, at + 4)[0], at + 8
    vr = data[at + 4 : at + 6]
    if not (vr.isalpha() and vr.isupper()):
        raise _Odd
    if vr in LONG:
        return group << 16 | number, vr, _LENGTH.unpack_from(data, at + 8)[0], at + 12
    return group << 16 | number, vr, _SHORT.unpack_from(data, at + 6)[0], at + 8


def _past_sequence(data: bytes, at: int, *, implicit: bool, depth: int) -> int:
    """Return where a sequence of undefined length ends."""
    if depth > 16:
        raise _Odd
    while True:
        tag, _, length, at = _element(data, at, implicit=True) if at + 8 <= len(data) else _raise()
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM:
            raise _Odd
        at = at + length if length != UNDEFINED else _past_item(data, at, implicit=implicit, depth=depth)


def _past_item(data: bytes, at: int, *, implicit: bool, depth: int) -> int:
    while True:
        if at + 12 > len(data):
            raise _Short
        tag, _, length, value = _element(data, at, implicit=implicit)
        if tag == ITEM_END:
            return value
        at = (
            value + length
            if length != UNDEFINED
            else _past_sequence(data, value, implicit=implicit, depth=depth + 1)
        )


def _raise() -> tuple[int, bytes, int, int]:
    raise _Short


def texts_of(found: dict[int, bytes]) -> dict[int, str] | None:
    """Return the values as text where they are ASCII, or UTF-8 and said to be; None where a full reader must decode.

    An escape is another character set in seven bits (ISO 2022, PS3.5 6.1.2.3).
    """
    if any(b"\x1b" in value for value in found.values()):
        return None
    told = found.get(0x00080005, b"").strip(b" \0") == b"ISO_IR 192"
    if not told and not all(value.isascii() for value in found.values()):
        return None
    try:
        return {tag: value.decode("utf-8") for tag, value in found.items()}
    except UnicodeDecodeError:
        return None
