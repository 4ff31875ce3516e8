"""How far readers agree: on one item, and over a whole task with what chance alone would give.

In come values or drawn masks; out come coefficients with their 95 % confidence intervals. Nothing here knows a reader.
κ and its variance are statsmodels' (Fleiss, Cohen and Everitt 1969), Dice SimpleITK's, ICC(2,1) Shrout and Fleiss's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from midas.quality.intervals import share

Mask = Mapping[str, Any]
"""Structure → boolean array; the arrays of two readers of one item have one shape."""
FEWEST = 2
"""Items below which nothing is said of a whole task."""
LEVEL = 0.95


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with the ends of its interval, `None` where it cannot be computed; `name` is its symbol."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    items: int


def kappa(pairs: Sequence[tuple[str, str]], values: Sequence[str], *, ordinal: bool = False) -> Coefficient:
    """Return Cohen's κ of two readers over items; weighted linearly by the distance of values where they are ordered.

    Where both always say one and the same value, chance alone agrees wholly and κ is not defined: its value is `None`.
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    name = "κw" if ordinal else "κ"
    if len(pairs) < FEWEST or len({value for pair in pairs for value in pair}) < 2:
        return Coefficient(name, None, None, None, len(pairs))
    place = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for first, second in pairs:
        table[place[first], place[second]] += 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = cohens_kappa(table, wt="linear" if ordinal else None)
    low, high = _told(found.kappa_low, floor=-1.0), _told(found.kappa_upp, ceiling=1.0)
    return Coefficient(name, _told(found.kappa), low, high, len(pairs))


def of_classes(pairs: Sequence[tuple[str, str]], values: Sequence[str]) -> tuple[Coefficient, ...]:
    """Return of each value that either reader chose how far they agree on it: 2a / (2a + b), of items where both (a) or
    one alone (b) chose it (Fleiss 1975; Cicchetti and Feinstein 1990).

    The interval is Wilson's of a / (a + b), of which the coefficient is a rising function.
    """
    found = []
    for value in values:
        both = sum(one == other == value for one, other in pairs)
        said = sum(value in pair for pair in pairs)
        if said:
            told, low, high = (2 * one / (1 + one) for one in share(both, said))
            found.append(Coefficient(value, told, low, high, said))
    return tuple(found)


def dice(first: Mask, second: Mask) -> dict[str, float]:
    """Return the Dice coefficient of each structure that either has; 1 where both left all of it empty."""
    import SimpleITK

    found: dict[str, float] = {}
    for name in sorted({*first, *second}):
        a, b = _mask(first, name, second), _mask(second, name, first)
        if not a.any() and not b.any():
            found[name] = 1.0
            continue
        if not a.any() or not b.any():
            found[name] = 0.0
            continue
        measured: Any = SimpleITK.LabelOverlapMeasuresImageFilter()  # type: ignore[no-untyped-call]
        measured.Execute(
            SimpleITK.GetImageFromArray(a.astype(np.uint8)), SimpleITK.GetImageFromArray(b.astype(np.uint8))
        )
        found[name] = float(measured.GetDiceCoefficient(1))
    return found


def _mask(mine: Mask, name: str, theirs: Mask) -> Any:
    return np.asarray(mine[name] if name in mine else np.zeros_like(theirs[name]))


def mean_over_items(name: str, values: Sequence[float]) -> Coefficient:
    """Return the mean with the interval that a bootstrap over items gives (BCa; of few items the interval is wide)."""
    if len(values) < FEWEST:
        return Coefficient(name, values[0] if values else None, None, None, len(values))
    low, high = _bootstrap((np.asarray(values, float),), lambda sample: float(np.mean(sample)))
    return Coefficient(name, float(np.mean(values)), low, high, len(values))


def icc(pairs: Sequence[tuple[float, float]]) -> Coefficient:
    """Return ICC(2,1) of two readers' numbers: absolute agreement, readers taken as a sample of readers."""
    if len(pairs) < 3:
        return Coefficient("ICC", None, None, None, len(pairs))
    found = np.asarray(pairs, float)
    low, high = _bootstrap(
        (found[:, 0], found[:, 1]), lambda a, b: _icc(np.column_stack((a, b))), paired=True
    )
    return Coefficient("ICC", _told(_icc(found)), low, high, len(pairs))


def _icc(rows: Any) -> float:
    """Shrout and Fleiss 1979, case 2, single rating."""
    n, k = rows.shape
    mean = rows.mean()
    between = k * ((rows.mean(axis=1) - mean) ** 2).sum() / (n - 1)
    readers = n * ((rows.mean(axis=0) - mean) ** 2).sum() / (k - 1)
    rest = rows - rows.mean(axis=1, keepdims=True) - rows.mean(axis=0, keepdims=True) + mean
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    below = between + (k - 1) * error + k * (readers - error) / n
    return float((between - error) / below) if below else float("nan")


def _bootstrap(
    samples: tuple[Any, ...], statistic: Callable[..., float], *, paired: bool = False
) -> tuple[float | None, float | None]:
    """Resample items a thousand times, always the same way, so that one page shows one figure."""
    from scipy.stats import bootstrap

    if all(np.ptp(one) == 0 for one in samples):
        return (_told(statistic(*samples)),) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = bootstrap(
            samples, statistic, n_resamples=1000, confidence_level=LEVEL, paired=paired, vectorized=False,
            method="percentile" if paired else "BCa", rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
    return _told(found.low), _told(found.high)


def _told(value: Any, *, floor: float = -np.inf, ceiling: float = np.inf) -> float | None:
    return float(min(max(value, floor), ceiling)) if np.isfinite(value) else None
