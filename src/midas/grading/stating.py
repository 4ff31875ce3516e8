"""Write in an open assessment: bring the computed facts up to date, state a fact with its document, take it back, remark."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import isfinite

from django.db import transaction

from midas.grading.models import Assessment, Statement
from midas.grading.opening import computed, refuse_own
from midas.grading.rubric import Rubric, rubric_named
from midas.kernel import BadInput, Clock, Conflict, Evidence, Ink, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.store import Blobs

LARGEST = 20 * 1024 * 1024
"""Bytes of a document: papers and logs, not data."""
LONGEST_REMARK = 2000
FARTHEST = 50
"""Years: a later last day of a document is a slip of the pen."""


def locked(assessment: Assessment) -> Assessment:
    """Return the row for writing, or `Conflict` where it was submitted or decided."""
    row = Assessment.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=assessment.pk)
    if not row.open:
        raise Conflict(
            "This assessment is read-only: it was submitted or decided.",
            advice="It can be written in again when it is sent back.",
        )
    return row


@transaction.atomic
def bring(*, assessment: Assessment, evidence: Iterable[Evidence], clock: Clock) -> Assessment:
    """Put what MIDAS computes now in place of what it computed before."""
    row = locked(assessment)
    row.evidence, row.evidence_at = computed(evidence), clock.now()
    row.save(update_fields=["evidence", "evidence_at"])
    return row


@transaction.atomic
def state(
    *,
    assessment: Assessment,
    kind: str,
    value: bool | float | str,
    document: bytes,
    name: str,
    store: Blobs,
    by: Account,
    clock: Clock,
    demonstration: bool = False,
    remark: str = "",
    valid_until: date | None = None,
) -> Statement:
    """State a fact and keep the document that shows it; what was stated of the kind before is replaced.

    `valid_until` is the last day on which the document is in force. `NotFound` for a kind that the rubric does not know;
    `BadInput` for one that only MIDAS computes, for an empty or too large document, for a last day that is past or more
    than `FARTHEST` years ahead, and for any on a kind that says what the data are. In the Technical form the nodal
    centre's own statement stands as accepted; `Forbidden` for who had a hand in the Lite one.
    """
    row = locked(assessment)
    refuse_own(row, by)
    rubric = rubric_named(row.rubric)
    known = rubric.kinds.get(kind)
    if known is None:
        raise NotFound(f"The rubric knows no evidence '{kind}'.", advice="See `midas grade rubric`.")
    if not known.hears(Ink.ATTESTED):
        raise BadInput(f"'{known.says}' is computed, never stated.", advice="Raise what is measured.")
    if not _fits(rubric, kind, value):
        raise BadInput(
            f"{value} is no answer to '{known.says}'.", advice=f"It is {known.unit or 'true or false'}."
        )
    if not 0 < len(document) <= LARGEST:
        raise BadInput(
            "A statement needs a document of at most 20 MiB.", advice="Attach the paper that shows it."
        )
    if valid_until is not None:
        _in_force(rubric, kind, valid_until, today=clock.now().date())
    own = row.form == Assessment.Form.TECHNICAL
    made, _ = Statement.objects.update_or_create(
        assessment=row, kind=kind,
        defaults={
            "value": value, "sha256": store.put_chunks([document]), "size": len(document), "name": name[:200] or "document",
            "demonstration": demonstration, "remark": remark.strip()[:500], "valid_until": valid_until,
            "stated_by": by, "stated_at": clock.now(),
            "verdict": Statement.Verdict.OKAY if own else Statement.Verdict.NONE, "verdict_remark": "",
        },
    )  # fmt: skip
    enter(
        Deed.ASSESS, by=by, clock=clock, dataset=row.dataset.slug, version=row.version, target=str(row.pk), form=row.form,
        what="stated", kind=kind, document=made.sha256, demonstration=demonstration,
        valid_until=valid_until.isoformat() if valid_until else None,
    )  # fmt: skip
    return made


def read_value(text: str, unit: str) -> bool | float | str:
    """Read what a person typed: yes or no without a unit (nothing means yes), a class's name, or a number."""
    if unit == "class":
        return text
    if not unit:
        if text.lower() not in {"", "yes", "no"}:
            raise BadInput("Say yes or no.", advice="Nothing written means yes.")
        return text.lower() != "no"
    try:
        return float(text)
    except ValueError:
        raise BadInput("This is not a number.", advice="Write a number.") from None


def read_day(text: str) -> date | None:
    """Read a day as a person or a date field writes it; nothing written is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("This is not a date.", advice="Write it like 2027-03-31.") from None


def _in_force(rubric: Rubric, kind: str, until: date, *, today: date) -> None:
    """Raise `BadInput` for a last day that no document of this kind can have."""
    if kind in rubric.lasting:
        raise BadInput(
            f"'{rubric.kinds[kind].says}' says what the data are, and has no last day.",
            advice="Leave the day empty.",
        )
    if until < today:
        raise BadInput(f"The document ended on {until}.", advice="Attach one that is in force.")
    if (until.year - FARTHEST, until.month, until.day) > (today.year, today.month, today.day):
        raise BadInput(
            f"{until} is more than {FARTHEST} years ahead.",
            advice="Write the last day that stands on the document, or none.",
        )


def _fits(rubric: Rubric, kind: str, value: bool | float | str) -> bool:
    """Say whether a value is of the sort that its kind wants: a class of the rubric, a number, or true and false."""
    unit = rubric.kinds[kind].unit
    if unit == "class":
        of = rubric.prs.identification if kind == "privacy.identification" else rubric.prs.sensitivity
        return value in of
    if not unit:
        return isinstance(value, bool)
    if isinstance(value, bool | str) or not isfinite(value) or value < 0:
        return False
    return unit != "share" or value <= 1


@transaction.atomic
def unstate(*, assessment: Assessment, kind: str, by: Account, clock: Clock) -> None:
    """Take a statement back; `NotFound` where nothing was stated."""
    row = locked(assessment)
    refuse_own(row, by)
    gone, _ = Statement.objects.filter(assessment=row, kind=kind).delete()
    if not gone:
        raise NotFound("Nothing was stated here.", advice="Look at the form again.")
    enter(
        Deed.ASSESS, by=by, clock=clock, dataset=row.dataset.slug, version=row.version, target=str(row.pk), form=row.form,
        what="took back", kind=kind,
    )  # fmt: skip


@transaction.atomic
def remark(*, assessment: Assessment, domain: int, words: str) -> Assessment:
    """Keep a remark on a domain; empty words take it away. `NotFound` for a domain that is not there."""
    row = locked(assessment)
    if domain not in {one.number for one in rubric_named(row.rubric).domains}:
        raise NotFound(f"There is no domain {domain}.", advice="Domains are numbered as in the rubric.")
    said = {key: text for key, text in row.remarks.items() if key != str(domain)}
    if words.strip():
        said[str(domain)] = words.strip()[:LONGEST_REMARK]
    row.remarks = said
    row.save(update_fields=["remarks"])
    return row


@transaction.atomic
def judge(
    *, assessment: Assessment, kind: str, verdict: str, words: str = "", by: Account | None = None
) -> Statement:
    """Keep the nodal centre's verdict on what the centre stated. `BadInput` for a revision without a remark.

    `Forbidden` where `by` had a hand in the Lite form.
    """
    row = locked(assessment)
    if by is not None:
        refuse_own(row, by)
    if row.form != Assessment.Form.TECHNICAL or verdict not in Statement.Verdict.values:
        raise BadInput("Verdicts belong to the Technical form.", advice="Say okay or needs_revision there.")
    found = Statement.objects.filter(assessment=row, kind=kind).first()
    if found is None:
        raise NotFound("Nothing was stated here.", advice="Look at the form again.")
    if verdict == Statement.Verdict.REVISION and not words.strip():
        raise BadInput("What has to be revised?", advice="Say in a sentence what the document lacks.")
    found.verdict, found.verdict_remark = verdict, words.strip()[:500]
    found.save(update_fields=["verdict", "verdict_remark"])
    return found
