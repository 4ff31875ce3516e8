# ruff: noqa: E501 - texts as they come, one list
"""The leak rules: every planted identifier is seen, nothing technical is, and no finding repeats what it saw."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

from midas.quality.leaks import examine_dicom, examine_line
from midas.quality.patterns import kinds_in

PLANTED = {
    "aadhaar": [
        "2341 2341 2346",
        "234123412346",
        "2341-2341-2346",
        "Aadhaar: 2341 2341 2346",
        "२३४१ २३४१ २३४६",
    ],
    "aadhaar-masked": ["XXXX XXXX 2346"],
    "abha-number": ["91-7345-1816-0779", "ABHA 91734518160779", "आभा 91 7345 1816 0779"],
    "abha-address": ["ramesh.k@abdm", "lakshmi1965@sbx"],
    "pan": ["ACUPA7085R"],
    "gstin": ["27AAPFU0939F1ZV"],
    "voter-id": ["WKH1186253"],
    "passport": ["Passport J8369854"],
    "driving-licence": ["MH12 20180001234"],
    "phone": ["+91 98765 43210", "98765-43210", "Mob: 9876543210", "मोबाइल ९८७६५४३२१०"],
    "e-mail": ["ramesh.kumar@example.co.in"],
    "hospital-number": ["UHID: SPDC/2023/00417", "MRN 00417213"],
    "birth-date": ["DOB 12/03/1965", "born 1965-03-12", "जन्म तिथि १२/०३/१९६५"],
    "relation": ["S/o Ramesh Kumar", "W/O Smt. Lakshmi", "d/o Anil"],
    "name-honorific": ["Dr. R. Venkataraman", "Smt. Lakshmi Devi", "Mr Kumar", "श्रीमती लक्ष्मी देवी", "डॉ. राव"],
    "name-labelled": ["Patient Name: RAMESH KUMAR", "नाम: रमेश कुमार"],
    "address": ["H.No. 12, 3rd Cross"],
    "pin-code": ["Gandhi Nagar, Wardha 442001"],
}
TECHNICAL = [
    "T1 MPRAGE sag 1.0mm iso", "CT HEAD W/O CONTRAST", "MR brain w/o and with Gd", "C/O pain in jaw", "DR CHEST PA", "SIEMENS MR B19",
    "20240312", "2024-03-12", "101530.123456", "1.2.840.113619.2.55.3.604688119", "2.25.329800735698586629295641978511506172918",
    "512\\512", "0.48828125\\0.48828125", "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D", "P-0A1B2-C3D4E", "MIDAS deid 0.1.0", "*tse2d1_15",
    "FOV 220x220 TR 5000 TE 93", "1234567890.5", "H30s", "lesion-close-up", "0001234567", "5000 8500 1200", "WIP 234123412347",
    "DICOM PS3.15 2026d Basic Profile", "Dr", "name", "9876543210", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in PLANTED.items() for text in texts]
)
def test_each_kind_of_identifier_is_seen(kind, text):
    assert kind in dict(kinds_in(text))
    assert kind in dict(kinds_in(f"Clinical note, {text}; seen today"))


@pytest.mark.parametrize("text", TECHNICAL)
def test_technical_text_is_left_alone(text):
    assert dict(kinds_in(text)) == {}


def clean_file(path: Path, syntax=ExplicitVRLittleEndian, **more) -> Path:
    """Write what a de-identified file looks like, with shifted dates, mapped UIDs and a safe private element."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = (
        "2.25.329800735698586629295641978511506172918"
    )
    ds.StudyInstanceUID = ds.SeriesInstanceUID = "2.25.12345"
    ds.PatientID = ds.PatientName = "P-0A1B2-C3D4E"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "", "F", "058Y"
    ds.StudyDate, ds.StudyTime, ds.AcquisitionDateTime = "20230917", "101530", "20230917101530"
    ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StationName, ds.InstitutionName = "REMOVED", "REMOVED"
    ds.Modality, ds.Manufacturer, ds.SeriesDescription = "MR", "SIEMENS", "T1 MPRAGE sag w/o contrast"
    ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified = "YES", "MODIFIED"
    ds.DeidentificationMethodCodeSequence = [Dataset() for _ in range(3)]
    for item, code in zip(ds.DeidentificationMethodCodeSequence, ("113100", "113107", "113111"), strict=True):
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", "As PS3.16 says"
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    ds.Rows = ds.Columns = 4
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    for name, value in more.items():
        setattr(ds, name, value)
    ds.PixelData = np.arange(16, dtype=np.uint16).tobytes()
    ds.save_as(path, enforce_file_format=True)
    return path


def rules(path: Path) -> set[str]:
    return {finding.rule for finding in examine_dicom(path)}


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
)
def test_a_clean_file_raises_nothing(tmp_path, syntax):
    assert examine_dicom(clean_file(tmp_path / "clean.dcm", syntax)) == ()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"PatientIdentityRemoved": "NO"}, "leak.identity-not-removed"),
        ({"DeidentificationMethodCodeSequence": []}, "leak.method-not-said"),
        ({"PatientID": "SPDC/2023/417"}, "leak.not-a-pseudonym"),
        ({"PatientName": "KUMAR^RAMESH"}, "leak.not-a-pseudonym"),
        ({"PatientBirthDate": "19650312"}, "leak.attribute"),
        ({"ReferringPhysicianName": "RAO^A"}, "leak.attribute"),
        ({"InstitutionName": "Sharad Pawar"}, "leak.attribute"),
        ({"OtherPatientIDs": ["417"]}, "leak.attribute"),
        ({"ContentCreatorName": "RAO^A"}, "leak.person-name"),
        ({"PatientAge": "093Y"}, "leak.age"),
        ({"LongitudinalTemporalInformationModified": "UNMODIFIED"}, "leak.dates-not-modified"),
        ({"StudyInstanceUID": "1.2.840.113619.2.55.3.604688"}, "leak.uid"),
        ({"SeriesDescription": "Mob 9876543210"}, "leak.pattern.phone"),
        ({"ImageComments": "ABHA 91-7345-1816-0779"}, "leak.pattern.abha-number"),
        ({"IconImageSequence": [Dataset()]}, "leak.cannot-vouch"),
    ],
)
def test_each_leak_is_seen(tmp_path, change, rule):
    also = {"leak.private"} if rule == "leak.method-not-said" else set()
    assert rules(clean_file(tmp_path / "evil.dcm", **change)) == {rule} | also


def test_deep_in_sequences_and_in_unknown_private_groups(tmp_path):
    path = clean_file(tmp_path / "evil.dcm")
    ds = dcmread(path)
    inner, outer = Dataset(), Dataset()
    inner.TextValue = "S/o Ramesh Kumar"
    outer.ContentSequence = [inner]
    ds.ContentSequence = [outer]
    ds.private_block(0x0009, "ACME 1.0", create=True).add_new(0x01, "LO", "hello")
    ds.save_as(path)
    found = examine_dicom(path, scope="here")
    assert {finding.rule for finding in found} == {"leak.pattern.relation", "leak.private"}
    assert "here#ContentSequence[0].ContentSequence[0].TextValue" in {finding.scope for finding in found}


def test_around_the_dataset(tmp_path):
    path = clean_file(tmp_path / "evil.dcm")
    data = path.read_bytes()
    path.write_bytes(b"II*\0" + data[4:])
    assert rules(path) == {"leak.preamble"}
    path.write_bytes(data + b"KUMAR")
    assert "leak.trailing-bytes" in rules(path)
    path.write_bytes(data[:-7])
    assert rules(path)
    path.write_bytes(data[132:])
    assert {"leak.layout", "leak.unreadable"} <= rules(path)
    path.write_bytes(b"")
    assert {"leak.layout", "leak.unreadable"} <= rules(path)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "waveform_ecg.dcm", "rtplan.dcm"]
)
def test_real_files_as_they_came_are_flagged(tmp_path, name):
    path = Path(shutil.copy(get_testdata_file(name), tmp_path / "came.dcm"))
    assert {"leak.identity-not-removed", "leak.not-a-pseudonym", "leak.uid"} <= rules(path)


def test_no_finding_repeats_what_it_saw(tmp_path):
    path = clean_file(
        tmp_path / "evil.dcm", PatientName="KUMAR^RAMESH", ImageComments="Mob 9876543210 S/o Anil"
    )
    told = repr(examine_dicom(path))
    assert not any(word in told for word in ("KUMAR", "RAMESH", "9876543210", "Anil"))


def test_lines_of_a_submission():
    good = {
        "path": "P-0A1B2-C3D4E/2.25.234123412346/2.25.9876543210/2.25.1.dcm", "sha256": "9876543210" * 6 + "abcd", "size": 9876543210,
        "facts": {"Rows": 512, "PixelSpacing": "0.488\\0.488", "Manufacturer": "SIEMENS"}, "sources": ["2341234123" * 6 + "46ab"],
        "deid": "oral-cancer@" + "a1" * 32 + "/midas-deid 0.1.0", "values": {"tobacco": "never", "length-mm": 24.5},
    }  # fmt: skip
    assert examine_line(good) == ()
    evil = {**good, "values": {"tobacco": "never; Mob 9876543210"}}
    [finding] = examine_line(evil, scope="records:3")
    assert (finding.rule, finding.scope) == ("leak.pattern.phone", "records:3#values.tobacco")
    assert examine_line({"facts": {"Smt. Lakshmi": "x"}})[0].rule == "leak.pattern.name-honorific"
