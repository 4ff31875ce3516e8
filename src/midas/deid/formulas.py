"""Cells that a spreadsheet would take for a formula, made text before they are written to CSV.

In comes a cell, out comes the same, with an apostrophe before it where its first sign starts a formula (OWASP, CSV
Injection). Numbers with a sign (`-3.5`, `+2.25 D`) and grades (`++`, `-ve`) are values and stay as they are.
"""

from __future__ import annotations

import re

from midas.deid.names import plain

_STARTS = frozenset("=+-@\t\r\n")
_VALUE = re.compile(r"[+\-]{1,4}(?:ve)?|[+\-]\s?[.\d][^()|!\[\]=&\"'@\\]*", re.IGNORECASE)
"""A grade, or a number with what may follow it: no function, no other program, no other sheet."""


def inert(cell: str) -> str:
    """Return the cell as a spreadsheet shows it and never works it out."""
    starts = plain(cell)[:1] in _STARTS or cell[:1] in _STARTS
    return f"'{cell}" if cell and starts and not _VALUE.fullmatch(plain(cell)) else cell
