"""What is held and why: the reasons with their numbers, and the grid of pictures from which a reviewer sets out."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from midas.spoke.accounts import may_review
from midas.spoke.intake.items import of_project
from midas.spoke.reasons import REASONS, reason
from midas.spoke.site.access import Door, door
from midas.spoke.site.choosing import Choice, cards, devices_of, layouts_of, reasons_of
from midas.spoke.site.deciding import last_decision
from midas.spoke.site.frame import current_desk, page
from midas.spoke.site.reading import by_reason, usual, words

ON_PAGE = 60


@door(Door.LOCAL)
def held(request: HttpRequest) -> HttpResponse:
    items = of_project(current_desk().project)
    lines = {"held": by_reason(items, "held"), "refused": by_reason(items, "refused")}
    return page(request, "held", lines, section="held")


@door(Door.REVIEWER)
def reason_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show what is held for one reason: as a grid where a look settles it, as a list where something else must be done."""
    if code not in REASONS:
        raise Http404
    return _grid(request, Choice.of(request.GET, reason=code))


@door(Door.REVIEWER)
def grid(request: HttpRequest) -> HttpResponse:
    return _grid(request, Choice.of(request.GET))


def _grid(request: HttpRequest, choice: Choice) -> HttpResponse:
    desk = current_desk()
    groups = choice.groups(desk)
    shown: Any = Paginator(groups, ON_PAGE).get_page(request.GET.get("page"))
    shown.object_list = cards(desk, shown.object_list)
    title, advice = words(choice.reason) if choice.reason else ("", "")
    review = not choice.reason or reason(choice.reason).review
    context = {
        "choice": choice, "title": title, "advice": advice, "review": review, "groups": shown,
        "items": sum(n for _first, n in groups), "pictured": review or any(card.pictured for card in shown),
        "last": last_decision(request), "usual": {verdict: usual(verdict) for verdict in ("accept", "mask", "reject")},
        "may_review": may_review(request.user),
    }  # fmt: skip
    if review:
        context |= {
            "reasons": reasons_of(desk, choice), "devices": devices_of(desk, choice),
            "layouts": layouts_of(desk, choice),
        }  # fmt: skip
    return page(request, "grid" if review else "reason", context, section="held")
