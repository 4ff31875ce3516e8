"""What a draft says of itself: counted over its tables and papers, so that a change in them changes the fact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from midas.kernel import Evidence, Ink
from midas.release.content import Content
from midas.release.documents import whole_files
from midas.release.facts import evidence
from midas.release.gathering import gather


@pytest.fixture
def content(ward: Any) -> Content:
    return gather(draft=ward.draft("1.0.0"), store=ward.store)


def facts(content: Content) -> dict[str, Evidence]:
    found = evidence(content, whole_files(content))
    kinds = [one.kind for one in found]
    assert len(kinds) == len(set(kinds))
    return {one.kind: one for one in found}


def with_column(content: Content, table: str, column: str, values: list[Any]) -> Content:
    held = content.tables[table]
    at = held.schema.get_field_index(column)
    changed = held.set_column(at, held.schema.field(at), pa.array(values, held.schema.field(at).type))
    return replace(content, tables={**content.tables, table: changed})


def test_every_fact_is_computed_and_says_where_it_stands(content: Content) -> None:
    papers = {*whole_files(content), "clinical/", "SHA256SUMS"}
    for one in facts(content).values():
        assert (one.ink, one.demonstration) == (Ink.COMPUTED, False)
        assert one.source in papers, one.kind


def test_each_kind_is_one_that_the_rubric_knows(content: Content) -> None:
    from midas.grading import rubric_named

    assert {one.kind for one in facts(content).values()} <= set(rubric_named("midas-2.0-draft-1").kinds)


def test_a_table_that_does_not_come_back_is_no_round_trip(content: Content) -> None:
    files = whole_files(content)
    assert facts(content)["standards.round_trip"].value is True
    days = [9] * content.tables["visits"].num_rows
    other = whole_files(with_column(content, "visits", "day", days))["visits.parquet"]
    found = {one.kind: one for one in evidence(content, {**files, "visits.parquet": other})}
    assert found["standards.round_trip"].value is False


def test_an_image_without_a_profile_was_not_deidentified(content: Content) -> None:
    names = content.tables["manifest"]["deid"].to_pylist()
    assert facts(content)["privacy.deidentified"].value is True
    found = facts(with_column(content, "manifest", "deid", ["", *names[1:]]))
    assert found["privacy.deidentified"].value is False
    assert float(found["provenance.lineage_share"].value) == pytest.approx(1 - 1 / len(names))


def test_an_approval_that_has_ended_is_none(content: Content) -> None:
    assert facts(content)["ethics.approval"].value is True
    protocol = content.about.protocol
    ended = tuple(one.model_copy(update={"valid_until": "2026-01-01"}) for one in protocol.ethics)
    late = replace(content.about, protocol=protocol.model_copy(update={"ethics": ended}))
    assert facts(replace(content, about=late))["ethics.approval"].value is False


def test_a_leak_of_the_audit_is_a_direct_identifier(content: Content) -> None:
    found = facts(content)["privacy.direct_identifiers"]
    assert (found.value, found.unit) == (0, "identifiers")
    report = tuple(
        {
            **batch,
            "report": {**batch["report"], "audit": {**batch["report"]["audit"], "leaks": {"identifier": 2}}},
        }
        for batch in content.report
    )
    assert facts(replace(content, report=report))["privacy.direct_identifiers"].value == 2 * len(report)
    unmeasured = ({**content.report[0], "report": {"schema": "midas-deid-report/1"}},)
    assert "privacy.direct_identifiers" not in facts(replace(content, report=unmeasured))
