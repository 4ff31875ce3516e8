"""The perceptual hashes of pictures and series, as they are kept: at intake, by a run of the checks, or for an older store.

In come examined instances, series that were looked at, or a dataset; rows of `PictureHash` and `SeriesHash` are written.
What is compared with what is not said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.db.models import Exists, OuterRef, Q, QuerySet

from midas.catalogue.examine import STACKED, Examined, Unhashed, hash_preview
from midas.catalogue.findings.looking import Looked
from midas.catalogue.lens.publishing import AT_ONCE, bundles
from midas.catalogue.models import Dataset, Instance, NearPicture, PictureHash, Series, SeriesHash
from midas.kernel import NoProgress, Progress, Runner
from midas.quality.duplicate_series import MODALITIES as SEARCHED
from midas.store import Blobs


def kept(examined: Iterable[Examined]) -> Iterator[Examined]:
    """Write the hashes of what passes by, some hundred at a time."""
    waiting: list[PictureHash] = []
    for one in examined:
        if one.marks is not None and one.index is not None:
            waiting.append(PictureHash(sha256=one.index.sha256, marks=one.marks))
        if len(waiting) == AT_ONCE:
            _write(waiting)
            waiting = []
        yield one
    _write(waiting)


def _write(rows: list[PictureHash]) -> None:
    PictureHash.objects.bulk_create(rows, ignore_conflicts=True)


def signed(looked: Iterable[Looked]) -> Iterator[Looked]:
    """Write the signatures of the series that pass by, some hundred at a time, and let go of them.

    A series that could not be signed this time keeps what it has; of one that another image stands for now, what was seen
    of the former is forgotten, so that it is compared again.
    """
    for bundle in bundles(looked):
        held = {one.series: one.signature for one in bundle}
        stacked = set(Series.objects.filter(pk__in=held, modality__in=SEARCHED).values_list("pk", flat=True))
        middles = {one.middle for one in held.values() if one is not None}
        images = Instance.objects.filter(series__in=stacked, sop_instance_uid__in=middles)
        image = dict(images.order_by("-pk").values_list("series", "pk"))
        rows = [
            SeriesHash(
                series_id=series, image_id=image.get(series), marks=one.marks.astype("<u8").tobytes() if one else b"",
                slabs=one.slabs if one else b"",
            )
            for series, one in held.items() if series in stacked
        ]  # fmt: skip
        before = dict(SeriesHash.objects.filter(series__in=stacked).values_list("series", "image"))
        gone = (
            {before.get(row.series_id) for row in rows if row.marks} - {row.image_id for row in rows} - {None}
        )
        NearPicture.objects.filter(Q(one__in=gone) | Q(other__in=gone)).delete()
        SeriesHash.objects.bulk_create([row for row in rows if not row.marks], ignore_conflicts=True)
        SeriesHash.objects.bulk_create(
            [row for row in rows if row.marks], update_conflicts=True, unique_fields=["series"],
            update_fields=["image", "marks", "slabs"],
        )  # fmt: skip
        yield from (replace(one, signature=None) for one in bundle)


def standing(dataset: Dataset) -> QuerySet[Instance]:
    """Return the images of who stands in the dataset, less labels."""
    here = Instance.objects.filter(series__study__subject__dataset=dataset)
    return here.filter(series__study__subject__withdrawn_at=None).exclude(series__kind="label")


def compared(dataset: Dataset) -> QuerySet[Instance]:
    """Return the images among which copies are looked for one by one: those of `standing` with a picture, less stacks."""
    return standing(dataset).exclude(preview="").exclude(series__modality__in=STACKED)


def compared_series(dataset: Dataset) -> QuerySet[SeriesHash]:
    """Return the series among which copies are looked for, in order of registration."""
    here = SeriesHash.objects.filter(series__study__subject__dataset=dataset).exclude(marks=b"")
    return here.filter(series__study__subject__withdrawn_at=None).exclude(image=None).order_by("image")


def unsigned(dataset: Dataset) -> int:
    """Count the series of slices that no run has looked at since there are signatures."""
    here = Series.objects.filter(study__subject__dataset=dataset, study__subject__withdrawn_at=None)
    here = here.exclude(kind="label").filter(modality__in=SEARCHED)
    return here.exclude(Exists(SeriesHash.objects.filter(pk=OuterRef("pk")))).count()


def complete(*, dataset: Dataset, store: Blobs, runner: Runner, progress: Progress | None = None) -> int:
    """Hash the previews of a dataset's images that have no hashes; return how many there were."""
    without = compared(dataset).exclude(Exists(PictureHash.objects.filter(pk=OuterRef("sha256"))))
    found = dict(without.order_by("pk").values_list("sha256", "preview"))
    jobs = (Unhashed(store, sha256, preview) for sha256, preview in found.items())
    made = (progress or NoProgress()).track(
        runner.map(hash_preview, jobs), label="Hash pictures", total=len(found)
    )
    for bundle in bundles(made):
        _write([PictureHash(sha256=sha256, marks=marks) for sha256, marks in bundle])
    return len(found)
