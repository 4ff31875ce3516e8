"""The studies of a release, a twin or the curator's desk as cards: a picture made at intake, and one click to the viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from midas.catalogue.models import Dataset, DicomIndex, Scope, ScopeModality, ScopeStudy
from midas.people.rule import Act, download_of
from midas.release.models import Release
from midas.web.dicomweb.places import KINDS
from midas.web.guard import needs
from midas.web.pages.frame import page
from midas.web.pages.viewer import DERIVED, LOOKING, looking, viewer_url
from midas.web.standing import may

ON_PAGE = 100
ON_STRIP = 6
WITHOUT_PICTURE = DERIVED | {"ECG"}


@dataclass(frozen=True)
class StudyCard:
    """A study in one card; `picture` is empty where nothing in it is an image."""

    subject: str
    day: date | None
    modalities: tuple[str, ...]
    series: int
    images: int
    address: str
    picture: str


@dataclass(frozen=True)
class Strip:
    """The first studies of a root, and where the others are."""

    kind: str
    name: str
    total: int
    cards: tuple[StudyCard, ...]


def _found(kind: str, name: str) -> Any:
    return ScopeStudy.objects.filter(scope__kind=KINDS[kind], scope__name=name).order_by("pk")


def _cards(kind: str, name: str, found: Iterable[ScopeStudy], *, chosen: str = "") -> tuple[StudyCard, ...]:
    """Return cards; each opens the viewer for the `chosen` modality or, without one, for all of its study's."""
    rows = list(found)
    modalities: dict[Any, list[str]] = {}
    for study, modality in ScopeModality.objects.filter(study__in=rows).values_list("study", "modality"):
        modalities.setdefault(study, []).append(modality)
    return tuple(_card(kind, name, row, tuple(sorted(modalities.get(row.pk, []))), chosen) for row in rows)


def _card(kind: str, name: str, row: ScopeStudy, modalities: tuple[str, ...], chosen: str) -> StudyCard:
    seen = not WITHOUT_PICTURE.issuperset(modalities)
    return StudyCard(
        subject=row.subject or row.patient_id,
        day=date.fromisoformat(row.study_date) if len(row.study_date) == 8 else None,
        modalities=modalities,
        series=row.series,
        images=row.instances,
        address=viewer_url(kind, name, row.uid, (chosen,) if chosen else modalities),
        picture=f"/dicomweb/{kind}/{name}/studies/{row.uid}/thumbnail" if seen else "",
    )


def strip(kind: str, name: str) -> Strip:
    """Return the first studies of a root. The caller made sure that the reader may look."""
    found = _found(kind, name)
    return Strip(kind, name, found.count(), _cards(kind, name, found[:ON_STRIP]))


def root_for(account: Any, dataset: Dataset) -> tuple[str, str] | None:
    """Return the root that shows most of a dataset to this account: newest release, all that is registered, newest twin."""
    newest = Release.objects.filter(dataset=dataset).order_by("-cut_at")
    for access, version in newest.filter(twin=False).values_list("access", "version"):
        if may(account, download_of(access), dataset.slug, version):
            return "releases", f"{dataset.slug}@{version}"
    if may(account, Act.READ_DATASET, dataset.slug):
        return "drafts", dataset.slug
    twin = newest.filter(twin=True).values_list("version", flat=True).first()
    return ("twins", f"{dataset.slug}@{twin}") if twin else None


def addresses(kind: str, name: str, modalities: Mapping[str, str]) -> dict[str, str]:
    """Return where each image (its file's SHA-256, and modality) is looked at; those of other roots are left out."""
    indexed = dict(DicomIndex.objects.filter(pk__in=list(modalities)).values_list("pk", "study_uid"))
    here = set(_found(kind, name).filter(uid__in=set(indexed.values())).values_list("uid", flat=True))
    return {
        sha256: viewer_url(kind, name, uid, {modalities[sha256]})
        for sha256, uid in indexed.items() if uid in here
    }  # fmt: skip


@needs(*LOOKING, choose=looking)
def listing(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """List the studies of a root, by modality and by a part of the pseudonym."""
    found = _found(kind, name)
    scope = Scope.objects.filter(kind=KINDS[kind], name=name).first()
    counts = ScopeModality.objects.filter(scope=scope).values_list("modality").annotate(n=Count("pk"))
    modality, query = request.GET.get("modality", ""), request.GET.get("q", "").strip()[:64]
    shown = found.filter(subject__icontains=query) if query else found
    if modality:
        shown = shown.filter(
            pk__in=ScopeModality.objects.filter(scope=scope, modality=modality).values("study")
        )
    numbered: Any = Paginator(shown, ON_PAGE).get_page(request.GET.get("page"))
    numbered.object_list = _cards(kind, name, numbered.object_list, chosen=modality)
    context = {
        "kind": kind, "name": name, "dataset": name.partition("@")[0], "version": name.partition("@")[2],
        "studies": numbered, "query": query, "total": found.count(), "modality": modality,
        "modalities": sorted(counts.order_by("modality")),
    }  # fmt: skip
    return page(request, "studies", context, section="curation" if kind == "drafts" else "catalogue")
