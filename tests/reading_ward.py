"""A hub with photographs to read: six synthetic persons, two readers and an adjudicator, and a curator who sets tasks."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from midas.annotate import Setting, keep_reading, set_task, settle, submit_reading
from midas.annotate.models import Assignment, Settlement, Task
from midas.annotate.reading import Drawn
from midas.catalogue import lens
from midas.catalogue.models import (
    Dataset,
    Instance,
    Lesion,
    ProtocolVersion,
    Series,
    Study,
    Subject,
    Submission,
    Visit,
)
from midas.kernel import FixedClock, canonical, sha256_bytes
from midas.manifest import PrivateKey
from midas.people import add_account, give_role
from midas.people.models import Account
from midas.protocol import load_named
from midas.store import Blobs
from tests.hub_submission import ct
from tests.measured import audit

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
PASSWORD = "a long river of words"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def pseudonym(number: int) -> str:
    return "P-READ" + LETTERS[number] + f"-{number:05d}"


def uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))


def outline(
    source: bytes, *, rows: tuple[int, int], name: str = "lesion", creator: str = "Reader^A"
) -> bytes:
    """A segmentation over one image: `rows` from first to one past the last are marked."""
    image = pydicom.dcmread(io.BytesIO(source))
    mask = np.zeros((1, image.Rows, image.Columns, 1), np.uint8)
    mask[0, rows[0] : rows[1]] = 1
    described = hd.seg.SegmentDescription(
        segment_number=1, segment_label=name, segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion, algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    made = hd.seg.Segmentation(
        source_images=[image], pixel_array=mask, segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[described], series_instance_uid=str(generate_uid()), series_number=900,
        sop_instance_uid=str(generate_uid()), instance_number=1, manufacturer="Viewer", manufacturer_model_name="Viewer",
        software_versions="1", device_serial_number="1", content_creator_name=creator, omit_empty_frames=True,
    )  # fmt: skip
    out = io.BytesIO()
    made.save_as(out)
    return out.getvalue()


def index(store: Blobs, data: bytes) -> str:
    """Put a DICOM blob into the store, ready to be looked at; return its digest."""
    digest = store.put_chunks([data])
    with NamedTemporaryFile(suffix=".dcm") as file:
        Path(file.name).write_bytes(data)
        lens.keep([lens.index_file(Path(file.name), sha256=digest, size=len(data))])
    return digest


@dataclass
class Ward:
    dataset: Dataset
    protocol: ProtocolVersion
    store: Blobs
    signer: PrivateKey
    people: dict[str, Account] = field(default_factory=dict)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def person(self, number: int, submission: Submission) -> Subject:
        name = pseudonym(number)
        subject = Subject.objects.create(
            dataset=self.dataset, pseudonym=name, spoke="spdc-wardha", sex="FM"[number % 2], first_submission=submission,
            basis=[{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042"]}],
        )  # fmt: skip
        visit = Visit.objects.create(subject=subject, name="baseline", day=0, age_years=40 + number)
        lesion = Lesion.objects.create(subject=subject, name="L1", tracking_uid=uid(name, "lesion"))
        study = Study.objects.create(subject=subject, uid=uid(name, "study"))
        series = Series.objects.create(
            study=study,
            uid=uid(name, "series"),
            modality="CT",
            item="oral-photo",
            kind="photo",
            visit=visit,
            lesion=lesion,
        )
        data = ct(name, 1, study=study.uid, series="1.2.3", SeriesInstanceUID=series.uid, SOPInstanceUID=uid(name, "image"),
                  FrameOfReferenceUID=uid(name, "frame"), PixelSpacing=[1, 1], SliceThickness=1,
                  ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 0], PatientAge="040Y")  # fmt: skip
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        out = io.BytesIO()
        ds.save_as(out, enforce_file_format=True)
        data = out.getvalue()
        index(self.store, data)
        Instance.objects.create(
            series=series, submission=submission, sop_instance_uid=ds.SOPInstanceUID, sop_class_uid=ds.SOPClassUID,
            transfer_syntax_uid=ExplicitVRLittleEndian, path=f"{name}/{study.uid}/{series.uid}/{ds.SOPInstanceUID}.dcm",
            sha256=self.store.put_chunks([data]), size=len(data), sources=[sha256_bytes(b"s" + data)],
            facts={"Rows": 16, "Columns": 16},
            deid="oral-cancer@0123/midas-deid 0.1.0", preview=self.store.put_chunks([b"\x89PNG" + name.encode()]),
        )  # fmt: skip
        return subject

    def task(self, annotation: str = "impressions", **more: Any) -> Task:
        setting = Setting(
            annotation=annotation, readers=[self.people["asha"], self.people["ravi"]],
            adjudicators=[self.people["meera"]], **more,
        )  # fmt: skip
        return set_task(dataset=self.dataset, setting=setting, by=self.people["curator"], clock=self.clock)

    def of(self, who: str, task: Task, number: int) -> Assignment:
        return Assignment.objects.get(item__task=task, item__number=number, reader=self.people[who])

    def image_of(self, task: Task, number: int) -> bytes:
        from midas.annotate.models import ItemImage

        one = ItemImage.objects.get(item__task=task, item__number=number).instance
        return b"".join(self.store.read(one.sha256))

    def drawn(self, data: bytes) -> Drawn:
        ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        return Drawn(
            sha256=index(self.store, data), size=len(data), modality=ds.Modality, study_uid=ds.StudyInstanceUID,
            series_uid=ds.SeriesInstanceUID, sop_instance_uid=ds.SOPInstanceUID, sop_class_uid=ds.SOPClassUID,
            transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID),
        )  # fmt: skip

    def read(self, who: str, task: Task, number: int, value: Any = None, data: bytes | None = None) -> None:
        mine = self.of(who, task, number)
        drawn = None if data is None else self.drawn(data)
        keep_reading(assignment=mine, by=self.people[who], value=value, drawn=drawn, clock=self.clock)
        submit_reading(assignment=mine, by=self.people[who], store=self.store, clock=self.clock)

    def settle(self, task: Task, number: int, choice: Any = None, why: str = "Seen again.") -> Settlement:
        return settle(
            assignment=self.of("meera", task, number), by=self.people["meera"], why=why, store=self.store,
            clock=self.clock, choice=choice,
        )  # fmt: skip

    def draft(self, version: str = "1.0.0") -> Any:
        from midas.release import new_draft

        return new_draft(
            dataset=self.dataset, version=version, by=None, clock=self.clock, published_on=date(2026, 11, 22)
        )

    def cut(self, draft: Any) -> Any:
        from midas.release import cut

        return cut(draft=draft, store=self.store, signer=self.signer, clock=self.clock)


ROLES = {"asha": "annotator", "ravi": "annotator", "meera": "adjudicator", "curator": "curator"}


def open_ward(folder: Path, *, number: int = 6, store: Blobs | None = None) -> Ward:
    """Register `number` persons with one photograph each, under the shipped protocol of oral cancer."""
    loaded = load_named("oral-cancer")
    dataset = Dataset.objects.create(slug="oral-cancer", created_at=NOW)
    protocol = ProtocolVersion.objects.create(
        dataset=dataset,
        sha256=loaded.sha256,
        version=loaded.protocol.version,
        source=loaded.source,
        added_at=NOW,
    )
    ward = Ward(
        dataset, protocol, store or Blobs.at(folder / "blobs"), PrivateKey.load_or_create(folder / "hub.key")
    )
    for name, role in ROLES.items():
        ward.people[name] = add_account(name=name, password=PASSWORD)
        give_role(account=ward.people[name], role=role)
    names = [pseudonym(one) for one in range(1, number + 1)]
    report = canonical({
        "schema": "midas-deid-report/1", "files": number,
        "items": [{"item": f"{name}/1", "outcome": "cleaned"} for name in names], "audit": audit(loaded.sha256),
    })  # fmt: skip
    digest = ward.store.put_chunks([report])
    submission = Submission.objects.create(
        dataset=dataset, protocol=protocol, spoke="spdc-wardha", root=sha256_bytes(b"root"), signed={}, state="registered",
        header={"parts": [{"path": "report.json", "sha256": digest, "size": len(report)}]}, received_at=NOW,
        registered_at=NOW,
    )  # fmt: skip
    for one in range(1, number + 1):
        ward.person(one, submission)
    return ward
