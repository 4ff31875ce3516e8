"""What a scope holds of a study, series or instance, and the metadata of it. Two queries at most, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import connection

from midas.catalogue.lens.indexing import spread, value_of
from midas.catalogue.models import DicomIndex, Scope, SeriesPack
from midas.formats.dicom import FrameTable
from midas.kernel import NotFound


@dataclass(frozen=True)
class Found:
    """One object of a scope: where its bytes are and what is needed to serve them; `size` in bytes."""

    sha256: str
    size: int
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number: int | None
    rows: int
    columns: int
    frames: int

    @cached_property
    def frame_table(self) -> FrameTable:
        """Where each frame's bytes lie in the file; read once and remembered by the file's digest."""
        return frames_of(self.sha256)


@dataclass(frozen=True)
class Listing:
    """What a `SeriesPack` holds, less its metadata: rows as in `LINE`, and the sizes of the metadata's pieces."""

    lines: tuple[tuple[Any, ...], ...]
    pieces: tuple[int, ...]

    @cached_property
    def by_uid(self) -> dict[str, tuple[Any, ...]]:
        """The same lines by SOP Instance UID."""
        return {line[2]: line for line in self.lines}

    def of(self, instance: str | None) -> Iterable[tuple[Any, ...]]:
        """Return all lines, or the one of an instance, if it is here."""
        if instance is None:
            return self.lines
        found = self.by_uid.get(instance)
        return () if found is None else (found,)


LINE = (
    "sha256", "size", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "number", "rows", "columns",
    "frame_count", "fragment",
)  # fmt: skip
"""A line of a listing; the fragment is what a search for instances returns, as JSON text."""


def scope_of(*, kind: str, name: str) -> Scope:
    """Return a scope; `NotFound` without it."""
    found = Scope.objects.select_related("dataset").filter(kind=kind, name=name).first()
    if found is None:
        raise NotFound("There is nothing to look at here.", advice="Check the address.")
    return found


def objects(scope_id: int, study: str, series: str | None = None, instance: str | None = None) -> list[Found]:
    """Return the objects of a study, series or instance (by UID) in a scope, series by series; `[]` where it has none."""
    return [
        Found(sha256, size, study, uid, sop, sop_class, syntax, number, rows, columns, frames)
        for uid, pack in series_in(scope_id, study, series)
        for sha256, size, sop, sop_class, syntax, number, rows, columns, frames, _ in listing(pack).of(
            instance
        )
    ]


def series_in(scope_id: int, study: str, series: str | None = None) -> list[tuple[str, str]]:
    """Return UID and pack of each series of a study, in the order of their numbers."""
    asked: list[int | str] = [scope_id, study] if series is None else [scope_id, study, series]
    with connection.cursor() as cursor:
        cursor.execute(_SERIES.format("" if series is None else "AND e.uid = %s"), asked)
        return [(uid, pack) for uid, pack in cursor.fetchall()]


_SERIES = (
    "SELECT e.uid, e.pack FROM catalogue_scopeseries e JOIN catalogue_scopestudy s ON s.id = e.study_id "
    "WHERE s.scope_id = %s AND s.uid = %s {} ORDER BY COALESCE(e.number, 0), e.id"
)
"""Written out because each frame that is asked for asks this first."""


@lru_cache(maxsize=256)
def listing(pack: str) -> Listing:
    """Return a pack's listing; what a pack's key names never changes, so it is remembered."""
    held = SeriesPack.objects.filter(pk=pack).values_list("listing", flat=True).first()
    if held is None:
        raise NotFound("This is not here any more.", advice="Search again.")
    value = value_of(spread(held))
    return Listing(tuple(tuple(line) for line in value["lines"]), tuple(value["pieces"]))


@lru_cache(maxsize=4096)
def frames_of(sha256: str) -> FrameTable:
    """Return the frame table of a blob; `NotFound` where it is not indexed."""
    held = DicomIndex.objects.filter(pk=sha256).values_list("frames", flat=True).first()
    if held is None:
        raise NotFound("This is not here any more.", advice="Search again.")
    return FrameTable.from_bytes(bytes(held))


def metadata_of(
    scope_id: int, study: str, series: str | None = None, instance: str | None = None
) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Return what names the content, and the DICOM JSON of it as objects with commas between; `ROOT` stands for the root.

    `NotFound` where the scope holds nothing of it.
    """
    if instance is not None:
        found = objects(scope_id, study, series, instance)
        if not found:
            raise NotFound("There is no such instance here.", advice="Search again.")
        held = DicomIndex.objects.filter(pk=found[0].sha256).values_list("metadata", flat=True).first()
        return (found[0].sha256,), iter([spread(held or b"")])
    packs = [pack for _, pack in series_in(scope_id, study, series)]
    if not packs:
        raise NotFound("There is no such study or series here.", advice="Search again.")
    return tuple(packs), _joined(packs)


def _joined(packs: list[str]) -> Iterator[bytes]:
    between = b""
    for pack in packs:
        at, pieces = 0, listing(pack).pieces
        held = SeriesPack.objects.filter(pk=pack).values_list("metadata", flat=True).first()
        if held is None:
            raise NotFound("This is not here any more.", advice="Search again.")
        for size in pieces:
            yield between + spread(bytes(held[at : at + size]))
            at, between = at + size, b","
