"""What came in: batches and their items, with the state of each. File names are identified and for reviewers only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from midas.spoke.accounts import may_review
from midas.spoke.intake.items import name_of
from midas.spoke.intake.models import Batch, Item, State
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page
from midas.spoke.site.reading import words
from midas.spoke.site.seen import seen_in

ON_PAGE = 50
LIVE = timedelta(minutes=10)
"""A batch's page asks for news until nothing came for so long."""
ENOUGH = 286
"""The status by which htmx stops asking."""


@door(Door.LOCAL)
def batches(request: HttpRequest) -> HttpResponse:
    counted = {state: Count("items", filter=Q(items__state=state)) for state in State.values}
    found = Batch.objects.filter(project=current_desk().project).annotate(all=Count("items"), **counted)
    shown: Any = Paginator(found.order_by("-started_at"), ON_PAGE).get_page(request.GET.get("page"))
    return page(request, "batches", {"batches": shown}, section="batches")


@door(Door.LOCAL)
def batch(request: HttpRequest, number: int) -> HttpResponse:
    desk = current_desk()
    found = Batch.objects.filter(pk=number, project=desk.project).first()
    if found is None:
        raise Http404
    titles = {
        "": _("All"),
        "waiting": _("Waiting"),
        "held": _("Held"),
        "refused": _("Refused"),
        "sent": _("Sent"),
    }
    items = Item.objects.filter(batch=found).select_related("person")
    told = items.aggregate(n=Count("pk"), last=Max("changed_at"))
    state_of_it = f"{told['n']} {told['last']} {found.finished_at}"
    live = found.finished_at is None or timezone.now() - found.finished_at < LIVE
    if request.headers.get("X-Seen") == state_of_it:
        return HttpResponse(status=204 if live else ENOUGH, headers={"HX-Reswap": "none"})
    counts = dict(items.values_list("state").annotate(n=Count("pk")).order_by())
    state = request.GET.get("state", "")
    chosen = items.filter(state=state) if state in State.values else items
    seen, rule = seen_in(items), request.GET.get("seen", "")
    if rule:
        chosen = chosen.filter(pk__in=[key for one in seen if one.rule == rule for key in one.keys])
    shown: Any = Paginator(chosen.order_by("pk"), ON_PAGE).get_page(request.GET.get("page"))
    named = may_review(request.user)
    shown.object_list = [
        {
            "pk": item.pk, "name": name_of(desk, item) if named else "", "kind": item.kind, "size": item.size,
            "state": item.state,
            "why": words(item.reason)[0] if item.reason else "", "detail": item.detail,
            "findings": [one for one in item.findings if one["severity"] != "info" and one["message"] != item.detail][:3],
            "person": item.person.pseudonym if item.person else "",
        }
        for item in shown
    ]  # fmt: skip
    context = {
        "batch": found,
        "items": shown,
        "seen": seen,
        "rule": rule,
        "state_of_it": state_of_it,
        "live": live,
        "states": [
            {"value": value, "label": title, "chosen": value == state,
             "count": counts.get(value, 0) if value else sum(counts.values())}
            for value, title in titles.items()
        ],
    }  # fmt: skip
    return page(request, "batch", context, section="batches")
