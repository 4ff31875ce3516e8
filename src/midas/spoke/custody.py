"""The vault's reverse map, sealed to custodians: who each pseudonym is, so that it can be known when nobody here knows.

In come a desk and custodians' public keys, out comes one sealed map (`midas.deid.custody`). Daily work goes on with the
vault as it is; what was sent does not change. Under `link: destroyed` no such map is ever made.
"""

from __future__ import annotations

from collections.abc import Sequence

from midas.deid.custody import Custodian, seal_map
from midas.kernel import Clock, Forbidden
from midas.spoke.vault import persons
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk


def seal_project(
    desk: Desk, *, custodians: Sequence[Custodian], need: int, reason: str, clock: Clock
) -> bytes:
    """Seal pseudonyms, identifiers, date shifts and the root key of a project; any `need` custodians open them."""
    if desk.protocol.deid.link == "destroyed":
        raise Forbidden(
            "The protocol says that the link to persons is destroyed, so no map of it is made.",
            advice="Write to the hub's contact if that is not what was meant.",
        )
    rows = [["pseudonym", "shift_days", "merged_into", "kind", "value"]]
    for person in Person.objects.filter(project=desk.project).order_by("pk"):
        into = person.merged_into.pseudonym if person.merged_into else ""
        known = persons.known_of(desk, person) or (("", ""),)
        rows += [[person.pseudonym, str(person.shift_days), into, kind, value] for kind, value in known]
    content = {"lists": {"persons": rows}, "secret": desk.root_key.hex()}
    at = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    return seal_map(content, custodians=custodians, need=need, at=at, reason=reason)
