"""A spoke home and a small synthetic export; all persons are invented."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from tests.measured import measured

from midas.kernel import FixedClock
from midas.protocol import load_named
from midas.spoke.home import Config, create
from midas.spoke.vault.projects import Desk, desk, open_project

CLOCK = FixedClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))

PERSONS = [
    ("UHID No", "Other UHID", "ABHA", "Name", "नाम ", "Mobile", "Address", "DOB", "Gender", "State", "Tobacco"),
    ("WR/24/0001", "", "91-7345-1816-0001", "Ramesh Deshmukhwar", "", "9823012345",
     "12 Tilak Nagar, Wardha", "05/03/1961", "पुरुष", "MH", "Yes"),
    ("WR/24/0002", "WR/19/7777", "", "Sunanda Kavlekarin", "", "9823054321", "", "1975-07-21", "F", "Goa", "never"),
    ("WR/24/0003", "", "", "Prakash Withdrawnkar", "", "", "", "01-01-1970", "M", "Goa", "never"),
    ("WR/24/0004", "", "", "Leela Waivermal", "", "", "", "01-01-1950", "F", "Goa", "never"),
]  # fmt: skip
CONSENTS = [
    ("UHID", "Basis", "Reference", "Given on", "Withdrawn on"),
    ("WR/24/0001", "consent", "consented", "10/01/2024", ""),
    ("WR/24/0002", "Consent", "DEMO/IEC/ORAL/2024/017", "11/01/2024", ""),
    ("WR/24/0003", "consent", "consented", "11/01/2024", "01/03/2024"),
    ("WR/24/0004", "waiver", "retrospective-waiver", "", ""),
]
VISITS = [
    ("UHID", "Visit", "Visit Date", "Age", "ECOG"),
    ("WR/24/0001", "baseline", "12/01/2024", "", "1"),
    ("WR/24/0001", "follow-up", "20/06/2024", "", "9"),
    ("WR/24/0001", "post-treatment", "02/04/2024", "", "0"),
    ("WR/24/0002", "baseline", "15/01/2024", "48", "0"),
    ("WR/24/0003", "baseline", "15/01/2024", "54", "0"),
    ("WR/24/0004", "baseline", "15/01/2023", "73", "0"),
    ("WR/24/0004", "follow-up", "15/02/2024", "74", "0"),
]
LESIONS = [
    ("UHID", "Visit", "Lesion No", "Site", "Side", "Length (mm)", "Clinical Impression"),
    ("WR/24/0001", "baseline", "A", "जीभ", "L", "14.5", "malignant"),
    ("WR/24/0002", "baseline", "A", "cheek", "R", "6", "opmd"),
]
SPECIMENS = [
    ("Specimen No", "UHID", "Lesion", "Visit", "Specimen Type", "Diagnosis", "Grade"),
    ("H-24-00111", "WR/24/0001", "A", "baseline", "biopsy", "squamous-cell-carcinoma", "-"),
]


def write_table(path: Path, rows: list[tuple[str, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


def write_ct(path: Path, *, uhid: str, name: str, on: str, number: int = 1, study: str = "1.2.3.4") -> Path:
    """A real CT image (shipped with pydicom) as a synthetic person's."""
    ds: Any = dcmread(str(get_testdata_file("CT_small.dcm")))
    ds.PatientID, ds.PatientName, ds.OtherPatientIDs = uhid, name, ""
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = on
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{study}.1", f"{study}.1.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.1.{number}"
    ds.InstanceNumber, ds.PatientBirthDate = number, "19610305"
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path)
    return path


@pytest.fixture
def work(db: None, tmp_path: Path) -> Desk:
    config = Config(name="spdc-wardha", project="oral-cancer", processes=1)
    home = create(tmp_path / "home", config)
    open_project(home=home, loaded=load_named("oral-cancer"))
    made = desk(home=home)
    measured(made)  # the protocol sets a floor
    return made


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    for name, rows in (
        ("Patients", PERSONS), ("Consent register", CONSENTS), ("OPD visits", VISITS), ("lesions", LESIONS),
        ("HPE", SPECIMENS),
    ):  # fmt: skip
        write_table(folder / "tables" / f"{name}.csv", rows)
    ct = folder / "scans"
    write_ct(
        ct / "Ramesh" / "1.dcm", uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240113", study="1.2.10"
    )
    write_ct(
        ct / "Ramesh" / "2.dcm", uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240403", study="1.2.11"
    )
    write_ct(
        ct / "Sunanda" / "1.dcm", uhid="WR/19/7777", name="Kavlekarin^Sunanda", on="20240116", study="1.2.12"
    )
    write_ct(
        ct / "withdrawn.dcm", uhid="WR/24/0003", name="Withdrawnkar^Prakash", on="20240116", study="1.2.13"
    )
    write_ct(ct / "early.dcm", uhid="WR/24/0004", name="Waivermal^Leela", on="20230116", study="1.2.14")
    write_ct(ct / "late.dcm", uhid="WR/24/0004", name="Waivermal^Leela", on="20240216", study="1.2.15")
    write_ct(ct / "nobody.dcm", uhid="ZZ/1", name="Nobody^Known", on="20240116", study="1.2.16")
    whole = (ct / "nobody.dcm").read_bytes()
    (ct / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("call Ramesh Deshmukhwar on 9823012345\n" * 5)
    return folder


@pytest.fixture
def by_name(work: Desk) -> Callable[[str], Any]:
    from midas.spoke.intake.items import name_of, of_project

    def find(end: str) -> Any:
        found = [one for one in of_project(work.project) if name_of(work, one).endswith(end)]
        assert len(found) == 1, end
        return found[0]

    return find
