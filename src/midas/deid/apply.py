"""Carrying a plan out on a dataset in memory: no decision is taken here.

In come a plan and the dataset it was made for, out comes the same dataset changed; pixel data is left to `stream`.
"""

from __future__ import annotations

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from midas.deid.placing import placed
from midas.deid.plan import Path, Plan, Step


def apply(plan: Plan, *, ds: Dataset) -> Dataset:
    """Carry out every step of `plan` on `ds`, then write the pseudonymous place and the marks of de-identification."""
    gone: dict[Path, None] = {}
    items: dict[Path, Dataset] = {(): ds}
    for step in plan.steps:
        if step.tag == 0:
            gone[step.path] = None
        else:
            _carry_out(_item(items, step.path), step)
    for path in sorted(gone, reverse=True):
        _drop(items, path)
    _ascii_or_utf8(ds)
    for keyword, value in placed(ds, profile=plan.profile, sex=plan.sex, placement=plan.placement):
        setattr(ds, keyword, value)
    return ds


def _item(items: dict[Path, Dataset], path: Path) -> Dataset:
    if path not in items:
        tag, number = path[-1]
        items[path] = _item(items, path[:-1])[tag].value[number]
    return items[path]


def _carry_out(ds: Dataset, step: Step) -> None:
    if step.act == "X":
        del ds[step.tag]
        return
    value = Sequence(step.value) if step.vr == "SQ" else step.value
    ds[step.tag] = DataElement(step.tag, step.vr, value)


def _drop(items: dict[Path, Dataset], path: Path) -> None:
    tag, number = path[-1]
    parent = _item(items, path[:-1])
    del parent[tag].value[number]
    if not parent[tag].value:
        del parent[tag]


def _ascii_or_utf8(ds: Dataset) -> None:
    """Say UTF-8 (PS3.3 C.12.1.1.2) where a character outside ASCII is left, nothing otherwise."""
    texts = (
        str(element.value)
        for element in ds.iterall()
        if element.VR in {"PN", "LO", "SH", "LT", "ST", "UT", "UC"}
    )
    if any(not text.isascii() for text in texts):
        ds.SpecificCharacterSet = "ISO_IR 192"
