"""What stands in assessments: their facts, their grades, both forms side by side. Nothing is written here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from midas.catalogue.models import Dataset
from midas.grading.advising import Advice, raise_this
from midas.grading.grades import Decision, DomainGrade, Grade
from midas.grading.judging import grade
from midas.grading.models import Assessment, Statement
from midas.grading.rubric import Access, Form, Rubric, rubric_named
from midas.kernel import BrokenPromise, Clock, Evidence, Ink, NotFound

WITH = ("dataset", "opened_by", "submitted_by", "decided_by", "lite")


def assessment_numbered(number: int) -> Assessment:
    """Return an assessment; `NotFound` without it."""
    found = Assessment.objects.select_related(*WITH).filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no assessment {number}.", advice="See the list of assessments.")
    return found


def assessments_of(datasets: list[str]) -> list[Assessment]:
    """Return the Lite forms of datasets, the latest first."""
    found = Assessment.objects.select_related(*WITH).filter(dataset__slug__in=datasets, form="lite")
    return list(found.order_by("-opened_at"))


def lite_of(dataset: str, version: str) -> Assessment | None:
    """Return the Lite form of a version."""
    found = Assessment.objects.select_related(*WITH).filter(
        dataset__slug=dataset, version=version, form="lite"
    )
    return found.first()


def history(datasets: Collection[str], *, decided_only: bool = False) -> list[Assessment]:
    """Return the nodal centre's decided forms, the oldest first; with `decided_only` those of approved versions."""
    found = Assessment.objects.select_related(*WITH).filter(
        dataset__slug__in=datasets, form="technical", decided_at__isnull=False
    )
    if decided_only:
        found = found.filter(lite__status="approved")
    return list(found.order_by("decided_at"))


def technical_of(lite: Assessment) -> Assessment | None:
    """Return the nodal centre's latest form on a Lite one."""
    return Assessment.objects.select_related(*WITH).filter(lite=lite).order_by("-opened_at").first()


def approved(dataset: str, version: str) -> Assessment | None:
    """Return the approved Technical form of a version: its `grade` is what a release may state."""
    found = Assessment.objects.select_related(*WITH).filter(
        dataset__slug=dataset, version=version, form="technical", status="approved"
    )
    return found.order_by("-decided_at").first()


def approved_of(dataset: Dataset) -> dict[int, dict[str, Any]]:
    """Return the approved grades of a dataset's versions, by the number of the Lite form that each answers."""
    rows = Assessment.objects.filter(dataset=dataset, form="technical", status="approved").order_by(
        "decided_at"
    )
    return {
        lite: grade
        for lite, grade in rows.values_list("lite", "grade")
        if lite is not None and grade is not None
    }


def rubric_of(row: Assessment) -> Rubric:
    """Return the rubric that a form was opened with; `BrokenPromise` where the file is another by now."""
    rubric = rubric_named(row.rubric)
    if rubric.sha256 != row.rubric_sha256:
        raise BrokenPromise(
            f"The rubric {row.rubric} is not the file that this assessment was opened with.",
            advice="A changed rubric gets a new id; bring the old file back.",
        )
    return rubric


def day_of(row: Assessment, clock: Clock) -> date:
    """Return the day (UTC) on which a form is judged: of its decision or else its submission; today while it is open."""
    closed = None if row.open else row.decided_at or row.submitted_at
    return (closed or clock.now()).date()


def facts_of(row: Assessment, *, day: date) -> list[Evidence]:
    """Return the facts of a form on a day: what was computed, and what was stated with a document in force on it.

    In the Technical form only what is accepted.
    """
    stated = Statement.objects.filter(assessment=row)
    if row.form == Assessment.Form.TECHNICAL:
        stated = stated.filter(verdict=Statement.Verdict.OKAY)
    about = f"{row.dataset.slug}@{row.version}"
    return [Evidence.from_dict(one) for one in row.evidence] + [
        Evidence(
            kind=one.kind, value=one.value, about=about, source=f"sha256:{one.sha256}", ink=Ink.ATTESTED,
            demonstration=one.demonstration,
        )
        for one in stated
        if not one.ended(day)
    ]  # fmt: skip


def grade_of(row: Assessment, *, clock: Clock) -> Grade:
    """Judge a form as it stands, on its day."""
    decided = None
    if row.access and row.decided_by is not None:
        decided = Decision(Access(row.access), row.decided_by.username, row.why)
    form: Form = "lite" if row.form == Assessment.Form.LITE else "technical"
    facts = facts_of(row, day=day_of(row, clock))
    return grade(rubric_of(row), facts, form=form, decided=decided)


@dataclass(frozen=True)
class Side:
    """One form with its grade and advice. `ended` are the kinds whose document was in force no more on the form's day."""

    row: Assessment
    grade: Grade
    advice: Advice
    statements: dict[str, Statement]
    ended: frozenset[str]


@dataclass(frozen=True)
class Sides:
    """Both forms of a version. `points`: whether who looks may see scores; the centre may after the decision."""

    lite: Side
    technical: Side | None
    points: bool

    def pairs(self) -> list[tuple[DomainGrade, DomainGrade | None]]:
        """Return each domain of the Lite form beside that of the Technical one."""
        other = self.technical
        return [(one, other.grade.domain(one.number) if other else None) for one in self.lite.grade.domains]


def side(row: Assessment, *, clock: Clock) -> Side:
    made, day = grade_of(row, clock=clock), day_of(row, clock)
    stated = {one.kind: one for one in Statement.objects.filter(assessment=row).select_related("stated_by")}
    ended = frozenset(kind for kind, one in stated.items() if one.ended(day))
    return Side(row, made, raise_this(rubric_of(row), made), stated, ended)


def sides(lite: Assessment, *, nodal: bool, clock: Clock) -> Sides:
    """Return both forms, as the nodal centre or as the centre may see them.

    Before the decision the centre sees its own levels and advice: neither points nor the other form.
    """
    technical = technical_of(lite)
    shown = technical if technical is not None and (nodal or lite.decided) else None
    other = side(shown, clock=clock) if shown else None
    return Sides(side(lite, clock=clock), other, nodal or lite.decided)
