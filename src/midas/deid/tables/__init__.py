"""The published tables as data: PS3.15 E.1-1 and E.3.4-1, known safe private elements, words that may stay.

In come the generated files beside this module (`tools/generate_ps315.py`); out come read-only look-ups.
No rule is ever written by hand here. The engine and the verifier share these tables and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

OPTIONS = (
    "retain-safe-private", "retain-uids", "retain-device-identity", "retain-institution-identity",
    "retain-patient-characteristics", "retain-longitudinal-full-dates", "retain-longitudinal-modified-dates",
    "clean-descriptors", "clean-structured-content", "clean-graphics",
)  # fmt: skip
"""The option columns of Table E.1-1, in its order."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the basic action and, by option, the action that replaces it (K or C)."""

    tag: str
    name: str
    basic: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Private:
    """One private element known to be safe. `action`: K keep, C shift the date, U map the UID."""

    vr: str
    action: str


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _row(given: dict[str, Any], name: str) -> Row:
    options = tuple((option, given[option]) for option in OPTIONS if given.get(option))
    return Row(given[name], given.get("name") or given["meaning"], given["basic"], options)


@lru_cache(maxsize=1)
def _ps315() -> dict[str, Any]:
    given: dict[str, Any] = json.loads(_text("ps315_2026.json"))
    return given


def edition() -> str:
    return str(_ps315()["edition"])


@lru_cache(maxsize=1)
def attributes() -> dict[int, Row]:
    """Return the rows of Table E.1-1 that name one attribute, by tag."""
    rows = _ps315()["attributes"]
    return {int(r["tag"], 16): _row(r, "tag") for r in rows if "x" not in r["tag"] and r["tag"] != "PRIVATE"}


def may_be_replaced(keyword: str) -> bool:
    """Say whether a pseudonym may stand in this short text: its action is Z (PS3.15 Table E.1-1a) and no option changes it.

    What describes a trial is written by the engine itself.
    """
    tag = tag_for_keyword(keyword)
    row = attributes().get(int(tag)) if tag else None
    if row is None or row.options or row.basic != "Z" or keyword.startswith("ClinicalTrial"):
        return False
    return dictionary_VR(int(tag or 0)) in {"SH", "LO"}


@lru_cache(maxsize=1)
def groups() -> dict[str, Row]:
    """Return the rows that stand for many attributes: private ones, curves (50xx) and overlays (60xx)."""
    return {
        r["tag"]: _row(r, "tag") for r in _ps315()["attributes"] if "x" in r["tag"] or r["tag"] == "PRIVATE"
    }


@lru_cache(maxsize=1)
def content_items() -> dict[tuple[str, str, str], Row]:
    """Return the rows of Table E.3.4-1 by (coding scheme, code value, value type)."""
    return {(r["scheme"], r["code"], r["value_type"]): _row(r, "code") for r in _ps315()["content_items"]}


@lru_cache(maxsize=1)
def safe_private() -> dict[tuple[str, int, int], Private]:
    """Return the safe private elements by (private creator, group, element without its block)."""
    rows = json.loads(_text("safe_private.json"))["elements"]
    return {
        (r["creator"].strip().casefold(), int(r["group"], 16), int(r["element"], 16)): Private(
            r["vr"], r["action"]
        )
        for r in rows
    }


@lru_cache(maxsize=1)
def storage() -> dict[str, str]:
    """Return the kind (image, object, report, document …) of every storage SOP class of PS3.6, by UID."""
    return {row["uid"]: row["kind"] for row in json.loads(_text("storage.json"))["classes"]}


@dataclass(frozen=True, slots=True)
class Use:
    """Types of use (PS3.5 7.4) of one attribute: at the root by SOP class, in an item by the keyword of its sequence."""

    root: dict[str, str]
    inside: dict[str, str]


@lru_cache(maxsize=1)
def types() -> dict[str, Use]:
    """Return the types of use of the attributes whose action depends on it (PS3.15 E.1.1), by keyword."""
    given = json.loads(_text("types.json"))
    return {
        row["keyword"]: Use(
            {given["below"] + tail: kind for kind, tails in row["root"].items() for tail in tails},
            row["inside"],
        )
        for row in given["attributes"]
    }


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return the lower-case words that a cleaned text may hold."""
    return frozenset(_text("vocabulary.txt").split())


@lru_cache(maxsize=1)
def doubtful() -> dict[str, str]:
    """Return words that are names too. `weak`: stays unless a name is beside it; `strong`: goes unless it is told a word."""
    return dict(line.split() for line in _text("doubtful.txt").splitlines())


@lru_cache(maxsize=32)
def marks(kind: str) -> frozenset[str]:
    """Return words of one kind that tell what stands beside them: `title`, `relation`, `place`, `unit` …"""
    given = (line.partition(":") for line in _text("marks.txt").splitlines() if not line.startswith("#"))
    return frozenset(word for name, _, words in given if name == kind for word in words.split())


@lru_cache(maxsize=1)
def indic_words() -> frozenset[str]:
    """Return clinical and everyday words in Devanagari, Tamil and Kannada that a cleaned text may hold (NFC)."""
    lines = _text("words_indic.txt").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=1)
def _glued_words() -> frozenset[str]:
    return frozenset(_text("glued_words.txt").split())


_PREFIX = re.compile(
    "para|peri|supra|infra|inter|intra|retro|post|trans|hemi|micro|macro|multi|hyper|hypo|poly|pseudo|extra|endo|contra|ipsi|over|under|ultra"
    "|thoraco|abdomino|cardio|gastro|neuro|osteo|cranio|cervico|lumbo|fronto|temporo|parieto|occipito|maxillo|mandibulo|naso|hepato|spleno"
    "|vesico|arterio|angio|cholangio|broncho|pneumo|pleuro|spheno|ethmo|zygomatico|bucco|linguo|mesio|disto|naso|oro|muco|fibro|chondro|antero"
    "|postero|infero|supero|medio|latero|dorso|ventro|ureto|uretero|pyelo|nephro|cysto|hystero|salpingo|veno|lympho|haemo|hemo|dento|cranio"
    "|radio|adeno|musculo|tracheo|esophago|oesophago|recto|hydro|haemato|hemato|choledocho|pancreatico|duodeno|entero|dermato|kerato|cortico"
    "|tibio|femoro|sacro|spondylo|vertebro|glosso|pharyngo|laryngo|rhino|tympano|retino|sclero|palato|gingivo|dentino|myelo|chole|carcino"
)
"""Beginnings with which medicine makes words of its words."""


@lru_cache(maxsize=1 << 13)
def composed(word: str) -> bool:
    """Say whether a lower-case word is made of others: two to four of scanners (`ctabdomen`), or `para` and `symphysis`."""
    if not 5 <= len(word) <= 24:
        return False
    begin = _PREFIX.match(word)
    if (
        begin
        and len(word) - begin.end() >= 5
        and word[begin.end() :] in vocabulary()
        and word[begin.end() :] not in doubtful()
    ):
        return True
    reach = {0: 0}
    for at in range(len(word)):
        if reach.get(at, 4) < 4:
            for end in range(at + 2, len(word) + 1):
                if word[at:end] in _glued_words():
                    reach[end] = min(reach.get(end, 4), reach[at] + 1)
    return len(word) in reach


def glued(word: str) -> bool:
    """Say whether a lower-case word is two of the vocabulary, each of four letters or more and no name (`lowerlimb`)."""
    sure = vocabulary() - doubtful().keys()
    return any(word[:at] in sure and word[at:] in sure for at in range(HALF, len(word) - HALF + 1))


HALF = 4


@lru_cache(maxsize=1)
def makers() -> frozenset[str]:
    """Return the lower-case words by which makers of devices and their products call themselves."""
    return frozenset(_text("makers.txt").split())


@lru_cache(maxsize=1)
def device_words() -> frozenset[str]:
    """Return the lower-case words of sequences, kernels and builds that devices write into codes."""
    lines = _text("device_words.txt").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=256)
def defined_terms(keyword: str) -> frozenset[str]:
    """Return the defined terms (PS3.3) that hold words of no vocabulary and may stand in this attribute."""
    given = (line.rpartition(":") for line in _text("defined_terms.txt").splitlines() if line[:1] != "#")
    return frozenset(
        term.replace("~", " ") for only, _, terms in given if only in {"", keyword} for term in terms.split()
    )


@lru_cache(maxsize=1)
def most_digits() -> dict[str, int]:
    """Return how many digits before the point a number can have, by the keyword of its attribute."""
    given: dict[str, int] = json.loads(_text("numbers.json"))["digits"]
    return given


@lru_cache(maxsize=1)
def path_vocabulary() -> frozenset[str]:
    """Return the lower-case words of folder and file names that name nobody, beside those of the vocabulary."""
    return frozenset(_text("path_words.txt").split())


@dataclass(frozen=True, slots=True)
class Why:
    """What a reason for holding means, and what to do, in English and Hindi."""

    title: str
    advice: str
    title_hi: str
    advice_hi: str


@lru_cache(maxsize=1)
def _whys() -> dict[str, Why]:
    rows = json.loads(_text("held.json"))["reasons"]
    return {
        code: Why(row["title"], row["advice"], row["title_hi"], row["advice_hi"])
        for row in rows
        for code in row["codes"]
    }


def why_held(reason: str) -> Why:
    """Return what a reason means; a reason that the table does not know means that it could not be done."""
    return _whys().get(reason) or _whys()["not-processed"]
