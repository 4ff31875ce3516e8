"""Who is in a folder: each header is read once, and files become persons, studies and series.

In come paths; out come headers, sealed under the run's key by the workers that read them, and then one `Person` for each
Patient ID (with its issuer), with all by which its files and folders name it. No dataset is kept; nothing is written.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pydicom
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.deid import tables
from midas.deid.cards import open_keys
from midas.deid.known import IDENTIFIERS
from midas.deid.names import plain
from midas.deid.peek import peek, texts_of
from midas.formats.dicom import quiet

MAGIC, NONCE = b"MIDAS-SURVEY-1", 12
KINDS = {
    "PatientID": "uhid", "OtherPatientIDs": "uhid", "PatientTelephoneNumbers": "phone", "PatientAddress": "address",
    "PatientBirthDate": "birth-date", "PatientMotherBirthName": "guardian",
}  # fmt: skip
NAMES = (
    "PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ResponsiblePerson",
    "ReferringPhysicianName", "PerformingPhysicianName", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy",
    "OperatorsName", "RequestingPhysician", "ConsultingPhysicianName",
)  # fmt: skip
DEVICE = (
    "Modality", "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "BodyPartExamined",
    "ConvolutionKernel", "ScanningSequence", "ImageType",
)  # fmt: skip
"""What a device says of itself: such a word in a folder's name names nobody."""
PLACE = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "FrameOfReferenceUID", "InstanceNumber", "PatientSex", "OtherPatientIDsSequence",
)  # fmt: skip
OTHERS = "OtherPatientIDsSequence"
_IDENTIFYING = tuple(dict.fromkeys(k for k in (*KINDS, *IDENTIFIERS) if k not in NAMES))
_TAG_OF = {k: tag for k in (*NAMES, *_IDENTIFYING, *DEVICE, *PLACE) if (tag := tag_for_keyword(k))}
_WANTED = sorted(_TAG_OF.values())
_TAGS, _LAST = frozenset(_WANTED), max(_WANTED)
_UID = re.compile(r"[012](?:\.\d+){3,}")
_WORD = re.compile(r"[^\W\d_]{4,}|\d{6,}")
FEW_FILES = 5
"""Up to so many files, a word of one path alone counts; of more, it must stand in two: counters and serials do not."""
MOST_WORDS = 100
LINKS = 5
"""Letters and digits from which a number that stands in a path, or beside a person's own, is taken for a person's."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the survey took from one header; `device` holds the words that a device wrote."""

    patient: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    study: str = ""
    series: str = ""
    instance: str = ""
    frame: str = ""
    sop_class: str = ""
    number: int = 0
    sex: str = ""
    modality: str = ""
    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    name: tuple[str, ...] = field(default=(), repr=False)
    device: tuple[str, ...] = ()


_FIELDS = tuple(one.name for one in fields(Header))


def read_header(path: Path) -> Header | None:
    """Return what the header says of the person; None where the file is not readable as DICOM at all."""
    try:
        found = peek(path, _TAGS, last=_LAST)
        if found and (quick := texts_of(found)) is not None:
            return _header(lambda keyword: _split(quick.get(_TAG_OF[keyword], "")))
        with quiet():
            ds = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=[*_WANTED])
            others = [value for item in ds.get(OTHERS) or () for value in _texts(item, "PatientID")]
            return _header(partial(_texts, ds), others) if ds else None
    except Exception:  # noqa: BLE001 - pydicom raises many kinds; the engine says later why the file is held
        return None


def _header(texts: Callable[[str], list[str]], others: Sequence[str] = ()) -> Header:
    keywords = ("PatientID", "IssuerOfPatientID", "Modality", "PatientSex", *PLACE[1:7])
    first = {keyword: (texts(keyword) or [""])[0] for keyword in keywords}
    number = first["InstanceNumber"]
    known = (*_known(texts), *(("uhid", value) for value in others if len(value) >= 2))
    return Header(
        patient=first["PatientID"], issuer=first["IssuerOfPatientID"], study=first["StudyInstanceUID"],
        series=first["SeriesInstanceUID"], instance=first["SOPInstanceUID"], frame=first["FrameOfReferenceUID"],
        sop_class=first["SOPClassUID"], number=int(number) if re.fullmatch(r"-?\d{1,9}", number) else 0,
        sex=first["PatientSex"][:1].upper(), modality=first["Modality"], known=tuple(dict.fromkeys(known)),
        name=tuple({word for text in texts("PatientName") for word in re.findall(r"\w{2,}", text.casefold())}),
        device=tuple({word.casefold() for k in DEVICE for text in texts(k) for word in _WORD.findall(text)}),
    )  # fmt: skip


def _known(texts: Callable[[str], list[str]]) -> Iterator[tuple[str, str]]:
    for keyword in NAMES:
        for value in texts(keyword):
            for group in value.split("="):
                if len(name := " ".join(group.replace("^", " ").split())) >= 2:
                    yield ("guardian" if keyword == "PatientMotherBirthName" else "name"), name
    for keyword in _IDENTIFYING:
        yield from ((KINDS.get(keyword, "identifier"), value) for value in texts(keyword) if len(value) >= 2)


def _split(text: str) -> list[str]:
    return [part for one in text.split("\\") if (part := one.strip(" \0"))] if text else []


def _texts(ds: Dataset, keyword: str) -> list[str]:
    """Return the values of one attribute, also as UTF-8 where the bytes are that and the header says otherwise."""
    raw = ds.get_item(_TAG_OF[keyword]) if _TAG_OF[keyword] in ds else None
    if raw is None:
        return []
    found: list[str] = []
    if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
        if raw.value.isascii() and b"\x1b" not in raw.value:
            return _split(raw.value.decode("ascii"))
        with suppress(UnicodeDecodeError):
            found += raw.value.decode("utf-8").split("\\")
    try:
        value = ds[raw.tag].value
    except Exception:  # noqa: BLE001 - pydicom raises many kinds for broken values
        value = None
    many = [] if value is None else list(value) if isinstance(value, list | tuple | MultiValue) else [value]
    return list(dict.fromkeys(part for one in (*found, *map(str, many)) if (part := one.strip(" \0"))))


def survey(task: tuple[tuple[Path, ...], Path]) -> bytes:
    """Read the headers of some files in a worker; the answer is sealed, so that no identifier travels in clear."""
    paths, key_file = task
    headers = [read_header(path) for path in paths]
    return seal(
        [one and [getattr(one, name) for name in _FIELDS] for one in headers], key=open_keys(key_file)[0]
    )


def seal(value: object, *, key: bytes) -> bytes:
    """Encrypt JSON-like data for the way between the processes of one run."""
    nonce = os.urandom(NONCE)
    plain = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return nonce + AESGCM(key).encrypt(nonce, plain, MAGIC)


def unseal(sealed: bytes, *, key: bytes) -> object:
    """Return what `seal` took."""
    return json.loads(AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], MAGIC))


def headers_of(sealed: bytes, *, key: bytes) -> list[Header | None]:
    """Return the headers of a worker's answer, in the order of its paths."""
    given = unseal(sealed, key=key)
    return [one and Header(*map(_frozen, one)) for one in (given if isinstance(given, list) else [])]


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def path_words(name: str) -> Iterator[str]:
    """Yield the words of a path below what was handed in by which it could name someone; days and UIDs do not."""
    for word in _WORD.findall(_UID.sub(" ", name.replace("!/", "/"))):
        low = word.casefold()
        if word.isdecimal():
            if len(word.lstrip("0")) >= 6 and not _day(word):
                yield word
        elif low not in tables.path_vocabulary() and low not in tables.vocabulary():
            yield word


def _day(digits: str) -> bool:
    if len(digits) not in (8, 12, 14):
        return False
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year <= 2100
    except ValueError:
        return False


@dataclass
class Person:
    """One person of a batch, while it is surveyed. `ids`: (Patient ID, issuer) as they stand in the headers."""

    key: str = field(repr=False)
    ids: set[tuple[str, str]] = field(default_factory=set, repr=False)
    sex: str = "U"
    files: int = 0
    known: dict[tuple[str, str], None] = field(default_factory=dict, repr=False)
    words: Counter[str] = field(default_factory=Counter, repr=False)
    device: set[str] = field(default_factory=set, repr=False)

    def learn(self, header: Header, name: str) -> None:
        self.files += 1
        self.known.update(dict.fromkeys(header.known))
        self.device.update(header.device)
        self.words.update(set(path_words(name)))
        if header.patient:
            self.ids.add((header.patient, header.issuer))
        if self.sex == "U" and header.sex in {"F", "M", "O"}:
            self.sex = header.sex

    def learn_row(self, ids: Sequence[str], known: Sequence[tuple[str, str]]) -> None:
        """Learn what rows of a table tell; they are no files."""
        self.known.update(dict.fromkeys(known))
        self.ids.update((one, "") for one in ids if all(one != old for old, _ in self.ids))

    def told(self, everyones: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """Return all (kind, value) for the person's card."""
        least = 1 if self.files <= FEW_FILES else 2
        words = [
            word for word, count in self.words.most_common(MOST_WORDS)
            if count >= least and word.casefold() not in self.device | everyones
        ]  # fmt: skip
        return (*self.known, *(("folder", word) for word in words))


@dataclass
class _Told:
    """What files of one Patient ID and issuer say of the person: days of birth and words of names."""

    births: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def learn(self, header: Header) -> None:
        self.births.update(value for kind, value in header.known if kind == "birth-date")
        self.names.update(header.name)

    def contradicts(self, other: _Told) -> bool:
        """Say whether days of birth differ or, where none is told, names have nothing in common."""
        if self.births and other.births:
            return self.births.isdisjoint(other.births)
        return bool(self.names and other.names) and self.names.isdisjoint(other.names)


def bare(number: str) -> str:
    """Return a number as it is compared where it stands in a path or a table: letters and digits alone."""
    return "".join(char for char in plain(number).casefold() if char.isalnum())


def links(number: str) -> bool:
    """Say whether a number is long enough to tell one person from all others."""
    return len(bare(number)) >= LINKS and any(map(str.isdigit, number))


class Crowd:
    """Files on their way to persons. A file without Patient ID follows its study, or else its folder.

    One Patient ID of several issuers is one person unless what the files tell of it contradicts itself.
    """

    def __init__(self) -> None:
        self._told: defaultdict[str, dict[str, _Told]] = defaultdict(dict)
        self._studies: defaultdict[str, set[str]] = defaultdict(set)
        self._split: dict[str, bool] = {}
        self._alike: defaultdict[str, set[str]] = defaultdict(set)
        self._rows: defaultdict[str, set[str]] = defaultdict(set)
        self.persons: dict[str, Person] = {}

    def see(self, header: Header) -> None:
        """Note whose study this is, before anybody is named."""
        if header.patient:
            self._told[header.patient].setdefault(header.issuer, _Told()).learn(header)
            self._alike[bare(header.patient)].add(header.patient)
            if header.study:
                self._studies[header.study].add(header.patient)

    def person(self, header: Header, name: str) -> Person:
        """Return the person of a file, once all have been seen."""
        key = self._key(header, name)
        found = self.persons.setdefault(key, Person(key))
        found.learn(header, name)
        return found

    def of_row(self, ids: Sequence[str]) -> Person | None:
        """Return the person of a table's row by its first number, or by another where headers know only that.

        None where the number that decides means several persons. Two numbers that both have files stay two persons.
        """
        linking = [ids[0], *(one for one in ids[1:] if links(one))]
        found = next((keys for one in linking if (keys := self.met(one))), {f"id\x1f\x1f{ids[0]}"})
        if len(found) > 1:
            return None
        (key,) = found
        for one in linking:
            if not self.met(one):
                self._rows[bare(one)].add(key)
        return self.persons.setdefault(key, Person(key))

    def met(self, number: str) -> set[str]:
        """Return the keys of the persons whose number this is, as headers write it or with other signs between."""
        same = [number] if number in self._told else self._alike.get(bare(number), ())
        found = {f"id\x1f{self._issuer(one, issuer)}\x1f{one}" for one in same for issuer in self._told[one]}
        return found or self._rows.get(bare(number), set())

    def own(self, key: str) -> Person:
        """Return the person that a folder or table stands for, where nothing says whose it is."""
        return self.persons.setdefault(key, Person(key))

    def _key(self, header: Header, name: str) -> str:
        patient, issuer = header.patient, header.issuer
        if not patient and len(self._studies.get(header.study, ())) == 1:
            (patient,) = self._studies[header.study]
        if patient:
            return f"id\x1f{self._issuer(patient, issuer)}\x1f{patient}"
        return f"study\x1f{header.study}" if header.study else f"folder\x1f{name.rpartition('/')[0]}"

    def _issuer(self, patient: str, issuer: str) -> str:
        """Return the issuer by which a Patient ID is told apart; "" where several issuers mean one person."""
        named = {one: told for one, told in self._told[patient].items() if one}
        if len(named) < 2:
            return next(iter(named), "")
        if patient not in self._split:
            pairs = combinations(named.values(), 2)
            self._split[patient] = any(one.contradicts(other) for one, other in pairs)
        return issuer if self._split[patient] else ""

    def everyones(self) -> frozenset[str]:
        """Return path words that at least three persons and half of all share: they name nobody."""
        counts = Counter(word.casefold() for one in self.persons.values() for word in one.words)
        least = max(3, (len(self.persons) + 1) // 2)
        return frozenset(word for word, count in counts.items() if count >= least)
