"""An image finds its person, lawful basis, item of the protocol, visit, lesion and specimen; or a reason why not.

In comes a stored file; out comes a `Match`, or a `Stop` with a code of the reasons table. Nothing is guessed: two
possible persons, no basis, no visit near enough each hold the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.formats import Kind
from midas.formats import dicom as formats_dicom
from midas.kernel import BadInput
from midas.protocol.model import Item as Wanted
from midas.quality.agreement import said_by
from midas.spoke.intake import items, store
from midas.spoke.intake.cells import BadCell, read_date
from midas.spoke.intake.models import Item
from midas.spoke.intake.rows import Stop, base_visit
from midas.spoke.vault import facts, persons
from midas.spoke.vault.basis import lawful
from midas.spoke.vault.models import FileFact, LesionFact, Person, SpecimenFact, VisitFact
from midas.spoke.vault.projects import Desk

PICTURES = (Kind.JPEG, Kind.PNG, Kind.TIFF, Kind.HEIC, Kind.WEBP)
LABELS = (Kind.COCO, Kind.VIA, Kind.QUPATH, Kind.NIFTI)
DATES = ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "SeriesDate", "StudyDate")
PEOPLE = (
    "PatientName", "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "PhysiciansOfRecord",
    "RequestingPhysician", "NameOfPhysiciansReadingStudy", "ResponsiblePerson", "PatientMotherBirthName",
    "OtherPatientNames",
)  # fmt: skip
PLACES = ("InstitutionName", "InstitutionAddress", "PatientAddress")
NUMBERS = ("PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID")
MAX_TOKENS = 8


@dataclass(frozen=True)
class Seen:
    """What an image says of itself before anything is known of it. `known` and `numbers` are identified.

    `says` is its sex, age and side (`quality.agreement.said_by`).
    """

    kinds: tuple[str, ...]
    modality: str = ""
    sop_class: str = ""
    numbers: tuple[str, ...] = ()
    specimens: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    series: str = ""
    known: tuple[tuple[str, str], ...] = ()
    says: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    person: Person
    wanted: Wanted
    visit: VisitFact | None = None
    lesion: LesionFact | None = None
    specimen: SpecimenFact | None = None
    view: str = ""
    group: str = ""
    taken_on: date | None = None
    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    says: Mapping[str, Any] = field(default_factory=dict)


def _texts(ds: Dataset, keyword: str) -> list[str]:
    value: Any = ds.get(keyword)
    if value is None:
        return []
    many = list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [text for one in many if (text := str(one).strip(" \0"))]


def _dicom_days(ds: Dataset) -> tuple[date, ...]:
    days: list[date] = []
    for keyword in DATES:
        for text in _texts(ds, keyword)[:1]:
            try:
                days.append(read_date(text[:8]))
            except BadCell:
                continue
    return tuple(dict.fromkeys(days))


def _dicom_specimens(ds: Dataset) -> tuple[str, ...]:
    found = _texts(ds, "ContainerIdentifier")
    for entry in ds.get("SpecimenDescriptionSequence") or []:
        found += _texts(entry, "SpecimenIdentifier")
    return tuple(found)


def see_dicom(path: Path) -> Seen:
    """Read a DICOM header. Raise `Stop` where it is cut short or cannot be read."""
    try:
        ds = formats_dicom.read(path)
    except BadInput as error:
        cut = "ends" in error.message
        raise Stop("truncated" if cut else "unreadable", str(error)) from None
    known = [("name", text.replace("^", " ")) for word in PEOPLE for text in _texts(ds, word)]
    known += [("address", text) for word in PLACES for text in _texts(ds, word)]
    known += [("uhid", text) for text in _texts(ds, "PatientID") + _texts(ds, "OtherPatientIDs")]
    return Seen(
        kinds=("dicom", "photo", "slide", "waveform", "video"),
        modality=str(ds.get("Modality", "")),
        sop_class=str(ds.get("SOPClassUID", "")),
        numbers=tuple(text for word in NUMBERS for text in _texts(ds, word)),
        specimens=_dicom_specimens(ds),
        days=_dicom_days(ds),
        series=str(ds.get("SeriesInstanceUID", "")),
        known=tuple(dict.fromkeys(known)),
        says=said_by(
            str(ds.get("PatientSex") or ""), str(ds.get("PatientAge") or ""),
            str(ds.get("ImageLaterality") or ds.get("Laterality") or ""),
        ),
    )  # fmt: skip


def spans(name: str) -> list[str]:
    """Return every run of neighbouring words of a file's name that could be a number with its separators."""
    tokens = re.findall(r"[^\W_]+", PurePosixPath(name).name.rsplit(".", 1)[0])[:MAX_TOKENS]
    runs = [
        "".join(tokens[start:end]) for start in range(len(tokens)) for end in range(len(tokens), start, -1)
    ]
    return [run for run in dict.fromkeys(runs) if len(run) >= 4 and any(c.isdigit() for c in run)]


def file_names(name: str) -> list[list[str]]:
    """Return the names under which a table may speak of a file, surest first."""
    path = PurePosixPath(name.replace("!/", "/"))
    tails = ["/".join(path.parts[start:]) for start in range(len(path.parts) - 1)]
    return [[tail] for tail in tails] + [[path.name], [path.stem]]


def _file_fact(desk: Desk, name: str) -> FileFact | None:
    for names in file_names(name):
        found = facts.find_files(desk, names)
        if len({persons.survivor(one.person).pk for one in found}) > 1:
            raise Stop(
                "ambiguous-person", "The table of photographs gives this file name to several persons."
            )
        if found:
            return found[0]
    return None


def _specimen(desk: Desk, seen: Seen, name: str) -> SpecimenFact | None:
    for numbers in (list(seen.specimens), spans(name)):
        found = facts.find_specimens(desk, numbers) if numbers else []
        if len({one.pk for one in found}) > 1:
            raise Stop("ambiguous-person", "Its name holds the numbers of several specimens.")
        if found:
            return found[0]
    return None


def _person(
    desk: Desk, seen: Seen, file: FileFact | None, specimen: SpecimenFact | None
) -> tuple[Person, str]:
    """Return the person and how it was found. What the header, the table and the specimen say must agree."""
    found: dict[Person, str] = {}
    try:
        for number in seen.numbers:
            if (holder := persons.find(desk, kind="uhid", value=number)) is not None:
                found.setdefault(holder, "header")
    except persons.Ambiguous:
        raise Stop("ambiguous-person") from None
    if file is not None:
        found.setdefault(persons.survivor(file.person), "table")
    if specimen is not None:
        found.setdefault(persons.survivor(specimen.person), "specimen")
    if not found:
        raise Stop("no-person")
    if len(found) > 1:
        raise Stop(
            "ambiguous-person", "Its header, its file name and the tables do not name the same person."
        )
    return next(iter(found.items()))


def _wanted(desk: Desk, seen: Seen) -> list[Wanted]:
    """Return the protocol's items that ask for such an image; refuse what the protocol does not ask for."""
    fitting = [
        one
        for one in desk.protocol.items
        if one.kind in seen.kinds
        and (not seen.modality or seen.modality in one.modalities)
        and (not seen.sop_class or not one.sop_classes or seen.sop_class in one.sop_classes)
    ]
    if not fitting:
        raise Stop("wrong-modality", f"Modality {seen.modality}." if seen.modality.isalnum() else "")
    return fitting


def nearest_visit(
    desk: Desk, person: Person, days: Iterable[date], allowed: tuple[str, ...]
) -> VisitFact | None:
    """Return the visit nearest to the first day that has one within its window; the earlier of two equally near."""
    windows = {visit.id: visit.window_days for visit in desk.protocol.visits}
    visits = list(person.visits.order_by("on", "pk"))
    for day in days:
        near = [
            (abs((visit.on - day).days), visit.on, visit)
            for visit in visits
            if (base := base_visit(desk.protocol, visit.name)) in windows
            and (not allowed or base in allowed)
            and abs((visit.on - day).days) <= windows[base]
        ]
        if near:
            return min(near, key=lambda one: one[:2])[2]
    return None


def _placed(
    desk: Desk, wanted: list[Wanted], person: Person, days: tuple[date, ...], file: FileFact | None,
    specimen: SpecimenFact | None,
) -> Match:  # fmt: skip
    view = file.view if file else ""
    by_view = [one for one in wanted if not one.views or view in one.views]
    if not by_view:
        raise Stop("no-item", "The protocol does not ask for this view.")
    if specimen is None and file is not None:
        specimen = file.specimen
    levelled = [one for one in by_view if one.level != "specimen" or specimen is not None]
    if not levelled:
        raise Stop("no-specimen")
    stopped: Stop | None = None
    for one in sorted(levelled, key=lambda one: (one.level == "specimen") != (specimen is not None)):
        try:
            return _place(desk, one, person, days, file, specimen, view)
        except Stop as stop:
            stopped = stopped or stop
    raise stopped or Stop("no-item")


def _place(
    desk: Desk, wanted: Wanted, person: Person, days: tuple[date, ...], file: FileFact | None,
    specimen: SpecimenFact | None, view: str,
) -> Match:  # fmt: skip
    told = (file.visit if file else None) or (specimen.visit if specimen else None)
    visit = told or nearest_visit(desk, person, days, wanted.visits)
    if visit and wanted.visits and base_visit(desk.protocol, visit.name) not in wanted.visits:
        raise Stop("no-item", "The protocol does not ask for it at this visit.")
    if visit is None and (wanted.level == "visit" or wanted.visits):
        raise Stop("no-visit")
    lesion = (file.lesion if file else None) or (specimen.lesion if specimen else None)
    if wanted.level == "lesion" and lesion is None:
        lesions = list(person.lesions.all()[:2])
        if len(lesions) != 1:
            raise Stop("no-lesion")
        lesion = lesions[0]
    return Match(person, wanted, visit, lesion, specimen if wanted.level == "specimen" else None, view)


def _seen(desk: Desk, item: Item) -> Seen:
    path = store.place_of(desk.home, item.stored)
    if item.kind == Kind.DICOM:
        return see_dicom(path)
    if item.kind in PICTURES:
        return Seen(kinds=("photo", "slide"))
    if item.kind == Kind.SLIDE:
        return Seen(kinds=("slide",))
    if item.kind == Kind.DICOMDIR:
        raise Stop("index-file")
    if item.kind in LABELS:
        raise Stop("labels-unlinked")
    raise Stop("unknown-kind")


def match(desk: Desk, item: Item) -> Match:
    """Match one received file. Raise `Stop` with the reason where it cannot go on."""
    name = items.name_of(desk, item)
    seen = _seen(desk, item)
    wanted = _wanted(desk, seen) if item.kind == Kind.DICOM else _wanted_pictures(desk, seen)
    file = _file_fact(desk, name)
    specimen = _specimen(desk, seen, name)
    person, _ = _person(desk, seen, file, specimen)
    taken = [file.taken_on] if file and file.taken_on else []
    told = [one.visit.on for one in (file, specimen) if one is not None and one.visit is not None]
    days = seen.days or tuple(taken) or tuple(told)
    if code := lawful(person, protocol=desk.protocol, collected=days):
        raise Stop(code)
    found = _placed(desk, wanted, person, days, file, specimen)
    if item.kind not in (Kind.DICOM, Kind.SLIDE) and found.wanted.kind == "slide" and found.specimen is None:
        raise Stop("no-specimen")
    series = seen.series or f"{person.pseudonym}/{found.wanted.id}/{found.visit.name if found.visit else ''}"
    group = desk.vault.lookup("series", series, within=desk.project.slug)[:12]
    before = Item.objects.filter(group=f"{found.wanted.id} {group}", person=found.person).exclude(visit=None)
    same = before.select_related("visit").first() if seen.series else None
    return Match(
        found.person, found.wanted, same.visit if same else found.visit, found.lesion, found.specimen, found.view,
        group=f"{found.wanted.id} {group}", taken_on=days[0] if days else None, known=seen.known,
        says=seen.says,
    )  # fmt: skip


def _wanted_pictures(desk: Desk, seen: Seen) -> list[Wanted]:
    fitting = [one for one in desk.protocol.items if one.kind in seen.kinds]
    if not fitting:
        raise Stop("wrong-modality")
    return fitting
