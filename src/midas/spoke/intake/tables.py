"""Tables become rows: recognised by their headings, each row an item, the file itself no item any more.

In comes a stored CSV or XLSX file; out come row items with sealed cells. A table whose headings are not known is held
whole; no sheet and no row is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from midas.formats import Kind
from midas.formats import tables as formats
from midas.kernel import BadInput, canonical
from midas.protocol import normal_heading
from midas.protocol.model import Column, Protocol, Table
from midas.spoke.intake import items, store
from midas.spoke.intake.models import Batch, Item
from midas.spoke.outbox.models import Output
from midas.spoke.vault.projects import Desk

KINDS = (Kind.CSV.value, Kind.XLSX.value)


@dataclass(frozen=True)
class Recognised:
    """A protocol table and, for each heading of the file, the column that it is (or none)."""

    table: Table
    columns: tuple[Column | None, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        found = {column.name for column in self.columns if column}
        return tuple(one.name for one in self.table.columns if one.required and one.name not in found)


def _matched(table: Table, headings: Iterable[str]) -> tuple[Column | None, ...]:
    """Case, spaces, punctuation and script do not count; a column is given to the first heading that names it."""
    names = {
        normal_heading(word): column
        for column in reversed(table.columns)
        for word in (column.name, *column.aliases)
    }
    taken: set[str] = set()
    found: list[Column | None] = []
    for heading in headings:
        column = names.get(normal_heading(heading))
        if column is not None and column.name in taken:
            column = None
        if column is not None:
            taken.add(column.name)
        found.append(column)
    return tuple(found)


def recognise(protocol: Protocol, headings: Iterable[str]) -> Recognised | None:
    """Return the table that most headings name, or none where no heading is known or two tables fit as well."""
    words = tuple(headings)
    fits = [Recognised(table, _matched(table, words)) for table in protocol.tables]
    fits = [fit for fit in fits if any(fit.columns)]
    ranked = sorted(fits, key=lambda fit: (bool(fit.missing), -sum(map(bool, fit.columns))))
    whole = [fit for fit in ranked if not fit.missing]
    most = max(fits, key=lambda fit: sum(map(bool, fit.columns)), default=None)
    if most is None:
        return None
    size = sum(map(bool, most.columns))
    equal = [fit for fit in whole if sum(map(bool, fit.columns)) == size]
    if len(equal) > 1:
        return None
    return equal[0] if equal else most


@transaction.atomic
def unpack(desk: Desk, item: Item, *, at: datetime) -> int:
    """Turn a table item into row items and return how many; hold it where it cannot be read or recognised."""
    name = items.name_of(desk, item)
    path = store.place_of(desk.home, item.stored)
    made, unknown = 0, 0
    try:
        for number, sheet in enumerate(formats.read(path, Kind(item.kind))):
            fit = recognise(desk.protocol, sheet.headings)
            if fit is None or fit.missing:
                _unknown_sheet(desk, item, name, number, fit, at)
                unknown += 1
                continue
            whole = (
                sheet.name == path.stem
            )  # a file of one table, which has no name but the file's; here that is a digest
            made += _rows(desk, item.batch, fit, sheet, name if whole else f"{name} · {sheet.name}", at)
    except BadInput as error:
        items.stop(item, "unreadable", at=at, detail=str(error))
        return made
    if not made and not unknown:
        items.stop(item, "unknown-table", at=at, detail="The table holds no rows.")
        return 0
    stored = item.stored
    Output.objects.filter(sources=item).delete()
    item.delete()
    transaction.on_commit(lambda: store.erase(desk.home, stored))
    return made


def _unknown_sheet(
    desk: Desk, item: Item, name: str, number: int, fit: Recognised | None, at: datetime
) -> None:
    detail = "No table of the protocol has these headings."
    if fit is not None:
        detail = f"It looks like the table “{fit.table.id}”, but has no column {', '.join(fit.missing)}."
    sheet, _ = items.add(
        desk, item.batch, kind="sheet", name=f"{name} · {number + 1}", identity=f"sheet/{item.sha256}/{number}",
        at=at, sha256=item.sha256, size=item.size,
    )  # fmt: skip
    items.stop(sheet, "unknown-table", at=at, detail=detail)


def _rows(desk: Desk, batch: Batch, fit: Recognised, sheet: formats.Sheet, name: str, at: datetime) -> int:
    seen: Counter[bytes] = Counter()
    line = 1
    for line, row in enumerate(sheet.rows, start=2):
        cells = {
            column.name: cell for column, cell in zip(fit.columns, row, strict=False) if column is not None
        }
        same = canonical([fit.table.id, cells])
        seen[same] += 1
        item, new = items.add(
            desk, batch, kind="row", name=f"{name} · {line}", identity=f"row/{seen[same]}/{same.decode()}", at=at,
            definition=fit.table.id, group=f"table {fit.table.id}", size=len(same),
            payload=items.sealed_payload(desk, {"line": line, "cells": cells}),
        )  # fmt: skip
        if new and seen[same] > 1:
            items.stop(
                item, "duplicate", at=at, detail=f"Row {line} repeats an earlier row of the same table."
            )
    return line - 1
