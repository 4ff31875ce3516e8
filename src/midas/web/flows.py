"""What happens to a submission, and to a person who leaves, at the hub: one page of numbered steps.

    1. receive    a spoke's signed header is kept, once: the same root again only says where it stands
    2. verify     every hash, count and reference, and the leak rules, with no trust in the spoke (`midas.catalogue`)
    3. register   all of it in one transaction, with a receipt signed by this hub; or refuse, with findings
    4. check      the quality checks look at what it brought; what they find waits for a curator
    5. withdraw   a person leaves every release, the catalogue and the store; a pseudonym stays to refuse by

Steps 2 to 4 are done by one thread of the server, with worker processes for the bytes. What is to be done stands in
the database: after a stop or a crash it is taken up again at the start, erasing too. Nothing here decides who may do
what.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.db import close_old_connections, transaction

from midas.annotate import take_out as take_out_readings
from midas.catalogue import findings
from midas.catalogue.models import CheckRun, ProtocolVersion, Subject, Submission
from midas.catalogue.protocols import protocol_known
from midas.catalogue.registration import register
from midas.catalogue.verification import Checked, examine_submission, trust
from midas.catalogue.withdrawal import blobs_of, doom, forget, person
from midas.compute import here, processes
from midas.kernel import Clock, Finding, Forbidden, MidasError, NotFound, Runner, Severity, SystemClock
from midas.ledger import Deed, enter
from midas.manifest import PrivateKey
from midas.people.models import Institution
from midas.release.models import Release
from midas.release.withdrawal import take_out
from midas.store import Blobs
from midas.web.audit import UNNAMED_FOR_BY_ITSELF, collect, erase_doomed
from midas.web.bootstrap import current_home, signer, store
from midas.web.spending import keep, metered
from midas.wire.v1 import FindingLine, Signed, SubmissionHeader, SubmissionStatus

State = Submission.State
T = TypeVar("T")
log = logging.getLogger("midas.hub")

FEW_INSTANCES = 24
"""Up to so many are examined in the thread itself: starting worker processes would take longer."""
TIDY_AGAIN_S = 24 * 3600.0
"""Seconds between erasing what nothing names; also done at each start."""
LOOK_AGAIN_S = 5.0
"""Seconds between looks at the database; a submission that comes in wakes the worker at once."""


# -- 1. receive ------------------------------------------------------------------------------------------------


def receive(
    *, signed: Signed, spoke: Institution, clock: Clock | None = None
) -> tuple[SubmissionStatus, bool]:
    """Keep a signed header and have it verified; return where it stands and whether that is news.

    A refused submission that comes again is verified again. Raise `BrokenPromise` for a signature that does not hold,
    `Forbidden` for another institution's header, `NotFound` for a protocol that the hub does not know.
    """
    header = trust(signed)
    if header.spoke != spoke.slug:
        raise Forbidden(
            "A spoke submits for its own institution only.", advice="Use the token of that spoke."
        )
    protocol = protocol_known(dataset=header.dataset, sha256=header.protocol_sha256)
    now = clock or SystemClock()
    row, is_new = _kept(signed, header, protocol, spoke, now)
    _wake.set()
    return _status(row), is_new


@transaction.atomic
def _kept(
    signed: Signed, header: SubmissionHeader, protocol: ProtocolVersion, spoke: Institution, clock: Clock
) -> tuple[Submission, bool]:
    """Keep the header with its row of the ledger; return the submission and whether it is to be verified."""
    row, is_new = Submission.objects.get_or_create(
        root=header.root,
        defaults={
            "dataset": protocol.dataset, "protocol": protocol, "spoke": header.spoke,
            "header": header.model_dump(mode="json", by_alias=True), "signed": signed.model_dump(mode="json"),
            "received_at": clock.now(),
        },
    )  # fmt: skip
    _own(row, spoke)
    if not is_new and row.state == State.REFUSED:
        is_new = bool(
            Submission.objects.filter(pk=row.pk, state=State.REFUSED).update(
                state=State.RECEIVED, findings=[]
            )
        )
        row.refresh_from_db()
    if is_new:
        enter(Deed.SUBMIT, by=None, who=spoke.slug, clock=clock, dataset=header.dataset, target=header.root)
    return row, is_new


def status(*, root: str, spoke: Institution) -> SubmissionStatus:
    """Return where a spoke's own submission stands; `NotFound` for any other."""
    row = Submission.objects.filter(root=root, spoke=spoke.slug).first()
    if row is None:
        raise NotFound("There is no such submission.", advice="Send it first.")
    return _status(row)


def _own(row: Submission, spoke: Institution) -> None:
    if row.spoke != spoke.slug:
        raise Forbidden(
            "Another institution sent this.", advice="Each submission has its own salts and root."
        )


def _status(row: Submission) -> SubmissionStatus:
    return SubmissionStatus(
        root=row.root,
        state=row.state,
        findings=tuple(FindingLine.model_validate(one) for one in row.findings),
        receipt=Signed.model_validate(row.receipt) if row.receipt else None,
    )


# -- 2. verify, 3. register or refuse --------------------------------------------------------------------------


def process_one(*, clock: Clock | None = None, runner: Runner | None = None) -> Submission | None:
    """Take the oldest submission that waits through steps 2 and 3; return it, or `None` where none waits."""
    row = Submission.objects.filter(state=State.RECEIVED).order_by("received_at", "pk").first()
    if row is None or not Submission.objects.filter(pk=row.pk, state=State.RECEIVED).update(
        state=State.VERIFYING
    ):
        return None
    row.refresh_from_db()
    _with_workers(row, runner, partial(_verify, row, clock or SystemClock()))
    log.info("submission %s… from %s: %s", row.root[:12], row.spoke, row.state)
    return row


@transaction.atomic
def _refuse(row: Submission, checked: Checked, clock: Clock) -> None:
    row.state, row.findings = State.REFUSED, [one.to_dict() for one in checked.findings]
    row.save(update_fields=["state", "findings"])
    enter(
        Deed.REGISTER, by=None, who="hub", clock=clock, dataset=row.dataset.slug, target=row.root, spoke=row.spoke,
        stands=False, findings=len(checked.findings),
    )  # fmt: skip


def _erase_what_came_back(row: Submission) -> None:
    """Keep no bytes of a submission that brought somebody who withdrew; the spoke sends the others again."""
    if any(one["rule"] == "submission.withdrawn" for one in row.findings):
        doom(blobs_of(row.header, store()))
        erase_doomed(store=store())


def _verify(row: Submission, clock: Clock, runner: Runner) -> None:
    with metered(runner) as meter:
        checked = examine_submission(
            signed=Signed.model_validate(row.signed), store=store(), runner=meter, scratch=current_home().scratch
        )  # fmt: skip
        if checked.stands:
            register(submission=row, checked=checked, store=store(), signer=signer(), clock=clock)
        else:
            _refuse(row, checked, clock)
            _erase_what_came_back(row)
        row.refresh_from_db()
        keep(row, meter)


def _with_workers(row: Submission, runner: Runner | None, work: Callable[[Runner], T]) -> T:
    """Do bulk work on a submission: in worker processes where it is large."""
    if runner is not None:
        return work(runner)
    if row.header["instances"] <= FEW_INSTANCES:
        return work(here())
    with processes() as pool:
        return work(pool)


def process_all() -> int:
    """Take every waiting submission through; return how many there were."""
    number = 0
    while process_one() is not None:
        number += 1
    return number


def resume() -> int:
    """Put back what was being verified when the server stopped; return how many there were."""
    return Submission.objects.filter(state=State.VERIFYING).update(state=State.RECEIVED)


# -- 4. check the quality --------------------------------------------------------------------------------------

_failed: set[int] = set()
"""Submissions whose checks broke off in this process: they are tried again when it starts again."""


def check_one(*, clock: Clock | None = None, runner: Runner | None = None) -> CheckRun | None:
    """Run the quality checks over the oldest registered submission that has none; `None` where none waits."""
    row = findings.unchecked().exclude(pk__in=_failed).select_related("dataset").first()
    if row is None:
        return None

    def run(with_runner: Runner) -> CheckRun:
        with metered(with_runner) as meter:
            made = findings.check(
                dataset=row.dataset, submission=row, store=store(), runner=meter, scratch=current_home().scratch,
                clock=clock or SystemClock(),
            )  # fmt: skip
            keep(made, meter)
        return made

    try:
        made = _with_workers(row, runner, run)
    except Exception:
        _failed.add(row.pk)
        raise
    log.info("submission %s… from %s: checked, run %d", row.root[:12], row.spoke, made.number)
    return made


# -- 5. withdraw -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal did. `subjects` are all pseudonyms of the person; `erased` counts blobs."""

    subjects: tuple[str, ...]
    releases: tuple[Release, ...]
    erased: int


def withdraw(
    *, pseudonym: str, dataset: str, why: str, store: Blobs, signer: PrivateKey, clock: Clock
) -> Withdrawn:
    """Take a person out of all that the hub holds of a dataset: linked pseudonyms leave together.

    Everything on the record is one transaction. Doing it again finishes what an interruption left. Raise `NotFound`
    where the dataset has no such subject, `BadInput` where `why` is not one of `ReleaseTombstone.Why`.
    """
    with transaction.atomic():
        # 1 the person: every pseudonym that is linked
        names = person(pseudonym=pseudonym, dataset=dataset)
        # 2 out of every release; the keys stay, a signed tombstone stands where the person was
        releases = take_out(
            pseudonyms=names, dataset=dataset, store=store, signer=signer, clock=clock, why=why
        )
        # 3 out of what was read: a label about the person, and who drew it
        take_out_readings(pseudonyms=names, dataset=dataset)
        # 4 out of the catalogue and of the parts of submissions; the pseudonyms stay
        forget(pseudonym=pseudonym, dataset=dataset, store=store, clock=clock)
        # only the tombstone in the catalogue names the person: the ledger says its number
        gone = Subject.objects.filter(dataset__slug=dataset, pseudonym__in=names)
        for number in gone.values_list("pk", flat=True):
            target = f"subject {number}"
            enter(Deed.WITHDRAW, by=None, clock=clock, dataset=dataset, target=target, why=why)
    # 5 once that is on the record: erase the bytes that nothing needs any more
    return Withdrawn(names, releases, erase_doomed(store=store))


# -- the worker ------------------------------------------------------------------------------------------------

_wake = threading.Event()


def start_worker() -> Callable[[], None]:
    """Start the thread that does steps 2 and 3 in this process; return what stops it. Call it once per server."""
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(stop,), name="midas-flows", daemon=True)
    thread.start()

    def stop_worker() -> None:
        stop.set()
        _wake.set()
        thread.join(timeout=30)

    return stop_worker


def tidy(*, clock: Clock | None = None) -> int:
    """Finish what withdrawals left to erase, then erase what nothing names; return how many blobs went."""
    return erase_doomed(store=store()) + collect(
        store=store(), clock=clock or SystemClock(), older_than=UNNAMED_FOR_BY_ITSELF
    )


def _work(stop: threading.Event) -> None:
    resume()
    next_tidying = 0.0
    while not stop.is_set():
        close_old_connections()
        try:
            if time.monotonic() >= next_tidying:
                next_tidying = time.monotonic() + TIDY_AGAIN_S
                tidy()
            process_all()
            while check_one() is not None:
                process_all()
        except Exception as error:
            log.exception("a submission could not be processed or checked")
            _fault(error)
        _wake.wait(LOOK_AGAIN_S)
        _wake.clear()


def _fault(error: Exception) -> None:
    """Refuse what could not be verified or registered: a fault of the hub never lets anything pass."""
    advice = error.advice if isinstance(error, MidasError) else "Tell the hub's operator; then send it again."
    said = error.message if isinstance(error, MidasError) else "The hub failed while it verified."
    finding = Finding("submission.fault", Severity.ERROR, "submission", said, advice)
    Submission.objects.filter(state=State.VERIFYING).update(state=State.REFUSED, findings=[finding.to_dict()])
