"""A form of an assessment as PDF, on the server and without a browser: the same form gives the same bytes.

In comes one side of an assessment as somebody may see it; out come sheets with every domain, level, statement, fact,
remark and document. The days on them are the form's own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.platypus import Flowable, KeepTogether

from midas.grading.grades import DomainGrade, Judged, Standing
from midas.grading.look import Side, rubric_of, side, technical_of
from midas.grading.models import Assessment
from midas.grading.rubric import FORMS
from midas.kernel import BadInput, Clock, Evidence, NotFound
from midas.ui.phrases import language, phrase
from midas.ui.sheet import Around, Mark, Steps, figures, gap, heading, notice, pdf, table, text
from midas.ui.templatetags.midas import fact, measured
from midas.ui.words import day as written
from midas.ui.words import short_key
from midas.web.forms import last_day, section_a, stop_words, words_of

LEVELS = 4


def form_pdf(side: Side, *, points: bool) -> bytes:
    """Return a form as PDF; without `points` as its centre sees it before the decision: levels and evidence alone."""
    row = side.row
    title = form_title(row)
    content = [
        text(title, size=17, bold=True, after=2), *_warnings(side), *_section_a(row),
        *(_figures(side) if points else [notice(_("Points come with the decision of the nodal centre."))]),
        *_overview(side, points=points), *_legend(),
    ]  # fmt: skip
    for one in side.grade.domains:
        content += _domain(one, row.remarks.get(str(one.number), ""), points=points)
    content += _documents(side)
    rubric = rubric_of(row)
    around = Around(
        title=f"MIDAS · {title}", language=language(),
        foot=_("Rubric %(id)s, SHA-256 %(key)s: a draft for expert validation, no certificate")
        % {"id": rubric.id, "key": short_key(rubric.sha256)},
        page=lambda number, of: _("page %(number)s of %(of)s") % {"number": number, "of": of},
    )  # fmt: skip
    return pdf(content, around=around)


def form_named(dataset: str, version: str, form: str, *, clock: Clock) -> Side:
    """Return the Lite or the latest Technical form of a version; `NotFound` where nobody opened it."""
    if form not in FORMS:
        raise BadInput(f"There is no form '{form}'.", advice="Say lite or technical.")
    lite = Assessment.objects.filter(dataset__slug=dataset, version=version, form="lite").first()
    found = lite if form == "lite" or lite is None else technical_of(lite)
    if found is None:
        raise NotFound(f"{dataset} {version} has no {form} form.", advice="See Grading at the hub's site.")
    return side(found, clock=clock)


def spoken(language: str) -> AbstractContextManager[None]:
    """Return what makes words come in a language of the site; `BadInput` for another."""
    if language not in dict(settings.LANGUAGES):
        raise BadInput(
            f"Nothing speaks '{language}' here.", advice=f"Choose {', '.join(dict(settings.LANGUAGES))}."
        )
    return override(language)


def form_title(row: Assessment) -> str:
    name = _("Lite self-assessment") if row.form == Assessment.Form.LITE else _("Technical validation")
    return f"{name}: {section_a(row)['title']} {row.version}"


def _warnings(side: Side) -> list[Flowable]:
    told: list[Flowable] = [
        notice(
            _("The rubric is a draft for expert validation. This is not a certificate of ICMR or of anybody.")
        )
    ]
    if language() != "en":
        told.append(text(_("The rubric is a translation: its English text is authoritative."), soft=True))
    if side.grade.demonstration or any(one.demonstration for one in side.statements.values()):
        told.append(
            notice(
                _(
                    "Demonstration evidence: papers marked so stand in for real ones. This grade is for showing only."
                )
            )
        )
    return told


def _section_a(row: Assessment) -> list[Flowable]:
    told = section_a(row)
    days = [
        (_("Opened"), row.opened_at), (_("Facts as of"), row.evidence_at), (_("Submitted"), row.submitted_at),
        (_("Decided"), row.decided_at),
    ]  # fmt: skip
    rows = [
        (_("Dataset"), told["title"]), (_("Version"), row.version), (_("Custodian"), told["custodian"] or "–"),
        (_("Assessor"), ", ".join(filter(None, (told["assessor"], told["affiliation"])))),
        (_("Status"), words_of(row.status)), *((name, written(day)) for name, day in days if day),
        *([(_("Reason"), row.why)] if row.why else []),
    ]  # fmt: skip
    return [*heading(_("Section A: basic information")), table(rows, widths=(1, 3), head=False)]


def _figures(side: Side) -> list[Flowable]:
    grade = side.grade
    sums = _("%(points)s of %(maximum)s points") % {"points": grade.points, "maximum": grade.maximum}
    unknown = (
        " · " + _("Not known, so taken as the highest:") + " " + ", ".join(grade.prs.missing)
        if grade.prs.missing
        else ""
    )
    kinds = rubric_of(side.row).kinds
    method = phrase(kinds[grade.prs.method].says) if grade.prs.method in kinds else words_of(grade.prs.method)
    access = words_of(grade.access.value) if grade.access else _("not releasable")
    matrix = " / ".join(words_of(one.value) for one in grade.cell) or "–"
    boxes = figures((
        (_("Quality index (CQI)"), f"{grade.cqi:.2f}", f"{words_of(grade.band)} · {sums}"),
        (_("Of it computed"), f"{grade.computed:.2f}", _("rests on computed facts alone")),
        (_("Privacy risk (PRS)"), str(grade.prs.score), words_of(grade.prs.band)),
    ))  # fmt: skip
    rows = [
        (_("Access class"), access), (_("Matrix"), matrix), (_("Method of the PRS"), f"{method}{unknown}"),
        *([(_("Chosen by"), f"{grade.decided.by}: {grade.decided.why}")] if grade.decided else []),
    ]  # fmt: skip
    stops = [notice(f"{_('Stops any release:')} {stop_words(one)}", bad=True) for one in grade.stops]
    return [*heading(_("Result")), boxes, gap(), table(rows, widths=(1, 3), head=False), gap(), *stops]


def _overview(side: Side, *, points: bool) -> list[Flowable]:
    head = [_("No."), _("Domain"), _("Level"), ""] + ([_("Computed")] if points else [])
    rows: list[list[str | Flowable]] = [list(head)]
    for one in side.grade.domains:
        level: list[str | Flowable] = (
            [Steps(one.level), str(one.level)] if one.applies else ["–", _("does not apply")]
        )
        rows.append(
            [
                str(one.number),
                phrase(one.name),
                *level,
                *([str(one.computed) if one.applies else "–"] if points else []),
            ]
        )
    return [*heading(_("Domains")), table(rows, widths=(0.5, 5, 1.2, 1.3, 1)[: len(head)])]


def _legend() -> list[Flowable]:
    said = (
        ("full", _("computed: MIDAS worked it out")), ("sheet", _("attested: a person states it with a document")),
        ("dashed", _("missing: nobody measured or stated it")), ("cross", _("not true")),
    )  # fmt: skip
    rows = [[Mark(sort), words] for sort, words in said]
    return [
        gap(),
        KeepTogether(
            [text(_("How a statement is known"), bold=True), table(rows, widths=(0.3, 9), head=False)]
        ),
    ]


def _known(one: Judged) -> tuple[str, str]:
    if one.standing is Standing.MISSING:
        return "dashed", _("missing")
    if not one.holds:
        return "cross", _("not true")
    return ("sheet", _("attested")) if one.standing is Standing.ATTESTED else ("full", _("computed"))


def _domain(one: DomainGrade, remark: str, *, points: bool) -> list[Flowable]:
    title = f"{one.number} · {phrase(one.name)}"
    if not one.applies:
        return [*heading(title), text(_("does not apply"), soft=True)]
    level = _("Level %(level)s of %(of)s") % {"level": one.level, "of": LEVELS}
    if points:
        level += " · " + _("%(n)s rest on computed facts alone") % {"n": one.computed}
    rows: list[list[str | Flowable]] = [[_("Level"), "", _("Statement and evidence"), _("How it is known")]]
    for number, step in enumerate(one.steps, start=1):
        for judged in step:
            sort, words = _known(judged)
            says = _lines(phrase(judged.says), *map(_evidence, judged.evidence))
            rows.append([str(number), Mark(sort), says, words])
    content: list[Flowable] = [
        *heading(title),
        text(level, soft=True),
        table(rows, widths=(0.7, 0.4, 7, 1.5)),
    ]
    if remark:
        content.append(text(f"{_('Remark')}: {remark}", after=4))
    return content


def _lines(first: str, *more: str) -> list[Flowable]:
    """Set a cell's first line large and the others small; breaks inside of one are spaces, empty ones are left out."""
    return [text(first, size=8.5, after=1), *(text(one, size=7.5, soft=True, after=0) for one in more if one)]


def _evidence(one: Evidence) -> str:
    marked = f" · {_('demonstration evidence')}" if one.demonstration else ""
    return f"{one.kind}: {measured(one)} · {one.source}{marked}"


def _documents(side: Side) -> list[Flowable]:
    if not side.statements:
        return [*heading(_("Documents")), text(_("Nothing was stated."), soft=True)]
    kinds = rubric_of(side.row).kinds
    verdicts = {"okay": _("accepted"), "needs_revision": _("needs revision"), "": "–"}
    rows: list[list[object]] = [[_("Statement"), _("Document"), _("Verdict")]]
    for kind, one in sorted(side.statements.items()):
        marked = [last_day(side, one), *([_("demonstration evidence")] if one.demonstration else [])]
        rows.append([
            _lines(phrase(kinds[kind].says), f"{kind}: {fact(one.value)}", one.remark),
            _lines(one.name, f"SHA-256 {one.sha256}", *marked),
            _lines(verdicts[one.verdict], one.verdict_remark),
        ])  # fmt: skip
    return [*heading(_("Documents")), table(rows, widths=(4, 5, 2))]
