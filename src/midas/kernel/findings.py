"""A finding says, as a value, what a rule saw; exceptions are kept for broken promises."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding weighs: `info` is worth knowing, `warning` needs a look, `error` stops the item."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule saw in one scope. No field ever holds an identified value.

    `rule` is a stable dotted id (`series.slice-gap`), `scope` names the thing looked at by its pseudonymous path
    or opaque id, `cites` the clause of the standard or of the protocol behind the rule.
    """

    rule: str
    severity: Severity
    scope: str
    message: str
    advice: str = ""
    cites: str = ""
    origin: str = "midas"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "severity": self.severity.value}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Finding:
        return cls(**{**value, "severity": Severity(value["severity"])})
