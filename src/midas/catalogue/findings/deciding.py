"""What curators decide of findings: each decision a row, with its reason, in the ledger; nothing is edited in place."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.db import transaction

from midas.catalogue.findings.standing import OPEN, state_of
from midas.catalogue.models import Correction, Dataset, Instance, QualityDecision, QualityFinding
from midas.kernel import BadInput, Clock, Conflict
from midas.ledger import Deed, enter
from midas.people.models import Account

Verdict, Covers = QualityDecision.Verdict, QualityDecision.Covers
CORRECTABLE: dict[str, int] = {
    "PixelSpacing": 2, "SliceThickness": 1, "SpacingBetweenSlices": 1, "Manufacturer": 0, "ManufacturerModelName": 0,
    "MagneticFieldStrength": 1, "RepetitionTime": 1, "EchoTime": 1, "KVP": 1, "ConvolutionKernel": 0,
    "ObjectiveLensPower": 1,
}  # fmt: skip
"""DICOM keywords (PS3.6) that a release's tables tell of a series, and how many numbers each is; 0: words."""
MOST_WORDS = 64


@transaction.atomic
def decide(
    *,
    findings: Sequence[QualityFinding],
    verdict: str,
    why: str,
    by: Account,
    clock: Clock,
    covers: str = Covers.SERIES,
    seen: int | None = None,
) -> list[QualityDecision]:
    """Decide the same of several findings: `accept`, `ask` (the spoke), `exclude` (from the next draft) or `reopen`.

    `seen` is the number of the last decision that whoever decides could know of. Raise `BadInput` without a reason or for
    another verdict, `Conflict` where a finding is not of today any more, has nothing to take back, or was decided on since.
    """
    reason = _reason(why)
    if verdict not in {Verdict.ACCEPT, Verdict.ASK, Verdict.EXCLUDE, Verdict.REOPEN} or covers not in Covers:
        raise BadInput("That is not a decision.", advice="Accept, ask the spoke, exclude, or open it again.")
    _nobody_else_did(findings, seen)
    for one in findings:
        _may_decide(one, verdict)
        if verdict == Verdict.EXCLUDE:
            _may_exclude(one, covers)
    return [_decided(one, verdict, reason, by, clock, covers) for one in findings]


@transaction.atomic
def correct(
    *,
    finding: QualityFinding,
    keyword: str,
    value: str,
    why: str,
    by: Account,
    clock: Clock,
    seen: int | None = None,
) -> Correction:
    """Write down what a fact of the finding's series should be: the next revision, beside objects that stay as they came.

    `seen` is as in `decide`. Raise `BadInput` without a reason, for a fact that is not correctable, or a value that it
    cannot have, `Conflict` where the finding was decided on since.
    """
    reason = _reason(why)
    _nobody_else_did([finding], seen)
    _may_decide(finding, Verdict.CORRECT)
    if finding.series_id is None:
        raise BadInput("A row is not corrected here.", advice="Ask the hospital for a corrected row.")
    after = corrected_value(keyword, value)
    last = Correction.objects.filter(series=finding.series_id, keyword=keyword).order_by("-revision").first()
    before = last.after if last else as_it_came(finding, keyword)
    if before == after:
        raise BadInput("That is what it says already.", advice="Give the value that it should have.")
    made = _decided(finding, Verdict.CORRECT, reason, by, clock, Covers.SERIES, keyword=keyword)
    return Correction.objects.create(
        decision=made, series_id=finding.series_id, keyword=keyword, revision=last.revision + 1 if last else 1,
        before=before, after=after,
    )  # fmt: skip


def as_it_came(finding: QualityFinding, keyword: str) -> object:
    """Return a fact as the series' first image brought it, or `None`."""
    facts = Instance.objects.filter(series=finding.series_id).order_by("pk").values_list("facts", flat=True)
    return (facts.first() or {}).get(keyword)


def corrected_value(keyword: str, text: str) -> str | float:
    """Read what somebody typed as a value of this fact; `BadInput` where it is none."""
    numbers, said = CORRECTABLE.get(keyword), text.strip()
    if numbers is None:
        raise BadInput(f"{keyword} is not corrected here.", advice=f"Choose from {', '.join(CORRECTABLE)}.")
    if not numbers:
        if not said or len(said) > MOST_WORDS or not said.isprintable():
            raise BadInput("Give a few words.", advice=f"At most {MOST_WORDS} characters.")
        return said
    parts = said.replace("\\", " ").replace(",", " ").split()
    try:
        values = [float(one) for one in parts]
    except ValueError:
        values = []
    if len(values) != numbers or not all(math.isfinite(one) and one > 0 for one in values):
        raise BadInput(
            f"{keyword} is {numbers} number{'s' if numbers > 1 else ''} above 0.",
            advice="Write 0.5 0.5 for two numbers.",
        )
    return values[0] if numbers == 1 else "\\".join(f"{one:g}" for one in values)


def _reason(why: str) -> str:
    said = " ".join(why.split())[:500]
    if not said:
        raise BadInput("A decision needs a reason.", advice="Write one sentence; it is kept.")
    return said


def _nobody_else_did(findings: Sequence[QualityFinding], seen: int | None) -> None:
    """Raise `Conflict` where somebody decided on one of these meanwhile: neither decision is lost unseen.

    Decisions on a dataset, and the recording of its release, wait for one another.
    """
    datasets = {one.dataset_id for one in findings}
    list(Dataset.objects.select_for_update().filter(pk__in=datasets).order_by("pk"))
    if seen is None:
        return
    marks = [one.mark for one in findings]
    since = QualityDecision.objects.filter(mark__in=marks, pk__gt=seen).select_related("by").order_by("pk")
    if (other := since.last()) is not None:
        number = since.values("mark").distinct().count()
        raise Conflict(
            f"{other.by.username} decided on {number} of these meanwhile; nothing was decided now.",
            advice="Look at the queue again, then decide what is still open.",
        )


def last_decision() -> int:
    """Return the number of the last decision of all, for a page that lets somebody decide; 0 where there is none."""
    return QualityDecision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _may_decide(finding: QualityFinding, verdict: str) -> None:
    last = QualityDecision.objects.filter(mark=finding.mark).order_by("-pk").values_list("verdict", flat=True)
    is_open = state_of(last.first() or "") == OPEN
    if verdict == Verdict.REOPEN:
        if is_open:
            raise Conflict("Nothing was decided of this finding.", advice="Look at the queue again.")
    elif finding.superseded_id is not None:
        raise Conflict(
            "A later run of the checks has looked at this again.", advice="Decide on what it found today."
        )


def _may_exclude(finding: QualityFinding, covers: str) -> None:
    """A row is not left out by itself, since labels and visits rest on it; a hospital's table names nobody."""
    if finding.subject_id is None:
        raise BadInput(
            "This is about a hospital's whole table: nobody can be excluded for it.",
            advice="Accept it with a reason, or ask the hospital.",
        )
    if finding.series_id is None and covers != Covers.SUBJECT:
        raise BadInput(
            "A row is not left out by itself: labels and visits rest on it.",
            advice="Ask the hospital for a corrected row, or exclude the whole person.",
        )


def _decided(
    finding: QualityFinding, verdict: str, why: str, by: Account, clock: Clock, covers: str, **more: str
) -> QualityDecision:
    made = QualityDecision.objects.create(
        finding=finding, mark=finding.mark, verdict=verdict, covers=covers, why=why, by=by, at=clock.now()
    )
    enter(
        Deed.JUDGE, by=by, clock=clock, dataset=finding.dataset.slug, target=f"finding {finding.pk}", why=why,
        verdict=str(verdict), rule=finding.rule, covers=str(covers) if verdict == Verdict.EXCLUDE else None, **more,
    )  # fmt: skip
    return made
