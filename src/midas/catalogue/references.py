"""Whether every line of a submission points at something that is there. In come lines; out come findings.

Asked are the submission itself, its protocol, and what the hub holds already of the same subjects and images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from midas.catalogue.examine import wrong
from midas.catalogue.models import Instance, Lesion, Specimen, Subject
from midas.kernel import Finding
from midas.protocol.model import Protocol
from midas.wire.v1 import ItemLine, LabelLine, RecordLine, SubjectLine, SubmissionHeader

PACK_AGAIN = "Pack the submission again; tell MIDAS's developers if it stays."
OTHER_PROTOCOL = "Collect by the protocol that the hub knows."
RULES: dict[str, tuple[str, str]] = {
    "twice": ("It stands there twice.", PACK_AGAIN),
    "reference": ("Its subject, visit, lesion, specimen or segmentation is not there.", PACK_AGAIN),
    "pseudonym": ("This pseudonym was given elsewhere.", "Pseudonyms are random and never shared."),
    "withdrawn": ("This subject has withdrawn.", "Nothing of this person may be sent again."),
    "identity": ("Its tracking UID or specimen UID has changed.", PACK_AGAIN),
    "basis": ("It has no lawful basis that the protocol knows.", "The spoke must hold this person's items."),
    "path": ("Its path is not <subject>/<study>/<series>/<instance>.dcm.", PACK_AGAIN),
    "item": ("The protocol has no such item.", OTHER_PROTOCOL),
    "series": ("Its series has another place in the subject tree.", PACK_AGAIN),
    "changed": (
        "The hub holds this SOP instance with other bytes.",
        "What was sent stays; new content has a new UID.",
    ),
    "table": ("The protocol has no such table.", OTHER_PROTOCOL),
    "column": ("It holds a column that the protocol does not let leave.", "The spoke must leave it out."),
    "target": ("The protocol has no such target.", OTHER_PROTOCOL),
}
"""Rule (`submission.<name>`) → what is wrong, and what to do."""


def _broken(rule: str, scope: str) -> Finding:
    return wrong(f"submission.{rule}", scope, *RULES[rule])


@dataclass(frozen=True)
class Known:
    """What the hub holds: per pseudonym the spoke and whether it withdrew, and identities that must not change."""

    spoke: str
    dataset: str
    subjects: dict[str, tuple[str, str, bool]]
    lesions: dict[tuple[str, str], str]
    specimens: dict[tuple[str, str], str]

    @classmethod
    def of(cls, header: SubmissionHeader) -> Known:
        mine = Subject.objects.filter(dataset__slug=header.dataset, spoke=header.spoke)
        everyone = Subject.objects.values_list("pseudonym", "spoke", "dataset__slug", "withdrawn_at")
        lesions = Lesion.objects.filter(subject__in=mine).values_list(
            "subject__pseudonym", "name", "tracking_uid"
        )
        specimens = Specimen.objects.filter(subject__in=mine).values_list("subject__pseudonym", "name", "uid")
        return cls(
            spoke=header.spoke,
            dataset=header.dataset,
            subjects={
                name: (spoke, dataset, gone is not None) for name, spoke, dataset, gone in everyone.iterator()
            },
            lesions={(subject, name): uid for subject, name, uid in lesions.iterator()},
            specimens={(subject, name): uid for subject, name, uid in specimens.iterator()},
        )

    def withdrew(self, pseudonym: str) -> bool:
        return self.subjects.get(pseudonym, ("", "", False))[2]


@dataclass
class Inside:
    visits: set[str]
    lesions: set[str]
    specimens: set[str]


@dataclass
class Places:
    """The subject tree of one submission, filled line by line."""

    protocol: Protocol
    known: Known
    subjects: dict[str, Inside] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    series: dict[str, tuple[object, ...]] = field(default_factory=dict)
    wanted: list[tuple[str, str]] = field(default_factory=list)
    waiting: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def add_subject(self, line: SubjectLine) -> Iterator[Finding]:
        if line.subject in self.subjects:
            yield _broken("twice", line.subject)
        self.subjects[line.subject] = Inside(
            {one.visit for one in line.visits},
            {one.lesion for one in line.lesions},
            {one.specimen for one in line.specimens},
        )
        inside = self.subjects[line.subject]
        if (len(inside.visits), len(inside.lesions), len(inside.specimens)) != (
            len(line.visits), len(line.lesions), len(line.specimens),
        ):  # fmt: skip
            yield _broken("twice", line.subject)
        yield from self._against_the_hub(line)
        yield from self._basis(line)
        for one in line.specimens:
            if (one.lesion and one.lesion not in inside.lesions) or (
                one.visit and one.visit not in inside.visits
            ):
                yield _broken("reference", f"{line.subject}/{one.specimen}")

    def _against_the_hub(self, line: SubjectLine) -> Iterator[Finding]:
        spoke, dataset, withdrawn = self.known.subjects.get(
            line.subject, (self.known.spoke, self.known.dataset, False)
        )
        if withdrawn or any(self.known.withdrew(other) for other in line.links):
            yield _broken("withdrawn", line.subject)
        elif (spoke, dataset) != (self.known.spoke, self.known.dataset):
            yield _broken("pseudonym", line.subject)
        for lesion in line.lesions:
            if (
                self.known.lesions.get((line.subject, lesion.lesion), lesion.tracking_uid)
                != lesion.tracking_uid
            ):
                yield _broken("identity", f"{line.subject}/{lesion.lesion}")
        for specimen in line.specimens:
            if self.known.specimens.get((line.subject, specimen.specimen), specimen.uid) != specimen.uid:
                yield _broken("identity", f"{line.subject}/{specimen.specimen}")

    def _basis(self, line: SubjectLine) -> Iterator[Finding]:
        kinds = {one.id: one.kind for one in self.protocol.ethics}
        wanted = {"consent": "consent", "guardian-consent": "consent", "waiver": "waiver"}
        if not line.basis or any(kinds.get(one.ethics) != wanted[one.kind] for one in line.basis):
            yield _broken("basis", line.subject)

    def add_item(self, line: ItemLine) -> Iterator[Finding]:
        yield from self._place(line, line.path)
        if line.path in self.paths or line.sop_instance_uid in self.uids:
            yield _broken("twice", line.path)
        self.paths.add(line.path)
        self.uids[line.sop_instance_uid] = line.subject
        if line.path != f"{line.subject}/{line.study_uid}/{line.series_uid}/{line.sop_instance_uid}.dcm":
            yield _broken("path", line.path)
        if line.item not in {one.id for one in self.protocol.items}:
            yield _broken("item", line.path)
        same = (
            line.study_uid, line.subject, line.modality, line.item, line.kind, line.visit, line.lesion, line.specimen,
        )  # fmt: skip
        if self.series.setdefault(line.series_uid, same) != same:
            yield _broken("series", line.path)
        self.waiting[line.sop_instance_uid] = (line.sha256, line.path, line.subject)
        if len(self.waiting) >= 500:
            yield from self._flush()

    def _flush(self) -> Iterator[Finding]:
        """Ask the hub about instances in bundles: the same SOP instance may not come again with other bytes."""
        held = Instance.objects.filter(sop_instance_uid__in=list(self.waiting)).values_list(
            "sop_instance_uid", "sha256", "series__study__subject__pseudonym"
        )
        for uid, sha256, subject in held:
            new_sha256, path, new_subject = self.waiting[uid]
            if (sha256, subject) != (new_sha256, new_subject):
                yield _broken("changed", path)
        self.waiting.clear()

    def check_record(self, line: RecordLine) -> Iterator[Finding]:
        scope = f"{line.table}/{line.record[:12]}"
        yield from self._place(line, scope)
        table = next((one for one in self.protocol.tables if one.id == line.table), None)
        if table is None:
            yield _broken("table", scope)
            return
        may_leave = {one.name for one in table.columns if one.leaves}
        if set(line.values) - may_leave:
            yield _broken("column", scope)

    def check_label(self, line: LabelLine) -> Iterator[Finding]:
        scope = f"{line.subject}/{line.target}"
        yield from self._place(line, scope)
        if line.target not in {one.id for one in self.protocol.targets}:
            yield _broken("target", scope)
        if line.segmentation_uid and self.uids.get(line.segmentation_uid) != line.subject:
            self.wanted.append((line.segmentation_uid, scope))

    def _place(self, line: ItemLine | RecordLine | LabelLine, scope: str) -> Iterator[Finding]:
        inside = self.subjects.get(line.subject)
        if inside is None:
            yield _broken("reference", scope)
            return
        if (
            (line.visit and line.visit not in inside.visits)
            or (line.lesion and line.lesion not in inside.lesions)
            or (line.specimen and line.specimen not in inside.specimens)
        ):
            yield _broken("reference", scope)

    def left_open(self) -> Iterator[Finding]:
        """Ask what could only be asked at the end: the last bundle, and segmentations that came earlier."""
        yield from self._flush()
        uids = {uid for uid, _ in self.wanted}
        held = set(
            Instance.objects.filter(sop_instance_uid__in=uids).values_list("sop_instance_uid", flat=True)
        )
        for uid, scope in self.wanted:
            if uid not in held:
                yield _broken("reference", scope)
