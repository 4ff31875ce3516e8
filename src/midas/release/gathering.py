"""From a draft to a `Content`: what the catalogue holds of the subjects chosen for it.

Rows come in one order that does not depend on when they were registered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from midas.catalogue.models import Label, Lesion, ProtocolVersion, Record, Specimen, Visit
from midas.kernel import BadInput, NoProgress, Progress
from midas.protocol import Loaded, parse
from midas.protocol.floor import cleans_alike
from midas.protocol.model import Protocol, Table
from midas.release import tables
from midas.release.chosen import Chosen, choose
from midas.release.content import About, Content
from midas.release.excluding import without
from midas.release.images import manifest_of, series_of
from midas.release.models import Draft
from midas.release.readings import read_by
from midas.release.reports import batch_of
from midas.release.splitting import placed
from midas.store import Blobs

Row = dict[str, Any]


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
    chosen = choose(draft, words.protocol, store)
    if not chosen.subjects:
        raise BadInput(
            "No subject of this draft may be released.",
            advice="Register submissions with images and a lawful basis, then draft again.",
        )
    read = read_by(draft, {one.pseudonym for one in chosen.subjects.values()}, words.protocol)
    read = without(read, chosen.excluded)
    manifest = manifest_of(chosen, read.objects, progress or NoProgress())
    found: dict[str, pa.Table] = {"manifest": manifest, "series": series_of(manifest)}
    for name, rows in _tree(chosen, manifest).items():
        found[name] = tables.arrow(name, rows, tables.FIXED[name])
    for table in words.protocol.tables:
        if any(column.leaves for column in table.columns):
            name = f"clinical/{table.id}"
            found[name] = tables.arrow(name, _records(chosen, table), tables.clinical_schema(table))
    labels = sorted([*_labels(chosen, manifest), *read.labels], key=_label_order)
    found["labels"] = tables.arrow("labels", labels, tables.LABELS)
    found["readings"] = tables.arrow("readings", read.readings, tables.READINGS)
    found["splits"] = tables.arrow("splits", placed(draft, words.protocol, found), tables.SPLITS)
    report = tuple(batch_of(submission, store) for submission in chosen.submissions)
    return Content(about=words, tables=found, report=report, left_out=chosen.left_out)


def _tree(chosen: Chosen, manifest: pa.Table) -> dict[str, list[Row]]:
    """Collect the subject tree: subjects, visits, lesions, specimens."""
    visits = [
        dict(zip(("subject", "visit", "day", "age_years"), row, strict=True))
        for row in _of(Visit, chosen, ("day", "name"), "name", "day", "age_years")
    ]
    lesions = [
        {
            "subject": subject, "lesion": name, "tracking_uid": uid, "laterality": laterality or None,
            **{f"site_{key}": (site or {}).get(of) for key, of in _SITE.items()},
        }
        for subject, name, uid, laterality, site in _of(
            Lesion, chosen, ("name",), "name", "tracking_uid", "laterality", "site"
        )
    ]  # fmt: skip
    specimens = [
        {
            "subject": subject, "specimen": name, "specimen_uid": uid, "kind": kind or None,
            "lesion": lesion, "visit": visit,
        }
        for subject, name, uid, kind, lesion, visit in _of(
            Specimen, chosen, ("name",), "name", "uid", "kind", "lesion__name", "visit__name"
        )
    ]  # fmt: skip
    counts = manifest["subject"].value_counts().to_pylist()
    images = {one["values"]: one["counts"] for one in counts}
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
_PLACE = {"visit": "visit__name", "lesion": "lesion__name", "specimen": "specimen__name"}
"""Where a row stands in its subject's tree, with where the catalogue has the name."""


def _of(model: Any, chosen: Chosen, order: tuple[str, ...], *names: str) -> Iterator[tuple[Any, ...]]:
    found = model.objects.filter(subject__dataset=chosen.dataset).order_by("subject__pseudonym", *order)
    return chosen.theirs(found.values_list("subject", *names))


def _tally(rows: Iterable[Row]) -> Counter[str]:
    return Counter(row["subject"] for row in rows)


def _records(chosen: Chosen, table: Table) -> list[Row]:
    """Return a clinical table: of each record its last revision, of its values those that the protocol names."""
    names = {column.name.replace("-", "_"): column.name for column in table.columns if column.leaves}
    last: dict[tuple[str, str], tuple[int, Row]] = {}
    for subject, record, revision, values, *place in chosen.rows(
        Record, "record", "revision", "values", *_PLACE.values(), table=table.id
    ):
        if revision >= last.get((subject, record), (0,))[0]:
            told = {column: values.get(name) for column, name in names.items()}
            last[subject, record] = (
                revision,
                {"subject": subject, **dict(zip(_PLACE, place, strict=True)), **told},
            )
    return [row for _, (_, row) in sorted(last.items(), key=itemgetter(0))]


def _labels(chosen: Chosen, manifest: pa.Table) -> list[Row]:
    """Return the labels: where one place has the same target from the same source twice, the later one counts."""
    names = ("uid", "value", "segmentation_uid", "level", "target", "source", "readers")
    rows = [row for row in chosen.rows(Label, *names, *_PLACE.values()) if row[1] not in chosen.excluded.uids]
    paths = _paths(manifest, {row[3] for row in rows if row[3]})
    last: dict[tuple[Any, ...], Row] = {}
    for subject, uid, value, drawn, level, target, source, readers, *place in rows:
        text, number = label_value(value)
        row = {
            "level": level, "uid": uid or None, "subject": subject, **dict(zip(_PLACE, place, strict=True)),
            "target": target, "value": text, "value_number": number, "source": source, "readers": list(readers),
            "segmentation_path": paths.get(drawn),
        }  # fmt: skip
        last[_label_order(row)] = row
    return [last[key] for key in sorted(last)]


def _paths(manifest: pa.Table, uids: set[str]) -> dict[str, str]:
    """Return the paths of these instances, as far as the release holds them."""
    found = manifest.select(["sop_instance_uid", "path"])
    found = found.filter(pc.is_in(found["sop_instance_uid"], pa.array(sorted(uids), pa.string())))
    return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))


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
