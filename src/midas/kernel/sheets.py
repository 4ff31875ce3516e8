"""Cells of a sheet that a person opens. In comes a value; out goes text that no spreadsheet runs (OWASP, CSV injection)."""

from __future__ import annotations

import re
from typing import Any

RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A text that begins so (in full width, too) would be taken for a formula; it gets an apostrophe before it."""
NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number below zero stays one, also where it comes as text: an exact decimal is told so."""


def plain_cell(value: Any) -> Any:
    """Return the value as a cell; `None` is an empty one."""
    if value is None:
        return ""
    runs = isinstance(value, str) and value.startswith(RUN) and not NUMBER.fullmatch(value)
    return f"'{value}" if runs else value
