"""Open an assessment: the centre's Lite one of a version, and the nodal centre's Technical one on what was submitted."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from midas.catalogue.models import Dataset
from midas.grading.models import Assessment, Statement
from midas.grading.rubric import rubric_named
from midas.kernel import Clock, Conflict, Evidence, Forbidden, Ink
from midas.ledger import Deed, enter
from midas.ledger.models import Entry
from midas.people.models import Account


def open_lite(
    *, dataset: Dataset, version: str, evidence: Iterable[Evidence], by: Account, clock: Clock
) -> Assessment:
    """Open the centre's self-assessment of a version; `Conflict` where there is one already."""
    try:
        return _open(dataset, version, None, evidence, by, clock)
    except IntegrityError:
        raise Conflict(
            f"{dataset.slug} {version} is being assessed already.", advice="Go on with that assessment."
        ) from None


def open_technical(
    *, lite: Assessment, evidence: Iterable[Evidence], by: Account, clock: Clock
) -> Assessment:
    """Open the validation of a submitted self-assessment, with all that its centre stated, each still without a verdict.

    `Conflict` where nothing was submitted or a validation is open; `Forbidden` for who wrote or submitted the Lite form.
    """
    if lite.form != Assessment.Form.LITE or lite.status != Assessment.Status.SUBMITTED:
        raise Conflict("This was not submitted.", advice="Wait until the centre has submitted its form.")
    if by.pk in hands_of(lite):
        raise Forbidden(
            "Nobody validates their own assessment.", advice="Ask another person of the nodal centre."
        )
    try:
        return _open(lite.dataset, lite.version, lite, evidence, by, clock)
    except IntegrityError:
        raise Conflict("A validation of this is open already.", advice="Go on with that one.") from None


def hands_of(lite: Assessment) -> set[int]:
    """Return the accounts that ever had a hand in a Lite form, also in what was taken back or replaced since."""
    noted = Entry.objects.filter(
        deed=Deed.ASSESS, target=str(lite.pk), details__form=Assessment.Form.LITE.value
    )
    stated = Statement.objects.filter(assessment=lite).values_list("stated_by", flat=True)
    return {
        *noted.exclude(by=None).values_list("by", flat=True), *stated, lite.opened_by_id,
        *([lite.submitted_by_id] if lite.submitted_by_id else []),
    }  # fmt: skip


def refuse_own(row: Assessment, by: Account) -> None:
    """Raise `Forbidden` where a Technical form answers a Lite one that this person had a hand in."""
    if row.lite is not None and by.pk in hands_of(row.lite):
        raise Forbidden(
            "Nobody validates their own assessment.", advice="Ask another person of the nodal centre."
        )


@transaction.atomic
def _open(
    dataset: Dataset,
    version: str,
    lite: Assessment | None,
    evidence: Iterable[Evidence],
    by: Account,
    clock: Clock,
) -> Assessment:
    rubric, now = rubric_named(), clock.now()
    form = Assessment.Form.LITE if lite is None else Assessment.Form.TECHNICAL
    made = Assessment.objects.create(
        dataset=dataset, version=version, form=form, lite=lite, rubric=rubric.id, rubric_sha256=rubric.sha256,
        evidence=computed(evidence), evidence_at=now, opened_by=by, opened_at=now,
    )  # fmt: skip
    if lite is not None:
        Statement.objects.bulk_create(
            Statement(
                assessment=made, kind=one.kind, value=one.value, sha256=one.sha256, size=one.size, name=one.name,
                demonstration=one.demonstration, remark=one.remark, valid_until=one.valid_until,
                stated_by=one.stated_by, stated_at=one.stated_at,
            )
            for one in Statement.objects.filter(assessment=lite).select_related("stated_by")
        )  # fmt: skip
    enter(
        Deed.ASSESS, by=by, clock=clock, dataset=dataset.slug, version=version, target=str(made.pk), form=form,
        what="opened", rubric=rubric.id, rubric_sha256=rubric.sha256,
    )  # fmt: skip
    return made


def computed(evidence: Iterable[Evidence]) -> list[dict[str, object]]:
    """Return facts as they are kept: what MIDAS computed, and nothing that a person stated elsewhere."""
    return [one.to_dict() for one in evidence if one.ink is Ink.COMPUTED]
