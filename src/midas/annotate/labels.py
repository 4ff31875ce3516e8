"""What readings become: labels with who read and how far they agreed, and the readings themselves, for releases.

In come items that are settled; out come frozen lines. A reader stands there by a code, never by a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from midas.annotate.models import Assignment, Derived, ReaderCode, Reading, Settlement, TaskItem
from midas.catalogue.models import Dataset


@dataclass(frozen=True)
class ReadLine:
    """One submitted reading of a settled item. `stands`: it is what the label says."""

    item: int
    reader: str
    role: str
    revision: int
    stands: bool
    reading: Reading


@dataclass(frozen=True)
class SettledLine:
    """One settled item: its place, its label, and all readings of it, the label's own included."""

    item: TaskItem
    source: str
    target: str
    level: str
    value: Any
    agreement: float | None
    how: str
    segmentation_uid: str
    readings: tuple[ReadLine, ...]

    @property
    def readers(self) -> tuple[str, ...]:
        """Return the codes of all who read it, an adjudicator last."""
        return tuple(one.reader for one in self.readings)


def settled(dataset: Dataset) -> list[int]:
    """Return the settled items of a dataset, by number: what a draft freezes."""
    found = Settlement.objects.filter(item__task__dataset=dataset, item__subject__withdrawn_at=None)
    return sorted(found.values_list("item_id", flat=True))


def derived_in(dataset: Dataset) -> list[int]:
    """Return the objects that curators drew in a dataset, by number: what a draft freezes."""
    found = Derived.objects.filter(subject__dataset=dataset, subject__withdrawn_at=None)
    return sorted(found.values_list("pk", flat=True))


def derived_of(numbers: Iterable[int]) -> Iterator[Derived]:
    """Yield these objects in the order of subject and UID; what has withdrawn is not there."""
    rows = Derived.objects.filter(pk__in=list(numbers)).select_related(
        "subject", "source__series__visit", "source__series__lesion", "source__series__specimen"
    )
    yield from rows.order_by("subject__pseudonym", "sop_instance_uid")


def labels_of(items: Iterable[int]) -> Iterator[SettledLine]:
    """Yield the labels of these settled items in the order of subject, task and item; what has withdrawn is not there."""
    wanted = sorted(set(items))
    codes = dict(ReaderCode.objects.values_list("account_id", "code"))
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        said: dict[int, dict[int, Reading]] = {}
        for one in Reading.objects.filter(
            assignment__item__in=chunk, assignment__submitted_at__isnull=False
        ).select_related("assignment").order_by("assignment__submitted_at", "assignment_id", "revision"):  # fmt: skip
            said.setdefault(one.assignment.item_id, {})[one.assignment_id] = one
        found = Settlement.objects.filter(item__in=chunk).select_related(
            "item__task", "item__subject", "item__visit", "item__lesion", "item__specimen", "reading"
        )
        for row in found.order_by("item_id"):
            yield _line(row, list(said.get(row.item_id, {}).values()), codes)


def _line(row: Settlement, readings: list[Reading], codes: dict[int, str]) -> SettledLine:
    task = row.item.task
    readings.sort(key=lambda one: one.assignment.role == Assignment.Role.ADJUDICATOR)
    return SettledLine(
        item=row.item, source=task.source, target=task.target, level=task.level, value=_value(row.reading, task.values),
        agreement=row.agreement, how=row.how, segmentation_uid=row.reading.sop_instance_uid,
        readings=tuple(
            ReadLine(
                row.item_id, codes[one.assignment.reader_id], one.assignment.role, one.revision,
                one.pk == row.reading_id, one,
            )
            for one in readings
        ),
    )  # fmt: skip


def _value(reading: Reading, values: list[str]) -> Any:
    """Return the label's value; an outline of the only structure that a question asks for is named after it."""
    if reading.value is not None:
        return reading.value
    return values[0] if len(values) == 1 else None
