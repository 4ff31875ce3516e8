"""Faces in photographs are covered, doubtful ones go to a person; metadata of photos and slides never comes through."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from skimage import data
from tests.deid_bench import PLACEMENT, USUAL, Bench, ct, profile

from midas.deid import clean
from midas.deid.faces import in_photo
from midas.deid.faces.detect import faces
from midas.formats import Kind
from midas.ingest import Door, to_dicom

FACES = "clean-recognizable-visual-features"
SECRETS = (b"Sulochana", b"9876543210", b"NDPI-LABEL-77", b"SN-443-X9", b"UH-2019-004512")
DOOR = Door(
    patient_id="UH-2019-004512", study_date="2025-03-04", view="frontal", laterality=None, anatomy=None, modality="XC",
    specimen=None, objective_power=None, mpp_um=None, study_key="s", series_key="p",
)  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def person() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut())


@pytest.mark.parametrize("quarter", range(4))
def test_a_face_is_covered_however_the_camera_was_held(quarter: int) -> None:
    picture = np.ascontiguousarray(np.rot90(person(), quarter))
    regions, why = in_photo(picture)
    assert len(regions) == 4
    assert why == ""
    found = faces(picture)[0]
    for box in regions:
        picture[box.top : box.top + box.height, box.left : box.left + box.width] = 0
    assert not any(face.sure for face in faces(picture))
    for x, y in found.eyes:
        assert not picture[int(y) - 4 : int(y) + 4, int(x) - 4 : int(x) + 4].any()
    x, y = (int(value) for value in found.mouth)
    assert picture[y - 4 : y + 4, x - 4 : x + 4].any()


def test_the_mouth_is_covered_too_where_it_is_not_needed() -> None:
    regions, _ = in_photo(person(), open_mouth=False)
    assert len(regions) == 1


def test_what_may_be_a_face_and_bare_skin_go_to_a_person() -> None:
    regions, why = in_photo(np.ascontiguousarray(data.chelsea()))
    assert (regions, why) == ((), "possible-face")
    arm = np.full((200, 300, 3), (165, 120, 95), np.uint8)
    assert in_photo(arm) == ((), "skin")


def test_pictures_without_skin_or_face_pass() -> None:
    mucosa = np.random.default_rng(3).normal((190, 70, 80), 12, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    assert in_photo(mucosa) == ((), "")
    assert in_photo(np.ascontiguousarray(data.colorwheel())) == ((), "")


def test_a_photograph_is_cleaned_with_its_face_covered(bench: Bench) -> None:
    rows, columns, _ = person().shape
    ds = ct(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4", Modality="XC", Rows=rows, Columns=columns, SamplesPerPixel=3,
        PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8, BitsStored=8, HighBit=7,
        BurnedInAnnotation="NO", ConversionType="DI",
    )  # fmt: skip
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.PixelData = person().tobytes()
    outcome, made = bench.clean(ds, profile=profile(*USUAL, FACES))
    assert made is not None, outcome
    assert not any(face.sure for face in faces(made.pixel_array))
    assert {region.rule for region in outcome.regions} >= {"deid.photo.face"}


def loaded_jpeg(path: Path) -> Path:
    """Write a JPEG with every kind of metadata that a telephone or an archive leaves in one."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x8298] = "Phone", "Sulochana Pawar", "Sulochana Pawar"
    exif.get_ifd(0x8825)[29] = "2025:03:04"
    exif.get_ifd(0x8825)[2] = (20.0, 44.0, 12.0)
    exif.get_ifd(0x8769)[0x927C] = b"MAKER\0SN-443-X9"
    exif.get_ifd(0x8769)[0xA431] = "SN-443-X9"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0call 9876543210"
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 80, 3), np.uint8))
    picture.save(path, "JPEG", exif=exif, xmp=b"<x:xmpmeta>Sulochana</x:xmpmeta>", comment=b"UH-2019-004512")
    bytes_ = path.read_bytes()
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x12\x1c\x02\x50\0\x0dSulochana P.."
    thumb = b"\xff\xd8\xff\xe0Sulochana thumbnail\xff\xd9"
    segments = b"".join(
        marker + struct.pack(">H", len(body) + 2) + body
        for marker, body in (
            (b"\xff\xed", iptc),
            (b"\xff\xe2", b"MPF\0" + thumb),
            (b"\xff\xec", b"Ducky9876543210"),
        )
    )
    path.write_bytes(
        bytes_[:2] + segments + bytes_[2:] + b"\xff\xd8Sulochana second picture 9876543210\xff\xd9"
    )
    return path


def leaks(paths: list[Path]) -> set[bytes]:
    return {secret for path in paths for secret in SECRETS if secret in path.read_bytes()}


def cleaned(bench: Bench, files: tuple[Path, ...], kind: str) -> list[Path]:
    made = []
    for number, file in enumerate(files):
        target = bench.folder / "clean" / f"{number}.dcm"
        target.parent.mkdir(exist_ok=True)
        outcome = clean(bench.job(file, target=target, placement=replace(PLACEMENT, item=kind)))
        assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
        made.append(target)
    return made


def test_no_metadata_of_a_photograph_comes_through(bench: Bench) -> None:
    source = loaded_jpeg(bench.folder / "photo.jpg")
    assert leaks([source]) >= {b"Sulochana", b"9876543210", b"SN-443-X9", b"UH-2019-004512"}
    files = to_dicom(source, kind=Kind.JPEG, door=DOOR, out=bench.folder / "in")
    assert not leaks(list(files)) - {b"UH-2019-004512"}
    assert not leaks(cleaned(bench, files, "photo"))


def slide(path: Path, kind: str) -> Path:
    """Write a slide as scanners do: tissue, then macro and label pages, each with words about the case."""
    about = {
        "svs": "Aperio Image Library v11\n600x512 JPEG|AppMag = 20|MPP = 0.5|User = Sulochana|Patient = 9876543210",
        "plain": "Scanner NDPI-LABEL-77 Sulochana SN-443-X9",
        "ome": "",
    }[kind]
    y, x = np.mgrid[0:512, 0:600]
    tissue = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    label = np.full((90, 120, 3), 9, np.uint8)
    with tifffile.TiffWriter(path, ome=kind == "ome") as tiff:
        common = {"photometric": "rgb", "resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
        extra = [(65001, "s", 0, "UH-2019-004512", True), (65000, "s", 0, "SN-443-X9", True)]
        if kind == "ome":
            sizes = {
                "PhysicalSizeX": 0.5,
                "PhysicalSizeY": 0.5,
                "Name": "Sulochana",
                "Description": "9876543210",
            }
            tiff.write(tissue, tile=(256, 256), metadata={"axes": "YXS", **sizes}, **common)
            tiff.write(label, metadata={"axes": "YXS", "Name": "label NDPI-LABEL-77"}, photometric="rgb")
            return path
        tiff.write(tissue, tile=(256, 256), description=about, metadata=None, extratags=extra, **common)
        tiff.write(
            tissue[::4, ::4].copy(), description=f"{about} thumbnail", metadata=None, photometric="rgb"
        )
        for name in ("label", "macro"):
            tiff.write(
                label, subfiletype=1 if name == "label" else 9, metadata=None, photometric="rgb",
                description=f"{name} Sulochana NDPI-LABEL-77",
            )  # fmt: skip
    return path


@pytest.mark.parametrize("kind", ["svs", "ome", "plain"])
def test_labels_and_words_of_slides_stay_behind(kind: str, bench: Bench) -> None:
    source = slide(bench.folder / f"slide.{'svs' if kind == 'svs' else 'tif'}", kind)
    assert len(leaks([source])) >= 3
    door = replace(DOOR, modality="SM", specimen="HP/2019/0873", mpp_um=0.5)
    files = to_dicom(source, kind=Kind.SLIDE, door=door, out=bench.folder / "in")
    made = cleaned(bench, files, "slide")
    assert not leaks(made)
    for path in made:
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        assert ds.ImageType[2] == "VOLUME"
        assert (ds.Rows, ds.Columns) != (90, 120)


@pytest.mark.parametrize(
    "change",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"], "SpecimenLabelInImage": "YES"},
    ],
    ids=["label", "overview"],
)
def test_the_label_of_a_dicom_slide_is_blackened_and_its_header_kept(
    change: dict[str, object], bench: Bench
) -> None:
    picture = np.random.default_rng(2).integers(40, 255, (32, 48, 3), np.uint8)
    ds = ct(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6", Modality="SM", Rows=32, Columns=48, SamplesPerPixel=3,
        PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8, BitsStored=8, HighBit=7,
        NumberOfFrames=1, LabelText="UH-2019-004512 Sulochana", BarcodeValue="9876543210", **change,
    )  # fmt: skip
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.PixelData = picture.tobytes()
    outcome, made = bench.clean(ds)
    assert made is not None, outcome
    assert not made.pixel_array.any()
    assert made.ImageType == ds.ImageType
    assert made.get("SpecimenLabelInImage", "NO") == "NO"
    assert not leaks([bench.job(Path()).target])
