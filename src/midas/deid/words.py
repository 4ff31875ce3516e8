"""Free text: which words may stay, and whether a text looks as if it named someone.

In comes a text and what is known of the person, out comes the text with only words of the shipped vocabulary, short
numbers and units. A word equal to any part of a known identifier never stays, whatever the vocabulary says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from midas.deid import tables

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WHOLE_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
_DATE = re.compile(
    r"\b(\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}|(19|20)\d{6}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ \-.]?(?:of )?({_MONTHS})[a-z]*[ \-.,]*\d{{2,4}}"
    rf"|({_MONTHS})[a-z]*[ \-.,]*\d{{1,2}}(?:st|nd|rd|th)?[ \-.,]+(19|20)\d{{2}})\b",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\d{6,}|\d{3,}[ \-]\d{3,}|\S+@\S+|https?:\S+|\^"
    r"|\b(dr|mr\.|mrs|smt|shri|kumari|w/o|s/o|d/o|c/o|hospital|clinic)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)?|[+\-/%]")
_SHORT = re.compile(r"^(?:[a-z]{0,3}\d{1,3}(?:[.,]\d{1,2})?[a-z]{0,3})$")
_PAIRS = re.compile(r"\d+(?:\s*[/\-]\s*\d+)+")
_RUNS = re.compile(r"\d(?:[ .,/\-]{0,3}\d){7,}")
"""Eight digits and more, however they are set apart: a number that reaches someone, or a day."""
_AGE = re.compile(
    r"\b(?:9\d|1[0-2]\d)[ \-]*(?:y|yr|yrs|year|years|yo|y/o)\b"
    r"|\b09\dy\b|\bage[d]?[ :=\-]*(?:9\d|1[0-2]\d)\b",
    re.IGNORECASE,
)
"""Ages of 90 years and over (45 CFR 164.514(b)(2)(i)(C))."""
_MONTH = re.compile(rf"(?:{_MONTHS})(?:\d{{1,4}}|[a-z]*)", re.IGNORECASE)
_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?", re.IGNORECASE)
_LABELS = frozenset(
    "no nos number house door flat plot room bed ward sector near opposite phone mobile pin".split()
)
"""Words after which a number would place or reach a person."""
_LETTERS_RUN = re.compile(r"[^\W\d_]{4,}")
_LETTERS = frozenset("lrtwcosvaphf")
_SIGNS = frozenset("+-/%")
MIN_PART = 3
MOBILE = 10
"""Digits of an Indian telephone number without country code or leading zero."""
NAMES = frozenset({"name", "name-local", "guardian"})
"""Kinds whose every word names a person, even one that is also a word of the vocabulary."""
NOBODY = frozenset(
    {"removed", "anonymous", "anonymized", "anonymised", "unknown", "none", "nil", "test", "patient"}
)
"""Words that stand where a name was or should be."""


def fold(text: str) -> str:
    """Return the text in one comparable form: NFKC, case folded."""
    return plain(text).casefold()


def plain(text: str) -> str:
    """Return the text in NFKC, with the digits of every script as 0-9 and without characters that nobody sees."""
    text = unicodedata.normalize("NFKC", text)
    if text.isascii():
        return text
    seen = (char for char in text if unicodedata.category(char) != "Cf")
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in seen)


def parts(text: str) -> list[str]:
    """Return the words of a value, as comparison sees them; combining marks of Indian scripts stay with their letters."""
    return ["".join(run) for run in _runs(fold(text))]


def _runs(text: str) -> Iterable[list[str]]:
    run: list[str] = []
    for char in text:
        if unicodedata.category(char)[0] in "LMN":
            run.append(char)
        elif run:
            yield run
            run = []
    if run:
        yield run


@dataclass(frozen=True)
class Known:
    """Identifiers of one person (and of those named in the file), ready for comparison."""

    words: frozenset[str]
    wholes: frozenset[str]

    @classmethod
    def of(cls, values: Iterable[tuple[str, str]]) -> Known:
        words: set[str] = set()
        wholes: set[str] = set()
        for kind, value in values:
            found = [word for word in parts(value) if word not in NOBODY]
            if not found:
                continue
            if kind in NAMES:
                words.update(word for word in found if len(word) >= MIN_PART)
            else:
                words.update(
                    word for word in found if len(word) > MIN_PART and word not in tables.vocabulary()
                )
            wholes.add("".join(found))
            if (digits := "".join(char for char in value if char.isdecimal())) and len(digits) > MOBILE:
                wholes.add(digits[-MOBILE:])
        return cls(frozenset(words), frozenset(whole for whole in wholes if len(whole) >= 2))

    def in_bytes(self, data: bytes) -> bool:
        """Say whether binary content holds a known identifier in Latin-1 or UTF-8."""
        low = data.lower()
        return any(word.encode() in low for word in self.words | self.wholes if len(word.encode()) >= 5)

    def names(self, text: str) -> bool:
        """Say whether the text holds a known identifier, as a whole or as one of its words."""
        found = parts(text)
        whole = "".join(found)
        if whole in self.wholes or not self.words.isdisjoint(found):
            return True
        return any(len(known) >= 6 and known in whole for known in self.wholes)


def unknown_words(text: str) -> bool:
    """Say whether the text holds a word of four letters or more that the vocabulary does not know."""
    return any(word not in tables.vocabulary() for word in _LETTERS_RUN.findall(fold(text)))


def suspicious(text: str, known: Known) -> bool:
    """Say whether a technical text looks as if it named a person, a day or a place."""
    return not text.isascii() or bool(_DATE.search(text) or _LONG.search(text)) or known.names(text)


def _stays(token: str, known: Known, *, prose: bool, before: str) -> bool:
    low = token.casefold()
    if low in known.words or low in known.wholes or low in _LABELS:
        return False
    if low in tables.vocabulary():
        return len(low) > 1 or not prose
    if prose:
        return False
    if low.isdigit() and before in _LABELS:
        return False
    return low in _SIGNS or low in _LETTERS or bool(_SHORT.match(low))


def _undated(tokens: list[str]) -> list[str]:
    """Return the tokens without months and the numbers beside them."""
    months = {at for at, token in enumerate(tokens) if _is_month(token)}
    beside = {at for month in months for at in (month - 1, month + 1) if 0 <= at < len(tokens)}
    gone = {at for at in beside if _DAY.fullmatch(tokens[at])}
    dated = {at for at in months if any(one in gone for one in (at - 1, at + 1)) or tokens[at][-1].isdigit()}
    return [token for at, token in enumerate(tokens) if at not in gone | dated]


def _is_month(token: str) -> bool:
    if not _MONTH.fullmatch(token):
        return False
    letters = token.rstrip("0123456789").casefold()
    return len(letters) == MIN_PART or letters in _WHOLE_MONTHS | {"sept"}


def clean_text(text: str, known: Known, *, prose: bool) -> str:
    """Return the words of `text` that may stay, in their order; "" where none is left.

    Prose (comments, histories: ST, LT, UT) keeps words of the vocabulary only; a descriptor (SH, LO) keeps short
    numbers with or without a unit as well, such as the `5 mm` and `T2` of a series.
    """
    before = ""
    text = plain(text)
    while text != before:
        before, text = text, _cleaned_once(text, known, prose=prose)
    return text


def _cleaned_once(text: str, known: Known, *, prose: bool) -> str:
    text = re.sub(r"\S+@\S+|https?:\S+", " ", _AGE.sub(" ", _DATE.sub(" ", text)))
    text = _PAIRS.sub(" ", re.sub(r"\d[\d \-]{5,}\d", " ", _RUNS.sub(" ", text)))
    kept: list[str] = []
    before = ""
    for token in _undated(_TOKEN.findall(text.replace("_", " ").replace("^", " "))):
        if _stays(token, known, prose=prose, before=before):
            kept.append(token)
        before = token.casefold()
    while kept and kept[-1] in _SIGNS:
        kept.pop()
    while kept and kept[0] in _SIGNS:
        kept.pop(0)
    result = " ".join(kept)
    return "" if known.names(result) else result
