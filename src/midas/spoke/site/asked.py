"""What curators ask about what was sent: beside the item and, for reviewers, the patient; a person here answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas import quality
from midas.kernel import MidasError, SystemClock
from midas.spoke.accounts import may_review
from midas.spoke.intake.items import name_of
from midas.spoke.outbox import questions
from midas.spoke.outbox.models import Question
from midas.spoke.outbox.sending import hub_of
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page
from midas.spoke.vault import persons
from midas.spoke.vault.projects import Desk

ON_PAGE = 25
MOST_ITEMS = 6
WHO = ("name", "uhid")


def shown(desk: Desk, one: Question, *, reviewer: bool) -> dict[str, Any]:
    """Return a question as the pages tell it; who it is about, and the names of files, only for a reviewer."""
    held = questions.HELD.get(one.held_for, ("", ""))
    language = (get_language() or "en")[:2]
    check = quality.registry().get(one.asked["rule"])
    person, words = questions.person_of(desk, one), questions.words_of(desk, one)
    items = questions.items_of(desk, one) if reviewer else []
    known = persons.known_of(desk, person) if reviewer and person else ()
    return {
        "number": one.number, "state": one.state, "kind": one.kind, "asked": one.asked, "words": words,
        "title": check.title.get(language, check.title["en"]) if check else one.asked["rule"],
        "held": held[language == "hi"], "by": one.by_name, "answered_at": one.answered_at, "sent_at": one.sent_at,
        "harmful": questions.harmful(desk, words, subject=one.asked.get("subject")) if one.held_for else (),
        "who": [value for kind, value in known if kind in WHO][:3],
        "items": [(item.pk, name_of(desk, item)) for item in items[:MOST_ITEMS]], "more": max(len(items) - MOST_ITEMS, 0),
        "may_answer": one.state in {Question.State.OPEN, Question.State.HELD, Question.State.READY},
    }  # fmt: skip


@door(Door.LOCAL)
def asked(request: HttpRequest) -> HttpResponse:
    desk, reviewer = current_desk(), may_review(request.user)
    found: Any = Paginator(questions.questions(desk), ON_PAGE).get_page(request.GET.get("page"))
    found.object_list = [shown(desk, one, reviewer=reviewer) for one in found]
    context = {"questions": found, "connected": bool(desk.home.config.hub and desk.home.config.token)}
    return page(request, "questions", context, section="questions")


@door(Door.LOCAL)
@require_POST
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """Keep an answer, then try to send it; without the hub it waits."""
    desk = current_desk()
    one = questions.questions(desk).filter(number=number).first()
    if one is None:
        raise Http404
    try:
        one = questions.answer(
            desk, one, kind=request.POST.get("kind", ""), words=request.POST.get("words", ""),
            by_name=str(request.user.username), clock=SystemClock(),
        )  # fmt: skip
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("spoke:questions"))
    if one.state == Question.State.HELD:
        messages.error(
            request, _("The answer is held and was not sent: see why below, and say it in other words.")
        )
    else:
        messages.success(request, _("The answer is kept. It is sent when the hub can be reached."))
        _exchanged(request, desk)
    return HttpResponseRedirect(reverse("spoke:questions"))


@door(Door.LOCAL)
@require_POST
def exchange(request: HttpRequest) -> HttpResponse:
    """Fetch what is asked and send what is ready."""
    desk = current_desk()
    if _exchanged(request, desk):
        messages.success(request, _("The hub was asked just now."))
    return HttpResponseRedirect(reverse("spoke:questions"))


def _exchanged(request: HttpRequest, desk: Desk) -> bool:
    try:
        with hub_of(desk, attempts=1) as hub:
            questions.exchange(desk, hub=hub, clock=SystemClock())
    except MidasError as error:
        messages.error(request, str(error))
        return False
    return True
