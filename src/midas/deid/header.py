"""A cleaned header as bytes: each element encoded once, kept beside the element, and joined in the order of the tags.

In come elements, out come `Ready` ones that carry their own encoding, and the whole header with file meta information of
our own. What was decoded after it was made ready is encoded again; text is written in UTF-8.
"""

from __future__ import annotations

import struct
from typing import Any, cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr_element, write_data_element
from pydicom.tag import BaseTag, Tag

from midas.deid.memory import Watched
from midas.deid.model import ENGINE

IMPLEMENTATION_UID = "2.25.317064157423058931412043837164593817273"
META = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
"""What file meta information must have, or what says who wrote the file: we (PS3.10 Table 7.1-1)."""
OFFSETS = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00003})
"""Extended offset tables: fragments may have become shorter."""
TEXTS = frozenset({"PN", "LO", "SH", "LT", "ST", "UT", "UC"})
AMBIGUOUS = frozenset({"US or SS", "OB or OW", "US or OW", "US or SS or OW"})
LONG_HEAD = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
UTF8 = ["utf8"]


class Ready(RawDataElement):
    """An element with its own encoding; `wide` where it holds a character outside ASCII."""

    encoded: bytes
    wide: bool


def ready(element: DataElement, ds: Dataset, *, implicit: bool) -> Ready:
    """Encode one element of the root of `ds`; raises what pydicom raises for a value that its VR does not allow."""
    if element.VR in AMBIGUOUS:
        element = cast("DataElement", correct_ambiguous_vr_element(element, ds, True))
    if element.VR == "SQ":
        element.is_undefined_length = False
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, implicit
    write_data_element(out, element, UTF8)
    encoded = out.getvalue()
    vr = element.VR if implicit else encoded[4:6].decode("ascii")
    head = 8 if implicit or encoded[4:6] not in LONG_HEAD else 12
    made = Ready(element.tag, vr, len(encoded) - head, encoded[head:], 0, implicit, True)
    made.encoded, made.wide = encoded, _wide(element)
    return made


def _wide(element: DataElement) -> bool:
    if element.VR == "SQ":
        return any(_wide(inner) for item in element.value for inner in item)
    return element.VR in TEXTS and not str(element.value).isascii()


def all_ready(ds: Dataset) -> Watched | None:
    """Return the watched elements of `ds` where every one still stands as it was encoded."""
    elements = ds._dict  # noqa: SLF001 - as in `memory`
    if isinstance(elements, Watched) and all(type(one) is Ready for one in dict.values(elements)):
        return elements
    return None


def uid(ds: Dataset, keyword: str) -> str:
    """Return a UID of the root without decoding an element that is ready; "" where it is absent."""
    raw: Any = ds.get_item(Tag(keyword))
    return (
        (raw.value or b"").decode("ascii").rstrip("\0 ") if type(raw) is Ready else str(ds.get(keyword, ""))
    )


def encoded(ds: Dataset, *, implicit: bool) -> bytes:
    """Return the elements of the root in order, without offset tables and pixel data."""
    parts = [(int(tag), _encoding(ds, tag, implicit)) for tag in list(ds.keys()) if tag not in OFFSETS]
    return b"".join(part for _, part in sorted(parts))


def _encoding(ds: Dataset, tag: BaseTag, implicit: bool) -> bytes:
    element: Any = ds._dict[tag]  # noqa: SLF001 - as in `memory`
    if type(element) is not Ready or element.is_implicit_VR is not implicit:
        element = ready(ds[tag], ds, implicit=implicit)
    encoding: bytes = element.encoded
    return encoding


def meta(sop_class: str, instance: str, syntax: str) -> bytes:
    """Return a zero preamble and file meta information of our own (PS3.10 7.1)."""
    name = ENGINE.replace("midas-deid ", "MIDAS_DEID_")[:16]
    body = b"\2\0\1\0OB\0\0\2\0\0\0\0\1"
    for number, vr, value in (
        (0x02, b"UI", sop_class),
        (0x03, b"UI", instance),
        (0x10, b"UI", syntax),
        (0x12, b"UI", IMPLEMENTATION_UID),
        (0x13, b"SH", name),
    ):
        data = value.encode("ascii")
        data += (b"\0" if vr == b"UI" else b" ") * (len(data) % 2)
        body += struct.pack("<HH2sH", 2, number, vr, len(data)) + data
    return b"\0" * 128 + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body)) + body
