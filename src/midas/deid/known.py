"""What names this person and those named in the file: the card's identifiers plus the header's own.

In come a dataset and a card, out comes `Known` for comparison. It lives in memory only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from midas.deid import tables
from midas.deid.memory import Memory, watched
from midas.deid.model import Card
from midas.deid.words import Known, parts

NESTED = ("PatientID", "AccessionNumber", "OtherPatientIDs")
"""Identifiers that stand in items too (Other Patient IDs Sequence, Request Attributes Sequence)."""
NUMBERED = ("DeviceSerialNumber", "StationName")
"""Told apart by their digits: `CT1` and `SIEMENS` are words, `AVBRHCT01` and `SN-40211` are not."""
TELLING = 5
"""Letters and digits other than 0 that such a number must have."""
IDENTIFIERS = (
    "PatientID", "OtherPatientIDs", "AccessionNumber", "PatientAddress", "PatientTelephoneNumbers", "MilitaryRank",
    "AdmissionID", "MedicalRecordLocator", "InsurancePlanIdentification", "PatientMotherBirthName", "CountryOfResidence",
    "IssuerOfPatientID", "PatientTelecomInformation",
)  # fmt: skip
PLACES = ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName")


MUTE = frozenset({
    "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "TM", "UI", "UL",
    "US", "UV",
})  # fmt: skip
"""Forms of value that name nobody here; they are not read."""
_NAMED = Memory()


def named_in(ds: Dataset, subject: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, value) for every identifier of a person that the header itself states, at every depth for names."""
    return (pair for pair in said_in(ds, subject) if pair[0] not in {"place", "number"})


def said_in(ds: Dataset, subject: str) -> Iterator[tuple[str, str]]:
    """Yield what `named_in` yields, and with the kinds "place" and "number" where it was made and on which device.

    The person's own pseudonym, found in a file that was cleaned before, names nobody. Each element of the root speaks
    for itself, whatever stands beside it.
    """
    seen = watched(ds)
    if seen is None:
        yield from (pair for tag in list(ds.keys()) for pair in _said_whole(ds, tag, subject))
        return
    said = seen.notes.get(("said", subject))
    if said is None:
        topic = _NAMED.topic((subject, seen.ground(), ds.original_encoding))
        loud = [tag for tag, vr in seen.forms() if vr not in MUTE]
        each = topic.each(loud, seen, lambda tag: _said_whole(ds, tag, subject))
        said = seen.notes["said", subject] = tuple(pair for pairs in each for pair in pairs)
    yield from said


def _said_whole(ds: Dataset, tag: BaseTag, subject: str) -> tuple[tuple[str, str], ...]:
    return tuple(_said(ds, tag, subject))


def _said(ds: Dataset, tag: BaseTag, subject: str) -> Iterator[tuple[str, str]]:
    element = ds[tag]
    keyword = element.keyword
    if keyword in IDENTIFIERS:
        yield from (("identifier", value) for value in _values(ds, keyword) if value != subject)
    if keyword in PLACES:
        yield from (("place", value) for value in _values(ds, keyword))
    if keyword in NUMBERED:
        yield from (("number", value) for value in _values(ds, keyword) if _numbered(value))
    if element.VR == "SQ":
        yield from (("identifier", value) for value in _nested(element) if value != subject)
    for name in _names(element):
        if str(name) != subject:
            for group in str(name).split("="):
                yield "name", group.replace("^", " ")


def told(
    ds: Dataset, card: Card, *, places_stay: bool, devices_stay: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return everything by which a text of this file could name someone, where and on which device, but what may stay."""
    kinds = {"place": "address", "number": "identifier"}
    stay = {kind for kind, may in (("place", places_stay), ("number", devices_stay)) if may}
    named = [pair for pair in said_in(ds, card.subject) if pair[0] not in stay]
    return (*card.known, *((kinds.get(kind, kind), value) for kind, value in named))


def without_makers(names: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the pairs by which a text that a device writes could name someone.

    A place that is called by makers' words alone (a works of Philips) tells nothing there; the maker's name is needed.
    """
    return tuple(pair for pair in names if pair[0] != "address" or not _of_makers(pair[1]))


def _of_makers(place: str) -> bool:
    return all(word in tables.makers() or word in tables.vocabulary() for word in parts(place))


@lru_cache(maxsize=64)
def known_of(values: tuple[tuple[str, str], ...]) -> Known:
    """Return the (kind, value) pairs ready for comparison."""
    return Known.of(values)


def known_in(ds: Dataset, card: Card, *, places_stay: bool) -> Known:
    """Return what `told` gives, ready for comparison."""
    return known_of(told(ds, card, places_stay=places_stay))


def _values(ds: Dataset, keyword: str) -> list[str]:
    value = ds.get(keyword)
    if value is None:
        return []
    many = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    return [str(one) for one in many if len(str(one).strip()) >= 2]


def _nested(element: DataElement) -> Iterator[str]:
    for item in element.value:
        for keyword in NESTED:
            yield from _values(item, keyword)
        for inner in item:
            if inner.VR == "SQ":
                yield from _nested(inner)


def _numbered(value: str) -> bool:
    telling = sum(char.isalnum() and char != "0" for char in value) >= TELLING
    return telling and bool(re.search(r"\d", value))


def _names(element: DataElement) -> Iterator[object]:
    if element.VR == "PN" and element.value:
        yield from element.value if element.VM > 1 else [element.value]
    elif element.VR == "SQ":
        for item in element.value:
            for inner in item:
                yield from _names(inner)
