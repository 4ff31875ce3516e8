"""The first look at one image, before anything is sent: is it what the protocol asks for, and can it be read at all?

In comes a file or dataset and the protocol's item; out come findings about pixels and acquisition, never about identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from midas.formats.dicom import read
from midas.kernel import Finding, Severity
from midas.protocol.model import Item, Range

ORIGIN = "midas.quality.first"


def _finding(rule: str, severity: Severity, scope: str, message: str, advice: str, cites: str) -> Finding:
    return Finding(f"image.{rule}", severity, scope, message, advice, cites, ORIGIN)


def _value(ds: Dataset, keyword: str) -> Any:
    """Return an attribute of the dataset or, in enhanced objects, of the shared functional groups."""
    if keyword in ds:
        return ds[keyword].value
    for group in ds.get("SharedFunctionalGroupsSequence") or ():
        for element in group:
            if element.VR == "SQ" and element.value and keyword in element.value[0]:
                return element.value[0][keyword].value
    return None


MODALITY = re.compile(
    r"[A-Z]{2}|X3DM|RT[A-Z]{3,8}|SEG|SMR|REG|FID|DOC|PLAN|EPS|IVOCT|IVUS|OAM|OPM|OPT|OPTENF|OPTBSV|OPV|ASMT|STAIN|ANN"
)
"""Defined terms of Modality (PS3.3 C.7.3.1.1.1); anything else was typed by someone and is not repeated."""


def right_modality(ds: Dataset, item: Item, scope: str) -> Iterator[Finding]:
    modality, wanted = str(ds.get("Modality") or ""), " or ".join(item.modalities)
    if modality not in item.modalities:
        said = modality if MODALITY.fullmatch(modality) else "not one" if modality else "not given"
        yield _finding(
            "modality", Severity.ERROR, scope, f"The modality is {said}; {item.id} needs {wanted}.",
            "Check that the item stands under the right definition.", "protocol: items.modalities",
        )  # fmt: skip


def right_class(ds: Dataset, item: Item, scope: str) -> Iterator[Finding]:
    uid = str(ds.get("SOPClassUID") or "")
    if item.sop_classes and uid not in item.sop_classes:
        yield _finding(
            "sop-class", Severity.ERROR, scope, f"{UID(uid).name if uid else 'No SOP class'} is not allowed for {item.id}.",
            "Export the original images, not screenshots or derived objects.", "protocol: items.sop_classes",
        )  # fmt: skip


def in_range(ds: Dataset, item: Item, scope: str) -> Iterator[Finding]:
    for bound in item.acquisition:
        value = _value(ds, bound.keyword)
        if value is None or value == "":
            yield _finding(
                "acquisition-unknown", Severity.INFO, scope, f"{bound.keyword} is not given.",
                "Nothing to do where the device does not write it.", bound.cites or "protocol: items.acquisition",
            )  # fmt: skip
        elif wrong := _outside(value, bound):
            yield _finding(
                "acquisition", Severity(bound.severity), scope, f"{bound.keyword} {wrong}.",
                "Compare the acquisition with the protocol.", bound.cites or "protocol: items.acquisition",
            )  # fmt: skip


def _outside(value: Any, bound: Range) -> str:
    if bound.one_of:
        return "" if str(value) in bound.one_of else f"is not one of {', '.join(bound.one_of)}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "is not a number"
    unit = f" {bound.unit}" if bound.unit else ""
    if bound.min is not None and number < bound.min:
        return f"is {number:g}{unit}, below {bound.min:g}"
    if bound.max is not None and number > bound.max:
        return f"is {number:g}{unit}, above {bound.max:g}"
    return ""


def _frame(ds: Dataset) -> np.ndarray[Any, Any]:
    """Decode one frame in the middle; the whole of a small object is one frame as well."""
    from pydicom.pixels import pixel_array

    frames = int(ds.get("NumberOfFrames") or 1)
    return np.asarray(pixel_array(ds, index=frames // 2))


def readable_pixels(ds: Dataset, item: Item, scope: str) -> Iterator[Finding]:
    del item
    if not any(name in ds for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        yield _finding(
            "no-pixels",
            Severity.ERROR,
            scope,
            "There are no pixels.",
            "Export the images themselves.",
            "PS3.3 C.7.6.3",
        )
        return
    try:
        frame = _frame(ds)
    except Exception as error:  # noqa: BLE001 - each decoder fails in its own way
        yield _finding(
            "pixels-unreadable", Severity.ERROR, scope, f"The pixels cannot be decoded ({type(error).__name__}).",
            "Export the image again; it may have been cut short.", "PS3.5 8",
        )  # fmt: skip
        return
    if frame.size and frame.min() == frame.max():
        yield _finding(
            "constant", Severity.WARNING, scope, "Every pixel of the frame looked at has the same value.",
            "Look at the image; it may be blank.", "protocol: items",
        )  # fmt: skip


Rule = Callable[[Dataset, Item, str], Iterator[Finding]]
RULES: tuple[Rule, ...] = (right_modality, right_class, in_range, readable_pixels)


def first_look(source: Path | Dataset, item: Item, *, scope: str = "item") -> tuple[Finding, ...]:
    """Look at one image; an empty tuple means that nothing stands against it.

    `scope` is the opaque name used in findings. A file that cannot be read is a finding, not an error.
    """
    try:
        ds = source if isinstance(source, Dataset) else read(source, pixels=True)
        return tuple(finding for rule in RULES for finding in rule(ds, item, scope))
    except Exception as error:  # noqa: BLE001 - damaged files fail anywhere
        return (
            _finding(
                "unreadable", Severity.ERROR, scope, f"It cannot be read ({type(error).__name__}).",
                "Export it again; it may have been cut short.", "PS3.10 7.1",
            ),
        )  # fmt: skip
