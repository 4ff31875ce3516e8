"""What the protocol asks of each row of a clinical table, as polars expressions: one pass over the table for all of
them.

A `Fault` is an expression that is true where a row is wrong. Frames are those of a release (`-` in names written as
`_`); columns of text are read as numbers where the protocol says so, so that rows which came as text are looked at
in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import polars as pl

from midas.kernel import Severity
from midas.protocol.model import Column, Condition, Logic, Table
from midas.protocol.words import well_formed

PLACE = ("subject", "visit", "lesion", "specimen")
KEY_OF_GRAIN: dict[str, Sequence[str]] = {
    "person": ("subject",),
    "visit": ("subject", "visit"),
    "lesion": ("subject", "visit", "lesion"),
    "specimen": ("subject", "specimen"),
}
"""By what one row is told from another; a person may have several rows of a basis or of items."""
_KINDS: dict[str, Any] = {"integer": int, "number": (int, float), "boolean": bool}
_DTYPES: dict[Any, Any] = {int: pl.Int64, (int, float): pl.Float64, bool: pl.Boolean, str: pl.String}


@dataclass(frozen=True)
class Fault:
    """One thing that can be wrong in a row: the check, the column (or rule) it is about, where it is so, and words."""

    check: str
    about: str
    where: pl.Expr
    says: str
    severity: Severity | None = None
    cites: str = ""


def heading(name: str) -> str:
    """Return a column's name as the tables of a release write it."""
    return name.replace("-", "_")


def frame_of(table: Table, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows of a table as a frame: each has its place and its values under the protocol's names of columns.

    A column whose cells are all of the type that the protocol gives it has that type; any other is text, so that
    what does not fit can be counted. Columns that no row has are not there.
    """
    held = list(rows)
    kinds = {one.name: _KINDS.get(one.type, str) for one in table.columns}
    names = dict.fromkeys(name for row in held for name in row if name not in PLACE)
    series = [pl.Series(name, [row.get(name) for row in held], dtype=pl.String) for name in PLACE]
    for name in names:
        cells = [row.get(name) for row in held]
        kind = kinds.get(name, str)
        if all(cell is None or _is(cell, kind) for cell in cells):
            series.append(pl.Series(heading(name), cells, dtype=_DTYPES[kind]))
        else:
            series.append(pl.Series(heading(name), [_text(cell) for cell in cells], dtype=pl.String))
    return pl.DataFrame(series)


def _is(cell: object, kind: Any) -> bool:
    """Say whether a cell is of a type and fits into a column of it: whole numbers of more than 64 bits do not."""
    if not isinstance(cell, kind) or (kind is bool) != isinstance(cell, bool):
        return False
    return not isinstance(cell, int) or -(2**63) <= cell < 2**63


def _text(cell: object) -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return None if cell is None else str(cell)


def placed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with their place as text, also where a whole column is empty."""
    return frame.with_columns(pl.col(name).cast(pl.String) for name in PLACE if name in frame.columns)


def filled(frame: pl.DataFrame, column: Column) -> pl.Expr:
    cell = pl.col(heading(column.name))
    if frame.schema[heading(column.name)] == pl.String:
        return cell.is_not_null() & (cell.str.strip_chars() != "")
    return cell.is_not_null()


def _value(frame: pl.DataFrame, column: Column) -> pl.Expr:
    """Return a cell as the protocol means it; null where it is empty or cannot be read so."""
    cell, kind = pl.col(heading(column.name)), frame.schema[heading(column.name)]
    if column.type in {"integer", "number"}:
        number = cell.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite() & pl.lit(kind != pl.Boolean)).then(number)
    if column.type == "boolean":
        if kind == pl.Boolean:
            return cell
        text = cell.cast(pl.String, strict=False)
        return pl.when(text.is_in(["true", "false"])).then(text == "true")
    return pl.when(filled(frame, column)).then(cell.cast(pl.String, strict=False))


def faults(frame: pl.DataFrame, table: Table) -> Iterator[Fault]:
    """Yield what can be wrong in a row of this table, cell by cell, then between cells, then between rows."""
    leaving = [one for one in table.columns if one.leaves and heading(one.name) in frame.columns]
    for column in leaving:
        yield from _of_cell(frame, column)
    columns = {one.name: one for one in leaving}
    for rule in table.rules:
        if _named(rule) <= columns.keys():
            yield _of_rule(frame, rule, columns)
    if key := KEY_OF_GRAIN.get(table.grain):
        again = pl.struct(key).is_duplicated()
        yield Fault(
            "table.row-repeated", table.id, again, f"have the same {' and '.join(key)} as another row"
        )


def _of_cell(frame: pl.DataFrame, column: Column) -> Iterator[Fault]:
    name, there, value = column.name, filled(frame, column), _value(frame, column)
    if column.required:
        yield Fault("table.required", name, ~there, "have no value in a column that must have one")
    if column.type in {"integer", "number", "boolean"}:
        yield Fault("table.type", name, there & value.is_null(), f"are no {column.type}")
    if column.type == "integer":
        yield Fault("table.whole", name, value.floor() != value, "are no whole number")
    if column.min is not None or column.max is not None:
        yield Fault("table.range", name, ~_between(value, column.min, column.max), _range(column))
    if column.values:
        yield Fault("table.value", name, ~value.is_in(column.values), "are not one of the allowed values")
    if column.vocabulary:
        held = frame[heading(name)].drop_nulls().cast(pl.String, strict=False).unique().to_list()
        bad = [one for one in held if one.strip() and not well_formed(column.vocabulary, one)]
        yield Fault("table.code", name, value.is_in(bad), f"are no code of {column.vocabulary}")


def _between(value: pl.Expr, low: float | None, high: float | None) -> pl.Expr:
    above = value >= low if low is not None else pl.lit(True)
    return above & (value <= high if high is not None else pl.lit(True))


def _range(column: Column) -> str:
    unit = f" {column.unit}" if column.unit else ""
    low = f"{column.min:g}" if column.min is not None else "…"
    high = f"{column.max:g}" if column.max is not None else "…"
    return f"are outside {low} to {high}{unit}"


def _named(rule: Logic) -> set[str]:
    conditions = (*rule.when, *rule.then)
    return {
        name for one in conditions for name in (one.column, one.at_least, one.at_most) if name is not None
    }


def _of_rule(frame: pl.DataFrame, rule: Logic, columns: dict[str, Column]) -> Fault:
    when = [_holds(frame, one, columns, empty=False) for one in rule.when]
    then = [_holds(frame, one, columns, empty=True) for one in rule.then]
    broken = reduce(and_, when, pl.lit(True)) & ~reduce(and_, then)
    says = f"break the rule {rule.id} ({rule.title.get('en', rule.id)})"
    return Fault("table.logic", rule.id, broken, says, Severity(rule.severity), rule.cites)


def _holds(frame: pl.DataFrame, condition: Condition, columns: dict[str, Column], *, empty: bool) -> pl.Expr:
    """Return whether a row fulfils a condition; `empty` is the answer for a cell that has nothing to compare."""
    column = columns[condition.column]
    value = _value(frame, column)
    asked: list[pl.Expr] = []
    if condition.one_of:
        asked.append(value.is_in(_as(condition.one_of, column)))
    if condition.none_of:
        asked.append(~value.is_in(_as(condition.none_of, column)))
    if condition.min is not None or condition.max is not None:
        asked.append(_between(value, condition.min, condition.max))
    if condition.at_least is not None:
        asked.append(value >= _value(frame, columns[condition.at_least]))
    if condition.at_most is not None:
        asked.append(value <= _value(frame, columns[condition.at_most]))
    answers = [one.fill_null(value=empty) for one in asked]
    if condition.known is not None:
        there = filled(frame, column)
        answers.append(there if condition.known else ~there)
    return reduce(and_, answers)


def _as(values: Sequence[object], column: Column) -> list[object]:
    """Return a condition's values as `_value` gives them."""
    number = column.type in {"integer", "number"}
    return [float(one) if number and isinstance(one, int | float) else one for one in values]
