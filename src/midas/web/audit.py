"""Which blobs the hub's records rest on: instances, their previews, parts of submissions and files of releases."""

from __future__ import annotations

from collections.abc import Iterator

from midas.catalogue.models import Instance, Submission
from midas.release.models import ReleaseFile


def needed_blobs() -> Iterator[str]:
    """Yield the digest of every blob that must be there; some more than once."""
    yield from Instance.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from (
        Instance.objects.exclude(preview="").values_list("preview", flat=True).iterator(chunk_size=5000)
    )
    yield from ReleaseFile.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    registered = Submission.objects.filter(state=Submission.State.REGISTERED).values_list("header", flat=True)
    for header in registered.iterator(chunk_size=50):
        yield from (part["sha256"] for part in header["parts"])
