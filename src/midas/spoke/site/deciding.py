"""Decisions as the pages send them: one item, many, a confirmation, and taking one back; the log of all of them.

In comes a form; out goes a decision in the flow's words, or a message that says what is missing. Nothing is decided twice:
what is not held any more is refused with a message. What is let on is cleaned after the answer has gone out (`hands`).
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from midas.kernel import MidasError
from midas.spoke import flow
from midas.spoke.intake.items import of_project
from midas.spoke.intake.models import Decision, Item, Standing, State
from midas.spoke.intake.screens import box_of
from midas.spoke.reasons import USUAL, reason
from midas.spoke.reviewing import SCOPES, of_scope
from midas.spoke.site import hands
from midas.spoke.site.access import Door, door
from midas.spoke.site.choosing import Choice, around
from midas.spoke.site.frame import current_desk, item_of, page
from midas.spoke.site.images import canvas_of
from midas.spoke.site.reading import words

Box = tuple[int, int, int, int]
VERDICTS = ("accept", "mask", "reject")
LAST = "last-decision"
"""Key of the session under which a person's newest decision is kept, so that it can be taken back at once."""
MOST_BOXES = 200
ON_PAGE = 50


def boxes_from(text: str) -> list[Box]:
    """Read boxes as the review screen writes them; `ValueError` for anything else."""
    found = json.loads(text or "[]")
    if not isinstance(found, list) or len(found) > MOST_BOXES:
        raise ValueError("not a list of boxes")
    return [_box(box) for box in found]


def _box(box: Any) -> Box:
    if not (isinstance(box, list) and len(box) == 4 and all(type(side) is int for side in box)):
        raise ValueError("not a box")
    x, y, width, height = box
    if min(x, y) < 0 or min(width, height) < 1:
        raise ValueError("a box outside the image")
    return x, y, width, height


def typed_boxes(words: str) -> list[Box]:
    """Read boxes typed as `x,y,width,height`, one after the other, by who has no pointer and no script."""
    return [_box([int(side) for side in line.split(",")]) for line in words.replace(";", " ").split()]


def _given_boxes(form: QueryDict) -> list[Box]:
    """Return the boxes that are to be masked: as drawn, or as ticked and typed where no script runs."""
    if form.get("drawn"):
        return boxes_from(form.get("boxes", ""))
    ticked = [box for line in form.getlist("keep") for box in typed_boxes(line)]
    return [*boxes_from(form.get("boxes", "")), *ticked, *typed_boxes(form.get("typed", ""))]


@door(Door.REVIEWER)
@require_POST
def decide_item(request: HttpRequest, number: int) -> HttpResponse:
    """Write the decision down and go to the next group; a reason is required and kept."""
    found = item_of(number)
    choice = Choice.of(QueryDict(request.POST.get("choice", "").lstrip("?")))
    here = HttpResponseRedirect(reverse("spoke:item", args=[number]) + choice.query)
    if found.state != State.HELD:
        messages.error(request, _("This item is not held any more. Nothing was changed."))
        return here
    try:
        boxes = _given_boxes(request.POST)
    except ValueError:
        messages.error(request, _("The boxes could not be read. Draw them again."))
        return here
    if problem := _problem(request.POST, boxes):
        messages.error(request, problem)
        return here
    scope = "series" if request.POST.get("together") == "yes" else request.POST.get("scope", "items")
    chosen = _reached(found, scope)
    after = _after(choice, found, chosen)
    if not _said(request, chosen, found, boxes, scope):
        return here
    if after is not None:
        return HttpResponseRedirect(reverse("spoke:item", args=[after]) + choice.query)
    return HttpResponseRedirect(reverse("spoke:grid") + choice.query if choice.items(current_desk()).exists()
                                else reverse("spoke:held"))  # fmt: skip


def _reached(item: Item, scope: str) -> list[Item]:
    """Return the held items of the act that are as large as the one looked at: boxes fit no others."""
    chosen = list(
        of_scope(item, scope if scope in SCOPES else "items").select_related("batch__project", "screen")
    )
    canvas = canvas_of(item) if len(chosen) > 1 and reason(item.reason).review else None
    if canvas is None:
        return chosen
    side = (canvas.width, canvas.height)
    return [one for one in chosen if one.pk == item.pk or _side(one) == side]


def _side(item: Item) -> tuple[int, int] | None:
    if item.screen is not None:
        return item.screen.width, item.screen.height
    canvas = canvas_of(item)
    return (canvas.width, canvas.height) if canvas else None


def _after(choice: Choice, item: Item, chosen: list[Item]) -> int | None:
    """Return the next group that this act does not reach."""
    desk, gone = current_desk(), {one.pk for one in chosen}
    place, groups = around(desk, choice, item), [first for first, _n in choice.groups(desk)]
    at = place.place - 1 if place.place else 0
    return next(
        (first for first in (*groups[at:], *groups[:at]) if first not in gone and first != item.pk), None
    )


def _problem(form: QueryDict, boxes: list[Box]) -> str:
    verdict = form.get("verdict", "")
    if verdict not in VERDICTS:
        return _("Choose one of accept, mask and reject.")
    if not _why(form, verdict):
        return _("Say why, in a few words. The reason is kept with the decision.")
    if verdict == "mask" and not boxes:
        return _("Draw a box over what must be masked first.")
    if verdict == "accept" and boxes:
        return _("Boxes are drawn. Choose mask, or remove them before you accept.")
    return ""


def _why(form: QueryDict, verdict: str) -> str:
    """Return the reason given; `usual` stands for the one that the page shows beside the verdict."""
    return form.get("why", "").strip() or (USUAL[verdict][0] if form.get("usual") else "")


def _said(request: HttpRequest, chosen: list[Item], item: Item, boxes: list[Box], scope: str) -> bool:
    verdict = request.POST["verdict"]
    proposed = [box_of(region) for region in item.regions]
    drawn = [box for box in boxes if box not in proposed]
    dropped = [box for box in proposed if box not in boxes] if verdict != "reject" else []
    return _tell(request, chosen, verdict=verdict, why=_why(request.POST, verdict),
                 boxes=drawn if verdict == "mask" else [], dropped=dropped, scope=scope, looked_at=item)  # fmt: skip


def _tell(request: HttpRequest, chosen: list[Item], **words: Any) -> bool:
    """Hand a decision to the flow; say what became of it."""
    try:
        decision = flow.decide(items=chosen, by=request.user, clean=hands.at_once(), **words)
    except MidasError as error:
        messages.error(request, str(error))
        return False
    if isinstance(decision, Decision):
        request.session[LAST] = decision.pk
        if decision.standing == Standing.PROPOSED:
            messages.warning(request, _("Written down. It goes on when a second person decides the same."))
            return True
        hands.poke()
    told = ngettext("%(n)d item decided.", "%(n)d items decided.", len(chosen)) % {"n": len(chosen)}
    messages.success(request, told)
    return True


@door(Door.REVIEWER)
@require_POST
def decide_many(request: HttpRequest) -> HttpResponse:
    """Decide what was ticked on the grid. What the machine proposes is masked in each; without a look, no box is dropped."""
    choice = Choice.of(QueryDict(request.POST.get("choice", "").lstrip("?")))
    here = HttpResponseRedirect(reverse("spoke:grid") + choice.query)
    verdict, scope = request.POST.get("verdict", ""), request.POST.get("scope", "series")
    firsts = [int(pk) for pk in request.POST.getlist("item") if pk.isdecimal() and len(pk) < 19]
    found = of_project(current_desk().project).filter(pk__in=firsts, state=State.HELD)
    chosen = {one.pk: one for item in found for one in of_scope(item, scope if scope in SCOPES else "items")}
    if problem := _problem_of_many(request.POST, verdict, list(chosen.values())):
        messages.error(request, problem)
        return here
    together = [list(chosen.values())] if scope != "layout" else _by_screen(chosen.values())
    for items in together:
        _tell(request, items, verdict=verdict, why=_why(request.POST, verdict), scope=scope)
    return here


def _by_screen(chosen: Any) -> list[list[Item]]:
    groups: dict[int | None, list[Item]] = {}
    for item in chosen:
        groups.setdefault(item.screen_id, []).append(item)
    return list(groups.values())


def _problem_of_many(form: QueryDict, verdict: str, chosen: list[Item]) -> str:
    if verdict not in VERDICTS:
        return _("Choose one of accept, mask and reject.")
    if not chosen:
        return _("Choose at least one picture first.")
    if not _why(form, verdict):
        return _("Say why, in a few words. The reason is kept with the decision.")
    if verdict == "accept" and any(item.regions for item in chosen):
        return _("Some of these have proposed boxes. Choose mask, or open them to take the boxes away.")
    if verdict == "mask" and not all(item.regions for item in chosen):
        return _("Some of these have no proposed box. Open them to draw one.")
    return ""


def last_decision(request: HttpRequest) -> Decision | None:
    """Return this person's newest decision while it can still be taken back."""
    number = request.session.get(LAST)
    found = Decision.objects.filter(pk=number).exclude(standing=Standing.REVOKED).first() if number else None
    return found if found is not None and not _left(found) else None


def _left(decision: Decision) -> bool:
    return (
        decision.items.filter(state=State.SENT).exists()
        or decision.items.filter(outputs__parcel__isnull=False).exists()
    )


@door(Door.REVIEWER)
@require_POST
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """Take a decision back, and go where the person came from."""
    found = (
        Decision.objects.filter(pk=number, items__batch__project=current_desk().project).distinct().first()
    )
    if found is None:
        raise Http404
    first = found.items.order_by("pk").first()
    try:
        held = flow.take_back(decision=found, by=request.user)
        told = ngettext("%(n)d item is held again.", "%(n)d items are held again.", held) % {"n": held}
        messages.success(request, told)
    except MidasError as error:
        messages.error(request, str(error))
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(back)
    choice = Choice.of(QueryDict(request.POST.get("choice", "").lstrip("?")))
    place = reverse("spoke:item", args=[first.pk]) if first else reverse("spoke:decisions")
    return HttpResponseRedirect(place + choice.query)


@door(Door.REVIEWER)
def decisions(request: HttpRequest) -> HttpResponse:
    """Show who decided what, when and why; what stands for a screen layout can be taken back here."""
    found = Decision.objects.filter(items__batch__project=current_desk().project, reuses=None).distinct()
    if request.GET.get("standing") == "reused":
        found = found.filter(screen__isnull=False, standing=Standing.FINAL)
    elif request.GET.get("standing") in Standing.values:
        found = found.filter(standing=request.GET["standing"])
    shown: Any = Paginator(found.order_by("-at", "-pk"), ON_PAGE).get_page(request.GET.get("page"))
    shown.object_list = [_line(decision) for decision in shown]
    return page(
        request, "decisions", {"decisions": shown, "chosen": request.GET.get("standing", "")}, section="held"
    )


def _line(decision: Decision) -> dict[str, Any]:
    codes = dict.fromkeys(was[0] for was in decision.was.values())
    return {
        "pk": decision.pk, "verdict": decision.verdict, "scope": decision.scope, "standing": decision.standing,
        "why": decision.why, "by_name": decision.by_name, "at": decision.at, "second_name": decision.second_name,
        "ended_name": decision.ended_name, "items": decision.items.count(), "first": decision.items.order_by("pk").first(),
        "uses": decision.uses.exclude(standing=Standing.REVOKED).count(), "boxes": len(decision.boxes),
        "reasons": [words(code)[0] for code in codes], "layout": decision.screen_id,
        "open": decision.standing != Standing.REVOKED and (bool(decision.screen_id) or not _left(decision)),
    }  # fmt: skip
