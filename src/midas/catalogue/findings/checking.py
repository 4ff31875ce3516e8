"""Run the quality checks over what is registered, and keep what they say as one numbered run.

In come a submission, or a whole dataset; out comes a `CheckRun` with its findings, written in one transaction. What an
earlier run found of the same series is superseded and stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from midas import __version__
from midas.catalogue import pictures
from midas.catalogue.findings.comparing import compare, last_image, with_copies
from midas.catalogue.findings.looking import Looked, Noted, SeriesJob, look
from midas.catalogue.findings.together import TOGETHER, Compared, look_together, of_these
from midas.catalogue.models import CheckRun, Dataset, Instance, QualityFinding, Series, Submission
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import BadInput, Clock, NoProgress, Progress, Runner, Severity, canonical, sha256_bytes
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.store import Blobs

AT_ONCE = 500
"""Series or rows a statement."""
WEIGHTS = {
    Severity.ERROR: QualityFinding.Weight.ERROR, Severity.WARNING: QualityFinding.Weight.WARNING,
    Severity.INFO: QualityFinding.Weight.INFO,
}  # fmt: skip


def unchecked() -> QuerySet[Submission]:
    """Return what is registered and has not been checked, the oldest first: what waits stands in the database."""
    own = CheckRun.objects.filter(submission=OuterRef("pk"))
    whole = CheckRun.objects.filter(
        dataset=OuterRef("dataset"), submission=None, started_at__gt=OuterRef("registered_at")
    )
    waiting = Submission.objects.filter(state=Submission.State.REGISTERED).exclude(
        Exists(own) | Exists(whole)
    )
    return waiting.order_by("registered_at", "pk")


def check(
    *,
    dataset: Dataset,
    submission: Submission | None = None,
    store: Blobs,
    runner: Runner,
    scratch: Path,
    clock: Clock,
    by: Account | None = None,
    progress: Progress | None = None,
) -> CheckRun:
    """Look at every series of a submission or, without one, of the dataset, and record what was found.

    A series that several submissions brought is looked at as a whole; copies are looked for in the whole dataset; then
    its persons' rows, images and views are looked at together (`together`). Raise `BadInput` for a dataset without a
    protocol.
    """
    version = in_force(dataset)
    if version is None:
        raise BadInput(f"{dataset.slug} has no protocol.", advice="Add it: midas hub protocol add.")
    protocol = protocol_of(version)
    started, items = clock.now(), {one.id: one for one in protocol.items}
    series = _series(dataset, submission)
    jobs = (
        SeriesJob(store, pk, items.get(item), images, scratch) for pk, item, images in _with_images(series)
    )
    results = (progress or NoProgress()).track(
        runner.map(look, jobs), label="Check", total=series.count()
    )  # fmt: skip
    looked = list(pictures.signed(results))
    reached = last_image(dataset)
    left = compare(dataset=dataset, store=store, runner=runner, progress=progress)
    with transaction.atomic():
        looked = with_copies(looked, dataset, items)
        compared = look_together(dataset, protocol, submission)
        last = CheckRun.objects.filter(dataset=dataset).aggregate(last=Max("number"))["last"] or 0
        run = CheckRun.objects.create(
            dataset=dataset, number=last + 1, submission=submission, protocol=version, software=f"midas {__version__}",
            started_at=started, finished_at=clock.now(), series=len(looked), images=sum(one.images for one in looked),
            compared_to=0 if left else reached, rows=compared.rows,
        )  # fmt: skip
        number = sum(_kept(run, bundle) for bundle in _bundles(looked)) + _kept_together(run, compared)
        enter(
            Deed.CHECK, by=by, who="hub" if submission else "command line", clock=clock, dataset=dataset.slug,
            target=submission.root if submission else "", run=run.number, series=run.series, findings=number,
        )  # fmt: skip
    return run


# -- what is looked at -----------------------------------------------------------------------------------------


def _series(dataset: Dataset, submission: Submission | None) -> QuerySet[Series]:
    """Return the series of who stands in the dataset, less those of labels."""
    here = Series.objects.filter(study__subject__dataset=dataset, study__subject__withdrawn_at=None)
    if submission is not None:
        here = here.filter(Exists(Instance.objects.filter(series=OuterRef("pk"), submission=submission)))
    return here.exclude(kind="label").order_by("pk")


def _with_images(series: QuerySet[Series]) -> Iterator[tuple[int, str, tuple[tuple[int, str], ...]]]:
    """Yield key, item and images of each series, some hundred at a time."""
    for bundle in _paged(series):
        rows = Instance.objects.filter(series__in=[pk for pk, _ in bundle]).order_by("series", "pk")
        held = {
            pk: tuple((one[1], one[2]) for one in images)
            for pk, images in groupby(rows.values_list("series", "pk", "sha256"), key=lambda one: one[0])
        }
        yield from ((pk, item, held[pk]) for pk, item in bundle if pk in held)


def _paged(series: QuerySet[Series]) -> Iterator[list[tuple[int, str]]]:
    after = 0
    while bundle := list(series.filter(pk__gt=after).values_list("pk", "item")[:AT_ONCE]):
        yield bundle
        after = bundle[-1][0]


# -- what is kept ----------------------------------------------------------------------------------------------


def _bundles(looked: list[Looked]) -> Iterator[list[Looked]]:
    for start in range(0, len(looked), AT_ONCE):
        yield looked[start : start + AT_ONCE]


def _kept(run: CheckRun, looked: list[Looked]) -> int:
    """Write what was found of some series; who withdrew meanwhile is not written about. Return how many rows."""
    keys = [one.series for one in looked]
    before = QualityFinding.objects.filter(series__in=keys, superseded=None)
    before.exclude(rule__in=TOGETHER).update(superseded=run)
    standing = dict(
        Series.objects.filter(pk__in=keys, study__subject__withdrawn_at=None).values_list(
            "pk", "study__subject"
        )
    )
    brought = dict(
        Instance.objects.filter(series__in=keys).values("series").annotate(last=Max("submission")).order_by()
        .values_list("series", "last")
    )  # fmt: skip
    rows = [
        _row(run, one.series, standing[one.series], brought[one.series], noted)
        for one in looked if one.series in standing and one.series in brought
        for noted in one.noted
    ]  # fmt: skip
    QualityFinding.objects.bulk_create(rows, batch_size=AT_ONCE)
    return len(rows)


def _kept_together(run: CheckRun, compared: Compared) -> int:
    """Write what was only seen together, in the place of what was; return how many rows."""
    standing = QualityFinding.objects.filter(dataset=run.dataset_id, superseded=None).exclude(run=run)
    standing.filter(of_these(compared)).update(superseded=run)
    rows = [
        QualityFinding(
            run=run, dataset_id=run.dataset_id, submission_id=one.submission, subject_id=one.subject,
            series_id=one.series, record_id=one.record, images=0, rule=one.finding.rule[:100],
            weight=WEIGHTS[one.finding.severity], value=one.value, unit=one.unit, least=one.least, most=one.most,
            message=one.finding.message[:500], advice=one.finding.advice[:500], cites=one.finding.cites[:300],
            mark=str(sha256_bytes(canonical([run.dataset_id, *one.mark]))),
        )
        for one in compared.seen
    ]  # fmt: skip
    QualityFinding.objects.bulk_create(rows, batch_size=AT_ONCE)
    return len(rows)


def _row(run: CheckRun, series: int, subject: int, submission: int, noted: Noted) -> QualityFinding:
    seen, finding = noted.seen, noted.seen.finding
    return QualityFinding(
        run=run, dataset_id=run.dataset_id, submission_id=submission, subject_id=subject,
        series_id=series, instance_id=noted.image, other_id=noted.other, images=noted.images, rule=finding.rule[:100],
        weight=WEIGHTS[finding.severity], value=seen.value, unit=seen.unit, least=seen.least, most=seen.most,
        message=finding.message[:500], advice=finding.advice[:500], cites=finding.cites[:300],
        mark=_mark(series, noted),
    )  # fmt: skip


def _mark(series: int, noted: Noted) -> str:
    """Name what was seen by place, rule and words: a value that changed is another finding, and open again."""
    finding = noted.seen.finding
    return str(sha256_bytes(canonical([series, noted.image, finding.rule, finding.message])))
