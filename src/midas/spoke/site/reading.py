"""Reasons as the pages say them: in the reader's language, with what to do, counted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.utils.translation import get_language

from midas.spoke.intake.models import Item
from midas.spoke.reasons import USUAL, reason


@dataclass(frozen=True)
class ReasonLine:
    code: str
    title: str
    advice: str
    items: int
    state: str
    review: bool


def words(code: str) -> tuple[str, str]:
    """Return title and advice of a reason in the reader's language."""
    return reason(code).words((get_language() or "en")[:2])


def by_reason(items: QuerySet[Item], state: str) -> list[ReasonLine]:
    """Return the reasons in use, those that a person can look at first, the most frequent first."""
    counted = items.filter(state=state).values_list("reason").annotate(n=Count("pk")).order_by()
    lines = [ReasonLine(code, *words(code), number, state, reason(code).review) for code, number in counted]
    return sorted(lines, key=lambda line: (not line.review, -line.items, line.code))


def usual(verdict: str) -> str:
    """Return, in the reader's language, what a verdict without further words means."""
    english, hindi = USUAL[verdict]
    return hindi if (get_language() or "en").startswith("hi") else english
