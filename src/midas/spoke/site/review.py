"""The page on which one held image is decided: before and after side by side, boxes, what the plan would write, why."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from midas.kernel import MidasError
from midas.spoke.changes import changes
from midas.spoke.intake import look, screens
from midas.spoke.intake.items import name_of, of_project
from midas.spoke.intake.look import has_picture
from midas.spoke.intake.models import Decision, Item, Standing, State
from midas.spoke.intake.screens import box_of
from midas.spoke.outbox.questions import about
from midas.spoke.reasons import reason
from midas.spoke.reviewing import boxes_for, needs_second, of_scope
from midas.spoke.site.access import Door, door
from midas.spoke.site.choosing import Choice, around
from midas.spoke.site.deciding import last_decision
from midas.spoke.site.frame import current_desk, page
from midas.spoke.site.images import Canvas, canvas_of
from midas.spoke.site.reading import usual, words

FILM = 24


def item_of(number: int) -> Item:
    """Return an item of this project; 404 where there is none."""
    found = of_project(current_desk().project).select_related("person", "batch__project", "screen")
    item = found.filter(pk=number).first()
    if item is None:
        raise Http404
    return item


def proposal_of(item: Item) -> Decision | None:
    """Return what a first person decided that waits for a second."""
    return item.decisions.filter(standing=Standing.PROPOSED).order_by("-at").first()


@door(Door.REVIEWER)
def item(request: HttpRequest, number: int) -> HttpResponse:
    found, desk = item_of(number), current_desk()
    choice = Choice.of(request.GET, reason=found.reason if request.GET.get("reason") == found.reason else "")
    title, advice = words(found.reason) if found.reason else ("", "")
    open_to = found.state == State.HELD and reason(found.reason).review
    canvas, first = canvas_of(found), proposal_of(found)
    context = {
        "item": found, "name": name_of(desk, found), "title": title, "advice": advice, "choice": choice,
        "pictured": has_picture(found) and canvas is not None, "canvas": canvas, "may_accept": open_to,
        "around": around(desk, choice, found) if found.state == State.HELD else None, "first": first,
        "person": found.person.pseudonym if found.person else "", "decisions": found.decisions.order_by("-at", "-pk"),
        "device": screens.name_of(desk, found.screen) if found.screen else "", "two": needs_second(desk, found),
        "frame": _frame(request, canvas), "last": last_decision(request), "scopes": _scopes(found),
        "boxes": _boxes(found, first), "film": list(of_scope(found, "series").values_list("pk", flat=True)[:FILM]),
        "usual": {verdict: usual(verdict) for verdict in ("accept", "mask", "reject")}, "asked": about(desk, found),
    }  # fmt: skip
    return page(request, "item", context, section="held")


def _frame(request: HttpRequest, canvas: Canvas | None) -> int | None:
    asked = request.GET.get("frame", "")
    if canvas is None or canvas.frames < 2:
        return None
    return min(int(asked), canvas.frames - 1) if asked.isdecimal() and len(asked) < 9 else canvas.frames // 2


def _scopes(item: Item) -> list[dict[str, Any]]:
    """Return how many held images an act of each scope would reach."""
    if item.state != State.HELD:
        return []
    counts = {scope: of_scope(item, scope).count() for scope in ("items", "series", "layout")}
    tells = item.screen is not None and item.screen.tells
    return [
        {"value": scope, "count": n, "can": scope == "items" or (tells if scope == "layout" else n > 1)}
        for scope, n in counts.items()
    ]


def _boxes(item: Item, first: Decision | None) -> list[dict[str, Any]]:
    """Return the boxes that the page begins with: what the machine proposes, or what a first person decided."""
    proposed = {box_of(region): region for region in item.regions}
    shown = boxes_for(first, item) if first else tuple(proposed)
    return [
        {"box": box, "text": ",".join(map(str, box)), "machine": box in proposed,
         "evidence": proposed[box]["evidence"] if box in proposed else ""}
        for box in shown
    ]  # fmt: skip


@door(Door.REVIEWER)
def tag_changes(request: HttpRequest, number: int) -> HttpResponse:
    """Show every attribute before and after; a look at an identified header is written down like one at a picture."""
    found = item_of(number)
    everything = bool(request.GET.get("all"))
    context: dict[str, Any] = {
        "item": found,
        "everything": everything,
        "name": name_of(current_desk(), found),
    }
    try:
        rows = changes(current_desk(), found)
        look.looked(found, by=request.user, what="header")
        changed = sum(row.changed for row in rows)
        context |= {
            "rows": [row for row in rows if everything or row.changed],
            "changed": changed,
            "all": len(rows),
        }
    except MidasError as problem:
        context["problem"] = problem
    part = "_changes" if request.headers.get("HX-Request") else "changes"
    return page(request, part, context, section="held")
