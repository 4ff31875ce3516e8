"""The Parquet tables of a release: their columns, and bytes that depend on the rows alone.

In come rows in a fixed order; out come Arrow tables and Parquet bytes without times, hosts or paths of this machine.
Never the source of the key: tables are files like others.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from midas.kernel import Conflict
from midas.protocol.model import Table
from midas.quality.rows import heading

TEXT, WHOLE_NUMBER, NUMBER, YES_NO = pa.string(), pa.int64(), pa.float64(), pa.bool_()
WORDS, NUMBERS = pa.list_(pa.string()), pa.list_(pa.float64())

CLINICAL_TYPES: Mapping[str, pa.DataType] = {
    "integer": WHOLE_NUMBER, "number": NUMBER, "boolean": YES_NO, "category": TEXT, "text": TEXT, "date": TEXT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """A column taken from a DICOM attribute (PS3.6 keyword). `says` gives its meaning and unit."""

    column: str
    keyword: str
    type: pa.DataType
    says: str


INSTANCE_FACTS = (
    Fact("rows", "Rows", WHOLE_NUMBER, "pixels down one frame (a slide: one tile)"),
    Fact("columns", "Columns", WHOLE_NUMBER, "pixels across one frame (a slide: one tile)"),
    Fact("frames", "NumberOfFrames", WHOLE_NUMBER, "frames in the instance; 1 where the attribute is absent"),
    Fact("instance_number", "InstanceNumber", WHOLE_NUMBER, "number of the instance in its series"),
    Fact("photometric_interpretation", "PhotometricInterpretation", TEXT, "colour model, PS3.3 C.7.6.3.1.2"),
    Fact("bits_stored", "BitsStored", WHOLE_NUMBER, "bits used per sample"),
    Fact("total_rows", "TotalPixelMatrixRows", WHOLE_NUMBER, "a slide level: pixels down"),
    Fact("total_columns", "TotalPixelMatrixColumns", WHOLE_NUMBER, "a slide level: pixels across"),
)
SERIES_FACTS = (
    Fact("pixel_spacing_mm", "PixelSpacing", NUMBERS, "mm between rows, then between columns"),
    Fact("slice_thickness_mm", "SliceThickness", NUMBER, "mm"),
    Fact("slice_spacing_mm", "SpacingBetweenSlices", NUMBER, "mm between slice centres"),
    Fact("manufacturer", "Manufacturer", TEXT, "who made the device"),
    Fact("manufacturer_model", "ManufacturerModelName", TEXT, "the device's model"),
    Fact("magnetic_field_t", "MagneticFieldStrength", NUMBER, "MR: tesla"),
    Fact("repetition_time_ms", "RepetitionTime", NUMBER, "MR: ms"),
    Fact("echo_time_ms", "EchoTime", NUMBER, "MR: ms"),
    Fact("tube_voltage_kv", "KVP", NUMBER, "CT and X-ray: peak kilovolts"),
    Fact("reconstruction_kernel", "ConvolutionKernel", TEXT, "CT: reconstruction kernel"),
    Fact("objective_power", "ObjectiveLensPower", NUMBER, "microscopy: magnification of the objective"),
)


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns])


_PLACE = (("subject", TEXT), ("visit", TEXT), ("lesion", TEXT), ("specimen", TEXT))
_ITEM = (("item", TEXT), ("kind", TEXT), ("modality", TEXT))

MANIFEST = _schema(
    ("path", TEXT), ("sha256", TEXT), ("size", WHOLE_NUMBER), *_PLACE, *_ITEM, ("view", TEXT),
    ("study_uid", TEXT), ("series_uid", TEXT), ("sop_instance_uid", TEXT), ("sop_class_uid", TEXT),
    ("transfer_syntax_uid", TEXT), ("deid", TEXT),
    *((fact.column, fact.type) for fact in INSTANCE_FACTS + SERIES_FACTS),
)  # fmt: skip
SUBJECTS = _schema(
    ("subject", TEXT), ("sex", TEXT), ("spoke", TEXT), ("basis", WORDS), ("ethics", WORDS),
    ("visits", WHOLE_NUMBER), ("lesions", WHOLE_NUMBER), ("specimens", WHOLE_NUMBER), ("instances", WHOLE_NUMBER),
)  # fmt: skip
VISITS = _schema(("subject", TEXT), ("visit", TEXT), ("day", WHOLE_NUMBER), ("age_years", WHOLE_NUMBER))
LESIONS = _schema(
    ("subject", TEXT), ("lesion", TEXT), ("tracking_uid", TEXT), ("site_scheme", TEXT), ("site_code", TEXT),
    ("site_meaning", TEXT), ("laterality", TEXT),
)  # fmt: skip
SPECIMENS = _schema(
    ("subject", TEXT),
    ("specimen", TEXT),
    ("specimen_uid", TEXT),
    ("kind", TEXT),
    ("lesion", TEXT),
    ("visit", TEXT),
)
SERIES = _schema(
    *_PLACE, *_ITEM, ("study_uid", TEXT), ("series_uid", TEXT), ("instances", WHOLE_NUMBER), ("frames", WHOLE_NUMBER),
    ("bytes", WHOLE_NUMBER), *((fact.column, fact.type) for fact in SERIES_FACTS),
)  # fmt: skip
LABELS = _schema(
    ("level", TEXT), ("uid", TEXT), *_PLACE, ("target", TEXT), ("value", TEXT), ("value_number", NUMBER),
    ("source", TEXT), ("readers", WORDS), ("segmentation_path", TEXT), ("agreement", NUMBER),
)  # fmt: skip
READINGS = _schema(
    ("task", TEXT), ("item", WHOLE_NUMBER), ("level", TEXT), ("uid", TEXT), *_PLACE, ("target", TEXT), ("reader", TEXT),
    ("role", TEXT), ("revision", WHOLE_NUMBER), ("value", TEXT), ("value_number", NUMBER), ("object_uid", TEXT),
    ("object_path", TEXT), ("stands", YES_NO), ("settled_by", TEXT),
)  # fmt: skip
SPLITS = _schema(("subject", TEXT), ("part", TEXT))

FIXED: Mapping[str, pa.Schema] = {
    "manifest": MANIFEST, "subjects": SUBJECTS, "visits": VISITS, "lesions": LESIONS, "specimens": SPECIMENS,
    "series": SERIES, "labels": LABELS, "readings": READINGS, "splits": SPLITS,
}  # fmt: skip
"""The tables that every release has, by name; `clinical/<table>` follow the protocol."""

_BATCH, _GROUP = 4096, 65_536
"""Rows turned into columns at a time, so that a large table is never held as Python objects; rows of a Parquet group."""


def clinical_schema(table: Table) -> pa.Schema:
    """Return the columns of one clinical table: its place in the tree, then the variables, `-` written as `_`."""
    return _schema(*_PLACE, *(
        (heading(column.name), CLINICAL_TYPES[column.type])
        for column in table.columns if column.leaves
    ))  # fmt: skip


def batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch


def frame(rows: Iterable[Sequence[Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Return rows of the database as a frame of these columns."""
    columns = zip(*rows, strict=True)  # of no rows there are no columns
    return pl.DataFrame(dict(zip(schema, columns, strict=False)), schema=schema)


def arrow(name: str, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Turn rows into a table of exactly these columns; raise `Conflict` where a value does not fit its column."""
    with _fitting(name):
        parts = [pa.Table.from_pylist(batch, schema=schema) for batch in batches(rows)]
    return pa.concat_tables(parts) if parts else schema.empty_table()


def of_columns(name: str, columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Turn columns into a table, as `arrow` does rows."""
    with _fitting(name):
        return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


@contextmanager
def _fitting(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise Conflict(
            f"A value in the table {name} does not fit the type that the protocol gives its column.",
            advice="Correct the row at the spoke and send it again, or correct the protocol.",
        ) from None


def label_value(value: Any) -> dict[str, Any]:
    """Return a label's value as the columns `value` (text) and `value_number`; a truth is `true` or `false`, no number."""
    if isinstance(value, bool):
        return {"value": str(value).lower(), "value_number": None}
    number = float(value) if isinstance(value, int | float) else None
    return {"value": None if value is None else str(value), "value_number": number}


def without(table: pa.Table, subject: str) -> pa.Table:
    """Return the table without a subject's rows."""
    return table.filter(pc.not_equal(table["subject"], subject))


def encode(table: pa.Table) -> bytes:
    """Write Parquet whose bytes follow from the rows and their order (and the version of the writing library)."""
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", compression_level=6, version="2.6", data_page_version="1.0",
        store_schema=False, write_statistics=True,
    ) as writer:  # fmt: skip
        for start in range(0, max(table.num_rows, 1), _GROUP):
            writer.write_table(table.slice(start, _GROUP).combine_chunks(), row_group_size=_GROUP)
    return sink.getvalue()


def holds(data: bytes, table: pa.Table) -> bool:
    """Say whether Parquet bytes read back as the table that they were written from, a group of rows at a time."""
    read = pq.ParquetFile(io.BytesIO(data))
    rows = 0
    for batch in read.iter_batches(batch_size=_GROUP):
        there = pa.table(batch).select(table.schema.names).cast(table.schema)
        if not there.equals(table.slice(rows, there.num_rows)):
            return False
        rows += there.num_rows
    return bool(rows == table.num_rows)


def decode(data: bytes, schema: pa.Schema) -> pa.Table:
    """Read what `encode` wrote; a column that its writer did not know yet is empty."""
    held = pq.read_table(io.BytesIO(data))
    for field in schema:
        if field.name not in held.column_names:
            held = held.append_column(field, pa.nulls(held.num_rows, field.type))
    return held.select(schema.names).cast(schema)


def fact_columns(facts: pl.Series, wanted: tuple[Fact, ...]) -> list[pl.Series]:
    """Return these columns of instances' DICOM facts, told as JSON objects of plain values.

    A value that is not what the attribute holds becomes null.
    """
    told = _decoded(facts, pl.Struct({one.keyword: pl.String for one in wanted})).struct
    return [_typed(told.field(one.keyword), one.type).rename(one.column) for one in wanted]


def _decoded(facts: pl.Series, kind: pl.Struct) -> pl.Series:
    try:
        return facts.str.json_decode(kind)
    except pl.exceptions.ComputeError:  # an infinity or no number at all, which JSON has no word for
        plain = [json.loads(one, parse_constant=lambda _: None) for one in facts]
        return pl.Series([json.dumps(one) for one in plain], dtype=pl.String).str.json_decode(kind)


def _typed(texts: pl.Series, kind: pa.DataType) -> pl.Series:
    plain = texts.str.strip_chars().replace("", None) if kind != TEXT else texts.replace("", None)
    if kind == NUMBERS:
        numbers = plain.str.split("\\").list.eval(
            pl.element().str.strip_chars().cast(pl.Float64, strict=False)
        )
        return numbers.set(numbers.list.eval(pl.element().is_null()).list.any(), None)
    return plain.cast({TEXT: pl.String, NUMBER: pl.Float64, WHOLE_NUMBER: pl.Int64}[kind], strict=False)


def reader(wanted: tuple[Fact, ...]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what picks these columns out of DICOM facts; a value that is not what the attribute holds becomes null."""
    known = tuple((fact.column, fact.keyword, _AS.get(fact.type, str)) for fact in wanted)

    def read(facts: Mapping[str, Any]) -> dict[str, Any]:
        return {column: _fit(facts.get(keyword), kind) for column, keyword, kind in known}

    return read


@lru_cache(maxsize=1024)
def _numbers(value: Any) -> list[float]:
    return [float(part) for part in str(value).split("\\")]


def _whole(value: Any) -> int | None:
    number = int(value)
    return number if -(2**63) <= number < 2**63 else None


_AS: Mapping[pa.DataType, Callable[[Any], Any]] = {NUMBERS: _numbers, NUMBER: float, WHOLE_NUMBER: _whole}


def _fit(value: Any, kind: Callable[[Any], Any]) -> Any:
    if value is None or value == "":
        return None
    try:
        return kind(value)
    except (ValueError, OverflowError):
        return None
