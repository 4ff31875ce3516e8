"""What a scope holds of a study, series or instance, and the metadata of it. Two queries at most, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from midas.catalogue.lens.indexing import spread, value_of
from midas.catalogue.models import DicomIndex, Scope, ScopeSeries, SeriesPack
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
        for sha256, size, sop, sop_class, syntax, number, rows, columns, frames, _ in listing(pack).lines
        if instance is None or sop == instance
    ]


def series_in(scope_id: int, study: str, series: str | None = None) -> list[tuple[str, str]]:
    """Return UID and pack of each series of a study, in the order of their numbers."""
    rows = ScopeSeries.objects.filter(scope_id=scope_id, study__uid=study)
    if series is not None:
        rows = rows.filter(uid=series)
    return list(rows.order_by("number", "id").values_list("uid", "pack"))


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
) -> Iterator[bytes]:
    """Yield the DICOM JSON of what is asked for, as objects with commas between; `ROOT` stands for the root.

    The first piece is there at once: `NotFound` where the scope holds nothing of it.
    """
    if instance is not None:
        found = objects(scope_id, study, series, instance)
        if not found:
            raise NotFound("There is no such instance here.", advice="Search again.")
        held = DicomIndex.objects.filter(pk=found[0].sha256).values_list("metadata", flat=True).first()
        return iter([spread(held or b"")])
    packs = [pack for _, pack in series_in(scope_id, study, series)]
    if not packs:
        raise NotFound("There is no such study or series here.", advice="Search again.")
    return _joined(packs)


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
