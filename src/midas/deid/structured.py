"""Structured content: the content items of SR and of acquisition contexts, by Table E.3.4-1.

In comes one item of a content tree, out comes what its concept asks for. Free text that no row of the table covers is
cleaned like any other text; an item to be removed that others refer to by position stays and says nothing.
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from midas.deid import tables
from midas.deid.model import Profile
from midas.deid.rules import resolve


def dummy_code() -> Dataset:
    """Return a code item that says that a code was removed."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "REMOVED", "99MIDAS", "REMOVED"
    return code


def concept(item: Dataset) -> tuple[str, str, str] | None:
    """Return (scheme, code, value type) of a content item, or None where it is not one."""
    if "ValueType" not in item or not item.get("ConceptNameCodeSequence"):
        return None
    name = item.ConceptNameCodeSequence[0]
    return str(name.get("CodingSchemeDesignator", "")), str(name.get("CodeValue", "")), str(item.ValueType)


def content(item: Dataset, profile: Profile) -> str:
    """Return the action of Table E.3.4-1 for this item, or "" where the table does not name its concept."""
    key = concept(item)
    row = tables.content_items().get(key) if key else None
    return resolve(row, profile.options).code if row else ""


def emptied(item: Dataset) -> dict[int, tuple[str, Any]]:
    """Return (VR, value) by tag for every value attribute of a content item (PS3.3 C.18): dummies that say nothing."""
    dummies: dict[int, tuple[str, Any]] = {
        0x0040A120: ("DT", "19000101000000"), 0x0040A121: ("DA", "19000101"), 0x0040A122: ("TM", "000000"),
        0x0040A123: ("PN", "REMOVED"), 0x0040A160: ("UT", "REMOVED"), 0x0040A168: ("SQ", [dummy_code()]),
        0x0040A300: ("SQ", []),
    }  # fmt: skip
    return {tag: dummy for tag, dummy in dummies.items() if tag in item}
