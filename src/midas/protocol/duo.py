"""The Data Use Ontology (GA4GH standard): what data may be used for, as ids with labels, and which use covers which.

In comes an id or its abbreviation; out comes the term. The table is generated (`tools/generate_duo.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

NRES, GRU, HMB, DS, POA, CC = (
    "DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000007", "DUO:0000011", "DUO:0000043",
)  # fmt: skip
NPOA = "DUO:0000044"
PURPOSES = (HMB, DS, GRU, POA, CC)
"""What a person can ask data for; the other terms are conditions."""
COVERS: dict[str, frozenset[str]] = {
    NRES: frozenset(PURPOSES),
    GRU: frozenset({GRU, HMB, DS, POA}),
    HMB: frozenset({HMB, DS}),
    DS: frozenset({DS}),
    POA: frozenset({POA}),
    CC: frozenset({CC}),
}
"""Which purposes a permission allows (Lawson et al., Cell Genomics 2021, 100028: the hierarchy of permissions)."""


@dataclass(frozen=True)
class DuoTerm:
    id: str
    short: str
    label: str
    kind: Literal["permission", "modifier"]
    says: str


@cache
def duo_terms() -> dict[str, DuoTerm]:
    """Return every term by its id."""
    table = json.loads((files("midas.protocol") / "duo.json").read_text("utf-8"))
    return {one["id"]: DuoTerm(**one) for one in table["terms"]}


def duo_term(code: str) -> DuoTerm | None:
    """Return the term with this id (`DUO:0000006`) or abbreviation (`HMB`)."""
    terms = duo_terms()
    return terms.get(code) or next((one for one in terms.values() if one.short == code.upper()), None)


def duo_label(code: str) -> str:
    """Return `DUO:0000006 (health or medical or biomedical research)`; the code alone where it is not in the table."""
    term = duo_terms().get(code)
    return f"{code} ({term.label})" if term else code


def purposes_under(uses: Iterable[str]) -> tuple[str, ...]:
    """Return the purposes that `uses` allow, in the order in which they are offered."""
    given = set(uses)
    covered = frozenset[str]().union(*(COVERS.get(use, frozenset()) for use in given))
    return tuple(one for one in PURPOSES if one in covered and not (one == POA and NPOA in given))
