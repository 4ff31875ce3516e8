"""Planes of labels as a DICOM Segmentation of the images they lie on.

In come planes and the images' datasets; out comes one SEG (PS3.3 A.51) marked IMPORTED, every segment MANUAL. Labels
that do not overlap on images whose pixels do not fill whole bytes are written as LABELMAP (PS3.3 A.51, Label Map), since
readers differ about packed bits there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as known
from pydicom.sr.coding import Code as Concept
from pydicom.uid import ExplicitVRLittleEndian

from midas.ingest.door import MAKER, derived_uid
from midas.kernel import BadInput, sha256_file, whole_file
from midas.wire.v1 import Code

MARK = "IMPORTED"
"""Content Label of every label object that was not made here."""
COLOURS = (
    (230, 75, 53), (77, 187, 213), (0, 160, 135), (243, 155, 127), (132, 145, 180), (126, 97, 72), (145, 209, 194),
)  # fmt: skip
"""sRGB of segments in turn, so that viewers show the same; a reader may choose others."""


def concept(code: Code) -> Concept:
    return Concept(code.value, code.scheme, code.meaning[:64])


def write_segmentation(
    planes: np.ndarray, images: Sequence[Dataset], labels: Sequence[str], codes: Mapping[str, Code], *, target: str,
    origin: str, out: Path, source: Path,
) -> tuple[Path, str]:  # fmt: skip
    """Write `planes` (slices of segment numbers, or of booleans with a last axis of segments); return file and UID."""
    bits = _as_bits(planes, len(labels))
    if not bits.any():
        raise BadInput("No label lies on its image.", advice="Check that labels and images belong together.")
    form, pixels = _form(bits)
    image = images[0]
    uid = derived_uid(
        "labels", str(image.SeriesInstanceUID), str(image.SOPInstanceUID), target, sha256_file(source), form
    )
    seg = hd.seg.Segmentation(
        source_images=list(images), pixel_array=pixels, segmentation_type=form,
        segment_descriptions=[_segment(at, label, codes[label]) for at, label in enumerate(labels, start=1)],
        series_instance_uid=derived_uid("label-series", str(image.SeriesInstanceUID), target),
        series_number=1000, sop_instance_uid=uid, instance_number=1, manufacturer=MAKER.manufacturer,
        manufacturer_model_name=MAKER.model, software_versions=MAKER.version, device_serial_number=MAKER.serial,
        content_label=MARK, content_description=f"Imported from {origin}"[:64],
        transfer_syntax_uid=ExplicitVRLittleEndian, series_description=f"{MARK} {target}"[:64],
    )  # fmt: skip
    if "ImagePositionPatient" not in image and "PatientOrientation" not in seg:
        seg.PatientOrientation = image.get("PatientOrientation") or ""
    timeless(seg, image)
    path = out / f"{uid}.dcm"
    with whole_file(path) as stream:
        seg.save_as(stream, enforce_file_format=True)
    return path, str(uid)


def timeless(made: Dataset, image: Dataset) -> None:
    """Replace the moment of writing, which the library sets, by the study's own."""
    made.ContentDate = image.get("StudyDate") or "19000101"
    made.ContentTime = image.get("StudyTime") or "000000"
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        if keyword in made:
            delattr(made, keyword)
    for equipment in made.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime


def _segment(number: int, label: str, code: Code) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label[:64],
        segmented_property_category=known.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=concept(code),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        display_color=hd.color.CIELabColor.from_rgb(*COLOURS[(number - 1) % len(COLOURS)]),
    )


def _as_bits(planes: np.ndarray, segments: int) -> np.ndarray:
    if planes.ndim == 4:
        return planes
    return np.asarray(planes[..., None] == np.arange(1, segments + 1, dtype=planes.dtype))


def _form(bits: np.ndarray) -> tuple[str, np.ndarray]:
    whole_bytes = bits.shape[1] * bits.shape[2] % 8 == 0
    apart = bits.shape[3] == 1 or int(bits.sum(axis=3, dtype=np.uint16).max()) <= 1
    if whole_bytes or not apart:
        return "BINARY", bits.astype(np.uint8)
    numbers = np.arange(1, bits.shape[3] + 1, dtype=np.uint16)
    labelled = (bits * numbers).max(axis=3)
    return "LABELMAP", labelled.astype(np.uint8 if bits.shape[3] < 256 else np.uint16)
