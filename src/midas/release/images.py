"""The images of a release as columns: the manifest in the order of its paths, and the series it comes to.

Rows are read series by series, some thousands at a time, so that memory holds columns and never a row for each image.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import polars as pl
import pyarrow as pa
from django.db.models import TextField
from django.db.models.functions import Cast

from midas.catalogue.models import Instance, Series
from midas.kernel import Progress
from midas.release import tables
from midas.release.chosen import Chosen

SERIES_AT_ONCE, IMAGES_AT_ONCE = 2000, 20_000
_ORDER = ("subject", "study_uid", "series_uid", "sop_instance_uid")
_OF_SERIES = {
    "study_uid": "study__uid", "series_uid": "uid", "series": "pk", "visit": "visit__name", "lesion": "lesion__name",
    "specimen": "specimen__name", "item": "item", "kind": "kind", "modality": "modality",
}  # fmt: skip
"""Columns of the manifest that stand with the series, with where; and the series' key."""
_KEY = 1 + list(_OF_SERIES).index("series")
_SERIES = {"subject": pl.String, **dict.fromkeys(_OF_SERIES, pl.String), "series": pl.Int64}
_OF_IMAGE = ("sop_instance_uid", "sha256", "size", "view", "sop_class_uid", "transfer_syntax_uid", "deid")
_IMAGES = {
    **dict.fromkeys(_OF_IMAGE, pl.String), "size": pl.Int64, "submission": pl.Int64, "series": pl.Int64, "facts": pl.String,
}  # fmt: skip
_FACTS = tables.INSTANCE_FACTS + tables.SERIES_FACTS

Place = tuple[Any, ...]
"""Of one series: its subject, then the columns of `_OF_SERIES`."""


def manifest_of(chosen: Chosen, drawn: Collection[Mapping[str, Any]], progress: Progress) -> pa.Table:
    """Return the manifest: the draft's images, and among them what readers drew (rows of the manifest)."""
    parts: list[pa.Table] = [tables.MANIFEST.empty_table()]
    with ThreadPoolExecutor(1) as worker:  # columns are made while the database is asked for the next rows
        making: Future[pa.Table] | None = None
        for some in _some(chosen, progress):
            rows = list(_rows(some))
            if making:
                parts.append(making.result())
            making = worker.submit(_part, chosen, some, rows)
        if making:
            parts.append(making.result())
    found = pa.concat_tables(parts)
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


def _some(chosen: Chosen, progress: Progress) -> Iterator[list[Place]]:
    """Yield series in the order of their paths, as many at a time as come to some thousand images."""
    rows = Series.objects.filter(study__subject__dataset=chosen.dataset)
    series = sorted(
        row for row in chosen.theirs(rows.values_list("study__subject", *_OF_SERIES.values()))
        if row[_KEY] in chosen.images and row[_KEY] not in chosen.excluded.series
    )  # fmt: skip
    some: list[Place] = []
    images = 0
    for place in progress.track(series, label="Gather", total=len(series)):
        some.append(place)
        images += chosen.images[place[_KEY]]
        if len(some) >= SERIES_AT_ONCE or images >= IMAGES_AT_ONCE:
            yield some
            some, images = [], 0
    yield some


def _rows(some: list[Place]) -> Iterator[tuple[Any, ...]]:
    told = (*_OF_IMAGE, "submission", "series", Cast("facts", TextField()))
    of_these = Instance.objects.filter(series__in=[one[_KEY] for one in some])
    return of_these.order_by().values_list(*told).iterator(chunk_size=5000)


def _part(chosen: Chosen, some: list[Place], rows: list[tuple[Any, ...]]) -> pa.Table:
    """Return the manifest of a few series, from the rows of their images."""
    keys, out = [one.pk for one in chosen.submissions], chosen.excluded
    series = pl.DataFrame(some, schema=_SERIES, orient="row").with_row_index("rank")
    images = tables.frame(rows, _IMAGES).filter(
        pl.col("submission").is_in(keys) & ~pl.col("sop_instance_uid").is_in(list(out.uids))
    )
    images = images.join(series, on="series").sort("rank", "sop_instance_uid")
    facts = tables.fact_columns(_corrected(images, out.facts), _FACTS)
    found = images.with_columns(
        *facts, view=pl.when(pl.col("view") != "").then("view"),
        path=pl.format("data/{}/{}/{}/{}.dcm", *_ORDER),
    ).with_columns(frames=pl.col("frames").replace(0, None).fill_null(1))  # fmt: skip
    return found.select(tables.MANIFEST.names).to_arrow().cast(tables.MANIFEST)


def _corrected(images: pl.DataFrame, corrections: Mapping[int, Mapping[str, Any]]) -> pl.Series:
    """Return the facts of images as JSON, with what a curator corrected of their series."""
    if not corrections:
        return images["facts"]
    told = zip(images["series"], images["facts"], strict=True)
    return pl.Series([
        json.dumps(json.loads(facts) | corrections[series]) if series in corrections else facts for series, facts in told
    ], dtype=pl.String)  # fmt: skip
