"""Structured content: the content items of SR and of acquisition contexts, by Table E.3.4-1.

In comes one item of a content tree, out comes what its concept asks for. Free text that no rule covers is never let
through in part: it raises `Held`.
"""

from __future__ import annotations

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
