"""Clinical tables as hospitals keep them: headings of their own, three encodings, spreadsheets, and errors in the cells.

In come rows by the protocol's column names; out come CSV and XLSX files whose headings are aliases of these columns.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook

from midas.kernel import NotFound
from midas.protocol import Protocol
from midas.protocol.model import Column, Table

DEVANAGARI = re.compile("[\u0900-\u097f]")
Row = dict[str, str]


def table_of(protocol: Protocol, name: str) -> Table:
    for table in protocol.tables:
        if table.id == name:
            return table
    raise NotFound(f"The protocol {protocol.id} has no table {name}.", advice="The sample hospital needs it.")


def column_of(protocol: Protocol, table: str, name: str) -> Column:
    for column in table_of(protocol, table).columns:
        if column.name == name:
            return column
    raise NotFound(f"The table {table} has no column {name}.", advice="The sample hospital needs it.")


def heading(column: Column, *, script: str) -> str:
    """Return what this hospital calls the column: an alias in Devanagari if there is one, else the first Latin one."""
    words = (*column.aliases, column.name)
    if script == "hindi":
        for word in words:
            if DEVANAGARI.search(word):
                return word
    return next(word for word in words if word.isascii())


def _grid(protocol: Protocol, table: str, rows: Sequence[Row], *, script: str) -> list[list[str]]:
    columns = [
        column for column in table_of(protocol, table).columns if any(column.name in row for row in rows)
    ]
    unknown = {name for row in rows for name in row} - {column.name for column in columns}
    if unknown:
        raise NotFound(
            f"The table {table} has no column {min(unknown)}.", advice="The sample hospital needs it."
        )
    head = [heading(column, script=script) for column in columns]
    return [head, *([row.get(column.name, "") for column in columns] for row in rows)]


def write_csv(
    path: Path, protocol: Protocol, table: str, rows: Sequence[Row], *, encoding: str = "utf-8-sig",
    delimiter: str = ",", script: str = "latin",
) -> None:  # fmt: skip
    """Write a CSV; `utf-8-sig` puts the byte order mark first that spreadsheets write."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(
        _grid(protocol, table, rows, script=script)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


def write_xlsx(
    path: Path, protocol: Protocol, table: str, rows: Sequence[Row], *, script: str = "latin"
) -> None:
    """Write a workbook with one sheet, numbers and texts alike as text, as registers are often kept."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Register"
    for line in _grid(protocol, table, rows, script=script):
        sheet.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
