"""Which numbers of persons may be told to anyone: pure, in whole fives, and safe to subtract from one another.

In come exact counts of persons and what was told before; out come counts that could themselves be the truth: they add up,
none is 1 to 4, and neither is any difference between two of them. Who reads only what is told can therefore never say
that a group, or its complement, or what was added to it, has 1 to 4 persons in it. See `docs/design/020-public-tables.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEAST = 5
"""Fewer persons than this are never told apart from nobody; also the base that all counts are rounded to."""
SMALLEST_WHOLE = 30
"""With fewer persons than this a dataset tells its total and no table."""
NOT_SAID = ""
"""The category of persons of whom nothing is known in a dimension."""
OF = "|"
"""Between the outer and the inner category of a nested table: `F|40–49`."""

Cells = Mapping[str, int]
NESTED = {"age_sex": "sex", "hospital": "state"}
"""Tables whose cells divide the cells of another one."""
SINGLE = ("sex", "state")
"""Dimensions in which each person has exactly one category; all others may have several, or none."""


def whole(people: int) -> int:
    """Round a number of persons down to a whole five."""
    return people - people % LEAST


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
    counts: Cells, *, people: int, before: Cells | None = None, before_total: int = 0
) -> dict[str, int] | None:
    """Round categories of which a person may have several: each is divided from its complement, as by `share`.

    `NOT_SAID` holds who has none. Where the told categories cannot hold all others, the largest also stands for those.
    `None` as for `share`.
    """
    total, told = whole(people), {}
    for name, number in {NOT_SAID: 0, **counts}.items():
        was = {} if before is None else {"with": before.get(name, 0), "none": before_total - before.get(name, 0)}
        pair = share({"none": people - number, "with": number}, total, was)
        if pair is None:
            return None
        told[name] = pair["with"]
    said = total - told[NOT_SAID]
    named = {name: number for name, number in told.items() if name != NOT_SAID}
    largest = max(sorted(named), key=lambda one: named[one], default=None)
    if largest is None or (said and not named[largest]) or named[largest] > said:
        return None
    short = said - sum(named.values())
    return told | {largest: named[largest] + max(short, 0)}


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


def tables(exact: Mapping[str, Cells], *, people: int, version: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables that may be told of one version, by dimension: `{"as_of", "total", "cells"}`.

    `before` are those told last. A table that cannot go on from there stands as it was told, with the version it is of.
    """
    if (total := whole(people)) < SMALLEST_WHOLE:
        return dict(before)
    found: dict[str, Any] = {}

    def tell(name: str, cells: Mapping[str, int] | None) -> None:
        if cells is not None:
            found[name] = {"as_of": version, "total": total, "cells": dict(cells)}
        elif name in before:
            found[name] = before[name]

    for name in (*SINGLE, "age_sex", "hospital", "age"):
        if name not in exact:
            continue
        was = before.get(name, {}).get("cells")
        if name == "age":
            fresh = found.get("age_sex", {}).get("as_of") == version
            known = "age_sex" in before
            tell(name, _ages(found["age_sex"]["cells"]) if fresh else None if known else share(exact[name], total, was))
        elif name in NESTED:
            outer = found.get(NESTED[name], {})
            ages_alone = name == "age_sex" and "age" in before and name not in before
            goes_on = outer.get("as_of") == version and not ages_alone
            tell(name, _nested(exact[name], outer["cells"], was) if goes_on else None)
        else:
            tell(name, share(exact[name], total, was))
    for name in (name for name in exact if name not in (*SINGLE, *NESTED, "age")):
        was = before.get(name, {})
        tell(name, among(exact[name], people=people, before=was.get("cells"), before_total=was.get("total", 0)))
    return found


def volume(amount: int, *, people: int) -> int:
    """Tell an amount of images or bytes: two digits of what there is for one person, times the told persons."""
    if people < LEAST or not amount:
        return 0
    return int(float(f"{whole(people) * float(f'{amount / people:.2g}'):.2g}"))
