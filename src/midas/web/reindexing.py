"""The index of images and the scopes, made again from what the hub holds: for a hub that is older than they are.

Only what is missing is made; doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from midas.catalogue import lens
from midas.catalogue.examine import Unindexed, index_blob
from midas.catalogue.lens.publishing import bundles
from midas.catalogue.models import Dataset, DicomIndex, Instance, Scope
from midas.kernel import Progress, Runner
from midas.release.models import Release, ReleaseFile
from midas.store import Blobs


@dataclass(frozen=True)
class Reindexed:
    """What was done: images indexed now, images that could not be read, and scopes brought up to date."""

    indexed: int
    unreadable: int
    scopes: int


def reindex(*, store: Blobs, scratch: Path, runner: Runner, progress: Progress) -> Reindexed:
    """Index every image that is not, then fill the scope of each dataset, release and twin."""
    missing = list(_missing())
    answers = runner.map(index_blob, (Unindexed(store, digest, scratch) for digest in missing))
    indexed = 0

    def readable() -> Iterator[lens.Indexed]:
        nonlocal indexed
        for one in progress.track(answers, label="Index", total=len(missing)):
            if one is not None:
                indexed += 1
                yield one

    lens.keep(readable())
    plans = list(_plans())
    for kind, name, dataset, digests in progress.track(plans, label="Scopes", total=len(plans)):
        lens.publish(kind=kind, name=name, dataset=dataset, digests=digests)
    return Reindexed(indexed, len(missing) - indexed, len(plans))


def _missing() -> Iterator[str]:
    for digests in bundles(dict.fromkeys(_images())):
        known = set(DicomIndex.objects.filter(pk__in=digests).values_list("pk", flat=True))
        yield from (one for one in digests if one not in known)


def _images() -> Iterator[str]:
    yield from Instance.objects.order_by("pk").values_list("sha256", flat=True).iterator(chunk_size=5000)
    files = ReleaseFile.objects.filter(path__startswith="data/", path__endswith=".dcm")
    yield from files.order_by("pk").values_list("sha256", flat=True).iterator(chunk_size=5000)


def _plans() -> Iterator[tuple[str, str, Dataset, Iterable[str]]]:
    for dataset in Dataset.objects.order_by("slug"):
        held = Instance.objects.filter(series__study__subject__dataset=dataset).order_by("pk")
        yield Scope.Kind.DRAFT, dataset.slug, dataset, held.values_list("sha256", flat=True)
    for release in Release.objects.select_related("dataset").order_by("pk"):
        files = ReleaseFile.objects.filter(release=release, path__startswith="data/", path__endswith=".dcm")
        kind = Scope.Kind.TWIN if release.twin else Scope.Kind.RELEASE
        name = f"{release.dataset.slug}@{release.version}"
        yield kind, name, release.dataset, files.order_by("path").values_list("sha256", flat=True)
