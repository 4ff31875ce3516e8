"""Labels that came with the images keep their place and meaning in DICOM, or are refused as a whole."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from midas.formats import Kind, sniff
from midas.ingest import Door, ImportedLabels, labels_to_dicom, to_dicom
from midas.ingest.planes import _to_patient
from midas.kernel import BadInput
from midas.wire.v1 import Code

CODES = {
    "tumour": Code(scheme="SCT", value="108369006", meaning="Neoplasm"),
    "oedema": Code(scheme="SCT", value="79654002", meaning="Edema"),
}


def photo(tmp_path: Path, size: tuple[int, int] = (200, 100)) -> Path:
    Image.new("RGB", size, "pink").save(tmp_path / "photo", "PNG")
    door = Door("P", "2025-03-04", None, None, None, "XC", None, None, None, "s", "k")
    (file,) = to_dicom(tmp_path / "photo", kind=Kind.PNG, door=door, out=tmp_path / "photos")
    return file


def series(tmp_path: Path, rows: int = 30, columns: int = 20, slices: int = 5) -> list[Path]:
    """An oblique MR series whose slices stand in the folder in another order than in space."""
    tilt = np.deg2rad(20)
    right, down = np.array([1.0, 0, 0]), np.array([0, np.cos(tilt), np.sin(tilt)])
    files = []
    for at in range(slices):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.25.9{at}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
        ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "P", "", "", ""
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20250304", "101500", "", ""
        ds.ReferringPhysicianName, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "", "MR", 1, at + 1
        ds.Rows, ds.Columns, ds.PixelSpacing, ds.SliceThickness = rows, columns, [0.8, 1.2], 3.0
        ds.ImageOrientationPatient = [*right, *down]
        ds.ImagePositionPatient = list(np.array([5.0, -7, 11]) + np.cross(right, down) * 3.0 * at)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit = 15
        ds.PixelData = np.zeros((rows, columns), np.uint16).tobytes()
        file = tmp_path / f"{(at * 3) % slices}.dcm"
        ds.save_as(file, enforce_file_format=True)
        files.append(file)
    return sorted(files)


def mask(
    tmp_path: Path, files: list[Path], *, flipped: bool = False, shift: float = 0.0, value: int = 1
) -> Path:
    """A NIfTI mask on the grid of the series: columns 3-5, rows 10-19, slices 1-2 are `value`, one voxel is 2."""
    ordered = sorted((pydicom.dcmread(file) for file in files), key=lambda ds: int(ds.InstanceNumber))
    matrix = _to_patient(ordered[0])
    matrix[:3, 2] *= 3.0
    matrix[:3, 3] += shift
    values = np.zeros((20, 30, 5), np.uint8)
    values[3:6, 10:20, 1:3] = value
    values[0, 0, 4] = 2
    if flipped:
        values, turn = values[::-1], np.diag([-1.0, 1, 1, 1])
        turn[0, 3] = 19
        matrix = matrix @ turn
    image = nibabel.Nifti1Image(np.ascontiguousarray(values), np.diag([-1.0, -1, 1, 1]) @ matrix)
    path = tmp_path / "mask.bin"
    path.write_bytes(gzip.compress(image.to_bytes()))
    assert sniff(path) is Kind.NIFTI
    return path


def imported(path: Path, kind: Kind, references: list[Path], tmp_path: Path) -> ImportedLabels:
    return labels_to_dicom(
        path, kind=kind, references=references, out=tmp_path / "out", target="lesions", codes=CODES
    )


@pytest.mark.parametrize("flipped", [False, True])
def test_a_mask_lies_on_the_same_voxels(flipped: bool, tmp_path: Path) -> None:
    files = series(tmp_path)
    done = imported(mask(tmp_path, files, flipped=flipped), Kind.NIFTI, files, tmp_path)
    seg = pydicom.dcmread(done.files[0])
    assert (seg.ContentLabel, seg.SeriesDescription) == ("IMPORTED", "IMPORTED lesions")
    assert {segment.SegmentAlgorithmType for segment in seg.SegmentSequence} == {"MANUAL"}
    assert seg.StudyInstanceUID == "2.25.1"
    assert seg.ContentDate == "20250304"
    named = {segment.SegmentNumber: segment.SegmentLabel for segment in seg.SegmentSequence}
    expected = {"2.25.91": 30, "2.25.92": 30}
    frames = np.atleast_3d(seg.pixel_array).reshape((-1, 30, 20))
    seen: dict[str, int] = {}
    for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        position = np.asarray(group.PlanePositionSequence[0].ImagePositionPatient, float)
        (file,) = [
            f for f in files if np.allclose(pydicom.dcmread(f).ImagePositionPatient, position, atol=1e-3)
        ]
        if seg.SegmentationType == "LABELMAP":
            (tumour,) = [number for number, label in named.items() if label == "tumour"]
            frame = frame == tumour
        elif named[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber] != "tumour":
            continue
        if frame.any():
            seen[pydicom.dcmread(file).SOPInstanceUID] = int(frame.sum())
            assert frame[10:20, 3:6].all()
    assert seen == expected


@pytest.mark.parametrize(("rows", "columns", "form"), [(16, 16, "BINARY"), (15, 15, "LABELMAP")])
def test_packed_bits_only_where_they_fill_bytes(rows: int, columns: int, form: str, tmp_path: Path) -> None:
    file = photo(tmp_path, (columns, rows))
    label = coco(tmp_path, [[2, 2, 9, 2, 9, 9]], (columns, rows))
    seg = pydicom.dcmread(imported(label, Kind.COCO, [file], tmp_path).files[0])
    assert seg.SegmentationType == form


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    files = series(tmp_path)
    with pytest.raises(BadInput, match="another grid"):
        imported(mask(tmp_path, files, shift=0.5), Kind.NIFTI, files, tmp_path)


def test_a_mask_beyond_the_images_is_refused(tmp_path: Path) -> None:
    files = series(tmp_path)
    with pytest.raises(BadInput, match="beyond the images"):
        imported(mask(tmp_path, files), Kind.NIFTI, files[:2], tmp_path)


def test_a_number_without_a_class_is_refused(tmp_path: Path) -> None:
    files = series(tmp_path)
    with pytest.raises(BadInput, match="without a class"):
        imported(mask(tmp_path, files, value=9), Kind.NIFTI, files, tmp_path)


def coco(
    tmp_path: Path, outlines: list[list[float]], size: tuple[int, int] = (200, 100), name: str = "tumour"
) -> Path:
    path = tmp_path / "coco"
    path.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "photo.png", "width": size[0], "height": size[1]}],
                "categories": [{"id": 5, "name": name}],
                "annotations": [{"image_id": 1, "category_id": 5, "segmentation": [o]} for o in outlines],
            }
        )
    )
    return path


def test_polygons_become_a_segmentation_of_the_photo(tmp_path: Path) -> None:
    file = photo(tmp_path)
    done = imported(coco(tmp_path, [[20, 10, 60, 10, 60, 40, 20, 40]]), Kind.COCO, [file], tmp_path)
    seg = pydicom.dcmread(done.files[0])
    shown = seg.pixel_array
    assert shown[10:40, 20:60].all()
    assert shown.sum() == 30 * 40
    assert done.by_image == {str(pydicom.dcmread(file).SOPInstanceUID): str(seg.SOPInstanceUID)}


@pytest.mark.parametrize("counts", [[5, 3, 2, 4, 6], "5328:"])
def test_run_lengths_are_decoded(counts: object, tmp_path: Path) -> None:
    from midas.formats.labels.documents import _compressed

    if isinstance(counts, str):
        assert _compressed("52203") == [5, 2, 2, 2, 5]
        return
    path = tmp_path / "coco"
    note = {"image_id": 1, "category_id": 1, "segmentation": {"size": [5, 4], "counts": counts}}
    path.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a"}],
                "categories": [{"id": 1, "name": "tumour"}],
                "annotations": [note],
            }
        )
    )
    seg = pydicom.dcmread(imported(path, Kind.COCO, [photo(tmp_path, (4, 5))], tmp_path).files[0])
    column_wise = np.array([0] * 5 + [1] * 3 + [0] * 2 + [1] * 4 + [0] * 6).reshape(4, 5).T
    assert (seg.pixel_array == column_wise).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"name": "Ramesh"}, "does not know"),
        ({"size": (100, 200)}, "another size"),
        ({"outlines": [[0, 0, 900, 0, 900, 900]]}, "beyond its picture"),
        ({"outlines": [[1, 1, 2, 2]]}, "damaged"),
        ({"outlines": []}, "no labels"),
    ],
)
def test_half_a_set_of_labels_is_never_taken(change: dict[str, object], match: str, tmp_path: Path) -> None:
    how: dict[str, object] = {"outlines": [[1, 1, 9, 1, 9, 9]], **change}
    with pytest.raises(BadInput, match=match) as caught:
        imported(coco(tmp_path, **how), Kind.COCO, [photo(tmp_path)], tmp_path)  # type: ignore[arg-type]
    assert "Ramesh" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def via(tmp_path: Path) -> Path:
    forms = [
        {"name": "rect", "x": 5, "y": 6, "width": 20, "height": 10},
        {"name": "circle", "cx": 50, "cy": 50, "r": 9},
        {"name": "point", "cx": 3, "cy": 4},
        {"name": "polyline", "all_points_x": [1, 5], "all_points_y": [2, 9]},
    ]
    marks = [{"shape_attributes": form, "region_attributes": {"type": "tumour"}} for form in forms]
    path = tmp_path / "via"
    path.write_text(json.dumps({"photo.png12": {"filename": "photo.png", "size": 12, "regions": marks}}))
    return path


def test_boxes_and_points_become_a_report(tmp_path: Path) -> None:
    done = imported(via(tmp_path), Kind.VIA, [photo(tmp_path)], tmp_path)
    (file,) = done.files
    text = str(pydicom.dcmread(file))
    assert "IMPORTED lesions" in text
    assert [text.count(f"'{kind}'") for kind in ("POLYLINE", "ELLIPSE", "POINT")] == [2, 1, 1]
    assert "108369006" in text


def test_several_pictures_are_found_by_name_and_strangers_counted(tmp_path: Path) -> None:
    path = coco(tmp_path, [[1, 1, 9, 1, 9, 9]])
    document = json.loads(path.read_text())
    document["images"].append({"id": 2, "file_name": "other.png"})
    document["annotations"].append({"image_id": 2, "category_id": 5, "segmentation": [[1, 1, 9, 1, 9, 9]]})
    path.write_text(json.dumps(document))
    file = photo(tmp_path)
    done = labels_to_dicom(
        path,
        kind=Kind.COCO,
        references=[file],
        out=tmp_path / "out",
        target="t",
        codes=CODES,
        names={"photo.png": file},
    )
    assert (len(done.files), done.without_image) == (1, 1)


def test_structure_sets_become_segmentations(tmp_path: Path) -> None:
    files = series(tmp_path)
    first = next(ds for ds in map(pydicom.dcmread, files) if ds.InstanceNumber == 2)
    matrix = _to_patient(first)
    corners = [(2.5, 4.5), (7.5, 4.5), (7.5, 9.5), (2.5, 9.5)]
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
    contour.ContourData = [round(float(v), 6) for x, y in corners for v in (matrix @ [x, y, 0, 1])[:3]]
    roi, outline = Dataset(), Dataset()
    roi.ROINumber, roi.ROIName = 1, "tumour"
    outline.ReferencedROINumber, outline.ContourSequence = 1, [contour]
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.77"
    ds.StructureSetROISequence, ds.ROIContourSequence = [roi], [outline]
    path = tmp_path / "rt"
    ds.save_as(path, enforce_file_format=True)
    seg = pydicom.dcmread(imported(path, Kind.DICOM, files, tmp_path).files[0])
    shown = np.squeeze(seg.pixel_array)
    assert shown.ndim == 2
    assert shown[5:10, 3:8].all()
    assert shown.sum() == 25


@pytest.mark.system("dciodvfy")
def test_a_conformance_checker_finds_no_error(tmp_path: Path) -> None:
    file, files = photo(tmp_path), series(tmp_path, columns=20, rows=30)
    made = [
        *imported(coco(tmp_path, [[1, 1, 9, 1, 9, 9]]), Kind.COCO, [file], tmp_path).files,
        *imported(via(tmp_path), Kind.VIA, [file], tmp_path).files,
    ]
    path = tmp_path / "q"
    ring = {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 9], [1, 1]]]}
    path.write_text(
        json.dumps(
            [{"type": "Feature", "geometry": ring, "properties": {"classification": {"name": "tumour"}}}]
        )
    )
    made += imported(path, Kind.QUPATH, [file], tmp_path).files
    assert len(made) == 3
    for one in made:
        ran = subprocess.run(["dciodvfy", str(one)], capture_output=True, text=True, check=False)
        assert [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("Error")] == []
    assert files
