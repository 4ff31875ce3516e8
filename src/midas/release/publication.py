"""The public tables of a release: made once, when it is cut, and never remade when somebody withdraws.

In comes a release's content; out goes one row of figures: exact ones for who may see the release, and those that anyone is
told. A version in which fewer than `LEAST` persons came or went tells what the version before it told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from midas.catalogue.models import Dataset
from midas.release.content import Content
from midas.release.counting import Exact, of_content
from midas.release.disclosure import LEAST, tables, volume, whole
from midas.release.models import Figures, Release, ReleaseSubject
from midas.store import Blobs

Told = dict[str, Any]
NOTHING: Told = {"as_of": "", "people": 0, "images": 0, "series": 0, "bytes": 0, "tables": {}}
"""What is told of a dataset without a release."""


def publish(release: Release, content: Content) -> Figures:
    """Write a release's figures; call it in the transaction that writes the release."""
    return keep(release, of_content(content))


def keep(release: Release, exact: Exact) -> Figures:
    """Write the figures that follow from exact counts and from what was told last."""
    Dataset.objects.select_for_update().get(pk=release.dataset_id)
    before = Figures.objects.filter(release__dataset=release.dataset).order_by("-pk").first()
    told = before.told if before is not None and _same_people(release, before) else tell(
        exact, version=release.version, before=before.told if before else NOTHING
    )  # fmt: skip
    return Figures.objects.create(release=release, exact=exact, told=told)


def tell(exact: Exact, *, version: str, before: Mapping[str, Any] = NOTHING) -> Told:
    """Return what anyone may be told of a version, after what was told `before`."""
    people = exact["people"]
    return {
        "as_of": version, "people": whole(people),
        **{name: volume(exact[name], people=people) for name in ("images", "series", "bytes")},
        "tables": tables(exact["tables"], people=people, version=version, before=before["tables"]),
    }  # fmt: skip


def _same_people(release: Release, before: Figures) -> bool:
    """Say whether fewer than `LEAST` persons differ from the version whose figures are told."""
    of = before.told["as_of"]
    then = _persons(Release.objects.filter(dataset=release.dataset_id, version=of, twin=False).first())
    return len(_persons(release) ^ then) < LEAST


def _persons(release: Release | None) -> set[str]:
    return (
        set(ReleaseSubject.objects.filter(release=release).values_list("pseudonym", flat=True))
        if release
        else set()
    )


def recount(release: Release, content: Content) -> None:
    """Count anew after a withdrawal what people with access see; what anyone was told stays as it was told."""
    Figures.objects.filter(release=release).update(exact=of_content(content))


@transaction.atomic
def publish_tables(*, dataset: str, store: Blobs) -> list[Release]:
    """Write the figures of releases that have none, the earliest first; return those releases."""
    from midas.release.withdrawal import content_of

    without = Release.objects.filter(dataset__slug=dataset, twin=False).exclude(
        pk__in=Figures.objects.values_list("release_id", flat=True)
    )
    done = list(without.order_by("cut_at", "pk").select_related("dataset", "draft__protocol"))
    for release in done:
        publish(release, content_of(release, store))
    return done


def latest(dataset: Dataset) -> Figures | None:
    """Return the figures of a dataset's newest release."""
    return Figures.objects.filter(release__dataset=dataset).select_related("release").order_by("-pk").first()
