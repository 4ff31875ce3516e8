"""What is held and why; the screen where a person looks at an image and accepts, masks or rejects it, with a reason."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from midas.kernel import MidasError
from midas.spoke import flow
from midas.spoke.intake.items import name_of, of_project
from midas.spoke.intake.look import has_picture
from midas.spoke.intake.models import Item, State
from midas.spoke.reasons import REASONS, reason
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page
from midas.spoke.site.images import pixels_of
from midas.spoke.site.reading import by_reason, group_lines, group_of, groups, held_with, words

ON_PAGE = 24
FILM = 24
VERDICTS = ("accept", "mask", "reject")
Box = tuple[int, int, int, int]


@door(Door.LOCAL)
def held(request: HttpRequest) -> HttpResponse:
    items = of_project(current_desk().project)
    return page(
        request,
        "held",
        {"held": by_reason(items, "held"), "refused": by_reason(items, "refused")},
        section="held",
    )


@door(Door.LOCAL)
def reason_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in REASONS:
        raise Http404
    desk = current_desk()
    title, advice = words(code)
    shown: Any = Paginator(groups(desk, code), ON_PAGE).get_page(request.GET.get("page"))
    shown.object_list = group_lines(desk, shown.object_list)
    context = {
        "code": code, "title": title, "advice": advice, "review": reason(code).review, "groups": shown,
        "pictured": any(line.pictured for line in shown), "items": held_with(desk, code).count(),
    }  # fmt: skip
    return page(request, "reason", context, section="held")


def _item(number: int) -> Item:
    found = (
        of_project(current_desk().project)
        .select_related("person", "batch__project")
        .filter(pk=number)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _around(item: Item) -> tuple[int | None, int | None]:
    """Return the groups before and after this one among those held for the same reason."""
    if item.state != State.HELD:
        return None, None
    first = group_of(item).values_list("pk", flat=True).first()
    order = [number for number, _n in groups(current_desk(), item.reason)]
    at = order.index(first) if first in order else -1
    before = order[at - 1] if at > 0 else None
    after = order[at + 1] if 0 <= at < len(order) - 1 else None
    return before, after


@door(Door.LOCAL)
def item(request: HttpRequest, number: int) -> HttpResponse:
    found = _item(number)
    title, advice = words(found.reason) if found.reason else ("", "")
    together = group_of(found) if found.state == State.HELD else Item.objects.filter(pk=found.pk)
    before, after = _around(found)
    context = {
        "item": found, "name": name_of(current_desk(), found), "title": title, "advice": advice,
        "pictured": has_picture(found), "together": together.count(),
        "film": list(together.values_list("pk", flat=True)[:FILM]), "before": before, "after": after,
        "person": found.person.pseudonym if found.person else "",
        "may_accept": bool(found.reason) and reason(found.reason).review,
        "decisions": found.decisions.order_by("-at"), "size": pixels_of(found),
    }  # fmt: skip
    return page(request, "item", context, section="held")


def boxes_from(text: str) -> list[Box]:
    """Read boxes as the review screen writes them; `ValueError` for anything else."""
    found = json.loads(text or "[]")
    if not isinstance(found, list) or len(found) > 100:
        raise ValueError("not a list of boxes")
    boxes: list[Box] = []
    for box in found:
        if not (isinstance(box, list) and len(box) == 4 and all(type(side) is int for side in box)):
            raise ValueError("not a box")
        x, y, width, height = box
        if min(x, y) < 0 or min(width, height) < 1:
            raise ValueError("a box outside the image")
        boxes.append((x, y, width, height))
    return boxes


@door(Door.LOCAL)
@require_POST
def decide_item(request: HttpRequest, number: int) -> HttpResponse:
    """Write the decision down and go to the next group; the reason given is required and kept."""
    found = _item(number)
    here = HttpResponseRedirect(reverse("spoke:item", args=[number]))
    verdict, why = request.POST.get("verdict", ""), request.POST.get("why", "").strip()
    if found.state != State.HELD:
        messages.error(request, _("This item is not held any more. Nothing was changed."))
        return here
    try:
        boxes = boxes_from(request.POST.get("boxes", ""))
    except ValueError:
        messages.error(request, _("The boxes could not be read. Draw them again."))
        return here
    if problem := _problem(verdict, why, boxes):
        messages.error(request, problem)
        return here
    _before, after = _around(found)
    together = request.POST.get("together") == "yes"
    items = list(group_of(found)) if together else [found]
    try:
        _decide(items, verdict, boxes, why, request.user)
    except MidasError as error:
        messages.error(request, str(error))
        return here
    told = ngettext("%(n)d item decided.", "%(n)d items decided.", len(items)) % {"n": len(items)}
    messages.success(request, told)
    if after is not None:
        return HttpResponseRedirect(reverse("spoke:item", args=[after]))
    return HttpResponseRedirect(reverse("spoke:held"))


def _problem(verdict: str, why: str, boxes: list[Box]) -> str:
    if verdict not in VERDICTS:
        return _("Choose one of accept, mask and reject.")
    if not why:
        return _("Say why, in a few words. The reason is kept with the decision.")
    if verdict == "mask" and not boxes:
        return _("Draw a box over what must be masked first.")
    if verdict == "accept" and boxes:
        return _("Boxes are drawn. Choose mask, or remove them before you accept.")
    return ""


def _decide(items: list[Item], verdict: str, boxes: list[Box], why: str, by: Any) -> None:
    flow.decide(items=items, verdict=verdict, boxes=boxes if verdict == "mask" else [], why=why, by=by)
