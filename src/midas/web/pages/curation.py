"""Curators' pages: what arrived and what the checks said, drafts, and the cut that makes a release."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.catalogue.models import Dataset, Instance, Submission
from midas.kernel import MidasError, SystemClock
from midas.people.rule import Act
from midas.release import look, new_draft
from midas.release.approving import approve, take_approval_back
from midas.release.models import Draft, Release
from midas.release.pairing import note_pairs
from midas.web import spending
from midas.web.guard import ANYWHERE, needs
from midas.web.pages import cutting, gates
from midas.web.pages.datasets import title_of
from midas.web.pages.frame import account_of, page
from midas.web.standing import may, visible

ON_PAGE = 25


def _mine(request: HttpRequest, act: Act) -> list[str]:
    return visible(
        account_of(request), act, list(Dataset.objects.order_by("slug").values_list("slug", flat=True))
    )


@needs(Act.DRAFT, dataset=ANYWHERE)
def curation(request: HttpRequest) -> HttpResponse:
    mine = _mine(request, Act.DRAFT)
    found = (
        Submission.objects.filter(dataset__slug__in=mine).select_related("dataset").order_by("-received_at")
    )
    counts = dict(found.order_by().values_list("state").annotate(n=Count("pk")))
    titles = {
        "": _("All"), "received": _("Received"), "verifying": _("Being verified"), "registered": _("Registered"),
        "refused": _("Refused"),
    }  # fmt: skip
    state = request.GET.get("state", "")
    shown = found.filter(state=state) if state in titles and state else found
    numbered: Any = Paginator(shown, ON_PAGE).get_page(request.GET.get("page"))
    numbered.object_list = [_line(one) for one in numbered]
    context = {
        "states": [
            {"value": value, "label": title, "count": counts.get(value, 0) if value else sum(counts.values()),
             "chosen": value == state}
            for value, title in titles.items()
        ],
        "submissions": numbered,
        "drafts": _drafts(request, mine),
        "choices": [{"slug": slug, "title": title_of(slug)} for slug in mine],
        "today": timezone.localdate().isoformat(),
    }  # fmt: skip
    return page(request, "curation", context, section="curation")


def _line(one: Submission) -> dict[str, Any]:
    return {
        "root": one.root, "dataset": one.dataset.slug, "spoke": one.spoke, "state": one.state,
        "received_at": one.received_at, "subjects": one.header.get("subjects"), "instances": one.header.get("instances"),
    }  # fmt: skip


def _drafts(request: HttpRequest, mine: list[str]) -> list[dict[str, Any]]:
    released = set(
        Release.objects.filter(dataset__slug__in=mine, twin=False).values_list("dataset__slug", "version")
    )
    found = (
        Draft.objects.filter(dataset__slug__in=mine).select_related("dataset").order_by("-created_at")[:20]
    )
    may_cut = set(_mine(request, Act.CUT))
    return [
        {
            "dataset": one.dataset.slug, "version": one.version, "notes": one.notes, "published_on": one.published_on,
            "submissions": len(one.submissions), "released": (one.dataset.slug, one.version) in released,
            "may_cut": one.dataset.slug in may_cut,
        }
        for one in found
    ]  # fmt: skip


@needs(Act.DRAFT, dataset=ANYWHERE)
def submission(request: HttpRequest, root: str) -> HttpResponse:
    found = Submission.objects.filter(root=root).select_related("dataset").first()
    if found is None or not may(account_of(request), Act.DRAFT, found.dataset.slug):
        raise Http404
    context = {
        "submission": found, "header": found.header, "took": found.spent,
        "findings": Paginator(found.findings, ON_PAGE).get_page(request.GET.get("page")) if found.findings else None,
    }  # fmt: skip
    return page(request, "submission", context, section="curation")


@needs(Act.DRAFT, dataset=ANYWHERE)
@require_POST
def draft_create(request: HttpRequest) -> HttpResponse:
    slug, back = request.POST.get("dataset", ""), HttpResponseRedirect(reverse("hub:curation"))
    dataset = Dataset.objects.filter(slug=slug).first()
    if dataset is None or not may(account_of(request), Act.DRAFT, slug):
        raise Http404
    try:
        day = date.fromisoformat(request.POST.get("published_on", ""))
    except ValueError:
        messages.error(request, _("The publication date is not a date. Choose one and send the form again."))
        return back
    try:
        made = new_draft(
            dataset=dataset, version=request.POST.get("version", "").strip(), by=account_of(request), clock=SystemClock(),
            published_on=day, notes=request.POST.get("notes", "").strip(),
        )  # fmt: skip
    except MidasError as error:
        messages.error(request, str(error))
        return back
    return HttpResponseRedirect(reverse("hub:draft", args=[slug, made.version]))


@needs(Act.CUT, dataset="dataset")
def draft(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Show what a draft would seal; a confirmed POST starts the cut, which goes on beside the pages."""
    found = _draft(dataset, version)
    here = HttpResponseRedirect(reverse("hub:draft", args=[dataset, version]))
    if request.method == "POST" and request.POST.get("sure") == "yes":
        cutting.start(found, twin=request.POST.get("twin") == "yes", by=account_of(request))
        return here
    chosen = Instance.objects.filter(
        submission__root__in=found.submissions, series__study__subject__withdrawn_at=None
    )
    described = {
        "dataset": dataset, "version": version, "submissions": len(found.submissions), "notes": found.notes,
        "published_on": found.published_on, "instances": chosen.count(),
        "subjects": chosen.values("series__study__subject").distinct().count(),
        "released": Release.objects.filter(dataset=found.dataset, version=version, twin=False).exists(),
        "took": spending.figures(found),
    }  # fmt: skip
    context = {
        "draft": described,
        "cut": cutting.standing(found),
        **gates.of_draft(found, account_of(request)),
    }
    return page(request, "draft", context, section="curation")


@needs(Act.CUT, dataset="dataset")
def cut_progress(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Return the part of the draft's page that says how far its cut is; when it is done, lead to the release."""
    standing = cutting.standing(_draft(dataset, version))
    if standing is not None and standing.state == "done" and standing.check:
        return _lead(request, reverse("hub:draft", args=[dataset, version]))
    if standing is not None and standing.state == "done":
        messages.success(request, _("The release is sealed. Its key is below."))
        return _lead(request, reverse("hub:release", args=[dataset, version]))
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(reverse("hub:draft", args=[dataset, version]))
    described = {"dataset": dataset, "version": version}
    return render(request, "hub/cut.html", {"draft": described, "cut": standing})


@needs(Act.CUT, dataset="dataset")
@require_POST
def gates_check(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Start looking at the gates of a draft; its page shows them when that is done."""
    del request
    cutting.start(_draft(dataset, version), check=True)
    return HttpResponseRedirect(reverse("hub:draft", args=[dataset, version]))


@needs(Act.CUT, dataset="dataset")
@require_POST
def draft_approve(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Keep that this person approved the draft as it is, or take that back."""
    account, found, clock = account_of(request), _draft(dataset, version), SystemClock()
    if account is None:
        raise Http404
    try:
        if request.POST.get("back") == "yes":
            take_approval_back(draft=found, by=account, clock=clock)
            messages.success(request, _("Your approval is taken back."))
        else:
            approve(draft=found, by=account, clock=clock)
            messages.success(request, _("You approved this draft as it is now."))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:draft", args=[dataset, version]))


@needs(Act.CUT, dataset="dataset")
@require_POST
def pair_note(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Note that two persons have the same picture: from then on they are in one part."""
    found = _draft(dataset, version)
    pair = (request.POST.get("one", "").strip().upper(), request.POST.get("other", "").strip().upper())
    try:
        note_pairs(dataset=found.dataset, pairs=[pair], clock=SystemClock(), by=account_of(request))
        messages.success(request, _("Noted: they stay in one part. Check the gates again."))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:draft", args=[dataset, version]))


def _lead(request: HttpRequest, there: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": there})
    return HttpResponseRedirect(there)


def _draft(dataset: str, version: str) -> Draft:
    try:
        return look.draft(dataset, version)
    except MidasError:
        raise Http404 from None
