"""What a dataset is made of, counted: in comes a dataset with its protocol, out come the parts that charts draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _

from midas.catalogue import look
from midas.catalogue.models import Dataset, Label
from midas.people.models import Institution
from midas.protocol.model import Protocol, Target
from midas.ui.charts import Part
from midas.web.pages.protocols import said

MOST_BARS = 10


@dataclass(frozen=True)
class TargetCounts:
    title: str
    parts: tuple[Part, ...]


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
    """Give the catalogue's counts their names; subjects who withdrew are not counted."""
    counted = look.composition(dataset.slug)
    sexes = {"F": _("female"), "M": _("male"), "O": _("other"), "U": _("not said")}
    items = {item.id: said(item.title) for item in protocol.items}
    spokes = dict(Institution.objects.values_list("slug", "name"))
    return Composition(
        sexes=_parts(counted.sexes, sexes),
        ages=tuple(Part(band, number) for band, number in counted.age_bands.items()),
        items=_parts(counted.items, items),
        modalities=_parts(counted.modalities, {name: modality(name) for name in counted.modalities}),
        sites=_parts(counted.sites),
        spokes=_parts(counted.spokes, spokes),
        targets=tuple(
            TargetCounts(said(target.title), _parts(counted.targets[target.id]))
            for target in protocol.targets
            if target.type == "category" and target.id in counted.targets
        ),
    )


def modality(term: str) -> str:
    """Put a defined term of Modality (PS3.3 C.7.3.1.1.1) into words; one that is not listed stays as it is."""
    words = {
        "CT": _("CT"), "MR": _("MR"), "XC": _("Photograph"), "GM": _("Microscopy photograph"),
        "SM": _("Slide microscopy"), "DX": _("Digital X-ray"), "PX": _("Panoramic X-ray"), "SEG": _("Segmentation"),
        "SR": _("Structured report"), "US": _("Ultrasound"), "RTSTRUCT": _("Radiotherapy structures"),
    }  # fmt: skip
    return words.get(term, term)


def target_lines(dataset: Dataset, protocol: Protocol) -> list[TargetLine]:
    labels = Label.objects.filter(subject__dataset=dataset, subject__withdrawn_at=None)
    counted = dict(labels.values_list("target").annotate(number=Count("pk")).order_by())
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


def _parts(counts: Mapping[str, int], names: Mapping[str, str] | None = None) -> tuple[Part, ...]:
    """Name and sort by number; what does not fit on the chart is summed up as one last part."""
    found = [
        Part((names or {}).get(key) or key.replace("-", " ") or _("not said"), number)
        for key, number in counts.items()
    ]
    found.sort(key=lambda part: (-part.value, part.label))
    if len(found) > MOST_BARS:
        rest = Part(_("others"), sum(part.value for part in found[MOST_BARS - 1 :]))
        found = [*found[: MOST_BARS - 1], rest]
    return tuple(found)


def _source(target: Target) -> str:
    if target.source.labels == "imported":
        return _("imported with the images")
    if target.source.labels == "reading":
        return _("read by specialists")
    return f"{target.source.table}.{target.source.column}"
