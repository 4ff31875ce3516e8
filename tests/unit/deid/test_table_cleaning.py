"""A table beside images: pseudonyms and shifts as the images have them, nothing that names a person, nothing guessed."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import openpyxl
import pydicom
import pytest
from tests.deid_bench import ct

from midas.compute import here
from midas.deid import Secret, load_profile
from midas.deid.clinical import clean_cell
from midas.deid.clinical_again import _records
from midas.deid.columns import Given, load_columns, measured
from midas.deid.folder import Summary, folder, plan_folder
from midas.deid.formulas import inert
from midas.deid.words import Known

SECRET = Secret.of(bytes(range(64)))
HEAD = ["MRD No.", "Patient Name", "Referred By", "D.O.B", "Age", "Gender", "Mobile", "District", "Visit Date",
        "HPV status", "Tumour size (cm)", "Clinical History", "StudyInstanceUID"]  # fmt: skip
ROW = ["UH-2020-000001", "Kiran Deshmukh", "Dr. Meenal Kulkarni", "12/03/1931", "92", "F", "9823041577", "Wardha",
       "14/06/2019", "positive", "2.5",
       "Kiran c/o ulcer on left lateral tongue since 3 months, call 98230 41577, seen by Kulkarni on 02/05/2019",
       "1.2.826.0.1.77.1"]  # fmt: skip
SECRETS = ("kiran", "deshmukh", "meenal", "kulkarni", "9823041577", "98230", "wardha", "uh-2020-000001", "14/06/2019",
           "02/05/2019", "12/03/1931", "1.2.826.0.1.77.1")  # fmt: skip


def write(path: Path, *rows: list[str], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def image(root: Path, number: int = 1, **attributes: object) -> None:
    ds = ct(
        PatientID=f"UH-2020-00000{number}", PatientName="Deshmukh^Kiran", StudyInstanceUID=f"1.2.826.0.1.77.{number}",
        SOPInstanceUID=f"1.2.826.0.1.77.{number}.1.1", **attributes,
    )  # fmt: skip
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    (root / "in").mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(root / "in" / f"{number}.dcm", ds, enforce_file_format=True)


def cleaned(root: Path, *, profile: str = "research", columns: Given | None = None) -> Summary:
    return folder(
        root / "in", root / "out", report=root / "owner", profile=load_profile(profile), secret=SECRET, runner=here(),
        columns=columns,
    )  # fmt: skip


def listed(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "owner" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def tables(root: Path) -> dict[str, list[list[str]]]:
    """Return the cleaned tables by the name of their source; the second sheet of a workbook follows as `name 2`."""
    found: dict[str, list[list[str]]] = {}
    for one in listed(root, "file-map.csv"):
        if one["output"].startswith("tables/"):
            with (root / "out" / one["output"]).open(encoding="utf-8", newline="") as stream:
                found[f"{one['source']} 2" if one["source"] in found else one["source"]] = list(
                    csv.reader(stream)
                )
    return found


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-16", ";"), ("cp1252", "\t")])
def test_a_table_leaves_as_its_images_do(tmp_path: Path, encoding: str, delimiter: str) -> None:
    image(tmp_path)
    write(tmp_path / "in" / "Kiran follow up.csv", HEAD, ROW, encoding=encoding, delimiter=delimiter)
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned, done.held, done.persons) == (2, 2, 0, 1)
    (rows,) = tables(tmp_path).values()
    assert rows[0] == [
        "MRD No.", "Age", "Gender", "Visit Date", "HPV status", "Tumour size (cm)", "Clinical History", "StudyInstanceUID",
    ]  # fmt: skip
    told = dict(zip(*rows, strict=True))
    (ds,) = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert (told["MRD No."], told["StudyInstanceUID"]) == (ds.PatientID, ds.StudyInstanceUID)
    day, month, year = told["Visit Date"].split("/")
    assert ds.StudyDate == year + month + day, "one person, one shift"
    assert (told["Age"], told["Gender"], told["HPV status"], told["Tumour size (cm)"]) == (
        "90",
        "F",
        "positive",
        "2.5",
    )
    assert "ulcer on left lateral tongue since 3 months" in told["Clinical History"]
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            text = (path.read_bytes().decode("latin-1") + str(path.relative_to(tmp_path / "out"))).casefold()
            assert not [one for one in SECRETS if one in text]


def test_what_a_table_tells_of_a_person_cleans_its_images(tmp_path: Path) -> None:
    image(tmp_path, StudyDescription="CT Neck, informed by Zebunnisa")
    write(tmp_path / "in" / "list.csv", ["UHID", "Guardian", "Score"], ["uh 2020/000001", "Zebunnisa", "3"])
    done = cleaned(tmp_path)
    assert done.persons == 1, "signs between the figures of a number tell nobody apart"
    (ds,) = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert "Neck" in ds.StudyDescription
    assert "Zebunnisa" not in ds.StudyDescription


def test_unknown_columns_hold_the_whole_table_until_somebody_says_what_they_are(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", ["UHID", "Blorf", "Xyzzy", "Score"], ["AV-1", "Sunil Wagh", "7", "2"])
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned, done.held, done.reasons) == (1, 0, 1, {"column-unknown": 1})
    (row,) = listed(tmp_path, "held.csv")
    assert "“Blorf”, “Xyzzy”" in row["detail"]
    assert "--columns" in row["what_to_do"]
    assert not list((tmp_path / "out").rglob("*.csv"))
    roles = tmp_path / "roles.yaml"
    roles.write_text("schema: midas-deid-columns/1\ncolumns: {Blorf: name, Xyzzy: value}\n", "utf-8")
    assert cleaned(tmp_path, columns=load_columns(roles)).cleaned == 1
    assert tables(tmp_path)["a.csv"] == [
        ["UHID", "Xyzzy", "Score"],
        [SECRET.pseudonym("id\x1f\x1fAV-1"), "7", "2"],
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([["colour", "score"], ["red", "1"]], "table-of-nobody"),
        ([["UHID", "Visit date"], ["AV-1", "some day"]], "column-unknown"),
        ([["UHID", "Token value"], ["AV-1", "1"], ["AV-2", "2"]], ""),
        ([["UHID", "Dr Sharma score"], ["AV-1", "1"]], ""),
    ],
)
def test_what_cannot_be_told_is_held_or_left_out(tmp_path: Path, rows: list[list[str]], reason: str) -> None:
    write(tmp_path / "in" / "a.csv", *rows)
    done = cleaned(tmp_path)
    assert list(done.reasons) == ([reason] if reason else [])
    if not reason:
        assert [len(row) for row in tables(tmp_path)["a.csv"]] == [1] * len(rows), "the column is gone"


def test_a_workbook_gives_a_table_for_each_sheet_or_none(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("more")
    first.append(["UHID", "Visit date", "Pain"])
    first.append(["AV-20-00817", date(2019, 6, 14), 3])
    second.append(["UHID", "Remarks"])
    second.append(["AV-20-00817", "biopsy of the tongue, Ramesh knows"])
    (tmp_path / "in").mkdir()
    book.save(tmp_path / "in" / "register.xlsx")
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned) == (1, 1)
    one, two = tables(tmp_path).values()
    shift = int(listed(tmp_path, "patient-map.csv")[0]["shift_days"])
    assert (date.fromisoformat(one[1][1]) - date(2019, 6, 14)).days == shift
    assert two[1][1].startswith("biopsy of the tongue")
    assert "Ramesh" not in two[1][1]
    second.cell(1, 3, "Blorf")
    second.cell(2, 3, "x")
    book.save(tmp_path / "in" / "register.xlsx")
    assert cleaned(tmp_path).reasons == {"column-unknown": 1}
    assert not list((tmp_path / "out").rglob("*.csv")), "what was released is taken back, both sheets"


def test_a_parquet_file_leaves_as_csv(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "in").mkdir()
    columns = {"UHID": ["AV-20-1"], "Name": ["Kiran"], "Visit date": [date(2019, 6, 14)], "Size mm": [2.5]}
    pq.write_table(pa.table(columns), tmp_path / "in" / "a.parquet")
    assert cleaned(tmp_path).cleaned == 1
    (rows,) = tables(tmp_path).values()
    assert rows[0] == ["UHID", "Visit date", "Size mm"]
    assert rows[1][2] == "2.5"
    assert rows[1][1] != "2019-06-14"
    pq.write_table(pa.table({"UHID": ["AV-20-1"], "x": [[1, 2]]}), tmp_path / "in" / "a.parquet")
    assert cleaned(tmp_path).reasons == {"table-unreadable": 1}


def test_a_table_of_files_alone_follows_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from midas.deid import clinical

    image(tmp_path)
    write(
        tmp_path / "in" / "labels.csv",
        ["file", "label", "Read on"],
        ["1.dcm", "benign", "14/06/2019"],
        ["", "x", ""],
    )
    assert cleaned(tmp_path).held == 0
    (path,) = (tmp_path / "out").rglob("*.dcm")
    head, row, _ = tables(tmp_path)["labels.csv"]
    assert (head, row[0]) == (["file", "label", "Read on"], str(path.relative_to(tmp_path / "out")))
    day, month, year = row[2].split("/")
    assert pydicom.dcmread(path).StudyDate == year + month + day
    monkeypatch.setattr(clinical._Sheet, "_day", lambda self, cell, shift, column: cell)
    write(tmp_path / "in" / "labels.csv", ["file", "Read on"], ["1.dcm", "14/06/2019"])
    assert cleaned(tmp_path).reasons == {"verification-failed": 1}, "here too a day that stayed is seen"


def test_rows_without_a_number_stand_for_a_person_of_their_own_and_it_is_said(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", ["UHID", "Score"], ["AV-20-1", "1"], ["", "2"], ["NA", "3"])
    cleaned(tmp_path)
    names = [row[0] for row in tables(tmp_path)["a.csv"][1:]]
    assert names[1] == names[2] != names[0]
    assert "deid.person.unknown" in (tmp_path / "owner" / "report.json").read_text("utf-8")


def test_further_numbers_link_rows_and_contradictions_are_not_guessed_away(tmp_path: Path) -> None:
    image(tmp_path)
    write(tmp_path / "in" / "a.csv", ["UHID", "Other UHID", "Score"], ["NEW-77812", "UH-2020-000001", "1"])
    cleaned(tmp_path)
    (ds,) = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert tables(tmp_path)["a.csv"][1][0] == ds.PatientID


def test_the_basic_profile_keeps_no_day_sex_age_or_text(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", HEAD, ROW)
    cleaned(tmp_path, profile="basic")
    assert tables(tmp_path)["a.csv"][0] == ["MRD No.", "StudyInstanceUID"]


def test_a_second_run_keeps_the_table_and_a_changed_one_is_done_anew(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", ["UHID", "Score"], ["AV-20-1", "1"])
    assert cleaned(tmp_path).kept == 0
    assert cleaned(tmp_path).kept == 1
    write(tmp_path / "in" / "a.csv", ["UHID", "Score"], ["AV-20-1", "22"])
    assert cleaned(tmp_path).kept == 0
    assert tables(tmp_path)["a.csv"][1][1] == "22"
    assert len(list((tmp_path / "out").rglob("*.csv"))) == 1


@pytest.mark.parametrize("wrong", ["words", "days", "rows", "pseudonym"])
def test_the_second_reading_finds_what_the_first_let_through(
    tmp_path: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks in the code that writes, nothing of it comes out."""
    from midas.deid import clinical

    write(tmp_path / "in" / "a.csv", HEAD, ROW)
    if wrong == "words":
        monkeypatch.setattr(clinical, "clean_cell", lambda cell, names, *, role: cell)
    elif wrong == "days":
        monkeypatch.setattr(clinical._Sheet, "_day", lambda self, cell, shift, column: cell)
    elif wrong == "rows":
        before = clinical._Sheet._rows
        monkeypatch.setattr(clinical._Sheet, "_rows", lambda self, rows: list(before(self, rows)) * 2)
    else:
        before_cell = clinical._Sheet._cell
        monkeypatch.setattr(
            clinical._Sheet, "_cell",
            lambda self, column, cell, *rest: cell if column.role == "person" else before_cell(self, column, cell, *rest),
        )  # fmt: skip
    done = cleaned(tmp_path)
    assert done.reasons == {"verification-failed": 1}
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_the_second_reader_reads_what_the_csv_module_writes(tmp_path: Path) -> None:
    rows = [["a", 'b "c"', ""], ["", "", ""], ["x,y", "line\nline", "end"], ["", "1", '"']]
    path = write(tmp_path / "a.csv")
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    assert _records(path.read_text("utf-8")) == rows


def test_the_plan_names_the_table_and_touches_nothing(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", HEAD, ROW)
    counts = plan_folder(
        tmp_path / "in", tmp_path / "out", profile=load_profile("research"), secret=SECRET, report=tmp_path / "owner",
        runner=here(),
    )  # fmt: skip
    assert counts == {"in": 1, "clean": 0, "held": 0, "looked at when run": 1}
    assert "whole table" in (tmp_path / "owner" / "plan.jsonl").read_text("utf-8")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "role", "stays"), [
    ("98.6", "number", "98.6"), ("<0.5 mg/dl", "number", "<0.5 mg/dl"), ("9823041577", "number", ""),
    ("12/03/1971", "number", ""), ("Moderately differentiated", "category", "Moderately differentiated"),
    ("Kiran", "category", ""), ("anything", "name", ""), ("Squamous", "person", ""), ("12/03/1971", "birth-date", ""),
    ("Pain since 3 months, Kiran", "text", "Pain since 3 months"),
])  # fmt: skip
def test_a_cell_leaves_by_the_role_of_its_column(text, role, stays):
    assert clean_cell(text, Known.of([("name", "Kiran Deshmukh")]), role=role) == stays


@pytest.mark.parametrize(
    "cell", ["12 Ramesh", "11Gurpreet", "45 Kumar", ">5 Sukhdev", "98230.41577", "98231,415778"]
)
def test_a_word_or_a_telephone_number_is_no_measure(cell):
    assert not measured(cell)


@pytest.mark.parametrize("cell", ["9", "11.2 g/dl", "3.5 cm", "<0.5 mg/dl", "98.6 °F", "15000", "60%"])
def test_measures_as_laboratories_write_them_stay(cell):
    assert measured(cell)


@pytest.mark.parametrize(("heading", "cell"), [
    ("Balwinder Gharuan date", "02/05/2019"), ("Remarks Zubeida 9823041577", "well"), ("Hb 4512 1234 9876", "12"),
    ("Sex Gurpreet", "F"), ("Hb 12/03/2019", "12"),
])  # fmt: skip
def test_a_heading_that_may_name_somebody_holds_its_table(tmp_path, heading, cell):
    write(
        tmp_path / "in" / "t.csv", ["Patient ID", heading], ["UH-2020-000001", cell], ["UH-2020-000002", cell]
    )
    assert cleaned(tmp_path).held == 1
    assert [one["reason"] for one in listed(tmp_path, "held.csv")] == ["column-unknown"]


def test_ages_over_89_are_capped_whatever_else_stands_in_their_column(tmp_path):
    ages = ["97", "45Y 3M", "61Y 2M", "103", "94/F"]
    write(
        tmp_path / "in" / "t.csv",
        ["Patient ID", "Age"],
        *([f"UH-2020-00000{at}", age] for at, age in enumerate(ages)),
    )
    assert cleaned(tmp_path).cleaned == 1
    (rows,) = tables(tmp_path).values()
    assert sorted(row[1] for row in rows[1:]) == ["", "", "", "90", "90"]


def _workbook(path: Path, *sheets: list[list[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_sheet_of_one_column_is_cleaned(tmp_path: Path) -> None:
    image(tmp_path)
    _workbook(tmp_path / "in" / "list.xlsx", [["MRD No."], ["UH-2020-000001"], ["UH-2020-000001"]])
    done = cleaned(tmp_path)
    assert (done.cleaned, done.held) == (2, 0)
    (rows,) = tables(tmp_path).values()
    assert rows[0] == ["MRD No."]
    assert len({row[0] for row in rows[1:]}) == 1
    assert rows[1][0].startswith("P-")


def test_a_sheet_of_names_alone_is_held_and_said(tmp_path: Path) -> None:
    image(tmp_path)
    good = [["MRD No.", "HPV status"], ["UH-2020-000001", "positive"]]
    _workbook(tmp_path / "in" / "list.xlsx", good, [["Patient Name"], ["Kiran Deshmukh"], ["Asha Rao"]])
    done = cleaned(tmp_path)
    assert (done.cleaned, done.held) == (1, 1)
    assert tables(tmp_path) == {}


def test_no_cell_leaves_as_a_formula_and_values_with_signs_stay(tmp_path: Path) -> None:
    image(tmp_path)
    head = ["MRD No.", "Clinical History", "HPV status", "Refraction"]
    evil = [
        '=HYPERLINK("http://x.example","ulcer")',
        "@SUM(1+9)",
        "+cmd|' /C calc'!A0",
        "- ulcer on tongue",
        "＝1+2 ulcer",
    ]
    rows = [["UH-2020-000001", cell, "+ve" if at % 2 else "-ve", "-3.5"] for at, cell in enumerate(evil)]
    write(tmp_path / "in" / "visits.csv", head, *rows)
    assert cleaned(tmp_path).held == 0
    (out,) = tables(tmp_path).values()
    assert not any(cell[:1] in "=+-@" and cell[1:2] not in "v3" for row in out for cell in row if cell)
    assert {row[3] for row in out[1:]} == {"-3.5"}
    assert {row[2] for row in out[1:]} == {"+ve", "-ve"}
    assert any("ulcer on tongue" in row[1] for row in out)


@pytest.mark.parametrize(
    "cell",
    [
        "-3.5",
        "+2.25 D",
        "-1.25 DS / -0.50 DC x 180",
        "+",
        "++",
        "+++",
        "-ve",
        "+VE",
        "-10 to +5",
        "ulcer",
        "3",
        "",
    ],
)
def test_values_are_no_formulas(cell: str) -> None:
    assert inert(cell) == cell


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "@SUM(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "\t=1",
        "\r=1",
        "＝1",
        "- oedema",
        "+A1",
    ],
)
def test_formulas_become_text(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


def test_a_title_above_a_table_is_no_column(tmp_path: Path) -> None:
    image(tmp_path)
    _workbook(
        tmp_path / "in" / "list.xlsx",
        [["Visits"], ["MRD No.", "HPV status"], ["UH-2020-000001", "positive"]],
        [["Notes"]],
    )
    cleaned(tmp_path)
    (rows,) = tables(tmp_path).values()
    assert [row[1] for row in rows] == ["HPV status", "positive"]
