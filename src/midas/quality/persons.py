"""One row per person: what others could know of somebody (quasi-identifiers), and what they should not learn.

In come the tables as a release holds them and the protocol; out comes a frame that privacy and coverage are
measured on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from midas.protocol.model import Column, Protocol, Table
from midas.quality.rows import heading

AND = " + "
"""Between the values of a person who has several."""
STANDING = ("sex", "age", "spoke")
"""What each release tells of each person, whatever its tables hold: all of it can be known from elsewhere."""


@dataclass(frozen=True)
class Attributes:
    """Names of columns of the frame of persons: quasi-identifiers, and sensitive values."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]


def named(table: Table, column: Column) -> str:
    return f"{table.id}.{column.name}"


def attributes(protocol: Protocol) -> Attributes:
    """Return what the protocol says can be known of a person, and what is sensitive.

    Sensitive are the columns marked so and those that a target is taken from, as far as they are no quasi-identifier.
    """
    sources = {(one.source.table, one.source.column) for one in protocol.targets}
    quasi, sensitive = list(STANDING), []
    for table in protocol.tables:
        for column in table.columns:
            if column.role != "variable":
                continue
            if column.quasi_identifier:
                quasi.append(named(table, column))
            elif column.sensitive or (table.id, column.name) in sources:
                sensitive.append(named(table, column))
    return Attributes(tuple(quasi), tuple(sensitive))


def ages(visits: pl.DataFrame) -> pl.DataFrame:
    """Return `subject` and `age`, in years at the first visit that says one."""
    told = visits.filter(pl.col("age_years").is_not_null()).sort("subject", "day")
    return told.group_by("subject", maintain_order=True).agg(age=pl.col("age_years").first())


def persons(protocol: Protocol, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row per subject: `subject`, `sex`, `age` (years), `spoke`, then the attributes as `table.column`.

    `tables` are those of a release by name: `subjects` (subject, sex, spoke), `visits` (subject, day, age_years) and
    `clinical/<table>`, with `-` in names of columns written as `_`. Of several numbers the first counts; several words
    stand together, because who knows them all knows more.
    """
    found = tables["subjects"].join(ages(tables["visits"]), on="subject", how="left")
    found = found.select("subject", *STANDING)
    wanted = {*attributes(protocol).quasi, *attributes(protocol).sensitive}
    for table in protocol.tables:
        frame = tables.get(f"clinical/{table.id}")
        columns = [column for column in table.columns if named(table, column) in wanted]
        if columns:
            found = found.join(_each(frame, table, columns), on="subject", how="left")
    return found


def _each(frame: pl.DataFrame | None, table: Table, columns: list[Column]) -> pl.DataFrame:
    """Return one row per subject of a table; a column that the table lacks is empty."""
    taken = [pl.Series("subject", [], dtype=pl.String)] if frame is None else [frame["subject"]]
    for column in columns:
        at, name = heading(column.name), named(table, column)
        kind = pl.Float64 if column.type in {"integer", "number"} else pl.String
        there = frame is not None and at in frame.columns
        values = frame[at] if frame is not None and there else pl.Series([None] * len(taken[0]))
        taken.append(values.cast(kind).rename(name))
    return (
        pl.DataFrame(taken)
        .group_by("subject", maintain_order=True)
        .agg(
            pl.col(named(table, one)).drop_nulls().first()
            if one.type in {"integer", "number"}
            else pl.col(named(table, one)).drop_nulls().unique().sort()
            for one in columns
        )
        .with_columns(
            pl.when(pl.col(named(table, one)).list.len() > 0).then(pl.col(named(table, one)).list.join(AND))
            for one in columns
            if one.type not in {"integer", "number"}
        )
    )
