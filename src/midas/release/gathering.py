"""From a draft to a `Content`: what the catalogue holds of the subjects chosen for it.

Rows come in one order that does not depend on when they were registered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import TextField
from django.db.models.functions import Cast

from midas.catalogue.models import Label, Lesion, ProtocolVersion, Record, Specimen, Visit
from midas.kernel import BadInput, NoProgress, Progress
from midas.protocol import Loaded, parse
from midas.protocol.floor import cleans_alike
from midas.protocol.model import Protocol, Table
from midas.quality.rows import heading
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
Columns = dict[str, Sequence[Any]]


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
    """Return the digests of the dataset's protocols whose audits stand for this one; one that cannot be read does not."""
    found = []
    for other in ProtocolVersion.objects.filter(dataset=draft.dataset).exclude(pk=draft.protocol.pk):
        with suppress(BadInput):
            if cleans_alike(_parsed(other.source).protocol, protocol):
                found.append(other.sha256)
    return frozenset(found)


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
    for name, columns in _tree(chosen, manifest).items():
        found[name] = tables.of_columns(name, columns, tables.FIXED[name])
    for table in words.protocol.tables:
        if any(column.leaves for column in table.columns):
            name = f"clinical/{table.id}"
            found[name] = tables.of_columns(name, _records(chosen, table), tables.clinical_schema(table))
    labels = [*_labels(chosen, manifest).items(), *((_label_order(one), one) for one in read.labels)]
    labels.sort(key=itemgetter(0))
    found["labels"] = tables.arrow("labels", (row for _, row in labels), tables.LABELS)
    found["readings"] = tables.arrow("readings", read.readings, tables.READINGS)
    found["splits"] = tables.arrow("splits", placed(draft, words.protocol, found), tables.SPLITS)
    report = tuple(batch_of(submission, store) for submission in chosen.submissions)
    return Content(about=words, tables=found, report=report, left_out=chosen.left_out)


def _tree(chosen: Chosen, manifest: pa.Table) -> dict[str, Columns]:
    """Collect the subject tree: subjects, visits, lesions, specimens."""
    visits = _of(Visit, chosen, ("day", "name"), visit="name", day="day", age_years="age_years")
    lesions = _of(
        Lesion,
        chosen,
        ("name",),
        lesion="name",
        tracking_uid="tracking_uid",
        laterality="laterality",
        site="site",
    )
    specimens = _of(
        Specimen, chosen, ("name",), specimen="name", specimen_uid="uid", kind="kind", lesion="lesion__name",
        visit="visit__name",
    )  # fmt: skip
    sites = [site or {} for site in lesions.pop("site")]
    lesions |= {f"site_{name}": [site.get(key) for site in sites] for name, key in _SITE.items()}
    lesions["laterality"] = [side or None for side in lesions["laterality"]]
    specimens["kind"] = [kind or None for kind in specimens["kind"]]
    images = {one["values"]: one["counts"] for one in manifest["subject"].value_counts().to_pylist()}
    everyone = list(chosen.subjects.values())
    held = {"visits": visits, "lesions": lesions, "specimens": specimens}
    subjects: Columns = {
        "subject": [one.pseudonym for one in everyone], "sex": [one.sex for one in everyone],
        "spoke": [one.spoke for one in everyone],
        "basis": [one.basis for one in everyone], "ethics": [one.ethics for one in everyone],
        "instances": [images[one.pseudonym] for one in everyone],
    }  # fmt: skip
    for name, columns in held.items():
        tally = Counter(columns["subject"])
        subjects[name] = [tally[one.pseudonym] for one in everyone]
    return {"subjects": subjects, **held}


_SITE = {"scheme": "scheme", "code": "value", "meaning": "meaning"}
_PLACE = {"visit": "visit__name", "lesion": "lesion__name", "specimen": "specimen__name"}
"""Where a row stands in its subject's tree, with where the catalogue has the name."""


def _of(model: Any, chosen: Chosen, order: tuple[str, ...], **names: str) -> Columns:
    found = model.objects.filter(subject__dataset=chosen.dataset).order_by("subject__pseudonym", *order)
    rows = list(chosen.theirs(found.values_list("subject", *names.values())))
    return {name: [row[at] for row in rows] for at, name in enumerate(("subject", *names))}


def _records(chosen: Chosen, table: Table) -> Columns:
    """Return a clinical table: of each record its last revision, of its values those that the protocol names."""
    names = ("record", "revision", *_PLACE.values(), Cast("values", TextField()))
    rows = chosen.rows(Record, *names, table=table.id)
    last = {(subject, record): row for subject, record, *row in sorted(rows, key=itemgetter(0, 1, 2))}
    _, *place, texts = zip(*last.values(), strict=True) if last else ((), *((),) * len(_PLACE), ())
    values = json.loads(f"[{','.join(texts)}]")
    return {
        "subject": [subject for subject, _ in last], **dict(zip(_PLACE, place, strict=True)),
        **{heading(one.name): [told.get(one.name) for told in values] for one in table.columns if one.leaves},
    }  # fmt: skip


def _labels(chosen: Chosen, manifest: pa.Table) -> dict[tuple[Any, ...], Row]:
    """Return the labels by their order: of two of one place, target and source the later one counts."""
    names = ("uid", "value", "segmentation_uid", "level", "target", "source", "readers")
    rows = [row for row in chosen.rows(Label, *names, *_PLACE.values()) if row[1] not in chosen.excluded.uids]
    paths = _paths(manifest, {row[3] for row in rows if row[3]})
    last: dict[tuple[Any, ...], Row] = {}
    for subject, uid, value, drawn, level, target, source, readers, visit, lesion, specimen in rows:
        row = {
            "level": level, "uid": uid or None, "subject": subject, "visit": visit, "lesion": lesion, "specimen": specimen,
            "target": target, **tables.label_value(value), "source": source, "readers": readers,
            "segmentation_path": paths.get(drawn),
        }  # fmt: skip
        last[_label_order(row)] = row
    return last


def _paths(manifest: pa.Table, uids: set[str]) -> dict[str, str]:
    """Return the paths of these instances, as far as the release holds them."""
    found = manifest.select(["sop_instance_uid", "path"])
    found = found.filter(pc.is_in(found["sop_instance_uid"], pa.array(sorted(uids), pa.string())))
    return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))


_LABEL_ORDER = itemgetter(
    "subject", "target", "level", "visit", "lesion", "specimen", "uid", "source", "segmentation_path"
)


def _label_order(row: Row) -> tuple[Any, ...]:
    return (*(value or "" for value in _LABEL_ORDER(row)), *row["readers"])
