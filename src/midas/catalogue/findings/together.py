"""What is only seen together: rows of clinical tables, images beside the tables, and the views of a visit or lesion.

In come a dataset and, for what one submission brought, its submission; out come findings of single rows and series, and
those of each hospital's tables. Up to `ROWS_SHOWN` rows of a hospital that are wrong alike are told one by one, more of
them together. Of images the hub knows sex, age and side; the day stays at the spoke, which has compared it. Nothing is
written here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from django.db.models import Max, Min, Q, QuerySet

from midas.catalogue.lens.indexing import spread, value_of
from midas.catalogue.models import (
    Dataset,
    DicomIndex,
    Instance,
    Lesion,
    Record,
    Series,
    Subject,
    Submission,
    Visit,
)
from midas.kernel import Finding
from midas.protocol.model import Item, Protocol, Table
from midas.quality import Measured, registry
from midas.quality.agreement import CHECKS as OF_AGREEMENT
from midas.quality.agreement import examine_agreement, said_by
from midas.quality.checks import bounds
from midas.quality.photos import VIEWS, views
from midas.quality.rows import frame_of
from midas.quality.tables import CHECKS as OF_TABLES
from midas.quality.tables import examine_rows, examine_table

TOGETHER = frozenset(one.id for one in (*OF_TABLES, *OF_AGREEMENT, VIEWS))
"""Rules whose findings come from here, and from no look at a single series."""
ROWS_SHOWN = 200
AT_ONCE = 500
SAID = ("00100040", "00101010", "00200062", "00200060")
"""Patient's Sex, Patient's Age, Image Laterality, Laterality (PS3.6)."""


@dataclass(frozen=True)
class Seen:
    """One finding with what it is about, by key; `least` and `most` are its limits, `mark` what tells it from others."""

    finding: Finding
    submission: int
    subject: int | None
    series: int | None
    record: int | None
    value: float | None
    unit: str
    least: float | None
    most: float | None
    mark: tuple[Any, ...]


@dataclass(frozen=True)
class Compared:
    seen: tuple[Seen, ...]
    rows: int
    subjects: tuple[int, ...] | None
    """Whose findings these are; `None`: everybody's."""


def look_together(dataset: Dataset, protocol: Protocol, submission: Submission | None = None) -> Compared:
    """Look at all of a dataset, or at the persons of a submission; hospitals' tables are always looked at whole."""
    last = dict(
        Submission.objects.filter(dataset=dataset, state=Submission.State.REGISTERED)
        .values("spoke").annotate(last=Max("pk")).order_by().values_list("spoke", "last")
    )  # fmt: skip
    whose = None if submission is None else frozenset(_brought(submission))
    frames = _Frames(dataset)
    seen = [
        *_of_tables(protocol, frames, whose, last),
        *_of_agreement(protocol, frames, whose),
        *_of_views(protocol, frames, whose),
    ]
    return Compared(tuple(seen), frames.rows_read, None if whose is None else tuple(sorted(whose)))


def _brought(submission: Submission) -> Iterator[int]:
    yield from Subject.objects.filter(first_submission=submission).values_list("pk", flat=True)
    yield from Record.objects.filter(submission=submission).values_list("subject", flat=True)
    yield from Instance.objects.filter(submission=submission).values_list("series__study__subject", flat=True)


class _Frames:
    """Who stands in a dataset, as the checks take it; each is read once."""

    def __init__(self, dataset: Dataset) -> None:
        self.here = {"subject__dataset": dataset, "subject__withdrawn_at": None}
        told = list(
            Subject.objects.filter(dataset=dataset, withdrawn_at=None).values_list(
                "pk", "pseudonym", "sex", "spoke"
            )
        )
        self.key = {name: pk for pk, name, _, _ in told}
        self.spoke = {name: spoke for _, name, _, spoke in told}
        text, number = pl.String, pl.Int64
        self.subjects = pl.DataFrame(
            [one[1:] for one in told], {"subject": text, "sex": text, "spoke": text}, orient="row"
        )
        seen = Visit.objects.filter(**self.here).values_list("subject__pseudonym", "name", "day", "age_years")
        self.visits = pl.DataFrame(
            list(seen), {"subject": text, "visit": text, "day": number, "age_years": number}, orient="row"
        )
        sides = Lesion.objects.filter(**self.here).values_list("subject__pseudonym", "name", "laterality")
        self.lesions = pl.DataFrame(
            list(sides), {"subject": text, "lesion": text, "laterality": text}, orient="row"
        )
        self.rows_read = 0

    def records(self, table: Table) -> list[Row]:
        """Return the last revision of each row of a table."""
        names = ("pk", "submission", "subject__pseudonym", "visit__name", "lesion__name", "specimen__name")
        found = Record.objects.filter(**self.here, table=table.id).order_by("record", "revision")
        last: dict[tuple[str, str], Row] = {}
        for record, values, pk, submission, *place in found.values_list("record", "values", *names):
            last[place[0], record] = Row(pk, submission, tuple(place), values)
        self.rows_read += len(last)
        return list(last.values())


@dataclass(frozen=True)
class Row:
    pk: int
    submission: int
    place: tuple[Any, ...]
    values: Mapping[str, Any]

    def cells(self) -> dict[str, Any]:
        return {
            **dict(zip(("subject", "visit", "lesion", "specimen"), self.place, strict=True)),
            **self.values,
        }


def _seen(finding: Finding, item: Item | Table | None, **about: Any) -> Seen:
    check = registry()[finding.rule]
    limit = bounds(check, item)
    told = {"subject": None, "series": None, "record": None, **about}
    return Seen(finding, unit=check.unit, least=limit.min, most=limit.max, **told)


# -- tables ----------------------------------------------------------------------------------------------------


def _of_tables(
    protocol: Protocol, frames: _Frames, whose: frozenset[int] | None, last: Mapping[str, int]
) -> Iterator[Seen]:
    subjects, visits = frames.subjects, frames.visits
    for table in protocol.tables:
        rows = frames.records(table)
        if not rows or not any(one.leaves for one in table.columns):
            continue
        frame = frame_of(table, (row.cells() for row in rows))
        alone = list(examine_rows(frame, table, subjects=subjects, visits=visits))
        many = _many(alone, rows, frames)
        for place, one in alone:
            row, key = rows[place], _alike(one, rows[place], frames)
            subject = frames.key.get(row.place[0])
            mine = subject is not None and (whose is None or subject in whose)
            if one.finding is not None and mine and key not in many:
                yield _seen(
                    one.finding, table, submission=row.submission, subject=subject, record=row.pk, value=one.value,
                    mark=("record", row.pk, one.check, one.finding.scope),
                )  # fmt: skip
        told = [*examine_table(frame, table, counted=False, subjects=subjects, visits=visits)]
        if many:
            told += [
                one for one in examine_table(frame, table, subjects=subjects, visits=visits)
                if one.finding and (one.check, *one.finding.scope.split("/")[1:]) in many
            ]  # fmt: skip
        yield from _of_hospitals(told, table, last)


def _alike(one: Measured, row: Row, frames: _Frames) -> tuple[str, str, str]:
    about = one.finding.scope.rpartition("/")[2] if one.finding else ""
    return one.check, frames.spoke.get(row.place[0]) or "", about


def _many(alone: Iterable[tuple[int, Measured]], rows: list[Row], frames: _Frames) -> set[tuple[str, ...]]:
    tally = Counter(_alike(one, rows[place], frames) for place, one in alone)
    return {key for key, number in tally.items() if number > ROWS_SHOWN}


def _of_hospitals(told: Iterable[Measured], table: Table, last: Mapping[str, int]) -> Iterator[Seen]:
    for one in told:
        if one.finding is None:
            continue
        _, site, *column = one.finding.scope.split("/")
        submission = max(last.values(), default=0) if site == "*" else last.get(site, 0)
        if submission:
            place = f"Table {table.id}, column {column[0]}: " if column else f"Table {table.id}: "
            finding = replace(one.finding, message=place + one.finding.message)
            mark = ("table", one.finding.scope, one.check)
            yield _seen(finding, table, submission=submission, value=one.value, mark=mark)


# -- images beside the tables ----------------------------------------------------------------------------------


def _chosen(frames: _Frames, whose: frozenset[int] | None) -> QuerySet[Series]:
    found = Series.objects.filter(**{f"study__{name}": value for name, value in frames.here.items()})
    found = found.exclude(kind="label").order_by("pk")
    return found if whose is None else found.filter(study__subject__in=whose)


def _of_agreement(protocol: Protocol, frames: _Frames, whose: frozenset[int] | None) -> Iterator[Seen]:
    names = ("pk", "study__subject__pseudonym", "visit__name", "lesion__name")
    rows, sent = [], {}
    series = list(_chosen(frames, whose).values_list(*names))
    for start in range(0, len(series), AT_ONCE):
        bundle = series[start : start + AT_ONCE]
        told = _headers([pk for pk, *_ in bundle])
        for pk, subject, visit, lesion in bundle:
            if pk in told:
                sent[pk], says = told[pk]
                rows.append({
                    "subject": subject, "visit": visit, "lesion": lesion, "series_uid": str(pk), **says,
                })  # fmt: skip
    text = pl.String
    shape = {
        "subject": text, "visit": text, "lesion": text, "series_uid": text, "sex": text, "age_years": pl.Int64,
        "side": text,
    }  # fmt: skip
    if not rows:
        return
    about = {"subjects": frames.subjects, "visits": frames.visits, "lesions": frames.lesions}
    subject_of = {str(pk): frames.key[subject] for pk, subject, *_ in series}
    for one in examine_agreement(pl.DataFrame(rows, shape), protocol, **about):
        if one.finding is not None:
            key = int(one.finding.scope)
            yield _seen(
                one.finding, None, submission=sent[key], subject=subject_of[str(key)], series=key, value=one.value,
                mark=("agreement", key, one.check, one.value),
            )  # fmt: skip


def _headers(series: list[int]) -> dict[int, tuple[int, dict[str, Any]]]:
    """Return, by series, who brought its first image last and what that says of sex, age and side."""
    firsts = (
        Instance.objects.filter(series__in=series)
        .values("series")
        .annotate(first=Min("pk"), sent=Max("submission"))
    )
    held = {one["first"]: (one["series"], one["sent"]) for one in firsts.order_by()}
    blobs = dict(Instance.objects.filter(pk__in=held).values_list("pk", "sha256"))
    headers = dict(DicomIndex.objects.filter(pk__in=set(blobs.values())).values_list("sha256", "metadata"))
    return {
        series_key: (sent, _said(value_of(spread(headers[blobs[pk]]))))
        for pk, (series_key, sent) in held.items()
        if blobs[pk] in headers
    }


def _said(header: Mapping[str, Any]) -> dict[str, Any]:
    sex, age, image, part = (_first(header, tag) for tag in SAID)
    return said_by(sex, age, image or part)


def _first(header: Mapping[str, Any], tag: str) -> str:
    return str((header.get(tag, {}).get("Value") or [""])[0] or "")


# -- views -----------------------------------------------------------------------------------------------------


def _of_views(protocol: Protocol, frames: _Frames, whose: frozenset[int] | None) -> Iterator[Seen]:
    """Say, at the first series of each visit, lesion or specimen, which standard views nobody sent."""
    for item in protocol.items:
        if not item.views:
            continue
        places: defaultdict[tuple[Any, ...], list[tuple[int, int, str]]] = defaultdict(list)
        images = Instance.objects.filter(series__in=_chosen(frames, whose).filter(item=item.id))
        names = ("series__study__subject", "series__visit", "series__lesion", "series__specimen")
        for *place, series, sent, view in images.order_by("pk").values_list(
            *names, "series", "submission", "view"
        ):
            places[tuple(place)].append((series, sent, view))
        for place, held in places.items():
            one = views({view for _, _, view in held}, item=item)
            if one.finding is not None:
                yield _seen(
                    one.finding, item, submission=held[0][1], subject=place[0], series=held[0][0], value=one.value,
                    mark=("views", *place, item.id, one.finding.message),
                )  # fmt: skip


def of_these(compared: Compared) -> Q:
    """Return which standing findings a comparison takes the place of."""
    mine = Q(rule__in=TOGETHER)
    return mine if compared.subjects is None else mine & (Q(subject=None) | Q(subject__in=compared.subjects))
