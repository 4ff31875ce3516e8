"""Labels that came with the images become DICOM: segmentations for areas and masks, reports for boxes and points.

In come a label file and the DICOM images that it belongs to; out come SEG or SR TID 1500 objects of the images' own
study, marked IMPORTED and made by hand. A label that the protocol does not know, or that does not fit its image, stops
the whole file: half a set of labels is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from midas.formats import Kind, dicom
from midas.formats.labels import LabelledImage, Shape, read, read_volume
from midas.ingest.planes import contour_planes, volume_planes
from midas.ingest.regions import area_mask, write_report
from midas.ingest.segmentation import write_segmentation
from midas.kernel import BadInput
from midas.wire.v1 import Code

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
AREAS = {Shape.POLYGON, Shape.MASK}


@dataclass(frozen=True)
class ImportedLabels:
    """What was written. `labels` are the classes found, `without_image` counts pictures whose image was not given."""

    files: tuple[Path, ...]
    labels: tuple[str, ...]
    regions: int
    without_image: int = 0
    by_image: dict[str, str] = field(default_factory=dict)
    """SOP Instance UID or Series Instance UID of the image → SOP Instance UID of the label object."""


def labels_to_dicom(
    path: Path, *, kind: Kind, references: Sequence[Path], out: Path, target: str, codes: Mapping[str, Code],
    names: Mapping[str, Path] | None = None, values: Mapping[int, str] | None = None, origin: str = "",
) -> ImportedLabels:  # fmt: skip
    """Write the labels at `path` as DICOM below `out`.

    `references` are the DICOM images (or one series) they belong to, `codes` gives the code of each class of the
    protocol's target, `names` the image of each picture name in a document (a single reference needs none), `values`
    the class of each number in a mask, `origin` what to call the source format. BadInput as the module says.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not references:
        raise BadInput("The labels have no images.", advice="Hand in the images with their labels.")
    if not codes:
        raise BadInput("The target names no classes.", advice="Give the target's codes in the protocol.")
    if kind is Kind.NIFTI:
        return _volume(path, references, out, target, codes, values)
    if kind is Kind.DICOM:
        return _structures(path, references, out, target, codes)
    return _document(path, kind, references, out, target, codes, names, origin or kind.value)


def _known(labels: Sequence[str], codes: Mapping[str, Code]) -> tuple[str, ...]:
    found = tuple(sorted(set(labels)))
    if any(label not in codes for label in found):
        raise BadInput(
            "The labels name a class that the protocol does not know.",
            advice="Rename it, or add it to the target.",
        )
    if not found:
        raise BadInput("The file holds no labels.", advice="Hand in a file with labels.")
    return found


def _volume(
    path: Path, references: Sequence[Path], out: Path, target: str, codes: Mapping[str, Code],
    values: Mapping[int, str] | None,
) -> ImportedLabels:  # fmt: skip
    volume = read_volume(path)
    present = [int(value) for value in _unique(volume.values) if value]
    meaning = dict(values or enumerate(codes, start=1))
    if any(value not in meaning for value in present):
        raise BadInput("The mask holds a number without a class.", advice="Say what each number means.")
    labels = _known([meaning[value] for value in present], codes)
    series = _series(references)
    planes = volume_planes(volume, series, {value: labels.index(meaning[value]) + 1 for value in present})
    file, uid = write_segmentation(
        planes, series, labels, codes, target=target, origin="NIfTI", out=out, source=path
    )
    return ImportedLabels((file,), labels, len(present), by_image={str(series[0].SeriesInstanceUID): uid})


def _unique(values: object) -> list[int]:
    import numpy as np

    return [int(value) for value in np.unique(values)]  # type: ignore[call-overload]


def _structures(
    path: Path, references: Sequence[Path], out: Path, target: str, codes: Mapping[str, Code]
) -> ImportedLabels:
    ds = dicom.read(path)
    if ds.get("SOPClassUID") != RT_STRUCTURE_SET:
        raise BadInput("The file is not an RT structure set.", advice="Hand in RTSTRUCT.")
    series = _series(references)
    named = {int(roi.ROINumber): str(roi.ROIName) for roi in ds.get("StructureSetROISequence", [])}
    contours = {
        named[int(roi.ReferencedROINumber)]: list(roi.get("ContourSequence") or [])
        for roi in ds.get("ROIContourSequence", [])
    }
    labels = _known([name for name, rings in contours.items() if rings], codes)
    planes = contour_planes(contours, series, labels)
    file, uid = write_segmentation(
        planes, series, labels, codes, target=target, origin="RTSTRUCT", out=out, source=path
    )
    return ImportedLabels((file,), labels, len(labels), by_image={str(series[0].SeriesInstanceUID): uid})


def _series(references: Sequence[Path]) -> list[Dataset]:
    series = [dicom.read(reference) for reference in references]
    if len({ds.get("SeriesInstanceUID") for ds in series}) != 1:
        raise BadInput("The images are of several series.", advice="Hand in one series for each mask.")
    if any("ImagePositionPatient" not in ds or "PixelSpacing" not in ds for ds in series):
        raise BadInput("The images do not say where they lie.", advice="Hand in the original series.")
    return series


def _document(
    path: Path, kind: Kind, references: Sequence[Path], out: Path, target: str, codes: Mapping[str, Code],
    names: Mapping[str, Path] | None, origin: str,
) -> ImportedLabels:  # fmt: skip
    pictures = [picture for picture in read(path, kind) if picture.regions]
    labels = _known([region.label for picture in pictures for region in picture.regions], codes)
    files: list[Path] = []
    by_image: dict[str, str] = {}
    without = 0
    for picture in pictures:
        reference = _reference(picture, pictures, references, names)
        if reference is None:
            without += 1
            continue
        written, image, uid = _picture(picture, reference, out, target, codes, origin, path)
        files += written
        by_image[image] = uid
    total = sum(len(picture.regions) for picture in pictures)
    return ImportedLabels(tuple(files), labels, total, without, by_image)


def _reference(
    picture: LabelledImage, pictures: Sequence[LabelledImage], references: Sequence[Path],
    names: Mapping[str, Path] | None,
) -> Path | None:  # fmt: skip
    if names:
        plain = picture.name.replace("\\", "/").rsplit("/", 1)[-1]
        return names.get(picture.name) or names.get(plain)
    return references[0] if len(references) == len(pictures) == 1 else None


def _picture(
    picture: LabelledImage,
    reference: Path,
    out: Path,
    target: str,
    codes: Mapping[str, Code],
    origin: str,
    source: Path,
) -> tuple[list[Path], str, str]:
    image = dicom.read(reference)
    slide = image.get("SOPClassUID") == SLIDE_CLASS
    columns = int(image.TotalPixelMatrixColumns if slide else image.Columns)
    rows = int(image.TotalPixelMatrixRows if slide else image.Rows)
    if picture.width is not None and (picture.width, picture.height) != (columns, rows):
        raise BadInput(
            "The labels are of a picture of another size.", advice="Label the picture that is handed in."
        )
    areas = [region for region in picture.regions if region.shape in AREAS]
    others = [region for region in picture.regions if region.shape not in AREAS]
    if slide:
        if any(region.shape is Shape.MASK for region in areas):
            raise BadInput("A mask of a slide cannot be taken.", advice="Hand in outlines.")
        areas, others = [], [*areas, *others]
    files: list[Path] = []
    uid = ""
    if areas:
        labels = tuple(sorted({region.label for region in areas}))
        planes = area_mask(areas, labels, rows=rows, columns=columns)
        file, uid = write_segmentation(
            planes, [image], labels, codes, target=target, origin=origin, out=out, source=source
        )
        files.append(file)
    if others:
        file, report = write_report(
            others, image, codes, (columns, rows), target=target, origin=origin, out=out, source=source
        )
        files.append(file)
        uid = uid or report
    return files, str(image.SOPInstanceUID), uid
