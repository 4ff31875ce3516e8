"""A small catalogue written straight into the tables: six synthetic persons with CT, slides' places, labels and rows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
from tests.measured import audit

from midas.kernel import FixedClock, canonical, sha256_bytes
from midas.manifest import PrivateKey
from midas.protocol import load_named
from midas.store import Blobs

CUT_AT = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def pseudonym(number: int) -> str:
    digits = "".join(LETTERS[(number * 7919 // 32**place) % 32] for place in range(5))
    return f"P-{digits}-{number:05d}"


def uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))


@cache
def ct(subject: str, study: str, series: str, sop: str, *, slice_number: int = 1) -> bytes:
    """A CT slice from pydicom's own samples, cleaned by hand."""
    source = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    ds = pydicom.Dataset()
    for keyword in (
        "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
        "PhotometricInterpretation", "PixelSpacing", "SliceThickness", "RescaleSlope", "RescaleIntercept", "SOPClassUID",
        "Modality", "PixelData",
    ):  # fmt: skip
        ds[keyword] = source[keyword]
    ds.PatientID = ds.PatientName = subject
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = study, series, sop
    ds.InstanceNumber, ds.PatientIdentityRemoved = slice_number, "YES"
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, sop
    out = io.BytesIO()
    pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


@dataclass
class Ward:
    """What the tests hold on to."""

    dataset: Any
    protocol: Any
    store: Blobs
    signer: PrivateKey
    clock: FixedClock
    folder: Path

    def names(self) -> list[str]:
        from midas.catalogue.models import Subject

        return list(Subject.objects.order_by("pk").values_list("pseudonym", flat=True))

    def submission(self, number: int, subjects: list[str], **more: Any) -> Any:
        """Register a batch whose report names its subjects, with an audit above the floor if nothing else is given."""
        from midas.catalogue.models import Submission

        report = canonical({
            "schema": "midas-deid-report/1", "files": len(subjects),
            "items": [{"item": f"{name}/1", "outcome": "cleaned"} for name in subjects],
            "audit": audit(self.protocol.sha256), **more,
        })  # fmt: skip
        digest = self.store.put_chunks([report])
        return Submission.objects.create(
            dataset=self.dataset, protocol=self.protocol, spoke="aiims-neuro", root=sha256_bytes(f"root {number}".encode()),
            header={"parts": [{"path": "report.json", "sha256": digest, "size": len(report)}]}, signed={},
            state="registered", received_at=CUT_AT, registered_at=CUT_AT,
        )  # fmt: skip

    def person(
        self,
        number: int,
        submission: Any,
        *,
        basis: list[dict[str, Any]] | None = None,
        images: int = 2,
        links: tuple[str, ...] = (),
    ) -> Any:
        """Register one person: two visits, a tumour with its grade, a CT series with an outline's label, rows."""
        from midas.catalogue.models import Label, Lesion, Record, Series, Study, Subject, Visit

        name = pseudonym(number)
        consent = [{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042"]}]
        subject = Subject.objects.create(
            dataset=self.dataset, pseudonym=name, spoke="aiims-neuro", sex="FM"[number % 2], links=list(links),
            basis=consent if basis is None else basis, first_submission=submission,
        )  # fmt: skip
        visit = Visit.objects.create(subject=subject, name="pre-op", day=0, age_years=40 + number)
        Visit.objects.create(subject=subject, name="post-op", day=63, age_years=40 + number)
        lesion = Lesion.objects.create(
            subject=subject, name="T1", tracking_uid=uid(name, "lesion"), laterality="left",
            site={"scheme": "ICDO3", "value": "C70.0", "meaning": "Cerebral meninges"},
        )  # fmt: skip
        place = {"subject": subject, "submission": submission, "visit": visit}
        grade = str(number % 3 + 1)
        Record.objects.create(
            **place,
            table="visits",
            record=sha256_bytes(name.encode()),
            values={"ecog": number % 5, "seizures": True},
        )
        Record.objects.create(
            **place, lesion=lesion, table="tumours", record=sha256_bytes((name + "t").encode()),
            values={"volume-ml": 10.5 + number, "who-grade": grade},
        )  # fmt: skip
        Label.objects.create(
            **place,
            lesion=lesion,
            level="lesion",
            target="who-grade",
            value=grade,
            source="table:tumours.who-grade",
        )
        study = Study.objects.create(subject=subject, uid=uid(name, "study"))
        series = Series.objects.create(
            study=study,
            uid=uid(name, "series"),
            modality="CT",
            item="brain-ct",
            kind="dicom",
            visit=visit,
            lesion=lesion,
        )
        for slice_number in range(1, images + 1):
            self._slice(subject, submission, study, series, slice_number)
        return subject

    def _slice(self, subject: Any, submission: Any, study: Any, series: Any, number: int) -> None:
        from midas.catalogue.models import Instance

        sop = uid(subject.pseudonym, "instance", number)
        data = ct(subject.pseudonym, study.uid, series.uid, sop, slice_number=number)
        preview = self.store.put_chunks([b"preview of " + sop.encode()])
        Instance.objects.create(
            series=series, submission=submission, sop_instance_uid=sop, sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1", path=f"{subject.pseudonym}/{study.uid}/{series.uid}/{sop}.dcm",
            sha256=self.store.put_chunks([data]), size=len(data), sources=[sha256_bytes(b"source" + data)],
            preview=preview, facts={"Rows": 128, "Columns": 128, "PixelSpacing": "0.661468\\0.661468", "SliceThickness": 5.0,
                   "Manufacturer": "GE MEDICAL SYSTEMS", "InstanceNumber": number},
            deid="meningioma@0123/midas-deid 0.1.0",
        )  # fmt: skip

    def draft(self, version: str = "1.0.0") -> Any:
        from midas.release import new_draft

        return new_draft(
            dataset=self.dataset, version=version, by=None, clock=self.clock, published_on=date(2026, 11, 22)
        )

    def cut(self, draft: Any) -> Any:
        from midas.release import cut

        return cut(draft=draft, store=self.store, signer=self.signer, clock=self.clock)


@pytest.fixture
def ward(db: None, tmp_path: Path) -> Ward:
    """Six persons in two batches, all with a lawful basis."""
    from midas.catalogue.models import Dataset, ProtocolVersion

    loaded = load_named("meningioma")
    dataset = Dataset.objects.create(slug="meningioma", created_at=CUT_AT)
    protocol = ProtocolVersion.objects.create(
        dataset=dataset,
        sha256=loaded.sha256,
        version=loaded.protocol.version,
        source=loaded.source,
        added_at=CUT_AT,
    )
    made = Ward(
        dataset, protocol, Blobs.at(tmp_path / "blobs"), PrivateKey.load_or_create(tmp_path / "hub.key"),
        FixedClock(CUT_AT), tmp_path,
    )  # fmt: skip
    for number, people in enumerate(((1, 2, 3), (4, 5, 6))):
        batch = made.submission(number, [pseudonym(one) for one in people])
        for one in people:
            made.person(one, batch)
    return made


@pytest.fixture
def judge(ward: Ward, tmp_path: Any) -> Any:
    """Check everything once, when the protocol asks for it no more; return what decides of a person's finding."""
    from midas.catalogue import findings
    from midas.catalogue.findings.standing import standing
    from midas.catalogue.models import Series
    from midas.compute import here
    from midas.people.models import Account

    Series.objects.update(item="asked-no-more")
    findings.check(dataset=ward.dataset, store=ward.store, runner=here(), scratch=tmp_path, clock=ward.clock)
    by = Account.objects.create(username="meera")

    def decide(person: str, verdict: str = "exclude", **more: Any) -> Any:
        one = standing().filter(subject__pseudonym=person).order_by("pk").first()
        assert one is not None
        if verdict == "correct":
            return findings.correct(finding=one, by=by, clock=ward.clock, why="The log says so.", **more)
        return findings.decide(
            findings=[one], verdict=verdict, by=by, clock=ward.clock, why="Blurred.", **more
        )[0]

    return decide
