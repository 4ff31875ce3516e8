"""Which blobs the hub's records rest on, and the erasing of all others.

Needed are instances, their previews, what readers drew, documents of assessments, files of releases, the parts of
registered submissions, and everything of those that are still to be verified. What a withdrawal wrote down is erased at
once; what nothing names, after a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import connection
from django.db.models import Q

from midas.annotate.models import Derived, Reading
from midas.catalogue import lens
from midas.catalogue.models import Erasure, Instance, Submission
from midas.catalogue.withdrawal import blobs_of
from midas.grading.models import Statement
from midas.kernel import Clock
from midas.release.models import ReleaseFile
from midas.release.tables import batches
from midas.store import Blobs

State = Submission.State
UNNAMED_FOR = timedelta(days=1)
"""Younger blobs may belong to a submission whose header has not come, or to a release that is being cut."""
UNNAMED_FOR_BY_ITSELF = timedelta(days=7)
"""What a running server waits: a hospital on a slow line may send for days before its header comes."""


def needed_blobs() -> Iterator[str]:
    """Yield the digest of every blob that must be there; some more than once."""
    yield from Instance.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from (
        Instance.objects.exclude(preview="").values_list("preview", flat=True).iterator(chunk_size=5000)
    )
    yield from ReleaseFile.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from Reading.objects.exclude(sha256="").values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from Statement.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from Derived.objects.values_list("sha256", flat=True).iterator(chunk_size=5000)
    yield from _parts(State.REGISTERED)


def _parts(*states: State) -> Iterator[str]:
    headers = Submission.objects.filter(state__in=states).values_list("header", flat=True)
    for header in headers.iterator(chunk_size=50):
        yield from (part["sha256"] for part in header["parts"])


def erase_doomed(*, store: Blobs) -> int:
    """Erase what withdrawals wrote down and nothing needs any more; return how many blobs went.

    Doing it again finishes what an interruption left: a digest is crossed off only after its blob is gone.
    """
    erased = 0
    doomed = Erasure.objects.order_by("pk").values_list("digest", flat=True)
    parts = {*_parts(State.REGISTERED, State.RECEIVED, State.VERIFYING)} if doomed.exists() else set()
    for batch in batches(list(doomed)):
        gone = sorted(set(batch) - _needed(batch) - parts)
        for digest in gone:
            store.delete(digest)
        lens.drop(gone)
        erased += len(gone)
        Erasure.objects.filter(digest__in=batch).delete()
    _flush_log()
    return erased


def _needed(digests: Iterable[str]) -> set[str]:
    asked = list(digests)
    found = set(ReleaseFile.objects.filter(sha256__in=asked).values_list("sha256", flat=True))
    for model in (Reading, Derived, Statement):
        found.update(model.objects.filter(sha256__in=asked).values_list("sha256", flat=True))
    images = Instance.objects.filter(Q(sha256__in=asked) | Q(preview__in=asked))
    return found.union(*images.values_list("sha256", "preview"))


def _flush_log() -> None:
    """Let SQLite write its log into the database and empty it: deleted rows stand there until then."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def collect(*, store: Blobs, clock: Clock, older_than: timedelta = UNNAMED_FOR) -> int:
    """Erase blobs that no record needs (refused submissions, broken uploads, abandoned cuts); return how many.

    Blobs that came in within `older_than` stay, whatever they are.
    """
    before = clock.now() - older_than
    old = [digest for digest, moment in store.dated() if moment < before]
    needed = {bytes.fromhex(one) for one in (*needed_blobs(), *_pending(store))} if old else set()
    unnamed = [digest for digest in old if bytes.fromhex(digest) not in needed]
    for digest in unnamed:
        store.delete(digest)
    lens.drop(unnamed)
    store.sweep(before=before)
    return len(unnamed)


def _pending(store: Blobs) -> Iterator[str]:
    for header in Submission.objects.filter(state__in=(State.RECEIVED, State.VERIFYING)).values_list(
        "header", flat=True
    ):
        yield from (part["sha256"] for part in header["parts"])
        yield from blobs_of(header, store)
