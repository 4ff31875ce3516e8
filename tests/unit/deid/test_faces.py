"""Heads are found, faces are cut in the right place and nothing else is touched; what cannot be matched goes to a person."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.deid_bench import USUAL, ct, profile
from tests.face_phantoms import Made, Scan, make, mean_head, save

from midas.deid.faces import FaceMask, cut, frame_of, of_series
from midas.deid.faces.cutting import _cover
from midas.deid.faces.volume import planes
from midas.deid.model import Held
from midas.deid.stream import open_file
from midas.deid.writing import Hashed, write

ASKED = profile(*USUAL, "clean-recognizable-visual-features")
HEAD = mean_head()
QUICK = Scan(pixel_mm=4.0, slice_mm=4.0, window=(0.0, 220.0))


def written(path: Path, mask: Path) -> pydicom.FileDataset:
    opened, out = open_file(path), io.BytesIO()
    cut(opened, mask=mask)
    write(opened, Hashed(out))
    out.seek(0)
    return pydicom.dcmread(out)


def shares(made: Made, paths: list[Path], mask: Path) -> tuple[float, float]:
    """Return the share of face that went and of brain that stayed, by the file's own geometry."""
    found, face, brain = FaceMask.load(mask), [], []
    for number, path in enumerate(paths):
        plane = next(planes(pydicom.dcmread(path, stop_before_pixels=True), path))
        cover = _cover(plane, found)
        cover = np.zeros((plane.rows, plane.columns), bool) if cover is None else cover > 0
        face.append((int((made.face[number] & cover).sum()), int(made.face[number].sum())))
        brain.append((int((made.brain[number] & ~cover).sum()), int(made.brain[number].sum())))
    (gone, faces), (kept, brains) = np.sum(face, axis=0), np.sum(brain, axis=0)
    return gone / faces, kept / brains


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, list[Path], Path]:
    folder = tmp_path_factory.mktemp("plain")
    made = make(HEAD, replace(QUICK, modality="CT", seed=11))
    paths = save(made, folder / "in")
    verdict = of_series(paths, out=folder / "mask", profile=ASKED)
    assert verdict.state == "mask", verdict
    return made, paths, folder / "mask"


@pytest.mark.parametrize(
    "scan",
    [
        Scan(plane="sagittal", invert=True, seed=2),
        Scan(modality="CT", tilt=18, frame=True, seed=4),
        Scan(modality="CT", plane="coronal", defect=True, scale=0.82, seed=5, missing=(20, 21)),
    ],
    ids=["sagittal-inverted", "tilt-and-frame", "child-after-surgery"],
)
def test_heads_of_all_kinds_are_defaced_and_keep_their_brain(scan: Scan, tmp_path: Path) -> None:
    made = make(HEAD, replace(scan, pixel_mm=4.0, slice_mm=4.0, window=(0.0, 215.0)))
    paths = save(made, tmp_path / "in")
    verdict = of_series(paths, out=tmp_path / "mask", profile=ASKED)
    assert verdict.state == "mask", verdict
    face, brain = shares(made, paths, tmp_path / "mask")
    assert face > 0.97, (face, verdict)
    assert brain > 0.999, (brain, verdict)


def test_cutting_fills_with_air_and_changes_nothing_outside(plain: tuple[Made, list[Path], Path]) -> None:
    _, paths, mask = plain
    before, after = pydicom.dcmread(paths[20]), written(paths[20], mask)
    cover = _cover(next(planes(before, paths[20])), FaceMask.load(mask))
    assert cover is not None
    was, now = before.pixel_array, after.pixel_array
    assert (now[cover == 1] <= 200).all()
    assert len(np.unique(now[cover == 2])) == 1
    assert (was[cover > 0] > 900).any()
    assert np.array_equal(was[cover == 0], now[cover == 0])
    assert after.RecognizableVisualFeatures == "NO"


@pytest.mark.parametrize("syntax", ["rle", "jpegls", "jpeg2000"])
def test_compressed_slices_are_cut_in_their_own_syntax(
    syntax: str, plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    uid = {
        "rle": pydicom.uid.RLELossless, "jpegls": pydicom.uid.JPEGLSLossless, "jpeg2000": pydicom.uid.JPEG2000Lossless
    }[syntax]  # fmt: skip
    _, paths, mask = plain
    ds = pydicom.dcmread(paths[20])
    ds.compress(uid, generate_instance_uid=False)
    ds.save_as(tmp_path / "c.dcm")
    made = written(tmp_path / "c.dcm", mask)
    assert made.file_meta.TransferSyntaxUID == uid
    assert np.array_equal(made.pixel_array, written(paths[20], mask).pixel_array)


def test_an_enhanced_object_is_looked_at_and_cut_frame_by_frame(tmp_path: Path) -> None:
    made = make(HEAD, replace(QUICK, plane="oblique", pitch=-8, yaw=6, seed=12))
    ds = enhanced(made)
    path = tmp_path / "e.dcm"
    ds.save_as(path, enforce_file_format=True)
    verdict = of_series([path], out=tmp_path / "mask", profile=ASKED)
    assert verdict.state == "mask", verdict
    now = written(path, tmp_path / "mask").pixel_array
    gone = (now != ds.pixel_array) & made.face
    assert gone.sum() > 0.9 * ((ds.pixel_array > 12) & made.face).sum()
    assert not ((now != ds.pixel_array) & made.brain).any()


def enhanced(made: Made) -> pydicom.FileDataset:
    """Return the slices as one Enhanced MR object."""
    first = made.slices[0]
    ds = ct(size=first.Rows)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    ds.Modality, ds.BodyPartExamined, ds.FrameOfReferenceUID = "MR", "HEAD", "1.2.3"
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(ds, keyword)
    ds.NumberOfFrames = len(made.slices)
    shared, measures, turned = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, turned.ImageOrientationPatient = first.PixelSpacing, first.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([turned])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for one in made.slices:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = one.ImagePositionPatient
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.PixelData = b"".join(one.PixelData for one in made.slices)
    return ds


def test_slices_above_the_brow_need_nothing(tmp_path: Path) -> None:
    paths = save(make(HEAD, replace(QUICK, window=(0.0, 68.0), seed=13)), tmp_path / "in")
    verdict = of_series(paths, out=tmp_path / "mask", profile=ASKED)
    assert (verdict.state, verdict.reason) == ("none-needed", "no-face-in-view")
    assert not (tmp_path / "mask").exists()


def body(tmp_path: Path, **attributes: object) -> list[Path]:
    """Write an elliptic trunk with lungs: a body without a head."""
    y, x = np.mgrid[-40:40, -40:40] * 4.0
    inside = (x / 150) ** 2 + (y / 100) ** 2 < 1
    lungs = ((np.abs(x) - 65) / 45) ** 2 + (y / 65) ** 2 < 1
    values = np.where(inside, np.where(lungs, -800, 40), -1000) + 1024
    paths = []
    for number in range(24):
        ds = ct(
            size=80, PixelSpacing=[4.0, 4.0], ImagePositionPatient=[-160, -160, 6.0 * number], **attributes
        )
        ds.PixelData = values.astype("<u2").tobytes()
        path = tmp_path / f"b{number}.dcm"
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


@pytest.mark.parametrize(
    ("part", "reason"), [("ABDOMEN", "elsewhere"), ("", "no-crown")], ids=["named", "unnamed"]
)
def test_a_body_without_a_head_is_left_alone(part: str, reason: str, tmp_path: Path) -> None:
    paths = body(tmp_path, BodyPartExamined=part, StudyDescription="", SeriesDescription="Axial 5.0")
    verdict = of_series(paths, out=tmp_path / "mask", profile=ASKED)
    assert (verdict.state, verdict.reason) == ("none-needed", reason)


def test_a_body_that_claims_to_be_a_head_goes_to_a_person(tmp_path: Path) -> None:
    verdict = of_series(body(tmp_path, BodyPartExamined="HEAD"), out=tmp_path / "mask", profile=ASKED)
    assert (verdict.state, verdict.reason) == ("person", "head-not-matched")
    assert verdict.findings[0].rule == "deid.risk.face"
    assert not (tmp_path / "mask").exists()


def test_a_head_that_lies_back_to_front_is_not_believed(tmp_path: Path) -> None:
    made = make(HEAD, replace(QUICK, seed=14))
    for ds in made.slices:
        ds.ImageOrientationPatient = [1, 0, 0, 0, -1, 0]
        across, down, up = ds.ImagePositionPatient
        ds.ImagePositionPatient = [across, -down, up]
    verdict = of_series(save(made, tmp_path / "in"), out=tmp_path / "mask", profile=ASKED)
    assert verdict.state == "person", verdict


def test_without_the_option_nothing_is_looked_at(tmp_path: Path) -> None:
    verdict = of_series([tmp_path / "absent.dcm"], out=tmp_path / "mask", profile=profile(*USUAL))
    assert (verdict.state, verdict.reason) == ("none-needed", "not-asked")


def test_a_few_thick_slices_and_broken_files_are_told_apart(tmp_path: Path) -> None:
    paths = save(make(HEAD, replace(QUICK, slice_mm=12.0, seed=15)), tmp_path / "in")
    assert of_series(paths, out=tmp_path / "m", profile=ASKED).reason == "not-renderable"
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(b"\0" * 200)
    assert of_series([bad], out=tmp_path / "m", profile=ASKED).state in {"person", "none-needed"}
    cutoff = save(make(HEAD, replace(QUICK, seed=16)), tmp_path / "cut")
    for path in cutoff:
        path.write_bytes(path.read_bytes()[:-4000])
    assert of_series(cutoff, out=tmp_path / "m", profile=ASKED).state == "person"


def test_slices_without_a_place_go_to_a_person_and_are_never_cut_blindly(
    plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    _, paths, mask = plain
    lost = []
    for number, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        del ds.ImagePositionPatient
        ds.save_as(tmp_path / f"{number}.dcm")
        lost.append(tmp_path / f"{number}.dcm")
    assert of_series(lost, out=tmp_path / "m", profile=ASKED).reason == "no-geometry"
    with pytest.raises(Held, match="recognisable-face"):
        cut(open_file(lost[0]), mask=mask)


def test_what_the_protocol_needs_stays_under_the_skin_and_is_recorded(
    plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    _, paths, mask = plain
    needs = replace(ASKED, face_keep=frozenset({"teeth", "jaw"}))
    verdict = of_series(paths, out=tmp_path / "kept", profile=needs)
    assert verdict.state == "mask"
    assert [finding.rule for finding in verdict.findings] == ["deid.residual.face"]
    kept, whole = FaceMask.load(tmp_path / "kept"), FaceMask.load(mask)
    assert 0.3 * whole.grid.sum() < kept.grid.sum() < 0.99 * whole.grid.sum()


def test_a_protocol_that_keeps_lesions_must_be_told_where_they_lie(
    plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    made, paths, _ = plain
    needs = replace(ASKED, face_keep=frozenset({"lesion"}))
    assert of_series(paths, out=tmp_path / "m", profile=needs).reason == "lesion-unknown"
    deep = centre(made)
    verdict = of_series(paths, out=tmp_path / "m", profile=needs, lesions=[struct(tmp_path, deep)])
    assert verdict.state == "mask", verdict
    assert not FaceMask.load(tmp_path / "m").inside(deep[None])[0]
    bare = skin_point(made)
    verdict = of_series(paths, out=tmp_path / "m", profile=needs, lesions=[struct(tmp_path, bare)])
    assert (verdict.state, verdict.reason) == ("person", "lesion-in-face")


def points(made: Made, which: np.ndarray) -> np.ndarray:
    k, row, column = np.nonzero(which)
    at = np.array([ds.ImagePositionPatient for ds in made.slices], float)[k]
    step = float(made.slices[0].PixelSpacing[0])
    return at + np.stack([column * step, row * step, np.zeros(len(k))], axis=1)


def centre(made: Made) -> np.ndarray:
    """Return a point behind the face, well under its skin."""
    found = points(made, made.face)
    return np.array([np.median(found[:, 0]), found[:, 1].min() + 34, np.median(found[:, 2])])


def skin_point(made: Made) -> np.ndarray:
    found = points(made, made.face)
    return found[np.argmin(found[:, 1])]


def struct(folder: Path, at: np.ndarray, kind: str = "GTV", name: str = "GTV1", reach: float = 4.0) -> Path:
    """Write a structure set with one square contour around a point."""
    ds = ct(size=2)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    for keyword in ("Rows", "Columns", "PixelData", "FrameOfReferenceUID"):
        delattr(ds, keyword)
    ds.Modality = "RTSTRUCT"
    frame, roi, observed, contours, contour = (Dataset() for _ in range(5))
    frame.FrameOfReferenceUID = "1.2.3.4"
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, name, "1.2.3.4"
    observed.ObservationNumber, observed.ReferencedROINumber, observed.RTROIInterpretedType = 1, 1, kind
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    around = np.stack([np.cos(angles) * reach, np.sin(angles) * reach, np.zeros(40)], axis=1) + at
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 40
    contour.ContourData = [f"{value:.3f}" for value in around.ravel()]
    contours.ReferencedROINumber, contours.ContourSequence = 1, Sequence([contour])
    ds.ReferencedFrameOfReferenceSequence = Sequence([frame])
    ds.StructureSetROISequence, ds.RTROIObservationsSequence = Sequence([roi]), Sequence([observed])
    ds.ROIContourSequence = Sequence([contours])
    path = folder / f"rs-{kind}-{name}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def test_outlines_of_the_skin_are_clipped_and_tumours_keep_their_shape(
    plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    made, _, mask = plain
    middle, found = centre(made), FaceMask.load(mask)
    for kind, name, gone in (("EXTERNAL", "BODY", True), ("", "Skin", True), ("GTV", "GTV1", False)):
        path = struct(tmp_path, middle + np.array([0, 60.0, 0]), kind, name, reach=75.0)
        opened = open_file(path)
        assert (cut(opened, mask=mask) > 0) is gone
        left = np.array(opened.ds.ROIContourSequence[0].ContourSequence[0].ContourData, float).reshape(-1, 3)
        assert len(left) == opened.ds.ROIContourSequence[0].ContourSequence[0].NumberOfContourPoints
        assert found.inside(left).any() is np.bool_(not gone)
    assert frame_of(path) == "1.2.3.4"


def test_a_coloured_capture_of_a_head_goes_to_a_person_and_a_dose_is_left(
    plain: tuple[Made, list[Path], Path], tmp_path: Path
) -> None:
    shown = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SeriesDescription="VRT head", BodyPartExamined="HEAD")
    shown.save_as(tmp_path / "sc.dcm", enforce_file_format=True)
    assert of_series([tmp_path / "sc.dcm"], out=tmp_path / "m", profile=ASKED).reason == "rendering"
    dose = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2", Modality="RTDOSE")
    dose.save_as(tmp_path / "d.dcm", enforce_file_format=True)
    assert cut(open_file(tmp_path / "d.dcm"), mask=plain[2]) == 0


def test_the_same_series_gives_the_same_mask(plain: tuple[Made, list[Path], Path], tmp_path: Path) -> None:
    _, paths, mask = plain
    of_series(paths, out=tmp_path / "again", profile=ASKED)
    assert (tmp_path / "again").read_bytes() == mask.read_bytes()
