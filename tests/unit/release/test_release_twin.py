"""The twin: nothing of a real person in it, the same layout and columns, files that open."""

from __future__ import annotations

import io

import mlcroissant
import polars as pl
import pydicom
import pytest

from midas.kernel import FixedClock
from midas.manifest import verify_folder
from midas.protocol import load_named
from midas.release import export, make_twin
from midas.release.content import About
from midas.release.twin import imagine
from midas.store import Blobs


def twin_of(ward, release):
    return make_twin(release=release, store=ward.store, signer=ward.signer, clock=ward.clock)


@pytest.fixture
def pair(ward):
    release = ward.cut(ward.draft())
    twin = twin_of(ward, release)
    real = export(release, store=ward.store, folder=ward.folder / "real")
    made = export(twin, store=ward.store, folder=ward.folder / "twin")
    return ward, release, twin, real, made


def test_the_twin_verifies_loads_and_has_the_columns_of_the_real_one(pair) -> None:
    _, release, twin, real, made = pair
    verdict = verify_folder(made)
    assert verdict.ok
    assert verdict.about["twin"] is True
    assert twin.key != release.key
    assert twin.access == "open"
    tables = {path.relative_to(real).as_posix() for path in real.rglob("*.parquet")}
    assert tables == {path.relative_to(made).as_posix() for path in made.rglob("*.parquet")}
    for name in tables:
        assert pl.read_parquet_schema(real / name) == pl.read_parquet_schema(made / name)
    dataset = mlcroissant.Dataset(made / "croissant.json")
    assert dataset.metadata.ctx.issues.errors == set()
    assert sum(1 for _ in dataset.records("subjects")) == 10


def test_no_value_of_a_real_person_is_in_the_twin(pair) -> None:
    _, _, _, real, made = pair
    import re

    uids = re.compile(rb"2\.25\.\d{20,}|1\.2\.826\.0\.1\.3680043\.8\.498\.\d{10,}|P-[0-9A-Z]{5}-[0-9A-Z]{5}")
    known = {one for path in real.rglob("*") if path.is_file() for one in uids.findall(path.read_bytes())}
    assert len(known) > 20
    for path in made.rglob("*"):
        if path.is_file():
            assert not known & set(uids.findall(path.read_bytes())), path.name


def test_every_file_of_the_twin_says_that_it_is_one(pair) -> None:
    _, _, _, _, made = pair
    images = list(made.rglob("*.dcm"))
    assert len(images) > 40
    assert sum(image.stat().st_size for image in images) < 6_000_000
    for path in images:
        ds = pydicom.dcmread(path)
        assert ds.PatientName == "SYNTHETIC^TWIN"
        assert ds.SeriesDescription.startswith("SYNTHETIC")
        assert ds.pixel_array.size
    for name in ("README.md", "DATASHEET.md", "DATASHEET.html", "LICENSE.txt", "croissant.json"):
        assert "synthetic twin" in (made / name).read_text().lower(), name


def test_values_are_those_that_the_protocol_allows(pair) -> None:
    _, _, _, _, made = pair
    protocol = load_named("meningioma").protocol
    for table in protocol.tables:
        for column in table.columns:
            if column.role == "variable":
                rows = pl.read_parquet(made / f"clinical/{table.id}.parquet")[
                    column.name.replace("-", "_")
                ].drop_nulls()
                assert len(rows)
                if column.values:
                    assert set(rows) <= set(column.values)
                elif column.type != "boolean":
                    assert column.min <= rows.min() <= rows.max() <= column.max


def test_the_same_release_gives_the_same_twin(ward) -> None:
    from midas.release.models import Release, ReleaseFile, ReleaseSubject

    release = ward.cut(ward.draft())
    first = twin_of(ward, release)
    assert twin_of(ward, release).pk == first.pk
    ReleaseFile.objects.filter(release=first).delete()
    ReleaseSubject.objects.filter(release=first).delete()
    Release.objects.filter(pk=first.pk).delete()
    ward.clock = FixedClock(ward.clock.at.replace(year=2027))
    assert twin_of(ward, release).key == first.key


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["oral-cancer", "meningioma"])
def test_a_twin_can_be_imagined_for_each_shipped_protocol(name: str, tmp_path) -> None:
    loaded = load_named(name)
    words = About(name, "1.0.0", "2026-11-22", loaded.protocol, loaded.source, loaded.sha256, twin=True)
    store = Blobs.at(tmp_path)
    content = imagine(about=words, seed="5e" * 32, store=store)
    made = {item.id for item in loaded.protocol.items if item.kind in {"dicom", "photo", "slide"}}
    assert set(content.tables["manifest"]["item"].to_pylist()) == made
    assert set(content.tables["splits"]["part"].to_pylist()) == set(loaded.protocol.split.parts)
    labels = set(content.tables["labels"]["target"].to_pylist())
    assert labels == {target.id for target in loaded.protocol.targets}
    for digest in content.tables["manifest"]["sha256"].to_pylist():
        assert pydicom.dcmread(io.BytesIO(b"".join(store.read(digest)))).pixel_array.size
