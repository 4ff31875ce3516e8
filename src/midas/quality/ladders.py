"""How a quasi-identifier can be made coarser, step by step: age in bands, a state in its zone, hidden at last.

In come the values that a column has; out comes a `Ladder`. Each step joins whole groups of the step before, so that
persons who are alike on one step are alike on every higher one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from midas.protocol.model import Column, Protocol
from midas.quality.persons import AND, STANDING, named

HIDDEN = "*"
AGE_WIDTHS = (5, 10, 20, 40)
"""Years in a band; each divides the next."""

_ZONES = {
    "Northern": ("Chandigarh", "Delhi", "Haryana", "Himachal Pradesh", "Jammu and Kashmir", "Ladakh", "Punjab", "Rajasthan"),
    "Central": ("Chhattisgarh", "Uttar Pradesh", "Uttarakhand", "Madhya Pradesh"),
    "Eastern": ("Bihar", "Jharkhand", "Odisha", "West Bengal"),
    "Western": ("Dadra and Nagar Haveli and Daman and Diu", "Goa", "Gujarat", "Maharashtra"),
    "Southern": ("Andhra Pradesh", "Karnataka", "Kerala", "Puducherry", "Tamil Nadu", "Telangana",
                 "Andaman and Nicobar Islands", "Lakshadweep"),
    "North Eastern": ("Arunachal Pradesh", "Assam", "Manipur", "Meghalaya", "Mizoram", "Nagaland", "Sikkim", "Tripura"),
}  # fmt: skip
ZONE_OF_STATE: Mapping[str, str] = {state: zone for zone, states in _ZONES.items() for state in states}
"""Zones of the States Reorganisation Act 1956, section 15, and of the North Eastern Council Act 1971, as they are
grouped today. Andaman and Nicobar Islands and Lakshadweep, which are in no council, stand with the South."""


@dataclass(frozen=True)
class Step:
    """One step: what each value becomes, and how much that loses, from 0 (nothing) to 1 (all).

    Loss is the normalised certainty penalty (Xu et al. 2006) counted in leaves: (values that could be meant − 1)
    divided by (all − 1).
    """

    words: str
    to: Mapping[Any, str | None]
    loss: Mapping[Any, float]


@dataclass(frozen=True)
class Ladder:
    """The steps of one attribute, from as it is to hidden."""

    attribute: str
    steps: tuple[Step, ...]

    def coarser(self, values: pl.Series, step: int) -> pl.Series:
        """Return the values as they stand on a step; step 0 changes nothing."""
        if step == 0:
            return values
        to = self.steps[step].to
        return values.replace_strict(list(to), list(to.values()), return_dtype=pl.String)


def _ladder(attribute: str, observed: Sequence[Any], between: list[Step]) -> Ladder:
    as_it_is = Step("as it is", {}, dict.fromkeys(observed, 0.0))
    hidden = Step("hidden", dict.fromkeys(observed, HIDDEN), dict.fromkeys(observed, 1.0))
    return Ladder(attribute, (as_it_is, *between, hidden))


def bands(
    attribute: str,
    values: pl.Series,
    *,
    widths: Sequence[int | float],
    low: float,
    high: float,
    unit: str = "",
) -> Ladder:
    """Return a ladder of bands that start at multiples of their width; each width divides the next.

    `low` and `high` bound what the number can be; whole numbers are meant where all widths are whole.
    """
    observed = values.unique().to_list()
    one = 1 if all(float(width).is_integer() for width in widths) else 0
    steps: list[Step] = []
    for width in widths:
        lost = min((width - one) / max(high - low, 1e-9), 1.0)
        to: dict[Any, str | None] = {None: None}
        loss: dict[Any, float] = {None: 0.0}
        for value in observed:
            if value is not None:
                first = math.floor(value / widths[0] + 1e-9) // round(width / widths[0]) * width
                to[value] = f"{first:g}–{first + width - one:g}"
                loss[value] = lost
        steps.append(Step(f"bands of {width:g}{' ' + unit if unit else ''}", to, loss))
    return _ladder(attribute, observed, steps)


def tree(
    attribute: str, values: pl.Series, *, broader: Mapping[str, str], leaves: Sequence[str] = ()
) -> Ladder:
    """Return a ladder that follows `broader` (word → wider word → still wider word) as far as it leads.

    `leaves` are all words that the column can hold. A person with several words is led word by word.
    """
    observed = values.unique().to_list()
    parts = {part for value in observed if value is not None for part in str(value).split(AND)}
    words = {*leaves, *parts}
    steps: list[Step] = []
    at = {word: word for word in words}
    while any(word in broader for word in at.values()) and len(steps) < len(broader):
        at = {word: broader.get(now, now) for word, now in at.items()}
        meant = {now: sum(1 for other in at.values() if other == now) for now in at.values()}
        to: dict[Any, str | None] = {None: None}
        loss: dict[Any, float] = {None: 0.0}
        for value in observed:
            if value is not None:
                now = sorted({at[part] for part in str(value).split(AND)})
                to[value] = AND.join(now)
                loss[value] = max(meant[one] - 1 for one in now) / max(len(words) - 1, 1)
        steps.append(Step(f"broader{' ' + str(len(steps) + 1) if steps else ''}", to, loss))
    return _ladder(attribute, observed, steps)


def ladders(protocol: Protocol, persons: pl.DataFrame, quasi: Sequence[str]) -> tuple[Ladder, ...]:
    """Return the ladder of each quasi-identifier: as the protocol declares (`broader`), and by kind where it does not.

    Ages go in bands of 5, 10, 20 and 40 years, other numbers in widths of 1, 5, 10, 50 … of their range, states in
    zones.
    """
    columns = {named(table, one): one for table in protocol.tables for one in table.columns}
    found = []
    for name in quasi:
        values = persons[name]
        if name == "age":
            found.append(bands(name, values, widths=AGE_WIDTHS, low=0, high=90, unit="years"))
        elif name in STANDING:
            found.append(tree(name, values, broader={}))
        else:
            found.append(_of_column(columns[name], name, values))
    return tuple(found)


def _of_column(column: Column, name: str, values: pl.Series) -> Ladder:
    if column.type in {"integer", "number"}:
        seen = values.drop_nulls()
        low = column.min if column.min is not None else float(seen.min() or 0)  # type: ignore[arg-type]
        high = column.max if column.max is not None else float(seen.max() or 0)  # type: ignore[arg-type]
        unit = 10.0 ** math.floor(math.log10(max(high - low, 1e-9) / 20))
        widths = [unit * factor for factor in (1, 5, 10, 50) if unit * factor < high - low]
        whole = [width for width in widths if width > 1] if column.type == "integer" else widths
        return bands(name, values, widths=whole, low=low, high=high, unit=column.unit)
    broader = column.broader or (ZONE_OF_STATE if set(column.values) <= ZONE_OF_STATE.keys() else {})
    return tree(name, values, broader=broader, leaves=column.values)
