"""Attacks on one file: a person nobody knows of, planted wherever a DICOM file has room; nothing of it may leave."""

from __future__ import annotations

import struct

import numpy as np
import pydicom
import pytest
from PIL import ImageCms
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deid_bench import Bench, ct, nested, profile

from midas.deid import Keys, clean
from midas.deid.colours import bare_profile
from midas.deid.dates import shift_dt, valid_tm
from midas.deid.uids import map_uid
from midas.deid.unlisted import text_within
from midas.deid.values import names_someone
from midas.deid.words import Known, clean_text

SHIPPED = (
    "retain-safe-private", "retain-patient-characteristics", "retain-longitudinal-modified-dates", "clean-descriptors",
    "clean-structured-content", "clean-pixel-data",
)  # fmt: skip
STRANGER = ("zubeida", "qureshi", "9876512345", "19310714")


pytestmark = pytest.mark.usefixtures("lenient")


def _left(data: bytes) -> list[str]:
    low = data.lower()
    return [
        word
        for word in STRANGER
        for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-7")
        if word.encode(code) in low
    ]


def _attack(bench: Bench, ds: Dataset, **how: object) -> str:
    """Return held or cleaned; cleaned must hold nothing of the stranger."""
    job = bench.job(bench.save(ds, **how), profile=profile(*SHIPPED), accepted_risk=True)
    job.target.unlink(missing_ok=True)
    outcome = clean(job)
    if outcome.state == "cleaned":
        assert not _left(job.target.read_bytes())
    assert not _left(repr(outcome).encode())
    return outcome.state


PLANTED = {
    "SoftwareVersions": "1.2 9876512345", "SegmentLabel": "Zubeida", "FrameLabel": "Zubeida Q", "TrackingID": "Zubeida",
    "ROIName": "PTV Zubeida", "StructureSetLabel": "Qureshi", "RTImageLabel": "Zubeida", "BodyPartExamined": "ZUBEIDA",
    "ContentLabel": "QURESHI", "ContentDescription": "of Zubeida", "FilterMaterial": "9876512345",
    "AcquisitionProtocolName": "Zubeida", "AlgorithmDescription": "Zubeida", "DeviceID": "Zubeida 4", "GridID": "QURESHI",
    "PatientReliabilityIndicator": "Zubeida", "WindowCenterWidthExplanation": "9876512345", "ImageID": "Zubeida",
    "InstanceNumber": "19310714", "AcquisitionNumber": "9876512345", "SliceLocation": "9876512345",
    "AcquisitionTime": "987651.2345", "TableHeight": "19310714.0", "RetrieveURL": "http://x.in/zubeida",
    "SeriesDescription": "Zubeida 98765 12345 axial", "StudyDescription": "born 14 Jul 1931 98,76,51,23,45",
    "DetectorCalibrationData": b"Zubeida!", "StationAETitle": "ZUBEIDA", "InteroperabilityVersion": b"Zubeida!",
    "ICCProfile": b"Zubeida!", "FrameReferenceDateTime": "19310714987651", "RequestedProcedureID": "QURESHI",
}  # fmt: skip


@pytest.mark.parametrize("keyword", PLANTED)
def test_a_stranger_in_any_attribute_at_root_and_nested_stays_behind(bench, keyword):
    item = Dataset()
    setattr(item, keyword, PLANTED[keyword])
    ds = ct(**{keyword: PLANTED[keyword]})
    ds.SharedFunctionalGroupsSequence = nested(item)
    if _attack(bench, ds) == "held":
        assert isinstance(PLANTED[keyword], bytes)


@pytest.mark.parametrize(("scheme", "value", "meaning"), [
    ("DCM", "113100", "Zubeida Qureshi"), ("DCM", "9876512345", "Basic"), ("SCT", "9876512345", "Tongue"),
    ("99HOSP", "QURESHI", "CT HEAD"), ("ZUBEIDA", "1", "CT"), ("LN", "9876512345", "CT"), ("L", "9876512345", "Zubeida"),
])  # fmt: skip
def test_a_code_names_a_concept_and_not_a_person(bench, scheme, value, meaning):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    ds = ct(ProcedureCodeSequence=Sequence([code]), AnatomicRegionSequence=Sequence([code]))
    assert _attack(bench, ds) == "cleaned"


def test_published_codes_stay(bench):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "21974007", "SCT", "Tongue"
    white = Dataset()
    white.CodeValue, white.CodingSchemeDesignator, white.CodeMeaning = (
        "389080008",
        "SCT",
        "White matter of brain",
    )
    _, out = bench.clean(
        ct(PrimaryAnatomicStructureSequence=Sequence([code, white])), profile=profile(*SHIPPED)
    )
    assert [(c.CodeValue, c.CodeMeaning) for c in out.PrimaryAnatomicStructureSequence] == [
        ("21974007", "Tongue"),
        ("389080008", "White matter of brain"),
    ]


@pytest.mark.parametrize(
    "uid", ["1.2.840.10008.9876512345", "2.16.840.1.113883.6.9876512345", "1.0.639.19310714"]
)
def test_a_number_behind_a_published_root_is_mapped(bench, uid):
    assert map_uid(Keys.from_root(b"k" * 32), uid).startswith("2.25.")
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.CodingSchemeUID, item.DeviceUID = uid, uid, uid
    assert _attack(bench, ct(SharedFunctionalGroupsSequence=nested(item), StudyInstanceUID=uid)) == "cleaned"


@pytest.mark.parametrize("vr", ["LO", "SH", "UN", "OB", "LT", "PN", "CS", "UT", "SQ"])
def test_safe_private_elements_hold_what_their_device_writes_or_go(bench, vr):
    ds = ct()
    value = b"Zubeida Qureshi!" if vr in {"UN", "OB"} else "Zubeida Qureshi"
    if vr == "SQ":
        item = Dataset()
        item.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
        item.add_new(0x0019100C, "LO", "Zubeida")
        value = Sequence([item])
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, vr, value)
    ds.private_block(0x0019, "SIEMENS MR HEADER").add_new(0x08, vr, value)
    ds.add_new(0x00231001, "LO", "Zubeida")
    assert _attack(bench, ds) == "cleaned"


def test_sequences_of_unknown_form_are_read_and_cleaned(bench, monkeypatch):
    inner = Dataset()
    inner.PatientComments, inner.SoftwareVersions = "Zubeida Qureshi", "9876512345"
    plain = struct.pack("<HHI", 0x0010, 0x4000, 16) + b"Zubeida Qureshi "
    encoded = struct.pack("<HHI", 0xFFFE, 0xE000, len(plain)) + plain
    for tag in (0x52009229, 0x00400555, 0x00091010):
        ds = ct()
        with monkeypatch.context() as patch:
            patch.setattr(config, "replace_un_with_known_vr", False)
            ds.add(DataElement(tag, "UN", encoded))
            path = bench.save(ds)
        assert b"UN\0\0" in path.read_bytes()
        job = bench.job(path, profile=profile(*SHIPPED))
        job.target.unlink(missing_ok=True)
        assert clean(job).state == "cleaned"
        assert not _left(job.target.read_bytes())
    ds = ct(SharedFunctionalGroupsSequence=nested(inner))
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert _attack(bench, ds) == "cleaned"


def test_pixels_of_a_deflated_file_end_where_they_end(bench):
    ds = ct()
    ds.PixelData += b"Zubeida Qureshi!"
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert _attack(bench, ds) == "cleaned"


@pytest.mark.parametrize("signed", [0, 1])
def test_unused_bits_of_the_pixels_hold_nothing(bench, signed):
    ds = ct(PixelRepresentation=signed)
    before = (np.arange(256, dtype="<u2") * 8) % 2048
    hidden = before | np.where(np.arange(256) % 3, 0x9000, 0).astype("<u2")
    ds.PixelData = hidden.tobytes()
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", outcome.detail
    assert np.array_equal(np.frombuffer(out.PixelData, "<u2"), before)


def test_negative_pixels_keep_their_sign(bench):
    ds = ct(PixelRepresentation=1)
    ds.PixelData = (np.arange(256, dtype="<i2") - 128).tobytes()
    _, out = bench.clean(ds)
    assert out.PixelData == ds.PixelData


def test_a_pointer_is_the_tag_of_an_attribute_and_no_text(bench):
    ds = ct()
    ds.FrameIncrementPointer = [0x00181063, *struct.unpack("<2I", b"Zubeida ")]
    assert _attack(bench, ds) == "cleaned"


def test_a_colour_profile_keeps_its_colours_and_no_words(bench):
    profile_bytes = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = profile_bytes.index("sRGB".encode("utf-16-be"))
    name = "Zube".encode("utf-16-be")
    profile_bytes[at : at + len(name)] = name
    bare = bare_profile(bytes(profile_bytes))
    assert name not in bare
    assert len(bare) == len(profile_bytes)
    assert ImageCms.ImageCmsProfile(__import__("io").BytesIO(bare)).profile.red_primary is not None
    assert bare_profile(bare) == bare
    assert bare_profile(b"Zubeida") == b""


@pytest.mark.parametrize(("text", "left"), [
    ("CT neck 97 yrs M", "CT neck M"), ("aged 94 head", "head"), ("095Y chest", "chest"), ("98 x 76 x 51 x 23 x 45", ""),
    ("Mar 12 1971 brain", "brain"), ("12th March 1971", ""), ("JUL31 axial", "axial"), ("९८७६५१२३४५ neck", "neck"),
    ("Axial 5.0 B30f", "Axial 5.0 B30f"), ("T2 tse 0.8 mm", "T2 tse 0.8 mm"), ("TE 2.5 5.0 head", "TE 2.5 5.0 head"),
])  # fmt: skip
def test_ages_days_and_numbers_leave_a_descriptor_and_its_use_stays(text, left):
    assert clean_text(text, Known.of([]), prose=False) == left


def test_a_telephone_number_is_known_without_its_country_code():
    known = Known.of([("phone", "+91 98230 41577")])
    assert known.names("call 9823041577")
    assert known.names("98230-41577")


def test_times_and_numbers_are_what_they_say():
    assert (valid_tm("235960"), valid_tm("987651"), valid_tm("10:15:30.5")) == ("235960", "", "10:15:30.5")
    assert shift_dt("20190614101530+0530", -1) == "20190613101530+0530"
    assert shift_dt("20190614987651", -1) == ""
    assert all(map(names_someone, ("19310714", "14071931.0", "9876512345", "919876512345")))
    assert not any(map(names_someone, ("370000000", "1110000000", "512", "-1024")))


def test_text_in_binary_is_told_from_measurements():
    assert text_within(b"\0\1Zubeida\0")
    assert text_within("Zubeida".encode("utf-16-le"))
    assert not text_within(np.random.default_rng(7).integers(0, 1 << 16, 20_000, dtype="<u2").tobytes())
    assert not text_within(np.linspace(0, 1, 4000, dtype="<f4").tobytes())


@pytest.mark.parametrize("name", ["देशमुख रमेश", "லட்சுமி நாராயணன்", "Müller Zoë"])
@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO 2022 IR 87", "ISO_IR 192", "GB18030"])
def test_a_strangers_script_does_not_leave_in_the_wrong_character_set(bench, name, charset):
    raw = ct(SoftwareVersions="MARKMARKMARKMARKMARK", ImageID="MARKMARKMARK")
    path = bench.save(raw)
    encoded, said = name.encode(), charset.encode()
    said += b" " * (len(said) % 2)
    told = b"\x08\x00\x05\x00CS"
    old = told + b"\x0a\x00ISO_IR 192"
    path.write_bytes(path.read_bytes().replace(old, told + struct.pack("<H", len(said)) + said))
    for mark in (b"MARKMARKMARKMARKMARK", b"MARKMARKMARK"):
        path.write_bytes(path.read_bytes().replace(mark, encoded[: len(mark)].ljust(len(mark))))
    job = bench.job(path, profile=profile(*SHIPPED))
    job.target.unlink(missing_ok=True)
    if clean(job).state == "cleaned":
        data = job.target.read_bytes()
        assert encoded[:9] not in data
        assert name.encode("utf-16-le")[:8] not in data
        assert str(pydicom.dcmread(job.target).get("SoftwareVersions", "")).isascii()
