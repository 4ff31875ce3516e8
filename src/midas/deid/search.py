"""Looking for a person's known identifiers in text and in bytes, in every form in which they may hide.

In come (kind, value) pairs, out comes `Wanted`, which answers with kinds, never with values. Written for the verifier
alone: it shares no code with the engine's own comparison.
"""

from __future__ import annotations

import mmap
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

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
CHUNK = 4 << 20
PLACEHOLDERS = frozenset(
    {"removed", "anonymous", "anonymized", "anonymised", "unknown", "none", "nil", "test", "patient"}
)
_PUNCTUATION = bytes(range(0x21)) + b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x7f"


_PRINTABLE = np.array([byte >= 0x20 and byte != 0x7F for byte in range(256)])


def _may_hold_text(part: bytes) -> bool:
    """Say whether a run of `MIN_PIXELS` printable bytes may be there: it would cover two places five bytes apart."""
    sampled = _PRINTABLE[np.frombuffer(part, dtype=np.uint8)[:: MIN_PIXELS // 2]]
    return bool((sampled[:-1] & sampled[1:]).any())


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


@dataclass(frozen=True)
class Wanted:
    """What to look for. `tokens`: whole words; `runs`: letters and digits without anything between them."""

    tokens: tuple[tuple[str, str], ...]
    runs: tuple[tuple[str, str], ...]
    exact: tuple[tuple[str, str], ...]
    header: tuple[tuple[str, str, bytes], ...]
    pixels: tuple[tuple[str, bytes], ...]

    def in_value(self, text: str, *, numeric: bool = False) -> Iterator[str]:
        """Yield the kinds of the identifiers that one element's text holds."""
        folded = unicodedata.normalize("NFKC", text).casefold().strip()
        words = _letters(folded)
        whole, have = "".join(words), set(words)
        yield from (kind for kind, value in self.exact if value == folded)
        if numeric:
            return
        yield from (kind for kind, token in self.tokens if token in have)
        yield from (kind for kind, run in self.runs if run in whole)

    def in_header(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Yield (kind, form) for identifiers found in a header's bytes, whatever stands between their characters."""
        low = data.lower()
        bare = low.translate(None, _PUNCTUATION)
        for kind, form, pattern in self.header:
            if pattern in (bare if form == "bare" else low):
                yield kind, form

    def in_pixels(self, data: mmap.mmap, start: int) -> Iterator[str]:
        """Yield the kinds of long identifiers found after `start`; short ones would be found by chance."""
        overlap = max((len(pattern) for _, pattern in self.pixels), default=0)
        found: set[str] = set()
        for at in range(start, len(data), CHUNK):
            part = data[at : at + CHUNK + overlap]
            if _may_hold_text(part):
                found.update(kind for kind, pattern in self.pixels if pattern in part)
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
    header = {entry for kind, run in runs for entry in _patterns(kind, run, "bare")}
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
        tuple(sorted(pixels)),
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
    for form in {text, text.upper(), text.replace(" ", "^")}:
        if len(form.encode()) >= MIN_PIXELS:
            yield form.encode()
