"""What the profile asks for one attribute: Table E.1-1 read under a profile's options and exceptions.

In comes a tag, a profile and where the attribute stands, out comes one action code with its clause. Compound codes are
resolved by the attribute's type of use in the IOD (PS3.3): a dummy where a value is required (1, 1C), empty where only
the attribute is (2, 2C), removed where it is optional. Where PS3.3 says nothing, the stronger is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import keyword_for_tag, tag_for_keyword

from midas.deid import tables
from midas.deid.model import Profile

SIMPLE = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "U"}
"""PS3.15 E.1.1, where the type of use is not known: what keeps every object valid."""
# X/Z/U* is never weakened: references with mapped UIDs name nobody, and without them an object loses its sources.
BY_TYPE = {"1": "DUZX", "1C": "DUZX", "2": "ZXDU", "2C": "ZXDU", "3": "XZDU"}
"""Actions in the order in which a compound code is searched for them, by type of use."""

CLAUSE = {
    "retain-safe-private": "PS3.15 E.3.10", "retain-uids": "PS3.15 E.3.9", "retain-device-identity": "PS3.15 E.3.8",
    "retain-institution-identity": "PS3.15 E.3.11", "retain-patient-characteristics": "PS3.15 E.3.7",
    "retain-longitudinal-full-dates": "PS3.15 E.3.6", "retain-longitudinal-modified-dates": "PS3.15 E.3.6",
    "clean-descriptors": "PS3.15 E.3.5", "clean-structured-content": "PS3.15 E.3.4", "clean-graphics": "PS3.15 E.3.3",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """`code` is X, Z, D, U, K, C or P; "" where the table does not name the attribute. `base` is the basic action.

    P is D with a keyed pseudonym for the dummy.
    """

    code: str
    base: str
    cites: str


UNLISTED = Decision("", "", "PS3.15 E.3.5")
NOT_LISTED = """
    ResponsiblePersonRole PatientBirthDateInAlternativeCalendar PatientDeathDateInAlternativeCalendar
    PatientAlternativeCalendar BreedRegistrationNumber StrainStockNumber HL7InstanceIdentifier PlacerOrderNumberProcedure
    FillerOrderNumberProcedure PlacerOrderNumberImagingServiceRequestRetired
    FillerOrderNumberImagingServiceRequestRetired LocalNamespaceEntityID UniversalEntityID UniversalEntityIDType
    AuthorizationEquipmentCertificationNumber PrinterName PrintQueueID PrintJobID OwnerID NTPSourceAddress
    RadiationMachineName ContactDisplayName StorageMediaFileSetID AssignedLocation BoardingPassID ItineraryID
    SubstanceAdministrationDeviceID PatientLocationCoordinatesSequence
""".split()
"""Attributes that Table E.1-1 forgets: numbers, calendars and places of a person, or of one machine; and a role that may
stand only beside a person that the table removes (PS3.3 C.7.1.1)."""
BESIDE_REMOVED = {
    int(tag): Decision("X", "X", "PS3.15 E.1.1")
    for keyword in NOT_LISTED
    if (tag := tag_for_keyword(keyword))
}


@lru_cache(maxsize=4096)
def type_of_use(keyword: str, sop_class: str, parent: str) -> str:
    """Return the type of an attribute at the root of a SOP class, or in items of the sequence `parent`; "" if unknown."""
    use = tables.types().get(keyword)
    if use is None:
        return ""
    return use.inside.get(parent, "") if parent else use.root.get(sop_class, "")


def _simple(basic: str, kind: str) -> str:
    if "/" not in basic or basic.endswith("U*") or not kind:
        return SIMPLE.get(basic, basic)
    allowed = basic.replace("*", "").split("/")
    return next(action for action in BY_TYPE[kind] if action in allowed)


def resolve(row: tables.Row, options: frozenset[str], kind: str = "") -> Decision:
    """Return the action of a table row under the options; of several options, cleaning wins over keeping.

    `kind` is the type of use (1, 1C, 2, 2C, 3), by which a compound code becomes one action.
    """
    base = _simple(row.basic, kind)
    chosen = [(action, option) for option, action in row.options if option in options]
    if not chosen:
        return Decision(base, base, "PS3.15 E.2 Table E.1-1")
    action, option = min(chosen)
    return Decision(action, base, CLAUSE[option])


@lru_cache(maxsize=16)
def _exceptions(profile: Profile) -> dict[str, str]:
    return {
        e.keyword: {"keep": "K", "remove": "X", "empty": "Z", "pseudonym": "P"}[e.action]
        for e in profile.exceptions
    }


@lru_cache(maxsize=65536)
def decide(tag: int, profile: Profile, sop_class: str = "", parent: str = "") -> Decision:
    """Return what `profile` asks for the public attribute `tag` in a SOP class, in items of the sequence `parent`."""
    group = tag >> 16
    special = _exceptions(profile).get(keyword_for_tag(tag) or "")
    if special == "P":
        return Decision("P", "D", f"PS3.15 E.1.1 Table E.1-1a; {profile.name}")
    if special:
        return Decision(special, special, f"protocol exception of {profile.name}")
    if 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
        return Decision("X", "X", "PS3.15 E.2 Table E.1-1")
    row = tables.attributes().get(tag)
    if row is None:
        return BESIDE_REMOVED.get(tag, UNLISTED)
    kind = type_of_use(keyword_for_tag(tag), sop_class, parent) if "/" in row.basic else ""
    return resolve(row, profile.options, kind)
