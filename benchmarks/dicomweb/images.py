"""Make the test set: 10 studies of 100 CT slices of 512 × 512, and 1,000 studies of 10 slices of 64 × 64.

Pixels are pydicom's small CT, enlarged, with noise that differs from slice to slice; persons are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


@dataclass(frozen=True)
class Kind:
    """`letter` begins each patient's ID; `edge` is rows and columns."""

    letter: str
    studies: int
    slices: int
    edge: int


KINDS = (Kind("P", 10, 100, 512), Kind("Q", 1000, 10, 64))


def make(folder: Path) -> list[Path]:
    """Write the set, or what of it is not there yet; return its files."""
    return [path for kind in KINDS for path in _make(folder / kind.letter, kind)]


def _make(folder: Path, kind: Kind) -> list[Path]:
    number = kind.studies * kind.slices
    paths = [folder / f"{at:06d}.dcm" for at in range(number)]
    if paths[-1].exists():
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    ds = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.pop("DataSetTrailingPadding", None)
    picture = _resized(ds.pixel_array.astype(np.float32), kind.edge)
    dice = np.random.default_rng(kind.edge)
    noise = [dice.normal(0, 8, picture.shape) for _ in range(8)]
    for at, path in enumerate(paths):
        _name(ds, kind, *divmod(at, kind.slices))
        pixels = np.clip(picture + noise[at % 8], -2000, 4000).astype("<i2")
        ds.PixelData, ds["PixelData"].VR = pixels.tobytes(), "OW"
        ds.save_as(path)
    return paths


def _resized(picture: np.ndarray, edge: int) -> np.ndarray:
    places = np.linspace(0, picture.shape[0] - 1, edge).astype(int)
    return picture[np.ix_(places, places)]


def _name(ds: pydicom.Dataset, kind: Kind, study: int, at: int) -> None:
    stem = [kind.letter, str(study)]
    ds.PatientID, ds.PatientName = f"{kind.letter}{study:05d}", f"Doe^Jane{study:05d}"
    ds.AccessionNumber, ds.StudyID = f"A{study:07d}", str(study)
    ds.StudyDate = f"20{10 + study % 15:02d}{1 + study % 12:02d}{1 + study % 28:02d}"
    ds.StudyInstanceUID = generate_uid(entropy_srcs=["study", *stem])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=["series", *stem])
    ds.FrameOfReferenceUID = generate_uid(entropy_srcs=["space", *stem])
    ds.SOPInstanceUID = generate_uid(entropy_srcs=["instance", *stem, str(at)])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber, ds.SliceLocation = at + 1, float(at)
    ds.ImagePositionPatient = [-150, -150, float(at)]
    ds.Rows = ds.Columns = kind.edge
    ds.PixelSpacing = [300 / kind.edge] * 2
