"""The perceptual hashes of pictures, as they are kept: at intake, or later for a store that is older than they are.

In come examined instances, or a dataset; rows of `PictureHash` are written. What is compared with what is not said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Exists, OuterRef, QuerySet

from midas.catalogue.examine import STACKED, Examined, Unhashed, hash_preview
from midas.catalogue.lens.publishing import AT_ONCE, bundles
from midas.catalogue.models import Dataset, Instance, PictureHash
from midas.kernel import NoProgress, Progress, Runner
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


def compared(dataset: Dataset) -> QuerySet[Instance]:
    """Return the images among which copies are looked for: of who stands in the dataset, less labels and stacks."""
    here = Instance.objects.filter(series__study__subject__dataset=dataset)
    here = here.filter(series__study__subject__withdrawn_at=None).exclude(preview="")
    return here.exclude(series__kind="label").exclude(series__modality__in=STACKED)


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
