"""Cells of a sheet that a person opens. In comes a value; out goes text that no spreadsheet runs (OWASP, CSV injection)."""

from __future__ import annotations

from typing import Any

RUN = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text that begins so would be taken for a formula; it gets an apostrophe before it. Numbers stay numbers."""


def plain_cell(value: Any) -> Any:
    """Return the value as a cell; `None` is an empty one."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUN) else value
