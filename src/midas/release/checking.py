"""From a draft's content to a `Case` for the gates: what the store, the catalogue and the approvals know about it.

In come a draft and its content; out come the leakage report and how each gate stands. A check is kept for the draft's page;
a withdrawal takes it away, because it may name who left.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import polars as pl
import pydicom
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from midas.catalogue.models import Instance, ScopeStudy, Series, Subject
from midas.formats.dicom import codecs  # noqa: F401 - no decoder meets a frame that is not what the object says
from midas.kernel import BrokenPromise, Clock, NoProgress, NotFound, Progress, sha256_bytes
from midas.release import tables
from midas.release.approving import approvals_of, lapsed
from midas.release.cases import Brought, Case, Held, Result
from midas.release.content import Content
from midas.release.documents import SUMS, whole_files
from midas.release.evidence import evidence_of
from midas.release.gates import results
from midas.release.gathering import gather
from midas.release.lawful import bases_of
from midas.release.leakage import Leakage, Ties, in_common, leakage
from midas.release.models import Draft, GateCheck
from midas.release.splitting import near_pairs, parts_before
from midas.release.validating import validated
from midas.store import Blobs

HASHED_BYTES = 2 * 1024**3
"""Bytes that are hashed again at each cut: the whole of a small dataset; of a large one those whose digests sort first,
which is a sample that nobody chose. Every blob was hashed when it came in, and `midas hub verify` hashes all."""
DRAWN = ("SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "ANN", "REG")
"""Modalities of what is drawn on, said of or planned over a picture (PS3.3 C.7.3.1.1.1)."""
COMPARED = 8
"""Images of one preview and part whose pixels are compared; more of them would say nothing new."""


@dataclass(frozen=True)
class Checked:
    """How the gates stand, and what they looked at."""

    case: Case
    results: tuple[Result, ...]


def check_gates(
    *,
    draft: Draft,
    store: Blobs,
    clock: Clock,
    brought: Brought | None = None,
    progress: Progress | None = None,
) -> GateCheck:
    """Look at every gate of a draft without cutting it, and keep how each stands."""
    content = gather(draft=draft, store=store, progress=progress)
    checked = look_at(
        content, draft=draft, store=store, day=clock.now().date(), brought=brought, progress=progress
    )
    files = whole_files(content)
    measured = {"sums": sha256_bytes(files[SUMS]), "validated": validated(files)}
    return keep_check(draft, checked, clock=clock, measured=measured)


@transaction.atomic
def keep_check(
    draft: Draft, checked: Checked, *, clock: Clock, measured: Mapping[str, Any] | None = None
) -> GateCheck:
    """Keep how the gates stand in the place of how they stood before; a cut leaves what a check measured beside."""
    kept, _ = GateCheck.objects.update_or_create(
        draft=draft,
        defaults={
            "results": [one.to_dict() for one in checked.results],
            "evidence": [one.to_dict() for one in evidence_of(checked.case)],
            "leakage": checked.case.leakage.counts,
            "checked_at": clock.now(),
            **(measured or {}),
        },
    )
    return kept


def look_at(
    content: Content, *, draft: Draft, store: Blobs, day: date, brought: Brought | None = None,
    progress: Progress | None = None,
) -> Checked:  # fmt: skip
    """Return how each gate stands for this content on this day."""
    subjects = set(content.tables["subjects"]["subject"].to_pylist())
    rows = Subject.objects.filter(dataset=draft.dataset, pseudonym__in=subjects) if len(subjects) < 900 else (
        Subject.objects.filter(dataset=draft.dataset)
    )  # fmt: skip
    case = Case(
        content=content, day=day, held=_held(content, store, progress or NoProgress()),
        leakage=_leakage(content, draft, store, (brought or Brought()).copies),
        bases={
            name: bases_of(basis)
            for name, basis in rows.values_list("pseudonym", "basis").iterator() if name in subjects
        },
        newest=_newest(draft, subjects), approvals=len(approvals_of(draft)), brought=brought or Brought(),
        lapsed=tuple(one.account.called for one in lapsed(draft)),
    )  # fmt: skip
    return Checked(case, results(case))


def _held(content: Content, store: Blobs, progress: Progress) -> Held:
    """Ask the store for every image, and hash as many again as `HASHED_BYTES` reaches for."""
    images: Any = pl.from_arrow(content.tables["manifest"].select(["sha256", "size"]))
    images = images.unique("sha256").sort("sha256")
    absent = store.missing(images["sha256"])
    there = images.filter(~pl.col("sha256").is_in(absent))
    chosen = there.filter(pl.col("size").cum_sum() <= HASHED_BYTES).rows()
    wrong = [
        digest for digest, size in progress.track(chosen, label="Hash again", total=len(chosen))
        if not _whole(store, digest, size)
    ]  # fmt: skip
    return Held(tuple(absent), tuple(wrong), read=len(chosen), of=images.height)


def _whole(store: Blobs, digest: str, size: int) -> bool:
    try:
        return sum(map(len, store.read(digest))) == size
    except (BrokenPromise, NotFound):
        return False


def _newest(draft: Draft, subjects: set[str]) -> dict[str, date]:
    """Return the latest day that each subject's studies show: shifted into the past, so never later than it was."""
    found: dict[str, date] = {}
    studies = ScopeStudy.objects.filter(scope__kind="draft", scope__name=draft.dataset.slug)
    for name, day in studies.values_list("subject", "study_date").iterator():
        if name in subjects and (shown := _day(day)) is not None:
            found[name] = max(shown, found.get(name, shown))
    return found


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _leakage(content: Content, draft: Draft, store: Blobs, found: Iterable[tuple[str, str]]) -> Leakage:
    placed = list(zip(*(column.to_pylist() for column in content.tables["splits"].columns), strict=True))
    parts, manifest = dict(placed), content.tables["manifest"]
    links = Subject.objects.filter(dataset=draft.dataset).exclude(links=[]).values_list("pseudonym", "links")
    files: Any = pl.from_arrow(manifest.select(["sha256", "subject"]))
    pictures = _pictures(draft, files["sha256"])
    ties = Ties(
        links=((name, other) for name, others in links for other in others),
        pairs=(*near_pairs(draft.dataset), *in_common(one for one in found if one[1] in parts)),
        same_file=_shared(files),
        same_source=_shared(pictures.select("sources", "subject").explode("sources").drop_nulls()),
        same_pixels=_pixels(pictures, parts, store),
        sites=dict(
            zip(*(content.tables["subjects"][name].to_pylist() for name in ("subject", "spoke")), strict=True)
        ),
    )
    return leakage(
        placed, ties, everyone=manifest["subject"].unique().to_pylist(), by_site=content.about.protocol.split.by_site,
        before=parts_before(draft, store),
    )  # fmt: skip


def _shared(held: pl.DataFrame, by: str = "subject") -> list[Any]:
    """Return the rows (digest, ...) whose digest stands with more than one value of `by`; hashes find the few to look at."""
    digest = pl.col(held.columns[0])
    for mark in (digest.hash(), digest):
        held = held.filter(pl.col(by).n_unique().over(mark) > 1)
    return held.rows()


def _pictures(draft: Draft, held: pl.Series) -> pl.DataFrame:
    """Return those of the draft's pictures in the release whose preview or source is another person's too (as `_known`).

    What is drawn on pictures is not looked at: empty outlines of two persons are the same and lead nowhere. All are
    compared by hashes of 64 bits; the few that these find are read again, so that memory never holds every digest.
    """
    series = Series.objects.filter(study__subject__dataset=draft.dataset).exclude(modality__in=DRAWN)
    subject = dict(series.values_list("pk", "study__subject__pseudonym").iterator(chunk_size=5000))
    found = Instance.objects.filter(submission__root__in=draft.submissions, submission__dataset=draft.dataset)
    marks = pl.concat([_marks(some) for some in _known(found, subject)])
    alike = marks.filter(pl.col("subject").n_unique().over("mark") > 1)["pk"].unique().sort()
    some = chain(tables.batches(alike.to_list()), [[]])
    pictures = pl.concat([one for keys in some for one in _known(found.filter(pk__in=keys), subject)])
    return pictures.filter(
        pl.col("sha256").is_in(held.filter(held.is_in(pictures["sha256"].implode())).implode())
    )


_PICTURES = {"pk": pl.Int64, **dict.fromkeys(("sha256", "sources", "preview", "subject"), pl.String)}


def _known(found: QuerySet[Instance], subject: Mapping[int, str]) -> Iterator[pl.DataFrame]:
    """Yield `pk`, `sha256`, `sources` (a list), `preview` and `subject` of instances in the series of `subject`."""
    columns = ("pk", "sha256", Cast("sources", TextField()), "preview", "series")
    rows = found.order_by("pk").values_list(*columns).iterator(chunk_size=5000)
    known = ((*row, subject[key]) for *row, key in rows if key in subject)
    for some in chain(tables.batches(known), [[]]):
        told = tables.frame(some, _PICTURES)
        yield told.with_columns(pl.col("sources").str.json_decode(pl.List(pl.String)))


def _marks(pictures: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each thing that a picture is known by: `pk`, and the hashes `mark` and `subject`."""
    by = (pictures.explode("sources").rename({"sources": "mark"}), pictures.rename({"preview": "mark"}))
    told = pl.concat([one.select("pk", "mark", "subject").filter(pl.col("mark") != "") for one in by])
    return told.with_columns(pl.col("mark", "subject").hash())


def _pixels(pictures: pl.DataFrame, parts: Mapping[str, str], store: Blobs) -> Iterator[tuple[str, str]]:
    """Yield (digest of the pixels, person) where a preview stands in two parts: same pixels make the same preview.

    Flat pictures, such as slices of air, are alike without being anyone's, and are left out.
    """
    part = pl.DataFrame(
        {"subject": list(parts), "part": list(parts.values())},
        schema=dict.fromkeys(("subject", "part"), pl.String),
    )
    seen = pictures.select("preview", "sha256", "subject").filter(pl.col("preview") != "")
    placed = seen.join(part, on="subject", maintain_order="left")
    taken = Counter[tuple[str, str]]()
    for preview, digest, name, where in _shared(placed, "part"):
        taken[preview, where] += 1
        if taken[preview, where] <= COMPARED and (pixels := pixels_of(store, digest)):
            yield pixels, name


def pixels_of(store: Blobs, digest: str) -> str:
    """Return the SHA-256 of an image's decoded pixels; empty where they are flat or cannot be read."""
    try:
        found = pydicom.dcmread(io.BytesIO(b"".join(store.read(digest)))).pixel_array
    except Exception:  # noqa: BLE001 - whatever cannot be decoded has no pixels to compare; integrity is another gate's
        return ""
    return "" if found.min() == found.max() else sha256_bytes(found.tobytes())
