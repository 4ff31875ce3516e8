"""The spoke's spine on one page: from a hospital's folder to the hub's receipt.

    1 receive   copy into the intake store while hashing; every unpacked file and table row is an item
    2 match     tables teach persons, lawful basis, visits, lesions, specimens; images find theirs
    3 look      pixels and acquisition; rows; images beside the tables   ┐
    4 plan      what the profile does to each attribute                  │ in worker processes,
    5 apply     write the de-identified instance                         │ from sealed cards
    6 verify    read it again and search it for the person               ┘
    7 review    a person decides on what is held
    8 pack      subjects, items, records, labels, report; a signed submission
    9 send      what the hub does not have, then the submission
   10 receipt   verified and kept; the items are sent
   11 answer    what curators ask of it is fetched; a person answers; nothing that names anybody goes

In comes a folder; out goes a tally, and in the end a receipt. At every moment: everything in = waiting + held + refused +
sent. A kill at any point loses nothing: the same call goes on where it stopped. Nothing leaves that was not verified.
What the work takes is kept on the way (`outbox/spending.py`); a parcel tells the hub the sum.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from django.db import transaction

from midas import compute, ingest
from midas.formats import Kind, Trouble
from midas.kernel import (
    BadInput,
    Clock,
    MidasError,
    NoProgress,
    NotFound,
    Progress,
    Runner,
    SystemClock,
    Unavailable,
)
from midas.kernel.identified import Identified
from midas.spoke import reviewing
from midas.spoke.cleaning import clean_matched
from midas.spoke.comparing import look_again, look_alongside
from midas.spoke.dying import try_again
from midas.spoke.home import Home, at_work, scratch_folder
from midas.spoke.intake import items, store, taking
from midas.spoke.intake.items import Tally
from midas.spoke.intake.matching import PICTURES
from midas.spoke.intake.models import Batch, Decision, Item, Standing, State
from midas.spoke.labelling import clean_labels
from midas.spoke.outbox import questions, together
from midas.spoke.outbox.models import Parcel
from midas.spoke.outbox.packing import pack_parcel
from midas.spoke.outbox.sending import Hub, hub_of, send_parcels
from midas.spoke.outbox.spending import metered
from midas.spoke.reasons import TROUBLES
from midas.spoke.vault.models import Project
from midas.spoke.vault.projects import Desk, desk

QUIET, NOW = NoProgress(), SystemClock()
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
IMAGES = tuple(kind.value for kind in (Kind.DICOM, Kind.SLIDE, *PICTURES))


def tally(project: Project) -> Tally:
    """Count: everything in = waiting + held + refused + sent."""
    return items.count(project)


def receive(
    *, home: Home, folder: Path | None, progress: Progress = QUIET, runner: Runner | None = None,
    clock: Clock = NOW, project: str | None = None, again: bool = False,
) -> Tally:  # fmt: skip
    """Do steps 1 to 6 for a folder, an archive or a file; without one, go on with what is here already.

    With `again`, what was held because worker processes died of it is tried once more. Receiving
    the same again changes nothing. `NotFound` where the folder is not there.
    """
    work = desk(home=home, slug=project)
    if again:
        try_again(work, at=clock.now())
    with _hands(work, runner) as hands, metered(work, hands, clock=clock) as meter:
        if folder is not None:
            with at_work(home):
                _receive_files(work, folder, progress, clock, _begin(work, folder, clock))  # 1
        return _process(work, progress, meter, clock)


def _hands(work: Desk, runner: Runner | None) -> AbstractContextManager[Runner]:
    return nullcontext(runner) if runner else compute.processes(work.home.config.processes or None)


def _process(work: Desk, progress: Progress, runner: Runner, clock: Clock) -> Tally:
    taking.take_tables(work, progress=progress, clock=clock)  # 2
    taking.refuse_withdrawn(work, at=clock.now())
    taking.make_records(work, progress=progress, clock=clock)
    taking.take_images(work, progress=progress, clock=clock)
    look_again(work, clock=clock)
    clean_matched(work, progress=progress, runner=runner, clock=clock)  # 3–6
    clean_labels(work, progress=progress, runner=runner, clock=clock)
    look_alongside(work)  # 3, of rows and views
    return tally(work.project)


def take_in(
    *, home: Home, folder: Path, names: Collection[str], runner: Runner, onto: Batch | None = None,
    progress: Progress = QUIET, clock: Clock = NOW, project: str | None = None,
) -> Batch | None:  # fmt: skip
    """Do steps 1 to 6 for some files of a folder (paths relative to it), as `receive` does for the whole of it.

    They join the batch `onto`, if there is one; a batch that nothing joined does not stay. Where only images came, only
    these are worked on, so that each is soon told of; what they change for others (`receive` without a folder) can wait
    until nothing comes.
    """
    work = desk(home=home, slug=project)
    with metered(work, runner, clock=clock) as meter:
        with at_work(home):
            batch = onto or _begin(work, folder, clock)
            Batch.objects.filter(pk=batch.pk).update(finished_at=None)
            try:
                _receive_files(work, folder, progress, clock, batch, only=names)
            finally:
                if empty := not batch.items.exists():
                    batch.delete()
        if empty:
            return None
        fresh = batch.items.filter(state=State.WAITING, stage="received")
        if fresh.exclude(kind__in=IMAGES).exists():
            _process(work, progress, meter, clock)
            return batch
        keys = list(fresh.order_by("pk").values_list("pk", flat=True))
        for key in progress.track(keys, label="Match", total=len(keys)):
            taking.take_image(work, Item.objects.get(pk=key), at=clock.now())
        only = Item.objects.filter(pk__in=keys)
        clean_matched(work, only=only, progress=progress, runner=meter, clock=clock)
        return batch


def _begin(work: Desk, folder: Path, clock: Clock) -> Batch:
    if not folder.exists():
        raise NotFound("The folder to receive is not there.", advice="Check the path.")
    origin = work.vault.seal(str(folder), about="batch")
    return Batch.objects.create(project=work.project, origin=origin, started_at=clock.now())


def _receive_files(
    work: Desk, folder: Path, progress: Progress, clock: Clock, batch: Batch, *,
    only: Collection[str] | None = None,
) -> None:  # fmt: skip
    try:
        with scratch_folder(work.home) as scratch:
            found = ingest.arrivals(folder, scratch=scratch, only=only)
            for seen in progress.track(found, label="Receive"):
                if isinstance(seen, Trouble):
                    _keep_trouble(work, batch, seen, clock)
                else:
                    _keep_file(work, batch, seen, clock)
    finally:
        batch.finished_at = clock.now()
        batch.save(update_fields=["finished_at"])


def _keep_trouble(work: Desk, batch: Batch, trouble: Trouble, clock: Clock) -> None:
    with transaction.atomic():
        item, new = items.add(
            work, batch, kind="trouble", name=trouble.name, identity=f"trouble/{trouble.name}/{trouble.reason}",
            at=clock.now(),
        )  # fmt: skip
        if new:
            code = TROUBLES.get(trouble.reason, "unreadable")
            items.stop(item, code, at=clock.now(), detail=trouble.message)


def _keep_file(work: Desk, batch: Batch, seen: Identified[ingest.Arrival], clock: Clock) -> None:
    """Same bytes under the same name: the same item. Same bytes under another name: refused as a duplicate."""
    found = seen.reveal().found
    try:
        kept = store.keep(work.home, found.path, companions=found.companions)
    except store.StillWritten:
        said = "The file changed while it was read; receive it again when it is whole."
        _keep_trouble(work, batch, Trouble(found.name, "unreadable", said), clock)
        return
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Unavailable(
                "The spoke's disk takes no more files.", advice="Make room, and receive the same again."
            ) from None
        _keep_trouble(
            work, batch, Trouble(found.name, "unreadable", "The file cannot be read to its end."), clock
        )
        return
    with transaction.atomic():
        first = (
            items.of_project(work.project)
            .filter(sha256=kept.sha256)
            .exclude(kind__in=["row", "sheet"])
            .first()
        )
        item, new = items.add(
            work, batch, kind=found.kind.value, name=found.name, identity=f"file/{kept.sha256}/{found.name}",
            at=clock.now(), sha256=kept.sha256, size=kept.size, stored=kept.place,
        )  # fmt: skip
        if new and first is not None:
            items.stop(item, "duplicate", at=clock.now())


def decide(
    *, items: Iterable[Item], verdict: str, boxes: Iterable[tuple[int, int, int, int]] = (), why: str,
    dropped: Iterable[tuple[int, int, int, int]] = (), scope: str = "items", by: object = None, by_name: str = "",
    looked_at: Item | None = None, home: Home | None = None, runner: Runner | None = None,
    progress: Progress = QUIET, clock: Clock = NOW, clean: bool = True,
) -> Decision:  # fmt: skip
    """Step 7: a person accepts, masks or rejects held items, with a reason; what is let on is cleaned at once.

    `boxes` and `dropped` (proposed boxes that were taken away on the item `looked_at`) are x, y, width, height in pixels.
    With `clean` false the
    items wait for `go_on`. `Conflict` where an item is not held, or is held for a reason that looking at it cannot settle;
    `BadInput` without a reason or, for a mask, without any box. See `reviewing.decide` for decisions that two must make.
    """
    chosen = list(items)
    seen = looked_at or (chosen[0] if len(chosen) == 1 else None)
    said = reviewing.Said(verdict, why, tuple(boxes), tuple(dropped), scope, seen)
    work = _desk_of(chosen, home)
    name = by_name or str(getattr(by, "username", "") or by or "operator")
    decision = reviewing.decide(work, chosen, said, by=by, by_name=name, at=clock.now())
    if clean and verdict != "reject" and decision.standing == Standing.FINAL:
        only = Item.objects.filter(pk__in=[item.pk for item in decision.items.all()])
        with metered(work, runner or compute.here(), clock=clock) as meter:
            clean_matched(work, only=only, progress=progress, runner=meter, clock=clock)
            clean_labels(work, progress=progress, runner=meter, clock=clock)
    return decision


def _desk_of(chosen: list[Item], home: Home | None) -> Desk:
    from midas.spoke.bootstrap import current_home

    if not chosen:
        raise BadInput("A decision needs items and a reason.", advice="Choose at least one item.")
    return desk(home=home or current_home(), slug=chosen[0].batch.project.slug)


def take_back(
    *, decision: Decision, by: object = None, by_name: str = "", clock: Clock = NOW
) -> int:  # fmt: skip
    """Take a decision back before its items are packed; return how many are held again. `Conflict` where it is too late."""
    name = by_name or str(getattr(by, "username", "") or by or "operator")
    return reviewing.take_back(decision, by_name=name, at=clock.now())


def go_on(
    *, home: Home, runner: Runner, progress: Progress = QUIET, clock: Clock = NOW, project: str | None = None
) -> None:
    """Do steps 3 to 6 for whatever was decided and waits to be cleaned."""
    work = desk(home=home, slug=project)
    with metered(work, runner, clock=clock) as meter:
        clean_matched(work, progress=progress, runner=meter, clock=clock)
        clean_labels(work, progress=progress, runner=meter, clock=clock)
        look_alongside(work)


def pack(
    *, home: Home, progress: Progress = QUIET, clock: Clock = NOW, project: str | None = None
) -> Parcel | None:
    """Step 8: pack what is cleaned and not packed yet; none where there is nothing. Every file stands whole first."""
    work = desk(home=home, slug=project)
    taking.refuse_withdrawn(work, at=clock.now())
    return pack_parcel(work, progress=progress, clock=clock)


def send(
    *, home: Home, hub: Hub | None = None, progress: Progress = QUIET, clock: Clock = NOW, project: str | None = None
) -> list[Parcel]:  # fmt: skip
    """Steps 9 and 10: send every packed parcel and keep the hub's receipts. Can be repeated until it has answered."""
    work = desk(home=home, slug=project)
    return send_parcels(work, hub=hub, progress=progress, clock=clock)


def exchange(*, home: Home, clock: Clock = NOW, project: str | None = None) -> int:
    """Send answers to curators' questions, fetch what they ask now and whom all hospitals have collected.

    Return how many questions wait for an answer here. Without a hub, or while it does not answer, what is known stands.
    """
    work = desk(home=home, slug=project)
    try:
        with hub_of(work, attempts=2) as hub:
            questions.exchange(work, hub=hub, clock=clock)
            together.ask(work, hub=hub, clock=clock)
    except MidasError:
        pass
    return questions.waiting(work)
