"""`Known`: a person's own identifiers, precomputed once, and whether a text holds one however it is written.

In come (kind, value) pairs, out comes `Known`. It finds names in any order, script, usual transliteration or near
spelling (one letter, for names of five letters and more), with or without punctuation, glued or in camel case, and
numbers however they are set apart or with digits misread as letters. It lives in memory only and is never printed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from midas.deid import tables
from midas.deid.scripts import indic, key, tamil

MIN_PART = 3
MOBILE = 10
"""Digits of an Indian telephone number without country code or leading zero."""
MIN_GLUED = 6
MIN_NEAR = 5
MIN_KEY = 3
NAMES = frozenset({"name", "name-local", "guardian"})
"""Kinds whose every word names a person, even one that is also a word of the vocabulary."""
NOBODY = frozenset(
    """removed anonymous anonymized anonymised anonymize anon unknown none nil test patient phantom
    dr prof mr mrs ms smt shri sri kumari miss master baby of name first last middle""".split()
)
"""Words that stand where a name was or should be, and titles."""
_MISREAD = str.maketrans("oilsbzq", "0115829")
"""Letters that are read for digits (and written for them)."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


def fold(text: str) -> str:
    """Return the text in one comparable form: NFKC, case folded."""
    return plain(text).casefold()


def plain(text: str) -> str:
    """Return the text in NFKC, with the digits of every script as 0-9 and without characters that nobody sees."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    seen = (char for char in text if unicodedata.category(char) != "Cf")
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in seen)


_RUN = re.compile(r"[a-z0-9]+")


def parts(text: str) -> list[str]:
    """Return the words of a value, as comparison sees them; marks of Indian scripts stay with their letters."""
    text = fold(text)
    return _RUN.findall(text) if text.isascii() else ["".join(run) for run in _runs(text)]


def _runs(text: str) -> Iterator[list[str]]:
    run: list[str] = []
    for char in text:
        if unicodedata.category(char)[0] in "LMN":
            run.append(char)
        elif run:
            yield run
            run = []
    if run:
        yield run


def pieces(word: str) -> list[str]:
    """Return the parts of a glued word: `RameshKumar12` is three."""
    return _CAMEL.findall(word)


def _less_one(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _near(one: str, other: str) -> bool:
    """Say whether two words differ by one letter at most: changed, left out, put in, or two exchanged."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:] and len(a) > 1)


@dataclass(frozen=True)
class Known:
    """Identifiers of one person (and of those named in the file), ready for comparison. Its `repr` shows none."""

    words: frozenset[str] = field(repr=False)
    wholes: frozenset[str] = field(repr=False)
    keys: frozenset[str] = field(default=frozenset(), repr=False)
    rough: frozenset[str] = field(default=frozenset(), repr=False)
    tamil: frozenset[str] = field(default=frozenset(), repr=False)
    called: tuple[str, ...] = field(default=(), repr=False)
    near: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    glued: tuple[str, ...] = field(default=(), repr=False)
    misread: tuple[str, ...] = field(default=(), repr=False)
    memory: dict[Any, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, values: Iterable[tuple[str, str]]) -> Known:
        """Return what is known, made once for the files of a person that state the same."""
        return _made(frozenset(values))

    @classmethod
    def made_of(cls, values: Iterable[tuple[str, str]]) -> Known:
        """Return what is known, made anew."""
        called: set[str] = set()
        words: set[str] = set()
        wholes: set[str] = set()
        for kind, value in values:
            found = [word for word in parts(value) if word not in NOBODY]
            if not found:
                continue
            if kind in NAMES:
                own = {word for word in found if len(word) >= MIN_PART and not word.isdigit()}
                called |= own | {
                    part.casefold() for word in _words(value) for part in pieces(word) if len(part) > MIN_PART
                }
                words |= {word for word in found if len(word) >= MIN_PART}
                wholes.add("".join(reversed(found)))
            else:
                words |= {
                    word
                    for word in found
                    if len(word) > MIN_PART and not _common(word) and not _YEAR.fullmatch(word)
                }
                words.update(_tails(found))
                if all(map(_common, found)):
                    continue
            wholes.add("".join(found))
            if (digits := "".join(char for char in plain(value) if char.isdigit())) and len(digits) > MOBILE:
                wholes.add(digits[-MOBILE:])
        return cls._of(
            called - NOBODY, words | called - NOBODY, {whole for whole in wholes if len(whole) >= 2}
        )

    @classmethod
    def _of(cls, called: set[str], words: set[str], wholes: set[str]) -> Known:
        near: dict[str, tuple[str, ...]] = {}
        for word in called:
            if len(word) >= MIN_NEAR:
                for less in _less_one(word):
                    near[less] = (*near.get(less, ()), word)
        rough = {word: key(word, rough=True) for word in called}
        long = sorted(whole for whole in wholes if len(whole) >= MIN_GLUED)
        numbers = {whole.translate(_MISREAD) for whole in long if any(map(str.isdigit, whole))}
        return cls(
            frozenset(words), frozenset(wholes), frozenset(one for one in map(key, called) if len(one) >= MIN_KEY),
            frozenset(rough.values()), frozenset(rough[word] for word in called if tamil(word)),
            tuple(sorted(word for word in called if len(word) >= MIN_NEAR)), near, tuple(long), tuple(sorted(numbers)),
        )  # fmt: skip

    def in_bytes(self, data: bytes) -> bool:
        """Say whether binary content holds a known identifier in Latin-1 or UTF-8."""
        low = data.lower()
        return any(word.encode() in low for word in self.words | self.wholes if len(word.encode()) >= 5)

    def numbers(self, figures: str, *, least: int) -> bool:
        """Say whether figures alone are a number of the person, or the last part of one."""
        return figures in self.wholes or (len(figures) > least and figures in self.words)

    def in_figures(self, figures: str) -> bool:
        """Say whether a row of figures, without what stood between them, holds a number of the person."""
        return any(one.isdecimal() and one in figures for one in self.glued)

    def exact(self, word: str) -> bool:
        """Say whether a case-folded word is a known identifier or a word of a known name."""
        return word in self.words or word in self.wholes

    def names(self, text: str) -> bool:
        """Say whether the text holds a known identifier, as a whole, as one of its words, or in another spelling."""
        if not self.wholes and not self.words:
            return False
        found = parts(text)
        whole = "".join(found)
        if (
            whole in self.wholes
            or not self.words.isdisjoint(found)
            or any(known in whole for known in self.glued)
        ):
            return True
        if any(map(str.isdigit, whole)) and self.misread:
            figures = whole.translate(_MISREAD)
            if any(number in figures for number in self.misread):
                return True
        return any(self.spelt(word) for word in found if not _common(word)) or self._in_camel(text)

    def _in_camel(self, text: str) -> bool:
        """Look into words glued by case or by a digit: `RameshCT`, `ramesh2`."""
        for word in _WORDS.findall(text if text.isascii() else plain(text)):
            if word.isalpha() and (word.islower() or word.isupper() or word[1:].islower()):
                continue
            parted = [piece.casefold() for piece in pieces(word)]
            if len(parted) > 1 and any(
                len(one) >= MIN_PART and not one.isdigit() and self.exact(one) for one in parted
            ):
                return True
        return False

    def spelt(self, word: str) -> bool:
        """Say whether a case-folded word is a known name in another script or spelling."""
        if not self.keys or len(word) < MIN_PART or word.isdigit() or any(map(str.isdigit, word)):
            return False
        if len(word) > MIN_PART and key(word) in self.keys:
            return True
        if indic(word) and key(word, rough=True) in self.rough:
            return True
        if self.tamil and key(word, rough=True) in self.tamil:
            return True
        if len(word) < MIN_NEAR - 1:
            return False
        if any(known in word for known in self.called):
            return True
        return any(_near(word, known) for less in _less_one(word) for known in self.near.get(less, ()))


@lru_cache(maxsize=256)
def _made(values: frozenset[tuple[str, str]]) -> Known:
    return Known.made_of(values)


def _tails(found: list[str]) -> Iterator[str]:
    """Yield the figures of a number without the noughts before them: a person with `UH/004512` is called 4512 too."""
    for word in found:
        figures = word if word.isdecimal() else "".join(_FIGURES.findall(word)[-1:])
        bare = figures.lstrip("0")
        if len(bare) >= (MIN_TAIL if word.isdecimal() else MIN_TAIL + 1) and not _YEAR.fullmatch(bare):
            yield bare
            if figures != word:
                yield figures


MIN_TAIL = 4
_FIGURES = re.compile(r"\d+")
_WORDS = re.compile(r"[^\W_]+")


def _words(text: str) -> list[str]:
    return _WORDS.findall(plain(text))


def _common(word: str) -> bool:
    return word in tables.vocabulary() or word in tables.indic_words()
