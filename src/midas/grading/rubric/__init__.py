"""Rubrics: what a grade is judged by, as versioned data. In comes a file; out comes a frozen `Rubric` with its SHA-256."""

from midas.grading.rubric.load import CURRENT, load, rubric_named
from midas.grading.rubric.model import (
    FORMS,
    Access,
    Comparison,
    Domain,
    Form,
    Ladder,
    Rubric,
    Statement,
    stricter,
)

__all__ = [
    "CURRENT", "FORMS", "Access", "Comparison", "Domain", "Form", "Ladder", "Rubric", "Statement", "load",
    "rubric_named", "stricter",
]  # fmt: skip
