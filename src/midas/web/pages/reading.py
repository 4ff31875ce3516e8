"""Read-only questions of the pages to catalogue and releases; frozen values come out, no row and no identifier of a person.

Every number is counted by the database; what grows with the dataset is never loaded as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.urls import reverse

from midas.catalogue.models import Dataset, Instance, ProtocolVersion, Subject
from midas.protocol.model import Protocol
from midas.release.models import Release
from midas.web.pages import twins
from midas.web.pages.disclosure import open_to
from midas.web.pages.protocols import in_force, protocol_of, said

PICTURES_ON_CARD = 8


@dataclass(frozen=True)
class DatasetCard:
    """What a card shows. `hidden`: this reader may not see the pictures; `synthetic`: those shown are the twin's."""

    slug: str
    title: str
    summary: str
    diseases: tuple[str, ...]
    modalities: tuple[str, ...]
    sites: tuple[str, ...]
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
    subjects: int
    bytes: int
    has_twin: bool


@dataclass(frozen=True)
class SpokeLine:
    slug: str
    name: str
    place: str
    subjects: str
    instances: str


def _instances(dataset: Dataset) -> Any:
    """Return the instances of everyone who did not withdraw."""
    return Instance.objects.filter(
        series__study__subject__dataset=dataset, series__study__subject__withdrawn_at=None
    )


def pictures(dataset: Dataset, protocol: Protocol, number: int) -> list[Sample]:
    """Take previews spread over kinds of image and persons, so that a strip shows the dataset and not one person.

    Of a series the middle picture stands for all; a second series of the same person comes after everyone's first.
    """
    with_picture = _instances(dataset).exclude(preview="").exclude(series__kind="label")
    rows = with_picture.values_list("series__item", "series__study__subject", "series")
    series = rows.annotate(first=Min("pk")).order_by("first")[: 40 * number]
    chosen = _spread(list(series), number)
    titles = {item.id: said(item.title) for item in protocol.items}
    return [_sample(_middle(with_picture.filter(series=pk)), titles) for pk in chosen]


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


def _middle(found: Any) -> Instance:
    ordered = found.select_related("series").order_by("path", "pk")
    middle: Instance = ordered[found.count() // 2]
    return middle


def _sample(instance: Instance, titles: Mapping[str, str]) -> Sample:
    return Sample(
        reverse("hub:picture", args=[instance.preview]),
        titles.get(instance.series.item, instance.series.item),
        instance.series.modality,
        instance.view.replace("-", " ")
        or twins.frame(instance.facts.get("Columns"), instance.facts.get("Rows")),
        instance.sha256,
    )


def synthetic(dataset: Dataset, protocol: Protocol, number: int) -> list[Sample]:
    """Take pictures of the newest twin: what may be shown of a dataset to those who may not see its own."""
    twin = Release.objects.filter(dataset=dataset, twin=True).order_by("-cut_at").first()
    titles = {item.id: said(item.title) for item in protocol.items}
    return [
        Sample(
            reverse("hub:twin-picture", args=[dataset.slug, one.version, one.sha256]),
            titles.get(one.item, one.item), one.modality, one.detail, one.sha256,
        )
        for one in (twins.pictures(twin, number) if twin else ())
    ]  # fmt: skip


def shown(dataset: Dataset, protocol: Protocol, number: int, *, allowed: bool) -> list[Sample]:
    return (pictures if allowed else synthetic)(dataset, protocol, number)


def card(
    dataset: Dataset, version: ProtocolVersion, account: Any, *, number: int = PICTURES_ON_CARD
) -> DatasetCard:
    protocol = protocol_of(version)
    access = protocol.access.level
    allowed = open_to(account, access, dataset.slug)
    samples = shown(dataset, protocol, number, allowed=allowed)
    release = Release.objects.filter(dataset=dataset, twin=False).order_by("-cut_at").first()
    instances = _instances(dataset)
    subjects = Subject.objects.filter(dataset=dataset, withdrawn_at=None)
    return DatasetCard(
        slug=dataset.slug, title=said(protocol.title), summary=said(protocol.summary),
        diseases=tuple(code.meaning for code in protocol.disease),
        modalities=tuple(sorted({name for item in protocol.items for name in item.modalities})),
        sites=tuple(site.value for site in protocol.lesions.sites),
        access=access, version=release.version if release else "",
        subjects=subjects.count(), instances=instances.count(),
        spokes=subjects.values("spoke").distinct().count(),
        pictures=tuple(one.address for one in samples),
        hidden=not allowed, synthetic=bool(samples) and not allowed,
    )  # fmt: skip


def cards(account: Any) -> list[DatasetCard]:
    """Return a card for each dataset that has a protocol, by name."""
    found = ((dataset, in_force(dataset)) for dataset in Dataset.objects.order_by("slug"))
    return [card(dataset, version, account) for dataset, version in found if version is not None]


def figures() -> dict[str, int]:
    return {
        "datasets": Dataset.objects.count(),
        "subjects": Subject.objects.filter(withdrawn_at=None).count(),
        "instances": Instance.objects.filter(series__study__subject__withdrawn_at=None).count(),
        "spokes": Subject.objects.filter(withdrawn_at=None).values("spoke").distinct().count(),
        "releases": Release.objects.filter(twin=False).count(),
    }
