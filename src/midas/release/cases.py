"""The nouns of the gates: all that is known of a draft on the day of cutting, and how a gate stands. Values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from midas.catalogue.findings import Since
from midas.kernel import Finding
from midas.release.content import Content
from midas.release.lawful import Allows, Basis, Weighing
from midas.release.leakage import Leakage


@dataclass(frozen=True)
class Held:
    """How the images stand in the store: `absent` and `wrong` are digests; of `of` blobs `read` were hashed again."""

    absent: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    read: int = 0
    of: int = 0


@dataclass(frozen=True)
class Graded:
    """What the grading room said of this draft: index, band, the widest access class, hard stops, and the `whole` grade.

    `computed` is what of the index rests on computed facts alone; `demonstration` whether anything that counts rests on
    a stand-in for a document; `sha256` the digest of `whole` as canonical JSON. `early`: its facts were gathered before the
    draft was made, so that they may be others'; `withdrawn_since` says that persons of the dataset left after that.
    """

    cqi: float
    band: str
    access: str
    stops: tuple[str, ...] = ()
    sha256: str = ""
    status: str = ""
    computed: float = 0.0
    demonstration: bool = False
    early: bool = False
    withdrawn_since: bool = False
    whole: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": "midas-release-grade/2", "status": self.status, "cqi": self.cqi, "computed": self.computed,
            "band": self.band, "access": self.access, "stops": list(self.stops),
            "demonstration evidence": self.demonstration, "sha256": self.sha256, "grade": dict(self.whole),
        }  # fmt: skip


@dataclass(frozen=True)
class Brought:
    """What other rooms know and the hub asks.

    `undecided` are errors that nobody decided on, `copies` (picture, person): persons with one picture in common hold nearly
    the same, noted as a pair or not (`note_pairs` keeps a pair in one part), `unseen` pairs of pictures that may be the same
    and that nobody compared yet, `unsigned` series that were not searched.
    `since` are exclusions and corrections that the draft is too old to follow.
    """

    undecided: tuple[Finding, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    unseen: int = 0
    unsigned: int = 0
    since: tuple[Since, ...] = ()
    graded: Graded | None = None
    needs_grade: bool = False
    needs_approvals: int = 0


@dataclass(frozen=True)
class Case:
    """All that the gates look at. `bases` and `newest` are by pseudonym, `approvals` counts different people.

    `lapsed` names those whose approval counts no more, because they may not cut the draft now.
    """

    content: Content
    day: date
    held: Held
    leakage: Leakage
    bases: Mapping[str, tuple[Basis, ...]]
    newest: Mapping[str, date] = field(default_factory=dict)
    approvals: int = 0
    lapsed: tuple[str, ...] = ()
    brought: Brought = field(default_factory=Brought)

    @cached_property
    def allowed(self) -> dict[str, Allows]:
        """What is in the way of each subject."""
        weighing = Weighing(self.content.about.protocol, self.day)
        known: dict[tuple[tuple[Basis, ...], date | None], Allows] = {}
        found = {}
        for name, bases in self.bases.items():
            key = (bases, self.newest.get(name))
            found[name] = known[key] if key in known else known.setdefault(key, weighing.allows(*key))
        return found


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True)
class Result:
    """How one gate stands, with what it found."""

    gate: str
    state: State
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "gate": self.gate,
            "state": self.state.value,
            "findings": [one.to_dict() for one in self.findings],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Result:
        found = tuple(Finding.from_dict(one) for one in value["findings"])
        return cls(value["gate"], State(value["state"]), found)
