"""The least that must be made coarser so that everyone is hidden among `k`: an exact search over the lattice of steps.

In come persons and the ladders of their quasi-identifiers, out come proposals, the one that loses least first. The
search takes the nodes in the order of their loss, which is known without looking at a row, and so the first that
reaches `k` is the best. A node is dropped unlooked where a part of its attributes alone already fails (Incognito,
LeFevre et al. 2005): what one or two attributes tell apart, more attributes cannot join again.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import polars as pl

from midas.kernel import BadInput
from midas.quality.ladders import Ladder

LARGEST_LATTICE = 200_000
_MANY, _COUNTED = 2**62, 2**21
"""Cells that a whole number can name, and cells that are counted without sorting the persons first (16 MB)."""
_PEOPLE, _CODE = "·people", "·code"

Node = tuple[int, ...]
Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Proposal:
    """One way to reach `k`: the step of each attribute, in words, and what it costs.

    `loss` is the mean normalised certainty penalty over persons and attributes, 0 to 1, before anyone is left out;
    `left_out` how many persons remain in smaller classes and must not be released; `k` that of all others.
    """

    steps: Mapping[str, int]
    words: Mapping[str, str]
    k: int
    loss: float
    left_out: int
    discernibility: int


@dataclass
class _Lattice:
    """Distinct persons once, with how many they are, and each step as a table from code to code."""

    ladders: tuple[Ladder, ...]
    people: Numbers
    codes: list[Numbers]
    tables: list[list[Numbers]]
    losses: list[list[float]]
    k: int
    allowed: int
    seen: dict[tuple[tuple[int, int], ...], bool] = field(default_factory=dict)

    def loss(self, node: Node) -> float:
        return sum(self.losses[at][step] for at, step in enumerate(node)) / len(node)

    def sizes(self, part: Sequence[tuple[int, int]]) -> Numbers:
        """Return the sizes of the classes that some attributes make, each at its step."""
        key, cells = np.zeros(len(self.people), dtype=np.int64), 1
        for at, step in part:
            table = self.tables[at][step]
            width = int(table.max()) + 1
            if cells * width > _MANY:
                key = np.unique(key, return_inverse=True)[1].astype(np.int64)
                cells = int(key.max()) + 1
            key, cells = key * width + table[self.codes[at]], cells * width
        if cells > _COUNTED:
            key = np.unique(key, return_inverse=True)[1]
        sizes = np.bincount(key, weights=self.people).astype(np.int64)
        return sizes[sizes > 0]

    def fails(self, part: Sequence[tuple[int, int]]) -> bool:
        key = tuple(part)
        if key not in self.seen:
            sizes = self.sizes(part)
            self.seen[key] = int(sizes[sizes < self.k].sum()) > self.allowed
        return self.seen[key]

    def hopeless(self, node: Node) -> bool:
        places = list(enumerate(node))
        return any(self.fails((one,)) for one in places) or any(
            self.fails(two) for two in combinations(places, 2)
        )

    def proposal(self, node: Node) -> Proposal | None:
        sizes = self.sizes(list(enumerate(node)))
        kept = sizes[sizes >= self.k]
        left_out = int(self.people.sum() - kept.sum())
        if left_out > self.allowed:
            return None
        chosen = dict(zip([one.attribute for one in self.ladders], node, strict=True))
        words = {one.attribute: one.steps[step].words for one, step in zip(self.ladders, node, strict=True)}
        return Proposal(
            chosen, words, int(kept.min()), self.loss(node), left_out, int((kept.astype(object) ** 2).sum())
        )


def _lattice(persons: pl.DataFrame, ladders: Sequence[Ladder], k: int, share: float) -> _Lattice:
    names = [one.attribute for one in ladders]
    distinct = persons.group_by(names, maintain_order=True).len(_PEOPLE)
    people = distinct[_PEOPLE].cast(pl.Int64).to_numpy()
    codes, tables, losses = [], [], []
    for ladder in ladders:
        values = distinct[ladder.attribute].unique(maintain_order=True)
        frame = values.to_frame().with_row_index(_CODE)
        code = distinct.select(ladder.attribute).join(
            frame, on=ladder.attribute, how="left", nulls_equal=True, maintain_order="left"
        )[_CODE].cast(pl.Int64).to_numpy()  # fmt: skip
        weight = np.bincount(code, weights=people, minlength=len(values)) / people.sum()
        held, steps, cost = values.to_list(), [], []
        for number, step in enumerate(ladder.steps):
            words = held if number == 0 else [step.to[value] for value in held]
            place = {word: at for at, word in enumerate(dict.fromkeys(words))}
            steps.append(np.array([place[word] for word in words], dtype=np.int64))
            cost.append(float(np.dot(weight, [step.loss[value] for value in held])))
        codes.append(code)
        tables.append(steps)
        losses.append(cost)
    return _Lattice(tuple(ladders), people, codes, tables, losses, k, int(share * persons.height))


def proposals(
    persons: pl.DataFrame, ladders: Sequence[Ladder], *, k: int, left_out: float = 0.0, most: int = 3
) -> tuple[Proposal, ...]:
    """Return up to `most` ways to reach `k`, the least loss first; none is a coarser form of another.

    `left_out` is the share of persons who may be kept back instead, 0 to 1. The answer is empty where there are
    fewer than `k` persons. Raise `BadInput` where the attributes have too many steps together to search all of
    them.
    """
    if not ladders or k < 1 or not 0 <= left_out < 1:
        raise BadInput(
            "There is nothing to search: no quasi-identifier, no k, or everyone may be left out.",
            advice="Name quasi-identifiers, a k of 1 or more, and a share below 1.",
        )
    if prod(len(one.steps) for one in ladders) > LARGEST_LATTICE:
        raise BadInput(
            "The quasi-identifiers have too many steps together.",
            advice=f"Mark fewer columns as quasi-identifiers; up to {LARGEST_LATTICE} combinations are searched.",
        )
    if persons.height < k:
        return ()
    lattice = _lattice(persons, ladders, k, left_out)
    start = (0,) * len(ladders)
    queue: list[tuple[float, Node]] = [(lattice.loss(start), start)]
    known, found = {start}, dict[Node, Proposal]()
    while queue and len(found) < most:
        _, node = heapq.heappop(queue)
        if any(all(mine >= other for mine, other in zip(node, one, strict=True)) for one in found):
            continue
        proposal = None if lattice.hopeless(node) else lattice.proposal(node)
        if proposal is not None:
            found[node] = proposal
            continue
        for at, step in enumerate(node):
            higher = (*node[:at], step + 1, *node[at + 1 :])
            if step + 1 < len(ladders[at].steps) and higher not in known:
                known.add(higher)
                heapq.heappush(queue, (lattice.loss(higher), higher))
    return tuple(found.values())


def coarser(persons: pl.DataFrame, ladders: Sequence[Ladder], steps: Mapping[str, int]) -> pl.DataFrame:
    """Return the persons with each attribute at its step; an attribute without one stays as it is."""
    return persons.with_columns(
        one.coarser(persons[one.attribute], steps.get(one.attribute, 0)) for one in ladders
    )
