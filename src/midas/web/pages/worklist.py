"""Readers' pages: my tasks, my items, one item with its question, and the adjudicator's side-by-side view.

A page shows its reader's own items and readings. What others said appears to the item's adjudicator alone, once all
readers submitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from midas.annotate import assignment_of, keep_reading, look, settle, submit_reading
from midas.annotate.models import Assignment, Reading, Task
from midas.annotate.reading import latest, ripe
from midas.annotate.settling import readings_of
from midas.kernel import Digest, MidasError, SystemClock
from midas.people.models import Account
from midas.people.rule import Act
from midas.web.api.tasks import LETTERS, by_letter
from midas.web.bootstrap import store
from midas.web.guard import ANYWHERE, needs
from midas.web.pages.frame import page
from midas.web.pages.pictures import drawn_small
from midas.web.pages.protocols import said
from midas.web.pages.viewer import viewer_url
from midas.web.standing import may

PICTURES = 12
"""Pictures of one item on its page; the viewer shows all."""


@dataclass(frozen=True)
class Picture:
    address: str
    alt: str


def _account(request: HttpRequest) -> Account:
    account: Account = request.caller.account  # type: ignore[attr-defined]
    return account


def _task(request: HttpRequest, number: int) -> Task:
    """Return a task in which the caller reads; 404 for any other."""
    account = _account(request)
    found = look.tasks_for(account).filter(pk=number).first()
    if found is None or not may(account, Act.READ, found.dataset.slug):
        raise Http404
    return found


@needs(Act.READ, dataset=ANYWHERE)
def mine(request: HttpRequest) -> HttpResponse:
    account = _account(request)
    found = [one for one in look.tasks_for(account) if may(account, Act.READ, one.dataset.slug)]
    return page(request, "readings", {"tasks": [_line(one, account) for one in found]}, section="readings")


def _line(task: Task, account: Account) -> dict[str, Any]:
    rows = list(look.worklist(task.pk, account))
    return {
        "number": task.pk, "title": said(task.title), "dataset": task.dataset.slug, "instructions": task.instructions,
        "closed": task.closed_at is not None, "items": len(rows), "done": sum(look.is_done(one) for one in rows),
        "adjudicates": any(one.role == Assignment.Role.ADJUDICATOR for one in rows), "draws": task.draws,
        "next": None if task.closed_at else look.next_item(task.pk, account),
    }  # fmt: skip


@needs(Act.READ, dataset=ANYWHERE)
def task(request: HttpRequest, task: int) -> HttpResponse:
    found, account = _task(request, task), _account(request)
    rows = [
        {"number": one.item.number, "done": look.is_done(one)} for one in look.worklist(found.pk, account)
    ]
    return page(request, "reading_task", {"task": _line(found, account), "items": rows}, section="readings")


@needs(Act.READ, dataset=ANYWHERE)
def item(request: HttpRequest, task: int, item: int) -> HttpResponse:
    """Show one item with its question; a POST keeps an answer, submits it or settles, and leads to the next."""
    found, account = _task(request, task), _account(request)
    row = _own(found, item, account)
    if row.role == Assignment.Role.ADJUDICATOR and not ripe(row):
        raise Http404
    if request.method == "POST":
        try:
            return _answered(request, row)
        except MidasError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.path)
    numbers = [one.item.number for one in look.worklist(found.pk, account)]
    place = numbers.index(item)
    context = {
        "task": _line(found, account), "item": row.item, "row": row, "kept": latest(row), "values": _choices(found),
        "pictures": _pictures(found, row), "links": _links(found, row), "done": _is_done(row),
        "before": numbers[place - 1] if place else None, "after": numbers[place + 1] if place + 1 < len(numbers) else None,
        "place": place + 1, "all": len(numbers), "number": found.kind == Task.Kind.NUMBER,
    }  # fmt: skip
    if row.role == Assignment.Role.ADJUDICATOR:
        made = look.outcome(row.item)
        context |= {"said": [_said(letter, one, made) for letter, one in zip(LETTERS, readings_of(row.item), strict=False)],
                    "settled": made}  # fmt: skip
        return page(request, "settle", context, section="readings")
    return page(request, "read", context, section="readings")


def _own(task: Task, number: int, account: Account) -> Assignment:
    try:
        return assignment_of(task_id=task.pk, number=number, account=account)
    except MidasError:
        raise Http404 from None


def _is_done(row: Assignment) -> bool:
    if row.role == Assignment.Role.ADJUDICATOR:
        return look.outcome(row.item) is not None
    return row.submitted_at is not None


def _choices(task: Task) -> list[dict[str, str]]:
    return [{"value": value, "words": value.replace("-", " ")} for value in task.values]


def _said(letter: str, one: Reading, made: Any) -> dict[str, Any]:
    return {
        "letter": letter, "value": None if one.value is None else str(one.value).replace("-", " "),
        "drawn": one.modality, "stands": made is not None and made.reading_id == one.pk,
    }  # fmt: skip


def _pictures(task: Task, row: Assignment) -> list[Picture]:
    shown = look.images(row.item).exclude(preview="")[:PICTURES]
    return [
        Picture(
            reverse("hub:reading-picture", args=[task.pk, row.item.number, one.preview]),
            f"{one.series.modality} {one.view.replace('-', ' ')}".strip(),
        )
        for one in shown
    ]


def _links(task: Task, row: Assignment) -> list[str]:
    """Return the viewer's address for each study of the item."""
    shown = look.images(row.item).values_list("series__study__uid", "series__modality").distinct().order_by()
    studies: dict[str, set[str]] = {}
    for study, modality in shown:
        studies.setdefault(study, set()).add(modality)
    return [
        viewer_url("tasks", str(task.pk), one, frozenset(names)) for one, names in sorted(studies.items())
    ]


def _answered(request: HttpRequest, row: Assignment) -> HttpResponse:
    account, clock = _account(request), SystemClock()
    value = request.POST.get("value", "").strip() or None
    if row.role == Assignment.Role.ADJUDICATOR:
        letter = request.POST.get("reading", "")
        choice = by_letter(row, letter) if letter else value
        settle(
            assignment=row,
            by=account,
            why=request.POST.get("why", ""),
            store=store(),
            clock=clock,
            choice=choice,
        )
        messages.success(request, _("Settled. What you decided stands with its reason."))
    else:
        if value is not None:
            keep_reading(assignment=row, by=account, value=value, clock=clock)
        if request.POST.get("do") != "submit":
            messages.success(request, _("Kept. You can still change it; submit it when you are sure."))
            return HttpResponseRedirect(request.path)
        submit_reading(assignment=row, by=account, store=store(), clock=clock)
    number = look.next_item(row.item.task_id, account, after=row.item.number)
    if number is None:
        messages.success(request, _("That was the last one. Thank you."))
        return HttpResponseRedirect(reverse("hub:readings"))
    return HttpResponseRedirect(reverse("hub:reading-item", args=[row.item.task_id, number]))


@needs(Act.READ, dataset=ANYWHERE)
def picture(request: HttpRequest, task: int, item: int, sha256: str) -> HttpResponseBase:
    """Serve a preview of an image of one's own item; any other digest is not there."""
    row = _own(_task(request, task), item, _account(request))
    if not look.images(row.item).filter(preview=sha256).exists():
        raise Http404
    blobs: Any = store()
    return drawn_small(b"".join(blobs.read(Digest(sha256))), sha256)
