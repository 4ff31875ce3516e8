"""What a form of an assessment says, in plain data and in the reader's words: for its page, its JSON and its PDF."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from midas.grading.look import Side
from midas.grading.models import Assessment, Statement
from midas.web.pages.datasets import title_of
from midas.web.pages.protocols import in_force, protocol_of

POINTS = ("points", "maximum", "cqi", "computed", "band", "prs", "prs_lite", "prs_technical", "matrix", "access", "groups",
          "overridden", "decided", "releasable", "stops")  # fmt: skip
"""What a grade says in points, and what follows from them: the centre sees it after the decision."""


def words_of(word: str) -> str:
    """Return a band, class, status, stop or what still identifies in the reader's words."""
    words = {
        "diamond": _("Diamond"), "platinum": _("Platinum"), "gold": _("Gold"), "silver": _("Silver"),
        "bronze": _("Bronze"), "remediation": _("Remediation"), "low": _("Low"), "moderate": _("Moderate"),
        "high": _("High"), "very-high": _("Very high"), "open": _("Open"), "controlled": _("Controlled"),
        "restricted": _("Restricted"), "draft": _("Draft"), "submitted": _("Submitted"),
        "revision_required": _("Revision required"), "approved": _("Approved"),
        "direct": _("direct identifiers"), "unique": _("unique combinations"), "coarse": _("coarse details"),
        "generalised": _("generalised details"), "aggregated": _("aggregated figures only"),
    }  # fmt: skip
    return words.get(word, word)


def stop_words(stop: str) -> str:
    """Return what stops a release in the reader's words."""
    words = {
        "no-ethics": _("No ethics approval or consent: nothing may leave until it is verified."),
        "remediation": _("The CQI is below 25: quality first."),
    }
    return words.get(stop, stop)


def last_day(side: Side, one: Statement) -> str:
    """Return until when a statement's document is in force, in the reader's words; nothing where it has no last day."""
    if one.valid_until is None:
        return ""
    said = _("ended on %(day)s") if one.kind in side.ended else _("until %(day)s")
    return said % {"day": one.valid_until.isoformat()}


def section_a(row: Assessment) -> dict[str, str]:
    """Return the basic information of a form (Section A of the Lite version)."""
    assessor = row.decided_by if row.form == Assessment.Form.TECHNICAL else row.submitted_by
    assessor = assessor or row.opened_by
    day = row.decided_at if row.form == Assessment.Form.TECHNICAL else row.submitted_at
    current = in_force(row.dataset)
    return {
        "form": row.form, "title": title_of(row.dataset.slug), "version": row.version,
        "custodian": protocol_of(current).contact if current else "", "date": (day or row.opened_at).date().isoformat(),
        "assessor": assessor.called,
        "affiliation": assessor.institution.name if assessor.institution else "",
    }  # fmt: skip


def exported(side: Side, *, points: bool) -> dict[str, Any]:
    """Return a form as plain data; without points, its levels and evidence alone."""
    row, grade = side.row, side.row.grade or side.grade.to_dict()
    return {
        "section_a": section_a(row), "dataset": row.dataset.slug, "version": row.version,
        "status": row.status, "remarks": row.remarks,
        "opened_at": row.opened_at.isoformat(), "evidence_at": row.evidence_at.isoformat(),
        "submitted_at": row.submitted_at.isoformat() if row.submitted_at else None,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None, "why": row.why,
        "statements": [
            {"kind": one.kind, "value": one.value, "document": one.name, "sha256": one.sha256, "remark": one.remark,
             "demonstration evidence": one.demonstration, "verdict": one.verdict, "verdict_remark": one.verdict_remark,
             "valid_until": one.valid_until.isoformat() if one.valid_until else None, "ended": one.kind in side.ended}
            for one in side.statements.values()
        ],
        "grade": grade if points else {name: value for name, value in grade.items() if name not in POINTS},
    }  # fmt: skip
