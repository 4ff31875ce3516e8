"""Evidence says, as a value, one fact that a grade may rest on; what nobody measured or stated is simply not there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Ink(StrEnum):
    """Whether MIDAS worked a fact out itself, or a person stated it with a document."""

    COMPUTED = "computed"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact about a dataset, release or hub. No field ever holds an identified value.

    `kind` is a stable dotted id (`annotation.kappa`), `about` what it was measured on (`oral-cancer@1.1.0`), `source` where
    anyone may look (a file of the release, a page's address, a digest). `low` and `high` are the bounds of a 95 % interval
    in the unit of `value`, `of` the number of things counted. `demonstration` marks what stands in for a real document.
    """

    kind: str
    value: bool | float | str
    about: str
    source: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    of: int | None = None
    ink: Ink = Ink.COMPUTED
    demonstration: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ink": self.ink.value}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Evidence:
        return cls(**{**value, "ink": Ink(value["ink"])})
