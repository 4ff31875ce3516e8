"""What a dataset is made of, counted: in comes a dataset with its protocol, out come the parts that charts draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min
from django.utils.translation import gettext as _

from midas.catalogue.models import Dataset, Instance, Label, Lesion, Subject, Visit
from midas.people.models import Institution
from midas.protocol.model import Protocol, Target
from midas.ui.charts import Part
from midas.web.pages.protocols import said

AGE_BANDS = (
    (0, 17, "0–17"), (18, 29, "18–29"), (30, 39, "30–39"), (40, 49, "40–49"), (50, 59, "50–59"),
    (60, 69, "60–69"), (70, 79, "70–79"), (80, 200, "80+"),
)  # fmt: skip
MOST_BARS = 10


@dataclass(frozen=True)
class TargetCounts:
    title: str
    parts: tuple[Part, ...]
    note: str


@dataclass(frozen=True)
class Composition:
    sexes: tuple[Part, ...]
    ages: tuple[Part, ...]
    items: tuple[Part, ...]
    modalities: tuple[Part, ...]
    sites: tuple[Part, ...]
    spokes: tuple[Part, ...]
    targets: tuple[TargetCounts, ...]


@dataclass(frozen=True)
class TargetLine:
    id: str
    title: str
    level: str
    type: str
    source: str
    labels: int


def composition(dataset: Dataset, protocol: Protocol) -> Composition:
    """Count subjects, images, lesions and labels that stand today; subjects who withdrew are not counted."""
    subjects = Subject.objects.filter(dataset=dataset, withdrawn_at=None)
    instances = Instance.objects.filter(series__study__subject__in=subjects)
    lesions = Lesion.objects.filter(subject__in=subjects)
    sexes = {"F": _("female"), "M": _("male"), "O": _("other"), "U": _("not said")}
    items = {item.id: said(item.title) for item in protocol.items}
    spokes = dict(Institution.objects.values_list("slug", "name"))
    return Composition(
        sexes=_parts(_by(subjects, "sex"), sexes),
        ages=_ages(subjects),
        items=_parts(_by(instances, "series__item"), items),
        modalities=_parts(_by(instances, "series__modality")),
        sites=_parts(_by(lesions, "site__meaning")),
        spokes=_parts(_by(subjects, "spoke"), spokes),
        targets=tuple(_target(subjects, target) for target in protocol.targets if target.type == "category"),
    )


def target_lines(dataset: Dataset, protocol: Protocol) -> list[TargetLine]:
    counted = dict(_by(Label.objects.filter(subject__dataset=dataset), "target"))
    levels = {
        "subject": _("person"), "visit": _("visit"), "lesion": _("lesion"), "specimen": _("specimen"),
        "series": _("series"), "instance": _("image"),
    }  # fmt: skip
    types = {
        "category": _("category"), "number": _("number"), "segmentation": _("segmentation"), "regions": _("regions"),
    }  # fmt: skip
    return [
        TargetLine(
            target.id, said(target.title), levels[target.level], types[target.type], _source(target),
            counted.get(target.id, 0),
        )
        for target in protocol.targets
    ]  # fmt: skip


def _by(rows: Any, field: str) -> list[tuple[Any, int]]:
    return list(rows.values_list(field).annotate(number=Count("pk")).order_by())


def _parts(rows: Iterable[tuple[Any, int]], names: Mapping[str, str] | None = None) -> tuple[Part, ...]:
    """Sort by number; what does not fit on the chart is summed up as one last part."""
    found = [Part(str((names or {}).get(key, key) or _("not said")), number) for key, number in rows]
    found.sort(key=lambda part: (-part.value, part.label))
    if len(found) > MOST_BARS:
        rest = Part(_("others"), sum(part.value for part in found[MOST_BARS - 1 :]))
        found = [*found[: MOST_BARS - 1], rest]
    return tuple(found)


def _ages(subjects: Any) -> tuple[Part, ...]:
    youngest = Visit.objects.filter(subject__in=subjects).values("subject").annotate(age=Min("age_years"))
    tally = dict.fromkeys((name for _low, _high, name in AGE_BANDS), 0)
    for row in youngest.iterator():
        if row["age"] is not None:
            tally[next(name for low, high, name in AGE_BANDS if low <= row["age"] <= high)] += 1
    used = [number for number, band in enumerate(AGE_BANDS) if tally[band[2]]]
    shown = AGE_BANDS[used[0] : used[-1] + 1] if used else ()
    return tuple(Part(name, tally[name]) for _low, _high, name in shown)


def _target(subjects: Any, target: Target) -> TargetCounts:
    rows = _by(Label.objects.filter(subject__in=subjects, target=target.id), "value")
    return TargetCounts(said(target.title), _parts((str(value), number) for value, number in rows), "")


def _source(target: Target) -> str:
    if target.source.labels == "imported":
        return _("imported with the images")
    if target.source.labels == "reading":
        return _("read by specialists")
    return f"{target.source.table}.{target.source.column}"
