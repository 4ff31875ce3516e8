"""What names this person and those named in the file: the card's identifiers plus the header's own.

In come a dataset and a card, out comes `Known` for comparison. It lives in memory only.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from midas.deid.model import Card
from midas.deid.words import Known

IDENTIFIERS = (
    "PatientID", "OtherPatientIDs", "AccessionNumber", "PatientAddress", "PatientTelephoneNumbers", "MilitaryRank",
    "AdmissionID", "MedicalRecordLocator", "InsurancePlanIdentification", "PatientMotherBirthName", "CountryOfResidence",
    "IssuerOfPatientID", "PatientTelecomInformation",
)  # fmt: skip
PLACES = ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName")


def named_in(ds: Dataset, subject: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, value) for every identifier that the header itself states, at every depth for names.

    The person's own pseudonym, found in a file that was cleaned before, names nobody.
    """
    for keyword in IDENTIFIERS:
        for value in _values(ds, keyword):
            if value != subject:
                yield "identifier", value
    for element in _names(ds):
        if str(element) != subject:
            for group in str(element).split("="):
                yield "name", group.replace("^", " ")


def known_in(ds: Dataset, card: Card, *, places_stay: bool) -> Known:
    """Return everything by which a text of this file could name someone, and where, unless places may stay."""
    places = [("address", value) for keyword in PLACES for value in _values(ds, keyword) if not places_stay]
    return Known.of([*card.known, *named_in(ds, card.subject), *places])


def _values(ds: Dataset, keyword: str) -> list[str]:
    value = ds.get(keyword)
    if value is None:
        return []
    many = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    return [str(one) for one in many if len(str(one).strip()) >= 2]


def _names(ds: Dataset) -> Iterator[object]:
    for element in ds.iterall():
        if element.VR == "PN" and element.value:
            yield from element.value if element.VM > 1 else [element.value]
