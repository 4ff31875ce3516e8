"""Which numbers of persons may be told to anyone: pure, in whole fives, and safe to subtract from one another.

In come exact counts of persons and what was told before; out come counts that could themselves be the truth: they add up,
none is 1 to 4, and neither is any difference between two of them. Who reads only what is told can therefore never say
that a group, or its complement, or what was added to it, has 1 to 4 persons in it. Nor can a hospital that knows its own
persons say so of all others: 1 to 4 of them among its own count as nobody (`alone`). See `docs/design/020-public-tables.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEAST = 5
"""Fewer persons than this are never told apart from nobody; also the base that all counts are rounded to."""
SMALLEST_WHOLE = 30
"""With fewer persons than this a dataset tells its total and no table."""
CROSSED_FROM = 300
"""Age is told by sex from so many persons on; with fewer, most cells would be too small and age alone says more."""
NOT_SAID = ""
"""The category of persons of whom nothing is known in a dimension."""
OF = "|"
"""Between the outer and the inner category of a nested table: `F|40–49`."""

Cells = Mapping[str, int]
Parts = Mapping[str, int]
"""Persons of one group by hospital."""
NESTED = {"age_sex": "sex", "hospital": "state"}
"""Tables whose cells divide the cells of another one."""
SINGLE = ("sex", "state")
"""Dimensions in which each person has exactly one category; all others may have several, or none."""


def whole(people: int) -> int:
    """Round a number of persons down to a whole five."""
    return people - people % LEAST


def largest(parts: Parts) -> str:
    """Name the hospital with most persons of a group."""
    return max(sorted(parts), key=lambda one: parts[one], default="")


def alone(parts: Parts) -> int:
    """Count the persons of a group, but 1 to 4 beside those of its largest hospital as nobody.

    That hospital would else subtract its own. Whichever hospital asks, the count that is told is then the same whether all
    others have 0, 1, 2, 3 or 4 persons in the group.
    """
    most = max(parts.values(), default=0)
    people = sum(parts.values())
    return most if people - most < LEAST else people


def without(people: Parts, parts: Parts) -> dict[str, int]:
    """Return the persons of each hospital who are not in a group."""
    return {spoke: number - parts.get(spoke, 0) for spoke, number in people.items()}


def share(counts: Cells, total: int, before: Cells | None = None) -> dict[str, int] | None:
    """Round categories that exclude one another, so that they add up to `total` (zero-restricted controlled rounding).

    A category under `LEAST` is 0; every other one goes to one of the two fives around it, those with the largest remainder
    up, and the largest also stands for what has no room then. Nothing falls below what was told before, unless the total
    did. `None` where no category can be told, or where it cannot go on from what was told before.
    """
    before = before or {}
    low = {name: whole(number) for name, number in counts.items()}
    told = {name: max(before.get(name, 0), least) for name, least in low.items()}
    if total < sum(before.values()):
        told = {name: min(told[name], least + LEAST) for name, least in low.items()}
    left = total - sum(told.values())
    for name in sorted(told, key=lambda one: (told[one] - counts[one], one)):
        if left > 0 and low[name] and told[name] == low[name]:
            told[name], left = told[name] + LEAST, left - LEAST
    largest = max(sorted(told), key=lambda one: told[one], default=None)
    if largest is None or not told[largest] or left < 0:
        return None
    return told | {largest: told[largest] + left}


def among(
    counts: Cells,
    *,
    people: int,
    before: Cells | None = None,
    before_total: int = 0,
    without: Cells | None = None,
) -> dict[str, int] | None:
    """Round categories of which a person may have several: each is divided from its complement, as by `share`.

    `NOT_SAID` holds who has none; `without` are those who do not have a value, `people` less its count where it is not
    given. Where the told categories cannot hold all others, the largest also stands for those.
    `None` as for `share`.
    """
    total, told = whole(people), {}
    for name, number in {NOT_SAID: 0, **counts}.items():
        was = (
            {}
            if before is None
            else {"with": before.get(name, 0), "none": before_total - before.get(name, 0)}
        )
        none = people - number if without is None else without.get(name, people)
        pair = share({"none": none, "with": number}, total, was)
        if pair is None:
            return None
        told[name] = pair["with"]
    said = total - told[NOT_SAID]
    named = {name: number for name, number in told.items() if name != NOT_SAID}
    largest = max(sorted(named), key=lambda one: named[one], default=None)
    if largest is None or named[largest] > said:
        return None
    if (
        said and not named[largest]
    ):  # all are few: that a table is missing would tell it, so they count as none
        return dict.fromkeys(told, 0) | {NOT_SAID: total}
    short = said - sum(named.values())
    for name in sorted(named, key=lambda one: (named[one] - counts[one], one)):
        if short > 0 and 0 < named[name] < counts[name] and named[name] + LEAST <= said:
            named[name], short = named[name] + LEAST, short - LEAST
    return told | named | {largest: named[largest] + max(short, 0)}


def _nested(counts: Cells, outer: Cells, before: Cells | None) -> dict[str, int] | None:
    """Divide each told cell of the outer table; `None` where one cannot be divided."""
    found: dict[str, int] = {}
    for name, total in outer.items():
        inner = {key: number for key, number in counts.items() if key.partition(OF)[0] == name}
        was = {key: (before or {}).get(key, 0) for key in inner}
        told = share(inner, total, was) if total else dict.fromkeys(inner, 0)
        if told is None:
            return None
        found |= told
    return found


def _ages(cells: Cells) -> dict[str, int]:
    """Add a table of age and sex up to one of age."""
    found: dict[str, int] = {}
    for key, number in cells.items():
        band = key.partition(OF)[2]
        found[band] = found.get(band, 0) + number
    return found


@dataclass
class _Telling:
    """The tables of one version while they are made; `before` are those told last."""

    exact: Mapping[str, Cells]
    people: int
    version: str
    before: Mapping[str, Any]
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return whole(self.people)

    def was(self, name: str) -> dict[str, int]:
        cells: dict[str, int] = self.before.get(name, {}).get("cells", {})
        return cells

    def tell(self, name: str, cells: Cells | None) -> None:
        """Take a fresh table, or where there is none the one that was told last."""
        if cells is not None:
            self.found[name] = {"as_of": self.version, "total": self.total, "cells": dict(cells)}
        elif name in self.before:
            self.found[name] = self.before[name]

    def fresh(self, name: str) -> bool:
        return name in self.found and bool(self.found[name]["as_of"] == self.version)

    def divided(self, name: str) -> dict[str, int] | None:
        outer = NESTED[name]
        if name not in self.exact or not self.fresh(outer):
            return None
        return _nested(self.exact[name], self.found[outer]["cells"], self.was(name))

    def ages(self) -> None:
        """Tell age by sex where there are enough persons, and age as its sum; else age alone."""
        cells = self.divided("age_sex") if self.total >= CROSSED_FROM else None
        if cells is not None and any(
            _ages(cells).get(band, 0) < told for band, told in self.was("age").items()
        ):
            cells = None
        self.tell("age_sex", cells)
        if cells is not None:
            self.tell("age", _ages(cells))
        elif "age" in self.exact:
            alone = None if "age_sex" in self.found else share(self.exact["age"], self.total, self.was("age"))
            self.tell("age", alone)


def tables(
    exact: Mapping[str, Cells], *, people: int, version: str, before: Mapping[str, Any],
    without: Mapping[str, Cells] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the tables that may be told of one version, by dimension: `{"as_of", "total", "cells"}`.

    `before` are those told last, `without` as for `among`. A table that cannot go on from there stands as it was told, with
    the version it is of.
    """
    if whole(people) < SMALLEST_WHOLE:
        return dict(before)
    telling = _Telling(exact, people, version, before)
    for name in SINGLE:
        if name in exact:
            telling.tell(name, share(exact[name], telling.total, telling.was(name)))
    telling.tell("hospital", telling.divided("hospital"))
    telling.ages()
    for name in exact.keys() - {*SINGLE, *NESTED, "age"}:
        then = before.get(name)
        told = among(
            exact[name],
            people=people,
            before=then["cells"] if then else None,
            before_total=then["total"] if then else 0,
            without=(without or {}).get(name),
        )
        telling.tell(name, told)
    return telling.found


def volume(amount: int, *, people: int) -> int:
    """Tell an amount of images or bytes: two digits of what there is for one person, times the told persons."""
    if people < LEAST or not amount:
        return 0
    return int(float(f"{whole(people) * float(f'{amount / people:.2g}'):.2g}"))
