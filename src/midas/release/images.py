"""The images of a release as columns: the manifest in the order of its paths, and the series it comes to.

Rows are read series by series, some thousands at a time, so that memory holds columns and never a row for each image.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa
from django.db.models import TextField
from django.db.models.functions import Cast

from midas.catalogue.models import Instance, Series
from midas.kernel import Progress
from midas.release import tables
from midas.release.chosen import Chosen

SERIES_AT_ONCE, IMAGES_AT_ONCE = 500, 20_000
_ORDER = ("subject", "study_uid", "series_uid", "sop_instance_uid")
_OF_SERIES = {
    "study_uid": "study__uid", "series_uid": "uid", "visit": "visit__name", "lesion": "lesion__name",
    "specimen": "specimen__name", "item": "item", "kind": "kind", "modality": "modality",
}  # fmt: skip
"""Columns of the manifest that stand with the series, with where."""
_OF_IMAGE = ("sop_instance_uid", "sha256", "size", "view", "sop_class_uid", "transfer_syntax_uid", "deid")
_FACTS = tables.INSTANCE_FACTS + tables.SERIES_FACTS

Place = tuple[str, ...]
"""Of one series: its subject, then the columns of `_OF_SERIES`."""


def manifest_of(chosen: Chosen, drawn: Collection[Mapping[str, Any]], progress: Progress) -> pa.Table:
    """Return the manifest: the draft's images, and among them what readers drew (rows of the manifest)."""
    parts = [_part(chosen, some) for some in _some(chosen, progress)]
    found = pa.concat_tables([one for one in parts if one.num_rows] or [tables.MANIFEST.empty_table()])
    if drawn:
        found = pa.concat_tables([found, tables.arrow("manifest", drawn, tables.MANIFEST)])
        found = found.sort_by([(name, "ascending") for name in _ORDER])
    return found


def series_of(manifest: pa.Table) -> pa.Table:
    """Return one row per series, with what its first instance says of the device."""
    names = ["subject", "series_uid"]
    images: Any = pl.from_arrow(manifest.select([*names, "size", "frames"]))
    # an image that does not say how many frames it has, has one
    frames = pl.col("frames").fill_null(1).replace(0, 1)
    rows = images.with_row_index("first").group_by(names, maintain_order=True).agg(
        pl.col("first").first(), instances=pl.len(), frames=frames.sum(), bytes=pl.col("size").sum()
    )  # fmt: skip
    told = manifest.take(rows["first"].to_arrow())
    for name in ("instances", "frames", "bytes"):
        told = told.drop_columns([name] if name in told.column_names else [])
        told = told.append_column(name, rows[name].cast(pl.Int64).to_arrow())
    return told.select(tables.SERIES.names).sort_by([(name, "ascending") for name in _ORDER[:3]])


def _some(chosen: Chosen, progress: Progress) -> Iterator[dict[int, Place]]:
    """Yield series by key, in the order of their paths: as many as come to some thousand images."""
    rows = Series.objects.filter(study__subject__dataset=chosen.dataset)
    series = sorted(
        (tuple(place), pk)
        for *place, pk in chosen.theirs(rows.values_list("study__subject", *_OF_SERIES.values(), "pk"))
        if pk in chosen.images and pk not in chosen.excluded.series
    )
    some: dict[int, Place] = {}
    images = 0
    for place, pk in progress.track(series, label="Gather", total=len(series)):
        some[pk] = place
        images += chosen.images[pk]
        if len(some) >= SERIES_AT_ONCE or images >= IMAGES_AT_ONCE:
            yield some
            some, images = {}, 0
    yield some


def _part(chosen: Chosen, some: Mapping[int, Place]) -> pa.Table:
    """Return the manifest of a few series."""
    keys, out = {one.pk for one in chosen.submissions}, chosen.excluded
    rows = Instance.objects.filter(series__in=list(some)).order_by()
    rank = {pk: number for number, pk in enumerate(some)}
    names = ("submission", "series", *_OF_IMAGE, Cast("facts", TextField()))
    found = sorted(
        (rank[series], *values, series)
        for submission, series, *values in rows.values_list(*names)
        if submission in keys and values[0] not in out.uids
    )
    if not found:
        return tables.MANIFEST.empty_table()
    _, *told, texts, series = (list(column) for column in zip(*found, strict=True))
    facts = json.loads(f"[{','.join(texts)}]")
    columns: dict[str, list[Any]] = dict(zip(_OF_IMAGE, told, strict=True))
    places = zip(*(some[pk] for pk in series), strict=True)
    columns |= {name: list(column) for name, column in zip(("subject", *_OF_SERIES), places, strict=True)}
    columns["view"] = [view or None for view in columns["view"]]
    columns["path"] = [
        f"data/{'/'.join(where)}.dcm" for where in zip(*(columns[one] for one in _ORDER), strict=True)
    ]
    for one, pk in zip(facts, series, strict=True):
        one.update(out.facts.get(pk, ()))
        one["NumberOfFrames"] = one.get("NumberOfFrames") or 1
    known = tables.fact_columns(facts, _FACTS)
    return pa.table(
        [
            known[one.name] if one.name in known else pa.array(columns[one.name], one.type)
            for one in tables.MANIFEST
        ],
        schema=tables.MANIFEST,
    )
