"""How good and how risky a dataset is, by a versioned rubric. In come `Evidence` values; out come CQI, PRS, access class.

Nothing is fetched here: who calls brings the facts. What nobody measured or stated is missing, and never counted as true.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.grading import look
    from midas.grading.advising import raise_this
    from midas.grading.deciding import approve, send_back, submit
    from midas.grading.grades import Decision, Grade
    from midas.grading.judging import grade
    from midas.grading.opening import open_lite, open_technical
    from midas.grading.rubric import Rubric, rubric_named
    from midas.grading.stating import bring, judge, state

_DOOR = {
    "Decision": "grades", "Grade": "grades", "Rubric": "rubric", "approve": "deciding", "bring": "stating",
    "grade": "judging",
    "judge": "stating", "look": "look", "open_lite": "opening", "open_technical": "opening", "raise_this": "advising",
    "rubric_named": "rubric", "send_back": "deciding", "state": "stating", "submit": "deciding",
}  # fmt: skip

__all__ = [
    "Decision", "Grade", "Rubric", "approve", "bring", "grade", "judge", "look", "open_lite", "open_technical", "raise_this",
    "rubric_named", "send_back", "state", "submit",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    if name not in _DOOR:
        raise AttributeError(f"module 'midas.grading' has no attribute {name!r}")
    module = importlib.import_module(f"midas.grading.{_DOOR[name]}")
    return module if name == "look" else getattr(module, name)
