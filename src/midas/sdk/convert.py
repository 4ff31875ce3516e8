"""A release in the forms that other tools read: NIfTI volumes, PNG pictures, or DICOM as it is, with one index table.

In comes an open release and a folder; out come files and `index.csv` (file, subject, visit, lesion, specimen, item,
modality, view, spacing, label). Nothing is written over.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from midas.kernel import Conflict, NoProgress, Progress, whole_file
from midas.sdk.images import Image, Source, find, read
from midas.sdk.volumes import Array

if TYPE_CHECKING:
    from midas.sdk.release import Release

Form = Literal["dicom", "nifti", "png"]
COLUMNS = (
    "file", "subject", "visit", "lesion", "specimen", "item", "modality", "view", "spacing_mm", "label", "source",
)  # fmt: skip
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM counts mm to the left and back, NIfTI to the right and front."""


def _is_colour(array: Array) -> bool:
    return bool(array.ndim >= 3 and array.shape[-1] == 3 and array.dtype == np.uint8)


def grey8(array: Array) -> Array:
    """Return values between the 0.5th and 99.5th percentile as 0–255, for looking at, not for measuring."""
    low, high = np.percentile(array, [0.5, 99.5])
    span = (high - low) or 1.0
    scaled: Array = np.clip((array - low) / span, 0, 1) * 255
    return scaled.astype(np.uint8)


def write_png(image: Image, stem: Path) -> list[Path]:
    """Write an image as PNG: one file, or a folder with one file a slice."""
    from PIL import Image as Picture

    array = image.array if _is_colour(image.array) else grey8(image.array)
    flat = array.ndim - (1 if _is_colour(image.array) else 0) == 2
    slices = [array] if flat else list(array)
    written = []
    for number, one in enumerate(slices):
        path = stem.with_name(f"{stem.name}.png") if flat else stem / f"{number:04d}.png"
        held = io.BytesIO()
        Picture.fromarray(one).save(held, format="PNG")
        with whole_file(path) as stream:
            stream.write(held.getvalue())
        written.append(path)
    return written


def write_nifti(image: Image, stem: Path) -> list[Path]:
    """Write an image as NIfTI-1 in RAS coordinates; without geometry the identity stands in and spacing counts 1 mm."""
    from nibabel.nifti1 import Nifti1Image

    if _is_colour(image.array):
        return write_png(image, stem)
    data = image.array if image.array.ndim == 3 else image.array[None]
    affine = LPS_TO_RAS @ image.affine if image.affine is not None else np.eye(4)
    narrow = (
        data
        if data.dtype in (np.uint8, np.int16, np.int32, np.float32, np.uint16)
        else data.astype(np.float32)
    )
    make: Any = Nifti1Image
    made = make(np.ascontiguousarray(narrow.transpose(2, 1, 0)), affine)
    made.header.set_xyzt_units("mm")
    path = stem.with_name(f"{stem.name}.nii.gz")
    aside = stem.with_name(f".{stem.name}.part.nii.gz")
    aside.parent.mkdir(parents=True, exist_ok=True)
    made.to_filename(aside)
    aside.replace(path)
    return [path]


def _copy(release: Release, source: Source, folder: Path) -> Iterator[Path]:
    release.fetch(source.paths)
    for name in source.paths:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(release.path(name), target)
        yield target


def _row(source: Source, file: Path, folder: Path, image: Image | None) -> list[str]:
    row = source.row
    spacing = (
        " ".join(f"{one:g}" for one in image.spacing_mm) if image is not None and image.spacing_mm else ""
    )
    place = [
        row[name] or "" for name in ("subject", "visit", "lesion", "specimen", "item", "modality", "view")
    ]
    label = "" if source.label is None else str(source.label)
    return [file.relative_to(folder).as_posix(), *place, spacing, label, source.paths[0]]


def convert(
    release: Release,
    folder: Path,
    *,
    form: Form,
    target: str | None = None,
    item: str | None = None,
    part: str | None = None,
    progress: Progress | None = None,
) -> int:
    """Write images of a release in another form, with `index.csv`; return the number of files.

    Colour images stay PNG under `nifti`. `Conflict` where the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty.", advice="Choose a new folder.")
    sources = find(release, target=target, item=item, part=part)
    rows: list[list[str]] = []
    for source in (progress or NoProgress()).track(sources, label=f"Write {form}", total=len(sources)):
        rows += list(_written(release, source, folder, form))
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    with whole_file(folder / "index.csv") as stream:
        stream.write(held.getvalue().encode())
    return len(rows)


def _written(release: Release, source: Source, folder: Path, form: Form) -> Iterator[list[str]]:
    if form == "dicom":
        for file in _copy(release, source, folder):
            yield _row(source, file, folder, None)
        return
    for number, image in enumerate(read(release, source)):
        base = Path(image.path).with_suffix("").name if len(source.paths) == 1 else source.row["series_uid"]
        stem = folder / image.subject / (f"{image.item}-{base}" + (f"-{number + 1}" if number else ""))
        stem.parent.mkdir(parents=True, exist_ok=True)
        for file in (write_png if form == "png" else write_nifti)(image, stem):
            yield _row(source, file, folder, image)
