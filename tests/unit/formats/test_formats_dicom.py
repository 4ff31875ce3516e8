"""DICOM is read whole or refused with a reason, whatever its encoding; facts name nobody; previews look right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from midas.formats import Kind, dicom, sniff
from midas.kernel import BadInput

FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*"))
FILES = [path for path in FILES if path.is_file() and sniff(path) in (Kind.DICOM, Kind.DICOMDIR)]

REFUSED = {"MR_truncated.dcm", "rtplan_truncated.dcm"}
"""Files of pydicom that end before their content does."""

UNDECODED = {
    "JPEG2000-embedded-sequence-delimiter.dcm",  # its codestream is cut where pydicom takes the delimiter for the end
    "badVR.dcm",  # its number of frames is `1A`
}


def test_there_are_files_to_read() -> None:
    assert len(FILES) > 150


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_file_of_pydicom_is_read_or_refused_with_a_reason(path: Path) -> None:
    if path.name in REFUSED:
        with pytest.raises(BadInput, match="ends before its content"):
            dicom.read(path)
        return
    found = dicom.look(path)
    assert len(found.dataset) > 0
    facts = dicom.facts(found.dataset)
    assert all(isinstance(value, (str, int, float, type(None))) for value in facts.values())


PICTURES = [path for path in FILES if path.stat().st_size > 3000 and path.name not in REFUSED]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_picture_of_pydicom_is_shown_or_refused_with_a_reason(path: Path) -> None:
    ds = dicom.read(path, pixels=True)
    shows = any(keyword in ds for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
    if not shows or path.name in UNDECODED:
        with pytest.raises(BadInput):
            dicom.preview(path)
        return
    image = Image.open(io.BytesIO(dicom.preview(path, size=64)))
    assert image.format == "PNG"
    assert 0 < max(image.size) <= 64
    assert not image.info


def made(path: Path, pixels: np.ndarray, **more: object) -> Path:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        ds.NumberOfFrames = len(pixels)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = pixels.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelData = pixels.tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.save_as(path, enforce_file_format=True)
    return path


RAMP = np.tile(np.arange(64, dtype=np.uint16) * 100, (64, 1))


def shown(path: Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(dicom.preview(path)))).astype(int)


def test_a_window_of_the_file_is_used(tmp_path: Path) -> None:
    picture = shown(made(tmp_path / "a.dcm", RAMP, WindowCenter="3200", WindowWidth="1000"))
    assert picture[0, :26].max() == 0
    assert picture[0, 38:].min() == 255
    assert 100 < picture[0, 32] < 155


def test_without_a_window_outliers_do_not_darken_the_picture(tmp_path: Path) -> None:
    pixels = RAMP.copy()
    pixels[0, 0] = 65535
    picture = shown(made(tmp_path / "a.dcm", pixels))
    assert picture[10, 63] > 240
    assert picture[10, 0] < 15


def test_monochrome1_is_turned_round(tmp_path: Path) -> None:
    picture = shown(made(tmp_path / "a.dcm", RAMP, PhotometricInterpretation="MONOCHROME1"))
    assert picture[10, 0] > 240 > 15 > picture[10, 63]


def test_the_middle_frame_is_shown(tmp_path: Path) -> None:
    frames = np.stack([np.zeros((64, 64), np.uint8), RAMP.astype(np.uint8), np.zeros((64, 64), np.uint8)])
    assert shown(made(tmp_path / "a.dcm", frames)).max() == 255


def test_a_flat_picture_has_a_preview(tmp_path: Path) -> None:
    assert set(np.unique(shown(made(tmp_path / "a.dcm", np.full((8, 8), 7, np.uint16))))) == {128}


@pytest.mark.parametrize("at", [140, 300, 1000, 20000, 39000])
def test_a_truncated_file_is_never_read(at: int, tmp_path: Path) -> None:
    whole = Path(get_testdata_file("CT_small.dcm")).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[:at])
    with pytest.raises(BadInput):
        dicom.read(path)
    with pytest.raises(BadInput):
        dicom.read(path, pixels=True)


@pytest.mark.parametrize(
    "name", ["JPEG2000.dcm", "SC_rgb_rle_2frame.dcm", "image_dfl.dcm", "MR_small_bigendian.dcm"]
)
def test_a_file_cut_in_its_pixels_is_never_read(name: str, tmp_path: Path) -> None:
    whole = Path(get_testdata_file(name)).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(BadInput):
        dicom.read(path)


def test_what_is_not_dicom_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "Ramesh Kumar.dcm"
    path.write_bytes(b"Ramesh Kumar")
    with pytest.raises(BadInput) as caught:
        dicom.read(path)
    assert "Ramesh" not in str(caught.value)


def named(path: Path, charset: str | None, name: bytes) -> Path:
    """A file whose patient's name holds exactly these bytes, with one more in a nested item."""
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    ds.SpecificCharacterSet = "ISO_IR 6"
    ds.PatientName = "N" * len(name)
    inner = Dataset()
    inner.RequestedProcedureDescription = "D" * len(name)
    ds.RequestAttributesSequence = [inner]
    if charset is None:
        del ds.SpecificCharacterSet
    else:
        ds.SpecificCharacterSet = charset
    ds.save_as(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"N" * len(name), name).replace(b"D" * len(name), name))
    return path


@pytest.mark.parametrize(
    ("charset", "name", "text", "rule"),
    [
        (None, "रमेश^कुमार".encode(), "रमेश^कुमार", "dicom.charset-missing"),
        ("ISO_IR 192", "José ".encode("latin-1") * 2, "José José", "dicom.charset-wrong"),
        ("ISO_IR 6", "தமிழ்".encode() + b" ", "தமிழ்", "dicom.charset-wrong"),
        ("NONSENSE", "रमेश".encode(), "रमेश", "dicom.charset-wrong"),
        ("ISO_IR 192", "रमेश".encode(), "रमेश", None),
        ("ISO_IR 100", "José^A".encode("latin-1"), "José^A", None),
    ],
)
def test_text_is_read_leniently_and_said(
    charset: str | None, name: bytes, text: str, rule: str | None, tmp_path: Path
) -> None:
    if len(name) % 2:
        name += b" "
    found = dicom.look(named(tmp_path / "a.dcm", charset, name))
    assert str(found.dataset.PatientName).strip() == text
    assert found.dataset.RequestAttributesSequence[0].RequestedProcedureDescription.strip() == text
    assert [one.rule for one in found.findings] == ([rule] if rule else [])
    out = tmp_path / "out.dcm"
    found.dataset.save_as(out)
    again = pydicom.dcmread(out)
    assert str(again.PatientName).strip() == text


def test_facts_of_a_ct_are_right_and_name_nobody() -> None:
    ds = dicom.read(Path(get_testdata_file("CT_small.dcm")))
    facts = dicom.facts(ds)
    assert (facts["Rows"], facts["Columns"], facts["Modality"]) == (128, 128, "CT")
    assert facts["PixelSpacing"] == "0.661468\\0.661468"
    assert facts["SliceThickness"] == 5.0
    assert facts["TransferSyntaxUID"] == ExplicitVRLittleEndian
    hidden = {str(ds.PatientName), str(ds.PatientID), ds.StudyInstanceUID, ds.StudyDate, ds.InstitutionName}
    assert not hidden & {str(value) for value in facts.values()}


def test_facts_of_an_enhanced_object_come_from_its_groups() -> None:
    facts = dicom.facts(dicom.read(Path(get_testdata_file("liver_1frame.dcm"))))
    assert facts["PixelSpacing"] is not None
    assert facts["SegmentationType"] == "BINARY"


def test_twelve_bit_jpeg_is_decoded() -> None:
    frame = dicom.frame(Path(get_testdata_file("JPGExtended.dcm")))
    assert frame.shape == (1024, 256)
    assert frame.max() == 255
