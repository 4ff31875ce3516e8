"""What each column of a clinical table is: said by a file of roles, else by its heading and borne out by its cells.

In come headings and what was counted of the cells, out come `Column`s, or the headings of which nothing is known: then the
whole table is held. A heading decides what is taken away; cells never turn an identifier into a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midas.deid import tables
from midas.deid.celldates import Order, clock, orders_of
from midas.deid.dates import OLDEST
from midas.deid.names import parts, plain
from midas.kernel import BadInput, NotFound, sha256_bytes
from midas.protocol.load import parse
from midas.protocol.model import Protocol
from midas.protocol.yaml import MAX_BYTES, Unreadable, read_yaml

Role = Literal[
    "person", "alias", "abha", "name", "guardian", "identifier", "phone", "address", "birth-date", "drop", "year",
    "sex", "age", "date", "time", "uid", "file", "value", "text",
]  # fmt: skip
ROLES: tuple[str, ...] = get_args(Role)
KNOWN_AS = {
    "alias": "uhid", "abha": "identifier", "name": "name", "guardian": "guardian", "identifier": "identifier",
    "phone": "phone", "address": "address", "birth-date": "birth-date",
}  # fmt: skip
"""Roles whose cells name the person of the row, and the kind of identifier that they hold; none of them leaves."""
GONE = frozenset({*KNOWN_AS, "drop", "year"})
NEEDS = {
    "sex": "retain-patient-characteristics", "age": "retain-patient-characteristics", "text": "clean-descriptors",
    "value": "clean-descriptors", "time": "retain-longitudinal-modified-dates",
}  # fmt: skip
"""Roles that leave under an option of the profile only; dates and UIDs are told by themselves."""
DATES = frozenset({"retain-longitudinal-modified-dates", "retain-longitudinal-full-dates"})
SURE = 0.9
"""Share of a column's filled cells that must be what its role says, before the others may be emptied."""
FROM_PROTOCOL: dict[str, Role] = {
    "person": "person", "person-alias": "alias", "abha": "abha", "identifier": "identifier", "name": "name",
    "guardian": "guardian", "visit": "value", "visit-date": "date", "lesion": "value", "lesion-site": "value",
    "laterality": "value", "specimen": "identifier", "specimen-kind": "value", "file": "file", "view": "value",
    "sex": "sex", "birth-date": "birth-date", "age": "age", "variable": "value",
}  # fmt: skip
"""Roles of a protocol's columns; those of lawful basis and consent are no data and do not leave."""


@dataclass(frozen=True)
class Column:
    """One column: its heading, what it is, and how its dates are written."""

    heading: str
    role: Role
    order: Order = "day"

    @property
    def leaves(self) -> bool:
        return self.role not in GONE


@dataclass
class Counted:
    """What the cells of a column look like; no value is kept beyond a few digests of whole numbers."""

    filled: int = 0
    days: int = 0
    months: int = 0
    clocks: int = 0
    years: int = 0
    uids: int = 0
    ages: int = 0
    whole: int = 0
    numbers: set[int] = field(default_factory=set)

    def see(self, cell: str) -> None:
        value = plain(cell).strip()
        if blank(value):
            return
        self.filled += 1
        found = orders_of(value)
        self.days += "day" in found
        self.months += "month" in found
        self.clocks += clock(value)
        self.years += bool(_YEAR.fullmatch(value))
        self.uids += bool(_UID.fullmatch(value))
        self.ages += capped(value) != ""
        if re.fullmatch(r"\d{4,}", value):
            self.whole += 1
            self.numbers.add(hash(value))

    def mostly(self, count: int) -> bool:
        return self.filled > 0 and count >= SURE * self.filled

    @property
    def order(self) -> Order | None:
        """How the dates of the column are written; the day first, as India does, where both can be."""
        if self.mostly(self.days) and self.days >= self.months:
            return "day"
        return "month" if self.mostly(self.months) else None

    @property
    def counts_persons(self) -> bool:
        """Say whether long whole numbers, hardly one twice, stand in it: such a column numbers somebody or something."""
        return self.mostly(self.whole) and len(self.numbers) > 1 and len(self.numbers) >= SURE * self.filled


_YEAR = re.compile(r"(?:19|20)\d\d")
_MEASURE = re.compile(r"[<>~]?=?\s?[+\-]?\d{1,5}(?:[.,]\d{1,6})?\s?([^\s\d]{0,8})")
DIGITS = 7
"""Digits of a measured number."""
_NUMBERS = re.compile(r"\d+")
_UID = re.compile(r"[012](?:\.\d+){3,}")
EMPTY = frozenset(
    {"", "-", "--", "na", "n/a", "n.a.", "nil", "null", "none", "nan", "not available", "not known", "?"}
)


_AGE = re.compile(
    r"(\d{1,3})(?:\.\d{1,2})?(\s?)(y|yr|yrs|years?|m|mo|months?|w|wks?|weeks?|d|days?)?\.?", re.IGNORECASE
)
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 52.18, "d": 365.25}


def blank(cell: str) -> bool:
    """Say whether a cell says nothing, in one of the ways in which tables say so."""
    return plain(cell).strip().casefold() in EMPTY


def capped(cell: str) -> str:
    """Return an age with 90 years and over as one group, "" where it is none; without a unit it is in years."""
    match = _AGE.fullmatch(plain(cell).strip())
    if match is None or int(match[1]) > 130 * (unit := _PER_YEAR[(match[3] or "y")[0].lower()]):
        return ""
    return match[0] if int(match[1]) < OLDEST * unit else f"{OLDEST}{match[2]}{'years' if match[3] else ''}"


class RolesFile(BaseModel):
    """A file of roles as it is written: headings as they stand in the tables, each with its role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["midas-deid-columns/1"] = Field(alias="schema")
    columns: dict[str, Role] = Field(min_length=1)


@dataclass(frozen=True)
class Given:
    """Roles that a person gave, by glued heading, and the digest of what gave them."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    digest: str = ""


def load_columns(path: Path) -> Given:
    """Return the roles in a file of roles or a protocol; `NotFound` or `BadInput` where there is none or a word is wrong."""
    if not path.is_file():
        raise NotFound("There is no such file of columns.", advice="Give a YAML file, see the guide.")
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise BadInput(f"{path.name} is larger than a file of roles can be.")
    try:
        value, _ = read_yaml(data.decode("utf-8-sig"))
        if isinstance(value, dict) and value.get("schema") == "midas-protocol/1":
            loaded = parse(data, name=path.name)
            return of_protocol(loaded.protocol, loaded.sha256)
        made = RolesFile.model_validate(value)
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text.", advice="Save it as UTF-8.") from None
    except Unreadable as error:
        raise BadInput(error.complaint.at(path.name)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{path.name}: {where}: {first['msg']}", advice=f"Roles: {', '.join(ROLES)}."
        ) from None
    return Given({glued(heading): role for heading, role in made.columns.items()}, sha256_bytes(data))


def of_protocol(protocol: Protocol, digest: str) -> Given:
    """Return the roles that a protocol's tables give to their headings; a heading of two roles is left to the rules."""
    found: dict[str, set[Role]] = {}
    for table in protocol.tables:
        for column in table.columns:
            role = FROM_PROTOCOL.get(column.role, "drop")
            for heading in (column.name, *column.aliases):
                found.setdefault(glued(heading), set()).add(role)
    return Given({heading: roles.pop() for heading, roles in found.items() if len(roles) == 1}, digest)


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def glued(heading: str) -> str:
    """Return a heading as it is compared: small letters and digits of any script, nothing between."""
    return "".join(parts(heading))


@dataclass(frozen=True)
class _Rules:
    names: dict[str, Role]
    rank: dict[str, int]
    words: tuple[tuple[Role, frozenset[str], frozenset[str]], ...]
    plain: frozenset[str]
    known: frozenset[str]
    """All words that tell a role."""
    units: frozenset[str]


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    read = json.loads(files(tables).joinpath("columns.json").read_text(encoding="utf-8"))
    given = read["headings"]
    names: dict[str, Role] = {}
    for row in given:
        for name in row.get("names", "").split():
            names.setdefault(glued(name), row["role"])
    words = tuple(
        (row["role"], frozenset(row.get("words", "").split()), frozenset(row.get("last", "").split()))
        for row in given
        if "names" not in row
    )
    rank = {name: number for number, name in enumerate(names)}
    known = frozenset(word for _, anywhere, last in words for word in (*anywhere, *last))
    return _Rules(
        names, rank, words, frozenset(read["plain"].split()), known, frozenset(read["units"].split())
    )


def measured(value: str) -> bool:
    """Say whether a cell is a number with a unit of measure or none, of so few digits that it can reach nobody."""
    match = _MEASURE.fullmatch(value)
    if match is None or sum(map(str.isdigit, value)) > DIGITS:
        return False
    return not match[1] or match[1].casefold() in _rules().units


def role_of(heading: str) -> Role | None:
    """Return what a heading says of its column; None where no rule knows it."""
    rules = _rules()
    if role := rules.names.get(glued(heading)):
        return role
    words = parts(_CAMEL.sub(" ", heading))
    for role, anywhere, last in rules.words:
        if not anywhere.isdisjoint(words) or (words and words[-1] in last):
            return role
    return None


def _plain_heading(heading: str) -> bool:
    """Say whether all words of a heading are words of the field and none is a name, and its numbers years or short."""
    rules = _rules()
    if glued(heading) in rules.names:
        return True
    words = [word for word in parts(_CAMEL.sub(" ", heading)) if not word.isdecimal()]
    numbers = _NUMBERS.findall(heading)
    return (
        bool(words)
        and all(
            len(word) < 3 or word in rules.plain or word in rules.known or _of_the_field(word)
            for word in words
        )
        and len(numbers) < 3
        and all(len(number) < 3 or _YEAR.fullmatch(number) for number in numbers)
    )


def _of_the_field(word: str) -> bool:
    return (word in tables.vocabulary() or word in tables.indic_words()) and word not in tables.doubtful()


def _by_cells(heading: str, counted: Counted) -> Role | None:
    """Return what the cells of a column are whose heading is made of plain words, None where that is not certain."""
    if not counted.filled:
        return "drop"
    if not _plain_heading(heading) or counted.counts_persons:
        return None
    for role, count in (("uid", counted.uids), ("time", counted.clocks), ("year", counted.years)):
        if counted.mostly(count):
            return role  # type: ignore[return-value]
    return "date" if counted.order else "value"


def columns_of(
    headings: Sequence[str], counted: Sequence[Counted], given: Given
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of a table, and what is wrong: headings without a role, or whose cells contradict it.

    A wrong column is one that goes, so that the others can still tell whose the rows are.
    """
    made: list[Column] = []
    wrong: list[str] = []
    for heading, seen in zip(headings, counted, strict=True):
        told = given.roles.get(glued(heading))
        role = told or _role(heading, seen)
        why = _against(role, seen, told=bool(told)) if role else ""
        if role and role not in GONE and not told and not _plain_heading(heading):
            why = why or "its heading may name somebody"
        if role is None or why:
            wrong.append(f"“{heading}”" + (f" ({why})" if why else ""))
        made.append(Column(heading, "drop" if role is None or why else role, seen.order or "day"))
    return tuple(_one_person(made, given)), tuple(wrong)


def _role(heading: str, seen: Counted) -> Role | None:
    """Return what a heading says; one that may mean years is what its cells are. Cells of ages that are none are emptied."""
    role = role_of(heading)
    contradicted = role == "year" and not seen.mostly(seen.years)
    return _by_cells(heading, seen) if role is None or contradicted else role


def _against(role: Role, seen: Counted, *, told: bool) -> str:
    if not seen.filled:
        return ""
    if role == "value" and seen.counts_persons and not told:
        return "its cells number somebody or something"
    if role == "date" and seen.order is None and not seen.mostly(seen.clocks):
        return "its cells are no dates"
    return "its cells are no UIDs" if role == "uid" and not seen.mostly(seen.uids) else ""


def _one_person(columns: Sequence[Column], given: Given) -> Iterator[Column]:
    """Of several columns that number the person, the surest stays; the others are further numbers of the same person."""
    rank = _rules().rank
    found = [(glued(one.heading) not in given.roles, rank.get(glued(one.heading), 999)) for one in columns]
    numbers = [at for at, one in enumerate(columns) if one.role == "person"]
    first = min(numbers, key=lambda at: found[at], default=-1)
    for at, one in enumerate(columns):
        yield Column(one.heading, "alias", one.order) if one.role == "person" and at != first else one
