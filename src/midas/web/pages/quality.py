"""Curators' pages of quality: what the checks found, the queue with its gallery, one finding, and what was decided of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from midas.catalogue import findings
from midas.catalogue.findings.deciding import CORRECTABLE, as_it_came
from midas.catalogue.findings.standing import OPEN, standing, state_of
from midas.catalogue.models import (
    CheckRun,
    Correction,
    Dataset,
    DicomIndex,
    Instance,
    QualityAnswer,
    QualityDecision,
    QualityFinding,
)
from midas.kernel import MidasError, SystemClock
from midas.people.rule import Act
from midas.ui.charts import Part
from midas.ui.words import count
from midas.web.guard import ANYWHERE, needs
from midas.web.pages import quality_look as look
from midas.web.pages.datasets import title_of
from midas.web.pages.frame import account_of, page
from midas.web.pages.quality_look import Choice
from midas.web.pages.viewer import viewer_url
from midas.web.standing import may, visible

MOST_AT_ONCE = 200
WORST_SHOWN, RUNS_SHOWN = 12, 10


def _mine(request: HttpRequest, act: Act = Act.READ_DATASET) -> list[str]:
    return visible(
        account_of(request), act, list(Dataset.objects.order_by("slug").values_list("slug", flat=True))
    )


def states() -> dict[str, str]:
    """Name the states of a finding in the reader's words."""
    return {
        OPEN: _("Open"), "accepted": _("Accepted"), "asked": _("Asked the hospital"), "excluded": _("Excluded"),
        "corrected": _("Corrected"),
    }  # fmt: skip


def _filters(choice: Choice, mine: list[str], counted: list[look.Group]) -> dict[str, Any]:
    """Return what the forms offer: only what there is."""
    names = look.sites()
    rules = sorted({one.rule for one in counted}, key=look.title_of)
    return {
        "choice": choice, "datasets": [(slug, title_of(slug)) for slug in mine],
        "sites": sorted({(one.site, names.get(one.site, one.site)) for one in counted}),
        "rules": [(rule, look.title_of(rule)) for rule in rules],
        "severities": [("error", _("error")), ("warning", _("warning")), ("info", _("note"))],
        "states": [*states().items(), ("all", _("All"))],
    }  # fmt: skip


# -- the dashboard ---------------------------------------------------------------------------------------------


@needs(Act.READ_DATASET, dataset=ANYWHERE)
def quality(request: HttpRequest) -> HttpResponse:
    mine, choice = _mine(request), Choice.of(request.GET)
    chosen = [one for one in mine if choice.dataset in ("", one)]
    counted = look.groups(choice, mine)
    names, titles = look.sites(), {slug: title_of(slug) for slug in mine}
    tally = {
        name: sum(one.number for one in counted if one.state == OPEN and one.weight == weight)
        for name, weight in look.WEIGHTS.items()
    }
    runs = CheckRun.objects.filter(dataset__slug__in=chosen).select_related("dataset", "submission")
    context = {
        **_filters(choice, mine, look.groups(Choice(), mine)), "open": tally, "rules_counted": look.by_rule(counted),
        "decided": sum(one.number for one in counted if one.state != OPEN),
        "by_site": look.parts(counted, lambda one: one.site, names),
        "by_dataset": look.parts(counted, lambda one: one.dataset, titles),
        "by_state": _by_state(counted), "trend": look.trend(counted),
        "worst": look.page_of(choice, mine, number=WORST_SHOWN).cards, "left_out": look.left_out(chosen),
        "runs": runs.order_by("-finished_at", "-pk")[:RUNS_SHOWN],
        "answered": look.answered(chosen), "waiting": findings.unchecked().filter(dataset__slug__in=chosen).count(),
    }  # fmt: skip
    return page(request, "quality", context, section="curation")


def _by_state(counted: list[look.Group]) -> list[Part]:
    return [
        Part(title, sum(one.number for one in counted if one.state == state))
        for state, title in states().items()
    ]


# -- the queue -------------------------------------------------------------------------------------------------


@needs(Act.READ_DATASET, dataset=ANYWHERE)
def queue(request: HttpRequest) -> HttpResponse:
    """List findings to be decided, as a gallery or a table; a further page goes on from the last one's key."""
    seen, mine, choice = findings.last_decision(), _mine(request), Choice.of(request.GET)
    shown, counted = look.page_of(choice, mine), look.groups(Choice(dataset=choice.dataset), mine)
    context = {
        **_filters(choice, mine, counted), "cards": shown.cards,
        "after": shown.after, "number": sum(one.number for one in counted if choice.holds(one)), "state_names": states(),
        "may_decide": bool(_mine(request, Act.JUDGE_QUALITY)), "query": request.GET.urlencode(), "seen": seen,
    }  # fmt: skip
    return page(request, "quality_queue", context, section="curation")


@needs(Act.JUDGE_QUALITY, dataset=ANYWHERE)
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Decide the same of all chosen findings, for one reason; go back to where it was decided."""
    told = {one_number(one) for one in request.POST.getlist("finding")[: MOST_AT_ONCE + 1]}
    wanted = {one for one in told if one is not None}
    if len(told) > MOST_AT_ONCE:
        messages.error(request, _("These are too many at once; nothing was decided. Choose fewer."))
        return HttpResponseRedirect(_back(request))
    chosen = list(QualityFinding.objects.filter(pk__in=wanted).select_related("dataset").order_by("pk"))
    account = account_of(request)
    if account is None or any(not may(account, Act.JUDGE_QUALITY, one.dataset.slug) for one in chosen):
        raise Http404
    try:
        made = findings.decide(
            findings=chosen, verdict=request.POST.get("verdict", ""), why=request.POST.get("why", ""), by=account,
            clock=SystemClock(), covers=request.POST.get("covers", "series"),
            seen=one_number(request.POST.get("seen", "")),
        )  # fmt: skip
    except MidasError as error:
        messages.error(request, str(error))
    else:
        _told(request, made)
    return HttpResponseRedirect(_back(request))


def one_number(text: str) -> int | None:
    """Read the number of a row; `None` for anything else, and for what no row can have."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _told(request: HttpRequest, made: list[QualityDecision]) -> None:
    if not made:
        messages.error(request, _("Nothing was chosen. Choose findings, then decide."))
        return
    number = len(made)
    said = ngettext("%(n)s finding decided.", "%(n)s findings decided.", number)
    messages.success(request, said % {"n": count(number)})


def _back(request: HttpRequest) -> str:
    """Return the queue as it was filtered, or the finding's own page."""
    number = one_number(request.POST.get("finding", ""))
    if request.POST.get("from") == "finding" and number is not None:
        return reverse("hub:quality-finding", args=[number])
    kept = {name: value for name, value in vars(Choice.of(_query(request))).items() if value}
    return f"{reverse('hub:quality-queue')}?{urlencode(kept)}"


def _query(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in QueryDict(request.POST.get("choice", "")).items()}


# -- one finding -----------------------------------------------------------------------------------------------


def _found(request: HttpRequest, number: int, act: Act) -> QualityFinding:
    related = (
        "dataset", "submission", "subject", "series__study", "instance", "record", "run__protocol", "superseded",
        "other__series__study__subject",
    )  # fmt: skip
    one = QualityFinding.objects.filter(pk=number).select_related(*related).first()
    if one is None or not may(account_of(request), act, one.dataset.slug):
        raise Http404
    return one


@needs(Act.READ_DATASET, dataset=ANYWHERE)
def finding(request: HttpRequest, number: int) -> HttpResponse:
    seen, one = findings.last_decision(), _found(request, number, Act.READ_DATASET)
    history = list(QualityDecision.objects.filter(mark=one.mark).select_related("by").order_by("-pk"))
    made = {row.decision_id: row for row in Correction.objects.filter(decision__in=history)}
    answers = {row.decision_id: row for row in QualityAnswer.objects.filter(decision__in=history)}
    state = state_of(history[0].verdict if history else "")
    beside = standing().filter(**_beside(one)).exclude(pk=one.pk).order_by("weight", "pk")[:20]
    context = {
        "one": one, "seen": seen, "title": look.title_of(one.rule), "state": state, "state_name": states()[state],
        "measured": look.measured(one), "limits": look.limits(one), "picture": _picture(one),
        "small": look.pictures_of([one]).get(one.pk, ""), "other": one.other, "viewer": _viewer(one),
        "history": [
            {"row": row, "correction": made.get(row.pk), "answer": answers.get(row.pk),
             "verdict": _verdicts()[row.verdict]}
            for row in history
        ],
        "beside": [(row, look.title_of(row.rule)) for row in beside], "by_spoke": look.by_spoke(one),
        "site": look.sites().get(one.submission.spoke, one.submission.spoke), "kind": look.kind_of(one),
        "person": look.person_of(one), "may_decide": may(account_of(request), Act.JUDGE_QUALITY, one.dataset.slug),
        "facts": [(keyword, as_it_came(one, keyword)) for keyword in CORRECTABLE]
        if one.series and not one.superseded else [],
    }  # fmt: skip
    return page(request, "quality_finding", context, section="curation")


def _beside(one: QualityFinding) -> dict[str, Any]:
    """Return what else is shown with it: findings of the same series, the same row, or the hospital's other tables."""
    if one.series is not None:
        return {"series": one.series}
    if one.record is not None:
        return {"record": one.record}
    return {"subject": None, "dataset": one.dataset, "submission__spoke": one.submission.spoke}


def _viewer(one: QualityFinding) -> str:
    if one.series is None:
        return ""
    return viewer_url("drafts", one.dataset.slug, one.series.study.uid, {one.series.modality})


def _verdicts() -> dict[str, str]:
    return {
        "accept": _("accepted it"), "ask": _("asked the hospital"), "exclude": _("excluded it from the next draft"),
        "correct": _("corrected the metadata"), "reopen": _("opened it again"),
    }  # fmt: skip


def _picture(one: QualityFinding) -> str:
    """Return the address of the whole image, for objects that the viewer knows; "" for others."""
    if one.series is None:
        return ""
    images = Instance.objects.filter(series=one.series).exclude(preview="").order_by("path", "pk")
    image = one.instance or images[images.count() // 2 :].first()
    if image is None or not DicomIndex.objects.filter(pk=image.sha256, frame_count=1).exists():
        return ""
    where = (one.dataset.slug, one.series.study.uid, one.series.uid, image.sop_instance_uid)
    return "/dicomweb/drafts/{}/studies/{}/series/{}/instances/{}/rendered".format(*where)


@needs(Act.JUDGE_QUALITY, dataset=ANYWHERE)
@require_POST
def correct(request: HttpRequest, number: int) -> HttpResponse:
    """Write down what a fact of the finding's series should be."""
    one, account = _found(request, number, Act.JUDGE_QUALITY), account_of(request)
    if account is None:
        raise Http404
    try:
        findings.correct(
            finding=one, keyword=request.POST.get("keyword", ""), value=request.POST.get("value", ""),
            why=request.POST.get("why", ""), by=account, clock=SystemClock(),
            seen=one_number(request.POST.get("seen", "")),
        )  # fmt: skip
    except MidasError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("Kept as a new revision. The file stays as it came; the next draft tells this value.")
        )
    return HttpResponseRedirect(reverse("hub:quality-finding", args=[number]))
