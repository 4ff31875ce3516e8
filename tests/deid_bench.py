"""A synthetic person, a small CT and a place to clean it: shared by the de-identification tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from midas.deid import Card, Job, Outcome, Placement, Profile, clean, seal_card

ALL_OPTIONS = (
    "retain-safe-private", "retain-uids", "retain-device-identity", "retain-institution-identity",
    "retain-patient-characteristics", "retain-longitudinal-full-dates", "retain-longitudinal-modified-dates",
    "clean-descriptors", "clean-structured-content", "clean-graphics",
)  # fmt: skip
USUAL = frozenset({
    "retain-safe-private", "retain-patient-characteristics", "retain-longitudinal-modified-dates", "clean-descriptors",
    "clean-pixel-data",
})  # fmt: skip
SUBJECT = "P-7Q2KM-XW9RD"
KNOWN = (
    ("name", "Ramesh Kumar Deshmukh"), ("name-local", "रमेश कुमार देशमुख"), ("guardian", "Savitribai Deshmukh"),
    ("uhid", "UH-2019-004512"), ("abha", "91-4823-7716-0391"), ("phone", "+91 98230 41577"),
    ("birth-date", "1971-03-12"), ("address", "14 Gandhi Chowk, Wardha 442001"), ("specimen", "HP/2019/0873"),
)  # fmt: skip
CARD = Card(SUBJECT, -211, "M", KNOWN)
PLACEMENT = Placement(
    SUBJECT,
    "oral-cancer",
    "ct",
    visit="baseline",
    lesion="L1",
    tracking_uid="2.25.7001",
    specimen="S1",
    specimen_uid="2.25.7002",
)


def profile(*options: str) -> Profile:
    return Profile("oral-cancer@1.0.0", "ab" * 32, frozenset(options))


def ct(*, size: int = 16, **attributes: Any) -> FileDataset:
    """Return a small CT as a hospital exports it: identified throughout."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.SourceApplicationEntityTitle = ExplicitVRLittleEndian, "AVBRH_CT1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.826.0.1.99.1.1.1"
    meta.ImplementationClassUID = "1.2.826.0.1.99"
    ds = FileDataset("", {}, preamble=b"RAMESH DESHMUKH".ljust(128, b"\0"), file_meta=meta)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, "1.2.826.0.1.99.1.1.1"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20190614"
    ds.StudyTime = ds.ContentTime = "101530"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = "ACC0099123", "CT", "SIEMENS"
    ds.InstitutionName, ds.ReferringPhysicianName = (
        "Acharya Vinoba Bhave Rural Hospital",
        "Kulkarni^Meenal^^Dr",
    )
    ds.StudyDescription = "CT Neck with contrast - Ramesh Deshmukh UH-2019-004512"
    ds.SeriesDescription, ds.ManufacturerModelName = "Axial 5.0 B30f soft tissue", "SOMATOM Emotion"
    ds.PatientName = "Deshmukh^Ramesh^Kumar=देशमुख^रमेश=देशमुख^रमेश"
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = (
        "UH-2019-004512",
        "19710312",
        "M",
        "048Y",
    )
    ds.PatientAddress, ds.PatientTelephoneNumbers = "14 Gandhi Chowk, Wardha 442001", "+91 98230 41577"
    ds.BodyPartExamined, ds.SliceThickness, ds.KVP, ds.PatientPosition = "NECK", "5", "130", "HFS"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = (
        "1.2.826.0.1.99.1", "1.2.826.0.1.99.1.1", "1.2.826.0.1.99.9",
    )  # fmt: skip
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber, ds.PositionReferenceIndicator = "S77", 2, 1, ""
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", size, size
    ds.PixelSpacing, ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = (
        [0.5, 0.5],
        16,
        12,
        11,
        0,
    )
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    ds.PixelData = (np.arange(size * size, dtype="<u2") % 4096).tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def nested(item: Dataset) -> Sequence:
    """Return a sequence of the standard that no rule names, holding `item` two levels down."""
    outer = Dataset()
    outer.FrameAnatomySequence = Sequence([item])
    return Sequence([outer])


@dataclass
class Bench:
    """One spoke's keys and card in a folder, and a way to clean a dataset or file there."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = bytes(range(32))
        self.key_file, self.card = self.folder / "key.json", self.folder / "person.card"
        self.key_file.write_text(json.dumps({"storage": self.key.hex(), "root": "5a" * 32}))
        seal_card(CARD, key=self.key, out=self.card)

    def job(self, source: Path, **changes: Any) -> Job:
        job = Job(source, self.folder / "out" / "1.dcm", self.card, self.key_file, profile(*USUAL), PLACEMENT)
        return replace(job, **changes)

    def save(self, ds: Dataset, name: str = "in.dcm", **how: Any) -> Path:
        path = self.folder / name
        pydicom.dcmwrite(path, ds, enforce_file_format=how.pop("enforce", True), **how)
        return path

    def clean(self, ds: Dataset, **changes: Any) -> tuple[Outcome, Dataset | None]:
        job = self.job(self.save(ds), **changes)
        job.target.unlink(missing_ok=True)
        outcome = clean(job)
        return outcome, pydicom.dcmread(job.target) if job.target.exists() else None
