"""Values whose form (VR) the file does not say, or says wrongly: read by the form that a dictionary gives.

In comes an element with raw bytes (VR UN) or with a form that cannot be its own, out comes the same element in the
dictionary's form, or None where its bytes do not fit that form.
"""

from __future__ import annotations

import struct
from io import BytesIO

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence
from pydicom.multival import MultiValue

TEXT_FORMS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
BINARY_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
BYTES = frozenset("OB OW OF OD OL OV UN".split())
TYPED = frozenset("AS DA DT TM UI PN IS DS".split())
"""Text that is shifted, mapped, capped or counted: read as free text it would be cleaned wrongly."""
ONE_VALUE = frozenset({"LT", "ST", "UT", "UR"})
PRINTED = frozenset({*range(0x20, 0x7F), 0x09, 0x0A, 0x0C, 0x0D, 0x1B})


def recovered(element: DataElement, vr: str) -> DataElement | None:
    """Return an element of VR UN in the form `vr`; None where its bytes are not of that form."""
    value = element.value
    data = b"\\".join(value) if isinstance(value, MultiValue) else value
    if not isinstance(data, bytes):
        return None
    if vr == "SQ":
        items = sequence(data)
        return None if items is None else DataElement(element.tag, "SQ", items)
    if vr in BINARY_NUMBERS:
        size = struct.calcsize("<" + BINARY_NUMBERS[vr])
        if not data or len(data) % size:
            return None
        numbers = struct.unpack(f"<{len(data) // size}{BINARY_NUMBERS[vr]}", data)
        return DataElement(element.tag, vr, numbers[0] if len(numbers) == 1 else list(numbers))
    if vr in TEXT_FORMS:
        return _text(element, vr, data)
    return DataElement(element.tag, vr, data) if vr in {"OB", "OW", "OF", "OD", "OL", "OV"} else None


def _text(element: DataElement, vr: str, data: bytes) -> DataElement | None:
    data = data.rstrip(b"\0 ")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if any(ord(char) not in PRINTED and ord(char) < 0x80 for char in text):
        return None
    value = text.split("\\") if vr not in ONE_VALUE and "\\" in text else text
    try:
        return DataElement(element.tag, vr, value)
    except (ValueError, TypeError):
        return None


def sequence(data: bytes) -> list[Dataset] | None:
    """Return the items of a sequence of unknown form: implicit little endian (PS3.5 6.2.2); None where it is none."""
    if data[:4] != b"\xfe\xff\x00\xe0":
        return None
    try:
        items = list(read_sequence(BytesIO(data), True, True, len(data), "iso8859"))
        for item in items:
            for element in item.iterall():
                _ = (
                    str(element.value)
                    if not isinstance(element.value, (bytes, MultiValue))
                    else element.value
                )
    except Exception:  # noqa: BLE001 - pydicom raises many kinds for bytes that are no sequence
        return None
    return items


def misformed(element: DataElement, vr: str) -> bool:
    """Say whether an element has a form that is not its own: text for a day, bytes for a text, numbers for a UID."""
    if vr in {element.VR, "UN"}:
        return False
    kinds = (TEXT_FORMS, frozenset(BINARY_NUMBERS), BYTES)
    alike = any(element.VR in kind and vr in kind for kind in kinds)
    return not alike or (vr in TEXT_FORMS and (vr in TYPED or element.VR in TYPED))


def reformed(element: DataElement, vr: str) -> DataElement | None:
    """Return an element of a wrong form in the form `vr`; None where its value does not fit."""
    if element.VR in TEXT_FORMS and vr in TEXT_FORMS:
        texts = [str(one) for one in element.value] if element.VM > 1 else str(element.value or "")
        try:
            return DataElement(element.tag, vr, texts)
        except (ValueError, TypeError):
            return None
    return recovered(element, vr)
