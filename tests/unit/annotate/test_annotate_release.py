"""What readers said, in a release: labels, every reading, drawn objects; frozen by the draft, gone with the person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import mlcroissant
import polars as pl
import pytest
from tests.reading_ward import NOW, Ward, outline, pseudonym

from midas.annotate.models import ReaderCode, Reading, TaskItem
from midas.kernel import FixedClock
from midas.manifest import verify_folder
from midas.release import export
from midas.release.models import Release, ReleaseFile
from midas.web import flows


@pytest.fixture
def read(ward: Ward) -> Ward:
    """Impressions of all six (one settled by the adjudicator), and two outlines that agree."""
    task = ward.task()
    values = ("opmd", "malignant", "normal", "opmd", "malignant", "opmd")
    for number, value in enumerate(values, start=1):
        ward.read("asha", task, number, value)
        ward.read("ravi", task, number, "normal" if number == 2 else value)
    ward.settle(task, 2, "opmd", why="A white patch, no growth.")
    drawn = ward.task("lesion-outlines", most=2)
    for number in (1, 2):
        image = ward.image_of(drawn, number)
        ward.read("asha", drawn, number, data=outline(image, rows=(4, 12)))
        ward.read("ravi", drawn, number, data=outline(image, rows=(5, 12)))
    return ward


def exported(ward: Ward, release: Release, folder: Path) -> Path:
    return export(release, store=ward.store, folder=folder)


def test_settled_readings_become_labels_and_all_readings_stand_beside_them(
    read: Ward, tmp_path: Path
) -> None:
    release = read.cut(read.draft())
    folder = exported(read, release, tmp_path / "out")
    labels = pl.read_parquet(folder / "labels.parquet")
    impressions = labels.filter(pl.col("source") == "reading:impressions")
    assert impressions.height == 6
    disputed = impressions.filter(pl.col("agreement") == 0).row(0, named=True)
    assert (disputed["value"], disputed["level"], disputed["lesion"]) == ("opmd", "lesion", "L1")
    assert disputed["readers"] == sorted(ReaderCode.objects.values_list("code", flat=True))
    readings = pl.read_parquet(folder / "readings.parquet")
    assert readings.filter(pl.col("task") == "impressions").height == 13
    of_item = readings.filter(pl.col("subject") == disputed["subject"], pl.col("task") == "impressions")
    assert sorted(of_item["value"]) == ["malignant", "normal", "opmd"]
    assert of_item.filter(pl.col("stands"))["role"].to_list() == ["adjudicator"]
    names = {one.username for one in read.people.values()}
    assert not any(name in (folder / "readings.parquet").read_bytes().decode("latin-1") for name in names)


def test_what_was_drawn_is_a_file_of_the_release_and_described(read: Ward, tmp_path: Path) -> None:
    release = read.cut(read.draft())
    folder = exported(read, release, tmp_path / "out")
    readings = pl.read_parquet(folder / "readings.parquet").filter(pl.col("task") == "lesion-outlines")
    assert readings.height == 4
    assert all((folder / path).is_file() for path in readings["object_path"])
    labels = pl.read_parquet(folder / "labels.parquet").filter(pl.col("source") == "reading:lesion-outlines")
    assert set(labels["segmentation_path"]) == set(readings.filter(pl.col("stands"))["object_path"])
    assert labels["agreement"].to_list() == pytest.approx([14 / 15] * 2)
    manifest = pl.read_parquet(folder / "manifest.parquet").filter(pl.col("kind") == "label")
    assert set(manifest["modality"]) == {"SEG"}
    sheet = (folder / "DATASHEET.md").read_text()
    assert "| `impressions` | 6 | 13 | 5 | κ 0.74 (" in sheet
    assert "| `lesion-outlines` | 2 | 4 | 2 | Dice 0.93 (0.93 to 0.93)" in sheet
    assert "made at the hub" not in sheet
    described = mlcroissant.Dataset(json.loads((folder / "croissant.json").read_text()))
    assert "readings" in {one.id for one in described.metadata.record_sets}
    assert not described.metadata.issues.errors
    assert verify_folder(folder).ok


def test_a_draft_freezes_the_settled_readings_that_it_draws_on(read: Ward) -> None:
    draft = read.draft()
    assert len(draft.readings) == 8
    task = read.task("lesion-outlines")
    image = read.image_of(task, 1)
    for who in ("asha", "ravi"):
        read.read(who, task, 1, data=outline(image, rows=(1, 4)))
    release = read.cut(draft)
    assert release.summary["readings"] == 17
    assert read.cut(draft) == release
    assert len(read.draft("1.1.0").readings) == 9


def test_readings_leave_every_release_with_the_person(read: Ward, tmp_path: Path) -> None:
    release = read.cut(read.draft())
    gone = TaskItem.objects.filter(task__name="lesion-outlines").first()
    assert gone
    name = gone.subject.pseudonym
    digests = set(
        Reading.objects.filter(assignment__item__subject__pseudonym=name)
        .exclude(sha256="")
        .values_list("sha256", flat=True)
    )
    assert len(digests) == 2
    flows.withdraw(
        pseudonym=name, dataset="oral-cancer", why="person", store=read.store, signer=read.signer,
        clock=FixedClock(NOW + timedelta(days=9)),
    )  # fmt: skip
    release.refresh_from_db()
    folder = exported(read, release, tmp_path / "out")
    for table in ("labels", "readings", "manifest"):
        assert name not in pl.read_parquet(folder / f"{table}.parquet")["subject"].to_list()
    assert set(read.store.missing(sorted(digests))) == digests
    assert not ReleaseFile.objects.filter(release=release, sha256__in=digests).exists()
    assert not TaskItem.objects.filter(subject__pseudonym=name).exists()
    assert verify_folder(folder).ok
    assert pseudonym(1)
