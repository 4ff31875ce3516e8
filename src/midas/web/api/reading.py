"""Reading: datasets, release cards, seals, trees and files. A twin is open to anyone; a release asks the one rule."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from midas.catalogue import look as catalogue
from midas.kernel import NotFound
from midas.manifest.folder import encode_tree
from midas.people.rule import Act, download_of
from midas.release import look as releases
from midas.release.models import Release, ReleaseFile
from midas.release.sealing import entries, seal_of
from midas.web import answers
from midas.web.api.describe import operation, query_of
from midas.web.bootstrap import store
from midas.web.guard import Caller, needs
from midas.web.noting import note_download
from midas.wire.v1 import DatasetCard, DatasetPage, DatasetQuery, ReleaseCard, SealAnswer, TwinQuery


def _release(request: HttpRequest, dataset: str, version: str) -> Release:
    return releases.release(dataset, version, twin=query_of(TwinQuery, request).twin == "1")


def _download(request: HttpRequest, *, dataset: str, version: str, **_: str) -> tuple[Act, str, str]:
    found = _release(request, dataset, version)
    return download_of(found.access, twin=found.twin), dataset, version


def card_of(release: Release, caller: Caller) -> ReleaseCard:
    """Return a release's card for one caller: `may_download` is the rule's answer; exact numbers need it."""
    card, slug = releases.card(release), release.dataset.slug
    may = caller.may(download_of(release.access, twin=release.twin), slug, release.version)
    if not (may or release.access == "open" or caller.may(Act.DRAFT, slug)):
        card = card.model_copy(update=releases.told(release))
    return card.model_copy(update={"may_download": may})


def _dataset_card(dataset: str, caller: Caller) -> DatasetCard:
    found = catalogue.dataset(dataset)
    cut = [*releases.releases(dataset), *releases.releases(dataset, twins=True)]
    return DatasetCard(
        dataset=dataset,
        title=found.title,
        summary=found.summary,
        releases=tuple(card_of(one, caller) for one in cut),
    )


@operation("GET", "Datasets by name, a page at a time", gives=DatasetPage, query=DatasetQuery)
@needs(Act.BROWSE)
def datasets(request: HttpRequest) -> HttpResponse:
    caller = request.caller  # type: ignore[attr-defined]
    asked = query_of(DatasetQuery, request)
    slugs = catalogue.slugs(after=asked.after, limit=asked.limit + 1)
    more = slugs[asked.limit - 1] if len(slugs) > asked.limit else None
    cards = tuple(_dataset_card(slug, caller) for slug in slugs[: asked.limit])
    return answers.wire(DatasetPage(datasets=cards, next=more))


@operation("GET", "One dataset with its releases", gives=DatasetCard)
@needs(Act.BROWSE)
def dataset(request: HttpRequest, dataset: str) -> HttpResponse:
    return answers.wire(_dataset_card(dataset, request.caller))  # type: ignore[attr-defined]


@operation("GET", "The card of a release, or of its twin", gives=ReleaseCard, query=TwinQuery)
@needs(Act.BROWSE)
def release(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    found = _release(request, dataset, version)
    return answers.wire(card_of(found, request.caller))  # type: ignore[attr-defined]


@operation("GET", "The signed seal of a release", gives=SealAnswer, query=TwinQuery)
@needs(Act.GET_TWIN, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_download)
def seal(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    signed, salts, tombstones = seal_of(_release(request, dataset, version))
    return answers.wire(SealAnswer(seal=signed, salts=salts, tombstones=tombstones))


@operation("GET", "Every file of a release, a line each", gives="application/x-ndjson", query=TwinQuery)
@needs(Act.GET_TWIN, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_download)
def tree(request: HttpRequest, dataset: str, version: str) -> HttpResponseBase:
    found = _release(request, dataset, version)
    note_download(request, found)
    return StreamingHttpResponse(answers.guarded(request, _lines(found)), content_type="application/x-ndjson")


def _lines(release: Release) -> Iterator[bytes]:
    """Yield the tree in bundles of lines, so that a million files are not a million steps between threads."""
    bundle: list[bytes] = []
    for entry in entries(release):
        bundle.append(encode_tree([entry]))
        if len(bundle) == 500:
            yield b"".join(bundle)
            bundle.clear()
    if bundle:
        yield b"".join(bundle)


@operation("GET", "The bytes of a file, whole or a range", gives="*/*", query=TwinQuery, also=(206, 304, 416))
@needs(Act.GET_TWIN, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_download)
def file(request: HttpRequest, dataset: str, version: str, name: str) -> HttpResponseBase:
    release = _release(request, dataset, version)
    found = ReleaseFile.objects.filter(release=release, path=name).first()
    if found is None:
        raise NotFound(
            "This release has no such file.", advice="It may have been withdrawn; fetch the tree again."
        )
    note_download(request, release)
    return answers.blob(
        request, store=store(), sha256=found.sha256, size=found.size, name=name.rpartition("/")[2]
    )
