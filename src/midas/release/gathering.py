"""From a draft to a `Content`: what the catalogue holds of the draft's submissions, less those who must not be in it.

Subjects that withdrew, that have no lawful basis under the protocol, or that have no image, are left out and named.
Rows come in one order that does not depend on when they were registered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from typing import Any

import polars as pl
import pyarrow as pa

from midas.catalogue.models import (
    Instance,
    Label,
    Lesion,
    ProtocolVersion,
    Record,
    Specimen,
    Subject,
    Submission,
    Visit,
)
from midas.kernel import BadInput, Conflict, NoProgress, Progress
from midas.protocol import Loaded, parse
from midas.protocol.floor import cleans_alike
from midas.protocol.model import Protocol
from midas.release import tables
from midas.release.cohorts import members
from midas.release.content import About, Content, LeftOut
from midas.release.excluding import Excluded, excluded, without
from midas.release.lawful import bases_of, rests_on
from midas.release.models import Draft
from midas.release.readings import Read, read_by
from midas.release.reports import batch_of
from midas.release.splitting import placed
from midas.store import Blobs

Row = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """The subjects of a release by primary key, and the submissions it draws on."""

    subjects: Mapping[int, Subject]
    submissions: tuple[Submission, ...]
    left_out: tuple[LeftOut, ...]
    excluded: Excluded

    def rows(self, model: Any, *related: str, **of: str) -> Iterator[Any]:
        """Yield a model's rows of the draft's submissions, subject by subject."""
        found = model.objects.filter(submission__in=[one.pk for one in self.submissions], **of)
        for row in (
            found.select_related(*related).order_by("subject__pseudonym", "pk").iterator(chunk_size=2000)
        ):
            if row.subject_id in self.subjects:
                yield row


@lru_cache(maxsize=8)
def _parsed(source: str) -> Loaded:
    return parse(source.encode(), name="protocol.yaml")


def about(draft: Draft) -> About:
    """Return the draft's words; `BadInput` where its protocol cannot be read any more."""
    loaded = _parsed(draft.protocol.source)
    return About(
        dataset=draft.dataset.slug, version=draft.version, published_on=draft.published_on.isoformat(),
        protocol=loaded.protocol, protocol_source=draft.protocol.source, protocol_sha256=draft.protocol.sha256,
        notes=draft.notes, contributors=tuple(draft.contributors), alike=_alike(draft, loaded.protocol),
    )  # fmt: skip


def _alike(draft: Draft, protocol: Protocol) -> frozenset[str]:
    """Return the digests of the dataset's protocols whose audits stand for this one."""
    others = ProtocolVersion.objects.filter(dataset=draft.dataset).exclude(pk=draft.protocol.pk)
    found = {one.sha256: _parsed(one.source).protocol for one in others}
    return frozenset(sha256 for sha256, one in found.items() if cleans_alike(one, protocol))


def gather(*, draft: Draft, store: Blobs, progress: Progress | None = None) -> Content:
    """Collect everything of a draft; a dataset's first gathering also settles how its persons are split.

    Raise `BadInput` where nothing is left, `Conflict` where a row does not fit or the persons are too few to split.
    """
    words = about(draft)
    chosen = _choose(draft, words.protocol, store)
    if not chosen.subjects:
        raise BadInput(
            "No subject of this draft may be released.",
            advice="Register submissions with images and a lawful basis, then draft again.",
        )
    read = read_by(draft, {one.pseudonym for one in chosen.subjects.values()}, words.protocol)
    read = without(read, chosen.excluded)
    images = _in_place(_instances(chosen, progress or NoProgress()), read)
    manifest = tables.arrow("manifest", images, tables.MANIFEST)
    found: dict[str, pa.Table] = {"manifest": manifest, "series": series_of(manifest)}
    for name, rows in _tree(chosen, manifest).items():
        found[name] = tables.arrow(name, rows, tables.FIXED[name])
    for table in words.protocol.tables:
        if any(column.leaves for column in table.columns):
            name = f"clinical/{table.id}"
            found[name] = tables.arrow(
                name, _records(chosen, table.id, words.protocol), tables.clinical_schema(table)
            )
    labels = sorted([*_labels(chosen, manifest), *read.labels], key=_label_order)
    found["labels"] = tables.arrow("labels", labels, tables.LABELS)
    found["readings"] = tables.arrow("readings", read.readings, tables.READINGS)
    found["splits"] = tables.arrow("splits", placed(draft, words.protocol, found), tables.SPLITS)
    report = tuple(batch_of(submission, store) for submission in chosen.submissions)
    return Content(about=words, tables=found, report=report, left_out=chosen.left_out)


def lawful(basis: Iterable[Mapping[str, Any]], protocol: Protocol) -> bool:
    """Say whether one basis names an ethics decision of the protocol, of the kind that it rests on."""
    return bool(rests_on(bases_of(basis), protocol))


def _choose(draft: Draft, protocol: Protocol, store: Blobs) -> Chosen:
    submissions = tuple(
        Submission.objects.filter(
            dataset=draft.dataset, root__in=draft.submissions, state=Submission.State.REGISTERED
        ).order_by("root")
    )
    if len(submissions) != len(set(draft.submissions)):
        raise Conflict(
            "A submission of this draft is not registered any more.",
            advice="Draft again from what is registered.",
        )
    keys = [submission.pk for submission in submissions]
    out = excluded(draft)
    images = Instance.objects.filter(submission__in=keys)
    judged = {**out.emptied(images), **out.subjects}
    with_images = set(images.values_list("series__study__subject", flat=True).distinct())
    known = with_images | set(
        Record.objects.filter(submission__in=keys).values_list("subject", flat=True).distinct()
    ) | set(Subject.objects.filter(first_submission__in=keys).values_list("pk", flat=True))  # fmt: skip
    cohort = None if draft.cohort is None else set(members(draft.cohort, store=store))
    subjects: dict[int, Subject] = {}
    left_out: list[LeftOut] = []
    for subject in (
        Subject.objects.filter(dataset=draft.dataset).order_by("pseudonym").iterator(chunk_size=2000)
    ):
        if subject.pk not in known or (cohort is not None and subject.pseudonym not in cohort):
            continue
        why = _why_not(subject, protocol, has_images=subject.pk in with_images) or judged.get(subject.pk, "")
        if why:
            left_out.append(LeftOut(subject.pseudonym, why))
        else:
            subjects[subject.pk] = subject
    return Chosen(subjects, submissions, (*left_out, *out.series_of(subjects)), out)


def _why_not(subject: Subject, protocol: Protocol, *, has_images: bool) -> str:
    if subject.withdrawn_at is not None:
        return "withdrawn"
    if not lawful(subject.basis, protocol):
        return "no lawful basis"
    return "" if has_images else "no image"


def _name(row: Any) -> str | None:
    return None if row is None else row.name


def _place(subject: str, row: Any) -> Row:
    return {
        "subject": subject, "visit": _name(row.visit), "lesion": _name(row.lesion), "specimen": _name(row.specimen)
    }  # fmt: skip


def _instances(chosen: Chosen, progress: Progress) -> Iterator[Row]:
    """Yield the rows of the manifest in the order of their paths."""
    found = Instance.objects.filter(submission__in=[one.pk for one in chosen.submissions]).order_by(
        "series__study__subject__pseudonym", "series__study__uid", "series__uid", "sop_instance_uid"
    )
    names = (
        "series", "series__study__subject", "series__study__uid", "series__visit__name", "series__lesion__name",
        "series__specimen__name", "facts", *(of for _, of in _IMAGE),
    )  # fmt: skip
    columns, told = (
        tuple(column for column, _ in _IMAGE),
        tables.reader(tables.INSTANCE_FACTS + tables.SERIES_FACTS),
    )
    stream = found.values_list(*names).iterator(chunk_size=2000)
    for series, owner, study, visit, lesion, specimen, facts, *values in progress.track(
        stream, label="Gather", total=found.count()
    ):
        subject = chosen.subjects.get(owner)
        row = dict(zip(columns, values, strict=True))
        instance = row["sop_instance_uid"]
        if subject is None or series in chosen.excluded.series or instance in chosen.excluded.uids:
            continue
        if not facts.get("NumberOfFrames"):
            facts["NumberOfFrames"] = 1
        if series in chosen.excluded.facts:
            facts |= chosen.excluded.facts[series]
        name = subject.pseudonym
        yield {
            **row, "path": f"data/{name}/{study}/{row['series_uid']}/{instance}.dcm", "subject": name, "visit": visit,
            "lesion": lesion, "specimen": specimen, "view": row["view"] or None, "study_uid": study, **told(facts),
        }  # fmt: skip


_IMAGE = tuple((name, name) for name in (
    "sha256", "size", "view", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "deid",
)) + tuple((column, f"series__{of}") for column, of in (
    ("item", "item"), ("kind", "kind"), ("modality", "modality"), ("series_uid", "uid"),
))  # fmt: skip
"""Columns of the manifest that stand in the catalogue as they are, with where."""


def _in_place(images: Iterator[Row], read: Read) -> Iterator[Row]:
    """Put what readers drew among the images, in the order of the paths."""

    def order(row: Row) -> tuple[str, ...]:
        return row["subject"], row["study_uid"], row["series_uid"], row["sop_instance_uid"]

    return merge(images, iter(sorted(read.objects, key=order)), key=order)


def series_of(manifest: pa.Table) -> pa.Table:
    """Return one row per series, with what its first instance says of the device."""
    names = ["subject", "series_uid"]
    told = [
        name
        for name in tables.SERIES.names
        if name in manifest.column_names and name not in {*names, "frames"}
    ]
    images: Any = pl.from_arrow(manifest.select([*names, *told, "size", "frames"]))
    rows = images.group_by(names, maintain_order=True).agg(
        *(pl.col(name).first() for name in told), instances=pl.len(), frames=_frames().sum(), bytes=pl.col("size").sum()
    )  # fmt: skip
    ordered = rows.sort("subject", "study_uid", "series_uid").to_dicts()
    return tables.arrow("series", ordered, tables.SERIES)


def _frames() -> pl.Expr:
    """Return how many frames an image has: one where it does not say."""
    return pl.col("frames").fill_null(1).replace(0, 1)


def _tree(chosen: Chosen, manifest: pa.Table) -> dict[str, list[Row]]:
    """Collect the subject tree: subjects, visits, lesions, specimens."""
    visits = [
        {"subject": s.pseudonym, "visit": one.name, "day": one.day, "age_years": one.age_years}
        for one, s in _of(Visit, chosen)
    ]
    lesions = [
        {
            "subject": s.pseudonym, "lesion": one.name, "tracking_uid": one.tracking_uid,
            "laterality": one.laterality or None,
            **{f"site_{key}": (one.site or {}).get(of) for key, of in _SITE.items()},
        }
        for one, s in _of(Lesion, chosen)
    ]  # fmt: skip
    specimens = [
        {
            "subject": s.pseudonym, "specimen": one.name, "specimen_uid": one.uid, "kind": one.kind or None,
            "lesion": _name(one.lesion), "visit": _name(one.visit),
        }
        for one, s in _of(Specimen, chosen, "lesion", "visit")
    ]  # fmt: skip
    counts = manifest.group_by("subject").aggregate([("path", "count")]).to_pydict()
    images = dict(zip(counts["subject"], counts["path_count"], strict=True))
    held = {"visits": _tally(visits), "lesions": _tally(lesions), "specimens": _tally(specimens)}
    subjects = [
        {
            "subject": one.pseudonym, "sex": one.sex, "spoke": one.spoke,
            "basis": sorted({basis["kind"] for basis in one.basis}),
            "ethics": sorted({basis["ethics"] for basis in one.basis}), "instances": images[one.pseudonym],
            **{name: tally.get(one.pseudonym, 0) for name, tally in held.items()},
        }
        for one in chosen.subjects.values()
    ]  # fmt: skip
    return {"subjects": subjects, "visits": visits, "lesions": lesions, "specimens": specimens}


_SITE = {"scheme": "scheme", "code": "value", "meaning": "meaning"}


def _of(model: Any, chosen: Chosen, *related: str) -> Iterator[tuple[Any, Subject]]:
    order = ("subject__pseudonym", "day", "name") if model is Visit else ("subject__pseudonym", "name")
    dataset = next(iter(chosen.subjects.values())).dataset_id
    for one in model.objects.filter(subject__dataset=dataset).select_related(*related).order_by(*order):
        if subject := chosen.subjects.get(one.subject_id):
            yield one, subject


def _tally(rows: Iterable[Row]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row["subject"]] += 1
    return counts


def _records(chosen: Chosen, table: str, protocol: Protocol) -> list[Row]:
    """Return a clinical table: of each record its last revision, of its values those that the protocol names."""
    definition = next(one for one in protocol.tables if one.id == table)
    names = [column.name for column in definition.columns if column.leaves]
    last: dict[tuple[int, str], Any] = {}
    for row in chosen.rows(Record, "visit", "lesion", "specimen", table=table):
        if row.revision >= getattr(last.get((row.subject_id, row.record)), "revision", 0):
            last[row.subject_id, row.record] = row
    rows = sorted(last.values(), key=lambda row: (chosen.subjects[row.subject_id].pseudonym, row.record))
    return [
        {
            **_place(chosen.subjects[row.subject_id].pseudonym, row),
            **{name.replace("-", "_"): row.values.get(name) for name in names},
        }
        for row in rows
    ]


def _labels(chosen: Chosen, manifest: pa.Table) -> list[Row]:
    """Return the labels: where one place has the same target from the same source twice, the later one counts."""
    paths = dict(zip(manifest["sop_instance_uid"].to_pylist(), manifest["path"].to_pylist(), strict=True))
    last: dict[tuple[Any, ...], Row] = {}
    for one in chosen.rows(Label, "visit", "lesion", "specimen"):
        if one.uid in chosen.excluded.uids:
            continue
        text, number = label_value(one.value)
        row = {
            "level": one.level, "uid": one.uid or None, **_place(chosen.subjects[one.subject_id].pseudonym, one),
            "target": one.target, "value": text, "value_number": number, "source": one.source,
            "readers": list(one.readers), "segmentation_path": paths.get(one.segmentation_uid),
        }  # fmt: skip
        last[_label_order(row)] = row
    return [last[key] for key in sorted(last)]


def _label_order(row: Row) -> tuple[Any, ...]:
    names = (
        "subject",
        "target",
        "level",
        "visit",
        "lesion",
        "specimen",
        "uid",
        "source",
        "segmentation_path",
    )
    return (*(row[name] or "" for name in names), *row["readers"])


def label_value(value: Any) -> tuple[str | None, float | None]:
    """Write a label's value as text, and as a number where it is one."""
    if value is None:
        return None, None
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        return str(value), float(value)
    return str(value), None
