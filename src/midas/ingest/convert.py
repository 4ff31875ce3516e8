"""One photograph, photomicrograph or slide becomes DICOM, whole or not at all.

In come a path, its kind and what the tables know; out come new files below `out`. Nothing of EXIF, XMP, GPS, thumbnail,
label or overview image is carried, and no pixel is changed beyond turning it upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from midas.formats import Kind
from midas.formats.photos import KINDS
from midas.ingest.door import Door
from midas.ingest.photo import photo_to_dicom
from midas.ingest.slide import slide_to_dicom
from midas.kernel import BadInput


def to_dicom(
    path: Path, *, kind: Kind, door: Door, out: Path, companions: Sequence[Path] = ()
) -> tuple[Path, ...]:
    """Write the image at `path` as DICOM below the folder `out` and return the files written.

    A photograph gives one VL Photographic Image; with an objective, a calibration or modality GM, one VL Microscopic
    Image; a slide gives the VL Whole Slide Microscopy instances of one pyramid. BadInput for anything else, and where
    a slide has no calibration. `companions` are the data folders that a MIRAX slide needs beside it.
    """
    out.mkdir(parents=True, exist_ok=True)
    if kind in KINDS:
        return (photo_to_dicom(path, door=door, out=out),)
    if kind is Kind.SLIDE:
        missing = [folder for folder in companions if not folder.is_dir()]
        if missing:
            raise BadInput("The slide's data folder is missing.", advice="Hand it in beside the slide.")
        return slide_to_dicom(path, door=door, out=out)
    raise BadInput("This kind of file does not become an image.", advice="Hand in a photograph or a slide.")
