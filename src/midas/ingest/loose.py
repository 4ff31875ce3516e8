"""A photograph, slide or PDF that lies in a folder without a table that speaks of it.

In come a path and two opaque keys; out come DICOM files as `to_dicom` makes them, with the day on which the camera says
the picture was taken and nothing else that stood in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from midas.formats import Kind
from midas.formats.photos import KINDS, taken_on
from midas.ingest.convert import to_dicom
from midas.ingest.document import document_to_dicom
from midas.ingest.door import Door

MODALITIES = {Kind.SLIDE: "SM", Kind.PDF: "DOC"}


def loose_to_dicom(
    path: Path, *, kind: Kind, study: str, series: str, companions: Sequence[Path], out: Path
) -> tuple[Path, ...]:
    """Write a file of which only the place is known as DICOM below `out`; BadInput as `to_dicom`.

    `study` and `series` are equal for files that belong together and name nobody; photographs of two days are two studies.
    """
    day = taken_on(path) if kind in KINDS else ""
    door = Door(
        patient_id="", study_date=day or None, view=None, laterality=None, anatomy=None,
        modality="XC" if kind in KINDS else MODALITIES.get(kind, "OT"), specimen=None, objective_power=None, mpp_um=None,
        study_key=f"{study}/{day}", series_key=series,
    )  # fmt: skip
    if kind is Kind.PDF:
        return (document_to_dicom(path, door=door, out=out),)
    return to_dicom(path, kind=kind, door=door, out=out, companions=companions)
