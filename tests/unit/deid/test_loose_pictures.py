"""Photographs and slides in a folder: cleaned as DICOM under the right person, or held with a reason."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from skimage import data
from tests.deid_bench import ct

from midas.compute import here, processes
from midas.deid import Secret, load_profile
from midas.deid.faces.detect import faces
from midas.deid.folder import Summary, folder
from midas.deid.whose import runs, tails
from midas.ingest import loose_to_dicom

SECRET = Secret.of(bytes(range(64)))
PLANTED = (b"Sulochana", b"SULOCHANA", b"9876543210", b"SN-443-X9", b"LABEL-77", b"Exif", b"GPS", b"pathlab")
VL, WSI = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.77.1.6"


def tissue(seed: int = 1, size: int = 160) -> Image.Image:
    """A picture that shows neither skin nor text: red mucosa in soft noise."""
    dice = np.random.default_rng(seed)
    soft = dice.normal(0, 6, (size // 16, size // 16, 3)).repeat(16, 0).repeat(16, 1)
    return Image.fromarray(np.clip(soft + np.array([180, 40, 60]), 0, 255).astype(np.uint8))


def photo(path: Path, picture: Image.Image | None = None, *, day: str = "2019:06:14") -> Path:
    """Write a photograph with all that a camera and an archive put into it."""
    picture = picture or tissue()
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0132] = "Sulochana 9876543210", "Dr Sulochana", f"{day} 10:00:00"
    detail = exif.get_ifd(0x8769)
    detail[0x9003], detail[0xA431] = f"{day} 10:00:00", "SN-443-X9"
    exif.get_ifd(0x8825)[2] = (20.0, 44.0, 43.2)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        info = PngInfo()
        info.add_text("Author", "Sulochana")
        picture.save(path, pnginfo=info, exif=exif)
    elif path.suffix == ".tif":
        picture.save(path, tiffinfo={270: "Sulochana 9876543210"})
    else:
        picture.save(path, quality=92, exif=exif, comment=b"Sulochana")
        path.write_bytes(path.read_bytes() + b"trailing Sulochana")
    return path


def image(root: Path, name: str, patient: str, number: int = 1) -> None:
    ds = ct(PatientID=patient, PatientName=f"Person^{number}", StudyInstanceUID=f"1.2.826.0.1.77.{number}",
            SOPInstanceUID=f"1.2.826.0.1.77.{number}.1.1")  # fmt: skip
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    (root / "in" / name).parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(root / "in" / name, ds, enforce_file_format=True)


def slide(path: Path, *, title: str = "Sulochana") -> Path:
    """Write a slide as Aperio scanners do, with its label and macro pictures."""
    about = (
        f"Aperio Image Library v12.0.15 \r\n|AppMag = 20|MPP = 0.4990|User = pathlab|Title = {title} LABEL-77"
    )
    pixels = np.random.default_rng(3).integers(180, 255, (768, 768, 3), dtype=np.uint8)
    label = np.full((240, 320, 3), 255, np.uint8)
    jpeg = {"photometric": "rgb", "compression": "jpeg", "metadata": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as out:
        out.write(pixels, tile=(256, 256), description=about, **jpeg)
        out.write(
            pixels[::4, ::4].copy(),
            description="Aperio Image Library v12.0.15 \r\nthumbnail Sulochana",
            **jpeg,
        )
        out.write(label, description="Aperio Image Library v12.0.15 \r\nlabel 320x240", subfiletype=1, **jpeg)
        out.write(label, description="Aperio Image Library v12.0.15 \r\nmacro 320x240", subfiletype=9, **jpeg)
    return path


def cleaned(root: Path, **how: object) -> Summary:
    given = {"profile": load_profile("research"), "make": loose_to_dicom, "runner": here(), **how}
    return folder(root / "in", root / "out", report=root / "owner", secret=SECRET, **given)


def listed(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "owner" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def outputs(root: Path) -> list[Path]:
    return sorted(path for path in (root / "out").rglob("*") if path.is_file())


def subjects(root: Path) -> dict[str, str]:
    return {row["source"]: row["output"].split("/")[0] for row in listed(root, "file-map.csv")}


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_only_pixels_and_the_shifted_day_of_a_photograph_come_out(tmp_path: Path, ending: str) -> None:
    photo(tmp_path / "in" / "Sulochana" / f"front Sulochana{ending}")
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned, done.held) == (1, 1, 0)
    (path,) = outputs(tmp_path)
    assert not [
        one for one in PLANTED if one in path.read_bytes() + str(path.relative_to(tmp_path / "out")).encode()
    ]
    ds = pydicom.dcmread(path)
    assert (ds.SOPClassUID, ds.PatientID, ds.Rows) == (VL, path.relative_to(tmp_path / "out").parts[0], 160)
    if ending in {".jpg", ".webp"}:
        shift = int(listed(tmp_path, "patient-map.csv")[0]["shift_days"])
        assert (np.datetime64(f"{ds.StudyDate[:4]}-{ds.StudyDate[4:6]}-{ds.StudyDate[6:]}")
                - np.datetime64("2019-06-14")) / np.timedelta64(1, "D") == shift  # fmt: skip
    told = np.asarray(tissue()).astype(int)
    assert np.abs(ds.pixel_array.astype(int) - told).mean() < 12, "the picture itself is not touched"


def test_a_face_is_covered_whatever_the_profile_asks_for(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png", Image.fromarray(data.astronaut()))
    assert cleaned(tmp_path).held == 0
    (path,) = outputs(tmp_path)
    covered = pydicom.dcmread(path).pixel_array
    for x, y in faces(data.astronaut())[0].eyes:
        assert not covered[int(y) - 4 : int(y) + 4, int(x) - 4 : int(x) + 4].any()
    assert not any(face.sure for face in faces(covered))
    skin = np.random.default_rng(1).normal((205, 160, 130), 6, (256, 256, 3))
    photo(tmp_path / "in" / "b.png", Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8)))
    assert cleaned(tmp_path).reasons["recognisable-face"] >= 1, "what no detector can judge goes to a person"


def test_whose_a_picture_is(tmp_path: Path) -> None:
    image(tmp_path, "a/CT/1.dcm", "UH/2020/0001")
    image(tmp_path, "b/CT/1.dcm", "UH/2020/0002", 2)
    photo(tmp_path / "in" / "UH-2020-0002 front.jpg")
    photo(tmp_path / "in" / "a" / "photos" / "1.jpg", tissue(2))
    photo(tmp_path / "in" / "drive" / "2.jpg", tissue(3))
    photo(tmp_path / "in" / "drive" / "3.jpg", tissue(4))
    photo(tmp_path / "in" / "UH-2020-0001" / "UH-2020-0002.jpg", tissue(5))
    (tmp_path / "in" / "list.csv").write_text("photo,UHID\n3.JPG,UH/2020/0001\n", "utf-8")
    done = cleaned(tmp_path)
    assert done.reasons == {"ambiguous-person": 1}
    whose = subjects(tmp_path)
    one, two = whose["a/CT/1.dcm"], whose["b/CT/1.dcm"]
    assert whose["UH-2020-0002 front.jpg"] == two
    assert whose["a/photos/1.jpg"] == whose["drive/3.jpg"] == one
    assert whose["drive/2.jpg"] not in {one, two}
    assert "deid.person.unknown" in (tmp_path / "owner" / "report.json").read_text("utf-8")
    table = next(path for path in outputs(tmp_path) if path.suffix == ".csv").read_text("utf-8").splitlines()
    assert (tmp_path / "out" / table[1].split(",")[0]).is_file(), "the table names the file where it now lies"


def test_a_slide_leaves_without_label_and_metadata_and_counts_once(tmp_path: Path) -> None:
    slide(tmp_path / "in" / "Sulochana LABEL-77.svs")
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned, done.held) == (1, 1, 0)
    made = [pydicom.dcmread(path) for path in outputs(tmp_path)]
    assert len(made) == len(listed(tmp_path, "file-map.csv")) == 3, "768, 384 and 192 pixels"
    assert {ds.SOPClassUID for ds in made} == {WSI}
    assert {ds.ImageType[2] for ds in made} == {"VOLUME"}
    assert len({ds.SeriesInstanceUID for ds in made}) == 1
    for path in outputs(tmp_path):
        assert not [one for one in PLANTED if one in path.read_bytes()]
    assert cleaned(tmp_path).kept == 1
    (tmp_path / "in" / "Sulochana LABEL-77.svs").write_bytes(b"II*\0" + bytes(2000))
    assert cleaned(tmp_path).reasons == {"convert-failed": 1}
    assert not outputs(tmp_path), "all levels are taken back"


def test_broken_pictures_are_held_and_nothing_is_left_of_them(tmp_path: Path) -> None:
    whole = photo(tmp_path / "in" / "a.jpg").read_bytes()
    (tmp_path / "in" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    done = cleaned(tmp_path)
    assert (done.found, done.held, done.reasons) == (1, 1, {"convert-failed": 1})
    assert not outputs(tmp_path)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_without_a_maker_pictures_are_held(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.jpg")
    assert cleaned(tmp_path, make=None).reasons == {"kind-jpeg": 1}


def test_a_second_run_and_a_pool_give_the_same(tmp_path: Path) -> None:
    for number in range(3):
        photo(tmp_path / "in" / f"{number}.jpg", tissue(number))
    first = cleaned(tmp_path)
    before = {path: path.read_bytes() for path in outputs(tmp_path)}
    assert (first.kept, cleaned(tmp_path).kept) == (0, 3)
    for path in before:
        path.unlink()
    with processes(2) as pool:
        assert cleaned(tmp_path, runner=pool).kept == 0
    assert {path: path.read_bytes() for path in outputs(tmp_path)} == before


def test_numbers_and_names_in_paths() -> None:
    from pathlib import PurePosixPath

    path = PurePosixPath("UH-2020-0001 x/IMG 7.jpg")
    assert {"uh20200001", "uh2020", "img7"} <= set(runs(path))
    assert list(tails(path)) == ["uh-2020-0001 x/img 7.jpg", "img 7.jpg", "img 7"]


def pdf(path: Path, *lines: str) -> Path:
    """Write a report as hospital systems print it, with its author in the metadata."""
    from midas.deid.documents import Line, Page, written_pdf

    page = Page(595, 842, tuple(Line(40, 780 - 20 * at, 12, line) for at, line in enumerate(lines)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written_pdf([page]) + b"\n% Sulochana\n")
    return path


def test_a_report_beside_the_images_keeps_its_findings_and_loses_the_person(tmp_path: Path) -> None:
    from midas.deid.documents import read_pdf

    image(tmp_path, "UH-2020-0001/1.dcm", "UH/2020/0001")
    pdf(
        tmp_path / "in" / "UH-2020-0001" / "report.pdf", "MRI Brain with contrast", "Patient: Sulochana Wagh 9876543210",
        "Mass in the left frontal lobe, 3 cm",
    )  # fmt: skip
    done = cleaned(tmp_path)
    assert (done.found, done.cleaned, done.persons) == (2, 2, 1)
    (path,) = [one for one in outputs(tmp_path) if b"%PDF" in one.read_bytes()]
    ds = pydicom.dcmread(path)
    assert not [one for one in PLANTED if one in path.read_bytes()]
    text = " ".join(line.text for page in read_pdf(bytes(ds.EncapsulatedDocument)) for line in page.lines)
    assert "MRI Brain with contrast" in text
    assert "left frontal lobe, 3 cm" in text
    assert not [word for word in ("Sulochana", "Wagh", "98765") if word in text]
    (tmp_path / "in" / "locked.pdf").write_bytes(b"%PDF-1.4\n" + b"x" * 300)
    assert cleaned(tmp_path).reasons == {"document-not-understood": 1}
