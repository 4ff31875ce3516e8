"""What files from elsewhere brought to light: padded numbers, bytes behind an object, marks of Indian scripts, addresses."""

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.deid_bench import Bench, ct

from midas.deid import elements, load_profile
from midas.deid.documents_again import clean_document
from midas.deid.search import wanted
from midas.deid.unlisted import device_text_tells
from midas.deid.words import Known, clean_text

NOBODY = Known.of(())
PADDED = wanted((("identifier", "0000000002"), ("identifier", "38171300")))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def _cleaned(bench: Bench, ds: Dataset) -> Dataset:
    outcome, out = bench.clean(ds, profile=load_profile("research"))
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    return out


def test_rows_of_decimals_hold_no_padded_number_and_no_number_across_two_values():
    assert not list(PADDED.in_header(b"0.00000000\\2.5000000\\5.0", numeric=True))
    assert not list(PADDED.in_header(b"13.38\\17.1300", numeric=True))
    assert ("identifier", "bare") in PADDED.in_header(b"1.0\\38171300", numeric=True)
    assert ("identifier", "padded") in PADDED.in_header(b"no. 0000000002 of")
    assert ("identifier", "bare") in PADDED.in_header(b"38 17-13/00")
    assert not list(PADDED.in_pixels(b"\x05" + b"0" * 9 + b"2", 0))


def test_an_image_numbered_like_a_request_stays_numbered(bench):
    ds = ct(InstanceNumber="0001", ImagePositionPatient=["0.0000000", "0.1000000", "0.00000000"])
    ds.AccessionNumber, ds.OtherPatientIDs = "0001", "0000000001"
    out = _cleaned(bench, ds)
    assert (out.InstanceNumber, out.ImagePositionPatient[1]) == (1, 0.1)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("tail", [b"Ramesh Deshmukh 9823041577", b"\0" * 16 + b"Deshmukh", b"\0\0\0"])
def test_what_was_written_behind_an_object_without_pixels_is_left_behind(bench, implicit, tail):
    ds = ct()
    del ds.PixelData
    ds.ContentSequence = Sequence([])
    path = bench.save(ds, "tail.dcm")
    if implicit:
        pydicom.dcmwrite(path, _implicit(ds), implicit_vr=True, little_endian=True)
    whole = path.read_bytes()
    start = elements.meta(whole)[1]
    alone = elements.split(whole, start, implicit=implicit)
    assert alone is not None
    padding = b"\xfc\xff\xfc\xff" + (b"" if implicit else b"OB\0\0") + b"\4\0\0\0abcd"
    for behind in (tail, padding + tail):
        found = elements.split(whole + behind, start, implicit=implicit)
        assert found is not None
        assert list(found.raws.items()) == list(alone.raws.items())


def test_a_file_cut_short_is_no_file_with_a_tail(bench):
    ds = ct(ImageComments="fever " * 40)
    del ds.PixelData
    whole = bench.save(ds, "cut.dcm").read_bytes()
    start = elements.meta(whole)[1]
    at = whole.index(b"\x20\x00\x00\x40")
    for end in (at + 6, at + 60):
        found = elements.split(whole[:end], start, implicit=False)
        assert found is None or (0x00204000 not in found.raws and end == at + 6)


def _implicit(ds: Dataset) -> Dataset:
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return ds


def test_marks_of_indian_scripts_are_parts_of_their_words():
    seen: list[str] = []
    document = "<text>खोकला आहे, ಚಂದ್ರ</text>".encode()
    assert clean_document(document, lambda word: bool(seen.append(word) or True))
    assert seen == ["खोकला", "आहे", "ಚಂದ್ರ"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("R/o Plot No. 952 Mill Corner, Tah. & Dist. Dharwad, PIN 580001", ""),
        ("952, Mill Corner, Dharwad - 580001 chest pain", "chest pain"),
        ("H.No 12, near Hanuman Mandir, Bachelor Road, Wardha 442 001. Nodule 4 mm", "Nodule 4 mm"),
        ("At Post Keshavnagar, Dist Wardha 442001", ""),
        ("15 mm, smooth margin, near the hilum", "15 mm, smooth margin, near the hilum"),
        ("corner of the mouth", "corner of the mouth"),
    ],
)
def test_an_address_goes_from_the_house_to_the_pin_code(text, left):
    assert clean_text(text, NOBODY, prose=True) == left


@pytest.mark.parametrize("name", ["3dfspgr", "EFGRE3D", "FGRE-EFGRE3D", "2D TOF SPGR", "fmpspgr"])
def test_names_of_pulse_sequences_name_nobody(name):
    assert not device_text_tells(name, NOBODY)
    assert device_text_tells(f"{name} Wankhede", NOBODY)


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("Indian", "Indian"),
        ("South Asian", "South Asian"),
        ("2", "2"),
        ("G. Ilango", None),
        ("Asian Thakre", "Asian"),
    ],
)
def test_an_ethnic_group_is_kept_and_what_else_was_typed_there_is_not(bench, typed, left):
    out = _cleaned(bench, ct(EthnicGroup=typed))
    assert (out.get("EthnicGroup") or None) == left


def test_a_label_map_says_that_it_is_one(bench):
    assert _cleaned(bench, ct(SegmentationType="LABELMAP")).SegmentationType == "LABELMAP"
