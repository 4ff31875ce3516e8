"""Rows, images beside the tables, and views: what the first look says of them stands beside the item, and names nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from tests.unit.spoke.conftest import CLOCK, LESIONS, PERSONS, write_table

from midas import compute
from midas.protocol import load_named, parse
from midas.quality.leaks import examine_line
from midas.quality.rows import frame_of
from midas.quality.tables import examine_rows
from midas.spoke import flow
from midas.spoke.intake import items
from midas.spoke.vault.projects import desk, open_project

RULE = """
    rules:
      - id: long-is-malignant
        title: {en: What is longer than 10 mm is not called normal}
        when: [{column: length-mm, min: 10}]
        then: [{column: clinical-impression, one_of: [opmd]}]
"""


def take(work: Any, folder: Path) -> None:
    flow.receive(home=work.home, folder=folder, runner=compute.here(), clock=CLOCK)


def named(work: Any, part: str) -> list[Any]:
    return [one for one in items.of_project(work.project).order_by("pk") if part in items.name_of(work, one)]


def rules(item: Any) -> list[str]:
    return [one["rule"] for one in item.findings]


def changed(path: Path, **facts: str) -> None:
    ds = dcmread(path)
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    ds.save_as(path)


@pytest.fixture
def ruled(work: Any) -> Any:
    source = load_named("oral-cancer").source
    at = source.index("\n    columns:", source.index("- id: lesions\n"))
    open_project(home=work.home, loaded=parse((source[:at] + RULE.rstrip() + source[at:]).encode()))
    return desk(home=work.home)


def test_a_row_that_breaks_a_rule_is_told_by_its_number_and_goes_when_it_is_corrected(
    ruled: Any, export: Path, tmp_path: Path
) -> None:
    take(ruled, export)
    first = next(one for one in named(ruled, "lesions") if rules(one))
    (found,) = first.findings
    assert (first.state, found["rule"], found["severity"]) == ("waiting", "table.logic", "error")
    assert found["message"].startswith("Row 2: Table lesions, the row breaks the rule long-is-malignant")
    assert "WR/24" not in str(first.findings)
    assert sum(bool(rules(one)) for one in named(ruled, "lesions")) == 1
    better = [LESIONS[0], (*LESIONS[1][:6], "opmd"), LESIONS[2]]
    take(ruled, write_table(tmp_path / "again" / "lesions.csv", better).parent)
    assert [one.state for one in named(ruled, "lesions") if rules(one)] == []


def test_an_image_of_another_sex_is_held_until_the_table_agrees(
    work: Any, export: Path, tmp_path: Path
) -> None:
    changed(export / "scans" / "Ramesh" / "1.dcm", PatientSex="F", PatientAge="062Y")
    take(work, export)
    (item,) = named(work, "Ramesh/1.dcm")
    assert (item.state, item.reason) == ("held", "quality")
    assert item.detail == "The image says another sex than the table."
    assert "agreement.sex" in rules(item)
    table = [PERSONS[0], (*PERSONS[1][:8], "F", *PERSONS[1][9:]), *PERSONS[2:]]
    take(work, write_table(tmp_path / "again" / "Patients.csv", table).parent)
    (item,) = named(work, "Ramesh/1.dcm")
    assert (item.state, item.stage, rules(item).count("agreement.sex")) == ("waiting", "cleaned", 0)


def test_a_table_that_says_otherwise_later_holds_what_was_ready(
    work: Any, export: Path, tmp_path: Path
) -> None:
    changed(export / "scans" / "Ramesh" / "1.dcm", PatientSex="M", PatientAge="062Y")
    take(work, export)
    (item,) = named(work, "Ramesh/1.dcm")
    assert (item.state, item.stage) == ("waiting", "cleaned")
    table = [PERSONS[0], (*PERSONS[1][:8], "F", *PERSONS[1][9:]), *PERSONS[2:]]
    take(work, write_table(tmp_path / "again" / "Patients.csv", table).parent)
    (item,) = named(work, "Ramesh/1.dcm")
    assert (item.state, item.reason) == ("held", "quality")
    assert item.outputs.count() == 0
    flow.decide(items=[item], verdict="accept", why="Asked: the table is wrong.", home=work.home, clock=CLOCK)
    take(work, tmp_path / "again")
    (item,) = named(work, "Ramesh/1.dcm")
    assert (item.state, item.stage) == ("waiting", "cleaned"), "a person's word stands"


def test_an_age_that_nobody_gave_contradicts_nothing(work: Any, export: Path) -> None:
    changed(export / "scans" / "Ramesh" / "1.dcm", PatientSex="O", PatientAge="000Y")
    take(work, export)
    (item,) = named(work, "Ramesh/1.dcm")
    assert item.state == "waiting"
    assert not [one for one in rules(item) if one.startswith("agreement.")]


ORAL = load_named("oral-cancer").protocol
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=6, max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([one for one in ORAL.tables if any(c.leaves for c in one.columns)]),
    st.lists(st.tuples(WORDS, st.sampled_from(["9823012345", "Deshmukhwar", "1961-03-05"])), min_size=1),
)
def test_no_finding_of_a_row_repeats_what_a_cell_says(table: Any, typed: list[tuple[str, str]]) -> None:
    import polars as pl

    leaving = [one.name for one in table.columns if one.leaves]
    place = {"subject": "P-7K3QM-2XV9A", "visit": "baseline", "lesion": None, "specimen": None}
    rows = [{**place, **dict.fromkeys(leaving, f"{a}{b}")} for a, b in typed]
    visits = pl.DataFrame({"subject": ["P-7K3QM-2XV9A"], "visit": ["baseline"]})
    told = [
        one.finding
        for _, one in examine_rows(
            frame_of(table, rows), table, subjects=visits.select("subject"), visits=visits
        )
    ]
    for finding in filter(None, told):
        said = str(finding.to_dict())
        assert not any(a + b in said or b in said for a, b in typed)
        assert examine_line({"text": finding.message}) == ()
