"""How well a person is hidden among others: k, l and t, and who stands alone. Pure functions over a frame of persons.

Persons with the same quasi-identifiers are one class. A value that is missing counts as a value of its own.
Work is one grouping per measure, so it grows with the rows and not with their square.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from midas.kernel import BadInput

_CLASS, _SIZE, _NUMBER, _USUAL = "·class", "·size", "·number", "·usual"
"""Columns of the working; attributes have no such names."""


@dataclass(frozen=True)
class Diversity:
    """How much a class tells of one sensitive attribute, at its worst class.

    `distinct` is l of distinct l-diversity, `entropy` exp(H), of which the floor is l of entropy l-diversity
    (Machanavajjhala et al. 2007). `t` is that of t-closeness (Li et al. 2007): equal distance for words, ordered
    distance for numbers.
    """

    attribute: str
    distinct: int
    entropy: float
    t: float


@dataclass(frozen=True)
class Risk:
    """What the classes say: `sizes` counts classes by their number of persons.

    `highest` is the chance that an attacker who knows all quasi-identifiers of someone in the data names the right
    row, for the person worst off (1/k); `average` the same over all persons; `uniqueness` the share of persons who
    stand alone.
    """

    quasi: tuple[str, ...]
    persons: int
    classes: int
    k: int
    uniqueness: float
    sizes: Mapping[int, int]
    diversity: tuple[Diversity, ...]

    @property
    def highest(self) -> float:
        return 1 / self.k

    @property
    def average(self) -> float:
        return self.classes / self.persons

    @property
    def discernibility(self) -> int:
        """Sum of squared class sizes (Bayardo and Agrawal 2005): how much is no longer told apart."""
        return sum(size * size * number for size, number in self.sizes.items())

    def below(self, k: int) -> int:
        """Return how many persons are in classes of fewer than `k`."""
        return sum(size * number for size, number in self.sizes.items() if size < k)


def risk(persons: pl.DataFrame, *, quasi: Sequence[str], sensitive: Sequence[str] = ()) -> Risk:
    """Measure the classes that `quasi` makes; raise `BadInput` where there is no person or no quasi-identifier."""
    if persons.is_empty() or not quasi:
        raise BadInput(
            "There is nothing to measure: no person, or no quasi-identifier.",
            advice="Hand in at least one person, and name in the protocol what others may know (quasi_identifier).",
        )
    classes = persons.group_by(quasi).len(_SIZE).with_row_index(_CLASS)
    sizes = classes[_SIZE].value_counts().sort(_SIZE)
    counted = dict(zip(sizes[_SIZE].to_list(), sizes["count"].to_list(), strict=True))
    return Risk(
        quasi=tuple(quasi), persons=persons.height, classes=classes.height, k=min(counted),
        uniqueness=counted.get(1, 0) / persons.height, sizes=counted,
        diversity=tuple(_diversity(persons, classes, quasi, name) for name in sensitive),
    )  # fmt: skip


def _diversity(persons: pl.DataFrame, classes: pl.DataFrame, quasi: Sequence[str], name: str) -> Diversity:
    cells = persons.group_by([*quasi, name]).len(_NUMBER)
    cells = cells.join(classes, on=list(quasi), nulls_equal=True)
    part = pl.col(_NUMBER) / pl.col(_SIZE)
    each = cells.group_by(_CLASS).agg(distinct=pl.len(), entropy=-(part * part.log()).sum())
    far = _ordered(cells, name) if persons[name].dtype.is_numeric() else _equal(cells, name)
    entropy = float(np.exp(each["entropy"].to_numpy().min()))
    return Diversity(name, int(each["distinct"].to_numpy().min()), entropy, far)


def _equal(cells: pl.DataFrame, name: str) -> float:
    """Return the largest distance of a class from all, every two words being equally far: half of the sum of differences."""
    usual = (
        cells.group_by(name)
        .agg(pl.col(_NUMBER).sum().alias(_USUAL))
        .with_columns(pl.col(_USUAL) / pl.col(_USUAL).sum())
    )
    apart = (pl.col(_NUMBER) / pl.col(_SIZE) - pl.col(_USUAL)).clip(lower_bound=0)
    far = cells.join(usual, on=name, nulls_equal=True).group_by(_CLASS).agg(t=apart.sum())
    return float(far["t"].to_numpy().max())


def _ordered(cells: pl.DataFrame, name: str) -> float:
    """Return the largest earth mover's distance of a class from all, over known numbers in their order.

    It is the mean of |P − Q| over the steps between neighbouring numbers. P of a class changes only at its own
    numbers; between two of them the sum over Q has a closed form by prefix sums, so no class is spread over all
    numbers.
    """
    known = cells.filter(pl.col(name).is_not_null()).sort(_CLASS, name)
    values, rank = np.unique(known[name].to_numpy(), return_inverse=True)
    if len(values) < 2:
        return 0.0
    number = known[_NUMBER].to_numpy().astype(float)
    total = np.cumsum(np.bincount(rank, weights=number))
    usual = total / total[-1]
    before = np.concatenate([[0.0], np.cumsum(usual)])
    starts = np.flatnonzero(np.diff(known[_CLASS].to_numpy(), prepend=-1))
    lengths = np.diff(np.append(starts, len(number)))
    upto = np.cumsum(number)
    base = np.repeat(upto[starts] - number[starts], lengths)
    size = np.repeat(np.add.reduceat(number, starts), lengths)
    held = (upto - base) / size
    until = np.append(rank[1:], len(values))
    until[starts[1:] - 1] = len(values)
    until[-1] = len(values)
    turn = np.clip(np.searchsorted(usual, held), rank, until)
    gap = (
        held * (turn - rank)
        - (before[turn] - before[rank])
        + (before[until] - before[turn])
        - held * (until - turn)
    )
    moved = np.add.reduceat(gap, starts) + before[rank[starts]]
    return max(0.0, float(moved.max() / (len(values) - 1)))
