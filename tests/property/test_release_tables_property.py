"""Tables: the same rows give the same bytes and come back as they were; a subject taken out is nowhere in them."""

from __future__ import annotations

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


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_bytes_follow_from_the_rows_and_come_back(rows: list[dict[str, object]]) -> None:
    table = tables.arrow("labels", rows, tables.LABELS)
    data = tables.encode(table)
    assert data == tables.encode(tables.arrow("labels", [dict(row) for row in rows], tables.LABELS))
    back = tables.decode(data, tables.LABELS)
    assert back.equals(table)
    assert tables.encode(back) == data


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, name=st.sampled_from(NAMES))
def test_who_is_taken_out_is_not_in_the_bytes(rows: list[dict[str, object]], name: str) -> None:
    table = tables.without(tables.arrow("labels", rows, tables.LABELS), name)
    assert name.encode() not in tables.encode(table)
    kept = [row for row in rows if row["subject"] != name]
    assert table.equals(tables.arrow("labels", kept, tables.LABELS))
