"""One series looked at in a worker process: in come where its images are and the protocol's item, out comes what was seen.

What is wrong comes back as findings, never as an exception. No database and no Django here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from midas import quality
from midas.catalogue.examine import local
from midas.kernel import Finding, MidasError, Severity
from midas.protocol.model import Item
from midas.quality.checks import bounds
from midas.quality.image import Image
from midas.store import Blobs

if TYPE_CHECKING:
    from midas.quality.duplicate_series import Signature


@dataclass(frozen=True)
class SeriesJob:
    """A series and its images, `(key, SHA-256)` each; `item` is `None` where the protocol in force asks for no such thing.

    `scratch` is used where a blob is no local file.
    """

    store: Blobs
    series: int
    item: Item | None
    images: tuple[tuple[int, str], ...]
    scratch: Path


class Seen(NamedTuple):
    """One thing that a check found: of the image at `place` in its series, or (`None`) of the whole series.

    `value` is what was measured, in `unit`; `least` and `most` are its limits.
    """

    place: int | None
    finding: Finding
    value: float | None = None
    unit: str = ""
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Noted:
    """`Seen`, with the image's key where it is one image alone, and how many images it was the same of.

    `other` is the key of the second image, where two are alike.
    """

    image: int | None
    images: int
    seen: Seen
    other: int | None = None


@dataclass(frozen=True)
class Looked:
    series: int
    images: int
    noted: tuple[Noted, ...]
    signature: Signature | None = None
    """By which the same scan is found again; `None` also where the series has too few slices."""


UNASKED = Finding(
    "quality.item", Severity.WARNING, "series", "The protocol in force has no such item: nothing was checked.",
    "Exclude the series, or add the item to the protocol again.", "protocol: items", "midas.catalogue.findings",
)  # fmt: skip


def look(job: SeriesJob) -> Looked:
    """Look at a series with every check."""
    if job.item is None:
        return Looked(job.series, len(job.images), (Noted(None, len(job.images), Seen(None, UNASKED)),))
    signatures: list[Signature | None] = [None]
    try:
        with ExitStack() as held:
            paths = [held.enter_context(local(job.store, sha256, job.scratch)) for _, sha256 in job.images]
            seen = list(checked(paths, job.item, lambda images: signatures.append(_signed(images))))
    except MidasError as error:
        seen = [Seen(None, Finding("quality.bytes", Severity.ERROR, "series", error.message, error.advice))]
    return Looked(job.series, len(job.images), tuple(_folded(seen, job.images)), signatures[-1])


def _signed(images: Sequence[Image]) -> Signature | None:
    from midas.quality.duplicate_series import sign

    try:
        return sign(images)
    except Exception:  # noqa: BLE001 - whatever a header says of its place, what the checks found is kept
        return None


def checked(
    paths: Sequence[Path], item: Item, also: Callable[[Sequence[Image]], object] | None = None
) -> Iterator[Seen]:
    """Run every check of `midas.quality`: the one place that knows how they are called.

    A DICOM series is looked at as a whole; photographs, slides and signals each by itself, so that each is told apart.
    `also` is called with the images of a DICOM series.
    """
    try:
        if item.kind == "dicom":
            place = 0 if len(paths) == 1 else None
            yield from _seen(place, quality.examine(paths, item, scope="series", whole=True, also=also), item)
        else:
            for place, path in enumerate(paths):
                yield from _seen(place, quality.examine([path], item, scope="image"), item)
    except Exception as error:  # noqa: BLE001 - a check that fails is told, and stops no other series
        yield Seen(None, _failed(error))


def _seen(place: int | None, measured: Iterable[quality.Measured], item: Item) -> Iterator[Seen]:
    """Return what stands against something, with what was measured and the limits it was held against."""
    known = quality.registry()
    for one in measured:
        if one.finding is not None:
            check = known[one.check]
            limit = bounds(check, item)
            yield Seen(place, one.finding, one.value, check.unit, limit.min, limit.max)


def _failed(error: Exception) -> Finding:
    return Finding(
        "quality.failed", Severity.WARNING, "series", f"The series could not be checked ({type(error).__name__}).",
        "Look at the series yourself, and tell the hub's operator.", "", "midas.catalogue.findings",
    )  # fmt: skip


def _folded(seen: Sequence[Seen], images: Sequence[tuple[int, str]]) -> Iterator[Noted]:
    """Put the same words about several images together: a header that lacks a value lacks it on every slice."""
    alike: dict[tuple[str, str, str], list[Seen]] = {}
    for one in seen:
        alike.setdefault((one.finding.rule, one.finding.severity, one.finding.message), []).append(one)
    for several in alike.values():
        first = several[0]
        if first.place is None:
            yield Noted(None, len(images), first)
        else:
            alone = images[first.place][0] if len(several) == 1 else None
            yield Noted(alone, len(several), first)
