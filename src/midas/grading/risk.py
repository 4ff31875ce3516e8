"""Facts → the privacy-risk score (PRS), Lite and Technical. What is not known is taken as the highest risk.

Lite: identification × sensitivity, Annexure I of the Lite version. Technical: 100·p for tables, min(100, 20·ε) under
differential privacy as published; other baselines, their combination (the highest) and the adjustment are MIDAS defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from midas.grading.grades import Risk
from midas.grading.rubric import Form, Rubric
from midas.kernel import Evidence

MOST = Decimal(100)
CLASSES = ("privacy.identification", "privacy.sensitivity")


def risk_of(rubric: Rubric, facts: Mapping[str, tuple[Evidence, ...]], form: Form) -> Risk:
    """Return the score of one form; where several facts of a kind are known, the riskiest counts."""
    named = {kind: _riskiest(facts.get(kind, ()), table) for kind, table in _tables(rubric).items()}
    sensitivity = named["privacy.sensitivity"]
    missing = [] if sensitivity else ["privacy.sensitivity"]
    baseline: Decimal | None
    if form == "lite":
        step = named["privacy.identification"]
        baseline, method = (exact(rubric.prs.identification[step]), step) if step else (None, "")
        missing += [] if step else ["privacy.identification"]
    else:
        baseline, method = _baseline(rubric, facts)
        published = [one.kind for one in rubric.prs.technical if one.source == "published"]
        missing += [] if any(kind in facts for kind in published) and baseline is not None else published[:1]
    heard = (*CLASSES, *(one.kind for one in rubric.prs.technical))
    shown = any(fact.demonstration for kind in heard for fact in facts.get(kind, ()))
    if missing or baseline is None or sensitivity is None:
        return Risk(100, rubric.prs.bands[-1].id, None, method, sensitivity, None, tuple(missing), shown)
    multiplier = rubric.prs.sensitivity[sensitivity]
    score = int(min(MOST, baseline * exact(multiplier)).quantize(Decimal(1), ROUND_HALF_UP))
    return Risk(score, risk_band(rubric, score), float(baseline), method, sensitivity, multiplier, (), shown)


def risk_band(rubric: Rubric, score: int) -> str:
    """Return the band of a score."""
    return next(one.id for one in rubric.prs.bands if score <= one.highest)


def exact(number: float) -> Decimal:
    """Return a number as it is written, so that 7.5 rounds up and 0.285 × 100 is 28.5."""
    return Decimal(repr(float(number)))


def _tables(rubric: Rubric) -> dict[str, dict[str, float]]:
    return dict(zip(CLASSES, (rubric.prs.identification, rubric.prs.sensitivity), strict=True))


def _riskiest(facts: tuple[Evidence, ...], table: dict[str, float]) -> str | None:
    """Return the riskiest class that was named; none where nothing, or something unknown, was."""
    named = [str(fact.value) for fact in facts]
    return max(named, key=lambda one: table[one]) if named and set(named) <= set(table) else None


def _baseline(rubric: Rubric, facts: Mapping[str, tuple[Evidence, ...]]) -> tuple[Decimal | None, str]:
    """Return the highest baseline and the kind it came from; none where a value is no risk at all."""
    found: list[tuple[Decimal, str]] = []
    for one in rubric.prs.technical:
        factor = MOST if one.formula == "percent" else exact(rubric.prs.epsilon_factor)
        for fact in facts.get(one.kind, ()):
            value = fact.value
            if isinstance(value, bool | str) or value < 0:
                return None, one.kind
            found.append((min(MOST, factor * exact(value)), one.kind))
    return max(found, default=(None, ""))
