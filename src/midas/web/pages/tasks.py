"""Curators' pages of reading tasks: set one from the protocol in two clicks, see how far it is, and how far readers agree.

A curator sees counts. What readers said appears here only of items that are settled.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.annotate import Setting, close_task, look, set_task
from midas.annotate.agreeing import Coefficient
from midas.annotate.models import Settlement, Task
from midas.catalogue.models import Dataset
from midas.kernel import BadInput, MidasError, SystemClock
from midas.people.models import Account, Membership, Role
from midas.people.rule import Act
from midas.protocol.model import Annotation, Protocol
from midas.web.bootstrap import store
from midas.web.guard import ANYWHERE, needs
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import in_force, protocol_of, said
from midas.web.standing import may, visible

ON_PAGE = 25


def _mine(request: HttpRequest) -> list[str]:
    slugs = list(Dataset.objects.order_by("slug").values_list("slug", flat=True))
    return visible(account_of(request), Act.SET_READING, slugs)


def _task(request: HttpRequest, number: int) -> Task:
    try:
        found = look.task(number)
    except MidasError:
        raise Http404 from None
    if not may(account_of(request), Act.SET_READING, found.dataset.slug):
        raise Http404
    return found


@needs(Act.SET_READING, dataset=ANYWHERE)
def tasks(request: HttpRequest) -> HttpResponse:
    """List the tasks that were set, and offer those that the protocols in force ask for."""
    mine = _mine(request)
    found = [
        {"number": one.pk, "title": said(one.title), "name": one.name, "dataset": one.dataset.slug, "set_at": one.set_at,
         "closed": one.closed_at is not None, "progress": look.progress(one.pk)}
        for one in look.tasks_of(mine)
    ]  # fmt: skip
    offers = [
        one
        for dataset in Dataset.objects.filter(slug__in=mine).order_by("slug")
        for one in _offers(request, dataset)
    ]
    return page(request, "tasks", {"tasks": found, "offers": offers}, section="curation")


def _offers(request: HttpRequest, dataset: Dataset) -> list[dict[str, Any]]:
    version = in_force(dataset)
    if version is None:
        return []
    protocol = protocol_of(version)
    people = {role: _people(role, dataset.slug, request) for role in (Role.ANNOTATOR, Role.ADJUDICATOR)}
    taken = {one.pk for one in people[Role.ADJUDICATOR]}
    readers = [one for one in people[Role.ANNOTATOR] if one.pk not in taken]
    return [_offer(dataset, protocol, one, readers, people[Role.ADJUDICATOR]) for one in protocol.annotation]


def _offer(
    dataset: Dataset,
    protocol: Protocol,
    asked: Annotation,
    readers: list[Account],
    adjudicators: list[Account],
) -> dict[str, Any]:
    target = next(one for one in protocol.targets if one.id == asked.target)
    return {
        "dataset": dataset.slug, "annotation": asked.id, "title": said(target.title), "type": target.type,
        "drawn": target.type in {"segmentation", "regions"}, "instructions": asked.instructions,
        "each": asked.readers_per_item, "readers": readers, "adjudicators": adjudicators,
        "third": asked.adjudication != "none",
        "can": len(readers) >= asked.readers_per_item and (asked.adjudication == "none" or bool(adjudicators)),
    }  # fmt: skip


def _people(role: Role, dataset: str, request: HttpRequest) -> list[Account]:
    """Return who may be chosen: everyone with the role here, less the curator who asks."""
    held = Membership.objects.filter(role=role, dataset__in=["", dataset]).values("account")
    asks = account_of(request)
    found = Account.objects.filter(pk__in=held, is_active=True).order_by("username")
    return list(found.exclude(pk=asks.pk) if asks else found)


@needs(Act.SET_READING, dataset=ANYWHERE)
@require_POST
def task_set(request: HttpRequest) -> HttpResponse:
    slug = request.POST.get("dataset", "")
    dataset, by = Dataset.objects.filter(slug=slug).first(), account_of(request)
    if dataset is None or by is None or not may(by, Act.SET_READING, slug):
        raise Http404
    try:
        setting = Setting(
            annotation=request.POST.get("annotation", ""), readers=_chosen(request, "reader"),
            adjudicators=_chosen(request, "adjudicator"), ordinal=request.POST.get("ordinal") == "yes",
            agree_at=_number(request, "agree_at"), most=None if (most := _number(request, "most")) is None else int(most),
        )  # fmt: skip
        made = set_task(dataset=dataset, setting=setting, by=by, clock=SystemClock())
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:tasks"))
    messages.success(request, _("The task is set. Its readers find it under Readings."))
    return HttpResponseRedirect(reverse("hub:task", args=[made.pk]))


def _chosen(request: HttpRequest, name: str) -> list[Account]:
    numbers = [one for one in request.POST.getlist(name) if one.isdecimal() and len(one) < 19]
    return list(Account.objects.filter(pk__in=numbers).order_by("username"))


def _number(request: HttpRequest, name: str) -> float | None:
    text = request.POST.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise BadInput(_("This is not a number."), advice=_("Leave it empty or write a number.")) from None


@needs(Act.SET_READING, dataset=ANYWHERE)
def task(request: HttpRequest, task: int) -> HttpResponse:
    """Show how far a task is and, of what is settled, how far its readers agree."""
    found = _task(request, task)
    progress = look.progress(found.pk)
    rows = (
        Settlement.objects.filter(item__task=found)
        .select_related("item__subject", "reading")
        .order_by("item__number")
    )
    numbered: Any = Paginator(rows, ON_PAGE).get_page(request.GET.get("page"))
    numbered.object_list = [_outcome(one) for one in numbered]
    context = {
        "task": {
            "number": found.pk, "title": said(found.title), "name": found.name, "dataset": found.dataset.slug,
            "instructions": found.instructions, "set_at": found.set_at, "closed": found.closed_at is not None,
            "each": found.readers_per_item, "drawn": found.draws, "agree_at": found.agree_at, "kind": found.kind,
        },
        "progress": progress, "people": look.people(found.pk), "settled": numbered,
        "pairs": [
            {"first": pair.first, "second": pair.second,
             "coefficients": [{"of": one, "meaning": _meaning(one)} for one in pair.coefficients]}
            for pair in (look.agreement(found, store()) if progress.settled else ())
        ],
    }  # fmt: skip
    return page(request, "task", context, section="curation")


def _outcome(one: Settlement) -> dict[str, Any]:
    value = one.reading.value
    return {
        "number": one.item.number, "subject": one.item.subject.pseudonym, "drawn": one.reading.modality,
        "value": None if value is None else str(value).replace("-", " "), "how": one.how, "agreement": one.agreement,
        "why": one.why,
    }  # fmt: skip


BANDS = ((0.81, "almost-perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))
"""The words of Landis and Koch (1977) for κ; they are a habit, not a law."""


def _meaning(one: Coefficient) -> str:
    """Return which sentence the page says of a coefficient."""
    if one.value is None:
        return "undefined"
    if one.name.startswith("κ"):
        return next((name for least, name in BANDS if round(one.value, 2) >= least), "below-chance")
    return "dice" if one.name.startswith("Dice") else "icc" if one.name == "ICC" else "difference"


@needs(Act.SET_READING, dataset=ANYWHERE)
@require_POST
def task_end(request: HttpRequest, task: int) -> HttpResponse:
    found, by = _task(request, task), account_of(request)
    if by is None:
        raise Http404
    try:
        close_task(task=found, by=by, why=request.POST.get("why", ""), clock=SystemClock())
        messages.success(request, _("The task has ended. What was settled stays."))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:task", args=[found.pk]))
