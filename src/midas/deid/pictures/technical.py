"""Burned-in text that provably names nobody: laterality, scale, exposure, indices, body part and view.

In come a line as read and what is known of the person, out comes whether it may stay. Every token must stand in
`tables/technical_text.json` or be a small number with a reason to be there; a day, a time, an age or a known identifier
never stays.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from midas.deid.words import Known

_TOKEN = re.compile(r"[a-z]+(?:[*+])?|\d+(?:\.\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ALLOWED = re.compile(r"[a-z0-9 .,:;/%()\[\]+\-=<>~*#x°'\"|_\u00b1\u00b5\u03bc\u0394]*")
_DAY = re.compile(r"\b\d{1,4}\s?[./\-:]\s?\d{1,2}\s?[./\-:]\s?\d{2,4}\b|\b(?:19|20)\d{2}\b")
_CLOCK = re.compile(r"\b[0-2]?\d:[0-5]\d(?::[0-5]\d)?\b")
_AGE = re.compile(
    r"\b[mf]\s*[/\-,: ]\s*\d{1,3}\b|\b\d{1,3}\s*(?:y|yr|yrs|yo|years?)\b|\b\d{1,3}\s*[/\-,: ]?\s*[mf]\b"
)
_PAIR = re.compile(r"^\d{1,4}\s*/\s*\d{1,4}$")
BARE = 3
"""Digits of a number that may stand alone: the marks of a scale."""
LONGEST = 5
"""Digits of a number beside a label or unit; more could reach someone."""


@dataclass(frozen=True)
class Terms:
    """The tokens of the table, by what they may stand for."""

    units: frozenset[str]
    labels: frozenset[str]
    letters: frozenset[str]
    words: frozenset[str]
    never: frozenset[str]


@cache
def terms() -> Terms:
    table = json.loads(files("midas.deid.tables").joinpath("technical_text.json").read_text("utf-8"))
    return Terms(
        **{kind: frozenset(table[kind]) for kind in ("units", "labels", "letters", "words", "never")}
    )


def technical(text: str, known: Known) -> bool:
    """Say whether a line as read holds technical text only."""
    low = " ".join(text.casefold().split())
    if not low or not _ALLOWED.fullmatch(low) or known.names(text):
        return False
    if _DAY.search(low) or _CLOCK.search(low) or _AGE.search(low):
        return False
    tokens = _TOKEN.findall(low)
    if not tokens:
        return True
    listed = [_named(token) for token in tokens if not _NUMBER.fullmatch(token)]
    numbers = [token for token in tokens if _NUMBER.fullmatch(token)]
    if not all(listed):
        return False
    if not listed:
        return all(len(number.split(".")[0]) <= BARE for number in numbers)
    return all(len(number.replace(".", "")) <= LONGEST for number in numbers)


def _named(token: str) -> bool:
    table, bare = terms(), token.rstrip("*+")
    if bare in table.never:
        return False
    return bare in table.units or bare in table.labels or bare in table.letters or bare in table.words
