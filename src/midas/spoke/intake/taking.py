"""Step 2: rows teach the vault, images find their place. Everything that cannot go on says why.

In come items at the stage `received` (and held ones that a new table may have settled); out come items at `matched`, held or
refused. Each item is one transaction, so a kill loses nothing and repeats nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from midas.deid import Keys
from midas.deid.words import Known, clean_text
from midas.kernel import Clock, Progress, canonical
from midas.protocol.model import Table, Target
from midas.quality import leaks
from midas.spoke.intake import items
from midas.spoke.intake.matching import match
from midas.spoke.intake.models import Item, State
from midas.spoke.intake.rows import GRAINS, Row, Stop, row_key, take, values_of
from midas.spoke.intake.tables import KINDS, unpack
from midas.spoke.outbox.models import Output
from midas.spoke.reasons import AGAIN
from midas.spoke.vault import persons
from midas.spoke.vault.basis import lawful, withdrawn
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import LabelLine, RecordLine


def _open(desk: Desk) -> QuerySet[Item]:
    fresh = Q(state=State.WAITING, stage="received")
    return items.of_project(desk.project).filter(fresh | Q(state=State.HELD, reason__in=AGAIN))


def take_tables(desk: Desk, *, progress: Progress, clock: Clock) -> None:
    """Unpack tables into rows and take the rows, grain by grain: each may name what an earlier one made known."""
    tables = list(_open(desk).filter(kind__in=KINDS).order_by("pk"))
    for item in progress.track(tables, label="Open tables", total=len(tables)):
        unpack(desk, item, at=clock.now())
    for grain in GRAINS:
        ids = [table.id for table in desk.protocol.tables if table.grain == grain]
        rows = _open(desk).filter(kind="row", definition__in=ids)
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        for key in progress.track(keys, label=f"Read rows ({grain})", total=len(keys)):
            _take_row(desk, Item.objects.get(pk=key), at=clock.now())


def row_of(desk: Desk, item: Item) -> Row:
    told = items.payload_of(desk, item)
    table = next(one for one in desk.protocol.tables if one.id == item.definition)
    return Row(table, told["line"], told["cells"])


@transaction.atomic
def _take_row(desk: Desk, item: Item, *, at: datetime) -> None:
    row = row_of(desk, item)
    if parts := row_key(row):
        item.key = desk.vault.lookup("row-key", "\x1f".join(parts), within=desk.project.slug)
        item.save(update_fields=["key"])
    same = items.of_project(desk.project).filter(key=item.key or "-", pk__lt=item.pk)
    older = same.exclude(batch=item.batch).exclude(state=State.REFUSED)
    twin = same.filter(batch=item.batch, state=State.WAITING).exclude(stage="received").first()
    try:
        if twin is not None:
            raise Stop(
                "bad-row",
                f"Row {row.line} and an earlier row of this table say different things of the same.",
            )
        taken = take(desk, row, today=at.date(), corrects=older.exists())
    except Stop as why:
        items.stop(item, why.code, at=at, detail=why.detail)
        return
    for old in older.exclude(state=State.SENT):
        items.stop(old, "superseded", at=at)
    for gone in taken.merged:
        absorb(desk, gone, into=taken.person, at=at)
    item.person, item.visit, item.lesion, item.specimen = (
        taken.person,
        taken.visit,
        taken.lesion,
        taken.specimen,
    )
    items.go_on(item, "matched", at=at)


def absorb(desk: Desk, gone: Person, *, into: Person, at: datetime) -> None:
    """Give a merged person's items to the one that stays; what was cleaned but not packed is done anew under it."""
    del desk
    Output.objects.filter(person=gone, parcel=None).delete()
    moved = Item.objects.filter(person=gone).exclude(state=State.SENT)
    for item in moved:
        packed = item.outputs.exclude(parcel=None).exists()
        if item.state == State.WAITING and not packed and item.stage in {"matched", "cleaned"}:
            item.person = into
            items.go_on(item, "matched" if item.kind == "row" else "received", at=at)
    moved.filter(outputs__parcel=None).update(person=into)


def make_records(desk: Desk, *, progress: Progress, clock: Clock) -> None:
    """Turn rows that are lawfully here into records and labels; hold or refuse the others."""
    rows = items.of_project(desk.project).filter(kind="row", state=State.WAITING, stage="matched")
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    for key in progress.track(keys, label="Keep rows", total=len(keys)):
        item = Item.objects.select_related("person", "visit", "lesion", "specimen").get(pk=key)
        _make_record(desk, item, at=clock.now())


@transaction.atomic
def _make_record(desk: Desk, item: Item, *, at: datetime) -> None:
    person = item.person
    if person is None:
        items.stop(item, "no-person", at=at)
        return
    days = [item.visit.on] if item.visit else list(person.visits.values_list("on", flat=True))
    if code := lawful(person, protocol=desk.protocol, collected=days):
        items.stop(item, code, at=at)
        return
    row = row_of(desk, item)
    items.take_back(item)
    if values := values_of(row, clean=_cleaner(desk, person)):
        place = {
            "subject": person.pseudonym,
            "visit": item.visit.name if item.visit else None,
            "lesion": item.lesion.name if item.lesion else None,
            "specimen": item.specimen.name if item.specimen else None,
        }
        keys = Keys.from_root(desk.root_key)
        record = RecordLine(
            table=row.table.id, record=_record_id(keys, row.table, item), values=values, **place
        )
        _output(desk, item, person, "record", record.model_dump(mode="json"))
        for target in desk.protocol.targets:
            if (label := _label(target, row, values, place)) is not None:
                _output(desk, item, person, "label", label.model_dump(mode="json"))
    items.go_on(item, "cleaned", at=at)


def _cleaner(desk: Desk, person: Person) -> Callable[[str], str]:
    """Return what cleans this person's free text; "" where the hub's own rules would still find an identifier in it."""

    def clean(text: str) -> str:
        known = [*persons.known_of(desk, person)]
        known += [
            ("specimen", desk.vault.open(one.sealed, about="specimen")) for one in person.specimens.all()
        ]
        left = clean_text(text, Known.of(known), prose=True)
        return "" if leaks.examine_line({"text": left}) else left

    return clean


def _record_id(keys: Keys, table: Table, item: Item) -> str:
    return hmac.digest(keys.provenance, canonical([table.id, item.key or item.lookup]), "sha256").hex()


def _label(
    target: Target, row: Row, values: dict[str, str | int | float | bool | None], place: dict[str, str | None]
) -> LabelLine | None:
    source = target.source
    if source.table != row.table.id or source.column is None:
        return None
    value = values.get(source.column)
    if value is None or (target.level in {"visit", "lesion", "specimen"} and place[target.level] is None):
        return None
    return LabelLine(
        level=target.level,
        target=target.id,
        value=value,
        source=f"table:{source.table}.{source.column}",
        **place,
    )


def _output(desk: Desk, item: Item, person: Person, kind: str, line: dict[str, object]) -> None:
    output = Output.objects.create(
        project=desk.project, person=person, kind=kind, size=len(canonical(line)), line=line
    )
    output.sources.add(item)


def take_images(desk: Desk, *, progress: Progress, clock: Clock) -> None:
    """Match every received file, and those that a new table may have settled."""
    files = _open(desk).exclude(kind="row").exclude(kind__in=(*KINDS, "sheet"))
    keys = list(files.order_by("pk").values_list("pk", flat=True))
    for key in progress.track(keys, label="Match", total=len(keys)):
        take_image(desk, Item.objects.get(pk=key), at=clock.now())


@transaction.atomic
def take_image(desk: Desk, item: Item, *, at: datetime) -> None:
    """Match one file, or hold it for what is missing."""
    try:
        found = match(desk, item)
    except Stop as why:
        items.stop(item, why.code, at=at, detail=why.detail)
        return
    item.person, item.definition, item.view = found.person, found.wanted.id, found.view
    item.visit, item.lesion, item.specimen, item.group = (
        found.visit,
        found.lesion,
        found.specimen,
        found.group[:64],
    )
    told = {
        "known": found.known, "taken_on": found.taken_on.isoformat() if found.taken_on else None,
        "says": dict(found.says),
    }  # fmt: skip
    item.payload = items.sealed_payload(desk, told)
    items.go_on(item, "matched", at=at)


def refuse_withdrawn(desk: Desk, *, at: datetime) -> None:
    """Refuse whatever of a withdrawn person has not left yet, and take back what was made of it."""
    waiting = items.of_project(desk.project).filter(
        state__in=[State.WAITING, State.HELD], person__isnull=False
    )
    for item in waiting.filter(person__bases__withdrawn_on__isnull=False).distinct():
        if item.outputs.filter(parcel__isnull=False).exists():
            continue
        if item.person is not None and withdrawn(persons.survivor(item.person)):
            with transaction.atomic():
                items.stop(item, "withdrawn", at=at)
    gone = Person.objects.filter(project=desk.project, bases__withdrawn_on__isnull=False)
    Output.objects.filter(person__in=gone, parcel=None).delete()
