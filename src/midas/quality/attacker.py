"""A simulated attacker: who knows something of a person, and names a row. In come frames, out comes how often it is
right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from midas.kernel import BadInput
from midas.quality.intervals import share

TRIALS = 10_000
_CANDIDATES = "·candidates"


@dataclass(frozen=True)
class Attack:
    """How often the attacker named the right person: the share of `trials`, with a 95 % interval (Wilson).

    `model` is `prosecutor` (looks for someone known to be in the data) or `journalist` (has a register of a
    population and looks up any row of the data in it; El Emam and Dankar 2008).
    """

    model: Literal["prosecutor", "journalist"]
    trials: int
    right: int
    success: float
    low: float
    high: float


def attack(
    released: pl.DataFrame, *, quasi: Sequence[str], seed: int, register: pl.DataFrame | None = None,
    knows: float = 1.0, trials: int = TRIALS,
) -> Attack:  # fmt: skip
    """Attack `trials` persons drawn from `released`; `subject` and the quasi-identifiers are its columns.

    In each trial the attacker knows each quasi-identifier with chance `knows` (1: all, the worst case), keeps those
    who are alike in all that, and names one of them by chance. Without `register` these are the rows of `released`
    (prosecutor); with it, the persons of that population, of whom each one released must be one under the same
    `subject` and in the same steps.
    """
    if released.is_empty() or not quasi or trials < 1 or not 0 <= knows <= 1:
        raise BadInput(
            "There is nothing to attack: no person, no quasi-identifier or no trial.",
            advice="Hand in persons and quasi-identifiers, one trial or more, and a chance between 0 and 1.",
        )
    among = released if register is None else register
    if (
        register is not None
        and not released.join(register, on=["subject", *quasi], how="anti", nulls_equal=True).is_empty()
    ):
        raise BadInput(
            "The register does not hold everyone who is released, or not in the same form.",
            advice="Take a register of the whole population, and make it coarser in the same way as the data.",
        )
    rng = np.random.default_rng(seed)
    victims = released[rng.integers(released.height, size=trials)]
    known = rng.random((trials, len(quasi))) < knows
    right = 0
    for mask, rows in _by_knowledge(known):
        facts = [one for one, is_known in zip(quasi, mask, strict=True) if is_known]
        right += _named(victims.filter(pl.Series(rows)), among, facts, rng)
    success, low, high = share(right, trials)
    return Attack("prosecutor" if register is None else "journalist", trials, right, success, low, high)


def _by_knowledge(known: np.ndarray[Any, Any]) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Return the trials with the same knowledge together: what is known, and which trials they are."""
    masks, which = np.unique(known, axis=0, return_inverse=True)
    return [(mask, which.ravel() == number) for number, mask in enumerate(masks)]


def _named(victims: pl.DataFrame, among: pl.DataFrame, known: list[str], rng: np.random.Generator) -> int:
    """Let the attacker name one of the candidates of each victim; return how many were right.

    Which candidate is the victim is a matter of order alone, so the guess is right when it falls on the first.
    """
    if known:
        counts = among.group_by(known).len(_CANDIDATES)
        size = victims.join(counts, on=known, nulls_equal=True)[_CANDIDATES].to_numpy()
    else:
        size = np.full(victims.height, among.height)
    return int((rng.integers(size) == 0).sum())
