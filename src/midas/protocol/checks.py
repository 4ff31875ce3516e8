"""What the shape alone cannot say: that the parts of a protocol refer to each other. In comes a `Protocol`, out go places.

Each check is one function that yields `(location, what is wrong, what to do)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise

from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID_dictionary

from midas.protocol.model import (
    Column,
    Condition,
    Language,
    LesionSite,
    Protocol,
    SpecimenKind,
    Table,
    Target,
)
from midas.protocol.words import age_band, well_formed
from midas.protocol.yaml import Loc
from midas.wire.v1 import Code

Wrong = tuple[Loc, str, str]

NEEDED_ROLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "person": (("person",),),
    "basis": (("person",), ("basis",), ("basis-reference",)),
    "visit": (("person",), ("visit", "visit-date")),
    "lesion": (("person",), ("lesion",)),
    "specimen": (("person", "lesion"), ("specimen",)),
    "item": (("file", "specimen"), ("person", "specimen")),
}
"""For each grain, groups of roles of which the table needs at least one: without them its rows join nothing."""

MANY_TIMES = {"variable", "person-alias", "identifier", "name", "guardian", "drop"}
"""Roles that several columns of one table may have."""

PLACE_COLUMNS = {"subject", "visit", "lesion", "specimen"}
"""What every clinical table of a release begins with: where its row stands in the subject tree."""

LEVEL_OF_GRAIN = {
    "person": "subject",
    "visit": "visit",
    "lesion": "lesion",
    "specimen": "specimen",
    "item": "instance",
}
STANDING_VARIABLES = {"sex", "age-band", "spoke"}
"""What every subject has, whatever the tables hold."""
POPULATION_VARIABLES = {*STANDING_VARIABLES, "device"}
"""What the target population may be divided by, besides columns and targets."""

FIXED_VALUES = {
    "sex": {"F", "M", "O", "U"},
    "laterality": {"left", "right", "midline", "bilateral"},
    "basis": {"consent", "guardian-consent", "waiver"},
}
"""The only values that the wire knows for these roles (`midas.wire.v1`)."""

DUO_TERM = re.compile(r"DUO:\d{7}")
NO_COMMERCE = {"DUO:0000018", "DUO:0000046"}
"""DUO: not for profit, non commercial use only; non-commercial use only."""


def normal_heading(text: str) -> str:
    """Return a heading as tables are compared by: case, spaces, punctuation and underscores do not count."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _repeated(place: Loc, names: Iterable[str], noun: str) -> Iterator[Wrong]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield (*place, number), f"{noun} '{name}' is there twice", "give each its own name"
        seen.add(name)


def unique_names(protocol: Protocol) -> Iterator[Wrong]:
    yield from _repeated(("ethics",), (one.id for one in protocol.ethics), "the ethics entry")
    yield from _repeated(("visits",), (one.id for one in protocol.visits), "the visit")
    yield from _repeated(("items",), (one.id for one in protocol.items), "the item")
    yield from _repeated(("tables",), (one.id for one in protocol.tables), "the table")
    yield from _repeated(("targets",), (one.id for one in protocol.targets), "the target")
    yield from _repeated(("annotation",), (one.id for one in protocol.annotation), "the annotation task")
    yield from _repeated(("spokes",), (one.id for one in protocol.spokes), "the spoke")


def one_meaning(protocol: Protocol) -> Iterator[Wrong]:
    """Each word for a site or a kind of specimen means one of them."""
    named: list[tuple[Loc, Sequence[LesionSite | SpecimenKind]]] = [
        (("lesions", "sites"), protocol.lesions.sites),
        (("specimens",), protocol.specimens),
    ]
    for place, kinds in named:
        words: dict[str, str] = {}
        for number, kind in enumerate(kinds):
            for word in {normal_heading(text) for text in (kind.value, *kind.aliases)}:
                if words.setdefault(word, kind.value) != kind.value:
                    yield (
                        (*place, number),
                        f"'{word}' also means '{words[word]}'",
                        "let each word mean one thing",
                    )


def words_in_english(protocol: Protocol) -> Iterator[Wrong]:
    places: list[tuple[Loc, Mapping[Language, str]]] = [
        (("title",), protocol.title),
        (("summary",), protocol.summary),
    ]
    places += [(("visits", n, "title"), one.title) for n, one in enumerate(protocol.visits)]
    places += [(("items", n, "title"), one.title) for n, one in enumerate(protocol.items)]
    places += [(("tables", n, "title"), one.title) for n, one in enumerate(protocol.tables)]
    places += [(("targets", n, "title"), one.title) for n, one in enumerate(protocol.targets)]
    for place, words in places:
        if "en" not in words:
            yield place, "the English words are missing", "add 'en:'"


def _real_day(text: str | None) -> bool:
    try:
        return text is None or bool(date.fromisoformat(text))
    except ValueError:
        return False


def ethics_make_sense(protocol: Protocol) -> Iterator[Wrong]:
    for number, entry in enumerate(protocol.ethics):
        for name in ("valid_from", "valid_until", "collected_until"):
            if not _real_day(getattr(entry, name)):
                yield (
                    ("ethics", number, name),
                    f"{name} is not a day of the calendar",
                    "write it as YYYY-MM-DD",
                )
        if entry.valid_until is not None and entry.valid_until < entry.valid_from:
            yield ("ethics", number, "valid_until"), "it ends before it begins", "swap the two dates"
        yield from _duo(("ethics", number, "scope"), entry.scope)
    yield from _duo(("access", "uses"), protocol.access.uses)
    if protocol.access.commercial and NO_COMMERCE & set(protocol.access.uses):
        yield (
            ("access", "commercial"),
            "commercial use contradicts the DUO term in uses",
            "change one of them",
        )


def _duo(place: Loc, terms: Iterable[str]) -> Iterator[Wrong]:
    for number, term in enumerate(terms):
        if not DUO_TERM.fullmatch(term):
            yield (*place, number), f"'{term}' is not a DUO term", "write it as DUO:0000042"


def items_refer(protocol: Protocol) -> Iterator[Wrong]:
    visits = {visit.id for visit in protocol.visits}
    for number, item in enumerate(protocol.items):
        place: Loc = ("items", number)
        yield from _exist((*place, "visits"), item.visits, visits, "visit")
        if item.level == "specimen" and not protocol.specimens:
            yield (
                (*place, "level"),
                "the protocol declares no specimens",
                "add 'specimens:' or use another level",
            )
        for position, uid in enumerate(item.sop_classes):
            if uid not in UID_dictionary:
                yield (
                    (*place, "sop_classes", position),
                    f"{uid} is not a registered UID",
                    "take it from PS3.6 Annex A",
                )
        for position, bound in enumerate(item.acquisition):
            if tag_for_keyword(bound.keyword) is None:
                yield (
                    (*place, "acquisition", position, "keyword"),
                    f"'{bound.keyword}' is not a DICOM keyword",
                    "take it from PS3.6, such as SliceThickness",
                )


def _exist(place: Loc, names: Sequence[str], known: Iterable[str], noun: str) -> Iterator[Wrong]:
    choices = sorted(known)
    for number, name in enumerate(names):
        if name not in choices:
            yield (*place, number), f"there is no {noun} '{name}'", f"use one of {', '.join(choices)}"


def tables_join(protocol: Protocol) -> Iterator[Wrong]:
    for number, table in enumerate(protocol.tables):
        place: Loc = ("tables", number)
        roles = {column.role for column in table.columns}
        for group in NEEDED_ROLES[table.grain]:
            if roles.isdisjoint(group):
                what = f"a table of grain {table.grain} needs a column with role {' or '.join(group)}"
                yield (*place, "columns"), what, "add one"
        yield from _repeated((*place, "columns"), (column.name for column in table.columns), "the column")
        yield from _headings(place, table)
        for position, column in enumerate(table.columns):
            yield from _column((*place, "columns", position), column)
            if column.leaves and column.name in PLACE_COLUMNS:
                what = (
                    f"each table of a release has a '{column.name}' of its own, which says where a row stands"
                )
                yield (*place, "columns", position, "name"), what, "give this column another name"
    grains = {table.grain for table in protocol.tables}
    for grain in ("person", "basis"):
        if grain not in grains:
            yield ("tables",), f"no table has grain {grain}", f"add one: without it no {grain} is known"


def roles_speak_of_the_protocol(protocol: Protocol) -> Iterator[Wrong]:
    """Values listed for a visit, a view, a sex, a side or a basis are ones that the protocol or the wire knows."""
    known = {
        **FIXED_VALUES,
        "visit": {visit.id for visit in protocol.visits},
        "view": {view for item in protocol.items for view in item.views},
    }
    for number, table in enumerate(protocol.tables):
        for position, column in enumerate(table.columns):
            if column.role in known:
                place: Loc = ("tables", number, "columns", position, "values")
                yield from _exist(place, column.values, known[column.role], column.role)


def _headings(place: Loc, table: Table) -> Iterator[Wrong]:
    headings: dict[str, str] = {}
    once: dict[str, str] = {}
    for number, column in enumerate(table.columns):
        for heading in {normal_heading(text) for text in (column.name, *column.aliases)}:
            if headings.setdefault(heading, column.name) != column.name:
                what = f"the heading '{heading}' also belongs to column '{headings[heading]}'"
                yield (*place, "columns", number), what, "let each heading mean one column"
        if column.role not in MANY_TIMES and once.setdefault(column.role, column.name) != column.name:
            what = f"role {column.role} is already held by column '{once[column.role]}'"
            yield (*place, "columns", number), what, "give one column of a table each role"


def _column(place: Loc, column: Column) -> Iterator[Wrong]:
    if column.min is not None and column.max is not None and column.min > column.max:
        yield (*place, "min"), "min is larger than max", "swap them"
    if (column.min is not None or column.max is not None) and column.type not in {"integer", "number"}:
        yield (*place, "type"), f"a {column.type} has no min or max", "use type integer or number"
    for word in column.broader:
        way = [word]
        while way[-1] in column.broader and len(way) == len(set(way)):
            way.append(column.broader[way[-1]])
        if len(way) != len(set(way)):
            yield (
                (*place, "broader", word),
                f"'{word}' leads back to itself",
                "let each word lead to a wider one",
            )
    for word, value in column.aliases_of_values.items():
        if value not in column.values:
            yield (
                (*place, "aliases_of_values", word),
                f"'{value}' is not one of the values",
                "add it to values",
            )


def rules_refer(protocol: Protocol) -> Iterator[Wrong]:
    """Rules between columns name columns that leave, values that these have, and numbers where they compare."""
    for number, table in enumerate(protocol.tables):
        columns = {column.name: column for column in table.columns if column.role == "variable"}
        yield from _repeated(("tables", number, "rules"), (rule.id for rule in table.rules), "the rule")
        for position, rule in enumerate(table.rules):
            for part, conditions in (("when", rule.when), ("then", rule.then)):
                for index, condition in enumerate(conditions):
                    place: Loc = ("tables", number, "rules", position, part, index)
                    yield from _condition(place, condition, columns)


def _condition(place: Loc, condition: Condition, columns: dict[str, Column]) -> Iterator[Wrong]:
    named = (("column", condition.column), ("at_least", condition.at_least), ("at_most", condition.at_most))
    for field, name in named:
        if name is not None and name not in columns:
            yield (
                (*place, field),
                f"no column '{name}' of this table leaves the hospital",
                "name a variable column",
            )
            return
    column = columns[condition.column]
    allowed = (True, False) if column.type == "boolean" else column.values
    for value in (*condition.one_of, *condition.none_of):
        if allowed and not any(value == one and type(value) is type(one) for one in allowed):
            yield (*place, "column"), f"'{value}' is not a value of '{column.name}'", "use one of its values"
    compared = [name for _, name in named[1:] if name is not None]
    if condition.min is not None or condition.max is not None or compared:
        for name in (condition.column, *compared):
            if columns[name].type not in {"integer", "number"}:
                yield place, f"column '{name}' is a {columns[name].type}, not a number", "compare numbers"


def codes_are_codes(protocol: Protocol) -> Iterator[Wrong]:
    """Codes have the form of their system, with its check digit: a slip of the pen is seen."""
    named: list[tuple[Loc, Code]] = [(("disease", n), code) for n, code in enumerate(protocol.disease)]
    named += [(("lesions", "sites", n, "code"), site.code) for n, site in enumerate(protocol.lesions.sites)]
    named += [(("specimens", n, "code"), kind.code) for n, kind in enumerate(protocol.specimens)]
    named += [
        (("items", n, "anatomy"), item.anatomy) for n, item in enumerate(protocol.items) if item.anatomy
    ]
    for n, target in enumerate(protocol.targets):
        named += [(("targets", n, "codes", value), code) for value, code in target.codes.items()]
    for n, table in enumerate(protocol.tables):
        for at, column in enumerate(table.columns):
            place: Loc = ("tables", n, "columns", at)
            if column.code:
                named.append(((*place, "code"), column.code))
            if column.vocabulary:
                for number, value in enumerate(column.values):
                    code = Code(scheme=column.vocabulary, value=value, meaning="")
                    named.append(((*place, "values", number), code))
    for where, code in named:
        if not well_formed(code.scheme, code.value):
            yield (
                where,
                f"'{code.value}' is not a code of {code.scheme}",
                "copy it from the system's own browser",
            )


def variables(protocol: Protocol) -> dict[str, Column]:
    """Return every column that leaves, under `table.column` and, where no other has it, under its own name."""
    found: dict[str, Column] = {}
    for table in protocol.tables:
        for column in table.columns:
            if column.role == "variable":
                found[f"{table.id}.{column.name}"] = column
                found.setdefault(column.name, column)
    return found


def _source_column(target: Target, protocol: Protocol) -> tuple[Table, Column] | str:
    table = next((one for one in protocol.tables if one.id == target.source.table), None)
    if table is None:
        return f"there is no table '{target.source.table}'"
    column = next((one for one in table.columns if one.name == target.source.column), None)
    if column is None:
        return f"table '{table.id}' has no column '{target.source.column}'"
    if column.role != "variable":
        return f"column '{column.name}' has role {column.role} and never leaves the hospital"
    return table, column


def _target_from_table(place: Loc, target: Target, protocol: Protocol) -> Iterator[Wrong]:
    found = _source_column(target, protocol)
    if isinstance(found, str):
        yield (*place, "source"), found, "name a variable column of a table"
        return
    table, column = found
    if LEVEL_OF_GRAIN.get(table.grain) != target.level:
        what = f"table '{table.id}' has one row per {table.grain}, the target is about a {target.level}"
        yield (*place, "level"), what, f"use level {LEVEL_OF_GRAIN.get(table.grain, 'of another table')}"
    if target.type == "category" and set(target.values) != set(column.values):
        extra = ", ".join(sorted(set(target.values) ^ set(column.values)))
        yield (
            (*place, "values"),
            f"they differ from column '{column.name}' in: {extra}",
            "make the two lists equal",
        )
    if target.type == "number" and column.type not in {"integer", "number"}:
        yield (
            (*place, "type"),
            f"column '{column.name}' is a {column.type}",
            "use a number column or type category",
        )
    if target.type in {"segmentation", "regions"}:
        yield (
            (*place, "source"),
            f"a {target.type} cannot come from a table",
            "use 'labels: imported' or 'labels: reading'",
        )


def targets_refer(protocol: Protocol) -> Iterator[Wrong]:
    items = {item.id for item in protocol.items}
    read = {task.target for task in protocol.annotation}
    for number, target in enumerate(protocol.targets):
        place: Loc = ("targets", number)
        yield from _exist((*place, "items"), target.items, items, "item")
        for value in target.codes.keys() - set(target.values):
            yield (
                (*place, "codes", value),
                f"'{value}' is not one of the values",
                "add it to values or take it out",
            )
        if target.source.labels is None:
            yield from _target_from_table(place, target, protocol)
        if target.source.labels == "reading" and target.id not in read:
            yield (*place, "source"), "no annotation task reads it", "add one under 'annotation:'"
        if target.type == "category" and len(set(target.values)) < 2:
            yield (*place, "values"), "a category needs two values or more", "list them"


def rest_refers(protocol: Protocol) -> Iterator[Wrong]:
    targets = {target.id: target for target in protocol.targets}
    for number, task in enumerate(protocol.annotation):
        yield from _exist(("annotation", number, "target"), (task.target,), targets, "target")
        if task.adjudication == "third-reader" and task.readers_per_item < 2:
            yield (
                ("annotation", number, "adjudication"),
                "one reader leaves nothing to adjudicate",
                "use two readers",
            )
    known = variables(protocol)
    for name, shares in protocol.population.variable.items():
        place: Loc = ("population", "variable", name)
        if name not in known and name not in POPULATION_VARIABLES | targets.keys():
            yield (
                place,
                f"there is no variable '{name}'",
                f"use a column, a target or one of {', '.join(sorted(POPULATION_VARIABLES))}",
            )
        elif name == "age-band":
            yield from _bands(place, [share.value for share in shares])
        elif name in known and known[name].type == "category":
            yield from _exist(place, [share.value for share in shares], known[name].values, "value")
        yield from _repeated(place, (share.value for share in shares), "the share of")
        if sum(share.share for share in shares) > 1 + 1e-9:
            yield place, "the shares add up to more than 1", "correct them"
    stratify = STANDING_VARIABLES | known.keys() | targets.keys()
    yield from _exist(("split", "stratify"), protocol.split.stratify, stratify, "variable or target")
    for number, exception in enumerate(protocol.deid.exceptions):
        if tag_for_keyword(exception.keyword) is None:
            where: Loc = ("deid", "exceptions", number, "keyword")
            yield where, f"'{exception.keyword}' is not a DICOM keyword", "take it from PS3.6"
    yield from _repeated(
        ("deid", "exceptions"), (one.keyword for one in protocol.deid.exceptions), "the exception for"
    )


CHECKS = (
    unique_names,
    one_meaning,
    words_in_english,
    ethics_make_sense,
    items_refer,
    tables_join,
    rules_refer,
    codes_are_codes,
    roles_speak_of_the_protocol,
    targets_refer,
    rest_refers,
)


def _bands(place: Loc, words: Sequence[str]) -> Iterator[Wrong]:
    bands = [age_band(word) for word in words]
    for number, (word, band) in enumerate(zip(words, bands, strict=True)):
        if band is None:
            yield (*place, number), f"'{word}' is no band of ages", "write it as 18-29 or 70+"
    known = sorted(band for band in bands if band is not None)
    if any(after[0] <= before[1] for before, after in pairwise(known)):
        yield place, "two bands of ages share a year", "let each begin after the one before"


def check(protocol: Protocol) -> Iterator[Wrong]:
    """Yield every place where the protocol's parts do not agree."""
    for rule in CHECKS:
        yield from rule(protocol)
