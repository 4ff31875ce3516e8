"""Step 8: cleaned outputs become a parcel: parts and instances by digest, one salted tree, one signed header.

In come outputs that no parcel holds; out comes a `Parcel` whose every file stands whole in the outbox before the database
knows of it. Dates, names and numbers of the hospital do not enter: only lines of `midas.wire.v1`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from midas import __version__, deid
from midas.compute import here
from midas.kernel import Clock, Progress, canonical
from midas.manifest import WHOLE, Entry, PrivateKey, Tree, key_of, new_salt, sign
from midas.spoke.auditing import audit_to_send
from midas.spoke.cleaning import outbox_place, reported, tracking_uid
from midas.spoke.home import private_folder
from midas.spoke.intake import items
from midas.spoke.intake.models import Item, State
from midas.spoke.outbox import spending
from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.vault import persons
from midas.spoke.vault.basis import basis_lines
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import LesionLine, Part, SpecimenLine, Spent, SubjectLine, SubmissionHeader, VisitLine

ORDER = {
    "instance": ("items.ndjson", ("line__path", "pk")),
    "record": ("records.ndjson", ("line__table", "line__record", "pk")),
    "label": ("labels.ndjson", ("line__subject", "line__target", "pk")),
    "subject": ("subjects.ndjson", ("line__subject", "pk")),
}


def spoke_key(desk: Desk) -> PrivateKey:
    return PrivateKey.load_or_create(desk.home.keys / "spoke.key")


def _put(desk: Desk, path: str, chunks: Iterable[bytes]) -> Part:
    """Write a part into the outbox under its digest, streaming."""
    folder = private_folder(desk.home.outbox / "files")
    aside, hashed, size = folder / f".{secrets.token_hex(8)}", hashlib.sha256(), 0
    try:
        with aside.open("xb") as stream:
            for chunk in chunks:
                hashed.update(chunk)
                stream.write(chunk)
                size += len(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        aside.chmod(0o600)
        aside.replace(outbox_place(desk, hashed.hexdigest()))
    finally:
        aside.unlink(missing_ok=True)
    return Part(path=path, sha256=hashed.hexdigest(), size=size)


def subject_line(desk: Desk, person: Person) -> SubjectLine:
    """Return what leaves of a person: neutral names, whole days since the first visit, coded sites."""
    visits = list(person.visits.order_by("on", "name"))
    first: date | None = visits[0].on if visits else None
    sites = {site.value: site.code for site in desk.protocol.lesions.sites}
    return SubjectLine(
        subject=person.pseudonym, sex=person.sex, basis=basis_lines(person),
        visits=tuple(
            VisitLine(visit=one.name, day=(one.on - first).days if first else 0, age_years=one.age_years)
            for one in visits
        ),
        lesions=tuple(
            LesionLine(
                lesion=one.name, tracking_uid=tracking_uid(desk, person.pseudonym, one.name),
                site=sites.get(one.site), laterality=one.laterality or None,
            )
            for one in person.lesions.order_by("pk")
        ),
        specimens=tuple(
            SpecimenLine(
                specimen=one.name, uid=tracking_uid(desk, person.pseudonym, one.name), kind=one.kind or None,
                lesion=one.lesion.name if one.lesion else None, visit=one.visit.name if one.visit else None,
            )
            for one in person.specimens.select_related("lesion", "visit").order_by("pk")
        ),
        links=persons.links_of(person),
    )  # fmt: skip


def _subjects(desk: Desk) -> None:
    """Give every person with something to send a subject line that names the rows it comes from."""
    Output.objects.filter(project=desk.project, kind="subject", parcel=None).delete()
    rows = items.of_project(desk.project).filter(kind="row", state=State.WAITING, stage="cleaned")
    waiting = Output.objects.filter(project=desk.project, parcel=None).values("person_id")
    chosen = Person.objects.filter(pk__in=waiting) | Person.objects.filter(pk__in=rows.values("person_id"))
    for person in chosen.filter(merged_into=None).order_by("pk").distinct():
        line = subject_line(desk, person)
        if line.basis:
            data = line.model_dump(mode="json")
            output = Output.objects.create(
                project=desk.project, person=person, kind="subject", size=len(canonical(data)), line=data
            )
            output.sources.set(rows.filter(person=person))


def _lines(outputs: QuerySet[Output], kind: str) -> Iterator[bytes]:
    for output in outputs.filter(kind=kind).order_by(*ORDER[kind][1]).iterator(chunk_size=500):
        yield canonical(output.line) + b"\n"


def _protocol_bytes(desk: Desk) -> bytes:
    """Return the protocol file byte for byte; a byte order mark that it began with is put back."""
    data = desk.project.protocol_source.encode()
    whole = hashlib.sha256(data).hexdigest() == desk.project.protocol_sha256
    return data if whole else b"\xef\xbb\xbf" + data


def _parts(desk: Desk, outputs: QuerySet[Output]) -> list[Part]:
    outcomes = [reported(one.report) for one in outputs.filter(kind="instance").order_by("line__path")]
    return [
        _put(desk, "protocol.yaml", [_protocol_bytes(desk)]),
        *(_put(desk, name, _lines(outputs, kind)) for kind, (name, _) in ORDER.items()),
        _put(desk, "report.json", [deid.report_json(outcomes, audit=audit_to_send(desk))]),
        _put(desk, "report.html", [deid.report_html(outcomes)]),
    ]


def pack_parcel(desk: Desk, *, progress: Progress, clock: Clock) -> Parcel | None:
    """Pack everything that no parcel holds; none where there is nothing."""
    began = clock.now()
    with spending.meter_of(desk, here()) as meter, transaction.atomic():
        _subjects(desk)
        outputs = Output.objects.filter(project=desk.project, parcel=None)
        outputs = outputs.filter(person__in=outputs.filter(kind="subject").values("person_id"))
        chosen = list(outputs.order_by("pk").values_list("pk", flat=True))
        if not chosen:
            return None
        parts = _parts(desk, outputs)
        entries = [Entry(part.path, part.sha256, part.size, WHOLE) for part in parts]
        instances = outputs.filter(kind="instance").order_by("line__path")
        for one in progress.track(instances.iterator(chunk_size=500), label="Pack", total=instances.count()):
            entries.append(Entry(one.line["path"], one.sha256, one.size, one.line["subject"]))  # noqa: PERF401 - it reports
        salts = {owner: new_salt() for owner in sorted({entry.owner for entry in entries})}
        salted = _put(desk, "salts.json", [canonical(salts)])
        root = key_of(Tree(tuple(entries), salts))
        spending.keep(desk, meter, began_at=began)
        spent, told_by = spending.to_tell(desk, outputs)
        header = _header(desk, outputs, [*parts, salted], root, spent)
        told: dict[str, Any] = header.model_dump(mode="json", by_alias=True)
        parcel = Parcel.objects.create(
            project=desk.project, root=root, header=told, signed=sign(told, spoke_key(desk)).model_dump(mode="json"),
            packed_at=clock.now(),
        )  # fmt: skip
        sources = Item.objects.filter(outputs__in=chosen).values_list("pk", flat=True)
        Item.objects.filter(pk__in=list(sources.distinct())).update(stage="packed", changed_at=clock.now())
        Output.objects.filter(pk__in=chosen).update(parcel=parcel)
        told_by.update(parcel=parcel)
        return parcel


def _header(
    desk: Desk, outputs: QuerySet[Output], parts: list[Part], root: str, spent: Spent | None
) -> SubmissionHeader:
    count = {kind: outputs.filter(kind=kind).count() for kind in ORDER}
    sizes = outputs.filter(kind="instance").values_list("size", flat=True)
    return SubmissionHeader(
        spoke=desk.home.config.name, dataset=desk.project.slug, protocol_sha256=desk.project.protocol_sha256,
        root=root, salts_sha256=parts[-1].sha256, parts=tuple(parts), subjects=count["subject"],
        instances=count["instance"], records=count["record"], labels=count["label"], bytes=sum(sizes),
        tally=items.count(desk.project).states(), software=f"midas {__version__}",
        spent=spent,
    )  # fmt: skip


def files_of(desk: Desk, parcel: Parcel) -> dict[str, Path]:
    """Return digest → path of every file of a parcel."""
    digests = [part["sha256"] for part in parcel.header["parts"]]
    digests += parcel.outputs.filter(kind="instance").values_list("sha256", flat=True)
    return {digest: outbox_place(desk, digest) for digest in digests}


def items_of(parcel: Parcel) -> QuerySet[Item]:
    return Item.objects.filter(outputs__parcel=parcel).distinct()
