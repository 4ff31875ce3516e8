"""`croissant.json` in the hands of MLCommons' own reader: no error, no warning, records from the folder."""

from __future__ import annotations

import json

import mlcroissant
import pytest

from midas.release import export


@pytest.fixture
def folder(ward):
    return export(ward.cut(ward.draft()), store=ward.store, folder=ward.folder / "out")


def test_mlcroissant_finds_neither_error_nor_warning(folder) -> None:
    issues = mlcroissant.Dataset(folder / "croissant.json").metadata.ctx.issues
    assert issues.errors == set()
    assert issues.warnings == set()


def test_every_record_set_loads_from_the_folder(folder) -> None:
    dataset = mlcroissant.Dataset(folder / "croissant.json")
    counts = {one.id: sum(1 for _ in dataset.records(one.id)) for one in dataset.metadata.record_sets}
    assert counts == {
        "manifest": 12, "subjects": 6, "visits": 12, "lesions": 6, "specimens": 0, "series": 6, "labels": 6,
        "readings": 0, "splits": 6,
        "clinical-persons": 0, "clinical-visits": 6, "clinical-tumours": 6,
    }  # fmt: skip


def test_records_carry_the_values_of_the_tables(folder) -> None:
    dataset = mlcroissant.Dataset(folder / "croissant.json")
    row = next(iter(dataset.records("manifest")))
    assert row["manifest/path"].startswith(b"data/P-")
    assert row["manifest/rows"] == 128
    assert [round(float(one), 6) for one in row["manifest/pixel_spacing_mm"]] == [0.661468, 0.661468]
    assert row["manifest/magnetic_field_t"] is None


def test_the_reader_would_notice_a_file_that_is_not_declared(folder) -> None:
    path = folder / "croissant.json"
    document = json.loads(path.read_text())
    document["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "nowhere.parquet"
    path.write_text(json.dumps(document))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(path)
