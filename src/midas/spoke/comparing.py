"""The look at tables, at images beside the tables, and at the views of a visit: at the spoke, before anything is sent.

In come the project's rows and images; out come findings beside the items that they are about. An image that says another
sex, age, side or day than the tables is held, before it is cleaned and, where a new table says so, afterwards; it goes on by
itself once a corrected table agrees. What is said of rows and of missing views holds nothing. No finding repeats a cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
from django.db.models import QuerySet

from midas.kernel import Clock, Finding, Severity
from midas.protocol.model import Item as Wanted
from midas.protocol.model import Table
from midas.quality import findings
from midas.quality.agreement import CHECKS, examine_agreement
from midas.quality.photos import VIEWS, views
from midas.quality.rows import PLACE, frame_of
from midas.quality.tables import CHECKS as OF_TABLES
from midas.quality.tables import examine_rows, examine_table
from midas.spoke.intake import items
from midas.spoke.intake.models import Item, Standing, State
from midas.spoke.outbox.models import Output
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk

AGREEMENT = frozenset(one.id for one in CHECKS)
ALONGSIDE = frozenset(one.id for one in OF_TABLES) | {VIEWS.id}
"""Checks whose findings are worked out anew each time, beside whatever else was found of an item."""
Told = dict[int, tuple[Finding, ...]]
"""Findings by item."""


def look_alongside(desk: Desk) -> None:
    """Look at rows and views; write what is new beside the items, and take away what is so no more."""
    told: defaultdict[int, tuple[Finding, ...]] = defaultdict(tuple)
    for found in (_of_rows(desk), _of_views(desk)):
        for key, some in found.items():
            told[key] += some
    _kept(items.of_project(desk.project), told)


def _kept(chosen: QuerySet[Item], told: Told) -> None:
    """Write findings of `ALONGSIDE` beside their items, and take away those that hold no more."""
    before = chosen.exclude(findings=[]).values_list("pk", "findings")
    held = {pk: some for pk, some in before if any(one["rule"] in ALONGSIDE for one in some) or pk in told}
    for pk in held.keys() | told.keys():
        others = [one for one in held.get(pk, []) if one["rule"] not in ALONGSIDE]
        now = others + [one.to_dict() for one in told.get(pk, ())]
        if now != held.get(pk, []):
            chosen.filter(pk=pk).update(findings=now)


# -- images beside the tables ----------------------------------------------------------------------------------


def disagreements(desk: Desk, chosen: Iterable[Item]) -> Told:
    """Compare what images say of sex, age, side and day with the tables; all files of a DICOM series are told alike."""
    series: defaultdict[str, list[Item]] = defaultdict(list)
    for item in chosen:
        if item.person_id and item.kind != "row":
            series[f"{item.person_id} {item.group}" if item.kind == "dicom" else str(item.pk)].append(item)
    people = Person.objects.filter(pk__in={one[0].person_id for one in series.values()})
    known = {one.pk: one for one in people.prefetch_related("visits", "lesions")}
    rows = [_row(desk, key, members[0], known[members[0].person_id or 0]) for key, members in series.items()]
    if not rows:
        return {}
    found: defaultdict[int, tuple[Finding, ...]] = defaultdict(tuple)
    frames = _people(known.values())
    for one in findings(examine_agreement(pl.DataFrame(rows, schema=_ROW), desk.protocol, **frames)):
        for item in series[one.scope]:
            found[item.pk] += (replace(one, scope="series" if item.kind == "dicom" else "image"),)
    return dict(found)


_ROW: dict[str, Any] = {
    "subject": pl.String, "visit": pl.String, "lesion": pl.String, "series_uid": pl.String, "sex": pl.String,
    "age_years": pl.Int64, "side": pl.String, "day": pl.Int64,
}  # fmt: skip


def _row(desk: Desk, key: str, item: Item, person: Person) -> dict[str, Any]:
    told = items.payload_of(desk, item)
    first, taken = _first(person), told.get("taken_on")
    return {
        "subject": person.pseudonym, "visit": item.visit.name if item.visit else None,
        "lesion": item.lesion.name if item.lesion else None, "series_uid": key,
        "day": (date.fromisoformat(taken) - first).days if taken and first else None,
        **dict.fromkeys(("sex", "age_years", "side")), **told.get("says", {}),
    }  # fmt: skip


def _first(person: Person) -> date | None:
    return min((one.on for one in person.visits.all()), default=None)


def _people(people: Iterable[Person]) -> dict[str, pl.DataFrame]:
    """Return who they are, their visits and lesions as frames, under pseudonyms and in days since the first visit."""
    persons = list(people)
    subjects = [(one.pseudonym, one.sex) for one in persons]
    seen = [
        (one.pseudonym, visit.name, (visit.on - (_first(one) or visit.on)).days, visit.age_years)
        for one in persons
        for visit in one.visits.all()
    ]
    sides = [
        (one.pseudonym, lesion.name, lesion.laterality or None)
        for one in persons
        for lesion in one.lesions.all()
    ]
    text, number = pl.String, pl.Int64
    return {
        "subjects": pl.DataFrame(subjects, {"subject": text, "sex": text}, orient="row"),
        "visits": pl.DataFrame(
            seen, {"subject": text, "visit": text, "day": number, "age_years": number}, orient="row"
        ),
        "lesions": pl.DataFrame(sides, {"subject": text, "lesion": text, "laterality": text}, orient="row"),
    }


def look_again(desk: Desk, *, clock: Clock) -> None:
    """Let go what was held only for a disagreement that is gone; hold what disagrees since a table changed."""
    mine = items.of_project(desk.project).select_related("person", "visit", "lesion").exclude(kind="row")
    held = [one for one in mine.filter(state=State.HELD, reason="quality") if _only_disagrees(one)]
    ready = list(
        mine.filter(state=State.WAITING, stage="cleaned").exclude(decisions__standing=Standing.FINAL)
    )
    told = disagreements(desk, [*held, *ready])
    for item in held:
        if item.pk not in told:
            item.findings = []
            items.go_on(item, "matched", at=clock.now())
    for item in ready:
        if item.pk in told:
            found = (*(Finding.from_dict(one) for one in item.findings), *told[item.pk])
            items.stop(item, "quality", at=clock.now(), detail=told[item.pk][0].message, findings=found)


def _only_disagrees(item: Item) -> bool:
    wrong = {one["rule"] for one in item.findings if one["severity"] == Severity.ERROR}
    return bool(wrong) and wrong <= AGREEMENT


# -- rows ------------------------------------------------------------------------------------------------------


def _of_rows(desk: Desk) -> Told:
    found: defaultdict[int, tuple[Finding, ...]] = defaultdict(tuple)
    people = Person.objects.filter(project=desk.project)
    subjects = pl.DataFrame(
        {"subject": list(people.values_list("pseudonym", flat=True))}, {"subject": pl.String}
    ).with_columns(spoke=pl.lit(desk.home.config.name))
    told = people.filter(visits__isnull=False).values_list("pseudonym", "visits__name")
    visits = pl.DataFrame(list(told), {"subject": pl.String, "visit": pl.String}, orient="row")
    for table in desk.protocol.tables:
        for key, one in _of_table(desk, table, subjects, visits):
            found[key] += (one,)
    return dict(found)


def _of_table(
    desk: Desk, table: Table, subjects: pl.DataFrame, visits: pl.DataFrame
) -> Iterator[tuple[int, Finding]]:
    """Yield findings of single rows, then, at the first row, those of the table as this hospital fills it."""
    sent = Output.objects.filter(project=desk.project, kind="record", line__table=table.id).order_by("pk")
    newest = {
        line["record"]: (key, line) for key, line in sent.values_list("sources", "line").iterator() if key
    }
    if not newest:
        return
    keys = [key for key, _ in newest.values()]
    rows = [{**{name: line[name] for name in PLACE}, **line["values"]} for _, line in newest.values()]
    frame = frame_of(table, rows)
    wrong = list(examine_rows(frame, table, subjects=subjects, visits=visits))
    numbers = _numbers(desk, {keys[place] for place, _ in wrong})
    for place, one in wrong:
        if one.finding is not None:
            said = f"Row {numbers.get(keys[place], '?')}: {one.finding.message}"
            yield keys[place], replace(one.finding, message=said)
    for finding in findings(examine_table(frame, table, counted=False, subjects=subjects, visits=visits)):
        yield min(keys), replace(finding, message=_with_place(finding))


def _with_place(finding: Finding) -> str:
    table, _, column = finding.scope.partition("/")
    return f"Table {table}, {column.rpartition('/')[2]}: {finding.message}" if column else finding.message


def _numbers(desk: Desk, keys: set[int]) -> dict[int, int]:
    """Return the row's number in its sheet."""
    chosen = Item.objects.filter(pk__in=keys)
    return {one.pk: items.payload_of(desk, one).get("line", 0) for one in chosen}


# -- views -----------------------------------------------------------------------------------------------------


def _of_views(desk: Desk) -> Told:
    """Say, at the first photograph of each visit, lesion or specimen, which standard views did not come."""
    found: Told = {}
    for wanted in desk.protocol.items:
        if wanted.views:
            found |= dict(_views_of(desk, wanted))
    return found


def _views_of(desk: Desk, wanted: Wanted) -> Iterator[tuple[int, tuple[Finding, ...]]]:
    mine = items.of_project(desk.project).exclude(state=State.REFUSED).filter(definition=wanted.id)
    mine = mine.exclude(kind="row").exclude(person=None).order_by("pk")
    places: defaultdict[tuple[Any, ...], list[tuple[int, str]]] = defaultdict(list)
    names = ("person__pseudonym", "visit__name", "lesion__name", "specimen__name")
    for *place, key, view in mine.values_list(*names, "pk", "view"):
        places[tuple(place)].append((key, view))
    for place, seen in places.items():
        scope = "/".join(filter(None, place))
        if told := views({view for _, view in seen}, item=wanted, scope=scope).finding:
            yield seen[0][0], (told,)
