"""The floor: what a protocol asks of each spoke's audit before anything of it may be released.

In come the protocol and the reports of a draft's submissions; out comes what each spoke lacks,
for the gate. A protocol that sets no floor asks nothing, and the datasheet says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from midas.protocol.floor import lacking
from midas.protocol.model import Protocol
from midas.wire.v1 import AuditScore

Batch = Mapping[str, Any]


def audit_of(batch: Batch) -> AuditScore | None:
    """Return the audit that a submission's report carries; none where there is none, or it is not what v1 asks."""
    given = batch["report"].get("audit")
    try:
        return AuditScore.model_validate(given) if given else None
    except ValidationError:
        return None


def below(
    protocol: Protocol, batches: Iterable[Batch], *, protocol_sha256: str, alike: Collection[str] = ()
) -> list[str]:
    """Return what lies below the protocol's floor or was not measured, each with its spoke and submission.

    `alike` are digests of other protocols under which de-identification does the same: their audits stand.
    """
    floor = protocol.deid.audit
    if floor is None:
        return []
    return [
        f"{batch['spoke']} ({str(batch['submission'])[:12]}…): {why}"
        for batch in batches
        for audit in (audit_of(batch),)
        for why in lacking(
            audit,
            floor,
            protocol_sha256=audit.profile if audit and audit.profile in alike else protocol_sha256,
        )
    ]


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
