"""Submit an assessment, and decide about it. Each is one transaction with its row of the ledger.

1 submit      the centre: the Lite form becomes read-only, with its grade
2 send back   the nodal centre, with a reason: the Lite form may be written in again; its own form stays as it was
3 approve     the nodal centre, another person than who submitted: both forms are final, with their grades
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from midas.grading.look import grade_of
from midas.grading.models import Assessment, Statement
from midas.grading.opening import hands_of
from midas.grading.rubric import Access
from midas.grading.stating import locked
from midas.kernel import BadInput, Clock, Conflict, Forbidden
from midas.ledger import Deed, enter
from midas.people.models import Account

Status = Assessment.Status


@transaction.atomic
def submit(*, assessment: Assessment, by: Account, clock: Clock) -> Assessment:
    """Hand the Lite form in; `Conflict` where it was handed in already or is not a Lite one."""
    row = locked(assessment)
    if row.form != Assessment.Form.LITE:
        raise Conflict(
            "Only the Lite form is submitted.", advice="Approve the Technical form, or send it back."
        )
    row.status, row.submitted_by, row.submitted_at = Status.SUBMITTED, by, clock.now()
    row.decided_by, row.decided_at, row.why = None, None, ""
    row.grade = grade_of(row, clock=clock).to_dict()
    row.save()
    _note(Deed.ASSESS, row, by, clock, what="submitted")
    return row


@transaction.atomic
def send_back(*, assessment: Assessment, by: Account, why: str, clock: Clock) -> Assessment:
    """Ask the centre to revise; returns its Lite form, open again. `BadInput` without a reason."""
    row, lite = _to_decide(assessment, by)
    if not why.strip():
        raise BadInput("Sending back needs a reason.", advice="Say in a sentence what has to be revised.")
    for one in (row, lite):
        one.status, one.decided_by, one.decided_at, one.why = (
            Status.REVISION,
            by,
            clock.now(),
            why.strip()[:500],
        )
        one.grade = grade_of(row, clock=clock).to_dict() if one is row else lite.grade
        one.save()
    _note(Deed.VALIDATE, lite, by, clock, why=why.strip(), what="sent back")
    return lite


@transaction.atomic
def approve(*, assessment: Assessment, by: Account, why: str, clock: Clock, access: str = "") -> Assessment:
    """Approve; returns the Technical form with its final grade. `access` chooses where the matrix leaves two classes.

    `BadInput` without a reason, for a class that the matrix does not leave, or while a statement has no verdict.
    """
    row, lite = _to_decide(assessment, by)
    if not why.strip():
        raise BadInput("A decision needs a reason.", advice="Say in a sentence why.")
    open_ones = Statement.objects.filter(assessment=row, verdict=Statement.Verdict.NONE).count()
    if open_ones:
        raise BadInput(
            f"{open_ones} statements have no verdict yet.", advice="Say okay or needs revision of each."
        )
    if access and access not in set(Access):
        raise BadInput(f"There is no access class '{access}'.", advice=f"Choose {', '.join(Access)}.")
    row.access = access
    for one in (row, lite):
        one.status, one.decided_by, one.decided_at, one.why = (
            Status.APPROVED,
            by,
            clock.now(),
            why.strip()[:500],
        )
        one.grade = grade_of(one, clock=clock).to_dict()
        one.save()
    grade = row.grade or {}
    _note(
        Deed.VALIDATE, row, by, clock, why=why.strip(), what="approved", cqi=str(grade["cqi"]), band=grade["band"],
        prs=grade["prs"]["score"], access=grade["access"], demonstration=grade["demonstration"],
    )  # fmt: skip
    return row


def _to_decide(assessment: Assessment, by: Account) -> tuple[Assessment, Assessment]:
    """Return the Technical form and its Lite one, locked; `Conflict` or `Forbidden` where this person cannot decide now."""
    row = locked(assessment)
    if row.form != Assessment.Form.TECHNICAL or row.lite_id is None:
        raise Conflict("The nodal centre decides on its own form.", advice="Open the Technical form first.")
    lite = Assessment.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=row.lite_id)
    if lite.status != Status.SUBMITTED:
        raise Conflict("The centre's form is not submitted.", advice="Wait until it is.")
    if by.pk in hands_of(lite):
        raise Forbidden(
            "Nobody validates their own assessment.", advice="Ask another person of the nodal centre."
        )
    return row, lite


def _note(
    deed: Deed,
    row: Assessment,
    by: Account,
    clock: Clock,
    *,
    why: str = "",
    **details: Any,
) -> None:
    enter(
        deed, by=by, clock=clock, dataset=row.dataset.slug, version=row.version, target=str(row.pk), why=why,
        form=row.form, rubric=row.rubric, rubric_sha256=row.rubric_sha256, **details,
    )  # fmt: skip
