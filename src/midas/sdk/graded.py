"""The grade that a release carries, read from its sealed paper; always a draft's grade, never a certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midas.kernel import BrokenPromise

PAPER = "grade.json"
MARK = "demonstration evidence"


def graded(path: Path) -> Mapping[str, Any]:
    """Return the grade of a release; `BrokenPromise` where the file holds none."""
    try:
        told: Mapping[str, Any] = json.loads(path.read_bytes())
        words(told)
    except (ValueError, KeyError, TypeError):
        raise BrokenPromise(f"{path.name} holds no grade.", advice="Download the release again.") from None
    return told


def words(told: Mapping[str, Any]) -> str:
    """Say a grade in one line: index, band, how much of it was computed, access class, and what it is worth."""
    found = [
        f"CQI {told['cqi']:.2f} ({told['band']}), {told.get('computed', 0):.2f} of it computed",
        told["access"] or "not releasable",
        told.get("status") or "draft for expert validation",
    ]
    return " · ".join([*found, *([f"rests on {MARK}"] if told.get(MARK) else [])])
