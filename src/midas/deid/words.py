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
_DATE = re.compile(
    r"\b(\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}|(19|20)\d{6}"
    rf"|\d{{1,2}}[ \-.]?({_MONTHS})[a-z]*[ \-.,]*\d{{2,4}})\b",
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
_LABELS = frozenset(
    "no nos number house door flat plot room bed ward sector near opposite phone mobile pin".split()
)
"""Words after which a number would place or reach a person."""
_LETTERS = frozenset("lrtwcosvaphf")
_SIGNS = frozenset("+-/%")
MIN_PART = 3
NAMES = frozenset({"name", "name-local", "guardian"})
"""Kinds whose every word names a person, even one that is also a word of the vocabulary."""
NOBODY = frozenset(
    {"removed", "anonymous", "anonymized", "anonymised", "unknown", "none", "nil", "test", "patient"}
)
"""Words that stand where a name was or should be."""


def fold(text: str) -> str:
    """Return the text in one comparable form: NFKC, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


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


def clean_text(text: str, known: Known, *, prose: bool) -> str:
    """Return the words of `text` that may stay, in their order; "" where none is left.

    Prose (comments, histories: ST, LT, UT) keeps words of the vocabulary only; a descriptor (SH, LO) keeps short
    numbers with or without a unit as well, such as the `5 mm` and `T2` of a series.
    """
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\S+@\S+|https?:\S+", " ", _DATE.sub(" ", text))
    text = _PAIRS.sub(" ", re.sub(r"\d[\d \-]{5,}\d", " ", text))
    kept: list[str] = []
    before = ""
    for token in _TOKEN.findall(text.replace("_", " ").replace("^", " ")):
        if _stays(token, known, prose=prose, before=before):
            kept.append(token)
        before = token.casefold()
    while kept and kept[-1] in _SIGNS:
        kept.pop()
    while kept and kept[0] in _SIGNS:
        kept.pop(0)
    result = " ".join(kept)
    return "" if known.names(result) else result
