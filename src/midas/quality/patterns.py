# ruff: noqa: E501 - a table with one identifier a line reads better than one broken over many
"""What identifies a person in India, as a table: pattern, check, context, source. In comes text, out go rule names.

A pattern with a check digit stands alone; one without needs a word beside it (`context`) before it counts, because
technical numbers look alike. Matched text never leaves this module: a finding names the kind and the place only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum import verhoeff
from stdnum.in_ import aadhaar, epic, gstin, pan, vid

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of identifier. `context`: words of which one must stand within 40 characters before the match."""

    kind: str
    regex: re.Pattern[str]
    cites: str
    check: Check | None = None
    context: re.Pattern[str] | None = None


CONTEXT_WINDOW = 40
"""Characters before a match in which a context word counts: a label, its punctuation and a short phrase."""

STATES = [
    "AN",
    "AP",
    "AR",
    "AS",
    "BR",
    "CH",
    "CG",
    "DD",
    "DL",
    "DN",
    "GA",
    "GJ",
    "HP",
    "HR",
    "JH",
    "JK",
    "KA",
    "KL",
    "LA",
    "LD",
    "MH",
    "ML",
    "MN",
    "MP",
    "MZ",
    "NL",
    "OD",
    "OR",
    "PB",
    "PY",
    "RJ",
    "SK",
    "TN",
    "TS",
    "TG",
    "TR",
    "UK",
    "UA",
    "UP",
    "WB",
]
STATE = f"(?:{'|'.join(STATES)})"

STDNUM = "python-stdnum 2.2, stdnum.in_"
PRESIDIO = "presidio-analyzer 2.2, Indian recognisers"
HANDLES = "abdm|sbx|hpr"


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _aadhaar(text: str) -> bool:
    return bool(aadhaar.is_valid(_digits(text)))


def _vid(text: str) -> bool:
    return bool(vid.is_valid(_digits(text)))


def _aadhaar_labelled(text: str) -> bool:
    return bool(verhoeff.is_valid(_digits(text)))


ABHA_WORDS = _words("abha", "health ?id", "abdm", "आभा", "ayushman")
PHONE_WORDS = _words(
    r"\bph\b", "phone", "mobile", r"\bmob\b", "contact", r"\btel\b", "whatsapp", r"\bcall\b", "helpline", "मोबाइल", "फ़ोन", "फोन", "दूरभाष"
)  # fmt: skip
BIRTH_WORDS = _words(r"\bd\.?o\.?b\b", r"birth", r"\bborn\b", "जन्म")
TAIL = r"[\w.']*"
NAME = rf"[^\W\d_]{TAIL}"
HONORIFIC = r"(?:Shri|Smt|Kum|Mr|Mrs|Ms|Dr|Prof|Late|Thiru|Thirumathi|SHRI|SMT|MRS|DR(?=\.))\.?"
WITHOUT = r"(?i:contrast|con\b|cont\b|gad|gd|iv\b|fat|fs\b|and\b|with\b|w\b|c\b|ce\b|cm\b|dye|sedation|motion|delay)"
"""What follows `w/o` where it means `without` in the names of series."""

PATTERNS: tuple[Pattern, ...] = (
    Pattern("aadhaar", re.compile(r"(?<![\w.])[2-9]\d{3}([ -]?)\d{4}\1\d{4}(?![\w.])"), STDNUM, _aadhaar),
    Pattern("aadhaar", re.compile(r"(?<![\d.])\d{4}[ -]?\d{4}[ -]?\d{4}(?![\d.])"), STDNUM, _aadhaar_labelled,
            _words("aadhaar", "aadhar", "uidai", "आधार")),
    Pattern("aadhaar-masked", re.compile(r"\b[Xx*]{4}[ -]?[Xx*]{4}[ -]?\d{4}(?!\d)"), STDNUM),
    Pattern("aadhaar-vid", re.compile(r"(?<![\w.])[2-9]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w.])"), STDNUM, _vid,
            _words("aadhaar", "aadhar", r"\bvid\b", "आधार")),
    Pattern("abha-number", re.compile(r"(?<![\w.])\d{2}-\d{4}-\d{4}-\d{4}(?![\w.])"), "NHA ABHA: 14 digits shown 2-4-4-4"),
    Pattern("abha-number", re.compile(r"(?<![\d.])\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?![\d.])"), "NHA ABHA: 14 digits, no checksum published",
            None, ABHA_WORDS),
    Pattern("abha-address", re.compile(rf"\b[A-Za-z0-9][A-Za-z0-9._]{{2,}}@(?:{HANDLES})\b", re.IGNORECASE), "NHA ABHA address and HPR id"),
    Pattern("pan", re.compile(r"(?<![A-Za-z0-9])[A-Z]{3}[ABCFGHLJPTK][A-Z]\d{4}[A-Z](?![A-Za-z0-9])"), STDNUM, pan.is_valid),
    Pattern("gstin", re.compile(r"(?<![A-Za-z0-9])\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]Z[A-Z\d](?![A-Za-z0-9])"), STDNUM, gstin.is_valid),
    Pattern("voter-id", re.compile(r"(?<![A-Za-z0-9])[A-Z]{3}\d{7}(?![A-Za-z0-9])"), STDNUM, epic.is_valid),
    Pattern("passport", re.compile(r"(?<![A-Za-z0-9])[A-PR-WY][1-9]\d ?\d{4}[1-9](?![A-Za-z0-9])"), PRESIDIO, None,
            _words("passport", "पासपोर्ट")),
    Pattern("driving-licence", re.compile(rf"(?<![A-Za-z0-9]){STATE}\d{{2}}[- ]?(?:19|20)\d{{2}}[- ]?\d{{7}}(?!\d)"), "maskflow-pack-india 0.6"),
    Pattern("vehicle", re.compile(rf"(?<![A-Za-z0-9]){STATE}[- ]\d{{1,2}}[- ][A-Z]{{1,2}}[- ]\d{{4}}(?!\d)"), PRESIDIO),
    Pattern("phone", re.compile(r"(?<![\w.])\+91[-\s]?[6-9]\d{4}[-\s]?\d{5}(?![\w.])"), "ITU-T E.164, country code 91"),
    Pattern("phone", re.compile(r"(?<![\w.])0?[6-9]\d{4}[- ]\d{5}(?![\w.])"), "Indian mobile number, written 5 + 5"),
    Pattern("phone", re.compile(r"(?<![\d.])(?:0|\+?91[-\s]?)?[6-9]\d{4}[-\s]?\d{5}(?![\d.])"), "Indian mobile number", None, PHONE_WORDS),
    Pattern("phone", re.compile(r"(?<![\d.])0\d{2,4}[- ]\d{6,8}(?![\d.])"), "Indian landline with STD code", None, PHONE_WORDS),
    Pattern("e-mail", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"), "RFC 5322 addr-spec"),
    Pattern("ifsc", re.compile(r"(?<![A-Za-z0-9])[A-Z]{4}0[A-Z0-9]{6}(?![A-Za-z0-9])"), "RBI IFSC", None, _words("ifsc", "bank", "a/c")),
    Pattern("hospital-number", re.compile(r"(?<!\w)[A-Z0-9][A-Z0-9/-]{3,}(?!\w)", re.IGNORECASE), "label and value",
            lambda text: any(char.isdigit() for char in text),
            _words(r"\buhid\b[\W_]*(?:no|number)?[\W_]*$", r"\bmrn\b[\W_]*(?:no)?[\W_]*$", r"\bmrd\b[\W_]*(?:no)?[\W_]*$",
                   r"\bcr\.? ?no\W*$", r"यूएचआईडी\W*$", r"registration no\W*$", r"\b[io]pd? ?no\W*$")),
    Pattern("birth-date", re.compile(r"(?<!\d)(?:\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d{2}|(?:19|20)\d{2}[-/. ]?\d{2}[-/. ]?\d{2})(?!\d)"),
            "DPDP Act 2023; PS3.15 E.1", None, BIRTH_WORDS),
    Pattern("relation", re.compile(rf"(?<![\w.@])[SsDd][/.] ?[Oo][/. ]\s*(?:{HONORIFIC}\s+)?{NAME}"), "son or daughter of"),
    Pattern("relation", re.compile(rf"(?<![\w.@])[Ww][/.] ?[Oo][/. ]\s*(?:{HONORIFIC}\s+)?(?!{WITHOUT}){NAME}"), "wife of; not `without`"),
    Pattern("relation", re.compile(rf"(?<![\w.@])[Cc][/.] ?[Oo][/. ]\s*{HONORIFIC}\s+{NAME}"), "care of; not `complains of`"),
    Pattern("name-honorific", re.compile(rf"(?<!\w)(?:{HONORIFIC}\s+[A-Z](?:\.|[^\W\d_]+)(?![\d_])|(?:श्री|श्रीमती|सुश्री|कुमारी|डॉ\.?|स्व\.)\s+{NAME})"),
            "Indian honorifics before a name"),
    Pattern("name-labelled", re.compile(rf"(?<!\w)(?:patient(?:'s)? name|name of (?:the )?patient|pt\.? name|नाम|रोगी का नाम)\s*[:=-]\s*{NAME}", re.IGNORECASE),
            "label and value"),
    Pattern("pin-code", re.compile(r"(?<![\w.])[1-9]\d{2} ?\d{3}(?![\w.])"), "India Post", None,
            _words(r"\bpin\b", "pincode", "pin code", "nagar", "colony", "road", "marg", "district", "dist", "पिन")),
    Pattern("address", re.compile(r"(?<!\w)(?:H\.? ?No|Door No|Flat No|Plot No|House No)\.?\s*[:#-]?\s*\d+", re.IGNORECASE), "Indian address words"),
    Pattern("gps", re.compile(r"(?<!\d)\d{1,2}\.\d{4,}\s*°?\s*[NS]?[,; ]+\s*\d{1,3}\.\d{4,}\s*°?\s*[EW]?(?!\d)"), "WGS 84 latitude and longitude", None,
            _words("gps", r"\blat", "latitude", "location", "coordinates")),
)  # fmt: skip


def normal(text: str) -> str:
    """Return text with native digits as 0–9, full-width forms and dashes as plain ones, and no invisible characters."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(char)) if char.isdigit() and not char.isascii()
        else "-" if unicodedata.category(char) == "Pd" else char
        for char in plain
        if unicodedata.category(char) != "Cf"
    )  # fmt: skip


def kinds_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, source of the rule) for each kind of identifier seen in a text, each kind once."""
    plain = normal(text)
    seen: set[str] = set()
    for pattern in PATTERNS:
        if pattern.kind in seen:
            continue
        if any(_counts(pattern, plain, match) for match in pattern.regex.finditer(plain)):
            seen.add(pattern.kind)
            yield pattern.kind, pattern.cites


def _counts(pattern: Pattern, text: str, match: re.Match[str]) -> bool:
    if pattern.check is not None and not pattern.check(match.group()):
        return False
    if pattern.context is None:
        return True
    before = text[max(0, match.start() - CONTEXT_WINDOW) : match.start()]
    return pattern.context.search(before) is not None
