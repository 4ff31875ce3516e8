"""Scripts of India: one comparable key for a name however it is written.

In comes a word in Latin letters or in one of nine Indian scripts, out comes a key that is the same for the usual
spellings of one name: `Lakshmi`, `Laxmi` and `लक्ष्मी`. The Unicode blocks of these scripts are parallel (Unicode 15.0,
chapter 12), so one table by place in the block serves all. No text is ever turned back into a script.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

FIRST, LAST, BLOCK = 0x0900, 0x0D7F, 0x80
TAMIL = range(0x0B80, 0x0C00)
_CONSONANTS = dict(
    zip(
        range(0x15, 0x3A),
        "k kh g gh n c ch j jh n t th d dh n t th d dh n n p ph b bh m y r r l l l v s s s h".split(),
        strict=True,
    )
)
_EXTRA = {0x58: "k", 0x59: "kh", 0x5A: "g", 0x5B: "j", 0x5C: "d", 0x5D: "dh", 0x5E: "ph", 0x5F: "y"}
"""Devanagari's dotted letters; other blocks hold theirs at the same places."""
_VOWELS = {
    0x05: "a", 0x06: "a", 0x07: "i", 0x08: "i", 0x09: "u", 0x0A: "u", 0x0B: "ri", 0x0D: "e", 0x0E: "e", 0x0F: "e", 0x10: "e",
    0x11: "o", 0x12: "o", 0x13: "o", 0x14: "o", 0x3E: "a", 0x3F: "i", 0x40: "i", 0x41: "u", 0x42: "u", 0x43: "ri", 0x45: "e",
    0x46: "e", 0x47: "e", 0x48: "e", 0x49: "o", 0x4A: "o", 0x4B: "o", 0x4C: "o", 0x01: "n", 0x02: "n", 0x03: "",
}  # fmt: skip
_SPELLINGS = (
    ("ksh", "ks"), ("x", "ks"), ("chh", "c"), ("ch", "c"), ("sh", "s"),
    ("th", "t"), ("dh", "d"), ("bh", "b"), ("ph", "p"),
    ("kh", "k"), ("gh", "g"), ("jh", "j"), ("zh", "l"), ("f", "p"), ("z", "j"), ("q", "k"),
    ("w", "v"), ("ee", "i"), ("oo", "u"),
    ("ou", "o"), ("au", "o"), ("ow", "o"), ("ov", "o"), ("ai", "e"), ("ay", "e"),
    ("ei", "e"), ("ey", "e"), ("y", "i"), ("ck", "k"),
    ("ng", "n"), ("m", "m"),
)  # fmt: skip
"""How romanised names of India vary: aspirates, sibilants, long vowels, w/v, x/ksh (first match wins, left to right)."""
_SPELLING = re.compile("|".join(re.escape(one) for one, _ in sorted(_SPELLINGS, key=lambda p: -len(p[0]))))
_SPELT = dict(_SPELLINGS)
_TWICE = re.compile(r"(.)\1+")
_VOICED = str.maketrans("gdbjcz", "ktpsss")


def indic(word: str) -> bool:
    """Say whether a word holds a character of a script of India."""
    return any(FIRST <= ord(char) <= LAST for char in word)


def tamil(word: str) -> bool:
    """Say whether a word holds Tamil, which writes voiced and voiceless stops alike."""
    return any(ord(char) in TAMIL for char in word)


def latin(word: str) -> str:
    """Return a rough romanisation of a word of an Indian script, without inherent vowels."""
    out: list[str] = []
    for char in unicodedata.normalize("NFC", word):
        code = ord(char)
        if not FIRST <= code <= LAST:
            out.append(char)
            continue
        place = (code - FIRST) % BLOCK
        out.append(_CONSONANTS.get(place) or _EXTRA.get(place) or _VOWELS.get(place, ""))
    return "".join(out)


@lru_cache(maxsize=1 << 16)
def key(word: str, *, rough: bool = False) -> str:
    """Return the key of a case-folded word; `rough` makes voiced and voiceless stops one, as Tamil does."""
    text = latin(word) if indic(word) else _plain(word)
    text = _SPELLING.sub(lambda match: _SPELT[match.group()], text)
    text = text[:1] + re.sub("[ah]", "", text[1:])
    text = _TWICE.sub(r"\1", text)
    return text.translate(_VOICED).replace("ts", "ks") if rough else text


def _plain(word: str) -> str:
    if word.isascii():
        return word
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
