"""Read-only questions of the pages to catalogue and releases; frozen values come out, no row and no identifier of a person.

Numbers are those of the releases' public tables; what grows with the dataset is never loaded as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from midas.catalogue.models import Dataset, Instance
from midas.people.models import Institution
from midas.release.models import Release
from midas.release.searching import Entry, cells, entries
from midas.web.pages import twins
from midas.web.pages.composition import sees_all
from midas.web.pages.protocols import said

PICTURES_ON_CARD = 8


@dataclass(frozen=True)
class DatasetCard:
    """What a card shows. `hidden`: this reader may not see the pictures; `synthetic`: those shown are the twin's."""

    slug: str
    title: str
    summary: str
    access: str
    version: str
    subjects: int
    instances: int
    spokes: int
    pictures: tuple[str, ...]
    hidden: bool
    synthetic: bool


@dataclass(frozen=True)
class Sample:
    """One picture: its address, and the words under it."""

    address: str
    title: str
    modality: str
    detail: str
    sha256: str = ""


@dataclass(frozen=True)
class ReleaseLine:
    version: str
    cut_at: datetime
    subjects: str
    bytes: int
    has_twin: bool


def _instances(dataset: Dataset) -> Any:
    """Return the instances of everyone who did not withdraw."""
    return Instance.objects.filter(
        series__study__subject__dataset=dataset, series__study__subject__withdrawn_at=None
    )


def pictures(dataset: Dataset, titles: Mapping[str, str], number: int) -> list[Sample]:
    """Take previews spread over kinds of image and persons, so that a strip shows the dataset and not one person.

    Of a series the middle picture stands for all; a second series of the same person comes after everyone's first.
    """
    with_picture = _instances(dataset).exclude(preview="").exclude(series__kind="label")
    rows = with_picture.values_list("series__item", "series__study__subject", "series")
    series = rows.annotate(first=Min("pk")).order_by("first")[: 40 * number]
    chosen = _spread(list(series), number)
    shown_of = middle(with_picture.filter(series__in=chosen))
    return [_sample(shown_of[pk], titles) for pk in chosen]


def _spread(rows: list[tuple[str, int, int, int]], number: int) -> list[int]:
    """Choose series: items take turns; within an item, a person's n-th series comes in round n."""
    seen: Counter[tuple[str, int]] = Counter()
    by_item: dict[str, list[tuple[int, int]]] = {}
    for item, subject, series, _first in rows:
        by_item.setdefault(item, []).append((seen[item, subject], series))
        seen[item, subject] += 1
    for turn in by_item.values():
        turn.sort(key=lambda pair: pair[0])
    chosen: list[int] = []
    while len(chosen) < number and any(by_item.values()):
        chosen += [turn.pop(0)[1] for turn in by_item.values() if turn][: number - len(chosen)]
    return chosen


def middle(found: Any) -> dict[int, Instance]:
    """Return for each series the instance in its middle."""
    ranked = found.annotate(
        at=Window(RowNumber(), partition_by="series", order_by=("path", "pk")),
        of=Window(Count("pk"), partition_by="series"),
    )
    return {one.series_id: one for one in ranked.filter(at=F("of") / 2 + 1).select_related("series")}


def _sample(instance: Instance, titles: Mapping[str, str]) -> Sample:
    return Sample(
        reverse("hub:picture", args=[instance.preview]),
        titles.get(instance.series.item, instance.series.item),
        instance.series.modality,
        instance.view.replace("-", " ")
        or twins.frame(instance.facts.get("Columns"), instance.facts.get("Rows")),
        instance.sha256,
    )


def synthetic(dataset: Dataset, titles: Mapping[str, str], number: int) -> list[Sample]:
    """Take pictures of the newest twin: what may be shown of a dataset to those who may not see its own."""
    twin = Release.objects.filter(dataset=dataset, twin=True).order_by("-cut_at").first()
    return [
        Sample(
            reverse("hub:twin-picture", args=[dataset.slug, one.version, one.sha256]),
            titles.get(one.item, one.item), one.modality, one.detail, one.sha256,
        )
        for one in (twins.pictures(twin, number) if twin else ())
    ]  # fmt: skip


def shown(dataset: Dataset, titles: Mapping[str, str], number: int, *, allowed: bool) -> list[Sample]:
    """Return pictures, under the words that `titles` has for items."""
    return (pictures if allowed else synthetic)(dataset, titles, number)


def card(entry: Entry, account: Any, *, number: int = PICTURES_ON_CARD) -> DatasetCard:
    """Return a dataset's card; its numbers are those that everyone is told."""
    dataset = Dataset.objects.get(slug=entry.slug)
    access = min(entry.facets["access"])
    allowed = sees_all(account, access, entry.slug)
    samples = shown(dataset, {}, number, allowed=allowed)
    told = entry.told
    return DatasetCard(
        slug=entry.slug, title=said(entry.title), summary=said(entry.summary), access=access, version=entry.version,
        subjects=told["people"], instances=told["images"], spokes=len(cells(told, "hospital")),
        pictures=tuple(one.address for one in samples), hidden=not allowed, synthetic=bool(samples) and not allowed,
    )  # fmt: skip


def figures() -> dict[str, int]:
    """Sum up what is told of all datasets."""
    told = [entry.told for entry in entries().entries]
    return {
        "datasets": len(told),
        "subjects": sum(one["people"] for one in told),
        "instances": sum(one["images"] for one in told),
        "spokes": Institution.objects.exclude(spoke_key="").count(),
        "releases": Release.objects.filter(twin=False).count(),
    }
