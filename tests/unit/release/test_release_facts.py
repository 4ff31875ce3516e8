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


def test_unknown_sex_and_age_lower_the_share_of_demographics(content: Content) -> None:
    number = content.tables["subjects"].num_rows
    whole = float(facts(content)["representation.demographics_share"].value)
    sexes = ["U", *content.tables["subjects"]["sex"].to_pylist()[1:]]
    fewer = facts(with_column(content, "subjects", "sex", sexes))["representation.demographics_share"]
    assert float(fewer.value) == pytest.approx(whole - 1 / number)
    ages = [None] * content.tables["visits"].num_rows
    assert (
        facts(with_column(content, "visits", "age_years", ages))["representation.demographics_share"].value
        == 0
    )


def test_an_image_that_is_there_twice_is_a_copy(content: Content) -> None:
    digests = content.tables["manifest"]["sha256"].to_pylist()
    assert facts(content)["readiness.duplicates"].value == 0
    twice = with_column(content, "manifest", "sha256", [digests[0], *digests[:-1]])
    assert facts(twice)["readiness.duplicates"].value == 1


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
