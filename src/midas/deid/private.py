"""Private elements: those that PS3.15 Table E.3.10-1 and TCIA's list know to be safe, and what may be written there.

In comes a private element, out comes its row in the safe list and its value read by the form that the row gives. What
is on no list is removed by the caller; what a person could have typed does not stay on the strength of a list alone.
"""

from __future__ import annotations

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from midas.deid import tables
from midas.deid.forms import BINARY_NUMBERS, recovered
from midas.deid.unlisted import device_text_tells, text_within
from midas.deid.values import BULK, Values, listed, names_someone, written

TEXTS = frozenset({"LO", "SH", "CS", "UC", "LT", "ST", "UT", "AS"})
FEW = 4


def row(ds: Dataset, tag: int) -> tables.Private | None:
    """Return the safe list's row for a private element, by the creator that reserves its block (PS3.5 7.8.1)."""
    group, block = tag >> 16, (tag & 0xFFFF) >> 8
    creator = ds.get_item((group, block)) if block >= 0x10 else None
    if creator is None:
        return None
    name = str(ds[group, block].value).strip().casefold()
    return tables.safe_private().get((name, group, tag & 0xFF))


def as_listed(element: DataElement, known: tables.Private) -> DataElement | None:
    """Return the element with a form: its own, or for one without (UN) the form that the safe list gives."""
    if element.VR != "UN":
        return element
    return next((found for vr in known.vr.split("/") if (found := recovered(element, vr)) is not None), None)


def tells(element: DataElement, values: Values) -> bool:
    """Say whether a private element known to be safe holds what no device writes."""
    vr, value = element.VR, element.value
    if vr in BULK:
        return values.known.in_bytes(value or b"") or text_within(value or b"")
    if vr in TEXTS:
        return any(device_text_tells(str(one), values.persons) for one in listed(value))
    if vr in {"IS", "DS"}:
        return [str(one) for one in listed(values.coded(value, vr))] != [str(one) for one in listed(value)]
    if vr in BINARY_NUMBERS:
        few = listed(value)
        return len(few) <= FEW and any(names_someone(written(one)) for one in few)
    return vr not in {"DA", "DT", "TM", "UI"}
