"""Cutting: the same draft gives the same key, a changed one is refused, and who may not be in it is not."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from midas.kernel import BadInput, Conflict
from midas.manifest import Answer, key_of, verify_folder
from midas.release import entries, export, look, tree_of


def table(ward, release, path: str) -> pl.DataFrame:
    from midas.release.models import ReleaseFile

    digest = ReleaseFile.objects.get(release=release, path=path).sha256
    return pl.read_parquet(io.BytesIO(b"".join(ward.store.read(digest))))


def test_a_release_verifies_offline_and_holds_every_promised_file(ward) -> None:
    release = ward.cut(ward.draft())
    folder = export(release, store=ward.store, folder=ward.folder / "out")
    verdict = verify_folder(folder, trusted=ward.signer.public_hex)
    assert verdict.ok
    assert verdict.key == release.key == key_of(tree_of(release))
    assert verdict.about == {
        "schema": "midas-seal/1", "key": release.key, "dataset": "meningioma", "version": "1.0.0", "twin": False,
        "cut_at": "2026-11-22T06:30:00+00:00", "software": "midas 0.1.0",
    }  # fmt: skip
    top = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".dcm"
    }
    assert top >= {
        "README.md", "DATASHEET.md", "DATASHEET.html", "LICENSE.txt", "protocol.yaml", "croissant.json",
        "manifest.parquet", "subjects.parquet", "visits.parquet", "lesions.parquet", "specimens.parquet",
        "series.parquet", "clinical/visits.parquet", "clinical/tumours.parquet", "labels.parquet", "splits.parquet",
        "deid/report.json", "deid/report.html", "SHA256SUMS", "seal/seal.json", "seal/tree.ndjson", "seal/salts.json",
    }  # fmt: skip
    assert len(list(folder.rglob("*.dcm"))) == 12


def test_one_changed_byte_is_wrong(ward) -> None:
    folder = export(ward.cut(ward.draft()), store=ward.store, folder=ward.folder / "out")
    image = next(folder.rglob("*.dcm"))
    data = bytearray(image.read_bytes())
    data[-1] ^= 1
    image.write_bytes(data)
    verdict = verify_folder(folder)
    assert not verdict.ok
    assert [file.path for file in verdict.files if file.answer is Answer.WRONG] == [
        image.relative_to(folder).as_posix()
    ]


def test_the_same_draft_twice_is_the_same_release(ward) -> None:
    draft = ward.draft()
    first, second = ward.cut(draft), ward.cut(draft)
    assert (first.pk, first.key) == (second.pk, second.key)


def test_the_key_follows_from_the_draft_and_not_from_the_time_of_cutting(ward) -> None:
    from datetime import timedelta

    from midas.kernel import FixedClock
    from midas.release.models import Release, ReleaseFile, ReleaseSubject

    draft = ward.draft()
    first = ward.cut(draft).key
    for model in (ReleaseFile, ReleaseSubject, Release):
        model.objects.all().delete()
    ward.clock = FixedClock(ward.clock.at + timedelta(days=9))
    assert ward.cut(draft).key == first


def test_a_draft_changed_after_cutting_is_refused(ward) -> None:
    draft = ward.draft()
    ward.cut(draft)
    draft.notes = "other words"
    draft.save()
    with pytest.raises(Conflict, match="changed after it was cut"):
        ward.cut(draft)


def test_data_changed_after_cutting_is_refused(ward) -> None:
    from midas.catalogue.models import Visit

    draft = ward.draft()
    ward.cut(draft)
    Visit.objects.filter(name="post-op").update(day=64)
    with pytest.raises(Conflict, match="would not come out"):
        ward.cut(draft)


def test_a_draft_is_frozen_when_it_is_made(ward) -> None:
    draft = ward.draft()
    batch = ward.submission(9, [])
    ward.person(9, batch)
    assert ward.cut(draft).summary["subjects"] == 6
    assert ward.cut(ward.draft("1.1.0")).summary["subjects"] == 7


def test_persons_without_basis_or_image_or_withdrawn_are_left_out_and_named(ward) -> None:
    from midas.catalogue.models import Subject

    batch = ward.submission(9, [])
    for number, basis in (
        (10, []),
        (11, [{"kind": "consent", "ethics": "unheard-of", "scope": []}]),
        (12, [{"kind": "consent", "ethics": "retrospective-waiver", "scope": []}]),
    ):
        ward.person(number, batch, basis=basis)
    ward.person(13, batch, images=0)
    gone = ward.person(14, batch)
    Subject.objects.filter(pk=gone.pk).update(withdrawn_at=ward.clock.now())
    release = ward.cut(ward.draft())
    named = {one["subject"]: one["why"] for one in release.summary["left_out"]}
    names = ward.names()[6:]
    assert named == dict(zip(names, ["no lawful basis"] * 3 + ["no image", "withdrawn"], strict=True))
    held = {entry.owner for entry in entries(release)} - {""}
    assert held == set(ward.names()[:6])
    everything = b"".join(
        b"".join(ward.store.read(entry.sha256))
        for entry in entries(release)
        if not entry.path.endswith(".parquet")
    )
    for name in names:
        assert name.encode() not in everything
        for path in ("subjects", "visits", "lesions", "labels", "splits", "clinical/visits"):
            assert name not in table(ward, release, f"{path}.parquet")["subject"].to_list()


def test_the_manifest_has_one_row_per_instance_with_its_place_and_facts(ward) -> None:
    release = ward.cut(ward.draft())
    rows = table(ward, release, "manifest.parquet")
    files = {entry.path: entry for entry in entries(release) if entry.owner}
    assert rows.height == 12
    assert rows["path"].to_list() == sorted(files)
    for row in rows.iter_rows(named=True):
        entry = files[row["path"]]
        assert (row["sha256"], row["size"], row["subject"]) == (entry.sha256, entry.size, entry.owner)
        assert (
            row["path"]
            == f"data/{row['subject']}/{row['study_uid']}/{row['series_uid']}/{row['sop_instance_uid']}.dcm"
        )
    assert rows.row(0, named=True)["pixel_spacing_mm"] == [0.661468, 0.661468]
    assert set(rows["frames"]) == {1}
    series = table(ward, release, "series.parquet")
    assert series.height == 6
    assert set(series["instances"]) == {2}


def test_of_a_record_the_last_revision_counts(ward) -> None:
    from midas.catalogue.models import Record

    old = Record.objects.filter(table="tumours").order_by("pk").first()
    old.pk, old.revision, old.values = None, 2, {**old.values, "volume-ml": 99.0}
    old.save(force_insert=True)
    volumes = table(ward, ward.cut(ward.draft()), "clinical/tumours.parquet")["volume_ml"]
    assert len(volumes) == 6
    assert 99.0 in volumes.to_list()
    assert 11.5 not in volumes.to_list()


def test_a_value_of_the_wrong_type_is_refused_without_being_shown(ward) -> None:
    from midas.catalogue.models import Record

    Record.objects.filter(table="visits").update(values={"ecog": "Ramesh Kumar"})
    with pytest.raises(Conflict) as caught:
        ward.cut(ward.draft())
    assert "clinical/visits" in str(caught.value) or "visits" in str(caught.value)
    assert "Ramesh" not in str(caught.value)


def test_an_image_that_the_store_lost_stops_the_cut(ward) -> None:
    from midas.catalogue.models import Instance

    ward.store.delete(Instance.objects.first().sha256)
    with pytest.raises(Conflict, match="1 images"):
        ward.cut(ward.draft())


def test_too_few_persons_for_the_parts_is_an_error(ward) -> None:
    from midas.catalogue.models import Subject

    Subject.objects.exclude(pseudonym__in=ward.names()[:2]).update(basis=[])
    with pytest.raises(Conflict, match="cannot fill"):
        ward.cut(ward.draft())


def test_a_draft_needs_a_version_and_something_registered(ward) -> None:
    with pytest.raises(BadInput, match="not a version"):
        ward.draft("one")
    ward.draft()
    with pytest.raises(Conflict, match="drafted already"):
        ward.draft()


def test_changes_since_the_last_version_are_counted(ward) -> None:
    first = ward.cut(ward.draft())
    assert look.changes(first).since is None
    ward.person(9, ward.submission(9, []))
    second = ward.cut(ward.draft("1.1.0"))
    changes = look.changes(second)
    assert (changes.since, changes.subjects_added, changes.subjects_gone) == (
        "1.0.0",
        (ward.names()[-1],),
        (),
    )
    assert changes.counts["instances"] == 2
    assert [one.version for one in look.releases("meningioma")] == ["1.1.0", "1.0.0"]
    assert look.release("meningioma", "1.1.0").key == second.key
    assert len(list(look.files(second, under="data/"))) == 14


def test_a_segmentation_is_named_by_its_path(ward) -> None:
    from midas.catalogue.models import Instance, Label, Subject

    one = Instance.objects.order_by("pk").first()
    subject = Subject.objects.order_by("pk").first()
    Label.objects.create(
        subject=subject, submission=one.submission, level="series", uid=one.series.uid, target="tumour", value="tumour",
        source="imported:nifti", segmentation_uid=one.sop_instance_uid,
    )  # fmt: skip
    release = ward.cut(ward.draft())
    row = table(ward, release, "labels.parquet").filter(pl.col("target") == "tumour").row(0, named=True)
    assert row["segmentation_path"].endswith(f"{one.sop_instance_uid}.dcm")
    assert row["segmentation_path"] in {entry.path for entry in entries(release)}


def test_export_refuses_a_folder_with_other_things_and_finishes_its_own(ward, tmp_path: Path) -> None:
    release = ward.cut(ward.draft())
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.doc").write_text("precious")
    with pytest.raises(Conflict, match="not empty"):
        export(release, store=ward.store, folder=folder)
    out = export(release, store=ward.store, folder=tmp_path / "out")
    next(out.rglob("*.dcm")).unlink()
    assert verify_folder(export(release, store=ward.store, folder=out)).ok


def test_what_is_done_to_an_export_does_not_reach_the_store(ward, tmp_path: Path) -> None:
    release = ward.cut(ward.draft())
    out = export(release, store=ward.store, folder=tmp_path / "out")
    for path in out.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"spoilt")
    assert verify_folder(export(release, store=ward.store, folder=tmp_path / "again")).ok
