"""Looking for a person's known identifiers in text and in bytes, in every form in which they may hide.

In come (kind, value) pairs, out comes `Wanted`, which answers with kinds, never with values. Written for the verifier
alone: it shares no code with the engine's own comparison.
"""

from __future__ import annotations

import mmap
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np

from midas.deid import tables

NAMES = frozenset({"name", "name-local", "guardian"})
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MIN_TOKEN = 4
MOBILE = 10
"""A telephone number is found without its country code."""
MIN_BYTES = 6
MIN_PIXELS = 10
UNLIKE = 4
"""Different characters that an identifier must have to be looked for there: `0000000002` is a dark edge."""
STEP = MIN_PIXELS // 2
MANY_HITS = 4096
"""From here on it costs less to look for each pattern everywhere."""
GRAM, BRIEF = 3, 256
"""Bytes by which short elements, up to so many bytes, are sorted out before every pattern is tried."""
CHUNK = 4 << 20
PLACEHOLDERS = frozenset(
    """removed anon anonymous anonymized anonymised anonymize unknown none nil null test patient phantom name nobody doctor
    physician operator deidentified de identified""".split()
)
FEW_FIGURES = 6
"""A padded number (`0000000002`) with fewer figures after its zeros stands by chance in any row of decimals."""
_PUNCTUATION = bytes(range(0x21)) + b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x7f"
_WITHIN_NUMBERS = _PUNCTUATION.replace(b"\\", b"")
"""A backslash ends one number of a list and begins the next (PS3.5 6.4)."""


@dataclass(frozen=True)
class Needles:
    """Long patterns to be found in any bytes at once.

    Bytes are looked at in steps of `MIN_PIXELS // 2`. Wherever a pattern lies, two of these places fall into it, so that
    a pair of bytes is seen that the pattern has at that distance; only there is the pattern itself compared.
    """

    patterns: tuple[tuple[str, bytes], ...]
    pairs: np.ndarray[Any, Any]
    where: dict[int, tuple[tuple[str, bytes, int], ...]]
    """By pair: the patterns that have it, and how far from their beginning."""
    longest: int

    @classmethod
    def of(cls, patterns: tuple[tuple[str, bytes], ...]) -> Needles:
        where: dict[int, list[tuple[str, bytes, int]]] = {}
        for kind, pattern in patterns:
            for at in range(len(pattern) - STEP):
                where.setdefault(pattern[at] | pattern[at + STEP] << 8, []).append((kind, pattern, at))
        pairs = np.zeros(1 << 16, dtype=bool)
        pairs[list(where)] = True
        longest = max((len(pattern) for _, pattern in patterns), default=0)
        return cls(patterns, pairs, {pair: tuple(found) for pair, found in where.items()}, longest)

    def within(self, part: bytes) -> set[str]:
        """Return the kinds of the patterns that stand in these bytes."""
        seen = np.frombuffer(part, dtype=np.uint8)[::STEP].copy()
        near = seen[1:].astype(np.uint16)
        near <<= 8
        near |= seen[:-1]
        hits = np.flatnonzero(self.pairs.take(near))
        if len(hits) > MANY_HITS:
            return {kind for kind, pattern in self.patterns if pattern in part}
        return {
            kind
            for hit in hits.tolist()
            for kind, pattern, at in self.where[int(near[hit])]
            if hit * STEP >= at and part.startswith(pattern, hit * STEP - at)
        }


def _letters(text: str) -> list[str]:
    marked = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in text.casefold())
    return marked.split()


def _dates(value: str) -> list[str]:
    match = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})", value.strip())
    if not match:
        return [value]
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:
        return [value]
    y, m, d = f"{day:%Y}", f"{day:%m}", f"{day:%d}"
    forms = [f"{y}{m}{d}", f"{d}{m}{y}"]
    for month in (MONTHS[day.month - 1], LONG_MONTHS[day.month - 1]):
        forms += [f"{d}{month}{y}", f"{month}{d}{y}"]
    return forms


class FileBytes:
    """The bytes of an open file, read piece by piece: a map of it would fill the memory with what was looked at."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        self._stream.seek(start)
        return self._stream.read(max(stop - start, 0))


@dataclass(frozen=True)
class Wanted:
    """What to look for. `tokens`: whole words; `runs`: letters and digits without anything between them."""

    tokens: tuple[tuple[str, str], ...]
    runs: tuple[tuple[str, str], ...]
    exact: tuple[tuple[str, str], ...]
    header: tuple[tuple[str, str, bytes], ...]
    starts: frozenset[bytes]
    """The first `GRAM` bytes of what is looked for in headers: most elements hold none of them."""
    pixels: Needles

    def in_value(self, text: str, *, numeric: bool = False) -> Iterator[str]:
        """Yield the kinds of the identifiers that one element's text holds."""
        folded = unicodedata.normalize("NFKC", text).casefold().strip()
        words = _letters(folded)
        whole, have = "".join(words), set(words)
        yield from (kind for kind, value in self.exact if value == folded and not (numeric and _short(value)))
        if numeric:
            return
        yield from (kind for kind, token in self.tokens if token in have)
        yield from (kind for kind, run in self.runs if run in whole)

    def in_header(self, data: bytes, *, numeric: bool = False) -> Iterator[tuple[str, str]]:
        """Yield (kind, form) for identifiers found in a header's bytes, whatever stands between their characters.

        `numeric` bytes are a list of written numbers: what one of them ends with says nothing with the next.
        """
        low = data.lower()
        bare = low.translate(None, _WITHIN_NUMBERS if numeric else _PUNCTUATION)
        if len(low) <= BRIEF and not any(
            part[at : at + GRAM] in self.starts for part in (low, bare) for at in range(len(part))
        ):
            return
        for kind, form, pattern in self.header:
            if form == "padded" and numeric:
                continue
            if pattern in (bare if form == "bare" else low):
                yield kind, form

    def in_pixels(self, data: bytes | mmap.mmap | FileBytes, start: int) -> Iterator[str]:
        """Yield the kinds of long identifiers found after `start`; short ones would be found by chance."""
        if not self.pixels.patterns:
            return
        found: set[str] = set()
        for at in range(start, len(data), CHUNK):
            found |= self.pixels.within(data[at : at + CHUNK + self.pixels.longest])
        yield from sorted(found)


@lru_cache(maxsize=64)
def wanted(known: tuple[tuple[str, str], ...]) -> Wanted:
    """Return what to look for so that none of `known` stays unseen."""
    tokens: set[tuple[str, str]] = set()
    runs: set[tuple[str, str]] = set()
    exact: set[tuple[str, str]] = set()
    for kind, value in known:
        words = [word for word in _letters(unicodedata.normalize("NFKC", value)) if word not in PLACEHOLDERS]
        if not words or (kind not in NAMES and all(word in tables.vocabulary() for word in words)):
            continue
        exact.add((kind, unicodedata.normalize("NFKC", value).casefold().strip()))
        if kind in NAMES:
            common = tables.vocabulary()
            tokens.update((kind, w) for w in words if len(w) >= MIN_TOKEN and w not in common)
            tokens.update((kind, w) for w in words if len(w) >= 3 and not w.isascii())
        for run in _runs(kind, value, words):
            runs.add((kind, run))
    header = {
        entry for kind, run in runs for entry in _patterns(kind, run, "padded" if _padded(run) else "bare")
    }
    header |= {
        entry
        for kind, token in tokens
        if len(token.encode()) >= MIN_BYTES
        for entry in _patterns(kind, token, "bytes")
    }
    pixels = {(kind, form) for kind, value in known for form in _literals(value)}
    return Wanted(
        tuple(sorted(tokens)),
        tuple(sorted(runs)),
        tuple(sorted(exact)),
        tuple(sorted(header)),
        frozenset(pattern[:GRAM] for _, _, pattern in header),
        Needles.of(tuple(sorted(pixels))),
    )


def _runs(kind: str, value: str, words: list[str]) -> Iterator[str]:
    if kind == "birth-date":
        yield from (form.casefold() for form in _dates(value))
        return
    orders = ["".join(words), "".join(reversed(words))] if kind in NAMES else ["".join(words)]
    digits = "".join(char for char in value if char.isdecimal())
    if len(digits) > MOBILE:
        orders.append(digits[-MOBILE:])
    yield from (order for order in orders if len(order) >= (8 if order.isdigit() else MIN_BYTES))


def _padded(run: str) -> bool:
    return run.isdigit() and len(run.lstrip("0")) < FEW_FIGURES


def _short(number: str) -> bool:
    """Say whether a number is one that series and images bear too (`0001`)."""
    return number.isdigit() and len(number.lstrip("0")) < MIN_TOKEN


def _patterns(kind: str, text: str, form: str) -> Iterator[tuple[str, str, bytes]]:
    yield kind, form, text.encode()
    if not text.isascii():
        yield kind, form, unicodedata.normalize("NFD", text).encode()
        yield kind, "mojibake", text.encode().decode("latin-1").encode()
    for encoding in ("utf-16-le", "utf-16-be"):
        yield kind, encoding, text.encode(encoding)
    for encoding in ("latin-1", "iso2022_jp", "gb18030"):
        try:
            yield kind, encoding if encoding != "latin-1" else form, text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _literals(value: str) -> Iterator[bytes]:
    text = value.strip()
    caret = text.replace(" ", "^")
    for form in {text, text.upper(), text.lower(), caret, caret.upper()}:
        if len(form.encode()) >= MIN_PIXELS and len(set(form)) >= UNLIKE:
            yield form.encode()
