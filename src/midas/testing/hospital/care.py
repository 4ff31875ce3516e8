"""What both departments of the sample hospital share: rows about persons, their lawful basis and their visits.

In come persons and dates; out come rows by the protocol's column names, and a note for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from midas.protocol import Protocol
from midas.testing.hospital.export import FATES, Export
from midas.testing.hospital.persons import Person
from midas.testing.hospital.tables import Row

CONSENTED_FROM = date(2024, 3, 11)
WAIVED_FROM = date(2022, 5, 9)
DAYS_BETWEEN_VISITS = 120


@dataclass(frozen=True)
class Line:
    """One row of a table and what becomes of it; `reasons` empty: what becomes of its person."""

    row: Row
    person: Person | None = None
    state: str = ""
    reasons: tuple[str, ...] = ()
    why: str = ""


def note_rows(export: Export, path: Path, lines: Iterable[Line]) -> None:
    """Note each row of a written table; the file counts through its rows."""
    export.container(path)
    for number, line in enumerate(lines, start=1):
        state, reasons = line.state, line.reasons
        if not state:
            state, reasons = FATES.get(line.person.basis if line.person else "", ("sent", ()))
        export.row(
            path,
            number,
            state=state,
            reasons=reasons,
            person=line.person.key if line.person else "",
            why=line.why,
        )


def person_line(person: Person, *, variables: Row) -> Line:
    sex = {"F": "Female", "M": "Male"}[person.sex]
    return Line(
        {
            "uhid": person.uhid, "other-uhid": person.other_uhid, "abha": person.abha, "name": person.name,
            "name-local": person.local, "guardian": person.guardian_line, "phone": person.phone,
            "address": person.address, "birth-date": f"{person.born:%d/%m/%Y}", "sex": sex, "state": person.state,
            **variables,
        },
        person=person,
    )  # fmt: skip


def person_errors(lines: Sequence[Line], stray: Person, *, variables: Row) -> list[Line]:
    """Return three rows that must not pass: a misspelt sex, a row that is there twice, and one without a number."""
    wrong = person_line(stray, variables=variables).row
    return [
        Line({**wrong, "sex": "Mle"}, stray, "held", ("bad-row",), "sex is misspelt"),
        Line(lines[0].row, lines[0].person, "refused", ("duplicate",), "the same row again"),
        Line(
            {**wrong, "uhid": "", "abha": ""}, stray, "held", ("bad-row", "no-person"), "no hospital number"
        ),
    ]


def consent_lines(protocol: Protocol, persons: Sequence[Person]) -> list[Line]:
    """Return one row for each person with a basis; those withdrawn have given it and taken it back."""
    consent = next(entry for entry in protocol.ethics if entry.kind == "consent")
    waiver = next(entry for entry in protocol.ethics if entry.kind == "waiver")
    lines = []
    for person in persons:
        if person.basis == "none":
            continue
        entry = waiver if person.basis == "waiver" else consent
        row = {
            "uhid": person.uhid, "basis": "consent" if person.basis == "withdrawn" else person.basis,
            "reference": entry.reference, "scope": "; ".join(entry.scope),
            "given-on": f"{first_visit(person):%d/%m/%Y}",
            "withdrawn-on": "15/09/2024" if person.basis == "withdrawn" else "",
        }  # fmt: skip
        lines.append(Line(row, person))
    return lines


def first_visit(person: Person) -> date:
    """Return the day of the first visit: before the waiver's last day for those under it."""
    start = WAIVED_FROM if person.basis == "waiver" else CONSENTED_FROM
    return start + timedelta(days=7 * int(person.key[-1]))


def visit_day(person: Person, number: int) -> date:
    """Return the day of the visit with this number, counted from 0."""
    return first_visit(person) + timedelta(days=DAYS_BETWEEN_VISITS * number)


def visit_line(person: Person, *, visit: str, number: int, variables: Mapping[str, str]) -> Line:
    day = visit_day(person, number)
    age = (day - person.born).days // 365
    row = {"uhid": person.uhid, "visit": visit, "visit-date": f"{day:%d-%m-%Y}", "age": str(age), **variables}
    return Line(row, person)


def rows(lines: Iterable[Line]) -> list[Row]:
    return [line.row for line in lines]
