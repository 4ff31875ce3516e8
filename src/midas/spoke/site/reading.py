"""Questions of the site to the intake. Names of files are identified: they are opened only for the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.utils.translation import get_language

from midas.spoke.intake.items import name_of, of_project
from midas.spoke.intake.look import has_picture
from midas.spoke.intake.models import Item, State
from midas.spoke.reasons import reason
from midas.spoke.vault.projects import Desk


@dataclass(frozen=True)
class ReasonLine:
    code: str
    title: str
    advice: str
    items: int
    state: str
    review: bool


@dataclass(frozen=True)
class GroupLine:
    """Held items that belong together: a series, a table; `first` stands for them on the page."""

    first: int
    name: str
    kind: str
    items: int
    pictured: bool
    detail: str
    person: str


def words(code: str) -> tuple[str, str]:
    """Return title and advice of a reason in the reader's language."""
    return reason(code).words((get_language() or "en")[:2])


def by_reason(items: QuerySet[Item], state: str) -> list[ReasonLine]:
    """Return the reasons in use, those that a person can look at first, the most frequent first."""
    counted = items.filter(state=state).values_list("reason").annotate(n=Count("pk")).order_by()
    lines = [ReasonLine(code, *words(code), number, state, reason(code).review) for code, number in counted]
    return sorted(lines, key=lambda line: (not line.review, -line.items, line.code))


def held_with(desk: Desk, code: str) -> QuerySet[Item]:
    return of_project(desk.project).filter(state=State.HELD, reason=code)


def groups(desk: Desk, code: str) -> list[tuple[int, int]]:
    """Return (first item, number of items) of each group held for this reason; an item without a group is its own."""
    held = held_with(desk, code)
    grouped = (
        held.exclude(group="").values("group").annotate(first=Min("pk"), n=Count("pk")).order_by("first")
    )
    single = held.filter(group="").order_by("pk").values_list("pk", flat=True)
    return sorted([*((row["first"], row["n"]) for row in grouped), *((pk, 1) for pk in single)])


def group_lines(desk: Desk, chosen: Iterable[tuple[int, int]]) -> list[GroupLine]:
    numbers = dict(chosen)
    found = Item.objects.filter(pk__in=numbers).select_related("person").order_by("pk")
    return [
        GroupLine(
            item.pk, name_of(desk, item), item.kind, numbers[item.pk], has_picture(item), item.detail,
            item.person.pseudonym if item.person else "",
        )
        for item in found
    ]  # fmt: skip


def group_of(item: Item) -> QuerySet[Item]:
    """Return the items that are decided together with this one: the same group, held for the same reason."""
    same: dict[str, Any] = {"group": item.group} if item.group else {"pk": item.pk}
    return Item.objects.filter(
        batch__project=item.batch.project, state=State.HELD, reason=item.reason, **same
    ).order_by("pk")
