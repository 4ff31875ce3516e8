"""Pages of assessments: the list, both forms side by side with what would raise them, and the writing in them.

The centre (who may assess) fills the Lite form; the nodal centre (who may validate) answers with the Technical one. Before
the decision the centre sees its own levels and advice, neither points nor the other form.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.catalogue.models import Dataset
from midas.grading import (
    approve,
    bring,
    judge,
    look,
    open_lite,
    open_technical,
    rubric_named,
    send_back,
    state,
    submit,
)
from midas.grading.look import Side, Sides
from midas.grading.models import Assessment, Statement
from midas.grading.opening import hands_of, refuse_own
from midas.grading.rubric import Rubric
from midas.grading.stating import read_day, read_value, remark, unstate
from midas.kernel import BadInput, Ink, MidasError, SystemClock
from midas.people.models import Account
from midas.people.rule import Act
from midas.web.answers import blob
from midas.web.bootstrap import store
from midas.web.evidence import evidence_of
from midas.web.form_sheet import form_pdf
from midas.web.forms import exported, last_day, section_a, stop_words, words_of
from midas.web.guard import ANYWHERE, Place, needs
from midas.web.pages.datasets import title_of
from midas.web.pages.frame import account_of, page
from midas.web.standing import may, may_anywhere, visible

ADVICE_SHOWN = 6


def _assessment(number: int) -> Assessment:
    try:
        return look.assessment_numbered(number)
    except MidasError:
        raise Http404 from None


def grades_anywhere(request: HttpRequest) -> Place:
    """Ask for whichever act of grading this person may do somewhere."""
    account = account_of(request)
    assesses = account is not None and may_anywhere(account, Act.ASSESS)
    nodal = account is not None and may_anywhere(account, Act.VALIDATE)
    return (Act.VALIDATE if nodal and not assesses else Act.ASSESS), ANYWHERE


def _to_see(request: HttpRequest, number: int, **_rest: Any) -> Place:
    slug = _assessment(number).dataset.slug
    return (Act.VALIDATE if may(account_of(request), Act.VALIDATE, slug) else Act.ASSESS), slug


def _to_write(request: HttpRequest, number: int) -> Place:
    row = _assessment(number)
    nodal = row.form == Assessment.Form.TECHNICAL or request.POST.get("what") == "validate"
    return (Act.VALIDATE if nodal else Act.ASSESS), row.dataset.slug


@needs(Act.ASSESS, Act.VALIDATE, choose=grades_anywhere)
def assessments(request: HttpRequest) -> HttpResponse:
    """List the assessments; the nodal centre sees those that were submitted."""
    account = account_of(request)
    slugs = list(Dataset.objects.order_by("slug").values_list("slug", flat=True))
    assess, validate = (visible(account, act, slugs) for act in (Act.ASSESS, Act.VALIDATE))
    lines = [
        {"number": one.pk, "dataset": title_of(one.dataset.slug), "version": one.version, "status": one.status,
         "said": words_of(one.status), "opened_at": one.opened_at, "submitted_at": one.submitted_at}
        for one in look.assessments_of(sorted({*assess, *validate}))
        if one.dataset.slug in assess or one.submitted_at is not None
    ]  # fmt: skip
    context = {
        "history": _history(assess, validate), "assessments": lines, "rubric": rubric_named(),
        "choices": [{"slug": slug, "title": title_of(slug)} for slug in assess],
    }  # fmt: skip
    return page(request, "assessments", context, section="grading")


def _history(assess: Collection[str], validate: Collection[str]) -> list[dict[str, Any]]:
    """Return how the datasets were graded, round by round; a centre sees rounds of versions that were decided."""
    rounds = {
        one.pk: one for one in (*look.history(assess, decided_only=True), *look.history(validate))
    }  # fmt: skip
    return [
        {"number": one.lite_id, "dataset": title_of(one.dataset.slug), "version": one.version, "day": one.decided_at,
         "status": one.status, "said": words_of(one.status), "cqi": one.grade["cqi"], "computed": one.grade["computed"],
         "band": words_of(one.grade["band"]), "demonstration": one.grade["demonstration"], "why": one.why}
        for one in sorted(rounds.values(), key=lambda one: one.decided_at or one.opened_at)
        if one.grade
    ]  # fmt: skip


@needs(Act.ASSESS, dataset=ANYWHERE)
@require_POST
def assessment_open(request: HttpRequest) -> HttpResponse:
    slug, version = request.POST.get("dataset", ""), request.POST.get("version", "").strip()
    dataset, by = Dataset.objects.filter(slug=slug).first(), account_of(request)
    if dataset is None or by is None or not may(by, Act.ASSESS, slug):
        raise Http404
    clock = SystemClock()
    try:
        if not version or len(version) > 32:
            raise BadInput(_("Which version?"), advice=_("Name the version that is to be assessed."))
        facts = evidence_of(dataset=dataset, version=version, clock=clock)
        made = open_lite(dataset=dataset, version=version, evidence=facts, by=by, clock=clock)
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:assessments"))
    return HttpResponseRedirect(reverse("hub:assessment", args=[made.pk]))


def _seen(request: HttpRequest, number: int) -> tuple[Sides, bool]:
    """Return both forms as this person may see them, and whether they speak for the nodal centre here."""
    row, account = _assessment(number), account_of(request)
    lite = row.lite or row
    slug = lite.dataset.slug
    nodal = account is not None and may(account, Act.VALIDATE, slug) and account.pk not in hands_of(lite)
    if not may(account, Act.ASSESS, slug) and lite.submitted_at is None:
        raise Http404
    return look.sides(lite, nodal=nodal, clock=SystemClock()), nodal


@needs(Act.ASSESS, Act.VALIDATE, choose=_to_see)
def assessment(request: HttpRequest, number: int) -> HttpResponse:
    """Show both forms side by side; `?open=1` shows every domain, for printing."""
    sides, nodal = _seen(request, number)
    lite = sides.lite.row
    technical = sides.technical.row if sides.technical else None
    nodal_writes = nodal and technical is not None and technical.open
    centre = may(account_of(request), Act.ASSESS, lite.dataset.slug) and lite.open
    decided = technical is not None and not technical.open
    shown = sides.technical if nodal_writes or decided else sides.lite
    context = {
        "assessed": [section_a(one) for one in (lite, technical) if one],
        "lite": lite, "technical": technical, "title": title_of(lite.dataset.slug), "points": sides.points,
        "history": _versions(lite),
        "shows_technical": sides.technical is not None, "rubric": look.rubric_of(lite), "status": words_of(lite.status),
        "all_open": request.GET.get("open") == "1",
        "forms": [_figures(one) for one in (sides.lite, sides.technical) if one and sides.points],
        "domains": _domains(sides), "advice": _advice(shown or sides.lite, points=sides.points),
        "writes": "technical" if nodal_writes else "lite" if centre else "",
        "written": technical if nodal_writes else lite, "statements": _statements(shown or sides.lite),
        "advised": "technical" if shown is sides.technical and shown else "lite",
        "kinds": _kinds(look.rubric_of(lite)), "may_validate": nodal and lite.status == "submitted" and not nodal_writes,
        "cell": [{"value": one.value, "said": words_of(one)} for one in (shown or sides.lite).grade.cell],
        "demonstration": any(one.grade.demonstration for one in (sides.lite, sides.technical) if one),
    }  # fmt: skip
    return page(request, "assessment", context, section="grading")


def _versions(lite: Assessment) -> list[dict[str, Any]]:
    """Return the versions of the dataset that were submitted or decided, the latest first, with the grades that stand."""
    grades = look.approved_of(lite.dataset)
    rows = [one for one in look.assessments_of([lite.dataset.slug]) if one.submitted_at or one.pk == lite.pk]
    if len(rows) < 2:
        return []
    return [
        {"number": one.pk, "version": one.version, "here": one.pk == lite.pk, "said": words_of(one.status),
         "at": one.decided_at or one.submitted_at or one.opened_at, **_stands(grades.get(one.pk))}
        for one in rows
    ]  # fmt: skip


def _stands(grade: dict[str, Any] | None) -> dict[str, Any]:
    if grade is None:
        return {"cqi": None}
    access = words_of(grade["access"]) if grade["access"] else _("not releasable")
    return {
        "cqi": grade["cqi"],
        "band": words_of(grade["band"]),
        "prs": grade["prs"]["score"],
        "access": access,
    }


def _figures(side: Side) -> dict[str, Any]:
    grade = side.grade
    return {
        "form": grade.form, "cqi": grade.cqi, "computed": grade.computed, "points": grade.points, "maximum": grade.maximum,
        "band": words_of(grade.band), "prs": grade.prs.score, "prs_band": words_of(grade.prs.band),
        "prs_missing": grade.prs.missing, "access": words_of(grade.access) if grade.access else "",
        "stops": [stop_words(one) for one in grade.stops], "demonstration": grade.demonstration,
    }  # fmt: skip


def _domains(sides: Sides) -> list[dict[str, Any]]:
    remarks = [one.row.remarks for one in (sides.lite, sides.technical) if one]
    return [
        {
            "number": one.number, "name": one.name, "lite": one, "technical": other,
            "remarks": [said[key] for said in remarks if (key := str(one.number)) in said],
        }
        for one, other in sides.pairs()
    ]  # fmt: skip


def _advice(side: Side, *, points: bool) -> dict[str, Any]:
    advice = side.advice
    steps = [
        {"domain": one.domain, "name": one.name, "level": one.level, "to": one.to, "needs": one.needs,
         "cqi": one.cqi if points else None, "lifts": bool(one.lifts)}
        for one in advice.steps[:ADVICE_SHOWN]
    ]  # fmt: skip
    plan = {"band": words_of(advice.next_band), "statements": advice.statements, "domains": len(advice.plan)}
    return {"steps": steps, "plan": plan if points and advice.next_band else None}


def _statements(side: Side) -> list[dict[str, Any]]:
    kinds = look.rubric_of(side.row).kinds
    return [
        {"row": one, "says": kinds[kind].says, "last_day": last_day(side, one), "ended": kind in side.ended}
        for kind, one in sorted(side.statements.items())
    ]


def _kinds(rubric: Rubric) -> list[dict[str, str]]:
    """Return what persons may state, in the rubric's order."""
    return [
        {"kind": name, "says": one.says, "document": one.document, "unit": one.unit}
        for name, one in rubric.kinds.items()
        if one.hears(Ink.ATTESTED)
    ]


@needs(Act.ASSESS, Act.VALIDATE, choose=_to_write)
@require_POST
def assessment_write(request: HttpRequest, number: int) -> HttpResponse:
    """Do one thing to an open form: what `what` names."""
    row, by = _assessment(number), account_of(request)
    if by is None:
        raise Http404
    try:
        messages.success(request, _written(request, row, by))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:assessment", args=[row.lite_id or row.pk]))


def _written(request: HttpRequest, row: Assessment, by: Account) -> str:
    clock, told = SystemClock(), request.POST
    refuse_own(row, by)
    match told.get("what"):
        case "state":
            return _stated(request, row, by)
        case "unstate":
            unstate(assessment=row, kind=told.get("kind", ""), by=by, clock=clock)
            return _("The statement was taken back.")
        case "judge":
            judge(
                assessment=row,
                kind=told.get("kind", ""),
                verdict=told.get("verdict", ""),
                words=told.get("words", ""),
                by=by,
            )
            return _("The verdict was kept.")
        case "remark":
            domain = told.get("domain", "")[:4]
            remark(
                assessment=row, domain=int(domain) if domain.isdecimal() else 0, words=told.get("words", "")
            )
            return _("The remark was kept.")
        case "bring":
            facts = evidence_of(dataset=row.dataset, version=row.version, clock=clock)
            bring(assessment=row, evidence=facts, clock=clock)
            return _("Computed facts are up to date.")
        case "submit":
            submit(assessment=row, by=by, clock=clock)
            return _("Submitted. The form is read-only until the nodal centre answers.")
        case "validate":
            facts = evidence_of(dataset=row.dataset, version=row.version, clock=clock)
            open_technical(lite=row, evidence=facts, by=by, clock=clock)
            return _("The Technical form is open.")
        case "send-back":
            send_back(assessment=row, by=by, why=told.get("why", ""), clock=clock)
            return _("Sent back to the centre with your reason.")
        case "approve":
            approve(
                assessment=row, by=by, why=told.get("why", ""), access=told.get("access", ""), clock=clock
            )
            return _("Approved. Both forms are final.")
    raise BadInput(_("Nothing was asked for."), advice=_("Use the buttons of the page."))


def _stated(request: HttpRequest, row: Assessment, by: Account) -> str:
    file, kind = request.FILES.get("document"), request.POST.get("kind", "")
    if file is None:
        raise BadInput(_("A statement needs its document."), advice=_("Attach the paper that shows it."))
    known = look.rubric_of(row).kinds.get(kind)
    value = read_value(_answer(request.POST.get("value", "").strip()), known.unit if known else "")
    state(
        assessment=row, kind=kind, value=value, document=file.read(), name=file.name or "", store=store(), by=by,
        clock=SystemClock(), demonstration=request.POST.get("demonstration") == "yes", remark=request.POST.get("remark", ""),
        valid_until=read_day(request.POST.get("valid_until", "").strip()),
    )  # fmt: skip
    return _("The statement was kept with its document.")


def _answer(text: str) -> str:
    """Return yes and no as `read_value` knows them, whichever language of the page they were written in."""
    return {_("yes"): "yes", _("no"): "no"}.get(text.lower(), text)


@needs(Act.ASSESS, Act.VALIDATE, choose=_to_see)
def assessment_document(request: HttpRequest, number: int, kind: str) -> HttpResponseBase:
    """Give the document of a statement, to be saved."""
    sides, _nodal = _seen(request, number)
    rows = [one.row.pk for one in (sides.lite, sides.technical) if one]
    found = Statement.objects.filter(assessment=number, kind=kind).first() if number in rows else None
    if found is None:
        raise Http404
    name = f"DEMONSTRATION-{found.name}" if found.demonstration else found.name
    return blob(request, store=store(), sha256=found.sha256, size=found.size, name=name)


@needs(Act.ASSESS, Act.VALIDATE, choose=_to_see)
def assessment_json(request: HttpRequest, number: int) -> HttpResponse:
    """Give both forms as JSON, with as much as this person may see."""
    sides, _nodal = _seen(request, number)
    forms = {one.row.form: exported(one, points=sides.points) for one in (sides.lite, sides.technical) if one}
    answer = JsonResponse({"format": "midas-assessment/1", "forms": forms}, json_dumps_params={"indent": 2})
    name = f"{sides.lite.row.dataset.slug}-{sides.lite.row.version}-assessment.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@needs(Act.ASSESS, Act.VALIDATE, choose=_to_see)
def assessment_pdf(request: HttpRequest, number: int, form: str) -> HttpResponse:
    """Give one form as PDF, with as much as this person may see."""
    sides, _nodal = _seen(request, number)
    shown = sides.lite if form == Assessment.Form.LITE else sides.technical
    if shown is None or form not in Assessment.Form.values:
        raise Http404
    try:
        made = form_pdf(shown, points=sides.points)
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:assessment", args=[number]))
    name = f"{sides.lite.row.dataset.slug}-{sides.lite.row.version}-{form}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(made, content_type="application/pdf", headers=headers)
