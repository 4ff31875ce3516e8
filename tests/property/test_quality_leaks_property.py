"""Any identifier of each kind, planted anywhere in a text, is found; digits of UIDs and digests never are."""

import string
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from stdnum import verhoeff
from stdnum.in_ import aadhaar, pan

from midas.quality.leaks import examine_dicom, examine_line
from midas.quality.patterns import kinds_in

digits = st.text(string.digits, min_size=1)
words = st.text("abcdefghijklm nopqrst", max_size=30)


def some(alphabet: str, size: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=size, max_size=size)


@st.composite
def aadhaars(draw) -> str:
    body = draw(st.sampled_from("23456789")) + draw(some(string.digits, 10))
    number = body + verhoeff.calc_check_digit(body)
    sep = draw(st.sampled_from(["", " ", "-"]))
    return sep.join((number[:4], number[4:8], number[8:]))


@st.composite
def phones(draw) -> str:
    number = draw(st.sampled_from("6789")) + draw(some(string.digits, 9))
    return draw(st.sampled_from(["+91 ", "+91-", "Mobile: ", "Ph. "])) + number


@st.composite
def abhas(draw) -> str:
    number = draw(some(string.digits, 14))
    if draw(st.booleans()):
        return "-".join((number[:2], number[2:6], number[6:10], number[10:]))
    return f"ABHA {number}"


@st.composite
def pans(draw) -> str:
    serial = draw(st.integers(1, 9999))
    return (
        draw(some(string.ascii_uppercase, 3)) + draw(st.sampled_from("ABCFGHLJPTK")) + draw(some(string.ascii_uppercase, 1))
        + f"{serial:04d}" + draw(some(string.ascii_uppercase, 1))
    )  # fmt: skip


emails = st.builds(
    lambda a, b: f"{a}@{b}.example.in", some(string.ascii_lowercase, 5), some(string.ascii_lowercase, 4)
)
identifiers = st.one_of(
    aadhaars().filter(aadhaar.is_valid).map(lambda one: ("aadhaar", one)),
    phones().map(lambda one: ("phone", one)),
    abhas().map(lambda one: ("abha-number", one)),
    pans().filter(pan.is_valid).map(lambda one: ("pan", one)),
    emails.map(lambda one: ("e-mail", one)),
)


@given(identifiers, words, words)
def test_planted_in_a_text_it_is_found(planted, before, after):
    kind, text = planted
    assert kind in dict(kinds_in(f"{before} {text} {after}"))
    found = examine_line({"values": {"note": [f"{before} {text} {after}"]}})
    assert f"leak.pattern.{kind}" in {finding.rule for finding in found}
    assert text not in repr(found)


TEXT_ELEMENTS = (
    "SeriesDescription",
    "ImageComments",
    "ProtocolName",
    "StudyDescription",
    "TextValue",
    "LongCodeValue",
)


@settings(max_examples=40)
@given(identifiers, st.sampled_from(TEXT_ELEMENTS), st.integers(0, 3))
def test_planted_in_any_text_element_at_any_depth_it_is_found(planted, keyword, depth):
    kind, text = planted
    ds = Dataset()
    setattr(ds, keyword, text)
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = [ds]
        ds = outer
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "2.25.1"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.dcm"
        ds.save_as(path, enforce_file_format=True)
        found = examine_dicom(path)
    assert any(f.rule == f"leak.pattern.{kind}" and f.scope.endswith(keyword) for f in found)


@given(st.lists(st.integers(0, 10**12), min_size=3, max_size=8), some("0123456789abcdef", 64))
def test_uids_and_digests_mean_nothing(parts, digest):
    uid = "2.25." + ".".join(map(str, parts))
    assert examine_line({"uid": uid[:64].rstrip("."), "sha256": digest, "path": f"{uid}/{uid}.dcm"}) == ()
