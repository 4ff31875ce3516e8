"""Codes and texts that a device writes, and what a person typed there instead.

In comes a code string or the name of a maker, model, kernel or sequence; out comes whether one of its words is none that
devices write, and the text without such words. The words are those of the vocabulary, of makers and of devices; what is
a person's name too counts only where the standard or a maker uses it. Nothing is known of the person here.
"""

from __future__ import annotations

import re
from functools import lru_cache

from midas.deid import tables
from midas.deid.names import MIN_PART, pieces

LONG = 4
"""Letters from which a word must be known: codes are full of shorter ones."""
_LETTERS = re.compile(r"[^\W\d_]+")
_BUILD = re.compile(r"(?<![a-z\d])(?=[a-f]*\d)[0-9a-f]{7,40}(?![a-z\d])")
"""The digest by which a build of software is called."""
_DIMENSIONS = re.compile(r"(?<![A-Za-z\d])[234][Dd](?=[A-Za-z])")
"""Sequences begin with how many dimensions they measure (`3dfspgr`)."""


@lru_cache(maxsize=1 << 14)
def code_tells(keyword: str, code: str) -> bool:
    """Say whether a code string (CS) holds a word that no device and no standard writes there."""
    told = code.strip().upper()
    return told not in tables.defined_terms(keyword) and words_tell(told)


@lru_cache(maxsize=1 << 14)
def words_tell(text: str) -> bool:
    """Say whether a text of a device holds a word of four letters or more that is nobody's but a person's.

    Short words tell where nothing but such stand beside one another (`OM RAO`): a code of several words has one known.
    """
    words = _LETTERS.findall(_DIMENSIONS.sub(" ", _BUILD.sub(" ", text)))
    if any(not _stays(word) for word in words):
        return True
    return strangers(text)


def strangers(text: str) -> bool:
    """Say whether a text is nothing but words that nobody knows, two or more, not all of them initials."""
    alone = text.split()
    return (
        len(alone) > 1
        and all(_LETTERS.fullmatch(word) for word in alone)
        and any(len(word) >= MIN_PART for word in alone)
        and not any(_sure(word.casefold()) for word in alone if len(word) > 1)
    )


def device_words(text: str) -> str:
    """Return the text without the words that tell, nor short ones that nobody knows, "" where nothing may stay."""
    words = (word for word in text.split() if not words_tell(word))
    kept = " ".join(word for word in words if all(map(_sure, _LETTERS.findall(word.casefold()))))
    return "" if words_tell(kept) or not _LETTERS.search(kept) else kept.strip(" ,;:-/(")


def _stays(word: str) -> bool:
    parts = pieces(word)
    return _piece(word) or (len(parts) > 1 and all(map(_piece, parts)))


def _piece(word: str) -> bool:
    return len(word) < LONG or _known(word.casefold())


def _sure(word: str) -> bool:
    """Say whether a word, long or short, is of the field or a maker's and no name."""
    if word in tables.makers() or word in tables.device_words():
        return True
    return word in tables.vocabulary() and word not in tables.doubtful()


def _known(word: str) -> bool:
    if _sure(word) or tables.doubtful().get(word) == "weak":
        return True
    return word not in tables.doubtful() and (tables.composed(word) or tables.glued(word))
