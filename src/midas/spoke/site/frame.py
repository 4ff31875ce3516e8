"""What stands around every page of the spoke's site: the desk of the project, who looks, and what waits for a person."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from midas.spoke.accounts import may_review
from midas.spoke.bootstrap import current_home
from midas.spoke.intake.items import of_project
from midas.spoke.intake.models import Item, State
from midas.spoke.outbox.models import Question
from midas.spoke.vault.projects import Desk, desk


@lru_cache(maxsize=1)
def current_desk() -> Desk:
    """Open the desk once per process: the site serves one home and one project."""
    return desk(home=current_home())


def item_of(number: int) -> Item:
    """Return an item of the project with its batch and screen; `Http404` where there is none of this number."""
    wanted = of_project(current_desk().project).select_related("batch__project", "screen")
    found = wanted.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    section: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a page; who is not signed in sees the hospital's name and nothing that was counted."""
    around: dict[str, Any] = {"section": section, "spoke_name": current_home().config.name}
    if request.user.is_authenticated:
        around["held_count"] = of_project(current_desk().project).filter(state=State.HELD).count()
        asked = Question.objects.filter(project=current_desk().project)
        around["question_count"] = asked.filter(state__in=[Question.State.OPEN, Question.State.HELD]).count()
        around["reviewer"] = may_review(request.user)
    return render(request, f"spoke/{template}.html", {**around, **(context or {})}, status=status)
