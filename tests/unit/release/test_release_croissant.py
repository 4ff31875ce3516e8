"""`croissant.json` in the hands of MLCommons' own reader: no error, no warning, records from the folder."""

from __future__ import annotations

import json

import mlcroissant
import pytest

from midas.kernel import sha256_file
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


def test_it_conforms_to_the_responsible_ai_vocabulary_with_counted_fields(folder) -> None:
    document = json.loads((folder / "croissant.json").read_text())
    assert document["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0",
    ]  # fmt: skip
    assert document["@context"]["rai"] == "http://mlcommons.org/croissant/RAI/"
    assert document["rai:dataBiases"] == [
        "Persons by sex: F 50.0% (target 50.0%), M 50.0% (target 50.0%).", "All persons come from one hospital.",
    ]  # fmt: skip
    assert document["rai:dataCollectionMissingData"].startswith("clinical/tumours: ")
    assert "rai:annotationsPerItem" not in document, "nothing was read in a task, so nothing is said"
    metadata = mlcroissant.Dataset(folder / "croissant.json").metadata
    assert metadata.data_biases == document["rai:dataBiases"]
    assert metadata.data_limitations == document["rai:dataLimitations"]


def test_papers_are_declared_with_their_digests(folder) -> None:
    declared = {
        one["@id"]: one.get("sha256")
        for one in json.loads((folder / "croissant.json").read_text())["distribution"]
    }
    for name in ("gates.json", "leakage.json", "provenance.json", "changes.json"):
        assert declared[name] == sha256_file(folder / name)


def test_the_reader_would_notice_a_file_that_is_not_declared(folder) -> None:
    path = folder / "croissant.json"
    document = json.loads(path.read_text())
    document["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "nowhere.parquet"
    path.write_text(json.dumps(document))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(path)
