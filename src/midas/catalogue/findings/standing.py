"""What stands: the findings that no later run superseded, what was decided of each, and what a draft leaves out for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from midas.catalogue.models import Correction, Dataset, QualityDecision, QualityFinding
from midas.kernel import Finding, Severity

OPEN = "open"
"""The state of a finding of which nothing was decided, or whose decision was taken back."""
STATES = {
    OPEN: ("", "reopen"), "accepted": ("accept",), "asked": ("ask",), "excluded": ("exclude",), "corrected": ("correct",),
}  # fmt: skip
"""State → the verdicts that lead to it."""
Verdict = QualityDecision.Verdict


def standing() -> QuerySet[Any]:
    """Return the findings of today, each with its `verdict`: the last that a curator gave, or ""."""
    last = QualityDecision.objects.filter(mark=OuterRef("mark")).order_by("-pk").values("verdict")[:1]
    return QualityFinding.objects.filter(superseded=None).annotate(
        verdict=Coalesce(Subquery(last), Value(""))
    )


def state_of(verdict: str) -> str:
    return next(state for state, verdicts in STATES.items() if verdict in verdicts)


def decided(dataset: Dataset) -> list[int]:
    """Return the decisions that a draft made now follows: exclusions that stand, and every series' last corrections."""
    mine = QualityDecision.objects.filter(finding__dataset=dataset)
    last = mine.values("mark").annotate(last=Max("pk")).order_by().values("last")
    excluded = QualityDecision.objects.filter(pk__in=last, verdict=Verdict.EXCLUDE)
    corrected = Correction.objects.filter(decision__finding__dataset=dataset)
    return sorted({*excluded.values_list("pk", flat=True), *corrected.values_list("decision", flat=True)})


def decided_since(dataset: Dataset, judged: Collection[int]) -> tuple[Since, ...]:
    """Return the exclusions and corrections that stand and that a draft, which froze `judged`, does not follow."""
    new = QualityDecision.objects.filter(pk__in=set(decided(dataset)) - set(judged)).order_by("pk")
    told = ("finding__rule", "finding__subject__pseudonym", "finding__series__uid", "covers")
    return tuple(
        Since(rule, person or "", "" if covers == QualityDecision.Covers.SUBJECT else series or "")
        for rule, person, series, covers in new.values_list(*told)
    )


def undecided(dataset: Dataset, *, severity: Severity = Severity.ERROR) -> tuple[Finding, ...]:
    """Return the open findings of today of one severity, less those of what is excluded: what a release must not rest on.

    `scope` is pseudonym and series UID, as in the paths of a release;
    of a row the pseudonym, of a hospital's table its spoke.
    """
    left = left_by(decided(dataset))
    rows = standing().filter(
        dataset=dataset, verdict__in=STATES[OPEN], weight=QualityFinding.Weight[severity.name]
    )
    rows = rows.exclude(series__in=list(left.series)).exclude(subject__in=list(left.subjects))
    told = ("rule", "subject__pseudonym", "series__uid", "submission__spoke", "message", "advice", "cites")
    return tuple(
        Finding(
            rule,
            severity,
            "/".join(filter(None, (person or spoke, series))),
            message,
            advice,
            cites,
            "midas.quality",
        )
        for rule, person, series, spoke, message, advice, cites in rows.order_by(
            *told[1:3], "pk"
        ).values_list(*told)
    )


@dataclass(frozen=True)
class Since:
    """That a curator excluded or corrected a series, or without one a whole person, for what a rule found."""

    rule: str
    subject: str
    series: str = ""


@dataclass(frozen=True)
class Left:
    """What decisions do to a draft: subjects and series (by key) left out and why, and corrected facts by series."""

    subjects: Mapping[int, str] = field(default_factory=dict)
    series: Mapping[int, str] = field(default_factory=dict)
    facts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def left_by(decisions: Sequence[int]) -> Left:
    """Return what these decisions leave out and correct. The reason names the rule: what was typed stays here."""
    subjects: dict[int, str] = {}
    series: dict[int, str] = {}
    facts: dict[int, dict[str, Any]] = {}
    given = QualityDecision.objects.filter(pk__in=decisions).order_by("pk")
    for one in given.filter(verdict=Verdict.EXCLUDE).select_related("finding"):
        why = f"excluded: {one.finding.rule}"
        subject, place = one.finding.subject_id, one.finding.series_id
        if one.covers == QualityDecision.Covers.SUBJECT and subject is not None:
            subjects.setdefault(subject, why)
        elif place is not None:
            series.setdefault(place, why)
    for made in Correction.objects.filter(decision__in=given).order_by("revision"):
        facts.setdefault(made.series_id, {})[made.keyword] = made.after
    return Left(subjects, series, facts)
