"""What readers said, as rows of a release: labels that were settled, every reading behind them, and what was drawn.

A draft names the settled items that it draws on; those of subjects who are not in the release are left out with them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from midas.annotate import agreeing, derived_of, labels_of
from midas.annotate.labels import ReadLine, SettledLine
from midas.annotate.models import Derived, Reading, TaskItem
from midas.protocol.model import Protocol
from midas.release.content import Content
from midas.release.models import Draft
from midas.release.tables import label_value

Row = dict[str, Any]
MADE_HERE = "made at the hub from de-identified images"
"""In place of a de-identification profile: what a reader drew was never identified."""


@dataclass(frozen=True)
class Read:
    """Rows of `labels`, `readings` and, for what was drawn, `manifest`."""

    labels: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)
    objects: list[Row] = field(default_factory=list)


def read_by(draft: Draft, subjects: Collection[str], protocol: Protocol) -> Read:
    """Collect the draft's settled items of these subjects, in an order that does not depend on when they were read."""
    lines = [one for one in labels_of(draft.readings) if one.item.subject.pseudonym in subjects]
    lines.sort(key=lambda one: (one.item.subject.pseudonym, one.source, one.item.number))
    items = {one.id: one.items[0] for one in protocol.targets}
    found = Read()
    for line in lines:
        found.labels.append(_label(line))
        for one in line.readings:
            found.readings.append(_reading(line, one))
            if one.reading.sha256:
                place = {**_place(line.item), "item": items.get(line.target, line.target)}
                found.objects.append(_object(one.reading, place))
    found.objects.extend(
        _object(one, _beside(one)) for one in derived_of(draft.derived) if one.subject.pseudonym in subjects
    )
    return found


def _place(item: TaskItem) -> Row:
    names = {name: getattr(item, name) for name in ("visit", "lesion", "specimen")}
    return {"subject": item.subject.pseudonym} | {
        name: None if row is None else row.name for name, row in names.items()
    }


def _label(line: SettledLine) -> Row:
    stands = next(one.reading for one in line.readings if one.stands)
    return {
        "level": line.level, "uid": line.item.uid or None, **_place(line.item), "target": line.target,
        **label_value(line.value), "source": line.source, "readers": sorted(line.readers),
        "segmentation_path": _path(line.item, stands), "agreement": line.agreement,
    }  # fmt: skip


def _reading(line: SettledLine, one: ReadLine) -> Row:
    return {
        "task": line.item.task.name, "item": line.item.number, "level": line.level, "uid": line.item.uid or None,
        **_place(line.item), "target": line.target, "reader": one.reader, "role": one.role, "revision": one.revision,
        **label_value(one.reading.value), "object_uid": one.reading.sop_instance_uid or None,
        "object_path": _path(line.item, one.reading), "stands": one.stands, "settled_by": str(line.how),
    }  # fmt: skip


def _path(item: TaskItem, reading: Reading) -> str | None:
    if not reading.sha256:
        return None
    where = (item.subject.pseudonym, reading.study_uid, reading.series_uid, reading.sop_instance_uid)
    return f"data/{'/'.join(where)}.dcm"


def _beside(one: Derived) -> Row:
    """Return the place of what a curator drew: that of the image that it was drawn on."""
    series = one.source.series
    names = {name: getattr(series, name) for name in ("visit", "lesion", "specimen")}
    return {"subject": one.subject.pseudonym, "item": series.item} | {
        name: None if row is None else row.name for name, row in names.items()
    }


def _object(one: Reading | Derived, place: Row) -> Row:
    where = (place["subject"], one.study_uid, one.series_uid, one.sop_instance_uid)
    names = (
        "sha256", "size", "modality", "study_uid", "series_uid", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid",
    )  # fmt: skip
    return {
        "path": f"data/{'/'.join(where)}.dcm", **place, "kind": "label", "deid": MADE_HERE,
        **{name: getattr(one, name) for name in names},
    }  # fmt: skip


# -- what the datasheet says -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TaskRead:
    """One reading task of a release, counted from its tables."""

    task: str
    items: int
    readings: int
    agreed: int
    agreement: str


def tasks_read(content: Content) -> list[TaskRead]:
    """Count each task's items and readings, and say how far its readers agreed."""
    if "readings" not in content.tables:
        return []
    rows: dict[str, dict[int, list[Row]]] = {}
    for row in content.tables["readings"].to_pylist():
        rows.setdefault(row["task"], {}).setdefault(row["item"], []).append(row)
    return [_told(task, items, content) for task, items in sorted(rows.items())]


def _told(task: str, items: dict[int, list[Row]], content: Content) -> TaskRead:
    return TaskRead(
        task=task, items=len(items), readings=sum(map(len, items.values())),
        agreed=sum(rows[0]["settled_by"] == "agreement" for rows in items.values()),
        agreement=_in_words(_coefficient(task, list(items.values()), content)),
    )  # fmt: skip


def _coefficient(task: str, items: list[list[Row]], content: Content) -> agreeing.Coefficient:
    """Return κ of a category over all pairs of readers, else the mean of what stands with each label."""
    target = next((one for one in content.about.protocol.targets if one.id == items[0][0]["target"]), None)
    if target is not None and target.type == "category":
        read = [sorted((row for row in rows if row["role"] == "reader"), key=_reader) for rows in items]
        pairs = [(a["value"], b["value"]) for rows in read for a, b in combinations(rows, 2)]
        return agreeing.kappa(pairs, target.values)
    labels = content.tables["labels"].to_pylist()
    found = [row["agreement"] for row in labels if row["source"] == f"reading:{task}"]
    drawn = target is not None and target.type != "number"
    return agreeing.mean_over_items(
        "Dice" if drawn else "the same", [one for one in found if one is not None]
    )


def _reader(row: Row) -> str:
    return str(row["reader"])


def _in_words(found: agreeing.Coefficient) -> str:
    if found.value is None:
        return "not defined"
    if found.low is None or found.high is None:
        return f"{found.name} {found.value:.2f}"
    return f"{found.name} {found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
