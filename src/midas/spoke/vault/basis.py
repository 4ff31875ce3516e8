"""Why a person's data may be used: consent, a guardian's consent, or an ethics committee's waiver.

In come a person, a protocol and the day on which something was collected; out comes the basis that covers it, or the
reason why none does. A withdrawal wins over every basis.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from midas.protocol.model import Ethics, Protocol
from midas.spoke.vault.keys import normal
from midas.spoke.vault.models import Basis, Person
from midas.wire.v1 import BasisLine

ADULT_YEARS = 18
"""Digital Personal Data Protection Act 2023, s. 2(f) and s. 9: below this age a parent or guardian consents."""


def ethics_of(protocol: Protocol, *, reference: str, kind: str) -> Ethics | None:
    """Return the ethics entry that a consent row means: by id or reference, or the only one of its kind."""
    waiver = kind == "waiver"
    fitting = [one for one in protocol.ethics if (one.kind == "waiver") == waiver]
    if not reference.strip():
        return fitting[0] if len(fitting) == 1 else None
    wanted = normal("text", reference)
    return next(
        (one for one in fitting if wanted in {normal("text", one.id), normal("text", one.reference)}), None
    )


def withdrawn(person: Person) -> bool:
    return person.bases.filter(withdrawn_on__isnull=False).exists()


def _covers(basis: Basis, ethics: Ethics, days: list[date]) -> bool:
    if basis.kind != "waiver":
        return True
    if ethics.collected_until is None:
        return True
    return any(day <= date.fromisoformat(ethics.collected_until) for day in days)


def lawful(person: Person, *, protocol: Protocol, collected: Iterable[date]) -> str:
    """Return "" where a basis covers something collected on one of these days, else a code of the reasons table.

    Consent covers any day; a waiver only days up to its `collected_until`, so an unknown day is not covered.
    """
    if withdrawn(person):
        return "withdrawn"
    entries = {one.id: one for one in protocol.ethics}
    days = list(collected)
    if any(_covers(one, entries[one.ethics], days) for one in person.bases.all() if one.ethics in entries):
        return ""
    return "no-basis"


def basis_lines(person: Person) -> tuple[BasisLine, ...]:
    """Return the bases in force, as they leave: kind, ethics entry and scope; no date."""
    rows = person.bases.filter(withdrawn_on=None).order_by("kind", "ethics")
    return tuple(BasisLine(kind=one.kind, ethics=one.ethics, scope=tuple(one.scope)) for one in rows)
