"""A folder in, a clean folder out: everything is counted, nothing identified lies beside what is clean."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pydicom
import pytest
from tests.deid_bench import ct

from midas.compute import here
from midas.deid import Item, Secret, load_profile, run
from midas.deid.folder import Summary, folder
from midas.deid.journal import Lists
from midas.deid.secret import make_secret
from midas.deid.survey import Header, read_header
from midas.kernel import BadInput, Conflict, NotFound

SECRET = Secret.of(bytes(range(64)))


def save(path: Path, **attributes: object) -> Path:
    ds = ct(**attributes)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


def person(root: Path, name: str, number: int, files: int = 3, **attributes: object) -> None:
    for at in range(files):
        save(
            root / name / f"IM{at:04d}", PatientID=f"UH-2020-00{number:04d}", PatientName=f"{name}^Asha",
            StudyInstanceUID=f"1.2.826.0.1.77.{number}", SeriesInstanceUID=f"1.2.826.0.1.77.{number}.1",
            SOPInstanceUID=f"1.2.826.0.1.77.{number}.1.{at}", InstanceNumber=at,
            StudyDescription=f"CT Neck {name}", **attributes,
        )  # fmt: skip


def cleaned(root: Path, **how: object) -> Summary:
    given = {"profile": load_profile("research"), "secret": SECRET, "runner": here(), **how}
    return folder(root / "in", root / "out", report=root / "owner", **given)


def rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "owner" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def outputs(root: Path) -> list[Path]:
    return sorted(path for path in (root / "out").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    root = tmp_path_factory.mktemp("batch")
    person(root / "in", "Deshmukh", 1)
    person(root / "in", "Lokhande", 2)
    save(
        root / "in" / "loose" / "no id",
        PatientID="",
        StudyInstanceUID="1.2.826.0.1.77.2",
        SOPInstanceUID="1.2.826.0.1.77.9",
    )
    (root / "in" / "note.txt").write_text("Call Asha Deshmukh back", "utf-8")
    (root / "in" / "broken.dcm").write_bytes((root / "in" / "Deshmukh" / "IM0000").read_bytes()[:900])
    with zipfile.ZipFile(root / "in" / "more.zip", "w") as archive:
        archive.write(root / "in" / "Deshmukh" / "IM0000", "Deshmukh/IM0000")
    return root, cleaned(root)


def test_everything_in_is_cleaned_or_held(made: tuple[Path, Summary]) -> None:
    root, done = made
    assert (done.found, done.cleaned, done.held) == (10, 8, 2)
    assert done.found == done.cleaned + done.held
    assert len(outputs(root)) == done.cleaned == len(rows(root, "file-map.csv"))
    assert {row["source"] for row in rows(root, "held.csv")} == {"note.txt", "broken.dcm"}
    assert all(row["what_to_do"] and row["reason"] for row in rows(root, "held.csv"))


def test_names_of_outputs_are_neutral_and_no_scratch_is_left(made: tuple[Path, Summary]) -> None:
    root, _ = made
    for path in outputs(root):
        subject, study, series, instance = path.relative_to(root / "out").parts
        ds = pydicom.dcmread(path)
        assert ds.PatientID == ds.PatientName == subject
        assert (ds.StudyInstanceUID, ds.SeriesInstanceUID) == (study, series)
        assert instance.startswith(ds.SOPInstanceUID)
        assert b"Deshmukh" not in path.read_bytes()
        assert b"Lokhande" not in path.read_bytes()
    assert not list((root / "out").glob(".*"))
    assert not [path for path in (root / "owner").iterdir() if path.name.startswith(".")]


def test_the_maps_lead_back_and_only_their_owner_reads_them(made: tuple[Path, Summary]) -> None:
    root, done = made
    people = {row["old"]: row for row in rows(root, "patient-map.csv")}
    assert set(people) == {"UH-2020-000001", "UH-2020-000002"}
    assert done.persons == 2, "the file without an ID belongs to its study's person"
    uids = {row["old"]: row["new"] for row in rows(root, "uid-map.csv")}
    places = {row["source"]: row["output"] for row in rows(root, "file-map.csv")}
    for source, output in places.items():
        if "!/" in source:
            continue
        old, new = pydicom.dcmread(root / "in" / source), pydicom.dcmread(root / "out" / output)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            assert uids[old[keyword].value] == new[keyword].value
        who = people[old.PatientID or "UH-2020-000002"]
        assert new.PatientID == who["new"]
        moved = date.fromisoformat(f"{new.StudyDate[:4]}-{new.StudyDate[4:6]}-{new.StudyDate[6:]}") - date(
            2019, 6, 14
        )
        assert moved.days == int(who["shift_days"])
    assert stat.S_IMODE((root / "owner").stat().st_mode) == 0o700
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (root / "owner").rglob("*.*") if path.is_file()
    } == {0o600}


def test_the_reports_hold_no_identified_value(made: tuple[Path, Summary]) -> None:
    root, done = made
    for name in ("report.json", "report.html"):
        text = (root / "owner" / name).read_text("utf-8")
        assert not [
            word for word in ("Deshmukh", "Lokhande", "UH-2020", "note.txt", "1.2.826") if word in text
        ]
    studies = {path.stem for path in (root / "owner" / "studies").iterdir()}
    assert studies == {path.relative_to(root / "out").parts[1] for path in outputs(root)}
    told = json.loads((root / "owner" / "report.json").read_text("utf-8"))
    assert (told["files"], told["cleaned"], sum(told["held"].values())) == (
        done.found,
        done.cleaned,
        done.held,
    )
    assert any(row["name"] == "PatientBirthDate" and row["cites"] for row in told["rules"])
    assert told["profile"]["name"] == "research"


def test_a_second_run_changes_nothing_and_a_stopped_one_goes_on(made: tuple[Path, Summary]) -> None:
    root, first = made
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in outputs(root)}
    lists = {
        name: sorted(map(str, rows(root, name)))
        for name in ("held.csv", "uid-map.csv", "patient-map.csv", "file-map.csv")
    }
    again = cleaned(root)
    assert again.kept == first.cleaned + 1, "the broken one is not tried anew either"
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in outputs(root)} == before
    assert {name: sorted(map(str, rows(root, name))) for name in lists} == lists
    told = json.loads((root / "owner" / "report.json").read_text("utf-8"))
    assert told["cleaned"] == first.cleaned
    journal = root / "owner" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-200])  # as a run leaves it that was killed
    victim = outputs(root)[0]
    victim.unlink()
    assert cleaned(root).cleaned == first.cleaned
    assert {path: path.read_bytes() for path in outputs(root)} == {
        path: data for path, (_, data) in before.items()
    }


def test_what_becomes_known_later_cleans_anew(tmp_path: Path) -> None:
    person(tmp_path / "in", "Deshmukh", 1, files=1)
    cleaned(tmp_path)
    person(tmp_path / "in", "Lokhande", 1, files=2)
    assert cleaned(tmp_path).kept == 0, "the person's card says more than before"
    assert len(outputs(tmp_path)) == 3


def test_what_was_released_and_is_held_now_is_taken_back(tmp_path: Path) -> None:
    person(tmp_path / "in", "Deshmukh", 1, files=2)
    assert cleaned(tmp_path).cleaned == 2
    source = tmp_path / "in" / "Deshmukh" / "IM0001"
    source.write_bytes(source.read_bytes()[:1500])
    done = cleaned(tmp_path)
    assert (done.cleaned, done.held, len(outputs(tmp_path))) == (1, 1, 1)


def test_two_files_of_one_instance_uid_both_leave(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.dcm", InstanceNumber=1)
    save(tmp_path / "in" / "b.dcm", InstanceNumber=2)
    assert cleaned(tmp_path).cleaned == 2
    assert sorted(path.name.endswith("-2.dcm") for path in outputs(tmp_path)) == [False, True]


@pytest.mark.parametrize(
    ("out", "report"),
    [("in/out", "owner"), ("in", "owner"), ("out", "out/owner"), ("out", "in/owner"), ("out", "out")],
)
def test_folders_inside_one_another_are_refused(tmp_path: Path, out: str, report: str) -> None:
    person(tmp_path / "in", "Deshmukh", 1, files=1)
    with pytest.raises(BadInput, match="lies inside"):
        folder(
            tmp_path / "in", tmp_path / out, report=tmp_path / report, profile=load_profile("research"), secret=SECRET,
            runner=here(),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_the_secret_decides_every_name_and_is_guarded(tmp_path: Path) -> None:
    make_secret(tmp_path / "key")
    first = Secret.read(tmp_path / "key")
    assert first.pseudonym("id\x1f\x1f1") == Secret.read(tmp_path / "key").pseudonym("id\x1f\x1f1")
    assert first.pseudonym("id\x1f\x1f1") != SECRET.pseudonym("id\x1f\x1f1")
    assert {first.shift_days(str(n)) for n in range(2000)} <= set(range(-730, 0))
    assert "root" not in repr(first)
    with pytest.raises(Conflict):
        make_secret(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(BadInput, match="Others"):
        Secret.read(tmp_path / "key")
    for bad in (b"short", b"\0" * 64, bytes(range(256)) * 17):
        with pytest.raises(BadInput):
            Secret.of(bad)
    with pytest.raises(NotFound):
        Secret.read(tmp_path / "none")


def test_the_library_alone_gives_values(tmp_path: Path) -> None:
    person(tmp_path / "in", "Deshmukh", 1, files=2)
    items = [
        Item(path, tmp_path / "out" / f"{n}.dcm")
        for n, path in enumerate(sorted((tmp_path / "in").rglob("IM*")))
    ]
    (tmp_path / "out").mkdir()
    for _ in range(2):  # what a process remembers of the first run must not shorten the list of the second
        batch = run(items, profile=load_profile("research"), keys=SECRET, runner=here())
        assert (batch.cleaned, batch.held, len(batch.subjects)) == (2, 0, 1)
        assert [outcome.state for outcome in batch.outcomes] == ["cleaned", "cleaned"]
        assert batch.uids["1.2.826.0.1.77.1"] == batch.outcomes[0].uids.study
        assert "UH-2020" not in repr(batch)


def test_the_research_profile_keeps_the_model_and_not_the_machine(tmp_path: Path) -> None:
    save(
        tmp_path / "in" / "1.dcm", DeviceSerialNumber="SN-884213", StationName="CT1ROOM3", OperatorsName="Wagh^Sunil",
        SoftwareVersions="syngo CT 2012B", PatientAge="092Y", PatientWeight="61", PatientSize="1.6",
    )  # fmt: skip
    cleaned(tmp_path)
    (ds,) = [pydicom.dcmread(path) for path in outputs(tmp_path)]
    assert (ds.Manufacturer, ds.ManufacturerModelName, ds.PatientSex, ds.PatientWeight) == (
        "SIEMENS",
        "SOMATOM Emotion",
        "M",
        61,
    )
    assert ds.SoftwareVersions == "syngo CT 2012B"
    assert "884213" not in str(ds.get("DeviceSerialNumber", ""))
    assert "ROOM3" not in str(ds.get("StationName", ""))
    assert "Wagh" not in str(ds.get("OperatorsName", ""))
    assert ds.PatientAge == "090Y"
    assert "Neck" in ds.StudyDescription


def test_a_profile_file_names_its_wrong_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "schema: midas-deid-profile/1\nname: mine\noptions: [clean-descriptors]\nthresholds: {masked_share: 0.2}\n"
    )
    assert load_profile(path).thresholds.masked_share == 0.2
    for wrong, words in (
        ("optoins: []", "mine.yaml:3: 'optoins' is not known here; did you mean 'options'"),
        ("options: [retain-everything]", "mine.yaml:3: 'retain-everything' is not a choice"),
        ("exceptions: [{keyword: StationNam, action: keep, reason: needed for the study}]", "StationNam"),
    ):
        path.write_text(f"schema: midas-deid-profile/1\nname: mine\n{wrong}\n")
        with pytest.raises(BadInput, match=words.split("(")[0]):
            load_profile(path)
    with pytest.raises(NotFound, match="no profile"):
        load_profile("reserach")


def test_a_worker_pool_gives_the_same(tmp_path: Path) -> None:
    from midas.compute import processes

    person(tmp_path / "in", "Deshmukh", 1, files=9)
    with processes(2) as pool:
        cleaned(tmp_path, runner=pool)
    pooled = {path.name: path.read_bytes() for path in outputs(tmp_path)}
    shutil.rmtree(tmp_path / "out")
    shutil.rmtree(tmp_path / "owner")
    cleaned(tmp_path)
    assert {path.name: path.read_bytes() for path in outputs(tmp_path)} == pooled
    assert len(pooled) == 9


def test_one_number_of_two_issuers_is_one_person_unless_the_files_contradict(tmp_path: Path) -> None:
    person(tmp_path / "in", "Deshmukh", 1, files=1, IssuerOfPatientID="AVBRH")
    person(tmp_path / "in" / "again", "Deshmukh", 1, files=1, IssuerOfPatientID="PACS-2")
    person(tmp_path / "in" / "none", "Deshmukh", 1, files=1)
    assert cleaned(tmp_path).persons == 1
    person(
        tmp_path / "in" / "other",
        "Lokhande",
        1,
        files=1,
        IssuerOfPatientID="DISTRICT",
        PatientBirthDate="19880401",
    )
    assert cleaned(tmp_path).persons >= 2


def test_each_reason_of_the_engine_says_what_to_do() -> None:
    import re

    import midas.deid
    from midas.deid import tables

    source = "\n".join(path.read_text("utf-8") for path in Path(midas.deid.__file__).parent.rglob("*.py"))
    reasons = set(re.findall(r"\bHeld\(\s*\"([a-z-]+)\"", source))
    assert len(reasons) > 15
    unknown = sorted(
        reason for reason in reasons if tables.why_held(reason) is tables.why_held("no such reason")
    )
    assert set(unknown) <= {"wrong-card"}, unknown


def _header_of(path: Path, **attributes: object) -> Header:
    found = read_header(save(path, **attributes))
    assert found is not None
    return found


def test_the_quick_look_and_the_full_reader_see_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Native scripts in UTF-8 and Latin-1, nested sequences on the way, late elements: what is known is the same."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    other = Dataset()
    other.ReferencedSOPInstanceUID, other.ReferencedSOPClassUID = "1.2.3.4", "1.2.840.10008.5.1.4.1.1.2"
    cases: tuple[dict[str, object], ...] = (
        {}, {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jürgen"},
        {
            "ReferencedImageSequence": Sequence([other, other]), "RequestingPhysician": "Wagh^Sunil",
            "AdmissionID": "ADM-22119",
        },
    )  # fmt: skip
    for number, case in enumerate(cases):
        quick = _header_of(tmp_path / f"{number}.dcm", **case)
        with monkeypatch.context() as without:
            without.setattr("midas.deid.survey.peek", lambda *_, **__: None)
            full = read_header(tmp_path / f"{number}.dcm")
        assert full is not None
        assert set(quick.known) == set(full.known)
        assert set(quick.name) == set(full.name)
        assert (quick.patient, quick.study, quick.series, quick.sex) == (
            full.patient,
            full.study,
            full.series,
            full.sex,
        )
    assert ("name", "Müller Jürgen") in _header_of(tmp_path / "m.dcm", **cases[1]).known
    assert ("identifier", "ADM-22119") in _header_of(tmp_path / "a.dcm", **cases[2]).known


def test_a_series_in_which_a_person_must_look_for_a_face_is_held_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the look for faces leaves to a person is never cleaned, by the command and by the library; the rest is."""
    from midas.deid import faces

    def judge(paths: tuple[Path, ...], **_: object) -> faces.FaceVerdict:
        head = any("Deshmukh" in str(path) for path in paths)
        return faces.FaceVerdict(
            "person" if head else "none-needed", "rendering" if head else "no-volume", "A head."
        )

    monkeypatch.setattr(faces, "of_series", judge)
    person(tmp_path / "in", "Deshmukh", 1, files=2)
    person(tmp_path / "in", "Lokhande", 2, files=1)
    profile = replace(load_profile("research"), options=load_profile("research").options | {faces.OPTION})
    done = cleaned(tmp_path, profile=profile)
    assert (done.cleaned, done.held, done.reasons) == (1, 2, {"rendering": 2})
    assert {row["what_to_do"] for row in rows(tmp_path, "held.csv")} == {
        "Let a person decide in a spoke's review page: cut the face, or keep the file out."
    }
    paths = sorted((tmp_path / "in").rglob("IM*"))
    batch = run(
        [Item(path, tmp_path / f"{n}.dcm") for n, path in enumerate(paths)],
        profile=profile,
        keys=SECRET,
        runner=here(),
    )
    assert [one.reason for one in batch.outcomes] == ["rendering", "rendering", ""]


def test_the_list_of_what_is_held_runs_nothing_and_the_maps_keep_every_letter(tmp_path: Path) -> None:
    """A file may be named like a formula; whoever opens the list must not run it, and a map must still lead back."""
    run = "=HYPERLINK(1)/@eaDir/IM0001"
    lists = Lists(tmp_path)
    lists.held(run, "not-dicom", "+cmd|' /C calc'!A0")
    lists.file(run, {"output": "P-1/a.dcm", "sha256": "0", "size": 1})
    lists.finish()
    with (tmp_path / "held.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["source"], row["detail"]) == (f"'{run}", "'+cmd|' /C calc'!A0")
    with (tmp_path / "file-map.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.DictReader(stream))["source"] == run
