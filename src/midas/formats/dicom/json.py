"""A dataset as DICOM JSON (PS3.18 Annex F): plain dictionaries, with an address in place of what is large.

In comes a pydicom dataset; out comes what `json.dumps` takes. Text is UTF-8 whatever the file's character set was. A
value that pydicom cannot convert is left out: the attribute stays, empty.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from midas.formats.dicom.quiet import quiet

Json = dict[str, Any]
BULK_FROM = 1024
"""Bytes of a binary value from which it is fetched by its address instead of standing in the metadata."""
BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
WHOLE = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
NUMBERS = frozenset({"DS", "FD", "FL"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
CHARACTER_SET = "00080005"
_NO_CONTROLS = dict.fromkeys(set(range(32)) - {9, 10, 12, 13, 27})
"""Control characters that no text may hold (PS3.5 §6.1.3)."""


def to_json(ds: Dataset, *, bulk: Callable[[str], str]) -> Json:
    """Return a dataset as DICOM JSON, attributes in the order of their tags (F.2.2).

    `bulk(path)` gives the address of what is large: `7FE00010`, or `0054000A/0/54001010` within sequences. Group
    lengths and pixel data are left out; `with_pixels` names the latter.
    """
    with quiet():
        found = _dataset(ds, bulk, "")
    if CHARACTER_SET in found:
        found[CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return found


def _dataset(ds: Dataset, bulk: Callable[[str], str], path: str) -> Json:
    found: Json = {}
    for tag in sorted(ds.keys()):
        if tag.element == 0 or tag in PIXELS:
            continue
        name = f"{tag:08X}"
        try:
            found[name] = _element(ds[tag], bulk, path + name)
        except Exception:  # noqa: BLE001 - pydicom raises many kinds for a value that is not what its VR says
            found[name] = {"vr": _vr_of(ds.get_item(tag))}
    return found


def _vr_of(element: DataElement | RawDataElement | None) -> str:
    vr = getattr(element, "VR", None)
    return str(vr) if vr and len(str(vr)) == 2 else "UN"


def _element(element: DataElement, bulk: Callable[[str], str], path: str) -> Json:
    vr, value = str(element.VR), element.value
    if " or " in vr:
        vr = vr.split(" or ")[0]
    if vr == "SQ":
        items = [_dataset(item, bulk, f"{path}/{at}/") for at, item in enumerate(value or ())]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in BINARY:
        return _binary(vr, value, bulk, path)
    values = [_value(vr, one) for one in _many(value)]
    if all(one is None for one in values):
        return {"vr": vr}
    return {"vr": vr, "Value": values}


def _many(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return (value,)
    if hasattr(value, "family_name"):
        return (value,)
    return value if isinstance(value, Iterable) else (value,)


def _binary(vr: str, value: Any, bulk: Callable[[str], str], path: str) -> Json:
    data = bytes(value or b"")
    if not data:
        return {"vr": vr}
    if len(data) >= BULK_FROM:
        return {"vr": vr, "BulkDataURI": bulk(path)}
    return {"vr": vr, "InlineBinary": base64.b64encode(data).decode()}


def _value(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _name(value)
    if vr == "AT":
        return f"{BaseTag(value):08X}"
    if vr in WHOLE:
        return int(value)
    if vr in NUMBERS:
        number = float(value)
        return number if math.isfinite(number) else str(value)
    return str(value).translate(_NO_CONTROLS)


def _name(value: Any) -> Json | None:
    groups = {
        name: part.strip()
        for name, part in zip(_GROUPS, str(value).translate(_NO_CONTROLS).split("="), strict=False)
    }
    return {name: part for name, part in groups.items() if part} or None
