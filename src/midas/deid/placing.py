"""What is written into every output: the pseudonym, the place in the subject tree, the marks of de-identification.

In come a cleaned dataset, profile and placement, out come (keyword, value) pairs, all pseudonymous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from midas.deid import sop, tables
from midas.deid.model import ENGINE, Placement, Profile
from midas.wire.v1 import Code

SPONSOR = "MIDAS"
CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean-pixel-data": ("113101", "Clean Pixel Data Option"),
    "clean-recognizable-visual-features": ("113102", "Clean Recognizable Visual Features Option"),
    "clean-graphics": ("113103", "Clean Graphics Option"),
    "clean-structured-content": ("113104", "Clean Structured Content Option"),
    "clean-descriptors": ("113105", "Clean Descriptors Option"),
    "retain-longitudinal-full-dates": (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    "retain-longitudinal-modified-dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain-patient-characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain-device-identity": ("113109", "Retain Device Identity Option"),
    "retain-uids": ("113110", "Retain UIDs Option"),
    "retain-safe-private": ("113111", "Retain Safe Private Option"),
    "retain-institution-identity": ("113112", "Retain Institution Identity Option"),
}
"""Context Group CID 7050 (PS3.16), by option."""
SIDES = {"left": "L", "right": "R"}


def placed(ds: Dataset, *, profile: Profile, sex: str, placement: Placement) -> tuple[tuple[str, Any], ...]:
    """Return what is to be set at the root of the dataset, in order."""
    return (
        *_subject(ds, profile, sex, placement),
        *_anatomy(ds, placement),
        *_specimen(ds, placement),
        *_marks(profile),
    )


def _subject(ds: Dataset, profile: Profile, sex: str, placement: Placement) -> Iterator[tuple[str, Any]]:
    """Patient module (C.7.1.1) and the clinical trial modules (C.7.1.3, C.7.2.3)."""
    yield "PatientName", placement.subject
    yield "PatientID", placement.subject
    yield "PatientBirthDate", ""
    if "retain-patient-characteristics" in profile.options:
        given = str(ds.get("PatientSex") or "").upper()
        yield (
            "PatientSex",
            given if given in {"F", "M", "O"} else sex if sex in {"F", "M", "O"} else "",
        )
    else:
        yield "PatientSex", ""
    yield "ClinicalTrialSponsorName", SPONSOR
    yield "ClinicalTrialProtocolID", placement.dataset
    yield "ClinicalTrialProtocolName", ""
    yield "ClinicalTrialSiteID", ""
    yield "ClinicalTrialSiteName", ""
    yield "ClinicalTrialSubjectID", placement.subject
    yield "ClinicalTrialTimePointID", placement.visit or ""


def _code(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning[:64]
    return item


def _anatomy(ds: Dataset, placement: Placement) -> Iterator[tuple[str, Any]]:
    """General Anatomy (Table 10-7) where the IOD is one of visible light, or where the object already has it.

    Laterality is of type 2C: it stands, empty if need be, where Image Laterality does not (PS3.3 C.7.3.1.1.1).
    """
    kind, code = str(ds.get("SOPClassUID", "")), placement.site or placement.anatomy
    if code and (kind in sop.VISIBLE_LIGHT or "AnatomicRegionSequence" in ds):
        yield "AnatomicRegionSequence", Sequence([_code(code)])
    if kind in sop.VISIBLE_LIGHT and "ImageLaterality" not in ds:
        yield "Laterality", SIDES.get(placement.laterality or "") or ds.get("Laterality") or ""
    segments: list[Dataset] = list(ds.get("SegmentSequence") or ())
    if placement.tracking_uid and placement.lesion and len(segments) == 1 and kind.endswith(".66.4"):
        yield "SegmentSequence", Sequence([_tracked(segments[0], placement)])


def _tracked(segment: Dataset, placement: Placement) -> Dataset:
    segment.TrackingID, segment.TrackingUID = placement.lesion, placement.tracking_uid
    return segment


def _specimen(ds: Dataset, placement: Placement) -> Iterator[tuple[str, Any]]:
    """Specimen module (C.7.6.22): the container and its specimens bear the pseudonymous number alone."""
    kind = str(ds.get("SOPClassUID", ""))
    if not placement.specimen or not (kind in sop.SLIDES or "SpecimenDescriptionSequence" in ds):
        return
    items = list(ds.get("SpecimenDescriptionSequence") or [Dataset()])
    for number, item in enumerate(items):
        item.SpecimenIdentifier = placement.specimen if number == 0 else f"{placement.specimen}-{number + 1}"
        if placement.specimen_uid and number == 0:
            item.SpecimenUID = placement.specimen_uid
        for keyword in ("IssuerOfTheSpecimenIdentifierSequence", "SpecimenPreparationSequence"):
            if keyword not in item:
                setattr(item, keyword, Sequence())
    yield "ContainerIdentifier", placement.specimen
    if any("SpecimenUID" in item for item in items):
        yield "SpecimenDescriptionSequence", Sequence([item for item in items if "SpecimenUID" in item])


def _marks(profile: Profile) -> Iterator[tuple[str, Any]]:
    """Patient Identity Removed and how (C.7.1.1), with Context Group CID 7050."""
    options = [name for name in CODES if name == "basic" or name in profile.options]
    yield "PatientIdentityRemoved", "YES"
    yield (
        "DeidentificationMethod",
        [ENGINE, f"DICOM PS3.15 {tables.edition()} Basic Profile", profile.name[:64]],
    )
    yield "DeidentificationMethodCodeSequence", Sequence([_method(name) for name in options])
    moved = "retain-longitudinal-modified-dates" in profile.options
    kept = "retain-longitudinal-full-dates" in profile.options
    yield (
        "LongitudinalTemporalInformationModified",
        "MODIFIED" if moved else "UNMODIFIED" if kept else "REMOVED",
    )


def _method(name: str) -> Dataset:
    value, meaning = CODES[name]
    return _code(Code(scheme="DCM", value=value, meaning=meaning))
