"""Clinical tables as rows of text: CSV in any common encoding and delimiter, XLSX, and Parquet.

In comes a path; out come sheets of headings and rows, every cell a `str`, dates and times in ISO 8601, blank cells as
"". Nothing is interpreted further: what a column means is the protocol's business. Rows of CSV and Parquet are streamed.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.formats.sniff import HEAD, Kind, decode, table_dialect
from midas.kernel import BadInput

TITLES = 12
"""Rows with one cell that may stand above the headings of a sheet; where there are more it has one column."""
LEAST = 2
"""Filled rows that make a sheet of one column a table; one cell alone is a title."""
FIELD_LIMIT = 1 << 20
"""Characters in one cell; the default of Python's csv module (128 KiB) is too small for pasted reports."""


@dataclass(frozen=True)
class Sheet:
    """One table. `rows` can be taken once; each row has as many cells as `headings`, cells beyond them are joined on.

    Wholly blank rows are left out; a row that is shorter is filled with "".
    """

    name: str
    headings: tuple[str, ...]
    rows: Iterator[tuple[str, ...]]


def read(path: Path, kind: Kind) -> Iterator[Sheet]:
    """Yield the sheets of a CSV, XLSX or Parquet file; BadInput where it is none or cannot be read."""
    if kind is Kind.CSV:
        yield _csv(path)
    elif kind is Kind.XLSX:
        yield from _workbook(path)
    elif kind is Kind.PARQUET:
        yield _parquet(path)
    else:
        raise BadInput("The file is not a table.", advice="Hand in CSV, XLSX or Parquet.")


def _encoding(path: Path) -> str:
    """Judge the encoding on the whole file, since one Windows character may come after megabytes of ASCII."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        found = decode(head, whole=len(head) < HEAD)
        if found is None:
            raise BadInput("The table is in no known text encoding.", advice="Save it as UTF-8.")
        if found[1] != "utf-8-sig":
            return found[1]
        reader = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            while block := stream.read(1 << 20):
                reader.decode(block)
            reader.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _csv(path: Path) -> Sheet:
    encoding = _encoding(path)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    text = (decode(head, whole=len(head) < HEAD) or ("", ""))[0]
    delimiter = table_dialect(text, cut=len(head) == HEAD)
    if delimiter is None:
        raise BadInput("The file has no row of headings.", advice="Put the column names in the first row.")
    rows = _csv_rows(path, encoding, delimiter)
    headings = _headings(next(rows, ()))
    return Sheet(path.stem, headings, _squared(rows, len(headings)))


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[str, ...]]:
    csv.field_size_limit(FIELD_LIMIT)
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        try:
            for row in csv.reader(stream, delimiter=delimiter):
                if any(cell.strip() for cell in row):
                    yield tuple(cell.strip() for cell in row)
        except csv.Error as problem:
            raise BadInput(
                "A row of the table cannot be read.", advice="Look for an unclosed quotation mark."
            ) from problem


def _headings(row: tuple[str, ...]) -> tuple[str, ...]:
    last = max((at for at, cell in enumerate(row) if cell), default=-1)
    return tuple(" ".join(cell.split()) for cell in row[: last + 1])


def _squared(rows: Iterable[tuple[str, ...]], width: int) -> Iterator[tuple[str, ...]]:
    for row in rows:
        beyond = [cell for cell in row[width:] if cell]
        cells = row[:width] + ("",) * (width - len(row))
        if beyond and width:
            cells = (*cells[:-1], " ".join([cells[-1], *beyond]).strip())
        yield cells


def _parquet(path: Path) -> Sheet:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise BadInput("The Parquet file cannot be opened.", advice="Write it again.") from problem
    if any(pa.types.is_nested(field.type) or pa.types.is_binary(field.type) for field in file.schema_arrow):
        raise BadInput("The Parquet file holds lists or bytes.", advice="Write one value in each cell.")
    headings = _headings(tuple(file.schema_arrow.names))
    return Sheet(path.stem, headings, _parquet_rows(file))


def _parquet_rows(file: Any) -> Iterator[tuple[str, ...]]:
    import pyarrow as pa

    try:
        for batch in file.iter_batches(batch_size=4096):
            columns = [column.to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                if any(cells := tuple(_cell(value) for value in row)):
                    yield cells
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise BadInput("A row of the Parquet file cannot be read.", advice="Write it again.") from problem


def _workbook(path: Path) -> Iterator[Sheet]:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
    except (calamine.CalamineError, OSError, ValueError) as problem:
        raise BadInput(
            "The workbook cannot be opened.", advice="Save it again as XLSX without a password."
        ) from problem
    for name in names:
        sheet = _sheet(book, name)
        if sheet is not None:
            yield sheet


def _sheet(book: Any, name: str) -> Sheet | None:
    import python_calamine as calamine

    try:
        raw = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
    except (calamine.CalamineError, ValueError) as problem:
        raise BadInput(
            "A sheet of the workbook cannot be read.", advice="Save the workbook again as XLSX."
        ) from problem
    rows = (tuple(_cell(value) for value in row) for row in raw)
    filled = [row for row in rows if any(row)]
    first = next((at for at, row in enumerate(filled) if sum(map(bool, row)) > 1), TITLES + 1)
    if first > TITLES:
        first = 0
    if len(filled) < LEAST and not (filled and sum(map(bool, filled[0])) > 1):
        return None
    headings = _headings(filled[first])
    return Sheet(name, headings, _squared(filled[first + 1 :], len(headings)))


def _cell(value: Any) -> str:
    """Say a cell as text: whole numbers without `.0`, dates as ISO 8601 (midnight is no time), true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(timespec="seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value.total_seconds())
    return str(value).strip()
