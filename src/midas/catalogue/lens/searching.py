"""Search a scope for studies, series and instances (PS3.18 §10.6): keys go in, ready answers come out, in a stable order.

What stands in columns is asked of the database; for other attributes its candidates are looked through one by one.
"""

# ruff: noqa: S608 - names of our own tables and columns are put together here; every value goes as a parameter
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import connection

from midas.catalogue.lens.finding import listing
from midas.catalogue.lens.indexing import spread, value_of
from midas.catalogue.lens.matching import FORMS, Json, Match, folded, words_of
from midas.catalogue.lens.rows import INSTANCE
from midas.kernel import BadInput

STUDY = {
    "00080020": "study_date", "00080030": "study_time", "00080050": "accession_number",
    "00080090": "referring_physician_name", "00081030": "study_description", "00100010": "patient_name",
    "00100020": "patient_id", "00100030": "patient_birth_date", "00100040": "patient_sex", "0020000D": "uid",
    "00200010": "study_id",
}  # fmt: skip
SERIES = {
    "00080060": "modality", "0008103E": "description", "00180015": "body_part", "0020000E": "uid",
    "00200011": "number",
}  # fmt: skip
MODALITIES, SOP_UID = "00080061", "00080018"
FOUND_AT_ONCE = frozenset({"00080020", "00080050", "00100010", "00100020", "0020000D"})
"""Attributes of a study with an index of their own: the search starts from them."""
MOST_CANDIDATES = 20_000
"""Rows that are looked through one by one for an attribute without a column; beyond it the search must say more."""
AT_ONCE = 500
LEVELS = ("studies", "series", "instances")


@dataclass(frozen=True)
class Query:
    """A search of `level` (studies, series, instances) below a study and series, if given by UID.

    `more`: the whole of what the level's attributes are is wanted, not only what every answer has.
    """

    scope_id: int
    level: str
    matches: tuple[Match, ...] = ()
    study: str = ""
    series: str = ""
    limit: int = 1000
    offset: int = 0
    more: bool = False


@dataclass
class Where:
    """Conditions and their values, in step."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, part: str, *values: Any) -> None:
        self.parts.append(part)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self.parts)


def search(query: Query) -> tuple[list[str | Json], bool]:
    """Return the answers (JSON text, or values where they had to be put together), and whether there are more."""
    found: list[str | Json] = []
    stream = {"studies": _studies, "series": _series, "instances": _instances}[query.level](query)
    for answer in stream:
        if len(found) == query.limit:
            return found, True
        found.append(answer)
    return found, False


# -- studies and series -----------------------------------------------------------------------------------------


def _studies(query: Query) -> Iterator[str | Json]:
    source, order, modality = "catalogue_scopestudy s", "s.id", _first_modality(query)
    if modality is None:
        where, rest = _where(query, "study")
    else:
        source = "catalogue_scopemodality m JOIN catalogue_scopestudy s ON s.id = m.study_id"
        order = "m.study_id"
        others = replace(query, matches=tuple(one for one in query.matches if one is not modality))
        where, rest = _where(others, "study", scope="m")
        where.add("m.modality = %s", modality.values[0])
    common = "s.common" if query.more or rest else "NULL"
    sql = f"SELECT s.fragment, {common}, NULL FROM {source} WHERE {where} ORDER BY {order}"
    return _answers(query, sql, where.values, rest)


def _first_modality(query: Query) -> Match | None:
    """Return the one modality that a search goes by, where nothing that narrows it more is asked for.

    Then no condition stands twice: planners take what says the same for independent, and expect next to nothing.
    """
    if any(one.path[0] in FOUND_AT_ONCE and not one.everything for one in query.matches):
        return None
    return next((one for one in query.matches if one.path == (MODALITIES,) and _plain(one)), None)


def _plain(match: Match) -> bool:
    return len(match.values) == 1 and not match.wild and not match.everything


def _series(query: Query) -> Iterator[str | Json]:
    where, rest = _where(query, "study", "series")
    order = "COALESCE(e.number, 0), e.id" if query.study else "e.id"
    common, joined = "NULL", ""
    if query.more or rest:
        common, joined = "p.common", "JOIN catalogue_seriespack p ON p.key = e.pack"
    sql = (
        f"SELECT e.fragment, {common}, {'NULL' if query.study else 's.fragment'} FROM catalogue_scopeseries e "
        f"JOIN catalogue_scopestudy s ON s.id = e.study_id {joined} WHERE {where} ORDER BY {order}"
    )
    return _answers(query, sql, where.values, rest)


def _answers(query: Query, sql: str, values: list[Any], rest: Sequence[Match]) -> Iterator[str | Json]:
    """Run a search of rows. Without further conditions the database counts off the page, else it is done here."""
    if not rest:
        rows = _rows(f"{sql} LIMIT %s OFFSET %s", [*values, query.limit + 1, query.offset])
        yield from (_answer(row, query.more) for row in rows)
        return
    skipped = 0
    for at, row in enumerate(_rows(f"{sql} LIMIT %s", [*values, MOST_CANDIDATES + 1])):
        if at == MOST_CANDIDATES:
            raise BadInput(
                "Too many would have to be looked through for this search.",
                advice="Add an attribute that narrows it, such as a patient, date or modality.",
            )
        value = _whole(row[0], row[1])
        if all(one.fits(value) for one in rest):
            skipped += 1
            if skipped > query.offset:
                yield _answer(row, query.more)


def _answer(row: Any, more: bool) -> str | Json:
    """Put together fragment, what is common and the study above it, as far as they are wanted."""
    fragment, common, study = row
    if not more and study is None:
        return str(fragment)
    found = _whole(fragment, common if more else None)
    return found if study is None else {**value_of(study), **found}


def _whole(fragment: str, common: Any) -> Json:
    found: Json = value_of(fragment)
    return found if common is None else {**value_of(spread(common)), **found}


def _rows(sql: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


# -- instances --------------------------------------------------------------------------------------------------


def _instances(query: Query) -> Iterator[str | Json]:
    """Go through the series that may hold them, in order; their listings are ready and remembered."""
    where, rest = _where(query, "study", "series")
    asked = [one.values for one in rest if one.path == (SOP_UID,) and not one.wild]
    for uids in asked:
        marks = ", ".join(["%s"] * len(uids))
        where.add(
            f"e.uid IN (SELECT d.series_uid FROM catalogue_dicomindex d WHERE d.sop_instance_uid IN ({marks}))",
            *uids,
        )
    order = "COALESCE(e.number, 0), e.id" if query.study else "e.id"
    sql = (
        "SELECT e.id, e.pack, e.instances, s.fragment, e.fragment FROM catalogue_scopeseries e "
        f"JOIN catalogue_scopestudy s ON s.id = e.study_id WHERE {where} ORDER BY {order} LIMIT %s OFFSET %s"
    )
    skip, page = query.offset, 0
    while rows := _rows(sql, [*where.values, AT_ONCE, page * AT_ONCE]):
        page += 1
        for _, pack, instances, study, series in rows:
            if not rest and skip >= instances:
                skip -= instances
                continue
            for answer in _of_series(query, rest, pack, study, series):
                if skip:
                    skip -= 1
                else:
                    yield answer


def _of_series(
    query: Query, rest: Sequence[Match], pack: str, study: str, series: str
) -> Iterator[str | Json]:
    above: Json = {}
    if not query.study:
        above |= value_of(study)
    if not query.series:
        above |= value_of(series)
    deep = query.more or any(one.path[0] not in INSTANCE for one in rest)
    wholes = _metadata(pack) if deep else None
    for line in listing(pack).lines:
        fragment = line[9]
        if rest or above or query.more:
            value: Json = value_of(fragment)
            whole = {**next(wholes), **value} if wholes is not None else value
            if not all(one.fits(whole) for one in rest):
                continue
            if above or query.more:
                yield {**above, **(whole if query.more else value)}
                continue
        yield fragment


def _metadata(pack: str) -> Iterator[Json]:
    [[held]] = _rows("SELECT metadata FROM catalogue_seriespack WHERE key = %s", [pack])
    at = 0
    for size in listing(pack).pieces:
        yield from value_of(b"[" + spread(memoryview(held)[at : at + size]) + b"]")
        at += size


# -- conditions -------------------------------------------------------------------------------------------------


def _where(query: Query, *levels: str, scope: str = "") -> tuple[Where, list[Match]]:
    """Return what the database is asked, and the keys that it cannot answer; `scope` names the table that it goes by."""
    where, rest = Where(), []
    where.add(f"{scope or ('e' if 'series' in levels else 's')}.scope_id = %s", query.scope_id)
    if query.study:
        where.add("s.uid = %s AND s.scope_id = %s", query.study, query.scope_id)
    if query.series:
        where.add("e.uid = %s", query.series)
    for match in query.matches:
        if match.everything:
            continue
        [tag, *deeper] = match.path
        if tag == MODALITIES and not deeper:
            _modalities(where, match)
        elif tag in STUDY and not deeper:
            _condition(where, f"s.{STUDY[tag]}", match)
        elif tag in SERIES and not deeper and "series" in levels:
            _condition(where, f"e.{SERIES[tag]}", match)
        else:
            rest.append(match)
    return where, rest


def _modalities(where: Where, match: Match) -> None:
    inner = Where()
    _condition(inner, "x.modality", match)
    where.add(
        f"EXISTS (SELECT 1 FROM catalogue_scopemodality x WHERE x.study_id = s.id AND {inner})", *inner.values
    )


def _condition(where: Where, column: str, match: Match) -> None:
    if match.vr in FORMS:
        low, high = match.span
        if low == high:
            where.add(f"{column} = %s", low)
        else:
            where.add(f"{column} BETWEEN %s AND %s", low, high)
    elif match.vr == "IS":
        numbers = [int(float(value)) for value in match.values if float(value).is_integer()]
        where.add(f"{column} IN ({', '.join(['%s'] * len(numbers)) or 'NULL'})", *numbers)
    else:
        alternatives = Where()
        for value in match.values:
            _text(alternatives, column, match, value)
        where.add(f"({' OR '.join(alternatives.parts)})", *alternatives.values)


def _text(where: Where, column: str, match: Match, value: str) -> None:
    if match.vr == "PN":
        value = folded(value)
    if match.vr == "PN" and match.fuzzy:
        words = words_of(value)
        test = f"(' ' || REPLACE({column}, '^', ' ')) LIKE %s ESCAPE '!'"
        where.add(
            f"({' AND '.join([test] * len(words)) or '1 = 1'})", *(f"% {_escaped(one)}%" for one in words)
        )
    elif match.wild and ("*" in value or "?" in value):
        if match.vr == "PN" or connection.vendor != "sqlite":
            pattern = _escaped(value).replace("*", "%").replace("?", "_")
            where.add(f"{column} LIKE %s ESCAPE '!'", pattern)
        else:
            where.add(f"{column} GLOB %s", value.replace("[", "[[]"))
    else:
        where.add(f"{column} = %s", value)


@lru_cache(maxsize=1024)
def _escaped(value: str) -> str:
    return value.replace("!", "!!").replace("%", "!%").replace("_", "!_")
