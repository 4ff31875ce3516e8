"""What this hospital has collected against the protocol's target, and what to collect next, in numbers: nobody is shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from midas.quality.coverage import OTHER
from midas.spoke.covering import collected
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
    coming = {(one.variable, one.value): one.persons for one in found.advice}
    context = {
        "people": found.people, "more": more, "untold": found.untold, "population": desk.protocol.population,
        "advice": [(title(desk, one.variable), label(one.variable, one.value), one) for one in found.advice],
        "variables": [
            {"title": title(desk, one.variable), "unknown": one.unknown, "distance": _percent(one.distance), "lines": [
                {"label": label(one.variable, group.value), "persons": group.persons, "share": _percent(group.share),
                 "target": _percent(group.target), "more": coming.get((one.variable, group.value), 0),
                 "missing": max(round(group.target * one.persons) - group.persons, 0), "certain": group.off_target}
                for group in one.groups
            ]}
            for one in found.compared
        ],
        "charts": [
            {"title": title(desk, variable), "of": found.people,
             "parts": [Part(label(variable, value), number) for value, number in counts.items()]}
            for variable, counts in found.counts.items()
        ],
    }  # fmt: skip
    return page(request, "coverage", context, section="coverage")


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
