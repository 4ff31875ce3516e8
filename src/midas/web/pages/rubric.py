"""Pages of the rubric: what a grade is judged by, and the review of its statements by experts (Delphi)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.grading import rubric_named
from midas.grading.delphi import EXCELLENT, I_CVI, S_CVI, Review, ratings_in, readings
from midas.grading.rating import FEWEST, HIGHEST, LOWEST, experts_of, given_by, items_of, rate, seen_by
from midas.grading.rubric import Rubric
from midas.kernel import BadInput, MidasError, SystemClock
from midas.people.rule import Act
from midas.ui.words import count
from midas.web.forms import words_of
from midas.web.guard import needs
from midas.web.pages.frame import account_of, page
from midas.web.pages.grading import grades_anywhere

LARGEST = 1024 * 1024


@needs(Act.ASSESS, Act.VALIDATE, choose=grades_anywhere)
def rubric(request: HttpRequest) -> HttpResponse:
    """Show bands, release matrix, privacy-risk tables, limits and every ladder; say which numbers are published."""
    found = rubric_named()
    language = "hi" if (get_language() or "").startswith("hi") else "en"
    context = {
        "rubric": found, "bands": _bands(found), "matrix": _matrix(found),
        "risks": _risks(found), "limits": list(found.parameters.values()),
        "stops": found.hard_stops,
        "groups": [
            {"name": names[language], "domains": [one for one in found.domains if one.group == group]}
            for group, names in found.groups.items()
        ],
    }  # fmt: skip
    return page(request, "rubric", context, section="grading")


def _bands(found: Rubric) -> list[dict[str, Any]]:
    ranked = sorted(found.bands, key=lambda one: -one.lowest)
    return [{"name": words_of(one.id), "from": f"{one.lowest:g}", "then": one.then} for one in ranked]


def _risks(found: Rubric) -> list[dict[str, Any]]:
    lowest, rows = 0, []
    for one in found.prs.bands:
        rows.append({"name": words_of(one.id), "range": f"{lowest} – {one.highest}", "then": one.then})
        lowest = one.highest + 1
    return rows


def _matrix(found: Rubric) -> dict[str, Any]:
    """Return the release matrix: rows by privacy risk, columns by quality."""
    columns = [one.id for one in sorted(found.bands, key=lambda one: -one.lowest)]
    columns = [one for one in columns if any(one in row for row in found.matrix.values())]
    return {
        "columns": [words_of(one) for one in columns],
        "rows": [
            {"name": words_of(risk),
             "cells": [" / ".join(words_of(one.value) for one in row.get(band, ())) or "–" for band in columns]}
            for risk, row in found.matrix.items()
        ],
    }  # fmt: skip


# -- the review by experts -------------------------------------------------------------------------------------


@needs(Act.ASSESS, Act.VALIDATE, choose=grades_anywhere)
def delphi(request: HttpRequest) -> HttpResponse:
    """Let an expert rate the statements of a domain, and show what the experts say together."""
    return _delphi(request, _domain(request.GET.get("domain", "")))


@needs(Act.ASSESS, Act.VALIDATE, choose=grades_anywhere)
@require_POST
def delphi_rate(request: HttpRequest) -> HttpResponse:
    """Keep an expert's ratings of a domain's statements, and go on to the next domain."""
    by, number = account_of(request), _domain(request.POST.get("domain", ""))
    if by is None:
        raise Http404
    told = {item: request.POST.get(f"rating-{item}", "")[:4] for item in items_of(rubric_named(), number)}
    try:
        kept = rate(
            rubric=rubric_named(), ratings={item: int(one) for item, one in told.items() if one.isdecimal()}, by=by,
            clock=SystemClock(),
        )  # fmt: skip
    except MidasError as error:
        messages.error(request, str(error))
    else:
        said = ngettext("%(n)s rating was kept.", "%(n)s ratings were kept.", kept)
        messages.success(request, said % {"n": count(kept)})
        number = min(number + 1, len(rubric_named().domains)) if len(told) == kept else number
    return HttpResponseRedirect(f"{reverse('hub:delphi')}?domain={number}")


@needs(Act.ASSESS, Act.VALIDATE, choose=grades_anywhere)
@require_POST
def delphi_table(request: HttpRequest) -> HttpResponse:
    """Judge a table of ratings that was made elsewhere; nothing of it is kept."""
    file = request.FILES.get("ratings")
    try:
        if file is None or (file.size or 0) > LARGEST:
            raise BadInput(_("A table of ratings is needed."), advice=_("Attach a CSV of at most 1 MiB."))
        found = readings(ratings_in(file.read()))
    except MidasError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("hub:delphi"))
    return _delphi(request, 1, table=_results(found, {}), name=file.name or "")


def _delphi(
    request: HttpRequest, number: int, *, table: dict[str, Any] | None = None, name: str = ""
) -> HttpResponse:
    by, found = account_of(request), rubric_named()
    if by is None:
        raise Http404
    own, seen = given_by(found, by), seen_by(found, by)
    items = items_of(found, number)
    says = {item: words for one in found.domains for item, words in items_of(found, one.number).items()}
    domain = found.domain(number)
    context = {
        "rubric": found, "domain": domain, "fewest": FEWEST, "experts": experts_of(found),
        "items": [{"id": item, "says": words, "own": own.get(item)} for item, words in items.items()],
        "scale": [
            (rating, words) for rating, words in enumerate(
                (_("not relevant"), _("somewhat relevant"), _("quite relevant"), _("highly relevant")), start=LOWEST
            ) if rating <= HIGHEST
        ],
        "domains": [
            {"number": one.number, "name": one.names["technical"], "here": one.number == number,
             "rated": sum(item in own for item in items_of(found, one.number)), "of": len(items_of(found, one.number))}
            for one in found.domains
        ],
        "rated": len(own), "all": len(says),
        "result": table or (_results(readings(seen), says) if seen else None), "table": name,
        "targets": {"i_cvi": I_CVI, "s_cvi": S_CVI, "kappa": EXCELLENT},
    }  # fmt: skip
    return page(request, "delphi", context, section="grading")


def _domain(told: str) -> int:
    numbers = {one.number for one in rubric_named().domains}
    return int(told) if told.isdecimal() and len(told) < 4 and int(told) in numbers else 1


def _results(found: dict[str, Review], says: dict[str, str]) -> dict[str, Any]:
    """Put the readings of both scales side by side, the weakest statement first."""
    scales = list(found.values())
    rows = [
        {"name": items[0].name, "says": says.get(items[0].name, ""), "experts": items[0].experts,
         "on": [
             {"i_cvi": f"{one.i_cvi:.2f}", "kappa": f"{one.kappa:.2f}", "kept": one.kept, "excellent": one.excellent}
             for one in items
         ]}
        for items in sorted(
            zip(*(one.items for one in scales), strict=True), key=lambda items: (items[-1].i_cvi, items[0].name)
        )
    ]  # fmt: skip
    return {
        "scales": [
            {"name": one.scale.name, "agrees": one.scale.agrees, "s_cvi": f"{one.s_cvi:.2f}", "reached": one.reached,
             "kept": sum(item.kept for item in one.items), "of": len(one.items)}
            for one in scales
        ],
        "rows": rows,
    }  # fmt: skip
