"""The floor under a spoke's own audit of its de-identification: one rule for who measures and for who cuts a release.

In come an audit and what the protocol asks of it; out come words on what it lacks. Nothing is read and nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from midas.protocol.model import DeidAudit, Protocol
from midas.wire.v1 import AuditScore


def lacking(audit: AuditScore | None, floor: DeidAudit, *, protocol_sha256: str) -> Iterator[str]:
    """Yield in words what an audit lacks under the floor; nothing where it is enough."""
    if audit is None:
        yield "it came without an audit"
        return
    if audit.profile != protocol_sha256:
        yield "its audit was made under another protocol"
    if audit.files < floor.files:
        yield f"its audit planted {audit.files} files of {floor.files}"
    share = audit.all.right / audit.all.of if audit.all.of else 0.0
    if share < floor.floor:
        yield f"its audit came out at {share:.2%}, below {floor.floor:.2%}"
    if (left := sum(audit.leaks.values())) > floor.leaks:
        yield f"its audit found {left} planted identifiers left"
    if audit.wrong_shifts:
        yield f"its audit found {audit.wrong_shifts} persons without one shift of all days"


SAYS_ONLY = {"title", "unit", "code", "min", "max", "quasi_identifier", "broader", "sensitive", "acquisition", "quality",
             "min_instances", "rules"}  # fmt: skip
"""What describes, bounds or weighs an item or a column, and changes nothing that de-identification does."""

AFTERWARDS = {"version", "title", "summary", "disease", "hub", "spokes", "contact", "ethics", "annotation", "population",
              "split", "access", "upkeep"}  # fmt: skip
"""What of a protocol says who, why and what is done at the hub. Any other part, a new one too, is compared."""


def cleans_alike(one: Protocol, other: Protocol) -> bool:
    """Say whether de-identification does the same under both: then an audit made under one stands for the other."""
    return _cleaning(one) == _cleaning(other)


def _cleaning(protocol: Protocol) -> dict[str, Any]:
    """Return what de-identification and the reading of tables hang on."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(item) for key, item in value.items() if key not in SAYS_ONLY}
        return [bare(item) for item in value] if isinstance(value, list) else value

    parts = protocol.model_dump(mode="json", exclude=AFTERWARDS)
    return {name: part if name == "deid" else bare(part) for name, part in parts.items()}
