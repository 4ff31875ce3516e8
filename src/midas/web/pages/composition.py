"""What a dataset is made of, for one reader: exact counts with access, else what anyone is told; out come charts.

Every chart counts persons of one version, and says so: which version, of how many, as collected and not prevalence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from midas.catalogue.models import Dataset
from midas.people.models import Institution
from midas.people.rule import Act
from midas.protocol.model import Protocol, Target
from midas.release.counting import TARGET, of_catalogue
from midas.release.disclosure import LEAST, NOT_SAID, OF
from midas.release.models import Figures, Release
from midas.release.publication import NOTHING
from midas.ui import india
from midas.ui.charts import Part
from midas.ui.words import count
from midas.web.pages.protocols import said
from midas.web.standing import may

MOST_BARS = 10
ORDER = ("age", "sex", "age_sex", "state", "hospital", "site", "modality", "device")


@dataclass(frozen=True)
class Seen:
    """Figures as one reader sees them: `whole` are exact; `version` is what they are of, "" for what is not released."""

    whole: bool
    version: str
    figures: Mapping[str, Any]

    def cells(self, dimension: str) -> dict[str, int]:
        found: dict[str, int] = self.figures["tables"].get(dimension, {}).get("cells", {})
        return found


@dataclass(frozen=True)
class Chart:
    """One table to be drawn, `kind` being `bars`, `columns`, `share` or `map`. `parts` are in the order of reading."""

    dimension: str
    title: str
    kind: str
    parts: tuple[Part, ...]
    note: str
    version: str
    numbers: Mapping[str, int]
    total: int

    @property
    def tiles(self) -> list[india.Tile]:
        return india.tiles(self.numbers, (get_language() or "en")[:2])


@dataclass(frozen=True)
class TargetLine:
    id: str
    title: str
    level: str
    type: str
    source: str
    people: str


def sees_all(account: Any, access: str, dataset: str, version: str | None = None) -> bool:
    """Say whether pictures and exact counts are for this reader: of open data for all, else with a grant, and for who
    makes the releases."""
    return (
        access == "open" or may(account, Act.DOWNLOAD, dataset, version) or may(account, Act.DRAFT, dataset)
    )


def seen(dataset: Dataset, protocol: Protocol, figures: Figures | None, account: Any) -> Seen:
    """Return a dataset's figures for this reader; what is not released yet is for its curators alone."""
    if figures is None:
        if may(account, Act.DRAFT, dataset.slug):
            return Seen(True, "", exact(of_catalogue(dataset, protocol).exact(), ""))
        return Seen(False, "", NOTHING)
    return of_release(figures.release, figures, whole=sees_all(
        account, figures.release.access, dataset.slug, figures.release.version
    ))  # fmt: skip


def of_release(release: Release, figures: Figures | None, *, whole: bool) -> Seen:
    if figures is None:
        return Seen(False, release.version, NOTHING)
    shown = exact(figures.exact, release.version) if whole else figures.told
    return Seen(whole, release.version, shown)


def exact(exact: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Give exact counts the shape of told ones."""
    people = exact["people"]
    tables = {
        name: {"as_of": version, "total": people, "cells": cells} for name, cells in exact["tables"].items()
    }
    return {**exact, "as_of": version, "tables": tables}


def titles(protocol: Protocol) -> dict[str, str]:
    """Name every dimension in the reader's language, in the order of the page."""
    names = {
        "age": _("Age at first visit"), "sex": _("Sex"), "age_sex": _("Age and sex"), "state": _("State of the hospital"),
        "hospital": _("Hospital"), "site": _("Site of the lesion"), "modality": _("Modality"), "device": _("Device"),
    }  # fmt: skip
    return names | {TARGET + one.id: said(one.title) for one in protocol.targets if one.type == "category"}


def charts(shown: Seen, protocol: Protocol) -> list[Chart]:
    """Return a chart for each table that this reader may see."""
    kinds = {"age": "columns", "sex": "share", "state": "map"}
    return [
        chart for name, title in titles(protocol).items()
        if (chart := _chart(shown, name, title, kinds.get(name, "bars"))) is not None
    ]  # fmt: skip


def chart(shown: Seen, protocol: Protocol, dimension: str) -> Chart | None:
    """Return one whole table, nothing summed up; `None` where this reader may not see it or it is not there."""
    title = titles(protocol).get(dimension)
    return _chart(shown, dimension, title, "bars", most=10_000) if title else None


def _chart(shown: Seen, name: str, title: str, kind: str, *, most: int = MOST_BARS) -> Chart | None:
    table = shown.figures["tables"].get(name)
    if table is None or not any(table["cells"].values()):
        return None
    cells = {key: number for key, number in table["cells"].items() if number or name == "age"}
    few = "0" if shown.whole else f"<{LEAST}"
    if name == "age" and not cells.get(NOT_SAID):
        cells.pop(NOT_SAID, None)
    parts = [Part(label(name, key), number or None, "" if number else few) for key, number in cells.items()]
    if name not in ("age", "age_sex", "sex"):
        parts.sort(key=lambda part: (-part.number, part.label))
    if len(parts) > most and name != "age_sex":
        several = name not in ("state", "hospital")  # one person may be in several rows, which do not add up
        rest = [] if several else [Part(_("others"), sum(part.number for part in parts[most - 1 :]))]
        parts = [*parts[: most - len(rest)], *rest]
    return Chart(
        name,
        title,
        kind,
        tuple(parts),
        _note(table, whole=shown.whole),
        table["as_of"],
        cells,
        table["total"],
    )


def _note(table: Mapping[str, Any], *, whole: bool) -> str:
    """Say what the numbers are: of whom, of which version, and that they are no prevalence."""
    of = _("of %(people)s people in %(version)s") % {
        "people": count(table["total"]), "version": table["as_of"] or _("what is registered"),
    }  # fmt: skip
    rounded = "" if whole else " " + _("Rounded to 5; groups under 5 are not shown.")
    return f"{_('As collected, not prevalence')}: {of}.{rounded}"


def label(dimension: str, key: str) -> str:
    """Put a category into the reader's words."""
    if dimension == "age_sex":
        sex, _of, band = key.partition(OF)
        return f"{label('sex', sex)}, {label('age', band)}"
    if dimension == "hospital":
        slug = key.partition(OF)[2]
        return Institution.objects.filter(slug=slug).values_list("name", flat=True).first() or slug
    if key == NOT_SAID:
        return _("not said")
    if dimension == "sex":
        return {"F": _("female"), "M": _("male"), "O": _("other"), "U": _("not said")}.get(key, key)
    if dimension == "state":
        return india.name_of(key, (get_language() or "en")[:2])
    if dimension == "modality":
        return modality(key)
    return key.replace("-", " ") if dimension.startswith(TARGET) else key


def modality(term: str) -> str:
    """Put a defined term of Modality (PS3.3 C.7.3.1.1.1) into words; one that is not listed stays as it is."""
    words = {
        "CT": _("CT"), "MR": _("MR"), "XC": _("Photograph"), "GM": _("Microscopy photograph"),
        "SM": _("Slide microscopy"), "DX": _("Digital X-ray"), "PX": _("Panoramic X-ray"), "SEG": _("Segmentation"),
        "SR": _("Structured report"), "US": _("Ultrasound"), "RTSTRUCT": _("Radiotherapy structures"),
    }  # fmt: skip
    return words.get(term, term)


def target_lines(shown: Seen, protocol: Protocol) -> list[TargetLine]:
    """List the targets with how many people have a value; a dash where that is not told."""
    levels = {
        "subject": _("person"), "visit": _("visit"), "lesion": _("lesion"), "specimen": _("specimen"),
        "series": _("series"), "instance": _("image"),
    }  # fmt: skip
    types = {
        "category": _("category"), "number": _("number"), "segmentation": _("segmentation"), "regions": _("regions"),
    }  # fmt: skip
    lines = []
    for target in protocol.targets:
        table = shown.figures["tables"].get(TARGET + target.id)
        people = count(table["total"] - table["cells"].get(NOT_SAID, 0)) if table else "–"
        lines.append(
            TargetLine(
                target.id,
                said(target.title),
                levels[target.level],
                types[target.type],
                _source(target),
                people,
            )
        )
    return lines


def _source(target: Target) -> str:
    if target.source.labels == "imported":
        return _("imported with the images")
    if target.source.labels == "reading":
        return _("read by specialists")
    return f"{target.source.table}.{target.source.column}"
