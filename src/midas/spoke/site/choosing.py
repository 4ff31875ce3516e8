"""Which held items a reviewer looks at: chosen by reason, series, device and screen layout, in one order.

In comes the query of an address, out come groups of items for the grid and the neighbours of an item. A group is a series,
or with `each` a single item. Names are identified; they are opened only for the page that shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Min, Q, QuerySet
from django.http import QueryDict

from midas.spoke.intake import screens
from midas.spoke.intake.items import name_of, of_project
from midas.spoke.intake.look import has_picture
from midas.spoke.intake.models import Item, Screen, Standing, State
from midas.spoke.reasons import REASONS
from midas.spoke.site.reading import words
from midas.spoke.vault.projects import Desk

REVIEWED = tuple(code for code, reason in REASONS.items() if reason.review)


@dataclass(frozen=True)
class Choice:
    """What the address asks for; an empty field asks for all."""

    reason: str = ""
    series: str = ""
    device: str = ""
    layout: str = ""
    each: bool = False

    @classmethod
    def of(cls, query: QueryDict, *, reason: str = "") -> Choice:
        layout = query.get("layout", "")
        asked = reason or query.get("reason", "")
        return cls(
            reason=asked if asked in REASONS else "", series=query.get("series", "")[:64],
            device=query.get("device", "")[:64], layout=layout if layout.isdigit() else "",
            each=bool(query.get("each")) or bool(query.get("series")),
        )  # fmt: skip

    @property
    def query(self) -> str:
        """The words of an address that ask for the same again; empty where nothing is asked."""
        asked = {
            "reason": self.reason, "series": self.series, "device": self.device, "layout": self.layout,
            "each": "1" if self.each and not self.series else "",
        }  # fmt: skip
        text = urlencode({name: value for name, value in asked.items() if value})
        return f"?{text}" if text else ""

    def items(self, desk: Desk) -> QuerySet[Item]:
        held = of_project(desk.project).filter(state=State.HELD)
        held = held.filter(reason=self.reason) if self.reason else held.filter(reason__in=REVIEWED)
        if self.series:
            held = held.filter(group=self.series)
        if self.device:
            held = held.filter(screen__device=self.device)
        return held.filter(screen_id=int(self.layout)) if self.layout else held

    def groups(self, desk: Desk) -> list[tuple[int, int]]:
        """Return (first item, number of items) of each group, by reason, then as they came."""
        held = self.items(desk)
        if self.each:
            rows = [(code, pk, 1) for code, pk in held.values_list("reason", "pk")]
        else:
            grouped = (
                held.exclude(group="").values("reason", "group").annotate(first=Min("pk"), n=Count("pk"))
            )
            rows = [(row["reason"], row["first"], row["n"]) for row in grouped.order_by()]
            rows += [(code, pk, 1) for code, pk in held.filter(group="").values_list("reason", "pk")]
        return [(first, n) for _code, first, n in sorted(rows, key=lambda row: (_rank(row[0]), row[1]))]


def _rank(code: str) -> int:
    return list(REASONS).index(code)


@dataclass(frozen=True)
class Card:
    """One group on the grid; `first` stands for it."""

    first: int
    name: str
    kind: str
    items: int
    pictured: bool
    reason: str
    detail: str
    person: str
    series: str
    device: str
    layout: int
    alike: int
    proposed: int
    waits_for: str

    @property
    def file(self) -> str:
        return self.name.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        return self.name.rsplit("/", 1)[0] if "/" in self.name else ""


def cards(desk: Desk, chosen: Iterable[tuple[int, int]]) -> list[Card]:
    """Return what the grid says of each group; `alike` counts held items with the same screen layout."""
    numbers = dict(chosen)
    proposed = Q(decisions__standing=Standing.PROPOSED)
    found = Item.objects.filter(pk__in=numbers).select_related("person", "screen")
    waits = dict(found.filter(proposed).values_list("pk", "decisions__by_name"))
    alike = dict(
        Item.objects.filter(state=State.HELD, screen__isnull=False)
        .values_list("screen_id")
        .annotate(n=Count("pk"))
    )
    order = {pk: place for place, pk in enumerate(numbers)}
    return [
        Card(
            first=item.pk, name=name_of(desk, item), kind=item.kind, items=numbers[item.pk],
            pictured=has_picture(item), reason=words(item.reason)[0], detail=item.detail,
            person=item.person.pseudonym if item.person else "", series=item.group,
            device=screens.name_of(desk, item.screen) if item.screen else "",
            layout=item.screen.pk if item.screen and item.screen.tells else 0,
            alike=alike.get(item.screen_id, 0) if item.screen and item.screen.tells else 0,
            proposed=len(item.regions), waits_for=waits.get(item.pk, ""),
        )
        for item in sorted(found, key=lambda one: order[one.pk])
    ]  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One value of a filter, with how many held items it leaves."""

    value: str
    label: str
    items: int
    chosen: bool


def reasons_of(desk: Desk, choice: Choice) -> list[Option]:
    counted = dict(Choice().items(desk).values_list("reason").annotate(n=Count("pk")).order_by())
    return [
        Option(code, words(code)[0], counted[code], code == choice.reason) for code in REVIEWED if code in counted
    ]  # fmt: skip


def devices_of(desk: Desk, choice: Choice) -> list[Option]:
    held = Choice(reason=choice.reason).items(desk).filter(screen__isnull=False)
    counted = held.values_list("screen__device").annotate(n=Count("pk"), one=Min("screen_id")).order_by()
    known = {one.pk: one for one in Screen.objects.filter(pk__in=[row[2] for row in counted])}
    return sorted(
        (
            Option(device, screens.name_of(desk, known[one]), n, device == choice.device)
            for device, n, one in counted
        ),
        key=lambda option: option.label.casefold(),
    )


def layouts_of(desk: Desk, choice: Choice) -> list[Option]:
    held = Choice(reason=choice.reason, device=choice.device).items(desk).filter(screen__isnull=False)
    counted = held.values_list("screen_id").annotate(n=Count("pk")).order_by()
    known = {one.pk: one for one in Screen.objects.filter(pk__in=[row[0] for row in counted])}
    return [
        Option(str(pk), f"{screens.name_of(desk, known[pk])} · {known[pk].width} × {known[pk].height} · {pk}", n,
               str(pk) == choice.layout)
        for pk, n in sorted(counted, key=lambda row: -row[1])
        if known[pk].tells
    ]  # fmt: skip


@dataclass(frozen=True)
class Around:
    """The groups before and after an item within a choice, its place among them, and how many there are."""

    before: int | None
    after: int | None
    place: int
    of: int


def around(desk: Desk, choice: Choice, item: Item) -> Around:
    groups = choice.groups(desk)
    order = [first for first, _n in groups]
    at = order.index(item.pk) if item.pk in order else _place_in(choice, desk, item, order)
    if at < 0:
        return Around(None, order[0] if order else None, 0, len(order))
    return Around(
        order[at - 1] if at > 0 else None, order[at + 1] if at + 1 < len(order) else None, at + 1, len(order)
    )


def _place_in(choice: Choice, desk: Desk, item: Item, order: list[int]) -> int:
    """Return where the series of an item stands, which is listed under its first item."""
    if not item.group or choice.each:
        return -1
    first = (
        choice.items(desk).filter(group=item.group, reason=item.reason).aggregate(first=Min("pk"))["first"]
    )
    return order.index(first) if first in order else -1
