"""What becomes of an object that a viewer stores: a reading of the task that it was stored into, or a curator's own.

In comes a file that STOW-RS has parsed; out goes which object is kept now. It is made to name nobody, looked at by the
leak rules, kept as a blob, and shown again to who stored it, and to nobody else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pydicom
from django.db import transaction

from midas.annotate import Drawn, keep_reading, showing, taking
from midas.annotate.models import Derived, Reading
from midas.catalogue import lens
from midas.catalogue.examine import local
from midas.catalogue.models import Instance
from midas.formats import dicom
from midas.kernel import BadInput, Clock, Conflict, Forbidden, Severity, SystemClock, sha256_file
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.people.rule import Act
from midas.quality import leaks
from midas.web.bootstrap import current_home, store
from midas.web.dicomweb.stow import CLASSES
from midas.web.standing import may

NEW_UID = "leak.uid"
"""A rule for images: the UIDs of what is made here stand for nothing outside."""


class Where(Protocol):
    """A DICOMweb root: `kind` is `tasks` or `drafts`, `name` the task's number or the dataset."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Received:
    """What is kept now; `coerced`: attributes were changed, as PS3.18 Table 10.5.3-1 lets a server say (B000)."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    coerced: bool = True


def receive(
    place: Where, account: Account, path: Path, header: Any = None, *, clock: Clock | None = None
) -> Received:
    """Keep one object for who stored it. The same bytes for the same item again change nothing.

    Raise `BadInput` for an image, for an object that refers to none of the caller's images or in which an identifier
    seems to stand; `Forbidden` where nothing can be stored; `Conflict` where its UID is taken or the reading submitted.
    """
    del header  # the file is read again, whole
    ds = _read(path)
    now = clock or SystemClock()
    if place.kind == "tasks" and place.name.isdecimal():
        return _into_task(int(place.name), account, ds, now)
    if place.kind == "drafts" and may(account, Act.DRAFT, place.name):
        return _into_draft(place.name, account, ds, now)
    raise Forbidden(
        "Nothing can be stored here.", advice="Store what you draw into a reading task or a draft."
    )


def _into_task(task_id: int, account: Account, ds: Any, clock: Clock) -> Received:
    assignment, image = taking.item_of(task_id=task_id, account=account, ds=ds)
    if not may(account, Act.READ, assignment.item.task.dataset.slug):
        raise Forbidden(
            f"You may not {Act.READ.value} here.", advice="Ask the hub's curator for the role that it needs."
        )
    with _cleaned(ds, image) as file, transaction.atomic():
        drawn = _blob(file, ds)
        keep_reading(assignment=assignment, by=account, drawn=drawn, clock=clock)
        showing.show_own(assignment, drawn.sha256)
    return _received(drawn)


def _into_draft(dataset: str, account: Account, ds: Any, clock: Clock) -> Received:
    image = taking.source_in(dataset=dataset, ds=ds)
    with _cleaned(ds, image) as file, transaction.atomic():
        drawn = _blob(file, ds)
        held = Derived.objects.filter(sop_instance_uid=drawn.sop_instance_uid).first()
        taken = Reading.objects.filter(sop_instance_uid=drawn.sop_instance_uid).exists()
        if taken or (held is not None and held.sha256 != drawn.sha256) or _is_image(drawn):
            raise Conflict(
                "The hub holds this SOP instance with other bytes.",
                advice="Store it again under a new instance UID.",
            )
        if held is None:
            subject = image.series.study.subject
            Derived.objects.create(
                subject=subject, source=image, kept_by=account, kept_at=clock.now(), **asdict(drawn)
            )
            lens.publish(kind="draft", name=dataset, dataset=subject.dataset, digests=[drawn.sha256])
            enter(
                Deed.DRAFT, by=account, clock=clock, dataset=dataset, target=drawn.sop_instance_uid, object=drawn.modality
            )  # fmt: skip
    return _received(drawn)


def _is_image(drawn: Drawn) -> bool:
    return Instance.objects.filter(sop_instance_uid=drawn.sop_instance_uid).exists()


def _read(path: Path) -> Any:
    try:
        with dicom.quiet():
            ds = pydicom.dcmread(path)
            sop_class = str(ds.SOPClassUID)
            _ = (
                ds.Modality,
                ds.StudyInstanceUID,
                ds.SeriesInstanceUID,
                ds.SOPInstanceUID,
                ds.file_meta.TransferSyntaxUID,
            )
    except Exception as error:  # pydicom raises many kinds for bytes that are not DICOM
        raise BadInput("It cannot be read as DICOM.", advice="Store it again from the viewer.") from error
    if sop_class not in CLASSES:
        raise BadInput(
            "Only what is drawn on images can be stored here.",
            advice="Store a segmentation, a report, annotations, contours or a presentation state.",
        )
    return ds


@contextmanager
def _cleaned(ds: Any, image: Instance) -> Iterator[Path]:
    """Give the object as a file that names nobody, after the leak rules have seen it."""
    with dicom.quiet(), local(store(), image.sha256, current_home().scratch) as source:
        taking.name_nobody(ds, source=pydicom.dcmread(source, stop_before_pixels=True))
    with tempfile.NamedTemporaryFile(dir=current_home().scratch, suffix=".dcm") as spool:
        path = Path(spool.name)
        with dicom.quiet():
            ds.save_as(path, enforce_file_format=True)
        seen = leaks.examine_dicom(path, scope="object")
        found = [one for one in seen if one.severity is Severity.ERROR and one.rule != NEW_UID]
        if found:
            raise BadInput(
                f"It cannot be kept: {found[0].message} ({found[0].scope})",
                advice="Take it out and store it again.",
            )
        yield path


def _blob(path: Path, ds: Any) -> Drawn:
    """Keep the bytes, ready to be looked at."""
    sha256, size = sha256_file(path), path.stat().st_size
    with path.open("rb") as stream:
        store().put_chunks(iter(lambda: stream.read(1 << 20), b""), expect=sha256)
    lens.keep([lens.index_file(path, sha256=sha256, size=size)])
    return Drawn(
        sha256=sha256, size=size, modality=str(ds.Modality), study_uid=str(ds.StudyInstanceUID),
        series_uid=str(ds.SeriesInstanceUID), sop_instance_uid=str(ds.SOPInstanceUID), sop_class_uid=str(ds.SOPClassUID),
        transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID),
    )  # fmt: skip


def _received(drawn: Drawn) -> Received:
    return Received(drawn.study_uid, drawn.series_uid, drawn.sop_class_uid, drawn.sop_instance_uid)
