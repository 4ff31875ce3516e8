"""Free text: which words may stay, and whether a text looks as if it named someone.

In comes a text and what is known of the person, out comes the text with only words of the shipped vocabulary, short
numbers and units, as it was spaced and written; a text that needs no change comes back byte for byte. A word equal to
any part of a known identifier never stays, whatever the vocabulary says.
"""

from __future__ import annotations

import re
from functools import lru_cache

from midas.deid import tables
from midas.deid.context import Neighbours, Token
from midas.deid.dates_in_text import date_spans
from midas.deid.names import MIN_PART, MOBILE, NAMES, NOBODY, Known, fold, parts, plain
from midas.deid.patterns import spans
from midas.deid.tidy import joined, typed
from midas.deid.tokens import Verdict, judge

__all__ = [
    "MIN_PART", "MOBILE", "NAMES", "NOBODY", "Known", "clean_text", "fold", "parts", "plain", "suspicious",
    "unknown_words",
]  # fmt: skip

_CHAR = r"(?:[^\W_]|[\u0900-\u0963\u0966-\u096f\u0971-\u0dff\u200c\u200d])"
_XRAY = re.compile(r"(?<![^\W_])[Xx][- ][Rr][Aa][Yy]s?(?![^\W_])")
"""Ray is a family name too; behind an X it is none."""
_TOKEN = re.compile(
    _XRAY.pattern + r"|(?<![^\W_])(?:[A-Za-z]/)+[A-Za-z](?![^\W_])|(?<![^\W_])[A-Za-z]&[A-Za-z](?![^\W_])"
    rf"|{_CHAR}+(?:(?<=\d)(?:\.\d{_CHAR}*|,\d{{1,2}}(?![\w.,])))*"
)
_SLASHED = tables.marks("slashed")
_PAIR = re.compile(
    r"(?<![\w.])(\d{1,4})\s?[/]\s?(\d{1,4})(?:\s?/\s?\d+)*(?![\w])|(?<![\w.\-])(\d{1,4})-(\d{1,4})(?:-\d+)*(?![\w])"
)
_CHAIN = re.compile(r"\d+(?:\.\d+)?(?:\s*[x*]\s*\d+(?:\.\d+)?){4,}", re.IGNORECASE)


def unknown_words(text: str) -> bool:
    """Say whether the text holds a word of four letters or more that the vocabulary does not know."""
    return any(word not in tables.vocabulary() for word in _LETTERS_RUN.findall(fold(text)))


_LETTERS_RUN = re.compile(r"[^\W\d_]{4,}")


def suspicious(text: str, known: Known) -> bool:
    """Say whether a technical text looks as if it named a person, a day or a place."""
    return not text.isascii() or _tells(text) or known.names(text)


_TELLING = re.compile(
    r"\^|\b(?:dr|mr\.|mrs|smt|shri|kumari|w/o|s/o|d/o|c/o|hospital|clinic)\b", re.IGNORECASE
)


_VERSIONS = frozenset({"network", "code", "uid", "quarter"})
"""Kinds that versions and names of devices look like: `5.0.0.3`, `HDI-5000`."""


def telling(text: str) -> bool:
    """Say whether a title, a relation or the head of a hospital's name stands in the text."""
    return _TELLING.search(text) is not None


@lru_cache(maxsize=1 << 12)
def _tells(text: str) -> bool:
    told = (span.kind for span in spans(text) if span.kind not in _VERSIONS)
    return telling(text) or any(date_spans(text, whole=True)) or any(told)


def clean_text(text: str, known: Known, *, prose: bool) -> str:
    """Return the words of `text` that may stay, where and as they stood; "" where none is left.

    Words of the vocabulary, short numbers with or without a unit and the usual tokens of sequences stay in both kinds.
    In prose (comments, histories: ST, LT, UT) a word that is also a name stays only where it is written like a word; a
    descriptor (SH, LO) is written in capitals and gives no such hint.
    """
    asked = (text, prose)
    found = known.memory.get(asked)
    if found is None:
        found = _cleaned(text, known, prose=prose)
        if len(known.memory) >= MEMORY:
            known.memory.clear()
        known.memory[asked] = found
    return found


MEMORY = 4096
ROUNDS = 8


def _cleaned(text: str, known: Known, *, prose: bool) -> str:
    now = typed(plain(text)) if not text.isascii() else typed(text)
    for _ in range(ROUNDS):
        before, now = now, _once(now, known, prose=prose)
        if now == before:
            break
    else:
        return ""
    return "" if known.names(_XRAY.sub("radiograph", now)) else now


def _once(text: str, known: Known, *, prose: bool) -> str:
    gone = [*_found(text), *_own(text, known)]
    tokens = _tokens(text, tuple(sorted(gone)))
    keep = Neighbours(text, tokens, known, prose).staying()
    return joined(
        text,
        [(token.start, token.end) for token in keep],
        [(token.start, token.end) for token in tokens],
        gone,
    )


@lru_cache(maxsize=1 << 12)
def _found(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans that tell who, when or where, whoever the person is."""
    days = tuple(date_spans(text))
    found = [*days, *((span.start, span.end) for span in spans(text, seen=days))]
    found += [match.span() for match in _PAIR.finditer(text) if _places(match)]
    found += [match.span() for match in _CHAIN.finditer(text)]
    return tuple(found)


def _places(match: re.Match[str]) -> bool:
    """Say whether two numbers with a stroke may be a day or a house: scores, pressures and ranges are not."""
    one, other = (int(part) for part in (match[1] or match[3], match[2] or match[4]))
    if match.group().count("/") + match.group().count("-") > 1:
        return True
    if match[3]:
        return one > 99 or other > 99
    score = one <= 10 and other <= 10 and not match.group().startswith("0")
    return not (score or other in {10, 15, 100} or (60 <= one <= 250 and 30 <= other <= 140))


def _own(text: str, known: Known) -> list[tuple[int, int]]:
    """Return where a known identifier of several words or signs stands, whatever is between its characters."""
    if not known.glued:
        return []
    places = [at for at, char in enumerate(text) if char.isalnum() or not char.isascii()]
    bare = "".join(text[at] for at in places).casefold()
    if len(bare) != len(places):
        return []
    found = []
    for whole in known.glued:
        at = bare.find(whole)
        while at >= 0:
            found.append((places[at], places[at + len(whole) - 1] + 1))
            at = bare.find(whole, at + 1)
    return found


@lru_cache(maxsize=1 << 12)
def _tokens(text: str, gone: tuple[tuple[int, int], ...]) -> tuple[Token, ...]:
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if any(start < last and first < end for first, last in gone):
            found.append(Token(start, end, match.group(), "", Verdict.GOES))
        else:
            found.extend(_token(match.group(), start))
    return tuple(found)


def _token(text: str, start: int) -> list[Token]:
    if _XRAY.fullmatch(text):
        return [Token(start, start + len(text), text, "xray", Verdict.STAYS)]
    low = text.casefold()
    if "/" in text or "&" in text:
        verdict = Verdict.STAYS if low in _SLASHED else Verdict.INITIAL
        return [Token(start, start + len(text), text, low, verdict)]
    verdict = judge(text)
    if verdict is not Verdict.SPLIT:
        return [Token(start, start + len(text), text, low, verdict)]
    return _parts_of(text, start)


_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+(?:\.\d+)?|[^\W\d_a-zA-Z]+|.")


def _parts_of(text: str, start: int) -> list[Token]:
    """Take a glued word apart; its parts stay where all do, or where each that stays has a meaning of its own."""
    found = []
    for match in _PIECE.finditer(text):
        part = match.group()
        verdict = judge(part) if len(part) >= MIN_PART and part.isalpha() else Verdict.GOES
        verdict = verdict if verdict is Verdict.STAYS else Verdict.GOES
        found.append(Token(start + match.start(), start + match.end(), part, part.casefold(), verdict))
    return found
