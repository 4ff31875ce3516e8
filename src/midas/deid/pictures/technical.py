"""Burned-in text that provably names nobody: laterality, scale, exposure, indices, body part and view.

In come a line as read and what is known of the person, out comes whether it may stay. Every token must stand in
`tables/technical_text.json` or be a small number with a reason to be there; a day, a time, an age or a known identifier
never stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from midas.deid.words import Known

_TOKEN = re.compile(r"[a-z]+(?:[*+])?|\d+(?:\.\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ALLOWED = re.compile(r"[a-z0-9 .,:;/%()\[\]+\-=<>~*#x°'\"|_\u00b1\u00b5\u03bc\u0394]*")
_DAY = re.compile(r"\b\d{1,4}\s?[./\-:]\s?\d{1,2}\s?[./\-:]\s?\d{2,4}\b|\b(?:19|20(?!48))\d{2}\b")
_CLOCK = re.compile(r"\b[0-2]?\d:[0-5]\d(?::[0-5]\d)?\b")
_AGE = re.compile(
    r"\b[mf]\s*[/\-,: ]\s*\d{1,3}\b|\b\d{1,3}\s*(?:y|yr|yrs|yo|years?)\b|\b\d{1,3}\s*[/\-,: ]?\s*[mf]\b"
)
BARE = 3
"""Digits of a number that may stand alone: the marks of a scale."""
LONGEST = 4
"""Digits before the point of a number beside a label or unit; more could reach someone."""
TOGETHER = 6
"""Digits of numbers of three digits and more that follow each other: groups of a telephone or card number have more."""
_MARKED = re.compile(
    r"(?<![a-z])[abd-km-su-vx-z]\d{4}|\+\s?91\b|\b0\d|[a-z]\s?[\s\-]?\d{1,4}(?:[\s\-]\d{1,4}){2}(?![\d.])|\b[io]pd?\b"
)
"""A letter before four digits as hospitals number persons (windows W, L, C and times T may have as many), a country, a
leading nought, a word with three numbers after it, in-patients and out-patients."""


_SIZED = re.compile(r"[a-z]+|\d+(?:\.\d+)?|%")
LONG, LONGS = 4, 2
"""Digits of a long number, and how many such a line of parameters may hold: a width and a level, two times."""
SHARES, MARKS, FIGURES = 3, 4, 8
"""Shares in a row, and whole numbers in a row with their digits, that are no scale's."""


@dataclass(frozen=True)
class Terms:
    """The tokens of the table, by what they may stand for."""

    units: frozenset[str]
    labels: frozenset[str]
    letters: frozenset[str]
    words: frozenset[str]
    never: frozenset[str]
    most: dict[str, int]
    """The largest number that stands after a label or before a unit."""


@cache
def terms() -> Terms:
    table = json.loads(files("midas.deid.tables").joinpath("technical_text.json").read_text("utf-8"))
    kinds = ("units", "labels", "letters", "words", "never")
    return Terms(**{kind: frozenset(table[kind]) for kind in kinds}, most=table["most"])


def technical(text: str, known: Known) -> bool:
    """Say whether a line as read holds technical text only."""
    low = " ".join(text.casefold().split())
    if not low or not _ALLOWED.fullmatch(low) or known.names(text):
        return False
    if any(mark.search(low) for mark in (_DAY, _CLOCK, _AGE, _MARKED)):
        return False
    tokens = _TOKEN.findall(low)
    if not tokens:
        return True
    if not all(_named(token) for token in tokens if not _NUMBER.fullmatch(token)):
        return False
    most = BARE if all(_NUMBER.fullmatch(token) for token in tokens) else LONGEST
    if any(digits > most for digits in map(_digits, tokens)) or _most_together(tokens) > TOGETHER:
        return False
    return not known.in_figures(_figures(low)) and _plausible(_SIZED.findall(low))


def _figures(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _plausible(tokens: Sequence[str]) -> bool:
    """Say whether numbers are as large as their labels and units allow, few of them long, and none a mere row."""
    numbers = [at for at, token in enumerate(tokens) if token[0].isdigit()]
    longs = sum(_digits(tokens[at]) >= LONG for at in numbers)
    return longs <= LONGS and all(_sized(tokens, at) for at in numbers) and not _rows(tokens)


def _sized(tokens: Sequence[str], at: int) -> bool:
    """Say whether a number is possible after the label or before the unit beside it, where one is known."""
    most, units = terms().most, terms().units | {"%"}
    beside = [tokens[at - 1]] if at > 0 else []
    beside += [token for token in tokens[at + 1 : at + 2] if token in units]
    sizes = [most[token] for token in beside if token in most]
    return not sizes or float(tokens[at]) <= max(sizes)


def _rows(tokens: Sequence[str]) -> bool:
    """Say whether whole numbers follow each other without a label and in no steps: `98% 23% 41%`, `98 23 41 57`."""
    row: list[str] = []
    shares = 0
    for part in (*tokens, ""):
        if part.isdigit():
            row.append(part)
            continue
        if part == "%":
            shares += 1
            continue
        if _row_tells(row, shares):
            return True
        row, shares = [], 0
    return False


def _row_tells(row: Sequence[str], shares: int) -> bool:
    few = len(row) < MARKS or sum(map(len, row)) < FIGURES
    if few and not (shares >= SHARES and len(row) >= SHARES):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(row)}
    return len(steps) > 1


def _digits(token: str) -> int:
    return len(token.split(".")[0]) if _NUMBER.fullmatch(token) else 0


def _most_together(tokens: Sequence[str]) -> int:
    """Return the most digits that numbers of three digits and more have which no word parts."""
    most = run = 0
    for token in tokens:
        run = run + (_digits(token) if _digits(token) >= BARE else 0) if _NUMBER.fullmatch(token) else 0
        most = max(most, run)
    return most


def _named(token: str) -> bool:
    table, bare = terms(), token.rstrip("*+")
    if bare in table.never:
        return False
    return bare in table.units or bare in table.labels or bare in table.letters or bare in table.words
