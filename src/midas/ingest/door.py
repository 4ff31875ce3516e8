"""What the tables know of a photo, slide or label when it becomes DICOM, and the attributes made of it.

In come identified values; out come datasets that stay inside the hospital until they are de-identified. UIDs are
derived from keys alone, so that the same file at the same place becomes the same object every time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from pydicom.dataset import Dataset
from pydicom.uid import UID

from midas.kernel import BadInput
from midas.wire.v1 import Code

UNKNOWN_DATE = "19000101"
"""Stands where PS3.3 wants a date and nobody knows one: no image is that old."""


class Maker(NamedTuple):
    manufacturer: str
    model: str
    serial: str
    version: str


MAKER = Maker("MIDAS", "MIDAS ingest", "0", "1")
"""What the equipment modules say where the camera's or scanner's own make is not carried."""


@dataclass(frozen=True)
class Door:
    """Identified values of one object, used inside the spoke process only.

    `study_date` is ISO 8601 or DICOM DA; `mpp_um` micrometres a pixel; the keys are any strings, equal for objects of
    the same study or series.
    """

    patient_id: str
    study_date: str | None
    view: str | None
    laterality: str | None
    anatomy: Code | None
    modality: str
    specimen: str | None
    objective_power: float | None
    mpp_um: float | None
    study_key: str
    series_key: str


def derived_uid(*parts: str) -> UID:
    """Return a UID below 2.25 (PS3.5 B.2) made of the first 128 bits of a SHA-256 over the parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16])}")


def date(text: str | None) -> str:
    """Return a DICOM date, "" where it is unknown; BadInput where it is no date."""
    plain = (text or "").replace("-", "")[:8]
    if plain and not (plain.isdigit() and len(plain) == 8):
        raise BadInput("The date of the study is not a date.", advice="Write it as YYYY-MM-DD.")
    return plain


def coded(code: Code) -> Dataset:
    """Return a code sequence item (PS3.3 Table 8.8-1)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning[:64]
    return item


_LATERALITY = {"l": "L", "left": "L", "r": "R", "right": "R", "b": "B", "both": "B", "bilateral": "B",
               "u": "U", "unpaired": "U", "midline": "U"}  # fmt: skip


def laterality(text: str | None) -> str | None:
    """Return Image Laterality's defined term (PS3.3 C.7.6.1) for a table's word, or None."""
    return _LATERALITY.get((text or "").strip().lower())


def common(door: Door, *, sop_class: str, instance: UID, number: int) -> Dataset:
    """Return the patient, study, series, equipment and SOP common modules of a new object."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, instance
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "", door.patient_id, "", ""
    ds.StudyInstanceUID = derived_uid("study", door.study_key)
    ds.StudyDate, ds.StudyTime = date(door.study_date), ""
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "", "", ""
    ds.SeriesInstanceUID = derived_uid("series", door.study_key, door.series_key)
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.Modality = door.modality
    if door.view:
        ds.SeriesDescription = door.view[:64]
    ds.Manufacturer, ds.ManufacturerModelName = MAKER.manufacturer, MAKER.model
    ds.DeviceSerialNumber, ds.SoftwareVersions = MAKER.serial, MAKER.version
    return ds


def place(ds: Dataset, door: Door) -> None:
    """Say where on the body, and of which specimen (PS3.3 C.7.6.22)."""
    if door.anatomy is not None:
        ds.AnatomicRegionSequence = [coded(door.anatomy)]
    side = laterality(door.laterality)
    if side is not None:
        ds.ImageLaterality = side


def specimen(ds: Dataset, door: Door) -> None:
    """The Specimen module, whose container is the slide and whose specimen is the one named by the tables."""
    name = door.specimen or ""
    ds.ContainerIdentifier = (name or "unknown")[:64]
    ds.IssuerOfTheContainerIdentifierSequence = []
    ds.ContainerTypeCodeSequence = [coded(Code(scheme="SCT", value="433466003", meaning="Microscope slide"))]
    item = Dataset()
    item.SpecimenIdentifier = (name or "unknown")[:64]
    item.SpecimenUID = derived_uid("specimen", door.study_key, name or door.series_key)
    item.IssuerOfTheSpecimenIdentifierSequence = []
    item.SpecimenPreparationSequence = []
    if door.anatomy is not None:
        item.PrimaryAnatomicStructureSequence = [coded(door.anatomy)]
    ds.SpecimenDescriptionSequence = [item]


def optical_path(door: Door, icc: bytes, *, power: float | None) -> Dataset:
    """One brightfield path (PS3.3 C.8.12.5) with the objective where it is known."""
    item = Dataset()
    item.OpticalPathIdentifier = "0"
    item.IlluminationTypeCodeSequence = [
        coded(Code(scheme="DCM", value="111744", meaning="Brightfield illumination"))
    ]
    item.IlluminationColorCodeSequence = [coded(Code(scheme="SCT", value="371251000", meaning="White"))]
    if icc:
        item.ICCProfile = icc
    lens = door.objective_power or power
    if lens:
        item.ObjectiveLensPower = lens
    return item
