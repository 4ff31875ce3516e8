"""Whole files through `clean`: what leaves, what is held, and that no identifier is left in any byte."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)  # fmt: skip
from tests.deid_bench import CARD, KNOWN, PLACEMENT, SUBJECT, USUAL, ct, nested, profile

from midas.deid import Card, Keys, clean, report_html, report_json, seal_card
from midas.deid.cards import open_card
from midas.deid.model import source_hmac
from midas.deid.sop import risk
from midas.deid.uids import map_uid
from midas.deid.verify import verify
from midas.kernel import BadInput, BrokenPromise
from midas.protocol.model import DeidException

LEAKS = (
    "deshmukh",
    "ramesh",
    "रमेश",
    "देशमुख",
    "uh-2019",
    "9823041577",
    "19710312",
    "wardha",
    "kulkarni",
    "acc0099123",
    "avbrh",
    "vinoba",
)


def _assert_no_leak(path: Path) -> None:
    data = path.read_bytes().lower()
    assert not [leak for leak in LEAKS if leak.encode() in data]


def test_a_ct_leaves_with_its_use_and_without_its_person(bench):
    outcome, ds = bench.clean(ct())
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail, outcome.findings)
    assert (ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientAge) == (SUBJECT, SUBJECT, "M", "048Y")
    assert (ds.StudyDate, ds.ContentDate, ds.PatientBirthDate) == ("20181115", "20181115", "")
    assert ds.SeriesDescription == "Axial 5.0 B30f soft tissue"
    assert ds.StudyDescription == "CT Neck with contrast"
    assert (ds.Manufacturer, ds.ManufacturerModelName, ds.BodyPartExamined) == (
        "SIEMENS",
        "SOMATOM Emotion",
        "NECK",
    )
    assert ds.PixelData == ct().PixelData
    assert [code.CodeValue for code in ds.DeidentificationMethodCodeSequence] == [
        "113100",
        "113101",
        "113105",
        "113107",
        "113108",
        "113111",
    ]
    assert (ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
    assert (ds.ClinicalTrialProtocolID, ds.ClinicalTrialSubjectID, ds.ClinicalTrialTimePointID) == (
        "oral-cancer",
        SUBJECT,
        "baseline",
    )
    assert outcome.facts["Rows"] == 16
    assert outcome.size == bench.job(Path()).target.stat().st_size
    _assert_no_leak(bench.job(Path()).target)
    assert ds.preamble == b"\0" * 128
    assert "SourceApplicationEntityTitle" not in ds.file_meta


def test_without_options_dates_and_descriptions_go(bench):
    outcome, ds = bench.clean(ct(), profile=profile("clean-pixel-data"))
    assert outcome.state == "cleaned", outcome.findings
    assert (ds.StudyDate, ds.get("SeriesDescription"), ds.get("PatientAge"), ds.PatientSex) == (
        "",
        None,
        None,
        "",
    )
    assert ds.LongitudinalTemporalInformationModified == "REMOVED"


def test_everything_that_can_hide_is_gone(bench):
    ds = ct()
    item = Dataset()
    item.PatientName, item.OperatorsName, item.TextValue = (
        "देशमुख^रमेश",
        "Kulkarni^Meenal",
        "seen with Ramesh Deshmukh",
    )
    item.AdditionalPatientHistory = "S/o Savitribai Deshmukh, ph 98230-41577, DOB 12/03/1971"
    item.add_new(0x00091010, "LO", "DESHMUKH")
    ds.SharedFunctionalGroupsSequence = nested(item)
    ds.PatientComments = "रमेश कुमार देशमुख"
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", b"Ramesh Deshmukh UH-2019-004512")
    ds.add(DataElement(0x60003000, "OW", b"\1\0" * 16))
    ds.add(DataElement(0x60000022, "LO", "RAMESH OVERLAY"))
    ds.add(DataElement(0x50003000, "OW", b"\1\0" * 16))
    ds.add(DataElement(0x00189999, "LO", "RAMESH"))
    ds.ScheduledProcedureStepDescription = "CT for Deshmukh Ramesh"
    ds.FilterMaterial = "RAMESH"
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.findings)
    _assert_no_leak(bench.job(Path()).target)
    assert not [e for e in out.iterall() if e.tag.is_private or e.tag.group in (0x5000, 0x6000)]
    assert 0x00189999 not in out


def test_bytes_after_the_end_and_behind_the_pixels_do_not_travel(bench):
    ds = ct()
    ds.PixelData += b"Ramesh Deshmukh!"
    path = bench.save(ds)
    with path.open("ab") as stream:
        stream.write(struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 16) + b"UH-2019-004512\0\0")
    outcome = clean(bench.job(path))
    assert outcome.state == "cleaned", (outcome.reason, outcome.findings)
    _assert_no_leak(bench.job(path).target)
    assert len(pydicom.dcmread(bench.job(path).target).PixelData) == 512


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_native_transfer_syntax_keeps_its_pixels(bench, syntax):
    ds = ct()
    expected = ds.pixel_array.copy()
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = syntax
    ds._read_implicit = syntax == ImplicitVRLittleEndian
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail, outcome.findings)
    assert np.array_equal(out.pixel_array, expected)
    _assert_no_leak(bench.job(Path()).target)


def test_tables_of_colours_come_out_of_big_endian_files_with_their_words_turned(bench):
    reds, samples = np.arange(0, 65536, 256, dtype="u2"), np.arange(256, dtype="u1").reshape(16, 16)
    ds = ct()
    ds.Rows = ds.Columns = 16
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation, ds.PixelData = "PALETTE COLOR", samples.tobytes()
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", reds.astype(">u2").tobytes())
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail, outcome.findings)
    assert np.array_equal(np.frombuffer(out.RedPaletteColorLookupTableData, "<u2"), reds)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_copied_not_decoded(bench, syntax):
    ds = ct(size=64)
    expected = ds.pixel_array.copy()
    ds.compress(syntax, generate_instance_uid=False)
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.findings)
    assert outcome.uids.transfer_syntax == syntax
    assert np.array_equal(out.pixel_array, expected)


@pytest.mark.parametrize(("charset", "name"), [
    (None, "देशमुख^रमेश"), ("ISO_IR 100", "देशमुख^रमेश"), ("ISO_IR 192", "देशमुख^रमेश"), ("NONSENSE", "देशमुख^रमेश"),
])  # fmt: skip
def test_wrong_or_missing_character_sets_hide_nobody(bench, charset, name):
    ds = ct(ImageComments=f"seen {name}", FilterType="रमेश")
    path = bench.save(ds)
    data = path.read_bytes()
    old = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192"
    assert data.count(old) == 1
    new = b"" if charset is None else b"\x08\x00\x05\x00CS\x0a\x00" + charset.encode().ljust(10)
    path.write_bytes(data.replace(old, new))
    outcome = clean(bench.job(path))
    assert outcome.state == "cleaned", (outcome.reason, outcome.findings)
    _assert_no_leak(bench.job(path).target)


def test_safe_private_elements_stay_only_by_option(bench):
    ds = ct()
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    ds.private_block(0x0019, "SIEMENS MR HEADER").add_new(0x77, "LO", "Deshmukh")
    _, out = bench.clean(ds)
    assert out[0x0019, 0x100C].value == 1000
    assert (0x0019, 0x1077) not in out
    _, out = bench.clean(ds, profile=profile(*(USUAL - {"retain-safe-private"})))
    assert (0x0019, 0x100C) not in out


def test_ages_over_90_are_one_group(bench):
    _, out = bench.clean(ct(PatientAge="097Y"))
    assert out.PatientAge == "090Y"


def test_exceptions_of_the_protocol_are_obeyed(bench):
    special = DeidException(
        keyword="StationName", action="keep", reason="needed to tell the two scanners apart"
    )
    gone = DeidException(keyword="KVP", action="remove", reason="shown by the test to be removable")
    rules = profile(*USUAL)
    rules = type(rules)(rules.name, rules.digest, rules.options, (special, gone))
    _, out = bench.clean(ct(StationName="CT99"), profile=rules)
    assert out.StationName == "CT99"
    assert "KVP" not in out


HELD = {
    "sop-class-not-mastered": {"SOPClassUID": "1.3.12.2.1107.5.9.1"},
    "encapsulated-document": {"EncapsulatedDocument": b"%PDF"},
    "burned-in-text": {"BurnedInAnnotation": "YES"},
    "structured-report": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"},
    "truncated": {"Rows": 64},
}


@pytest.mark.parametrize("reason", HELD)
def test_what_is_not_mastered_is_held_and_never_written(bench, reason):
    outcome, out = bench.clean(ct(**HELD[reason]))
    assert (outcome.state, outcome.reason) == ("held", reason)
    assert outcome.detail
    assert out is None
    assert not list((bench.folder / "out").glob("*")) if (bench.folder / "out").exists() else True


def test_a_file_of_no_study_is_given_one_and_files_that_say_the_same_share_it(bench):
    first, out = bench.clean(ct(StudyInstanceUID="", SeriesInstanceUID=""))
    second, other = bench.clean(ct(StudyInstanceUID="", SOPInstanceUID="1.2.826.0.1.99.1.1.2"))
    assert (first.state, second.state) == ("cleaned", "cleaned"), (first.detail, second.detail)
    assert out.StudyInstanceUID == other.StudyInstanceUID
    assert out.StudyInstanceUID.startswith("2.25.")
    assert out.SeriesInstanceUID != other.SeriesInstanceUID


@pytest.mark.parametrize("cut", [0, 1, 131, 200, 600, -1, -300])
def test_broken_bytes_are_held(bench, cut):
    path = bench.save(ct())
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    outcome = clean(bench.job(path))
    assert outcome.state == "held"
    assert not bench.job(path).target.exists()
    path.unlink()
    assert clean(bench.job(path)).state == "held"


@pytest.mark.parametrize("change", [
    {"SOPClassUID": UltrasoundImageStorage}, {"SOPClassUID": SecondaryCaptureImageStorage}, {"BurnedInAnnotation": "YES"},
    {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, {"ConversionType": "DF"}, {"Manufacturer": "VIDAR Systems"},
    {"ImageType": ["DERIVED", "SECONDARY"], "Modality": "CR"},
])  # fmt: skip
def test_risk_of_burned_in_text_holds_until_a_person_decides(bench, change):
    assert risk(ct(**change))
    unseen = profile(*USUAL - {"clean-pixel-data"})
    held, _ = bench.clean(ct(**change), profile=unseen)
    assert held.reason == "burned-in-text"
    accepted, out = bench.clean(ct(**change), accepted_risk=True, profile=unseen)
    assert accepted.state == "cleaned", accepted.findings
    assert out.BurnedInAnnotation == "NO"


def test_an_ordinary_slice_and_a_reformat_carry_no_risk():
    assert not risk(ct())
    assert not risk(ct(ImageType=["DERIVED", "SECONDARY", "MPR"]))


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_boxes_are_black_in_every_frame_and_nothing_else_changes(bench, syntax):
    ds = ct(size=32, NumberOfFrames=2, BurnedInAnnotation="YES")
    ds.PixelData = (np.arange(2 * 32 * 32, dtype="<u2") % 4000 + 1).tobytes()
    before = ds.pixel_array.copy()
    if syntax:
        ds.compress(syntax, generate_instance_uid=False)
    outcome, out = bench.clean(ds, boxes=((4, 2, 10, 5),))
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail, outcome.findings)
    after = out.pixel_array
    assert not after[:, 2:7, 4:14].any()
    before[:, 2:7, 4:14] = 0
    assert np.array_equal(after, before)


@pytest.mark.parametrize(
    ("colours", "planar", "black"), [("RGB", 0, 0), ("RGB", 1, 0), ("YBR_FULL", 0, (0, 128, 128))]
)
def test_boxes_know_the_colour_model(bench, colours, planar, black):
    ds = ct(SOPClassUID=SecondaryCaptureImageStorage, PhotometricInterpretation=colours, SamplesPerPixel=3)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PlanarConfiguration = 8, 8, 7, planar
    ds.PixelData = bytes([200]) * (16 * 16 * 3)
    _, out = bench.clean(ds, boxes=((0, 0, 8, 8),))
    raw = np.frombuffer(out.PixelData, "u1")
    picture = raw.reshape(3, 16, 16).transpose(1, 2, 0) if planar else raw.reshape(16, 16, 3)
    assert np.array_equal(picture[:8, :8], np.broadcast_to(np.array(black), (8, 8, 3)))
    assert (picture[8:] == 200).all()


def test_monochrome1_and_an_overlay_in_the_unused_bits(bench):
    ds = ct(PhotometricInterpretation="MONOCHROME1", BurnedInAnnotation="YES")
    _, out = bench.clean(ds, boxes=((0, 0, 4, 4),))
    assert (out.pixel_array[:4, :4] == 4095).all()
    ds = ct()
    ds.PixelData = (np.frombuffer(ds.PixelData, "<u2") | 0x8000).tobytes()
    ds.add(DataElement(0x60000100, "US", 16))
    ds.add(DataElement(0x60000102, "US", 15))
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", outcome.detail
    assert int(np.frombuffer(out.PixelData, "<u2").max()) <= 4095


def test_specimen_and_segment_take_their_place_in_the_tree(bench):
    ds = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6", Modality="SM", ContainerIdentifier="HP/2019/0873")
    specimen = Dataset()
    specimen.SpecimenIdentifier, specimen.SpecimenUID = "HP/2019/0873-A", "1.2.3.4"
    ds.SpecimenDescriptionSequence = Sequence([specimen])
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", outcome.findings
    assert out.ContainerIdentifier == "S1"
    assert (
        out.SpecimenDescriptionSequence[0].SpecimenIdentifier,
        out.SpecimenDescriptionSequence[0].SpecimenUID,
    ) == ("S1", "2.25.7002")


def test_a_failed_verification_leaves_nothing_behind(bench, monkeypatch):
    monkeypatch.setattr("midas.deid.values.Values.text", lambda self, value, vr: value)
    outcome, out = bench.clean(ct())
    assert (outcome.state, outcome.reason) == ("held", "verification-failed")
    assert out is None
    assert not list((bench.folder / "out").iterdir())
    assert "Ramesh" not in repr(outcome)


def test_the_verifier_sees_each_broken_promise(bench):
    """Each plant is a mistake that an engine might make; the verifier finds it with no help from the engine."""
    bench.clean(ct())
    target = bench.job(Path()).target
    good = target.read_bytes()

    def examine(data: bytes) -> set[str]:
        target.write_bytes(data)
        found = verify(
            target,
            card=CARD,
            profile=profile(*USUAL),
            placement=PLACEMENT,
            source_uids=frozenset({"1.2.826.0.1.99.1"}),
        )
        return {finding.rule.removeprefix("deid.verify.") for finding in found}

    def edited(**values: object) -> bytes:
        target.write_bytes(good)
        ds = pydicom.dcmread(target)
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        ds.save_as(target)
        return target.read_bytes()

    assert examine(good) == set()
    assert examine(b"RAMESH" + good[6:]) == {"preamble"}
    assert examine(good + b"tail") == {"trailing"}
    assert "identifier" in examine(edited(FilterMaterial="Deshmukh"))
    assert "identifier" in examine(edited(FilterMaterial="KumarRamesh Deshmukh"))
    assert "identifier" in examine(edited(SoftwareVersions="12-Mar-1971"))
    assert "identifier" in examine(edited(SoftwareVersions="UH 2019 004512"))
    assert "rule" in examine(edited(AccessionNumber="77"))
    assert "rule" in examine(edited(OtherPatientIDs="77"))
    assert "words" in examine(edited(SeriesDescription="axial Zqxv"))
    assert "uid" in examine(edited(StudyInstanceUID="1.2.826.0.1.99.1"))
    assert "required" in examine(edited(PatientIdentityRemoved="NO"))
    assert "required" in examine(edited(PatientID="P-00000-00000"))
    swapped = good.replace(b"SOMATOM Emotion ", "देश".encode() + b"       ")
    assert swapped != good


def test_uids_are_keyed_stable_and_registered_ones_stay():
    one, other = Keys.from_root(b"a" * 32), Keys.from_root(b"b" * 32)
    assert map_uid(one, "1.2.3") == map_uid(one, "1.2.3\0") != map_uid(other, "1.2.3")
    assert map_uid(one, "1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2"
    assert one.uid != one.provenance
    assert source_hmac(one, "00" * 32) != source_hmac(other, "00" * 32)
    with pytest.raises(BadInput):
        Keys.from_root(b"short")


def test_cards_rest_encrypted(tmp_path):
    seal_card(CARD, key=b"k" * 32, out=tmp_path / "c")
    assert open_card(tmp_path / "c", key=b"k" * 32) == CARD
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600
    assert b"Ramesh" not in (tmp_path / "c").read_bytes()
    assert "Ramesh" not in repr(CARD)
    with pytest.raises(BrokenPromise):
        open_card(tmp_path / "c", key=b"x" * 32)
    with pytest.raises(BadInput):
        Card(SUBJECT, 0)


def test_another_persons_card_is_refused(bench):
    seal_card(Card("P-00000-00000", -5, "F", KNOWN), key=bench.key, out=bench.card)
    outcome, out = bench.clean(ct())
    assert (outcome.reason, out) == ("wrong-card", None)


def test_the_report_counts_and_shows_no_value(bench):
    done, _ = bench.clean(ct())
    held, _ = bench.clean(ct(BurnedInAnnotation="YES"))
    page, data = report_html([done, held]).decode(), report_json([done, held]).decode()
    for text in (page, data):
        assert not [leak for leak in LEAKS if leak in text.lower()]
        assert "PatientName" in text
        assert "burned-in-text" in text
    assert "http" not in page
    assert report_json([done, held]) == report_json([held, done])


@pytest.mark.system("dciodvfy")
def test_dciodvfy_finds_no_new_kind_of_error(bench):
    bench.clean(ct())
    before, after = (_errors(path) for path in (bench.folder / "in.dcm", bench.job(Path()).target))
    assert after <= before


def _errors(path: Path) -> set[str]:
    found = subprocess.run(
        ["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    return {line.split("<2.25")[0] for line in found.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.parametrize(
    "change",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]},
        {"SpecimenLabelInImage": "YES"},
    ],
)
def test_a_picture_of_a_slides_label_is_held(change):
    slide = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6", Modality="SM", BurnedInAnnotation="NO", **change)
    assert [one.rule for one in risk(slide)] == ["deid.risk.slide-label"]


def test_a_volume_of_a_slide_carries_no_risk():
    volume = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    assert not risk(ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6", Modality="SM", ImageType=volume))


def test_the_role_of_a_responsible_person_goes_with_the_person(bench):
    outcome, cleaned = bench.clean(ct(ResponsiblePerson="Asha^Kulkarni", ResponsiblePersonRole="PARENT"))
    assert outcome.state == "cleaned"
    assert "ResponsiblePerson" not in cleaned
    assert "ResponsiblePersonRole" not in cleaned
