"""Tables come out as text, whatever wrote them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from midas.formats import Kind, sniff, tables
from midas.kernel import BadInput

ROWS = 'uhid{d}name{d}note\n1{d}राम José{d}"two\nlines, ""quoted"""\n\n2{d} B {d}\n'


def read(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    (sheet,) = tables.read(path, sniff(path))
    return sheet.headings, list(sheet.rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_in_any_encoding_and_delimiter(encoding: str, delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(ROWS.format(d=delimiter).replace("\n", "\r\n").encode(encoding))
    headings, rows = read(path)
    assert headings == ("uhid", "name", "note")
    assert rows == [("1", "राम José", 'two\r\nlines, "quoted"'), ("2", "B", "")]


def test_one_windows_character_after_much_ascii_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"a,b\n" + b"x,y\n" * 50_000 + "José,z\n".encode("cp1252"))
    assert read(path)[1][-1] == ("José", "z")


def test_ragged_rows_keep_every_cell(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"a,b,c\n1,2,3\n1\n1,2,3,4,5\n,,\n9,8,7\n9,8,7\n")
    assert read(path)[1] == [
        ("1", "2", "3"),
        ("1", "", ""),
        ("1", "2", "3 4 5"),
        ("9", "8", "7"),
        ("9", "8", "7"),
    ]


def test_xlsx_sheets_dates_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Persons"
    first.append(["UHID", "Birth  date", "Weight", "Seen", "Ok"])
    first.append([123456789012, dt.date(1980, 2, 29), 61.5, dt.datetime(2025, 1, 2, 3, 4, 5), True])  # noqa: DTZ001 - a sheet knows no zone
    first.append(["0042", None, None, None, None])
    book.create_sheet("Empty")
    second = book.create_sheet("Titled")
    second.append(["Report of March"])
    second.append(["a", "b"])
    second.append([1, "x"])
    path = tmp_path / "t.bin"
    book.save(path)
    assert sniff(path) is Kind.XLSX
    sheets = {sheet.name: (sheet.headings, list(sheet.rows)) for sheet in tables.read(path, Kind.XLSX)}
    assert sheets == {
        "Persons": (
            ("UHID", "Birth date", "Weight", "Seen", "Ok"),
            [("123456789012", "1980-02-29", "61.5", "2025-01-02T03:04:05", "true"), ("0042", "", "", "", "")],
        ),
        "Titled": (("a", "b"), [("1", "x")]),
    }


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(BadInput):
        list(tables.read(path, Kind.XLSX))


def test_running_text_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"Dear colleague,\nthis is a letter.\n")
    with pytest.raises(BadInput):
        list(tables.read(path, Kind.CSV))
