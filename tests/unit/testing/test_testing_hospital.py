"""The sample hospital is what it says: whole, quick, the same for the same seed, and full of planted identifiers."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from stdnum import verhoeff

from midas.kernel import BadInput, sha256_file
from midas.testing.hospital import Truth, build
from midas.testing.hospital.persons import BRAIN, ORAL, people

DATASETS = ("oral-cancer", "meningioma")


@pytest.fixture(scope="module", params=DATASETS)
def truth(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return build(tmp_path_factory.mktemp(request.param), seed=7, dataset=request.param)


def test_every_file_is_accounted_for_by_its_bytes(truth: Truth) -> None:
    root = Path(truth.folder)
    for expected in truth.expected:
        if "!" not in expected.path and "#" not in expected.path:
            assert sha256_file(root / expected.path) == expected.sha256
    assert truth.tally()["in"] == len(truth.expected) == len({one.path for one in truth.expected})


def test_everything_is_sent_held_or_refused_with_a_reason(truth: Truth) -> None:
    assert {one.state for one in truth.expected} == {"sent", "held", "refused"}
    assert all(bool(one.reasons) == (one.state != "sent") for one in truth.expected)
    assert truth.subjects == 6


def test_the_same_seed_gives_the_same_bytes(truth: Truth, tmp_path: Path) -> None:
    again = build(tmp_path / "again", seed=7, dataset=truth.dataset)
    tables = (".xlsx",)  # a workbook holds the time at which it was written
    kept = {one.path: one.sha256 for one in truth.expected if not one.path.endswith(tables)}
    assert {one.path: one.sha256 for one in again.expected if not one.path.endswith(tables)} == kept
    assert again.planted == truth.planted


def test_the_planted_names_really_stand_in_the_export(truth: Truth) -> None:
    files = [path for path in Path(truth.folder).rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files) + "\n".join(map(str, files)).encode()
    found = [value for value in truth.planted if value.encode() in everything]
    assert len(found) > 0.6 * len(truth.planted)
    assert all(person.family in " ".join(found) for person in ORAL + BRAIN if person.family in truth.planted)


def test_truth_survives_its_file(truth: Truth, tmp_path: Path) -> None:
    truth.write(tmp_path / "truth.json")
    assert Truth.read(tmp_path / "truth.json") == truth


def test_numbers_are_such_as_india_gives() -> None:
    for person in people(ORAL, prefix="SPDC", seed=3):
        assert verhoeff.is_valid(person.aadhaar.replace(" ", "")), "Aadhaar carries a Verhoeff digit"
        assert person.aadhaar[0] in "23456789"
        assert len(person.abha.replace("-", "")) == 14


def test_two_persons_never_share_a_number() -> None:
    persons = people(ORAL, prefix="SPDC", seed=3) + people(BRAIN, prefix="AIN", seed=3)
    for name in ("uhid", "abha", "aadhaar", "phone"):
        assert len({getattr(person, name) for person in persons}) == len(persons)


def test_an_image_names_its_person_in_many_places(tmp_path: Path) -> None:
    truth = build(tmp_path / "brain", seed=7, dataset="meningioma")
    expected = next(one for one in truth.expected if one.path.endswith("IM0005") and one.person == "AIN1")
    data = (Path(truth.folder) / expected.path).read_bytes()
    ds = pydicom.dcmread(Path(truth.folder) / expected.path)
    family = str(ds.PatientName.family_name)
    assert data.count(family.encode()) >= 8
    assert family.encode() in data[:128], "the preamble"
    assert ds[0x0101, 0x1010].value[0].PatientName == ds.PatientName, "a private sequence"


def test_it_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        build(tmp_path, seed=1, dataset="meningioma")
    with pytest.raises(BadInput, match="nothing for"):
        build(tmp_path / "new", seed=1, dataset="no-such")
