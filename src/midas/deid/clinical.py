"""A clinical table: whose its rows are, and the table as it may leave.

In come a CSV, XLSX or Parquet file and what is known of its persons, out come CSV files: the number of the person is the
pseudonym, days are moved by the person's shift, ages capped, UIDs mapped, file names those of the outputs, free text
cleaned; what names somebody is left out as a whole column. A table with a column of which nothing is known is held. Each
output is read again by code of its own (`clinical_again`) before it gets its name.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from midas.deid.cards import open_keys
from midas.deid.celldates import clock, shifted
from midas.deid.clinical_again import again
from midas.deid.columns import (
    DATES,
    KNOWN_AS,
    NEEDS,
    Column,
    Counted,
    Given,
    blank,
    capped,
    columns_of,
    measured,
)
from midas.deid.formulas import inert
from midas.deid.known import known_of
from midas.deid.model import Held, Keys, Outcome, Profile, RuleRow, Uids
from midas.deid.names import plain
from midas.deid.survey import seal, unseal
from midas.deid.uids import map_uid, note
from midas.deid.words import Known, clean_text
from midas.formats import Kind
from midas.formats import tables as formats
from midas.kernel import BadInput, Finding, Severity, sha256_file

TABLES = frozenset({Kind.CSV, Kind.XLSX, Kind.PARQUET})
CITES = "45 CFR 164.514(b)(2)"
FULL = "retain-longitudinal-full-dates"
SEX = {"m", "f", "o", "male", "female", "other", "transgender", "t", "पुरुष", "स्त्री", "महिला", "अन्य"}


@dataclass(frozen=True)
class Told:
    """What the rows of one person tell. `ids`: its numbers in the row, the surest first; `files` that the rows name."""

    ids: tuple[str, ...] = field(default=(), repr=False)
    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Surveyed:
    """What a first reading of a table found: its columns by sheet, its persons; or why it is held."""

    sheets: tuple[tuple[Column, ...], ...] = ()
    people: tuple[Told, ...] = field(default=(), repr=False)
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Roster:
    """Who the persons of a table are: by the numbers (or the file) of a row: pseudonym, shift in days, what is known."""

    people: dict[str, tuple[str, int, tuple[tuple[str, str], ...]]] = field(repr=False)
    files: dict[str, str] = field(repr=False)
    """Where the files that the table names came to lie, by the name that it gives them."""


@dataclass(frozen=True)
class TableJob:
    """One table to clean into `target`, further sheets beside it. `roster` is sealed; `sheets` as they were surveyed."""

    source: Path
    kind: Kind
    target: Path
    roster: Path
    key_file: Path
    profile: Profile
    sheets: tuple[tuple[Column, ...], ...]


def who(ids: Sequence[str], files: Sequence[str]) -> str:
    """Return the key of a row in its roster: its numbers, else the file that it names, else one for all such rows."""
    return json.dumps(["id", *ids] if ids else ["file", *files[:1]])


def survey_table(task: tuple[Path, Kind, Given, Path]) -> bytes:
    """Read a table once in a worker: its columns and whose its rows are. The answer is sealed."""
    path, kind, given, key_file = task
    try:
        found = _surveyed(path, kind, given)
    except BadInput as problem:
        found = Surveyed(reason="table-unreadable", detail=problem.message)
    except Exception as problem:  # noqa: BLE001 - fail closed: a table that breaks its reader is held
        found = Surveyed(
            reason="table-unreadable",
            detail=f"Its reader met something unforeseen ({type(problem).__name__}).",
        )
    plain_values = [
        [[one.heading, one.role, one.order] for one in columns] for columns in found.sheets
    ], [[one.ids, one.known, one.files] for one in found.people], found.reason, found.detail  # fmt: skip
    return seal(plain_values, key=open_keys(key_file)[0])


def surveyed_of(sealed: bytes, *, key: bytes) -> Surveyed:
    """Return what `survey_table` found."""
    sheets, people, reason, detail = cast("list[Any]", unseal(sealed, key=key))
    return Surveyed(
        tuple(tuple(Column(*one) for one in columns) for columns in sheets),
        tuple(Told(tuple(a), tuple((kind, value) for kind, value in b), tuple(c)) for a, b, c in people),
        reason, detail,
    )  # fmt: skip


def _surveyed(path: Path, kind: Kind, given: Given) -> Surveyed:
    sheets: list[tuple[Column, ...]] = []
    unknown: list[str] = []
    for sheet in formats.read(path, kind):
        counted = [Counted() for _ in sheet.headings]
        for row in sheet.rows:
            for seen, cell in zip(counted, row, strict=True):
                seen.see(cell)
        columns, wrong = columns_of(sheet.headings, counted, given)
        unknown += wrong
        sheets.append(columns)
    people = _people(path, kind, sheets)
    if unknown:
        why = f"Of these columns nothing is known: {', '.join(unknown)}."
        return Surveyed(tuple(sheets), people, "column-unknown", why)
    if any(columns and not _tells_who(columns) for columns in sheets):
        return Surveyed(reason="table-of-nobody", detail="No column numbers the person of a row.")
    if not any(sheets):
        return Surveyed(reason="table-unreadable", detail="The table holds no rows.")
    return Surveyed(tuple(sheets), people)


def _tells_who(columns: Sequence[Column]) -> bool:
    return any(one.role in {"person", "file"} for one in columns)


def _people(path: Path, kind: Kind, sheets: Sequence[tuple[Column, ...]]) -> tuple[Told, ...]:
    """Return what the rows of each person tell, over all sheets."""
    people: dict[str, Told] = {}
    for columns, sheet in zip(sheets, formats.read(path, kind), strict=True):
        for row in sheet.rows if _tells_who(columns) else ():
            told = told_by(columns, row)
            key = who(told.ids, told.files)
            before = people.get(key, Told())
            people[key] = Told(
                told.ids,
                tuple(dict.fromkeys((*before.known, *told.known))),
                tuple(dict.fromkeys((*before.files, *told.files))),
            )
    return tuple(people.values())


def told_by(columns: Sequence[Column], row: Sequence[str]) -> Told:
    """Return what a row tells of its person."""
    cells = [(one.role, cell.strip()) for one, cell in zip(columns, row, strict=True) if not blank(cell)]
    ids = [cell for role, cell in cells if role == "person"]
    ids += [cell for role, cell in cells if role == "alias"]
    known = [("uhid", cell) for cell in ids if len(cell) >= 2]
    known += [(KNOWN_AS[role], cell) for role, cell in cells if role in KNOWN_AS and len(cell) >= 2]
    return Told(
        tuple(ids), tuple(dict.fromkeys(known)), tuple(cell for role, cell in cells if role == "file")
    )


def clean_table(job: TableJob) -> tuple[Outcome, ...]:
    """Clean one table: one output for each sheet, or one outcome that says why it is held. Never raises for bad data."""
    written: list[Path] = []
    try:
        storage, keys = open_keys(job.key_file)
        people, files = cast("list[Any]", unseal(job.roster.read_bytes(), key=storage))
        roster = Roster(
            {key: (one[0], one[1], tuple(map(tuple, one[2]))) for key, one in people.items()}, files
        )
        done = []
        for number, (columns, sheet) in enumerate(
            zip(job.sheets, formats.read(job.source, job.kind), strict=True), 1
        ):
            if columns:
                target = (
                    job.target if number == 1 else job.target.with_name(f"{job.target.stem}-{number}.csv")
                )
                written.append(target)
                done.append(_Sheet(job, keys, roster, columns).clean(sheet, target))
        return tuple(done)
    except Held as held:
        reason, detail = held.reason, held.detail
    except (BadInput, OSError) as problem:
        reason, detail = (
            "not-processed",
            problem.message if isinstance(problem, BadInput) else type(problem).__name__,
        )
    except Exception as problem:  # noqa: BLE001 - fail closed, as the engine does
        reason, detail = "not-understood", f"The table met something unforeseen ({type(problem).__name__})."
    for path in written:
        path.unlink(missing_ok=True)
    return (Outcome("held", reason, detail, profile=job.profile.name, digest=job.profile.digest),)


class _Sheet:
    """One sheet on its way out."""

    def __init__(self, job: TableJob, keys: Keys, roster: Roster, columns: tuple[Column, ...]) -> None:
        self.job, self.keys, self.roster, self.columns = job, keys, roster, columns
        options = job.profile.options
        self.kept = [at for at, one in enumerate(columns) if one.leaves and _may(one, options)]
        self.acts: Counter[tuple[str, str]] = Counter()
        self.emptied = self.unknown = 0

    def clean(self, sheet: formats.Sheet, target: Path) -> Outcome:
        aside = target.with_name(f".{target.name}.checking")
        try:
            with aside.open("x", encoding="utf-8", newline="") as stream:
                out = csv.writer(stream, lineterminator="\n")
                out.writerow([inert(self.columns[at].heading) for at in self.kept])
                out.writerows(self._rows(sheet.rows))
                stream.flush()
                os.fsync(stream.fileno())
            wrong = again(
                aside, source=self.job.source, kind=self.job.kind, sheet=sheet.name, columns=self.columns,
                kept=self.kept, people=self.roster.people, profile=self.job.profile,
            )  # fmt: skip
            if wrong:
                raise Held("verification-failed", wrong)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
        return self._outcome(target)

    def _rows(self, rows: Iterator[tuple[str, ...]]) -> Iterator[list[str]]:
        for row in rows:
            told = told_by(self.columns, row)
            self.unknown += not (told.ids or told.files)
            subject, shift, known = self.roster.people[who(told.ids, told.files)]
            names = known_of(tuple(dict.fromkeys((*known, *told.known))))
            for at, one in enumerate(self.columns):
                if not blank(row[at]) and at not in self.kept:
                    self.acts[one.role, "X"] += 1
            yield [inert(self._cell(self.columns[at], row[at], subject, shift, names)) for at in self.kept]

    def _cell(self, column: Column, cell: str, subject: str, shift: int, names: Known) -> str:
        if column.role == "person":
            self.acts["person", "Z"] += 1
            return subject
        if blank(cell):
            return ""
        made = self._made(column, cell.strip(), shift, names)
        act = "K" if made == cell.strip() else {"date": "C", "uid": "U", "file": "U"}.get(column.role, "C")
        self.acts[column.role, act if made else "X"] += 1
        self.emptied += not made
        return made

    def _made(self, column: Column, cell: str, shift: int, names: Known) -> str:
        match column.role:
            case "date":
                return cell if clock(cell) else self._day(cell, shift, column)
            case "uid":
                note([cell])
                return cell if "retain-uids" in self.job.profile.options else map_uid(self.keys, cell)
            case "file":
                return self.roster.files.get(cell, "")
            case "age":
                return capped(cell)
            case "sex":
                return cell if cell.casefold() in SEX else ""
            case "time":
                return cell if clock(cell) else ""
            case "value":
                number = clean_cell(plain(cell), names, role="number")
                return number or clean_cell(cell, names, role="category")
        return clean_cell(cell, names, role=column.role)

    def _day(self, cell: str, shift: int, column: Column) -> str:
        return shifted(cell, 0 if FULL in self.job.profile.options else shift, column.order)

    def _outcome(self, target: Path) -> Outcome:
        rules = tuple(
            RuleRow("", f"table column: {role}", act, CITES, count)
            for (role, act), count in sorted(self.acts.items())
        )
        actions: Counter[str] = Counter()
        for (_, act), count in self.acts.items():
            actions[act] += count
        return Outcome(
            "cleaned", sha256=sha256_file(target), size=target.stat().st_size, actions=dict(actions), rules=rules,
            findings=tuple(self._findings()), uids=Uids(sop_class="table"),
            profile=self.job.profile.name, digest=self.job.profile.digest, output=target.name,
        )  # fmt: skip

    def _findings(self) -> Iterator[Finding]:
        if self.emptied:
            message = "Cells were emptied that could not be proven clean."
            advice = "Compare with the source; give the column another role where it is something else."
            yield Finding("deid.table.emptied", Severity.INFO, "table", message, advice, CITES, "midas.deid")
        if self.unknown:
            message = "Rows without a number stand together for a person of their own."
            advice = "Fill the number of the person in."
            yield Finding("deid.person.unknown", Severity.WARNING, "table", message, advice, "", "midas.deid")


def _may(column: Column, options: frozenset[str]) -> bool:
    if column.role == "date":
        return not DATES.isdisjoint(options)
    return column.role not in NEEDS or NEEDS[column.role] in options


def clean_cell(cell: str, known: Known, *, role: str) -> str:
    """Return a cell as it may leave, by the role of its column; "" where nothing may.

    `number`: a measured number with or without a unit. `category` and `variable`: a short value of known words.
    `text`: free text. Every other role names, places or dates a person and gives "".
    """
    value = cell.strip()
    if role == "number":
        return value if measured(value) and not known.exact(value.casefold()) else ""
    return clean_text(value, known, prose=role == "text") if role in {"category", "variable", "text"} else ""
