"""STOW-RS for what is derived from images (PS3.18 §10.5): SEG, SR, ANN, RTSTRUCT and presentation states.

In comes multipart/related of application/dicom; each object is examined by itself and handed to `midas.web.readings`,
which decides what becomes of it. Out goes the store instances response: what was kept, what was not, and why.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset

from midas.catalogue import lens
from midas.catalogue.models import DicomIndex
from midas.formats.dicom import measured, quiet
from midas.kernel import BadInput, Conflict, Forbidden, sha256_file
from midas.people.models import Account
from midas.people.rule import Act, allows
from midas.web.bootstrap import current_home
from midas.web.dicomweb import media
from midas.web.dicomweb.messages import DICOM_JSON, Answer, Asked, NotAcceptable, NotOffered
from midas.web.dicomweb.multipart import Part, Reader, boundary_of
from midas.web.dicomweb.places import Place
from midas.web.dicomweb.retrieve import taken


class Received(Protocol):
    """What is kept of one object; `coerced`: attributes were changed, such as those that could name a person."""

    @property
    def sop_class_uid(self) -> str: ...
    @property
    def study_uid(self) -> str: ...
    @property
    def series_uid(self) -> str: ...
    @property
    def sop_instance_uid(self) -> str: ...
    @property
    def coerced(self) -> bool: ...


Receiver = Callable[[Place, Account, Path, Dataset], Received]
"""`midas.web.readings.receive(place, account, path, header)`: keep the object at `path`, which is made to name nobody
and looked at by the leak rules, or raise a `MidasError`."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = frozenset(_STORAGE + end for end in (
    "66.4", "66.5", "66.7",  # segmentations: of voxels, of surfaces, label maps
    "88.11", "88.22", "88.33", "88.34",  # structured reports: basic text, enhanced, comprehensive, in 3-D
    "91.1",  # microscopy annotations
    "481.3",  # RT structure sets
    "11.1", "11.2", "11.3", "11.4", "11.8",  # presentation states: grey, colour, pseudo-colour, blending, advanced
))  # fmt: skip
"""What may be stored: what people and programs derive from images, never an image itself."""

MOST_OBJECTS = 64
CHUNK = 1 << 20
NOT_SUPPORTED, DUPLICATE, MISMATCH, NOT_UNDERSTOOD, NO_SUCH, NOT_ALLOWED = (
    0x0122, 0x0111, 0xA900, 0xC000, 0x0112, 0x0124,
)  # fmt: skip
COERCED = 0xB000
"""Warning and failure reasons (PS3.18 Table 10.5.3-2, PS3.7 Annex C)."""


@dataclass(frozen=True)
class Failure:
    """One object that was not kept."""

    sop_class: str
    sop_instance: str
    reason: int
    message: str


def store_instances(asked: Asked) -> Answer:
    """Take objects that were derived from images of this scope: 200 all kept, 202 some, 409 none (Table 10.5.3-1)."""
    if media.for_kinds(taken(asked), (DICOM_JSON, "application/json")) is None:
        raise NotAcceptable("The answer comes as DICOM JSON only.", advice=f"Accept {DICOM_JSON}.")
    account = _may_store(asked)
    kept: list[Received] = []
    failed: list[Failure] = []
    with ExitStack() as stack:
        for part in _parts(asked, stack):
            one = _one(asked, account, part)
            if isinstance(one, Failure):
                failed.append(one)
            else:
                kept.append(one)
    status = 200 if not failed else 202 if kept else 409
    headers = {"warning": f'299 midas "{failed[0].message}"'} if failed else {}
    return Answer(status, json.dumps(_response(asked, kept, failed)).encode(), DICOM_JSON, headers)


def _may_store(asked: Asked) -> Account:
    """Return who stores; a draft takes objects from who may draft a release, a reading task from its readers."""
    place = asked.place
    if asked.account is None or place.kind not in {"drafts", "tasks"}:
        raise Forbidden("Nothing is stored here.", advice="Store into a draft or a reading task.")
    if place.kind == "drafts" and not allows(asked.standing, Act.DRAFT, place.dataset):
        raise Forbidden("You may not store into this draft.", advice="Ask the hub's curator.")
    return asked.account


def _parts(asked: Asked, stack: ExitStack) -> list[Part]:
    """Put each part into a file of its own."""
    kind, _ = media.parameters(asked.headers.get("content-type", ""))
    if kind != media.MULTIPART:
        raise NotOffered("Objects come as multipart/related.", advice='type="application/dicom".')
    boundary, of = boundary_of(asked.headers["content-type"])
    if of != media.DICOM:
        raise NotOffered("Only application/dicom is stored.", advice="Not metadata with bulk data apart.")
    folder = current_home().scratch

    def opened() -> BinaryIO:
        if len(reader.parts) >= MOST_OBJECTS:
            raise BadInput("These are too many objects at once.", advice=f"At most {MOST_OBJECTS}.")
        return stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, suffix=".dcm"))  # type: ignore[return-value]

    reader = Reader(boundary, opened)
    body: Any = asked.body
    while chunk := body.read(CHUNK):
        reader.feed(chunk)
    reader.close()
    if not reader.parts:
        raise BadInput("There is no object in the body.", advice="Send at least one.")
    for part in reader.parts:
        part.body.flush()
    return reader.parts


def _one(asked: Asked, account: Account, part: Part) -> Received | Failure:
    kind, _ = media.parameters(part.headers.get("content-type", media.DICOM))
    path = Path(str(part.body.name))
    header = _header(path) if kind == media.DICOM else None
    if header is None:
        return Failure("", "", NOT_UNDERSTOOD, "A part is not a DICOM object.")
    named = str(header.SOPClassUID), str(header.SOPInstanceUID)
    for reason, message in _wrong(asked, header, path):
        return Failure(*named, reason, message)
    try:
        return receiver()(asked.place, account, path, header)
    except Conflict as error:
        return Failure(*named, DUPLICATE, str(error))
    except Forbidden as error:
        return Failure(*named, NOT_ALLOWED, str(error))
    except BadInput as error:
        return Failure(*named, MISMATCH, str(error))


def receiver() -> Receiver:
    """Return the function that decides what becomes of an object (`midas.web.readings.receive`)."""
    found: Receiver = import_module("midas.web.readings").receive
    return found


def _header(path: Path) -> Dataset | None:
    with quiet():
        try:
            measured(path)
            found = dcmread(path, stop_before_pixels=True)
        except Exception:  # noqa: BLE001 - pydicom raises many kinds for bytes that are not DICOM
            return None
    needed = (
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "PatientID",
        "Modality",
    )
    return found if all(str(found.get(one, "")) for one in needed) else None


def _wrong(asked: Asked, header: Dataset, path: Path) -> Iterator[tuple[int, str]]:
    """Yield why an object may not be kept: reason and words that quote none of its values."""
    if header.SOPClassUID not in CLASSES:
        yield (
            NOT_SUPPORTED,
            "Only what is derived from images is stored: SEG, SR, ANN, RTSTRUCT, presentation states.",
        )
    study = str(header.StudyInstanceUID)
    if asked.args.get("study", study) != study:
        yield MISMATCH, "The object belongs to another study than the address."
    held = lens.objects(asked.place.scope_id, study)
    if not held:
        yield NO_SUCH, "Its study is not one that can be looked at here."
        return
    subject = DicomIndex.objects.filter(pk=held[0].sha256).values_list("subject", flat=True).first()
    if str(header.PatientID) != subject:
        yield MISMATCH, "Its PatientID is not the pseudonym of the study's person."
    known = {one.sop_instance_uid: one.sha256 for one in held}
    try:
        meant = set(referenced(header))
    except RecursionError:
        yield NOT_UNDERSTOOD, "Its sequences lie too deep within one another."
        return
    if not meant:
        yield MISMATCH, "It names no image that it was derived from."
    if meant - known.keys():
        yield NO_SUCH, "It refers to an image that is not in this study."
    if known.get(str(header.SOPInstanceUID), "") not in {"", sha256_file(path)}:
        yield DUPLICATE, "Its SOP Instance UID is that of another object."


def referenced(ds: Dataset) -> Iterator[str]:
    """Yield the SOP Instance UIDs that an object refers to, at any depth (PS3.3 C.12, C.17, C.8.20)."""
    for element in ds:
        if element.keyword == "ReferencedSOPInstanceUID" and element.value:
            yield str(element.value)
        elif element.VR == "SQ":
            for item in element.value or ():
                yield from referenced(item)


def _response(asked: Asked, kept: list[Received], failed: list[Failure]) -> dict[str, Any]:
    """Return the store instances response (PS3.18 Table I.2-1) as DICOM JSON."""
    value: dict[str, Any] = {}
    studies = {one.study_uid for one in kept} | ({asked.args["study"]} if "study" in asked.args else set())
    if len(studies) == 1:
        value["00081190"] = {"vr": "UR", "Value": [f"{asked.root}/studies/{studies.pop()}"]}
    known = [one for one in failed if one.sop_instance]
    unknown = [one for one in failed if not one.sop_instance]
    for tag, some in (("00081198", known), ("0008119A", unknown)):
        if some:
            value[tag] = {"vr": "SQ", "Value": [_failure(one) for one in some]}
    if kept:
        value["00081199"] = {"vr": "SQ", "Value": [_reference(asked, one) for one in kept]}
    return dict(sorted(value.items()))


def _reference(asked: Asked, one: Received) -> dict[str, Any]:
    place = f"{asked.root}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_instance_uid}"
    value: dict[str, Any] = {
        "00081150": {"vr": "UI", "Value": [one.sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [one.sop_instance_uid]},
        "00081190": {"vr": "UR", "Value": [place]},
    }
    if one.coerced:
        value["00081196"] = {"vr": "US", "Value": [COERCED]}
    return dict(sorted(value.items()))


def _failure(one: Failure) -> dict[str, Any]:
    uids = {"00081150": one.sop_class, "00081155": one.sop_instance}
    value: dict[str, Any] = {tag: {"vr": "UI", "Value": [text]} for tag, text in uids.items() if text}
    value["00000902"] = {"vr": "LO", "Value": [one.message[:64]]}
    value["00081197"] = {"vr": "US", "Value": [one.reason]}
    return dict(sorted(value.items()))
