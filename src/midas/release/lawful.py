"""What the persons of a release have allowed, against what the release would allow: pure, by the Data Use Ontology.

In come each subject's bases, the protocol's ethics decisions and the release's terms; out comes, by subject, what is in the
way. Nobody's data may be used for more than the person and the committee agreed to, in the time that the committee gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from midas.protocol.checks import NO_COMMERCE
from midas.protocol.duo import COVERS, NPOA, purposes_under
from midas.protocol.model import Access, Ethics, Protocol

Basis = tuple[str, str, tuple[str, ...]]
"""Kind, ethics decision and the DUO terms that the person gave; without terms the decision's own count."""
ETHICS_KIND = {"consent": "consent", "guardian-consent": "consent", "waiver": "waiver"}


@dataclass(frozen=True)
class Allows:
    """What is in the way of one subject: ended or not begun decisions, uses nobody allowed, whether commerce is barred."""

    lapsed: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    no_commerce: bool = False
    purposes: frozenset[str] = frozenset()


def bases_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Basis, ...]:
    """Return a subject's bases as they are registered, as values that can be compared."""
    return tuple(sorted((one["kind"], one["ethics"], tuple(sorted(one.get("scope") or ()))) for one in rows))


def rests_on(bases: Iterable[Basis], protocol: Protocol) -> tuple[tuple[Basis, Ethics], ...]:
    """Return the bases that name an ethics decision of the protocol, of the kind that they rest on."""
    entries = {entry.id: entry for entry in protocol.ethics}
    return tuple(
        (one, entries[one[1]])
        for one in bases
        if one[1] in entries and ETHICS_KIND.get(one[0]) == entries[one[1]].kind
    )


@dataclass(frozen=True)
class Weighing:
    """What every subject of a release is weighed against: its protocol and the day of cutting."""

    protocol: Protocol
    day: date

    def allows(self, bases: tuple[Basis, ...], newest: date | None) -> Allows:
        """Return what is in the way of a subject; `newest` is the latest day that its studies show.

        The studies' days are shifted into the past, so that one after a waiver's last day is after it for certain.
        """
        held = rests_on(bases, self.protocol)
        lapsed = {entry.id: why for _, entry in held if (why := self._lapsed(entry, newest))}
        standing = [one for one in held if one[1].id not in lapsed]
        if not standing:
            return Allows(lapsed=tuple(lapsed.values()))
        found = [self._of(basis, entry) for basis, entry in standing]
        return min(found, key=lambda one: (len(one.beyond), one.no_commerce, sorted(one.purposes)))

    def _lapsed(self, entry: Ethics, newest: date | None) -> str:
        named = f"{entry.id} ({entry.reference})"
        if self.day < date.fromisoformat(entry.valid_from):
            return f"{named} begins on {entry.valid_from}"
        if entry.valid_until is not None and self.day > date.fromisoformat(entry.valid_until):
            return f"{named} ended on {entry.valid_until}"
        if entry.collected_until and newest and newest > date.fromisoformat(entry.collected_until):
            return f"{named} covers what was collected up to {entry.collected_until}"
        return ""

    def _of(self, basis: Basis, entry: Ethics) -> Allows:
        mine, theirs = set(basis[2]), set(entry.scope)
        purposes = frozenset(_purposes(mine, theirs)) & frozenset(purposes_under(theirs))
        conditions = (mine | theirs) - COVERS.keys()
        access = self.protocol.access
        return Allows(
            beyond=tuple(sorted(_beyond(purposes, conditions, access))), purposes=purposes,
            no_commerce=bool(conditions & NO_COMMERCE),
        )  # fmt: skip


def _purposes(mine: set[str], theirs: set[str]) -> tuple[str, ...]:
    """Return what a person allowed: who gave conditions alone allowed what the committee did, under these conditions."""
    return purposes_under(mine if mine & COVERS.keys() else mine | theirs)


def _beyond(purposes: frozenset[str], conditions: set[str], access: Access) -> set[str]:
    """Return purposes that the release would allow beyond what was allowed, and conditions that it would drop."""
    uses = set(access.uses)
    carried = uses | NO_COMMERCE | {NPOA}
    return {one for one in purposes_under(uses) if one not in purposes} | (conditions - carried)
