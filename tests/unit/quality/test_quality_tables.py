"""Clinical tables: a good one passes, each evil one is named by its check, at its hospital, and its rows are found."""

import polars as pl
import pytest

from midas.kernel import Severity
from midas.protocol import load_named
from midas.protocol.model import Column, Condition, Limit, Logic, Protocol, Table
from midas.quality.agreement import CHECKS as AGREEMENT
from midas.quality.agreement import examine_agreement
from midas.quality.checks import findings
from midas.quality.tables import CHECKS, examine_table, missingness, with_sites, wrong_rows

ROWS = 40
SUBJECTS = pl.DataFrame({"subject": [f"P{n}" for n in range(ROWS)], "spoke": ["north"] * 20 + ["south"] * 20})
VISITS = pl.DataFrame({"subject": SUBJECTS["subject"], "visit": ["baseline"] * ROWS})

TABLE = Table(
    id="lesions", title={"en": "Lesions"}, grain="lesion",
    columns=(
        Column(name="uhid", role="person"),
        Column(name="length-mm", type="number", unit="mm", min=0, max=150),
        Column(name="width-mm", type="number", unit="mm", min=0, max=150),
        Column(name="pain", type="integer", min=0, max=10),
        Column(name="ulcer", type="boolean"),
        Column(name="impression", type="category", values=("normal", "opmd", "malignant"), required=True),
        Column(name="icd", type="category", vocabulary="ICD10", values=("C06.9", "K13.5")),
    ),
    rules=(
        Logic(id="width-within-length", title={"en": "No lesion is wider than long"},
              then=(Condition(column="width-mm", at_most="length-mm"),)),
        Logic(id="normal-does-not-hurt", title={"en": "What is normal does not hurt"}, severity="warning", cites="clinic",
              when=(Condition(column="impression", one_of=("normal",)),),
              then=(Condition(column="pain", max=0), Condition(column="ulcer", none_of=(True,)))),
        Logic(id="malignant-is-coded", title={"en": "A malignant lesion has a code"},
              when=(Condition(column="impression", one_of=("malignant",)),), then=(Condition(column="icd", known=True),)),
    ),
)  # fmt: skip


def good(**changed):
    columns = {
        "subject": SUBJECTS["subject"], "visit": ["baseline"] * ROWS, "lesion": ["1"] * ROWS,
        "specimen": pl.Series([None] * ROWS, dtype=pl.String),
        "length_mm": [float(10 + n % 7) for n in range(ROWS)], "width_mm": [float(5 + n % 5) for n in range(ROWS)],
        "pain": [n % 4 for n in range(ROWS)], "ulcer": [n % 2 == 0 for n in range(ROWS)],
        "impression": ["opmd", "malignant"] * (ROWS // 2), "icd": ["K13.5", "C06.9"] * (ROWS // 2),
    }  # fmt: skip
    return pl.DataFrame(columns | changed)


def put(column, at, value):
    """Return the good table with one cell changed; a cell of another type makes the column text, as a sheet does."""
    frame = good()
    held = frame[column].to_list()
    if isinstance(value, str) and frame.schema[column] != pl.String:
        held = [str(one).lower() for one in held]
    held[at] = value
    return frame.with_columns(pl.Series(column, held))


def look(frame, table=TABLE):
    return findings(examine_table(frame, table, subjects=SUBJECTS, visits=VISITS))


def test_a_good_table_has_no_finding_and_each_check_says_that_it_ran():
    measured = list(examine_table(good(), TABLE, subjects=SUBJECTS, visits=VISITS))
    assert findings(measured) == ()
    assert {one.check for one in measured} == {one.id for one in CHECKS}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("length_mm", -1.0, "table.range"),
        ("length_mm", 151.0, "table.range"),
        ("length_mm", "about 12", "table.type"),
        ("length_mm", "NaN", "table.type"),
        ("length_mm", "1e999", "table.type"),
        ("pain", "3.5", "table.whole"),
        ("ulcer", "maybe", "table.type"),
        ("impression", "Malignant?", "table.value"),
        ("impression", None, "table.required"),
        ("impression", "  ", "table.required"),
        ("icd", "C6.9", "table.code"),
        ("icd", "06.9", "table.code"),
        ("subject", "P-nobody", "table.row-orphaned"),
        ("visit", "never", "table.row-orphaned"),
        ("width_mm", 140.0, "table.logic"),
    ],
)  # fmt: skip
def test_one_evil_cell_is_one_row_at_its_hospital(column, value, rule):
    frame = put(column, 25, value)
    found = {one.rule: one for one in look(frame)}
    assert rule in found
    site = "unknown" if column == "subject" else "south"
    table, where, about = found[rule].scope.split("/")
    assert (table, where) == ("lesions", site)
    assert found[rule].message.startswith("1 of ")
    assert found[rule].advice
    rows = wrong_rows(frame, TABLE, check=rule, about=about, subjects=SUBJECTS, visits=VISITS)
    assert rows["subject"].to_list() == [frame["subject"][25]]
    if isinstance(value, str) and value.strip() and value != "NaN":
        assert all(value not in one.message for one in found.values())


def test_an_empty_cell_breaks_no_rule_but_the_one_that_asks_for_it():
    assert look(put("width_mm", 3, None)) == ()
    (found,) = look(put("icd", 3, None))
    assert (found.rule, found.scope) == ("table.logic", "lesions/north/malignant-is-coded")


def test_a_rule_has_its_own_severity_and_source():
    frame = put("impression", 2, "normal")
    (found,) = look(frame)
    assert (found.scope, found.severity, found.cites) == (
        "lesions/north/normal-does-not-hurt", Severity.WARNING, "clinic"
    )  # fmt: skip


def test_the_same_lesion_twice():
    frame = pl.concat([good(), good().head(1)])
    (found,) = look(frame)
    assert (found.rule, found.message[:8]) == ("table.row-repeated", "2 of 21 ")


def test_columns_that_are_gone_or_that_nobody_declared():
    found = {one.rule: one for one in look(good().drop("pain").with_columns(phone=pl.lit("x")))}
    assert found["table.column-absent"].scope == "lesions/*/pain"
    assert found["table.column-unknown"].severity is Severity.ERROR
    assert "phone" not in found["table.column-unknown"].message


def test_an_empty_table_is_looked_at():
    assert look(good().head(0)) == ()


def test_what_is_missing_and_at_which_hospital():
    frame = good(pain=[None] * 15 + [1] * 25)
    found = {(one.rule, one.scope) for one in look(frame)}
    assert found == {
        ("table.missing", "lesions/north/pain"),
        ("table.missing-at-one-site", "lesions/north/pain"),
    }
    shares = missingness(with_sites(frame, SUBJECTS), TABLE).filter(pl.col("column") == "pain")
    north = shares.row(by_predicate=pl.col("spoke") == "north", named=True)
    assert (north["rows"], north["missing"], north["share"]) == (20, 15, 0.75)
    assert north["low"] == pytest.approx(0.531299, abs=1e-6)  # Wilson score interval, worked by hand
    assert north["high"] == pytest.approx(0.888138, abs=1e-6)


def test_a_few_rows_say_nothing_of_a_hospital():
    frame = good(pain=[None] * 3 + [1] * 37).filter(~pl.col("subject").is_in([f"P{n}" for n in range(5, 20)]))
    assert {one.rule for one in look(frame)} == {"table.missing"}


def test_the_protocol_moves_a_limit():
    table = TABLE.model_copy(update={"quality": (Limit(check="table.missing", max=0.9, severity="error"),)})
    frame = good(pain=[None] * 15 + [1] * 25)
    assert {one.rule for one in look(frame, table)} == {"table.missing-at-one-site"}
    all_gone = {one.rule: one for one in look(good(pain=pl.Series([None] * 40, dtype=pl.Int64)), table)}
    assert all_gone["table.missing"].severity is Severity.ERROR


def test_a_limit_of_no_check_is_said():
    table = TABLE.model_copy(update={"quality": (Limit(check="table.mising", max=0.9),)})
    (found,) = look(good(), table)
    assert (found.rule, found.scope) == ("protocol.unknown-limit", "lesions/*")


def test_a_hospital_that_wrote_centimetres():
    lengths = [(10 + n % 7) / 10 if n < 20 else float(10 + n % 7) for n in range(ROWS)]
    found = [one for one in look(good(length_mm=lengths, width_mm=[0.1] * ROWS)) if one.rule == "table.unit"]
    assert {one.scope for one in found} == {"lesions/north/length-mm"}
    assert "multiplied by 10" in found[0].message


def test_twice_as_large_is_no_other_unit():
    lengths = [float(10 + n % 7) * (2 if n < 20 else 1) for n in range(ROWS)]
    assert look(good(length_mm=lengths)) == ()


ORAL: Protocol = load_named("oral-cancer").protocol
PERSONS = pl.DataFrame({"subject": ["a", "b"], "sex": ["F", "U"]})
SEEN = pl.DataFrame({"subject": ["a", "b"], "visit": ["baseline"] * 2, "day": [0, 0], "age_years": [50, 90]})
LESIONS = pl.DataFrame({"subject": ["a", "b"], "lesion": ["1", "1"], "laterality": ["left", "midline"]})


def compare(**changed):
    image = {
        "subject": "a",
        "visit": "baseline",
        "lesion": "1",
        "series_uid": "1.2.3",
        "sex": "F",
        "age_years": 50,
        "side": "L",
        "day": 0,
    }
    frame = pl.DataFrame([image | changed])
    return list(examine_agreement(frame, ORAL, subjects=PERSONS, visits=SEEN, lesions=LESIONS))  # fmt: skip


def test_an_image_that_agrees():
    assert [(one.check, one.finding) for one in compare()] == [(one.id, None) for one in AGREEMENT]


@pytest.mark.parametrize(
    ("changed", "rule", "value"),
    [
        ({"sex": "M"}, "agreement.sex", 1),
        ({"age_years": 52}, "agreement.age", 2),
        ({"side": "R"}, "agreement.side", 1),
        ({"day": 46}, "agreement.date", 46),
        ({"day": -46}, "agreement.date", 46),
    ],
)
def test_an_image_that_does_not(changed, rule, value):
    (found,) = [one for one in compare(**changed) if one.finding]
    assert (found.check, found.value) == (rule, value)
    assert found.finding.scope == "1.2.3"
    assert found.finding.severity is Severity.ERROR


@pytest.mark.parametrize(
    "changed",
    [
        {"sex": "U"}, {"sex": None}, {"age_years": 51}, {"age_years": None}, {"side": "B"}, {"side": "U"}, {"side": None},
        {"day": 45}, {"day": None}, {"visit": None}, {"lesion": None},
        {"subject": "b", "sex": "M", "age_years": 95, "side": "R"},
    ],
)  # fmt: skip
def test_silence_contradicts_nothing(changed):
    assert findings(compare(**changed)) == ()


def test_a_fact_that_images_lack_is_not_compared():
    frame = pl.DataFrame(
        {"subject": ["a"], "visit": ["baseline"], "lesion": ["1"], "series_uid": ["1"], "sex": ["M"]}
    )
    found = list(examine_agreement(frame, ORAL, subjects=PERSONS, visits=SEEN, lesions=LESIONS))
    assert [one.check for one in found] == ["agreement.sex"]
