"""Who has been collected against whom the dataset stands for, and whom to collect next; a hospital sees its own part.

The counts are the catalogue's of today, the comparison is `midas.quality.coverage`'s. Nobody is shown alone: for curators,
and for a hospital its own persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from midas.catalogue.models import Dataset
from midas.people.rule import Act
from midas.protocol.model import Protocol
from midas.quality.coverage import OTHER, Advice, Coverage, collect_next, column_of, cover
from midas.release.counting import of_catalogue
from midas.release.disclosure import NOT_SAID
from midas.web import covering
from midas.web.guard import Place, needs
from midas.web.pages import composition
from midas.web.pages.datasets import dataset_or_404
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import said
from midas.web.pages.quality_look import sites
from midas.web.standing import may

MORE, MOST_MORE = 100, 100_000
"""People who come next, unless somebody says how many."""


@dataclass(frozen=True)
class Line:
    """One value of a variable: persons, shares in percent, how many are missing at today's total and of the next ones.

    `drawn` are the same shares as lengths of 100.
    """

    label: str
    persons: int
    share: str
    interval: str
    target: str
    missing: int
    more: int
    certain: bool
    drawn: dict[str, float]


@dataclass(frozen=True)
class Variable:
    title: str
    lines: tuple[Line, ...]
    unknown: int
    distance: str


def _what(request: HttpRequest, dataset: str) -> Place:
    if may(account_of(request), Act.READ_DATASET, dataset):
        return Act.READ_DATASET, dataset
    return Act.SEE_SPOKE, dataset


@needs(Act.READ_DATASET, Act.SEE_SPOKE, choose=_what)
def coverage(request: HttpRequest, dataset: str) -> HttpResponse:
    """Show coverage in total and by hospital to curators, and to a hospital's own people its own part."""
    found, version, protocol = dataset_or_404(dataset)
    site, whole = request.GET.get("site", ""), may(account_of(request), Act.READ_DATASET, dataset)
    if not whole:
        site = _own(request)
    counted = of_catalogue(found, protocol, spoke=site).exact()
    compared, uncounted = _compared(found, protocol, counted, site)
    more = _more(request)
    advice = collect_next(compared, more=more) if compared else ()
    targets = set(protocol.population.variable)
    context = {
        "slug": dataset, "title": said(protocol.title), "people": counted["people"], "site": site, "whole": whole,
        "sites": sorted(sites().items()), "site_name": sites().get(site, site), "more": more,
        "population": protocol.population, "version": version.version,
        "variables": [_variable(one, advice, protocol) for one in compared], "uncounted": uncounted,
        "advice": [(_title(one.variable, protocol), _label(one.variable, one.value), one) for one in advice],
        "charts": [
            one for one in composition.charts(composition.Seen(True, "", composition.exact(counted, "")), protocol)
            if one.dimension in {"age", "sex", "state", "hospital", "device"} - {covering.table_of(name) for name in targets}
        ],
    }  # fmt: skip
    return page(request, "coverage", context, section="curation" if whole else "spokes")


def _own(request: HttpRequest) -> str:
    """Return the hospital of who asks; whoever is at none has no part to see."""
    account = account_of(request)
    if account is None or account.institution is None:
        raise Http404
    return str(account.institution.slug)


def _more(request: HttpRequest) -> int:
    told = request.GET.get("more", "")
    return min(max(int(told), 1), MOST_MORE) if told.isdecimal() and len(told) < 9 else MORE


# -- the comparison --------------------------------------------------------------------------------------------


def _compared(
    dataset: Dataset, protocol: Protocol, counted: dict[str, Any], site: str
) -> tuple[list[Coverage], list[str]]:
    """Compare each variable of the target; return also the variables that the catalogue does not count."""
    found, uncounted = [], []
    for variable, cells in covering.counts(dataset, protocol, counted, spoke=site).items():
        wanted = {one.value: one.share for one in protocol.population.variable[variable]}
        if cells:
            unknown = cells.pop(NOT_SAID, 0)
            found.append(cover(variable, cells, wanted, unknown=unknown))
        else:
            uncounted.append(variable)
    return found, uncounted


# -- in words --------------------------------------------------------------------------------------------------


def _variable(one: Coverage, advice: tuple[Advice, ...], protocol: Protocol) -> Variable:
    wanted = {each.value: each for each in advice if each.variable == one.variable}
    lines = tuple(
        Line(
            _label(one.variable, group.value), group.persons, _percent(group.share),
            f"{_percent(group.low)} – {_percent(group.high)}", _percent(group.target),
            max(round(group.target * one.persons) - group.persons, 0),
            wanted[group.value].persons if group.value in wanted else 0, group.off_target,
            {name: round(100 * getattr(group, name), 1) for name in ("share", "low", "high", "target")},
        )
        for group in one.groups
    )  # fmt: skip
    return Variable(_title(one.variable, protocol), lines, one.unknown, _percent(one.distance))


def _title(variable: str, protocol: Protocol) -> str:
    if title := composition.titles(protocol).get(covering.table_of(variable)):
        return title
    column = column_of(protocol, variable)
    return said(column[1].title) if column and column[1].title else variable


def _label(variable: str, value: str) -> str:
    if value == OTHER:
        return _("others")
    if variable == "spoke":
        return sites().get(value, value)
    if variable in {"sex", "state"}:
        return composition.label(variable, value)
    return value.replace("-", "–") if variable == "age-band" else value


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
