"""Photographs become DICOM upright, with their pixels and without anything else of the file."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageOps
from pydicom.uid import JPEGBaseline8Bit

from midas.formats import Kind, photos
from midas.ingest import Door, to_dicom
from midas.kernel import BadInput
from midas.wire.v1 import Code

SECRETS = (b"RameshKumar", b"SECRETCAM", b"9876543210", b"GPSMARK")

DOOR = Door(
    patient_id="UHID1", study_date="2025-03-04", view="left-buccal", laterality="left",
    anatomy=Code(scheme="SCT", value="74262004", meaning="Oral cavity structure"), modality="XC", specimen=None,
    objective_power=None, mpp_um=None, study_key="person-1/visit-1", series_key="photo-1",
)  # fmt: skip


def scene() -> Image.Image:
    row, column = np.mgrid[0:120, 0:160]
    picture = np.stack([row * 2, column, (row + column) % 256], axis=-1).astype(np.uint8)
    picture[:30, :40] = (255, 0, 0)
    return Image.fromarray(picture)


def exif(orientation: int) -> Image.Exif:
    value = Image.Exif()
    value[0x0112], value[0x010F], value[0x013B] = orientation, "SECRETCAM", "RameshKumar"
    value.get_ifd(0x8825)[29] = "GPSMARK"
    value.get_ifd(0x8769)[0x9286] = b"9876543210"
    return value


def saved(path: Path, form: str, image: Image.Image | None = None, **how: object) -> Path:
    (image or scene()).save(path, form, **how)
    return path


def converted(path: Path, kind: Kind, out: Path, **door: object) -> pydicom.FileDataset:
    (file,) = to_dicom(path, kind=kind, door=replace(DOOR, **door), out=out)
    data = file.read_bytes()
    assert not [secret for secret in SECRETS if secret in data]
    return pydicom.dcmread(file)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_and_metadata_stays_behind(
    form: str, orientation: int, tmp_path: Path
) -> None:
    how: dict[str, object] = {"exif": exif(orientation)}
    if form == "JPEG":
        how |= {"quality": 95, "comment": b"RameshKumar", "xmp": b"<x>SECRETCAM</x>"}
    if form == "WEBP":
        how |= {"lossless": True, "xmp": b"<x>SECRETCAM</x>"}
    path = saved(tmp_path / "a", form, **how)
    ds = converted(path, Kind(form.lower()), tmp_path / "out")
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)
    shown = ds.pixel_array.astype(int)
    assert shown.shape == upright.shape
    assert np.abs(shown - upright).max() <= (6 if ds.file_meta.TransferSyntaxUID == JPEGBaseline8Bit else 0)


def test_an_upright_jpeg_keeps_its_compressed_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", "JPEG", quality=90, exif=exif(1))
    ds = converted(path, Kind.JPEG, tmp_path / "out")
    assert ds.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    stream = pydicom.encaps.get_frame(ds.PixelData, 0, number_of_frames=1)
    source = path.read_bytes()
    assert source[source.index(b"\xff\xda") :] == stream[stream.index(b"\xff\xda") :].rstrip(b"\0")
    assert b"Exif" not in stream
    assert b"JFIF" not in stream
    assert ds.LossyImageCompression == "01"
    assert ds.PhotometricInterpretation == "YBR_FULL_422"


@pytest.mark.parametrize("how", [{"progressive": True}, {}])
def test_jpegs_that_are_not_baseline_are_stored_without_loss(how: dict[str, object], tmp_path: Path) -> None:
    image = scene() if how else scene().convert("CMYK")
    ds = converted(saved(tmp_path / "a", "JPEG", image, **how), Kind.JPEG, tmp_path / "out")
    assert not ds.file_meta.TransferSyntaxUID.is_compressed
    assert ds.LossyImageCompression == "01"


def test_bytes_after_the_picture_are_cut_off() -> None:
    out = io.BytesIO()
    scene().save(out, "JPEG")
    stream, _ = photos.bare_jpeg(out.getvalue() + b"RameshKumar")
    assert stream is not None
    assert stream.endswith(b"\xff\xd9")


def test_tables_knowledge_stands_in_the_object(tmp_path: Path) -> None:
    ds = converted(saved(tmp_path / "a", "PNG"), Kind.PNG, tmp_path / "out")
    assert ds.SOPClassUID.name == "VL Photographic Image Storage"
    assert (ds.PatientID, ds.StudyDate, ds.Modality, ds.ImageLaterality) == ("UHID1", "20250304", "XC", "L")
    assert ds.AnatomicRegionSequence[0].CodeValue == "74262004"
    assert ds.StudyInstanceUID.startswith("2.25.")


def test_the_same_file_gives_the_same_bytes_and_studies_share_their_uid(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", "PNG")
    (one,) = to_dicom(path, kind=Kind.PNG, door=DOOR, out=tmp_path / "1")
    (two,) = to_dicom(path, kind=Kind.PNG, door=DOOR, out=tmp_path / "2")
    (other,) = to_dicom(path, kind=Kind.PNG, door=replace(DOOR, series_key="photo-2"), out=tmp_path / "3")
    assert one.read_bytes() == two.read_bytes()
    first, third = pydicom.dcmread(one), pydicom.dcmread(other)
    assert first.StudyInstanceUID == third.StudyInstanceUID
    assert first.SeriesInstanceUID != third.SeriesInstanceUID
    assert first.SOPInstanceUID != third.SOPInstanceUID


def test_a_photomicrograph_keeps_objective_and_calibration(tmp_path: Path) -> None:
    more = {"objective_power": 40.0, "mpp_um": 0.25, "modality": "GM", "specimen": "S/25/17"}
    ds = converted(saved(tmp_path / "a", "PNG"), Kind.PNG, tmp_path / "out", **more)
    assert ds.SOPClassUID.name == "VL Microscopic Image Storage"
    assert ds.OpticalPathSequence[0].ObjectiveLensPower == 40
    assert [float(value) for value in ds.PixelSpacing] == [0.00025, 0.00025]
    assert ds.SpecimenDescriptionSequence[0].SpecimenIdentifier == "S/25/17"


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16"])
def test_pictures_of_every_mode_are_taken(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.linspace(0, 4095, 120 * 160).reshape(120, 160).astype(np.uint16))
    else:
        image = scene().convert(mode)
    ds = converted(saved(tmp_path / "a", "PNG", image), Kind.PNG, tmp_path / "out")
    assert ds.pixel_array.shape[:2] == (120, 160)
    assert ds.pixel_array.max() > 150


HEIC = Path(__file__).resolve().parents[2] / "data" / "gradient-turned.heic"
"""A synthetic gradient of 200 x 120 with a red upper left corner, stored with a turn (EXIF 6), a name and a position."""


def test_a_heic_is_turned_and_its_metadata_stays_behind(tmp_path: Path) -> None:
    planted = b"Planted Name Kulkarni"
    assert planted in HEIC.read_bytes()
    (file,) = to_dicom(HEIC, kind=Kind.HEIC, door=DOOR, out=tmp_path / "out")
    assert planted not in file.read_bytes()
    ds = pydicom.dcmread(file)
    assert (ds.Rows, ds.Columns) == (200, 120)
    red, background = ds.pixel_array[5, -6].astype(int), ds.pixel_array[5, 5].astype(int)
    assert abs(red - (255, 0, 0)).max() < 12
    assert abs(background - (5, 245, 60)).max() < 12
    assert (ds.LossyImageCompression, ds.LossyImageCompressionMethod) == ("01", "ISO_23008_2")


def test_a_heic_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(HEIC.read_bytes()[:2000])
    with pytest.raises(BadInput):
        photos.look(path)


def test_a_broken_heic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    with pytest.raises(BadInput):
        photos.look(path)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_cut_photograph_is_refused(form: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "Ramesh.jpg", form)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput) as caught:
        to_dicom(path, kind=Kind(form.lower()), door=DOOR, out=tmp_path / "out")
    assert "Ramesh" not in str(caught.value)
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]


def complaints(path: Path) -> list[str]:
    ran = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("Error")]


@pytest.mark.system("dciodvfy")
@pytest.mark.parametrize(
    "more", [{}, {"objective_power": 20.0, "mpp_um": 0.5, "modality": "GM"}, {"specimen": "S1"}]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_conformance_checker_finds_no_error(
    mode: str, form: str, more: dict[str, object], tmp_path: Path
) -> None:
    assert shutil.which("dciodvfy")
    path = saved(tmp_path / "a", form, scene().convert(mode))
    (file,) = to_dicom(path, kind=Kind(form.lower()), door=replace(DOOR, **more), out=tmp_path / "out")
    assert complaints(file) == []
