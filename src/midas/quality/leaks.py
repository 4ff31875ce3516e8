"""The rules that the hub runs again, knowing nothing of the person: a file or line goes in, findings come out.

A finding names the rule and the place (a tag path, a field), never the text that it saw. What cannot be read cannot be
examined, and is an error. Nothing here looks at pixels; text burned into them is for review at the spoke.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydicom import config, dcmread
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from midas.kernel import Finding, Severity
from midas.protocol.model import NUMBER_FORM
from midas.quality.layout import examine_layout
from midas.quality.patterns import kinds_in

TEXT_VRS = {"AE", "AS", "CS", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
"""VRs whose values are searched. DA, DT and TM are dates (shifted), UI are UIDs: their digits mean nothing."""

DUMMIES = {"REMOVED", "ANONYMIZED", "ANONYMOUS", "DEIDENTIFIED"}
SUBJECT = re.compile(r"P-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")

INSTITUTION, DEVICE, CHARACTERISTICS, FULL_DATES, UIDS, PRIVATE = (
    "113112",
    "113109",
    "113108",
    "113106",
    "113110",
    "113111",
)
"""Codes of CID 7050 by which an object says which options were used; each relaxes the rules below that name it."""

MAY_HOLD_NOTHING: dict[str, str | None] = {
    **dict.fromkeys((
        "AccessionNumber", "AdmissionID", "BranchOfService", "ConfidentialityConstraintOnPatientDataDescription",
        "ConsultingPhysicianName", "CountryOfResidence", "CurrentPatientLocation", "DistributionAddress",
        "DistributionName", "FillerOrderNumberImagingServiceRequest", "InsurancePlanIdentification",
        "IntendedRecipientsOfResultsIdentificationSequence", "IssuerOfAdmissionID", "IssuerOfPatientID",
        "IssuerOfServiceEpisodeID", "MedicalRecordLocator", "MilitaryRank",
        "NameOfPhysiciansReadingStudy", "NamesOfIntendedRecipientsOfResults", "OperatorIdentificationSequence",
        "OperatorsName", "OrderCallbackPhoneNumber", "OrderEnteredBy", "OrderEntererLocation", "OtherPatientIDs",
        "OtherPatientIDsSequence", "OtherPatientNames", "PatientAddress", "PatientBirthDate", "PatientBirthName",
        "PatientBirthTime", "PatientInstitutionResidence", "PatientInsurancePlanCodeSequence", "PatientMotherBirthName",
        "PatientReligiousPreference", "PatientTelecomInformation", "PatientTelephoneNumbers",
        "PerformingPhysicianName", "PersonAddress", "PersonTelecomInformation", "PersonTelephoneNumbers",
        "PhysiciansOfRecord", "PlacerOrderNumberImagingServiceRequest", "ReferringPhysicianAddress",
        "ReferringPhysicianName", "ReferringPhysicianTelephoneNumbers", "RegionOfResidence", "RequestingPhysician",
        "ResponsibleOrganization", "ResponsiblePerson", "ScheduledPatientInstitutionResidence",
        "ScheduledPerformingPhysicianName", "ServiceEpisodeID", "TextString", "VerifyingObserverName",
    )),
    **dict.fromkeys((
        "InstitutionAddress", "InstitutionCodeSequence", "InstitutionName", "InstitutionalDepartmentName",
        "RequestingService",
    ), INSTITUTION),
    **dict.fromkeys(("DeviceSerialNumber", "DetectorID", "GantryID", "PlateID", "StationName"), DEVICE),
}  # fmt: skip
"""Attributes that name a person, a place or a thing, with the option that lets them stay (PS3.15 Table E.1-1)."""

NEVER = (
    "EncapsulatedDocument",
    "OverlayData",
    "DataSetTrailingPadding",
    "OriginalAttributesSequence",
    "IconImageSequence",
)
"""Attributes whose content cannot be vouched for here, so that their presence is an error (PS3.15 Table E.1-1: X)."""

WEAK = {"vehicle", "ifsc", "pin-code"}
"""Kinds that look like other things too often to stop an item by themselves."""

CITES = "PS3.15 Table E.1-1"
NUMBER = re.compile(NUMBER_FORM)
"""A pseudonym in the place of a number; it holds nothing (PS3.15 Table E.1-1a: Z, D)."""


def _finding(
    rule: str, scope: str, message: str, *, cites: str = CITES, severity: Severity = Severity.ERROR
) -> Finding:
    return Finding(
        rule=f"leak.{rule}", severity=severity, scope=scope, message=message, cites=cites, origin="midas.quality.leaks",
        advice="Hold the item at the spoke and correct its de-identification; do not release it.",
    )  # fmt: skip


@cache
def safe_private() -> frozenset[tuple[int, int, str]]:
    """Return (group, last byte of element, creator) of private elements known to be safe."""
    text = (resources.files("midas.quality") / "safe_private.txt").read_text(encoding="utf-8")
    rows = (line.split(" ", 2) for line in text.splitlines() if line and not line.startswith("#"))
    return frozenset((int(group, 16), int(element, 16), creator) for group, element, creator in rows)


def _options(ds: Dataset) -> set[str]:
    return {str(item.get("CodeValue", "")) for item in ds.get("DeidentificationMethodCodeSequence") or ()}


def _texts(element: DataElement) -> Iterator[str]:
    value = element.value
    many = value if isinstance(value, (list, tuple, MultiValue)) else [value]
    for one in many:
        if isinstance(one, bytes):
            yield one.decode("utf-8", errors="replace")
        elif one is not None:
            yield str(one)


def _empty(element: DataElement) -> bool:
    if element.VR == "SQ":
        return not element.value
    said = (text.strip(" \0") for text in _texts(element))
    return all(not text.strip("^=") or text in DUMMIES or NUMBER.fullmatch(text) for text in said)


def _vr(ds: Dataset, tag: BaseTag) -> str:
    """Return the VR without loading the value where that can be known: large values stay on the disk."""
    vr = getattr(ds.get_item(tag), "VR", None)
    if vr and vr != "UN":
        return str(vr)
    try:
        return dictionary_VR(tag)
    except KeyError:
        return str(ds[tag].VR)


Found = tuple[str, Dataset, BaseTag, str]
"""Path of an element, the dataset that it stands in, its tag, its VR."""


def _walk(ds: Dataset, path: str = "") -> Iterator[Found]:
    for tag in sorted(ds.keys()):
        here = f"{path}{keyword_for_tag(tag) or f'({tag.group:04X},{tag.element:04X})'}"
        vr = _vr(ds, tag)
        yield here, ds, tag, vr
        if vr == "SQ":
            for number, item in enumerate(ds[tag].value or ()):
                yield from _walk(item, f"{here}[{number}].")


def _identity(ds: Dataset, scope: str) -> Iterator[Finding]:
    if ds.get("PatientIdentityRemoved") != "YES":
        yield _finding(
            "identity-not-removed", scope, "PatientIdentityRemoved is not YES.", cites="PS3.3 C.7.1.1"
        )
    if not _options(ds):
        yield _finding(
            "method-not-said", scope, "DeidentificationMethodCodeSequence is empty.", cites="PS3.15 E.1.1"
        )
    for keyword in ("PatientID", "PatientName"):
        value = str(ds.get(keyword) or "")
        if (value or keyword == "PatientID") and not SUBJECT.fullmatch(value):
            yield _finding("not-a-pseudonym", f"{scope}#{keyword}", f"{keyword} is not a pseudonym.")
    temporal = str(ds.get("LongitudinalTemporalInformationModified") or "")
    if temporal not in {"MODIFIED", "REMOVED"} and FULL_DATES not in _options(ds):
        yield _finding(
            "dates-not-modified",
            scope,
            "Nothing says that dates were shifted or removed.",
            cites="PS3.15 E.3.6",
        )


def _private(found: Found, scope: str, options: set[str]) -> Finding | None:
    path, ds, tag, _ = found
    if not tag.is_private:
        return None
    if PRIVATE not in options:
        return _finding(
            "private", f"{scope}#{path}", "A private element, and private ones were not to be kept."
        )
    element = tag.element
    if element <= 0xFF:
        creator = str(ds[tag].value).strip()
        known = any(name == creator for _, _, name in safe_private())
    else:
        holder = BaseTag((tag.group << 16) | (element >> 8))
        creator = str(ds[holder].value).strip() if holder in ds else ""
        known = (tag.group, element & 0xFF, creator) in safe_private()
    return (
        None
        if known
        else _finding("private", f"{scope}#{path}", "A private element that is not known to be safe.")
    )


def _content(found: Found, scope: str, options: set[str]) -> Iterator[Finding]:
    path, ds, tag, vr = found
    name = keyword_for_tag(tag)
    if (
        name in NEVER
        or (0x6000 <= tag.group <= 0x60FF and tag.element == 0x3000)
        or 0x5000 <= tag.group <= 0x50FF
    ):
        yield _finding("cannot-vouch", f"{scope}#{path}", "Content that cannot be examined here.")
        return
    if name in MAY_HOLD_NOTHING:
        relaxed_by = MAY_HOLD_NOTHING[name]
        if (relaxed_by is None or relaxed_by not in options) and not _empty(ds[tag]):
            yield _finding("attribute", f"{scope}#{path}", f"{name} should be absent or empty.")
    elif vr == "PN" and name != "PatientName" and not _empty(ds[tag]):
        yield _finding("person-name", f"{scope}#{path}", "A person's name stands in an attribute.")
    if name == "PatientAge" and any(
        int("0" + re.sub(r"\D", "", text)) > 90 for text in _texts(ds[tag]) if "Y" in text
    ):
        yield _finding("age", f"{scope}#{path}", "An age over 90 years.", cites="45 CFR 164.514(b)(2)(i)(C)")
    if vr in TEXT_VRS or vr == "UN":
        seen = {kind: cites for text in _texts(ds[tag]) for kind, cites in kinds_in(text)}
        for kind, cites in seen.items():
            yield _pattern(kind, f"{scope}#{path}", cites)


def _pattern(kind: str, scope: str, cites: str) -> Finding:
    severity = Severity.WARNING if kind in WEAK else Severity.ERROR
    return _finding(
        f"pattern.{kind}",
        scope,
        f"A text looks like: {kind.replace('-', ' ')}.",
        cites=cites,
        severity=severity,
    )


ROOT_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def _uids(ds: Dataset, scope: str, options: set[str]) -> Iterator[Finding]:
    if UIDS in options:
        return
    for keyword in ROOT_UIDS:
        value = str(ds.get(keyword) or "")
        published = value.startswith("1.2.840.10008.") and not re.search(r"\d{6}", value)
        if value and not published and not value.startswith("2.25."):
            yield _finding("uid", f"{scope}#{keyword}", f"{keyword} was not replaced.", cites="PS3.15 E.3.9")


def examine_dicom(path: Path, *, scope: str | None = None) -> tuple[Finding, ...]:
    """Examine one DICOM file that is said to be de-identified; an empty tuple means that no rule saw anything.

    `scope` names the file in findings (the last part of the path by default). Errors: none; what cannot be read
    becomes a finding. PS3.15 Annex E, PS3.10 7.1.
    """
    where = scope if scope is not None else Path(path).name
    found = list(examine_layout(path, scope=where))
    try:
        with config.disable_value_validation():
            ds = dcmread(path, defer_size="512 KB")
            found += _identity(ds, where)
            options = _options(ds)
            found += _uids(ds, where, options)
            for holder in (ds.file_meta, ds):
                for element in _walk(holder):
                    hidden = _private(element, where, options)
                    found += [hidden] if hidden else []
                    found += _content(element, where, options)
    except Exception as error:  # noqa: BLE001 - whatever hinders examination is itself the finding
        found.append(
            _finding(
                "unreadable", where, f"It cannot be examined ({type(error).__name__}).", cites="PS3.10 7.1"
            )
        )
    return tuple(found)


def _fields(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{path}.{key}".lstrip("."), str(key)
            yield from _fields(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


OPAQUE = re.compile(r"[0-9a-f]{64}|[0-9]+(?:\.[0-9]+){2,}|P-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
"""Digests, UIDs and pseudonyms: they mean nothing, whatever their digits look like."""


def examine_line(line: Mapping[str, Any], *, scope: str = "line") -> tuple[Finding, ...]:
    """Examine one line of a submission (subject, item, record, label): every text in it, at any depth."""
    found: list[Finding] = []
    for path, text in _fields(line, ""):
        plain = " ".join(
            part for part in re.split(r"[\s/]+", text) if not OPAQUE.fullmatch(part.removesuffix(".dcm"))
        )
        for kind, cites in kinds_in(plain):
            found.append(_pattern(kind, f"{scope}#{path}", cites))
    return tuple(dict.fromkeys(found))
