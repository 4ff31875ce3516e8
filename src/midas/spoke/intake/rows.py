"""One row of a clinical table → what the vault learns, and what of it may leave.

In comes a row item; out come persons, lawful basis, visits, lesions, specimens and files in the vault, and for columns
of role `variable` and `free-text` (cleaned) a record and its labels. A row that cannot be used is held with the column and
how to write it; no text about it holds a value of the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from midas.protocol.model import Column, Protocol, Table
from midas.spoke.intake.cells import BadCell, Value, empty, plain, read_cell, read_date, read_text
from midas.spoke.vault import facts, persons
from midas.spoke.vault.basis import ADULT_YEARS, ethics_of
from midas.spoke.vault.keys import normal
from midas.spoke.vault.models import Basis, FileFact, LesionFact, Person, SpecimenFact, VisitFact
from midas.spoke.vault.projects import Desk

GRAINS = ("person", "basis", "visit", "lesion", "specimen", "item")
"""In this order rows are taken: each may name what an earlier one made known."""

OLDEST = 90
"""Ages of 90 and over leave as 90 (as PS3.15 and HIPAA's safe harbour ask for very old ages)."""


class Stop(Exception):
    """The row (or image) cannot go on: a code of the reasons table and a detail without any identified value."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Row:
    table: Table
    line: int
    cells: dict[str, str]

    def column(self, role: str) -> Column | None:
        return self.table.roles().get(role)

    def text(self, role: str) -> str:
        """Return the cell of this role, "" where it is empty or the table has none."""
        column = self.column(role)
        text = plain(self.cells.get(column.name, "")) if column else ""
        return "" if empty(text) else text

    def bad(self, role: str, what: str, advice: str) -> Stop:
        column = self.column(role)
        name = column.name if column else role
        return Stop("bad-row", f"Row {self.line}, column “{name}”: the cell {what}; {advice}.")

    def needed(self, role: str) -> str:
        text = self.text(role)
        if not text:
            raise self.bad(role, "is empty", "fill it in")
        return text

    def day(self, role: str) -> date | None:
        text = self.text(role)
        if not text:
            column = self.column(role)
            if column is not None and column.required:
                raise self.bad(role, "is empty", "fill it in")
            return None
        try:
            return read_date(text)
        except BadCell as error:
            raise self.bad(role, error.what, error.advice) from None

    def word(self, role: str) -> str:
        """Return a category cell of a role column in the protocol's own word, "" where it is empty."""
        column = self.column(role)
        if column is None or not (text := self.text(role)):
            return ""
        if not column.values:
            return text
        try:
            return str(read_cell(text, column.model_copy(update={"type": "category"})))
        except BadCell as error:
            raise self.bad(role, error.what, error.advice) from None

    def all_of(self, role: str) -> list[str]:
        cells = [self.cells.get(one.name, "") for one in self.table.columns if one.role == role]
        return [plain(cell) for cell in cells if not empty(cell)]


@dataclass(frozen=True)
class Taken:
    """What a row came to: whose it is, where it stands in the subject tree, and the values that may leave."""

    person: Person
    merged: tuple[Person, ...] = ()
    visit: VisitFact | None = None
    lesion: LesionFact | None = None
    specimen: SpecimenFact | None = None


def row_key(row: Row) -> tuple[str, ...]:
    """Return what makes two rows of a table rows about the same thing, for the newer to take the older's place."""
    roles = {
        "person": ("person",), "basis": ("person", "basis", "basis-reference"), "visit": ("person", "visit"),
        "lesion": ("person", "lesion", "visit"), "specimen": ("specimen",), "item": ("person", "file"),
    }[row.table.grain]  # fmt: skip
    parts = tuple(
        normal("uhid" if role in {"person", "specimen"} else "text", row.text(role)) for role in roles
    )
    return (row.table.id, *parts) if parts[0] else ()


@transaction.atomic
def take(desk: Desk, row: Row, *, today: date, corrects: bool = False) -> Taken:
    """Let the vault learn a row. Raise `Stop` where it cannot be used; then nothing of it is kept.

    `corrects`: it takes the place of an earlier row about the same thing, so a known date or sex may change.
    """
    values_of(row)
    if row.table.grain == "person":
        return _person(desk, row, today, corrects=corrects)
    person = _whose(desk, row)
    if row.table.grain == "visit":
        return _visit(desk, row, person, today, corrects=corrects)
    return {"basis": _basis, "lesion": _lesion, "specimen": _specimen, "item": _file}[row.table.grain](
        desk, row, person, today
    )


def _nothing(_: str) -> str:
    return ""


def values_of(row: Row, *, clean: Callable[[str], str] = _nothing) -> dict[str, Value]:
    """Return what of a row may leave: `variable` columns, and what `clean` leaves of those of free text.

    {} where all are empty; `Stop` where a cell is wrong. Without a `clean` no free text comes out.
    """
    values: dict[str, Value] = {}
    wrong: list[str] = []
    for column in row.table.columns:
        if not column.leaves or column.name not in row.cells:
            continue
        cell = row.cells[column.name]
        try:
            free = column.role == "free-text"
            values[column.name] = clean(read_text(cell, column)) or None if free else read_cell(cell, column)
        except BadCell as error:
            wrong.append(f"column “{column.name}”: the cell {error.what}; {error.advice}")
    if wrong:
        raise Stop("bad-row", f"Row {row.line}, {'. '.join(wrong)}.")
    return values if any(value is not None for value in values.values()) else {}


def _whose(desk: Desk, row: Row) -> Person:
    uhid = row.needed("person")
    try:
        person = persons.find(desk, kind="uhid", value=uhid)
    except persons.Ambiguous:
        raise Stop("ambiguous-person", f"Row {row.line}.") from None
    if person is None:
        raise Stop("no-person", f"Row {row.line}: no row of the table of persons has this number.")
    return person


def _kind_of(column: Column) -> str:
    words = normal("text", column.name)
    if re.search(r"phone|mobile|contact", words):
        return "phone"
    return "address" if re.search(r"address|residence|village|pin", words) else "other"


def _person(desk: Desk, row: Row, today: date, *, corrects: bool) -> Taken:
    born = row.day("birth-date")
    if born and born > today:
        raise row.bad("birth-date", "lies in the future", "write the date of birth")
    numbers = [row.needed("person")]
    for cell in row.all_of("person-alias"):
        numbers += [one for one in re.split(r"[;,|]", cell) if one.strip()]
    pairs = [("uhid", number) for number in numbers]
    if abha := row.text("abha"):
        if len(normal("abha", abha)) != 14 or not normal("abha", abha).isdigit():
            raise row.bad("abha", "is not an ABHA number", "write its 14 digits, or leave it empty")
        pairs.append(("abha", abha))
    pairs += [("name", name) for name in row.all_of("name")]
    pairs += [("guardian", name) for name in row.all_of("guardian")]
    for column in row.table.columns:
        if column.role == "identifier" and not empty(row.cells.get(column.name, "")):
            pairs.append((_kind_of(column), plain(row.cells[column.name])))
    if born:
        pairs.append(("birth-date", born.isoformat()))
    sex = persons.sexes(row.word("sex")) if row.text("sex") else "U"
    if sex is None:
        raise row.bad("sex", "is not one of the allowed values", "write F, M, O or U")
    known = persons.Known(tuple(pairs), sex=sex, born=born.isoformat() if born else None)
    try:
        person, merged = persons.enrol(desk, known=known)
    except persons.Ambiguous:
        raise Stop(
            "ambiguous-person",
            f"Row {row.line}: its ABHA number is another record's, whose sex or date of birth differs.",
        ) from None
    if corrects and sex != "U" and not person.sent and person.sex != sex:
        person.sex = sex
        person.save(update_fields=["sex"])
    return Taken(person, merged)


def _basis(desk: Desk, row: Row, person: Person, today: date) -> Taken:
    kind = row.word("basis")
    if kind not in {"consent", "guardian-consent", "waiver"}:
        raise row.bad(
            "basis", "is not one of the allowed values", "write consent, guardian-consent or waiver"
        )
    ethics = ethics_of(desk.protocol, reference=row.text("basis-reference"), kind=kind)
    if ethics is None:
        known = ", ".join(one.id for one in desk.protocol.ethics)
        raise row.bad("basis-reference", "names no ethics decision of this kind", f"write one of: {known}")
    given, gone = row.day("basis-date"), row.day("withdrawn-on")
    if given and given > today:
        raise row.bad("basis-date", "lies in the future", "write the day on which it was signed")
    if given and kind != "waiver" and not _valid(given, ethics.valid_from, ethics.valid_until):
        raise row.bad("basis-date", "lies outside the ethics decision's time", "check date and reference")
    if kind == "consent" and _minor(desk, person, given or today):
        raise Stop("no-basis", f"Row {row.line}: the person was a minor; the guardian's consent is needed.")
    scope = [one.strip() for one in re.split(r"[;,|]", row.text("scope")) if one.strip()] or list(
        ethics.scope
    )
    basis, _ = Basis.objects.get_or_create(person=person, kind=kind, ethics=ethics.id)
    basis.scope, basis.given_on = scope, given or basis.given_on
    basis.withdrawn_on = gone or basis.withdrawn_on
    basis.save()
    return Taken(person)


def _valid(day: date, start: str, end: str | None) -> bool:
    return date.fromisoformat(start) <= day and (end is None or day <= date.fromisoformat(end))


def years_between(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _born(desk: Desk, person: Person) -> date | None:
    births = [value for kind, value in persons.known_of(desk, person) if kind == "birth-date"]
    return date.fromisoformat(births[0]) if births else None


def _minor(desk: Desk, person: Person, day: date) -> bool:
    born = _born(desk, person)
    return born is not None and years_between(born, day) < ADULT_YEARS


def visit_name(protocol: Protocol, text: str) -> str | None:
    """Return the protocol's name for a visit, with the number of a repeated one (`follow-up-2`); none if not known."""
    wanted = normal("text", text)
    words: dict[str, str] = {}
    for table in protocol.tables:
        if (column := table.roles().get("visit")) is not None:
            words |= {normal("text", alias): name for alias, name in column.aliases_of_values.items()}
    for visit in protocol.visits:
        words |= {normal("text", word): visit.id for word in (visit.id, *visit.title.values())}
    if wanted in words:
        return words[wanted]
    if (found := re.fullmatch(r"(.+?)[ -]?(\d{1,2})", wanted)) and found[1] in words:
        return f"{words[found[1]]}-{int(found[2])}"
    return None


def base_visit(protocol: Protocol, name: str) -> str:
    """Return the protocol's visit that a (numbered) visit is one of."""
    ids = {visit.id for visit in protocol.visits}
    return name if name in ids else re.sub(r"-\d+$", "", name)


def _visit(desk: Desk, row: Row, person: Person, today: date, *, corrects: bool) -> Taken:
    name = visit_name(desk.protocol, row.needed("visit"))
    if name is None:
        known = ", ".join(one.id for one in desk.protocol.visits)
        raise row.bad("visit", "names no visit of the protocol", f"write one of: {known}")
    on = row.day("visit-date")
    if on is None:
        raise row.bad("visit-date", "is empty", "fill it in")
    if on > today:
        raise row.bad("visit-date", "lies in the future", "write the day of the visit")
    fact = facts.visit_fact(
        person, name=name, on=on, age_years=_age(desk, row, person, on), corrects=corrects
    )
    if fact is None:
        raise row.bad(
            "visit-date", "is not the date known for this visit", "number repeated visits: follow-up-2"
        )
    return Taken(person, visit=fact)


def _age(desk: Desk, row: Row, person: Person, on: date) -> int | None:
    column, text = row.column("age"), row.text("age")
    years: int | None = None
    if column is not None and text:
        typed = column.model_copy(
            update={"type": "integer", "min": column.min or 0, "max": column.max or 120}
        )
        try:
            years = int(str(read_cell(text, typed)))
        except BadCell as error:
            raise row.bad("age", error.what, error.advice) from None
    if years is None and (born := _born(desk, person)):
        years = years_between(born, on)
        if years < 0:
            raise row.bad("visit-date", "lies before the date of birth", "check both dates")
    return None if years is None else min(years, OLDEST)


def _known_visit(desk: Desk, row: Row, person: Person) -> VisitFact | None:
    if not (text := row.text("visit")):
        return None
    name = visit_name(desk.protocol, text)
    if name is None:
        raise row.bad("visit", "names no visit of the protocol", "write it as in the table of visits")
    fact = person.visits.filter(name=name).first()
    if fact is None:
        raise Stop("no-visit", f"Row {row.line}: the table of visits has no such visit of this person.")
    return fact


def _known_lesion(desk: Desk, row: Row, person: Person) -> LesionFact | None:
    if not (text := row.text("lesion")):
        return None
    fact = facts.find_lesion(desk, person, text)
    if fact is None:
        raise Stop("no-lesion", f"Row {row.line}: the table of lesions has no such lesion of this person.")
    return fact


def _fitting(text: str, entries: Any) -> str | None:
    wanted = normal("text", text)
    for entry in entries:
        if wanted in {normal("text", word) for word in (entry.value, *entry.aliases)}:
            return str(entry.value)
    return None


def _lesion(desk: Desk, row: Row, person: Person, today: date) -> Taken:
    del today
    site = ""
    if text := row.text("lesion-site"):
        found = _fitting(text, desk.protocol.lesions.sites)
        if found is None:
            known = ", ".join(one.value for one in desk.protocol.lesions.sites)
            raise row.bad("lesion-site", "names no site of the protocol", f"write one of: {known}")
        site = found
    laterality = row.word("laterality")
    if laterality and laterality not in {"left", "right", "midline", "bilateral"}:
        raise row.bad("laterality", "is not a side", "write left, right, midline or bilateral")
    number, visit = row.needed("lesion"), _known_visit(desk, row, person)
    fact = facts.lesion_fact(desk, person, number=number, site=site, laterality=laterality)
    return Taken(person, lesion=fact, visit=visit)


def _specimen(desk: Desk, row: Row, person: Person, today: date) -> Taken:
    del today
    number, kind = row.needed("specimen"), ""
    if text := row.text("specimen-kind"):
        found = _fitting(text, desk.protocol.specimens)
        if found is None:
            known = ", ".join(one.value for one in desk.protocol.specimens)
            raise row.bad("specimen-kind", "names no kind of the protocol", f"write one of: {known}")
        kind = found
    lesion, visit = _known_lesion(desk, row, person), _known_visit(desk, row, person)
    fact = facts.specimen_fact(desk, person, number=number, kind=kind, lesion=lesion, visit=visit)
    if fact is None:
        raise Stop("ambiguous-person", f"Row {row.line}: its specimen number is another person's already.")
    return Taken(person, specimen=fact, lesion=fact.lesion, visit=fact.visit)


def _file(desk: Desk, row: Row, person: Person, today: date) -> Taken:
    taken_on = row.day("visit-date")
    if taken_on and taken_on > today:
        raise row.bad("visit-date", "lies in the future", "write the day on which it was taken")
    name, view = row.needed("file"), row.word("view")
    lesion, visit = _known_lesion(desk, row, person), _known_visit(desk, row, person)
    specimen = None
    if number := row.text("specimen"):
        specimen = next((one for one in facts.find_specimens(desk, [number]) if one.person == person), None)
        if specimen is None:
            raise Stop("no-specimen", f"Row {row.line}: the table of specimens has no such specimen.")
    FileFact.objects.update_or_create(
        person=person, lookup=desk.vault.lookup("file", name),
        defaults={"view": view, "taken_on": taken_on, "lesion": lesion, "visit": visit, "specimen": specimen},
    )  # fmt: skip
    return Taken(person, visit=visit, lesion=lesion, specimen=specimen)
