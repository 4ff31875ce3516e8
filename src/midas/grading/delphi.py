"""Expert ratings of a rubric's items → content validity: I-CVI, S-CVI/Ave, chance agreement Pc and modified kappa k*.

The source gives a clarity scale of 0 to 4 and defines agreement as "rated 4 or 5", which fits 1 to 5: both readings are
offered, and the cut-off is a parameter. I-CVI = A/N; Pc = C(N, A) · 0.5^N; k* = (I-CVI - Pc)/(1 - Pc) (Polit et al. 2007).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from midas.kernel import BadInput

MOST_BYTES, MOST_ITEMS, MOST_EXPERTS = 1024 * 1024, 1000, 200
I_CVI, S_CVI, EXCELLENT = 0.78, 0.90, 0.74
"""Targets of the MIDAS 2.0 Delphi proposal: I-CVI and S-CVI/Ave at least, k* for "excellent". They are told in two decimals,
and so is what is compared with them: 7 of 9 experts are 0.78 (Polit, Beck and Owen 2007, table 4)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A rating scale from `low` to `high`; from `agrees` upwards a rating counts as agreement."""

    name: str
    low: int
    high: int
    agrees: int


SCALES = {
    "0-4": Scale("0-4", 0, 4, 3),
    "1-5": Scale("1-5", 1, 5, 4),
}
"""Both readings of the proposal. In each, agreement is the upper two steps: "clear" and "exceptionally clear"."""


def _hundredths(figure: float) -> int:
    """Return a figure in hundredths, half-up; what binary fractions add or lack behind the ninth decimal is no half."""
    return math.floor(round(figure * 100, 9) + 0.5)


@dataclass(frozen=True, slots=True)
class Item:
    """One item that experts rated."""

    name: str
    experts: int
    agreeing: int
    i_cvi: float
    chance: float
    kappa: float

    @property
    def kept(self) -> bool:
        return _hundredths(self.i_cvi) >= _hundredths(I_CVI)

    @property
    def excellent(self) -> bool:
        return _hundredths(self.kappa) >= _hundredths(EXCELLENT)


@dataclass(frozen=True, slots=True)
class Review:
    scale: Scale
    items: tuple[Item, ...]
    s_cvi: float

    @property
    def reached(self) -> bool:
        """Whether the scale as a whole and every item reach their targets."""
        return _hundredths(self.s_cvi) >= _hundredths(S_CVI) and all(one.kept for one in self.items)


def review(ratings: Mapping[str, Sequence[int]], *, scale: Scale) -> Review:
    """Work out content validity from the ratings of each item; `BadInput` for none, or for one off the scale."""
    if not ratings:
        raise BadInput("Nothing was rated.", advice="Give the ratings of at least one item.")
    items = tuple(_item(name, given, scale) for name, given in ratings.items())
    return Review(scale, items, sum(one.i_cvi for one in items) / len(items))


def _item(name: str, given: Sequence[int], scale: Scale) -> Item:
    if not given:
        raise BadInput(f"Nobody rated '{name}'.", advice="Leave the item out, or ask for ratings.")
    if any(not scale.low <= one <= scale.high for one in given):
        raise BadInput(
            f"A rating of '{name}' is not on the scale {scale.name}.",
            advice="Choose the scale that was used.",
        )
    experts, agreeing = len(given), sum(one >= scale.agrees for one in given)
    i_cvi, chance = agreeing / experts, math.comb(experts, agreeing) * 0.5**experts
    kappa = (i_cvi - chance) / (1 - chance)
    return Item(name, experts, agreeing, i_cvi, chance, kappa)


def readings(ratings: Mapping[str, list[int]]) -> dict[str, Review]:
    """Judge ratings on each scale that has all of them; `BadInput` where none has."""
    given = [one for row in ratings.values() for one in row]
    fit = [one for one in SCALES.values() if all(one.low <= rating <= one.high for rating in given)]
    if not fit:
        raise BadInput("A rating is on neither scale.", advice="Rate from 0 to 4, or from 1 to 5.")
    return {one.name: review(ratings, scale=one) for one in fit}


def ratings_in(told: bytes) -> dict[str, list[int]]:
    """Read a CSV: one row per item, its name first, then a rating per expert; an empty cell is no answer.

    A first row without any number is taken as titles. `BadInput` for anything else, or a file that is too large.
    """
    if not 0 < len(told) <= MOST_BYTES:
        raise BadInput("This is no table of ratings.", advice="A CSV of at most 1 MiB.")
    try:
        rows = [row for row in csv.reader(io.StringIO(told.decode("utf-8-sig"), newline="")) if any(row)]
        if len(rows) > 1 and not any(one.strip().isdecimal() for one in rows[0][1:]):
            rows = rows[1:]
        found = {row[0].strip(): [int(one) for one in row[1:] if one.strip()] for row in rows}
    except (ValueError, csv.Error):
        raise BadInput(
            "A rating is a whole number.", advice="Leave a cell empty where an expert said nothing."
        ) from None
    if len(found) != len(rows) or len(rows) > MOST_ITEMS or any(len(row) > MOST_EXPERTS + 1 for row in rows):
        raise BadInput(
            "An item stands there twice, or there are too many.",
            advice=f"At most {MOST_ITEMS} items, each once, and {MOST_EXPERTS} experts.",
        )
    return found
