"""What this hospital has collected against the protocol's target, and what to collect next, in numbers: nobody is shown.

Beside it stands what the hub told of all hospitals together, with its day; a person here may ask the hub again.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import MidasError, SystemClock
from midas.quality.coverage import OTHER, Advice, Coverage, cover
from midas.spoke.covering import All, all_together, collected
from midas.spoke.outbox import together
from midas.spoke.outbox.sending import hub_of
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page
from midas.spoke.vault.projects import Desk
from midas.ui.charts import Part

MORE, MOST_MORE = 20, 100_000
"""People who come next, unless somebody says how many."""


@door(Door.LOCAL)
def coverage(request: HttpRequest) -> HttpResponse:
    desk, told = current_desk(), request.GET.get("more", "")
    more = min(max(int(told), 1), MOST_MORE) if told.isdecimal() and len(told) < 9 else MORE
    found = collected(desk, more=more)
    kept, last = together.last(desk)
    everyone = all_together(last, more=more) if last else None
    context = {
        "people": found.people, "more": more, "untold": found.untold, "population": desk.protocol.population,
        "advice": _advice(desk, found.advice), "kept": kept, "everyone": everyone,
        "advice_of_all": _advice(desk, everyone.advice) if everyone else [],
        "connected": bool(desk.home.config.hub and desk.home.config.token),
        "variables": _variables(desk, found.compared, found.advice, everyone),
        "charts": [
            {"title": title(desk, variable), "of": found.people,
             "parts": [Part(label(variable, value), number) for value, number in counts.items()]}
            for variable, counts in found.counts.items()
        ],
    }  # fmt: skip
    return page(request, "coverage", context, section="coverage")


@door(Door.LOCAL)
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask the hub whom all hospitals have collected; what it told before stands where it does not answer."""
    desk = current_desk()
    try:
        with hub_of(desk, attempts=1) as hub:
            why_not = together.ask(desk, hub=hub, clock=SystemClock())
    except MidasError as error:
        why_not = str(error)
    if why_not:
        messages.error(request, why_not)
    else:
        messages.success(request, _("The hub was asked just now."))
    return HttpResponseRedirect(reverse("spoke:coverage"))


# -- in words --------------------------------------------------------------------------------------------------


def _advice(desk: Desk, found: tuple[Advice, ...]) -> list[tuple[str, str, Advice]]:
    return [(title(desk, one.variable), label(one.variable, one.value), one) for one in found]


def _variables(
    desk: Desk, compared: tuple[Coverage, ...], advice: tuple[Advice, ...], everyone: All | None
) -> list[dict[str, Any]]:
    """Return the tables of the page: persons here by value, beside them those of all hospitals where they are told.

    What only the hub counts stands last.
    """
    coming = {(one.variable, one.value): one.persons for one in advice}
    whole = {one.variable: one for one in everyone.compared} if everyone else {}
    elsewhere = [
        cover(name, {}, {group.value: group.target for group in one.groups if group.value != OTHER})
        for name, one in whole.items() if name not in {here.variable for here in compared}
    ]  # fmt: skip
    found = []
    for one in (*compared, *elsewhere):
        beside = whole.get(one.variable)
        groups = {group.value: group for group in beside.groups} if beside else {}
        lines = [
            {"label": label(one.variable, group.value), "persons": group.persons, "share": _percent(group.share),
             "target": _percent(group.target), "more": coming.get((one.variable, group.value), 0),
             "missing": max(round(group.target * one.persons) - group.persons, 0), "certain": group.off_target,
             "all": (of_all := groups.get(group.value)), "all_share": _percent(of_all.share) if of_all else ""}
            for group in one.groups
        ]  # fmt: skip
        found.append({
            "title": title(desk, one.variable), "persons": one.persons, "unknown": one.unknown, "lines": lines,
            "distance": _percent(one.distance), "beside": beside,
            "distance_of_all": _percent(beside.distance) if beside else "",
        })  # fmt: skip
    return found


def title(desk: Desk, variable: str) -> str:
    """Name a variable in the reader's words."""
    usual = {
        "sex": _("Sex"), "age": _("Age"), "age-band": _("Age"), "device": _("Device"), "state": _("State"),
        "spoke": _("Hospital"),
    }  # fmt: skip
    language = (get_language() or "en")[:2]
    for target in desk.protocol.targets:
        if target.id == variable:
            return str(target.title.get(language) or target.title["en"])  # type: ignore[call-overload]
    return usual.get(variable, variable)


def label(variable: str, value: str) -> str:
    if value == OTHER:
        return _("others")
    if variable == "sex":
        return {"F": _("women"), "M": _("men"), "O": _("other")}.get(value, value)
    return value.replace("-", "–") if variable == "age-band" else value


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
