"""What a dataset is made of, counted: in comes a dataset with its protocol, out come the parts that charts draw.

For readers who may not download, small numbers and what would give them away are left out (`disclosure`); a sum too
small to have parts at all is drawn with none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count
from django.utils.translation import gettext as _

from midas.catalogue import look
from midas.catalogue.look import AGE_BAND_YEARS
from midas.catalogue.models import Dataset, Label
from midas.people.models import Institution
from midas.protocol.model import Protocol, Target
from midas.ui.charts import Part
from midas.web.pages.disclosure import ROOM, Hidden, at_least, publish, tell
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
    whole: bool


@dataclass(frozen=True)
class TargetLine:
    id: str
    title: str
    level: str
    type: str
    source: str
    labels: str


def composition(dataset: Dataset, protocol: Protocol, *, whole: bool) -> Composition:
    """Give the catalogue's counts their names; subjects who withdrew are not counted. `whole` tells small numbers."""
    counted = look.composition(dataset.slug)
    sexes = {"F": _("female"), "M": _("male"), "O": _("other"), "U": _("not said")}
    items = {item.id: said(item.title) for item in protocol.items}
    spokes = dict(Institution.objects.values_list("slug", "name"))
    kinds = _parts(counted.items, items, whole=whole)
    terms = _parts(counted.modalities, {name: modality(name) for name in counted.modalities}, whole=whole)
    if not whole and (
        _untold(kinds) or _untold(terms) or not kinds
    ):  # a kind of image is mostly one modality: one chart would give the other away
        terms = ()
    return Composition(
        sexes=_parts(counted.sexes, sexes, whole=whole),
        ages=_ages(counted.age_bands, whole=whole),
        items=kinds,
        modalities=terms,
        sites=_parts(counted.sites, whole=whole),
        spokes=_parts(counted.spokes, spokes, whole=whole),
        targets=tuple(
            TargetCounts(said(target.title), _parts(counted.targets[target.id], whole=whole))
            for target in protocol.targets
            if target.type == "category" and target.id in counted.targets
        ),
        whole=whole,
    )


def modality(term: str) -> str:
    """Put a defined term of Modality (PS3.3 C.7.3.1.1.1) into words; one that is not listed stays as it is."""
    words = {
        "CT": _("CT"), "MR": _("MR"), "XC": _("Photograph"), "GM": _("Microscopy photograph"),
        "SM": _("Slide microscopy"), "DX": _("Digital X-ray"), "PX": _("Panoramic X-ray"), "SEG": _("Segmentation"),
        "SR": _("Structured report"), "US": _("Ultrasound"), "RTSTRUCT": _("Radiotherapy structures"),
    }  # fmt: skip
    return words.get(term, term)


def target_lines(dataset: Dataset, protocol: Protocol, *, whole: bool) -> list[TargetLine]:
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
            tell(number if whole else at_least(number)),
        )
        for target in protocol.targets
        for number in (counted.get(target.id, 0),)
    ]  # fmt: skip


def _parts(
    counts: Mapping[str, int], names: Mapping[str, str] | None = None, *, whole: bool
) -> tuple[Part, ...]:
    """Name and sort by number; what does not fit on the chart is summed up as one last part."""
    found = [
        Part((names or {}).get(key) or key.replace("-", " ") or _("not said"), number)
        for key, number in counts.items()
    ]
    found.sort(key=lambda part: (-part.number, part.label))
    if len(found) > MOST_BARS:
        rest = Part(_("others"), sum(part.number for part in found[MOST_BARS - 1 :]))
        found = [*found[: MOST_BARS - 1], rest]
    if whole:
        return tuple(found)
    # what is not told stands last and by name: its place must not tell its size
    return tuple(
        sorted(_published(found), key=lambda part: (part.value is None, part.label if part.told else ""))
    )


def _ages(bands: Mapping[str, int], *, whole: bool) -> tuple[Part, ...]:
    """Return the bands from the first to the last, with those between that nobody is in."""
    if not bands:
        return ()
    first, last = (int(band.partition("–")[0].rstrip("+")) for band in (min(bands), max(bands)))
    names = [
        "90+" if start == 90 else f"{start}–{start + AGE_BAND_YEARS - 1}"
        for start in range(first, last + 1, AGE_BAND_YEARS)
    ]
    parts = [Part(name, bands.get(name, 0)) for name in names]
    shown = parts if whole else _published(parts)
    return tuple(shown) if any(part.value for part in shown) else ()


def _published(parts: Sequence[Part]) -> list[Part]:
    told = publish([part.number for part in parts])
    used = [part for part in parts if part.value]
    if any(isinstance(one, Hidden) for one in told) and sum(part.number for part in used) < len(used) + ROOM:
        return []
    return [
        replace(part, value=None, told=tell(one)) if isinstance(one, Hidden) else part
        for part, one in zip(parts, told, strict=True)
    ]


def _untold(parts: Sequence[Part]) -> bool:
    return any(part.value is None for part in parts)


def _source(target: Target) -> str:
    if target.source.labels == "imported":
        return _("imported with the images")
    if target.source.labels == "reading":
        return _("read by specialists")
    return f"{target.source.table}.{target.source.column}"
