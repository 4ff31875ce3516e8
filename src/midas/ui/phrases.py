"""Sentences of record → the reader's language: what rubrics, findings, gates and errors say in English, told on a page.

In comes a sentence as it is kept; out comes the same in the language of the page, with its figures and names, or the
sentence itself where the book of that language lacks it. Records, exports and signatures keep the one English text:
nothing here writes. A phrase book is a folder of TOML files, `locale/<language>/phrases`, with these tables:

- `phrases`: English = translation. `{}` stands for what differs from one sentence to the next: a figure, a name, or
  words of their own; `{#}` for a figure alone. The translation puts them at `{0}`, `{1}` …
- `parts`: words that only stand for a `{}`.
- `measured`: how a measurement begins ("The noise is") = what was measured; `limits` says how value and limit follow.
- `units`: a unit that is a word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from django.utils.translation import get_language

WITHIN, LOOSE, NUMBER = r"((?:(?!\. [A-Z]).)+?)", r"(.+?)", r"([-+]?[\d.,]+%?)"
"""What may stand for `{}`: what ends no sentence; where nothing else fits, anything; and for `{#}`."""
SENTENCE = re.compile(r"(?<=[.?!]) (?=[A-Z0-9'])")
FIGURE = re.compile(r"\{#?\}")
INDIAN = re.compile("[\u0900-\u0dff]")


@dataclass(frozen=True)
class Phrase:
    """One phrase with figures in it: words that must be there, its patterns, and its translation."""

    words: str
    within: re.Pattern[str]
    loose: re.Pattern[str]
    says: str

    @classmethod
    def of(cls, english: str, says: str) -> Phrase:
        parts = [part.split("{#}") for part in english.split("{}")]
        plain = [NUMBER.join(map(re.escape, part)) for part in parts]
        within, loose = (re.compile(one.join(plain), re.DOTALL) for one in (WITHIN, LOOSE))
        return cls(max((words for part in parts for words in part), key=len), within, loose, says)


@dataclass(frozen=True)
class Table:
    """Phrases without figures by their English, and those with figures, the ones with the most words first."""

    plain: dict[str, str]
    phrases: tuple[Phrase, ...]

    @classmethod
    def of(cls, entries: dict[str, str]) -> Table:
        figured = sorted((one for one in entries if "{" in one), key=lambda one: -len(FIGURE.sub("", one)))
        return cls(
            {one: says for one, says in entries.items() if "{" not in one},
            tuple(Phrase.of(one, entries[one]) for one in figured),
        )

    def find(self, text: str, part: Callable[[str], str], *, loose: bool = False) -> str | None:
        if text in self.plain:
            return self.plain[text]
        for one in self.phrases:
            if one.words in text and (found := (one.loose if loose else one.within).fullmatch(text)):
                return one.says.format(*map(part, found.groups()))
        return None


@dataclass(frozen=True)
class Book:
    """All phrases of one language: what stands by itself, and what only stands within another."""

    whole: Table
    parts: Table

    def told(self, text: str) -> str | None:
        """Return a text in the book's language; `None` where the book lacks it."""
        return self._one(text) or self._several(text) or self._one(text, loose=True)

    def _one(self, text: str, *, loose: bool = False) -> str | None:
        return self.whole.find(text, self._part, loose=loose)

    def _several(self, text: str) -> str | None:
        """Return sentence after sentence, as many at once as the book has as one."""
        left, said = SENTENCE.split(text), list[str]()
        while left:
            for end in range(len(left), 0, -1):
                if (found := self._one(" ".join(left[:end]))) is not None:
                    said.append(found)
                    left = left[end:]
                    break
            else:
                return None
        return " ".join(said)

    def _part(self, text: str) -> str:
        """Return what stands for `{}`: words of the book, a list of them, or the figure or name as it is."""
        several = text.split("; ")
        if len(several) > 1 and (known := [self._known(one) for one in several]) and all(known):
            return "; ".join(filter(None, known))
        return self._known(text) or "; ".join(self._known(one) or one for one in several)

    def _known(self, text: str) -> str | None:
        return self.parts.find(text, self._part) or self._one(text)


@cache
def book(language: str) -> Book:
    """Return the book of a language; an empty one where nobody wrote it."""
    folder = resources.files("midas.ui").joinpath("locale", language, "phrases")
    files = sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else []
    held: dict[str, dict[str, str]] = {"phrases": {}, "parts": {}, "measured": {}, "limits": {}, "units": {}}
    for file in files:
        table = tomllib.loads(file.read_text("utf-8"))
        for name, entries in held.items():
            entries |= table.get(name, {})
    whole = held["phrases"] | held["units"]
    whole |= {f"{{#}} {unit}": f"{{0}} {says}" for unit, says in held["units"].items()}
    for begins, what in held["measured"].items():
        for way, says in held["limits"].items():
            whole[f"{begins} {{}}, {way} {{}}."] = says.replace("{what}", what)
    return Book(Table.of(whole), Table.of(held["parts"]))


def language() -> str:
    """Return the language of the page, without its region."""
    return (get_language() or "en").partition("-")[0]


def phrase(text: str) -> str:
    """Return a sentence of record in the reader's language; itself where that is English or the book lacks it."""
    return _phrase(text, language()) or text


@lru_cache(maxsize=4096)
def _phrase(text: str, spoken: str) -> str | None:
    return None if spoken == "en" else book(spoken).told(text)


def foreign(text: str) -> bool:
    """Say whether a text stands in English on a page of another language: it is marked so, for who listens to it."""
    return language() != "en" and INDIAN.search(text) is None
