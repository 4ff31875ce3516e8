"""Shares with the interval in which the true share lies with 95 % (statsmodels)."""

from __future__ import annotations

from typing import Literal

CONFIDENCE = 0.95


def share(count: int, of: int, *, method: Literal["wilson", "jeffreys"] = "wilson") -> tuple[float, float, float]:
    """Return `count / of` and its bounds (Wilson 1927, or Jeffreys: Brown, Cai and DasGupta 2001); nothing of nothing is 0 in (0, 1)."""
    from statsmodels.stats.proportion import proportion_confint

    if of == 0:
        return 0.0, 0.0, 1.0
    low, high = proportion_confint(count, of, alpha=1 - CONFIDENCE, method=method)
    return count / of, max(float(low), 0.0), min(float(high), 1.0)
