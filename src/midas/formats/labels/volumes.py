"""A NIfTI mask as whole numbers with its place in space.

In comes a NIfTI file; out come its values and the matrix from voxel to DICOM's patient coordinates (mm, left, posterior
and superior positive). Nothing is resampled here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midas.kernel import BadInput

VOXELS_LIMIT = 1 << 31
"""Voxels of one mask: eight times a whole-body CT."""


@dataclass(frozen=True)
class LabelVolume:
    """`values[i, j, k]` are non-negative labels; `to_patient` maps (i, j, k, 1) to mm (PS3.3 C.7.6.2.1.1)."""

    values: np.ndarray
    to_patient: np.ndarray


def read_volume(path: Path) -> LabelVolume:
    """Return the mask at `path`; BadInput where it is no three-dimensional volume of labels or has no place."""
    import nibabel

    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        image = _load(path, packed=packed)
        shape = image.shape
        if int(np.prod(shape)) > VOXELS_LIMIT:
            raise BadInput("The mask is too large.", advice="Crop it to the images.")
        header = image.header
        if not (int(header["sform_code"]) or int(header["qform_code"])):
            raise BadInput("The mask does not say where it lies.", advice="Save it with its affine.")
        values = np.asarray(image.dataobj)
        affine = np.asarray(image.affine, float)
    except (
        nibabel.filebasedimages.ImageFileError,
        OSError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        zlib.error,
    ) as problem:
        raise BadInput("The mask cannot be read as NIfTI.", advice="Save it again as .nii.gz.") from problem
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise BadInput("The mask is not a volume.", advice="Save one volume a file.")
    whole = np.rint(values)
    if values.size and (values.min() < 0 or values.max() > 65535 or not np.allclose(values, whole)):
        raise BadInput("The mask holds values that are not labels.", advice="Save labels as whole numbers.")
    return LabelVolume(whole.astype(np.uint16), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _load(path: Path, *, packed: bool) -> Any:
    """Open by content: nibabel itself would go by the file's name."""
    import gzip

    import nibabel

    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0)
        second = 540 in (int.from_bytes(start, "little"), int.from_bytes(start, "big"))
        return (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_bytes(
            stream.read(VOXELS_LIMIT * 2)
        )
