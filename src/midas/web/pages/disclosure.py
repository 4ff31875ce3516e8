"""Who may see a dataset's pictures and exact counts, and what counts look like to everyone else.

In come counts of a chart's parts, of which the sum may be known from elsewhere; out comes for each the number or what
stands in its place. A part of 1 to 4 is never told, nor can it be worked out: who knows the sum is left with at least
`ROOM` numbers that it could be, and who also knows these rules with two (the tests go through all of them).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from midas.people.rule import Act
from midas.ui.words import count
from midas.web.standing import may

LEAST = 5
"""Smaller counts are not told: the floor that national statistics offices use for counts of persons is 3 to 11."""
ROOM = 3
"""How many numbers a part that is few could be, at least, for who knows the sum of all parts."""
SMALLEST_WHOLE = 20
"""Below this sum, or below `LEAST` for each part, there is no room: if one part is few, no part is told."""


class Hidden(Enum):
    FEW = "fewer than five"
    COVER = "hidden so that another part cannot be worked out"


Told = int | Hidden


def open_to(account: Any, access: str, dataset: str, version: str | None = None) -> bool:
    """Say whether pictures and exact counts are for this reader: of open datasets for all, else with a grant, and for
    who makes the releases."""
    return (
        access == "open" or may(account, Act.DOWNLOAD, dataset, version) or may(account, Act.DRAFT, dataset)
    )


def publish(counts: Sequence[int]) -> tuple[Told, ...]:
    """Return what may be told of each count; zeros are told. The order is kept."""
    parts = {place: number for place, number in enumerate(counts) if number}
    few = {place for place, number in parts.items() if number < LEAST}
    if not few:
        return tuple(counts)
    if sum(parts.values()) < max(SMALLEST_WHOLE, LEAST * len(parts)):
        return tuple(Hidden.COVER if number else 0 for number in counts)
    smallest = min(parts.keys() - few, key=lambda one: (parts[one], one))
    for hidden in (few, few | {smallest}):
        if _roomy(parts, few, hidden):
            return tuple(
                Hidden.FEW if place in few else Hidden.COVER if place in hidden else number
                for place, number in enumerate(counts)
            )
    return tuple(Hidden.COVER if number else 0 for number in counts)


def _roomy(parts: dict[int, int], few: set[int], hidden: set[int]) -> bool:
    """Say whether each few part has room, given the sum of the hidden ones and that covers are the smallest others."""
    known = sum(parts[place] for place in hidden)
    told = [number for place, number in parts.items() if place not in hidden]
    covers, most_of_cover = len(hidden) - len(few), min(told, default=known)
    others = len(few) - 1
    low = max(1, known - others * (LEAST - 1) - covers * most_of_cover)
    high = min(LEAST - 1, known - others - covers * LEAST)
    return high - low + 1 >= ROOM


def at_least(number: int) -> Told:
    """Return a count that stands alone, as it may be told."""
    return Hidden.FEW if 0 < number < LEAST else number


def tell(told: Told) -> str:
    """Put what may be told into words."""
    if isinstance(told, Hidden):
        return f"<{LEAST}" if told is Hidden.FEW else _("not shown")
    return count(told)
