"""The floor: what a protocol asks of each spoke's audit before anything of it may be released.

In come the protocol and the reports of a draft's submissions; out comes nothing, or a refusal that names each spoke and
what it lacks. A protocol that sets no floor asks nothing, and the datasheet says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from midas.kernel import Conflict
from midas.protocol.model import DeidAudit, Protocol
from midas.wire.v1 import AuditScore

Batch = Mapping[str, Any]


def audit_of(batch: Batch) -> AuditScore | None:
    """Return the audit that a submission's report carries; none where there is none, or it is not what v1 asks."""
    given = batch["report"].get("audit")
    try:
        return AuditScore.model_validate(given) if given else None
    except ValidationError:
        return None


def lacking(batch: Batch, floor: DeidAudit, *, protocol_sha256: str) -> Iterator[str]:
    """Yield in words what a submission lacks under the floor."""
    audit = audit_of(batch)
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


def above_the_floor(protocol: Protocol, batches: Iterable[Batch], *, protocol_sha256: str) -> None:
    """Raise `Conflict` where a submission lies below the protocol's floor, or was not measured."""
    floor = protocol.deid.audit
    if floor is None:
        return
    wrong = [
        f"{batch['spoke']} ({str(batch['submission'])[:12]}…): {why}"
        for batch in batches
        for why in lacking(batch, floor, protocol_sha256=protocol_sha256)
    ]
    if wrong:
        raise Conflict(
            "De-identification lies below the protocol's floor. " + "; ".join(wrong) + ".",
            advice="Have the spoke run `midas spoke audit`, correct what it shows, and send again; or leave it out.",
        )


def summary(batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Return for the datasheet and Croissant, by spoke: the worst audit of its submissions, in plain figures."""
    worst: dict[str, AuditScore] = {}
    for batch in batches:
        audit = audit_of(batch)
        if audit is not None:
            before = worst.get(str(batch["spoke"]))
            if before is None or audit.all.low < before.all.low:
                worst[str(batch["spoke"])] = audit
    return [
        {
            "spoke": spoke, "files": one.files, "released": one.released, "actions": one.all.of,
            "right_percent": round(100 * one.all.right / one.all.of, 2) if one.all.of else 0.0,
            "low_percent": round(one.all.low, 2), "leaks": sum(one.leaks.values()), "engine": one.engine,
        }
        for spoke, one in sorted(worst.items())
    ]  # fmt: skip
