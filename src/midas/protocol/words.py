"""Small words with a form of their own: codes of terminologies, and bands of ages. It knows forms, not contents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stdnum import luhn, verhoeff

AGE_BAND = re.compile(r"(\d{1,3})(?:[-–](\d{1,3})|\+)")
OLDEST = 999

_SNOMED = re.compile(r"[1-9]\d{5,17}")
_SNOMED_CONCEPT = {"00", "10"}
"""Partition of a concept identifier, without and with a namespace (SNOMED CT Release File Specifications, 6.1)."""


def _snomed(value: str) -> bool:
    return (
        bool(_SNOMED.fullmatch(value)) and value[-3:-1] in _SNOMED_CONCEPT and bool(verhoeff.is_valid(value))
    )


def _loinc(value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,7}-\d", value)) and bool(luhn.is_valid(value.replace("-", "")))


def _like(pattern: str) -> Callable[[str], bool]:
    form = re.compile(pattern)
    return lambda value: bool(form.fullmatch(value))


FORMS: Mapping[str, Callable[[str], bool]] = {
    "SCT": _snomed,
    "LN": _loinc,
    "ICD10": _like(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "ICDO3": _like(r"C\d\d(\.\d)?|\d{4}(/[01236](\d)?)?"),
}
"""By coding scheme designator (PS3.16 Table 8-1): SNOMED CT with Verhoeff's check digit, LOINC with mod 10, ICD-10, and
topography or morphology (with behaviour and grade) of ICD-O-3."""


def well_formed(scheme: str, value: str) -> bool:
    """Return whether a code has the form of its system; of systems that are not in `FORMS` nothing is said."""
    return scheme not in FORMS or FORMS[scheme](value)


def age_band(word: str) -> tuple[int, int] | None:
    """Return the first and last year of a band (`18-29`, `70+`), or `None` where it is none."""
    found = AGE_BAND.fullmatch(word.strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or OLDEST)
    return (first, last) if first <= last else None
