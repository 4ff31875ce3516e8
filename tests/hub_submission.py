"""A real, small submission: DICOM instances of synthetic subjects, its parts, and the header that a spoke signs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from midas.catalogue.protocols import add_protocol
from midas.kernel import FixedClock, canonical, sha256_bytes
from midas.manifest import WHOLE, Entry, PrivateKey, Tree, key_of, sign
from midas.people import add_institution
from midas.people.models import Institution
from midas.protocol import load_named
from midas.store import Blobs
from midas.wire.v1 import ItemLine, LabelLine, Part, RecordLine, Signed, SubjectLine, SubmissionHeader
from tests.measured import audit

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
CLOCK = FixedClock(NOW)
SPOKE = "spdc-wardha"
PEOPLE = ("P-7K3QM-2XV9A", "P-9B4TD-6ZC1F")


def ct(subject: str, number: int, *, study: str, series: str, **more: Any) -> bytes:
    """A de-identified CT slice of 16 × 16 pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = f"{series}{number}"
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{series}{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.PatientID = ds.PatientName = subject
    ds.PatientIdentityRemoved, ds.Modality = "YES", "CT"
    ds.PatientBirthDate = ds.PatientSex = ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ""
    ds.ReferringPhysicianName = ""
    ds.DeidentificationMethod = "MIDAS"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    uids = Dataset()
    uids.CodeValue, uids.CodingSchemeDesignator = "113107", "DCM"
    uids.CodeMeaning = "Retain Longitudinal Temporal Information Modified Dates Option"
    ds.DeidentificationMethodCodeSequence = [code, uids]
    ds.LongitudinalTemporalInformationModified = "MODIFIED"
    ds.BurnedInAnnotation = "NO"
    ds.InstanceNumber = str(number)
    ds.Rows = ds.Columns = 16
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PixelData = (np.arange(256, dtype="<u2") * 10 + number + crc32(subject.encode()) % 1000).tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@dataclass
class Parcel:
    """What a spoke packed. Change anything, then `seal()` it: an honest header over what is there then."""

    key: PrivateKey
    subjects: list[dict[str, Any]]
    items: list[dict[str, Any]]
    records: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    protocol: bytes = field(default_factory=lambda: load_named("oral-cancer").source.encode())
    header: dict[str, Any] = field(default_factory=dict)

    def lines(self, name: str) -> bytes:
        return b"".join(canonical(one) + b"\n" for one in getattr(self, name))

    def reports(self) -> dict[str, bytes]:
        """Name each output by its path, as the spoke's reports do."""
        outputs = [{"output": one["path"], "sha256": one["sha256"], "state": "cleaned"} for one in self.items]
        rows = "".join(f"<tr><td>{one['path']}</td></tr>" for one in self.items)
        return {
            "report.json": canonical(
                {
                    "schema": "midas-deid-report/1",
                    "files": len(outputs),
                    "outputs": outputs,
                    "audit": audit(sha256_bytes(self.protocol)),
                }
            ),
            "report.html": f"<!doctype html><title>Report</title><table>{rows}</table>".encode(),
        }

    def seal(self, **changed: Any) -> Signed:
        parts = {
            "protocol.yaml": self.protocol, **self.reports(),
            **{f"{name}.ndjson": self.lines(name) for name in ("subjects", "items", "records", "labels")},
        }  # fmt: skip
        owners = [WHOLE, *sorted({one["subject"] for one in self.items})]
        salts = {owner: sha256_bytes(owner.encode()) for owner in owners}
        entries = [Entry(path, sha256_bytes(data), len(data)) for path, data in parts.items()]
        entries += [Entry(one["path"], one["sha256"], one["size"], one["subject"]) for one in self.items]
        parts["salts.json"] = canonical(salts)
        once = tuple({entry.path: entry for entry in entries}.values())
        self.blobs |= {sha256_bytes(data): data for data in parts.values()}
        header = SubmissionHeader(
            spoke=SPOKE, dataset="oral-cancer", protocol_sha256=sha256_bytes(self.protocol),
            root=key_of(Tree(once, salts)), salts_sha256=sha256_bytes(parts["salts.json"]),
            parts=tuple(Part(path=path, sha256=sha256_bytes(data), size=len(data)) for path, data in sorted(parts.items())),
            subjects=len(self.subjects), instances=len(self.items), records=len(self.records),
            labels=len(self.labels), bytes=sum(one["size"] for one in self.items),
            tally={"waiting": 0, "held": 0, "refused": 0, "sent": len(self.items)}, software="midas test",
        )  # fmt: skip
        self.header = {**header.model_dump(mode="json", by_alias=True), **changed}
        return sign(self.header, self.key)

    def put(self, store: Blobs) -> None:
        for data in self.blobs.values():
            store.put_chunks([data])

    def replace_instance(self, number: int, data: bytes) -> None:
        self.blobs[sha256_bytes(data)] = data
        self.items[number] |= {"sha256": sha256_bytes(data), "size": len(data)}


def parcel(key: PrivateKey, *, people: tuple[str, ...] = PEOPLE, slices: int = 2) -> Parcel:
    made = Parcel(key, [], [])
    for who, subject in enumerate(people, start=1):
        made.subjects.append(_subject(subject, who))
        study, series = f"2.25.{who}00001", f"2.25.{who}00002"
        for number in range(1, slices + 1):
            data = ct(subject, number, study=study, series=series)
            made.blobs[sha256_bytes(data)] = data
            made.items.append(_item(subject, data, study, series, number))
        made.records.append(
            RecordLine(
                table="visits", record=sha256_bytes(f"v{who}".encode()), subject=subject, visit="v1",
                values={"ecog": 1, "pain": 3},
            ).model_dump(mode="json")
        )  # fmt: skip
        made.labels.append(
            LabelLine(
                level="specimen", subject=subject, specimen="s1", target="diagnosis",
                value="oral squamous cell carcinoma", source="table:specimens.diagnosis",
            ).model_dump(mode="json")
        )  # fmt: skip
    return made


def _subject(subject: str, who: int) -> dict[str, Any]:
    return SubjectLine.model_validate({
        "subject": subject, "sex": "FM"[who % 2],
        "basis": [{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042"]}],
        "visits": [{"visit": "v1", "day": 0, "age_years": 40 + who}],
        "lesions": [{"lesion": "l1", "tracking_uid": f"2.25.{who}9", "laterality": "left"}],
        "specimens": [{"specimen": "s1", "uid": f"2.25.{who}8", "lesion": "l1", "visit": "v1"}],
    }).model_dump(mode="json")  # fmt: skip


def _item(subject: str, data: bytes, study: str, series: str, number: int) -> dict[str, Any]:
    return ItemLine(
        path=f"{subject}/{study}/{series}/{series}{number}.dcm", sha256=sha256_bytes(data), size=len(data),
        subject=subject, visit="v1", item="face-neck-ct", kind="dicom", modality="CT", sop_class_uid=CTImageStorage,
        sop_instance_uid=f"{series}{number}", series_uid=series, study_uid=study,
        transfer_syntax_uid=ExplicitVRLittleEndian, facts={"Rows": 16, "Columns": 16},
        sources=(sha256_bytes(b"source" + data),), deid="oral-cancer@test/midas-deid 0.1.0",
    ).model_dump(mode="json")  # fmt: skip


def welcome(key: PrivateKey) -> Institution:
    """Register the spoke and the protocol at the hub, as its operator does."""
    add_protocol(loaded=load_named("oral-cancer"), clock=CLOCK)
    return add_institution(slug=SPOKE, name="Dental College", spoke_key=key.public_hex)


def spoke_key(folder: Path) -> PrivateKey:
    return PrivateKey.load_or_create(folder / "spoke.key")


def as_lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]
