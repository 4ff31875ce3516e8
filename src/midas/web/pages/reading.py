"""Read-only questions of the pages to catalogue and releases; frozen values come out, no row and no identifier of a person.

Every number is counted by the database; what grows with the dataset is never loaded as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min

from midas.catalogue.models import Dataset, Instance, ProtocolVersion, Subject
from midas.people.rule import Act, may
from midas.protocol.model import Protocol
from midas.release.models import Release
from midas.web.pages.protocols import in_force, protocol_of, said

PICTURES_ON_CARD = 4


@dataclass(frozen=True)
class DatasetCard:
    """What a card shows. `hidden` says that there are pictures which this reader may not see."""

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


@dataclass(frozen=True)
class Sample:
    preview: str
    title: str
    modality: str
    detail: str


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
    subjects: int
    instances: int


def _instances(dataset: Dataset) -> Any:
    return Instance.objects.filter(series__study__subject__dataset=dataset)


def may_see_pictures(account: Any, access: str, dataset: str) -> bool:
    """Pictures of restricted datasets are for who may read the dataset; of the others, for all."""
    return access != "restricted" or may(account, Act.READ_DATASET, dataset)


def pictures(dataset: Dataset, protocol: Protocol, number: int) -> list[Sample]:
    """Take previews spread over subjects and kinds of image, so that a strip shows the dataset and not one person."""
    first = (
        _instances(dataset).exclude(preview="").exclude(series__kind="label")
        .values("series__item", "series__study__subject").annotate(pk=Min("pk"))
    )  # fmt: skip
    by_item: dict[str, list[int]] = {}
    for row in first.order_by("pk")[: 40 * number]:
        by_item.setdefault(row["series__item"], []).append(row["pk"])
    chosen: list[int] = []
    while len(chosen) < number and any(by_item.values()):
        chosen += [row.pop(0) for row in by_item.values() if row][: number - len(chosen)]
    titles = {item.id: said(item.title) for item in protocol.items}
    found = Instance.objects.filter(pk__in=chosen).select_related("series").in_bulk()
    return [_sample(found[pk], titles) for pk in chosen]


def _sample(instance: Instance, titles: Mapping[str, str]) -> Sample:
    facts = instance.facts
    size = f"{facts['Columns']} × {facts['Rows']}" if facts.get("Columns") and facts.get("Rows") else ""
    detail = instance.view or size
    return Sample(
        instance.preview,
        titles.get(instance.series.item, instance.series.item),
        instance.series.modality,
        detail,
    )


def card(
    dataset: Dataset, version: ProtocolVersion, account: Any, *, number: int = PICTURES_ON_CARD
) -> DatasetCard:
    protocol = protocol_of(version)
    access = protocol.access.level
    allowed = may_see_pictures(account, access, dataset.slug)
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
        pictures=tuple(one.preview for one in pictures(dataset, protocol, number)) if allowed else (),
        hidden=not allowed,
    )  # fmt: skip


def cards(account: Any) -> list[DatasetCard]:
    """Return a card for each dataset that has a protocol, by name."""
    found = ((dataset, in_force(dataset)) for dataset in Dataset.objects.order_by("slug"))
    return [card(dataset, version, account) for dataset, version in found if version is not None]


def figures() -> dict[str, int]:
    return {
        "datasets": Dataset.objects.count(),
        "subjects": Subject.objects.filter(withdrawn_at=None).count(),
        "instances": Instance.objects.count(),
        "spokes": Subject.objects.values("spoke").distinct().count(),
        "releases": Release.objects.filter(twin=False).count(),
    }
