"""Evidence for the grade from tables, privacy and coverage: each fact is one that was measured."""

import polars as pl

from midas.protocol import load_named
from midas.quality.attacker import attack
from midas.quality.checks import registry
from midas.quality.coverage import measure
from midas.quality.evidence import of_coverage, of_privacy, of_tables
from midas.quality.risk import risk
from midas.quality.rows import frame_of
from midas.quality.tables import examine_table

ORAL = load_named("oral-cancer").protocol
SPECIMENS = next(one for one in ORAL.tables if one.id == "specimens")
ROWS = [
    {"subject": "a", "specimen": "1", "diagnosis": "normal", "grade": None},
    {"subject": "b", "specimen": "1", "diagnosis": None, "grade": "low"},
    {"subject": "b", "specimen": "1", "diagnosis": "dysplasia", "grade": "low"},
]
TABLES = {
    "subjects": pl.DataFrame({"subject": ["a", "b"], "sex": ["F", "U"], "spoke": ["x", "y"]}),
    "visits": pl.DataFrame({"subject": ["a", "b"], "visit": ["baseline"] * 2, "day": [0, 0], "age_years": [50, 60]}),
    "clinical/specimens": frame_of(SPECIMENS, ROWS),
}  # fmt: skip
HERE = {"about": "oral-cancer@1.0.0", "source": "quality.json"}


def said(evidence):
    return {one.kind: one for one in evidence}


def test_privacy():
    people = pl.DataFrame({"subject": [*"abcd"], "sex": [*"FFMM"]})
    measured = risk(people, quasi=["sex"])
    attacks = [attack(people, quasi=["sex"], seed=1, knows=knows) for knows in (0.0, 1.0)]
    found = said(of_privacy(measured, attacks, **HERE))
    assert found["privacy.probability"].value == 0.5
    assert found["privacy.identification"].value == "coarse"
    worst = found["privacy.attack_success"]
    assert (worst.value, worst.low, worst.high) == (attacks[1].success, attacks[1].low, attacks[1].high)
    alone = risk(people, quasi=["subject"])
    assert said(of_privacy(alone, [], **HERE))["privacy.identification"].value == "unique"


def test_coverage():
    found = said(of_coverage(measure(ORAL, TABLES), TABLES, **HERE))
    assert found["representation.sites"].value == 2
    assert found["representation.source_known"].value is True
    assert found["representation.demographics_share"].value == 0.5
    assert found["representation.targets"].value is False
    gap = found["representation.gap"]
    assert (gap.value, gap.of) == (0.5, 1)
    assert gap.low <= gap.value <= gap.high


def test_tables():
    measured = list(
        examine_table(
            TABLES["clinical/specimens"], SPECIMENS, subjects=TABLES["subjects"], visits=TABLES["visits"]
        )
    )
    found = said(of_tables(ORAL, TABLES, measured, **HERE))
    assert found["standards.filled_share"].value == 2 / 3
    assert found["standards.logic_errors"].value == 0
    assert found["readiness.duplicates"].value == 2


def test_rows_become_columns_of_the_type_that_the_protocol_says_or_text():
    persons = ORAL.tables[0]
    rows = [
        {"subject": "a", "alcohol": True, "areca-nut": True},
        {"subject": "b", "alcohol": None, "areca-nut": "yes"},
    ]
    frame = frame_of(persons, rows)
    assert frame.schema["alcohol"] == pl.Boolean
    assert frame["areca_nut"].to_list() == ["true", "yes"]
    assert "tobacco" not in frame.columns


def test_the_checks_of_tables_stand_in_the_registry():
    ids = registry().keys()
    assert {"table.type", "table.logic", "table.missing-at-one-site", "agreement.side"} <= ids
    assert all(check.title.keys() == {"en", "hi"} for check in registry().values())
