"""Coded entries (PS3.3 8.8): which codes name a published concept, and what a hospital wrote for itself.

In come a scheme, a code and its meaning, out comes whether each may stay, and the published meaning of a code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pydicom.dataset import Dataset
from stdnum import verhoeff

from midas.deid.values import names_someone
from midas.deid.words import Known, suspicious, unknown_words

STANDARD_SCHEMES = frozenset("""
    ACR BARI BI C4 C5 CD2 CD3 DCM DCMUID FMA HPC I10 I10P I9 I9C I9P IBSI ICD10 ICD11 ICDO ICDO3 ISO3166_1 ISO4217
    ISO5218_1 ISO639_1 ISO639_2 ITIS_TSN LB LN MA MAYOASRG MDC MDNS MSH NCDR NCIT NDC NEU NICIP NYUMCCG PATHLEX POS
    PUBCHEM_CID RADELEMENT RADLEX RFC3066 RFC5646 RXNORM SCPECG SCT SDM SNM3 SRT UBERON UCUM UMD UMLS UNS
""".split())  # fmt: skip
"""Designators of published coding schemes (PS3.16 Table 8-1), in capitals."""
CODE = frozenset(
    {"CodeValue", "CodeMeaning", "CodingSchemeDesignator", "CodingSchemeVersion", "LongCodeValue"}
)
LOCAL = "99LOCAL"
"""Stands where the designator of a hospital's own scheme would name the hospital."""
_CODES = {
    "SCT": re.compile(r"\d{6,18}|[A-Z0-9]{1,2}-[A-Z0-9]{4,5}"),
    "DCM": re.compile(r"\d{4,6}|[A-Z0-9_]{1,12}"),
}
_UNITS = re.compile(
    r"\b(?:white|gr[ae]y|green|brown|long|(?:nano|micro|milli|centi|deci|kilo|mega|giga)?(?:meter|metre|gram|liter|litre|volt"
    r"|second|ampere|hertz|gray|sievert|becquerel|newton|pascal|joule|watt|mole|radian|ohm|tesla|kelvin|celsius)s?)\b",
    re.IGNORECASE,
)
"""Words of published meanings that are also names of people, hence not in the vocabulary, and names of units."""
_ANY_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,:/^{}\[\]()%*+\-]{0,15}")
_UNIT = re.compile(r"[\d.]{0,6}[A-Za-z%{}\[\]()/*^.'0-9_+\-]{1,24}")


def can_be_code(scheme: str, code: str) -> bool:
    """Say whether a code can be one of its scheme; SNOMED CT identifiers end in a check digit (Verhoeff)."""
    if scheme == "UCUM":
        return bool(_UNIT.fullmatch(code)) and not re.search(r"\d{6}", code)
    if scheme == "SCPECG":
        return bool(re.fullmatch(r"\d{1,2}([.\-]\d{1,3}){1,6}", code))
    if not _CODES.get(scheme, _ANY_CODE).fullmatch(code):
        return False
    if scheme == "SCT":
        return not code.isdigit() or bool(verhoeff.is_valid(code))
    return not names_someone(code)


def tells(ds: Dataset, keyword: str, texts: list[str], known: Known) -> bool:
    """Say whether part of a code item could name someone; what a hospital coded for itself is free text."""
    scheme = str(ds.get("CodingSchemeDesignator", "")).upper()
    if scheme not in STANDARD_SCHEMES:
        return any(suspicious(text, known) or unknown_words(text) for text in texts)
    if keyword in {"CodeValue", "LongCodeValue"}:
        return any(known.names(text) or not can_be_code(scheme, text) for text in texts)
    if keyword == "CodeMeaning":
        if meaning(scheme, str(ds.get("CodeValue", ""))) in texts:
            return False
        return any(suspicious(text, known) or unknown_words(_UNITS.sub(" ", text)) for text in texts)
    return any(known.names(text) for text in texts)


def instead(ds: Dataset, keyword: str, known: Known) -> str:
    """Return what stands for a part of a code item that may not stay: its published meaning, or "" for cleaned text."""
    if keyword == "CodingSchemeDesignator":
        return LOCAL
    if keyword == "CodeMeaning":
        published = meaning(str(ds.get("CodingSchemeDesignator", "")).upper(), str(ds.get("CodeValue", "")))
        return "" if known.names(published) else published
    return ""


def meaning(scheme: str, code: str) -> str:
    """Return the meaning that PS3.16 (as pydicom ships it) gives a code, "" where it gives none."""
    return _meanings().get((scheme, code), "") if scheme in STANDARD_SCHEMES else ""


@lru_cache(maxsize=1)
def _meanings() -> dict[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts

    published: Any = concepts
    return {
        (scheme.upper(), code): said[0][:64]
        for scheme, entries in published.items()
        for entry in entries.values()
        for code, said in entry.items()
    }
