"""Register a verified submission: everything in one transaction, or nothing. Nothing registered is overwritten.

In come a header that verified, its lines and previews; out goes the submission with a signed receipt. The same root
twice is registered once. A record that comes again with other values becomes a new revision; a label that comes again
with another value stands beside the earlier one, under the later submission. Words about a subject (sex, basis, age)
follow the latest submission: every earlier wording stays in the parts of the submission that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction

from midas.catalogue import lens
from midas.catalogue.lines import lines_of
from midas.catalogue.models import (
    Instance,
    Label,
    Lesion,
    Record,
    Series,
    Specimen,
    Study,
    Subject,
    Submission,
    Visit,
)
from midas.catalogue.verification import Checked
from midas.kernel import Clock, Conflict
from midas.ledger import Deed, enter
from midas.manifest import PrivateKey, sign
from midas.store import Blobs
from midas.wire.v1 import ItemLine, LabelLine, Receipt, RecordLine, SubjectLine, SubmissionHeader

T = TypeVar("T")
AT_ONCE = 500
"""Rows a statement: SQLite allows 32,766 values in one, and the widest row has 14."""


@transaction.atomic
def register(
    *, submission: Submission, checked: Checked, store: Blobs, signer: PrivateKey, clock: Clock
) -> Submission:
    """Register a submission whose verification found no error; `Conflict` where it did. Idempotent by root."""
    row = Submission.objects.select_for_update().get(pk=submission.pk)
    if row.state == Submission.State.REGISTERED:
        return row
    if not checked.stands or checked.header.root != row.root:
        raise Conflict("Only a submission that verified can be registered.", advice="See its findings.")
    header, now = checked.header, clock.now()
    tree = Subjects(row, header)
    for bundle in bundles(lines_of(SubjectLine, header, store)):
        tree.add(bundle)
    for items in bundles(lines_of(ItemLine, header, store)):
        tree.add_instances(items, checked.previews)
    for records in bundles(lines_of(RecordLine, header, store)):
        tree.add_records(records)
    for labels in bundles(lines_of(LabelLine, header, store)):
        tree.add_labels(labels)
    mine = Instance.objects.filter(submission=row).order_by("pk").values_list("sha256", flat=True)
    lens.publish(
        kind="draft", name=header.dataset, dataset=row.dataset, digests=mine.iterator(chunk_size=2000)
    )
    row.state = Submission.State.REGISTERED
    row.registered_at = now
    row.findings = [one.to_dict() for one in checked.findings]
    row.receipt = sign(_receipt(header, now), signer).model_dump(mode="json")
    row.save(update_fields=["state", "registered_at", "findings", "receipt"])
    enter(
        Deed.REGISTER, by=None, who="hub", clock=clock, dataset=row.dataset.slug, target=row.root, spoke=row.spoke,
        instances=header.instances, stands=True,
    )  # fmt: skip
    return row


def _receipt(header: SubmissionHeader, now: datetime) -> dict[str, Any]:
    return Receipt(
        root=header.root, spoke=header.spoke, dataset=header.dataset, instances=header.instances,
        registered_at=now.isoformat(timespec="seconds"),
    ).model_dump(mode="json", by_alias=True)  # fmt: skip


def bundles(lines: Iterable[T]) -> Iterator[list[T]]:
    stream = iter(lines)
    while bundle := list(islice(stream, AT_ONCE)):
        yield bundle


class Subjects:
    """The subject tree of one submission on its way into the database; ids are kept, rows are not."""

    def __init__(self, submission: Submission, header: SubmissionHeader) -> None:
        self.submission, self.header = submission, header
        self.subjects: dict[str, int] = {}
        self.visits: dict[tuple[int, str], int] = {}
        self.lesions: dict[tuple[int, str], int] = {}
        self.specimens: dict[tuple[int, str], int] = {}
        self.studies: dict[tuple[int, str], int] = {}
        self.series: dict[tuple[int, str], int] = {}

    # -- subjects, visits, lesions, specimens ------------------------------------------------------------------

    def add(self, lines: list[SubjectLine]) -> None:
        dataset = self.submission.dataset_id
        Subject.objects.bulk_create(
            [
                Subject(
                    dataset_id=dataset, pseudonym=line.subject, spoke=self.header.spoke, sex=line.sex,
                    basis=[one.model_dump() for one in line.basis], links=list(line.links),
                    first_submission=self.submission,
                )
                for line in lines
            ],
            update_conflicts=True, unique_fields=["dataset", "pseudonym"], update_fields=["sex", "basis", "links"],
        )  # fmt: skip
        found = Subject.objects.filter(dataset_id=dataset, pseudonym__in=[line.subject for line in lines])
        if found.exclude(withdrawn_at=None).exists():
            raise Conflict(
                "A subject withdrew while this was verified.", advice="Send it again without that person."
            )
        ids = dict(found.values_list("pseudonym", "pk"))
        self.subjects |= ids
        self._visits(lines, ids)
        self._lesions(lines, ids)
        self._specimens(lines, ids)

    def _visits(self, lines: list[SubjectLine], ids: Mapping[str, int]) -> None:
        rows = [
            Visit(subject_id=ids[line.subject], name=one.visit, day=one.day, age_years=one.age_years)
            for line in lines
            for one in line.visits
        ]
        self.visits |= _merged(Visit, rows, ["day", "age_years"], ids)

    def _lesions(self, lines: list[SubjectLine], ids: Mapping[str, int]) -> None:
        rows = [
            Lesion(
                subject_id=ids[line.subject], name=one.lesion, tracking_uid=one.tracking_uid,
                site=one.site.model_dump() if one.site else None, laterality=one.laterality or "",
            )
            for line in lines
            for one in line.lesions
        ]  # fmt: skip
        self.lesions |= _merged(Lesion, rows, ["site", "laterality"], ids)

    def _specimens(self, lines: list[SubjectLine], ids: Mapping[str, int]) -> None:
        rows = [
            Specimen(
                subject_id=ids[line.subject], name=one.specimen, uid=one.uid, kind=one.kind or "",
                lesion_id=self.lesions[ids[line.subject], one.lesion] if one.lesion else None,
                visit_id=self.visits[ids[line.subject], one.visit] if one.visit else None,
            )
            for line in lines
            for one in line.specimens
        ]  # fmt: skip
        self.specimens |= _merged(Specimen, rows, ["kind", "lesion", "visit"], ids)

    def _at(self, line: ItemLine | RecordLine | LabelLine) -> dict[str, int | None]:
        subject = self.subjects[line.subject]
        return {
            "visit_id": self.visits[subject, line.visit] if line.visit else None,
            "lesion_id": self.lesions[subject, line.lesion] if line.lesion else None,
            "specimen_id": self.specimens[subject, line.specimen] if line.specimen else None,
        }

    # -- studies, series, instances ----------------------------------------------------------------------------

    def add_instances(self, lines: list[ItemLine], previews: Mapping[str, str]) -> None:
        self._studies(lines)
        self._series(lines)
        Instance.objects.bulk_create(
            [self._instance(line, previews.get(line.path, "")) for line in lines],
            ignore_conflicts=True,
        )

    def _studies(self, lines: list[ItemLine]) -> None:
        new = {(self.subjects[line.subject], line.study_uid) for line in lines} - self.studies.keys()
        Study.objects.bulk_create(
            [Study(subject_id=subject, uid=uid) for subject, uid in sorted(new)], ignore_conflicts=True
        )
        found = Study.objects.filter(uid__in={uid for _, uid in new})
        self.studies |= {
            (subject, uid): pk for subject, uid, pk in found.values_list("subject_id", "uid", "pk")
        }

    def _series(self, lines: list[ItemLine]) -> None:
        rows: dict[tuple[int, str], Series] = {}
        for line in lines:
            study = self.studies[self.subjects[line.subject], line.study_uid]
            if (study, line.series_uid) not in self.series:
                rows[study, line.series_uid] = Series(
                    study_id=study, uid=line.series_uid, modality=line.modality, item=line.item, kind=line.kind,
                    **self._at(line),
                )  # fmt: skip
        Series.objects.bulk_create(rows.values(), ignore_conflicts=True)
        found = Series.objects.filter(uid__in={uid for _, uid in rows})
        self.series |= {(study, uid): pk for study, uid, pk in found.values_list("study_id", "uid", "pk")}

    def _instance(self, line: ItemLine, preview: str) -> Instance:
        study = self.studies[self.subjects[line.subject], line.study_uid]
        return Instance(
            series_id=self.series[study, line.series_uid], submission=self.submission,
            sop_instance_uid=line.sop_instance_uid, sop_class_uid=line.sop_class_uid,
            transfer_syntax_uid=line.transfer_syntax_uid, path=line.path, sha256=line.sha256, size=line.size,
            view=line.view or "", facts=line.facts, sources=list(line.sources), deid=line.deid,
            findings=[one.model_dump() for one in line.findings], preview=preview,
        )  # fmt: skip

    # -- records and labels ------------------------------------------------------------------------------------

    def add_records(self, lines: list[RecordLine]) -> None:
        """Add what is new and what has changed; a row that is as it was adds nothing."""
        held: dict[tuple[int, str, str], Record] = {}
        found = Record.objects.filter(
            record__in=[line.record for line in lines],
            subject_id__in={self.subjects[line.subject] for line in lines},
        )
        for row in found.order_by("revision"):
            held[row.subject_id, row.table, row.record] = row
        new = []
        for line in lines:
            key = (self.subjects[line.subject], line.table, line.record)
            row = Record(
                subject_id=key[0], submission=self.submission, table=line.table, record=line.record,
                values=line.values, **self._at(line),
            )  # fmt: skip
            before = held.get(key)
            if before is not None:
                if _same(before, row, "values"):
                    continue
                row.revision = before.revision + 1
            held[key] = row
            new.append(row)
        Record.objects.bulk_create(new)

    def add_labels(self, lines: list[LabelLine]) -> None:
        rows = [
            Label(
                subject_id=self.subjects[line.subject], submission=self.submission, level=line.level,
                uid=line.uid or "", target=line.target, value=line.value, source=line.source,
                readers=list(line.readers), segmentation_uid=line.segmentation_uid or "", **self._at(line),
            )
            for line in lines
        ]  # fmt: skip
        held: dict[int, list[Label]] = {}
        for label in Label.objects.filter(subject_id__in={row.subject_id for row in rows}):
            held.setdefault(label.subject_id, []).append(label)
        fields = ("level", "uid", "target", "value", "source", "readers", "segmentation_uid")
        Label.objects.bulk_create(
            row for row in rows if not any(_same(one, row, *fields) for one in held.get(row.subject_id, ()))
        )


def _same(one: Record | Label, other: Record | Label, *fields: str) -> bool:
    places = ("visit_id", "lesion_id", "specimen_id")
    return all(getattr(one, name) == getattr(other, name) for name in (*places, *fields))


def _merged(
    model: Any, rows: list[Any], follow: list[str], ids: Mapping[str, int]
) -> dict[tuple[int, str], int]:
    """Add rows named within their subject; of those that are there already only `follow` takes the new words."""
    for start in range(0, len(rows), AT_ONCE):
        model.objects.bulk_create(
            rows[start : start + AT_ONCE],
            update_conflicts=True,
            unique_fields=["subject", "name"],
            update_fields=follow,
        )
    found = model.objects.filter(subject_id__in=list(ids.values())).values_list("subject_id", "name", "pk")
    return {(subject, name): pk for subject, name, pk in found}
