"""Does an object hold what its kind must hold (its IOD, PS3.3 Annex A)?

In comes an `Image`, out come the attributes of type 1 and 2 of its mandatory modules that are missing. The tables are
made from PS3.3 by `tools/generate_iods.py`. Conditional attributes (1C, 2C) are not judged: their conditions are prose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import Check, Measured, judge, wrong
from midas.quality.image import Image

REQUIRED = Check(
    "image.iod", Severity.WARNING, frozenset(), "attributes",
    {"en": "Holds what its kind of object must hold", "hi": "इस प्रकार के ऑब्जेक्ट की अनिवार्य जानकारी मौजूद है"},
    "Export it again from the device or archive; some programs write only part of the header.",
    "PS3.3 Annex A, attributes of type 1 (PS3.5 7.4.1)", {"max": 0},
)  # fmt: skip
EMPTY = Check(
    "image.iod-empty", Severity.INFO, frozenset(), "attributes",
    {"en": "Names what it leaves empty", "hi": "रिक्त छोड़ी गई जानकारी भी दर्ज है"},
    "Nothing to do: an empty attribute would say the same.",
    "PS3.3 Annex A, attributes of type 2 (PS3.5 7.4.3)", {"max": 0},
)  # fmt: skip
CHECKS = (REQUIRED, EMPTY)
NAMED = 6
"""How many missing attributes a message names."""

Row = tuple[tuple[str, ...], str, BaseTag, int]


@cache
def _tables() -> dict[str, Any]:
    text = (resources.files("midas.quality") / "iods.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


@cache
def attributes(sop_class: str) -> tuple[Row, ...]:
    """Return (sequences, keyword, tag, type) of each attribute of the mandatory modules; none for a class not listed."""
    tables = _tables()
    rows = {
        (tuple(path.split("/")) if path else (), keyword, Tag(keyword), kind)
        for module in tables["classes"].get(sop_class, ())
        for path, keyword, kind in tables["modules"][module]
    }
    return tuple(sorted(rows))


def missing(ds: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is missing: attributes of type 1 that are absent or empty, and of type 2 that are absent."""
    first: list[str] = []
    second: list[str] = []
    for path, keyword, tag, kind in attributes(str(ds.get("SOPClassUID") or "")):
        for holder in _holders(ds, path) if path else (ds,):
            found = holder._dict.get(tag)  # noqa: SLF001 - a value not read yet need not be converted to be counted
            if found is None or (kind == 1 and _empty(found)):
                (first if kind == 1 else second).append("/".join((*path, keyword)))
                break
    return tuple(first), tuple(second)


def _empty(found: DataElement | RawDataElement) -> bool:
    return not found.length if isinstance(found, RawDataElement) else bool(found.is_empty)


def _holders(ds: Dataset, path: Sequence[str]) -> Iterator[Dataset]:
    if not path:
        yield ds
    elif path[0] in ds and ds[path[0]].VR == "SQ":
        for item in ds[path[0]].value or ():
            yield from _holders(item, path[1:])


def whole_object(image: Image, item: Item, scope: str) -> Iterator[Measured]:
    if not attributes(str(image.ds.get("SOPClassUID") or "")):
        return
    for check, names in zip(CHECKS, missing(image.ds), strict=True):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            said = f"Missing: {', '.join(names[:NAMED])}{more}."
            found = judge(check, len(names), "", item=item, scope=scope)
            yield wrong(check, said, item=item, scope=scope, value=len(names)) if found.finding else found
        else:
            yield judge(check, 0, "", item=item, scope=scope)


OBJECT = (whole_object,)
