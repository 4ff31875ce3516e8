"""The public tables of a release: made once, when it is cut, and never remade when somebody withdraws.

In comes a release's content; out goes one row of figures: exact ones for who may see the release, and those that anyone is
told. A version in which fewer than `LEAST` persons came or went tells what the version before it told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from midas.catalogue.models import Dataset, Subject
from midas.release.content import Content
from midas.release.counting import Counted, Exact, of_content
from midas.release.disclosure import LEAST, tables, volume, whole
from midas.release.models import Figures, Release, ReleaseSubject
from midas.store import Blobs

Told = dict[str, Any]
NOTHING: Told = {"as_of": "", "people": 0, "images": 0, "series": 0, "bytes": 0, "tables": {}}
"""What is told of a dataset without a release."""


def publish(release: Release, content: Content) -> Figures:
    """Write a release's figures; call it in the transaction that writes the release."""
    return keep(release, of_content(content))


def keep(release: Release, counted: Counted) -> Figures:
    """Write the figures that follow from counts and from what was told last."""
    Dataset.objects.select_for_update().get(pk=release.dataset_id)
    before = Figures.objects.filter(release__dataset=release.dataset).order_by("-pk").first()
    told = before.told if before is not None and _same_people(release, before) else tell(
        counted.safe(), version=release.version, before=before.told if before else NOTHING
    )  # fmt: skip
    return Figures.objects.create(release=release, exact=counted.exact(), told=told)


def told_now(dataset: Dataset, counted: Counted) -> Told:
    """Return what would be told of the catalogue if it were released as it is now: for those who collect for it."""
    before = latest(dataset)
    if before is None:
        return tell(counted.safe(), version="")
    standing = Subject.objects.filter(dataset=dataset, withdrawn_at=None).values_list("pseudonym", flat=True)
    if len(set(standing) ^ _told_of(before)) < LEAST:
        return dict(before.told)
    return tell_on(counted, before.told)


def tell_on(counted: Counted, before: Told) -> Told:
    """Return what would be told after what was told `before`: all of it anew, or nothing.

    A new total beside a table that cannot go on would tell a hospital why it cannot.
    """
    told = tell(counted.safe(), version="", before=before)
    stays = any(table["as_of"] for table in told["tables"].values())
    return dict(before) if stays else told


def tell(exact: Exact, *, version: str, before: Mapping[str, Any] = NOTHING) -> Told:
    """Return what anyone may be told of a version, after what was told `before`; `exact` as `Counted.safe` gives it."""
    people = exact["people"]
    return {
        "as_of": version, "people": whole(people),
        **{name: volume(exact[name], people=people) for name in ("images", "series", "bytes")},
        "tables": tables(exact["tables"], people=people, version=version, before=before["tables"],
                         without=exact.get("without")),
    }  # fmt: skip


def _same_people(release: Release, before: Figures) -> bool:
    """Say whether fewer than `LEAST` persons differ from the version whose figures are told."""
    return len(_persons(release) ^ _told_of(before)) < LEAST


def _told_of(figures: Figures) -> set[str]:
    """Return the persons of the version that these figures tell."""
    of, dataset = figures.told["as_of"], figures.release.dataset_id
    return _persons(Release.objects.filter(dataset=dataset, version=of, twin=False).first())


def _persons(release: Release | None) -> set[str]:
    return (
        set(ReleaseSubject.objects.filter(release=release).values_list("pseudonym", flat=True))
        if release
        else set()
    )


def recount(release: Release, content: Content) -> None:
    """Count anew after a withdrawal what people with access see; what anyone was told stays as it was told."""
    Figures.objects.filter(release=release).update(exact=of_content(content).exact())


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
