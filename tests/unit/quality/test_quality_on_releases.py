"""The tables of a release are what tables, privacy and coverage are measured on: names and types fit, also when empty."""

import polars as pl

from midas.protocol import load_named
from midas.quality.checks import findings
from midas.quality.coverage import measure
from midas.quality.ladders import ladders
from midas.quality.persons import attributes, persons
from midas.quality.risk import risk
from midas.quality.tables import examine_table
from midas.release.tables import FIXED, arrow, clinical_schema

ORAL = load_named("oral-cancer").protocol
GIVEN = {
    "subjects": [{"subject": "a", "sex": "F", "spoke": "kle-dental"}, {"subject": "b", "sex": "M", "spoke": "spdc-wardha"}],
    "visits": [{"subject": "a", "visit": "baseline", "day": 0, "age_years": 41}],
    "clinical/persons": [{"subject": "a", "state": "Goa", "tobacco": "never", "areca_nut": True}],
    "clinical/specimens": [{"subject": "a", "specimen": "1", "diagnosis": "dysplasia", "grade": "low"}],
}  # fmt: skip


def release(given):
    schemas = dict(FIXED) | {f"clinical/{one.id}": clinical_schema(one) for one in ORAL.tables}
    made = {name: arrow(name, given.get(name, []), schema) for name, schema in schemas.items()}
    return {
        name: frame for name, table in made.items() if isinstance(frame := pl.from_arrow(table), pl.DataFrame)
    }


def test_a_release():
    tables = release(GIVEN)
    known = attributes(ORAL)
    people = persons(ORAL, tables)
    assert risk(people, quasi=known.quasi, sensitive=known.sensitive).persons == 2
    assert [one.attribute for one in ladders(ORAL, people, known.quasi)] == list(known.quasi)
    assert {one.variable: one.persons for one in measure(ORAL, tables)[""]} == {"sex": 2}
    for table in ORAL.tables:
        rows = tables[f"clinical/{table.id}"]
        seen = examine_table(rows, table, subjects=tables["subjects"], visits=tables["visits"])
        assert {one.rule for one in findings(seen)} <= {"table.missing"}


def test_an_empty_release():
    tables = release({})
    assert persons(ORAL, tables).height == 0
    assert [one.distance for one in measure(ORAL, tables)[""]] == [1.0]
    for table in ORAL.tables:
        assert clinical_schema(table).names[:4] == ["subject", "visit", "lesion", "specimen"]
        rows = tables[f"clinical/{table.id}"]
        assert (
            findings(examine_table(rows, table, subjects=tables["subjects"], visits=tables["visits"])) == ()
        )
