"""Tables: the same rows give the same bytes and come back as they were; a subject taken out is nowhere in them."""

from __future__ import annotations

import json

import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.release import tables

NAMES = [f"P-0000{number}-0000{number}" for number in range(4)]
ROWS = st.lists(
    st.fixed_dictionaries({
        "subject": st.sampled_from(NAMES), "target": st.just("t"), "level": st.just("lesion"), "source": st.just("s"),
        "value": st.none() | st.text("aé नமا", max_size=5), "value_number": st.none() | st.floats(allow_nan=False),
        "readers": st.lists(st.text("abc", max_size=3), max_size=2),
    }),
    max_size=8,
)  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_bytes_follow_from_the_rows_and_come_back(rows: list[dict[str, object]]) -> None:
    table = tables.arrow("labels", rows, tables.LABELS)
    data = tables.encode(table)
    assert data == tables.encode(tables.arrow("labels", [dict(row) for row in rows], tables.LABELS))
    back = tables.decode(data, tables.LABELS)
    assert back.equals(table)
    assert tables.encode(back) == data
    assert tables.holds(data, table)
    assert not tables.holds(data, pa.concat_tables([table, table])) or not rows


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, name=st.sampled_from(NAMES))
def test_who_is_taken_out_is_not_in_the_bytes(rows: list[dict[str, object]], name: str) -> None:
    table = tables.without(tables.arrow("labels", rows, tables.LABELS), name)
    assert name.encode() not in tables.encode(table)
    kept = [row for row in rows if row["subject"] != name]
    assert table.equals(tables.arrow("labels", kept, tables.LABELS))


WRITTEN = st.from_regex(
    r"[+-]?([0-9]{1,6}(\.[0-9]{0,4})?|\.[0-9]{1,4})([eE][+-]?[0-9])?", fullmatch=True
).map(str.strip)
ANY = st.none() | st.text(" aé\\0", max_size=6) | WRITTEN
MANY = st.lists(WRITTEN, min_size=1, max_size=3).map("\\".join)
WHOLE = st.integers(-(2**70), 2**70)
TOLD = {
    tables.TEXT: ANY, tables.WHOLE_NUMBER: ANY | WHOLE, tables.NUMBERS: ANY | MANY,
    tables.NUMBER: ANY | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False),
}  # fmt: skip
FACTS = tables.INSTANCE_FACTS + tables.SERIES_FACTS
OF_ONE = st.fixed_dictionaries({}, optional={one.keyword: TOLD[one.type] for one in FACTS})


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(told=st.lists(OF_ONE, max_size=4))
def test_facts_read_as_columns_are_those_read_one_by_one(told: list[dict[str, object]]) -> None:
    texts = pl.Series([json.dumps(one) for one in told], dtype=pl.String)
    columns = {one.name: one.to_list() for one in tables.fact_columns(texts, FACTS)}
    rows = [tables.reader(FACTS)(one) for one in told]
    for fact in FACTS:
        for found, wanted in zip(columns[fact.column], (row[fact.column] for row in rows), strict=True):
            assert found == wanted, (fact, [one.get(fact.keyword) for one in told])


def test_an_infinity_among_facts_is_no_value_and_harms_no_other() -> None:
    texts = pl.Series(['{"Rows": 5, "SliceThickness": Infinity, "KVP": NaN}', '{"Rows": 6, "KVP": 120}'])
    columns = {one.name: one.to_list() for one in tables.fact_columns(texts, FACTS)}
    assert (columns["rows"], columns["slice_thickness_mm"], columns["tube_voltage_kv"]) == (
        [5, 6],
        [None] * 2,
        [None, 120.0],
    )
