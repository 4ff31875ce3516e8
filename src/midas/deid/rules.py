"""What the profile asks for one attribute: Table E.1-1 read under a profile's options and exceptions.

In comes a tag and a profile, out comes one action code with its clause. Compound codes are resolved towards what keeps
an object valid: where an attribute may be of type 1 it gets a dummy, where it may be of type 2 it is emptied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import keyword_for_tag

from midas.deid import tables
from midas.deid.model import Profile

SIMPLE = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "U"}
"""PS3.15 E.1.1: the weaker action only where the IOD allows it; not knowing the type of use, the stronger is taken."""

CLAUSE = {
    "retain-safe-private": "PS3.15 E.3.10", "retain-uids": "PS3.15 E.3.9", "retain-device-identity": "PS3.15 E.3.8",
    "retain-institution-identity": "PS3.15 E.3.11", "retain-patient-characteristics": "PS3.15 E.3.7",
    "retain-longitudinal-full-dates": "PS3.15 E.3.6", "retain-longitudinal-modified-dates": "PS3.15 E.3.6",
    "clean-descriptors": "PS3.15 E.3.5", "clean-structured-content": "PS3.15 E.3.4", "clean-graphics": "PS3.15 E.3.3",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """`code` is X, Z, D, U, K or C; "" where the table does not name the attribute. `base` is the basic action."""

    code: str
    base: str
    cites: str


UNLISTED = Decision("", "", "PS3.15 E.3.5")
BESIDE_REMOVED = {0x00102298: Decision("X", "X", "PS3.3 C.7.1.1")}
"""Responsible Person Role: an attribute that may stand only beside one that Table E.1-1 removes."""


def resolve(row: tables.Row, options: frozenset[str]) -> Decision:
    """Return the action of a table row under the options; of several options, cleaning wins over keeping."""
    base = SIMPLE.get(row.basic, row.basic)
    chosen = [(action, option) for option, action in row.options if option in options]
    if not chosen:
        return Decision(base, base, "PS3.15 E.2 Table E.1-1")
    action, option = min(chosen)
    return Decision(action, base, CLAUSE[option])


@lru_cache(maxsize=16)
def _exceptions(profile: Profile) -> dict[str, str]:
    return {e.keyword: {"keep": "K", "remove": "X", "empty": "Z"}[e.action] for e in profile.exceptions}


@lru_cache(maxsize=65536)
def decide(tag: int, profile: Profile) -> Decision:
    """Return what `profile` asks for the public attribute `tag`."""
    group = tag >> 16
    special = _exceptions(profile).get(keyword_for_tag(tag) or "")
    if special:
        return Decision(special, special, f"protocol exception of {profile.name}")
    if 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
        return Decision("X", "X", "PS3.15 E.2 Table E.1-1")
    row = tables.attributes().get(tag)
    return resolve(row, profile.options) if row else BESIDE_REMOVED.get(tag, UNLISTED)
