"""Slides become a pyramid with their own pixels, calibration and objective, and nothing of their label."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from wsidicom import WsiDicom

from midas.formats import Kind, dicom, slides, sniff
from midas.ingest import Door, to_dicom
from midas.kernel import BadInput

DOOR = Door(
    patient_id="UHID1", study_date=None, view=None, laterality=None, anatomy=None, modality="SM", specimen="S/25/17",
    objective_power=None, mpp_um=None, study_key="s", series_key="slide-1",
)  # fmt: skip
APERIO = (
    "Aperio Image Library v11.2.1\n1000x900 [0,0 1000x900] (256x256) JPEG/RGB Q=70"
    "|AppMag = 20|MPP = 0.5|User = RameshKumar"
)


def tissue() -> np.ndarray:
    image = Image.effect_mandelbrot((1000, 900), (-2, -1.2, 1, 1.2), 60).convert("L")
    grey = np.asarray(image)
    return np.stack([grey, 255 - grey, np.roll(grey, 40, axis=1)], axis=-1)


def pyramid(
    path: Path, *, compression: str | None = "jpeg", description: str | None = None, calibrated: bool = True
) -> Path:
    full = tissue()
    with tifffile.TiffWriter(path) as tiff:
        for at in range(3):
            level = np.ascontiguousarray(full[:: 2**at, :: 2**at])
            resolution = (20000 / 2**at,) * 2 if calibrated else (1, 1)
            tiff.write(
                level, tile=(256, 256), compression=compression, photometric="rgb", subfiletype=int(at > 0), metadata=None,
                resolution=resolution, resolutionunit="CENTIMETER" if calibrated else "NONE",
                description=description if at == 0 else None,
            )  # fmt: skip
        if description:
            label = np.full((100, 100, 3), 7, np.uint8)
            tiff.write(
                label,
                subfiletype=1,
                photometric="rgb",
                metadata=None,
                description="label RameshKumar 100x100",
            )
    return path


def ome(path: Path) -> Path:
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(
            tissue(), tile=(256, 256), compression="deflate", subifds=1, metadata={"axes": "YXS", **sizes}
        )
        tiff.write(
            np.ascontiguousarray(tissue()[::2, ::2]), subfiletype=1, tile=(256, 256), compression="deflate"
        )
    return path


SOURCES = {
    "tiff": pyramid,
    "lossless tiff": lambda path: pyramid(path, compression="deflate"),
    "aperio": lambda path: pyramid(path, description=APERIO),
    "ome": ome,
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_slide_keeps_its_pixels_and_calibration(name: str, tmp_path: Path) -> None:
    path = SOURCES[name](tmp_path / "slide.bin")
    assert sniff(path) is Kind.SLIDE
    files = to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    assert sorted(tmp_path.joinpath("out").iterdir()) == sorted(files)
    assert all(b"RameshKumar" not in file.read_bytes() for file in files)
    levels = [pydicom.dcmread(file) for file in files]
    assert [(ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows) for ds in levels[:2]] == [
        (1000, 900),
        (500, 450),
    ]
    assert list(levels[0].ImageType) == ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    lower = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]  # PS3.3 C.8.12.4.1.1
    assert [list(ds.ImageType) for ds in levels[1:]] == [lower] * (len(levels) - 1)
    assert len(levels) > 1
    assert len({ds.SeriesInstanceUID for ds in levels}) == len({ds.PyramidUID for ds in levels}) == 1
    spacing = levels[0].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing
    assert [float(value) for value in spacing] == pytest.approx([0.0005, 0.0005])
    assert levels[0].SpecimenDescriptionSequence[0].SpecimenIdentifier == "S/25/17"
    assert levels[0].OpticalPathSequence[0].get("ObjectiveLensPower") == (20 if name == "aperio" else None)
    with slides.open_slide(path) as source:
        own = np.block([[[source.pixels(x, y)] for x in range(4)] for y in range(4)])[:900, :1000]
    with WsiDicom.open(list(files)) as slide:
        shown = np.asarray(slide.read_region((0, 0), 0, (1000, 900)).convert("RGB")).astype(int)
    assert np.abs(shown - own.astype(int)).mean() < (0.01 if name in ("tiff", "aperio") else 4)


def test_jpeg_tiles_are_kept_as_they_are(tmp_path: Path) -> None:
    path = pyramid(tmp_path / "slide", description=APERIO)
    with slides.open_slide(path) as source:
        assert source.keeps_jpeg
        own = source.jpeg(1, 1)
    files = to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    ds = pydicom.dcmread(files[0])
    kept = pydicom.encaps.get_frame(ds.PixelData, 4 + 1, number_of_frames=16)
    assert kept.rstrip(b"\0") == own
    assert ds.LossyImageCompressionMethod == "ISO_10918_1"


def test_the_same_slide_gives_the_same_bytes(tmp_path: Path) -> None:
    path = pyramid(tmp_path / "slide")
    one = to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "1")
    two = to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "2")
    assert [file.name for file in one] == [file.name for file in two]
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_a_slide_without_calibration_waits_for_one(tmp_path: Path) -> None:
    path = pyramid(tmp_path / "slide", calibrated=False)
    with pytest.raises(BadInput, match="how large its pixels"):
        to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert to_dicom(path, kind=Kind.SLIDE, door=replace(DOOR, mpp_um=0.25), out=tmp_path / "out")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_slide_is_refused_and_leaves_nothing(share: float, tmp_path: Path) -> None:
    path = SOURCES["ome"](tmp_path / "slide")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInput):
        to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_previews_show_the_slide_and_its_levels(tmp_path: Path) -> None:
    path = pyramid(tmp_path / "slide")
    files = to_dicom(path, kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    for shown in (path, *files):
        assert dicom.preview(shown, size=100).startswith(b"\x89PNG")


@pytest.mark.system("dciodvfy")
@pytest.mark.parametrize("name", SOURCES)
def test_a_conformance_checker_finds_no_error(name: str, tmp_path: Path) -> None:
    files = to_dicom(SOURCES[name](tmp_path / "slide"), kind=Kind.SLIDE, door=DOOR, out=tmp_path / "out")
    for file in files:
        ran = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
        assert [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("Error")] == []
