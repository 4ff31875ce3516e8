"""Shares with the interval in which the true share lies with 95 % (statsmodels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

CONFIDENCE = 0.95

Numbers = np.ndarray[Any, Any]


def shares(
    counts: Sequence[int] | Numbers,
    of: Sequence[int] | Numbers,
    *,
    method: Literal["wilson", "jeffreys"] = "wilson",
    together: int = 1,
) -> tuple[Numbers, Numbers, Numbers]:
    """Return `counts / of` and the bounds (Wilson 1927, or Jeffreys: Brown, Cai and DasGupta 2001).

    A share of nothing is 0, and anything between 0 and 1 may be true. The bounds hold the share itself. `together` is
    how many intervals must be right at once (Bonferroni).
    """
    from statsmodels.stats.proportion import proportion_confint

    number, whole = np.asarray(counts, dtype=float), np.asarray(of, dtype=float)
    some = np.maximum(whole, 1)
    low, high = proportion_confint(number, some, alpha=(1 - CONFIDENCE) / together, method=method)
    value = number / some
    low, high = np.clip(np.minimum(low, value), 0, 1), np.clip(np.maximum(high, value), 0, 1)
    return value, np.where(whole == 0, 0.0, low), np.where(whole == 0, 1.0, high)


def share(count: int, of: int) -> tuple[float, float, float]:
    """Return one share with its bounds (Wilson)."""
    (value,), (low,), (high,) = shares([count], [of])
    return float(value), float(low), float(high)
