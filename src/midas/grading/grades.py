"""What a judgement is: frozen values that know nothing of storage; `to_dict` gives what a signed grade holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from midas.grading.rubric import Access, Form
from midas.kernel import Evidence


class Standing(StrEnum):
    """How a statement is known: worked out by MIDAS, stated by a person with a document, or not at all."""

    COMPUTED = "computed"
    ATTESTED = "attested"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Lack:
    """What one comparison still wants: `found` is what is known now (nothing, where it is missing)."""

    kind: str
    says: str
    wanted: str
    by: str
    document: str
    found: tuple[bool | float | str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One statement of a ladder, with the facts behind the answer and what it lacks."""

    id: str
    says: str
    holds: bool
    standing: Standing
    evidence: tuple[Evidence, ...]
    lacks: tuple[Lack, ...]

    @property
    def demonstration(self) -> bool:
        return any(fact.demonstration for fact in self.evidence)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id, "says": self.says, "holds": self.holds, "standing": self.standing.value,
            "demonstration": self.demonstration, "evidence": [fact.to_dict() for fact in self.evidence],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DomainGrade:
    """A domain's level 0 to 4. `computed` counts the reached levels that rest on computed facts alone."""

    number: int
    name: str
    group: str
    applies: bool
    level: int
    computed: int
    zero: str
    steps: tuple[tuple[Judged, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "number": self.number, "name": self.name, "group": self.group, "applies": self.applies,
            "level": self.level if self.applies else None, "computed": self.computed,
            "levels": [[one.to_dict() for one in step] for step in self.steps],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Risk:
    """A privacy-risk score 0 to 100. `missing` names what was not known: then the score is taken as 100.

    `demonstration` says that what it was worked out from holds a stand-in for a document.
    """

    score: int
    band: str
    baseline: float | None
    method: str
    sensitivity: str | None
    multiplier: float | None
    missing: tuple[str, ...] = ()
    demonstration: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"missing": list(self.missing)}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a named person chose where the matrix leaves two access classes."""

    access: Access
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Grade:
    """What a rubric says of a set of facts. `access` is none where something stops a release.

    `beside` are facts that no ladder shows and that decide all the same: which domains apply, and the override.
    """

    rubric: str
    sha256: str
    status: str
    form: Form
    domains: tuple[DomainGrade, ...]
    points: int
    maximum: int
    cqi: float
    computed: float
    band: str
    prs: Risk
    prs_lite: Risk
    prs_technical: Risk
    cell: tuple[Access, ...]
    overridden: bool
    decided: Decision | None
    access: Access | None
    stops: tuple[str, ...]
    unheard: tuple[str, ...]
    beside: tuple[Evidence, ...] = ()

    @property
    def releasable(self) -> bool:
        return not self.stops

    @property
    def demonstration(self) -> bool:
        """Whether anything that counts rests on demonstration evidence."""
        ladders = (one for domain in self.domains for step in domain.steps for one in step if one.holds)
        return (
            self.prs.demonstration
            or any(one.demonstration for one in self.beside)
            or any(one.demonstration for one in ladders)
        )

    def domain(self, number: int) -> DomainGrade:
        return next(one for one in self.domains if one.number == number)

    def groups(self) -> dict[str, tuple[int, int]]:
        """Return points and the most possible of each group, in the domains that apply."""
        sums: dict[str, tuple[int, int]] = {}
        for one in self.domains:
            if one.applies:
                points, most = sums.get(one.group, (0, 0))
                sums[one.group] = points + one.level, most + 4
        return sums

    def to_dict(self) -> dict[str, Any]:
        """Return the whole grade as JSON-like data."""
        plain = {
            name: getattr(self, name)
            for name in (
                "rubric",
                "sha256",
                "status",
                "form",
                "points",
                "maximum",
                "cqi",
                "computed",
                "band",
                "overridden",
            )
        }
        return plain | {
            "demonstration": self.demonstration, "domains": [one.to_dict() for one in self.domains],
            "groups": {name: list(sums) for name, sums in self.groups().items()},
            "prs": self.prs.to_dict(), "prs_lite": self.prs_lite.to_dict(),
            "prs_technical": self.prs_technical.to_dict(), "matrix": [one.value for one in self.cell],
            "decided": None if self.decided is None
            else {"access": self.decided.access.value, "by": self.decided.by, "why": self.decided.why},
            "access": None if self.access is None else self.access.value, "releasable": self.releasable,
            "stops": list(self.stops), "unheard": list(self.unheard),
            "beside": [fact.to_dict() for fact in self.beside],
        }  # fmt: skip
