"""What a heading says of its column, what the cells add, and how days are moved as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midas.deid.celldates import orders_of, read_day, shifted
from midas.deid.columns import Column, Counted, Given, capped, columns_of, load_columns, role_of
from midas.kernel import BadInput, NotFound


def table(
    columns: dict[str, Sequence[str]], given: Given | None = None
) -> tuple[dict[str, str], tuple[str, ...]]:
    counted = []
    for cells in columns.values():
        seen = Counted()
        for cell in cells:
            seen.see(cell)
        counted.append(seen)
    made, wrong = columns_of(tuple(columns), counted, given or Given())
    return {one.heading: one.role for one in made}, wrong


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("UHID No.", "person"), ("PatientID", "person"), ("यूएचआईडी", "person"), ("Patient Name", "name"),
        ("Referred By", "name"), ("Treating surgeon", "name"), ("Father's name", "guardian"), ("D.O.B.", "birth-date"),
        ("Mobile", "phone"), ("Emergency contact", "phone"), ("Aadhaar No", "identifier"), ("E-mail", "identifier"),
        ("Accession Number", "identifier"), ("Slide no", "identifier"), ("Village / Town", "address"), ("PIN", "address"),
        ("Religion", "drop"), ("S.No", "drop"), ("Age (years)", "age"), ("M/F", "sex"), ("Date of surgery", "date"),
        ("Discharged on", "date"), ("SeriesInstanceUID", "uid"), ("Image file", "file"), ("Clinical History", "text"),
        ("ICD-10 code", "value"), ("Drug name", "value"), ("Lesion no", "value"), ("Number of lesions", "value"),
        ("Xyzzy", None), ("Haemoglobin", None),
    ],
)  # fmt: skip
def test_headings(heading: str, role: str | None) -> None:
    assert role_of(heading) == role


def test_plain_headings_are_what_their_cells_are_and_others_are_not_guessed() -> None:
    roles, wrong = table({
        "Haemoglobin": ["11.2", "NA", "9"], "Relapse": ["2019-06-14", "2020-01-02"], "Time": ["10:22", "23:59:01"],
        "Xyzzy": ["a", "b"], "Count": ["48211", "48212", "48219"], "Empty": ["", "nil"], "pT": ["T1", "T2"],
    })  # fmt: skip
    assert roles["Haemoglobin"] == roles["pT"] == "value"
    assert (roles["Relapse"], roles["Time"], roles["Empty"]) == ("date", "time", "drop")
    assert [one.split("”")[0].strip("“") for one in wrong] == ["Xyzzy", "Count"]


def test_cells_that_contradict_their_heading_make_the_table_wrong() -> None:
    _, wrong = table(
        {"Visit date": ["soon", "later"], "StudyInstanceUID": ["1", "2"], "Group": ["88123", "88124"]}
    )
    assert len(wrong) == 3
    assert table({"Visit date": ["14/06/2019"] * 19 + ["soon"]})[1] == ()


def test_of_two_numbers_of_a_person_the_surer_one_counts() -> None:
    roles, _ = table({"Case no": ["1"], "UHID": ["AV-1"], "OPD No": ["77"]})
    assert roles == {"Case no": "alias", "UHID": "person", "OPD No": "alias"}


def test_a_file_of_roles_wins_and_names_its_wrong_word(tmp_path: Path) -> None:
    path = tmp_path / "roles.yaml"
    path.write_text("schema: midas-deid-columns/1\ncolumns:\n  Xyzzy: value\n  Case No: drop\n", "utf-8")
    roles, wrong = table({"xyzzy": ["a"], "CASE NO": ["1"], "UHID": ["AV-1"]}, load_columns(path))
    assert (roles, wrong) == ({"xyzzy": "value", "CASE NO": "drop", "UHID": "person"}, ())
    path.write_text("schema: midas-deid-columns/1\ncolumns: {Xyzzy: keep}\n", "utf-8")
    with pytest.raises(BadInput, match=r"roles\.yaml: columns\.Xyzzy"):
        load_columns(path)
    with pytest.raises(NotFound):
        load_columns(tmp_path / "none.yaml")


def test_a_protocol_says_what_its_columns_are() -> None:
    from midas.protocol import load_named

    path = Path(__file__).parents[3] / "src/midas/protocol/shipped/oral-cancer.yaml"
    given = load_columns(path)
    assert given.digest == load_named("oral-cancer").sha256
    assert given.roles["uhidnumber"] == "person"
    assert given.roles["lawfulbasis"] == "drop"


@pytest.mark.parametrize(
    ("cell", "order", "moved"),
    [
        ("2019-06-14", "day", "2019-06-04"), ("14/06/2019", "day", "04/06/2019"), ("1/7/2019", "day", "21/6/2019"),
        ("06/14/2019", "month", "06/04/2019"), ("14-Jun-2019", "day", "04-Jun-2019"),
        ("5th July 2019", "day", "25 June 2019"),
        ("14JUN19", "day", "04JUN19"), ("20190614", "day", "20190604"), ("14.06.19", "day", "04.06.19"),
        ("2019-06-14T10:22:05", "day", "2019-06-04T10:22:05"), ("14/06/2019 9:05 PM", "day", "04/06/2019 9:05 PM"),
        ("१४/०६/२०१९", "day", "04/06/2019"), ("31/02/2019", "day", ""), ("Jun 2019", "day", ""), ("14/06", "day", ""),
        ("soon", "day", ""),
    ],
)  # fmt: skip
def test_days_move_as_they_are_written(cell: str, order: str, moved: str) -> None:
    assert shifted(cell, -10, order) == moved  # type: ignore[arg-type]


@given(
    st.dates(date(1941, 1, 1), date(2040, 1, 1)), st.integers(-730, -1), st.sampled_from("day month".split())
)
def test_every_interval_is_kept(day: date, days: int, order: str) -> None:
    for form in ("%Y-%m-%d", "%d/%m/%Y" if order == "day" else "%m/%d/%Y", "%d-%b-%Y", "%Y%m%d"):
        moved = read_day(shifted(day.strftime(form), days, order), order)  # type: ignore[arg-type]
        assert moved is not None
        assert (moved[0] - day).days == days


def test_a_day_that_can_be_read_both_ways_is_told() -> None:
    assert orders_of("03/04/2019") == {"day", "month"}
    assert orders_of("14/04/2019") == {"day"}
    assert table({"UHID": ["1"] * 2, "Visit date": ["04/14/2019", "04/02/2019"]})[1] == ()


@pytest.mark.parametrize(
    ("cell", "age"),
    [("45", "45"), ("92", "90"), ("89 Y", "89 Y"), ("101 yrs", "90 years"), ("3 months", "3 months"), ("old", ""),
     ("450", ""), ("1100 m", ""), ("40000 d", "")],
)  # fmt: skip
def test_ages_over_89_are_one_group(cell: str, age: str) -> None:
    assert capped(cell) == age


def test_columns_that_name_somebody_never_leave() -> None:
    assert not any(
        Column("x", role).leaves
        for role in (
            "alias",
            "abha",
            "name",
            "guardian",
            "identifier",
            "phone",
            "address",
            "birth-date",
            "drop",
            "year",
        )
    )
