"""How good and how risky a dataset is, by a versioned rubric. In come `Evidence` values; out come CQI, PRS, access class.

Nothing is fetched here: who calls brings the facts. What nobody measured or stated is missing, and never counted as true.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.grading.advising import raise_this
    from midas.grading.grades import Decision, Grade
    from midas.grading.judging import grade
    from midas.grading.rubric import Rubric, rubric_named

_DOOR = {
    "Decision": "grades", "Grade": "grades", "Rubric": "rubric", "grade": "judging", "raise_this": "advising",
    "rubric_named": "rubric",
}  # fmt: skip

__all__ = ["Decision", "Grade", "Rubric", "grade", "raise_this", "rubric_named"]


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    if name not in _DOOR:
        raise AttributeError(f"module 'midas.grading' has no attribute {name!r}")
    return getattr(importlib.import_module(f"midas.grading.{_DOOR[name]}"), name)
