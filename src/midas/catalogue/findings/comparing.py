"""Copies of a picture or a scan in a dataset: found by hashes without comparing all with all, then looked at once in pixels.

In comes a dataset; out come `NearPicture` rows, what a run says of them, and which persons hold the same picture. Nobody
is named beyond the pseudonym, and nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np
from django.db.models import Max

from midas.catalogue import pictures
from midas.catalogue.examine import Candidate, SeriesCandidate, second_look
from midas.catalogue.findings.looking import Looked, Noted, Seen
from midas.catalogue.lens.publishing import bundles
from midas.catalogue.models import CheckRun, Dataset, NearPicture, PictureHash, SeriesHash
from midas.kernel import NoProgress, Progress, Runner
from midas.protocol.model import Item
from midas.quality import duplicate_series
from midas.quality.checks import bounds, wrong
from midas.quality.duplicates import COPY, WINDOWS, pairs
from midas.store import Blobs

MOST = 5000
"""Candidates looked at in one run, the nearest first: some minutes of one core; the next run goes on with the others."""


def compare(
    *, dataset: Dataset, store: Blobs, runner: Runner, most: int = MOST, progress: Progress | None = None
) -> int:
    """Look at the candidates that nobody looked at yet and keep what was seen; return how many of them are left."""
    pictures.complete(dataset=dataset, store=store, runner=runner, progress=progress)
    known = set(NearPicture.objects.filter(dataset=dataset).values_list("one", "other"))
    series = [keys for keys in _near_series(dataset) if keys not in known]
    alike = [one for one in _candidates(dataset, store) if one.keys not in known]
    first = series[: max(most - len(alike), most // 2)]  # neither kind waits for all of the other
    chosen = [*first, *(one.keys for one in alike)][:most]
    jobs: Iterator[Candidate | SeriesCandidate] = chain(_with_slabs(first), alike)
    seen = (progress or NoProgress()).track(
        runner.map(second_look, islice(jobs, most)), label="Compare", total=len(chosen)
    )  # fmt: skip
    rows = (
        NearPicture(
            dataset=dataset,
            one_id=one,
            other_id=other,
            score=like.score,
            turn=like.turn,
            part=like.part,
            same=same,
        )
        for (one, other), (like, same) in zip(chosen, seen, strict=True)
    )
    for bundle in bundles(rows):
        NearPicture.objects.bulk_create(bundle, ignore_conflicts=True)
    return len(series) + len(alike) - len(chosen)


def last_image(dataset: Dataset) -> int:
    """Return the highest key of an image among which copies are looked for."""
    alone = pictures.compared(dataset).aggregate(last=Max("pk"))["last"]
    of_series = pictures.compared_series(dataset).aggregate(last=Max("image"))["last"]
    return max(alone or 0, of_series or 0)


def _candidates(dataset: Dataset, store: Blobs) -> list[Candidate]:
    """Return the pairs of near hashes, the nearest first. The levels of one slide are one picture, by design."""
    rows, marks = _loaded(dataset)
    found: dict[tuple[int, int], tuple[bool, int, int, int]] = {}
    for pair in pairs(marks) if len(rows) > 1 else ():
        (one, series, kind, _), (other, others, _, _) = rows[pair.first], rows[pair.second]
        if kind == "slide" and series == others:
            continue
        key = (min(series, others), max(series, others)) if kind == "slide" else (one, other)
        told = (pair.cropped, pair.distance, pair.first, pair.second)
        found[key] = min(told, found.get(key, told))
    return [
        Candidate(store, (rows[first][0], rows[second][0]), (rows[first][3], rows[second][3]))
        for _, _, first, second in sorted(found.values())
    ]


def _near_series(dataset: Dataset) -> list[tuple[int, int]]:
    """Return the pairs of series of two persons with near hashes, the nearest first, by the images that stand for them.

    One person's series of one region are alike by right: other weightings, other phases, the next visit.
    """
    found: list[tuple[bool, int, int, int]] = []
    for modality in sorted(duplicate_series.MODALITIES):
        here = pictures.compared_series(dataset).filter(series__modality=modality)
        rows = list(here.values_list("image", "series__study__subject", "marks"))
        marks = np.frombuffer(b"".join(bytes(row[2]) for row in rows), "<u8").reshape(-1, len(WINDOWS))
        found += [
            (pair.cropped, pair.distance, rows[pair.first][0], rows[pair.second][0])
            for pair in (pairs(marks) if len(rows) > 1 else ()) if rows[pair.first][1] != rows[pair.second][1]
        ]  # fmt: skip
    return [(one, other) for _, _, one, other in sorted(found)]


def _with_slabs(near: Iterable[tuple[int, int]]) -> Iterator[SeriesCandidate]:
    for bundle in bundles(near):
        slabs = dict(SeriesHash.objects.filter(image__in={*chain(*bundle)}).values_list("image", "slabs"))
        for one, other in bundle:
            yield SeriesCandidate((one, other), (bytes(slabs.get(one, b"")), bytes(slabs.get(other, b""))))


def _loaded(dataset: Dataset) -> tuple[list[tuple[int, int, str, str]], np.ndarray]:
    """Return key, series, kind and preview of each picture that has hashes, in order of registration; and the hashes."""
    rows: list[tuple[int, int, str, str]] = []
    held: list[bytes] = []
    fields = ("sha256", "pk", "series", "series__kind", "preview")
    for bundle in bundles(pictures.compared(dataset).order_by("pk").values_list(*fields).iterator(2000)):
        marks = dict(PictureHash.objects.filter(pk__in=[one[0] for one in bundle]).values_list("pk", "marks"))
        for sha256, *row in bundle:
            if len(mark := bytes(marks.get(sha256, b""))) == 8 * len(WINDOWS):
                rows.append((row[0], row[1], row[2], row[3]))
                held.append(mark)
    return rows, np.frombuffer(b"".join(held), "<u8").reshape(-1, len(WINDOWS))


# -- what a run says -------------------------------------------------------------------------------------------


def with_copies(looked: Sequence[Looked], dataset: Dataset, items: Mapping[str, Item]) -> list[Looked]:
    """Add to what was seen of each series that it, or a picture of it, was there before."""
    images = {one.series: one.images for one in looked}
    noted: dict[int, list[Noted]] = {}
    near = NearPicture.objects.filter(dataset=dataset, same=True).order_by("pk")
    told = (
        "one__sop_instance_uid", "one__series__study__subject__pseudonym", "other__series__study__subject__pseudonym",
        "other__series__item", "other__series", "one", "other", "score", "turn", "part", "one__series__uid",
        "other__series__modality",
    )  # fmt: skip
    for uid, person, mine, item, series, one, other, score, turn, part, whole, modality in near.values_list(
        *told
    ).iterator(2000):
        scan = modality in duplicate_series.MODALITIES
        check = duplicate_series.COPY if scan else COPY
        limit = bounds(check, items.get(item))
        if series in images and (limit.max is None or score > limit.max):
            whose = "the same person" if person == mine else person
            what = f"The same scan as series {whole}" if scan else f"The same picture as {uid}"
            said, scope = f"{what} of {whose}{_lies(turn, part)}.", "series" if scan else "image"
            finding = wrong(check, said, item=items.get(item), scope=scope, value=score).finding
            if finding is not None:
                seen = Seen(0, finding, round(score, 3), check.unit, None, limit.max)
                count = images[series] if scan else 1
                noted.setdefault(series, []).append(Noted(other, count, seen, one))
    return [replace(one, noted=(*one.noted, *noted.get(one.series, ()))) for one in looked]


def _lies(turn: int, part: float) -> str:
    """Say how one picture lies in the other: nothing where it is the same way round and whole."""
    words = [word for word, so in (("turned or mirrored", turn > 0), ("a part of it", part < 0.97)) if so]
    return f", {' and '.join(words)}" if words else ""


# -- what a draft must know ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copies:
    """Who holds which picture or scan, as (picture, pseudonym), and how many candidates nobody has looked at yet.

    Only pictures that several images show are there; copies of one have one name. `unsigned` series were not searched yet.
    """

    held: tuple[tuple[str, str], ...]
    unseen: int
    unsigned: int


def copies(
    *, dataset: Dataset, store: Blobs, runner: Runner, submissions: Collection[str], without: Collection[int],
    most: int = MOST,
) -> Copies:  # fmt: skip
    """Return who holds pictures that are there several times, among the images of submissions (roots) less series (keys).

    What came since the last run is compared first. Whoever is alike through a third picture is alike, also where that one
    is left out.
    """
    last = CheckRun.objects.filter(dataset=dataset).order_by("-number").first()
    reached = last.compared_to if last else 0
    unseen = 0
    if last_image(dataset) > reached:
        unseen = compare(dataset=dataset, store=store, runner=runner, most=most)
    near = NearPicture.objects.filter(dataset=dataset, same=True).order_by("pk")
    groups = _joined(near.values_list("one", "other"))
    held: set[tuple[str, str]] = set()
    for bundle in bundles(sorted(groups)):
        here, of_these = pictures.standing(dataset), {"submission__root__in": list(submissions)}
        told = list(
            here.filter(pk__in=bundle).values_list("pk", "series", "series__study__subject__pseudonym")
        )
        # of a scan any image counts: the one that stands for it may have come with another submission
        scans = here.filter(
            series__in={one[1] for one in told}, series__modality__in=duplicate_series.MODALITIES
        )
        there = set(scans.filter(**of_these).values_list("series", flat=True))
        alone = set(here.filter(pk__in=bundle, **of_these).values_list("pk", flat=True))
        held |= {
            (str(groups[pk]), person)
            for pk, series, person in told if (pk in alone or series in there) and series not in without
        }  # fmt: skip
    return Copies(tuple(sorted(held)), unseen, pictures.unsigned(dataset))


def _joined(edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Name each image's group of copies by its first image."""
    parent: dict[int, int] = {}

    def top(key: int) -> int:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in edges:
        low, high = sorted((top(one), top(other)))
        parent[high] = low
    return {key: top(key) for key in list(parent)}
