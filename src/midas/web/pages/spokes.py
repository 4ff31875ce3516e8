"""The hospitals: counts as they may be told; pseudonyms, rules and the spoke's own tally for who may see its work."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse

from midas.catalogue.models import Dataset, Instance, Subject, Submission, Visit
from midas.people.models import Institution
from midas.people.rule import Act
from midas.release.disclosure import OF
from midas.release.searching import entries
from midas.ui.words import count
from midas.web.guard import needs
from midas.web.pages.datasets import title_of
from midas.web.pages.frame import account_of, page
from midas.web.pages.quality_look import asked_of
from midas.web.standing import may, visible

PEOPLE_ON_PAGE = 50


@dataclass(frozen=True)
class SpokeLine:
    slug: str
    name: str
    place: str
    people: str
    datasets: int


@dataclass(frozen=True)
class PersonLine:
    pseudonym: str
    dataset: str
    visits: int
    images: int
    withdrawn: bool


def _place(one: Institution) -> str:
    return ", ".join(part for part in (one.city, one.state) if part)


def _people(spoke: str) -> Any:
    return Subject.objects.filter(spoke=spoke, withdrawn_at=None)


def _told(request: HttpRequest) -> dict[str, dict[str, int]]:
    """Return hospital → dataset → people, for each dataset as its own page tells this reader."""
    account, found = account_of(request), dict[str, dict[str, int]]()
    for entry in entries().entries:
        told = entry.told["tables"].get("hospital", {}).get("cells", {})
        if may(account, Act.SEE_SPOKE, entry.slug):
            standing = Subject.objects.filter(dataset__slug=entry.slug, withdrawn_at=None)
            told = dict(standing.values_list("spoke").annotate(number=Count("pk")).order_by())
        for key, number in told.items():
            if number:
                found.setdefault(key.rpartition(OF)[2], {})[entry.slug] = number
    return found


def _line(one: Institution, people: dict[str, int]) -> SpokeLine:
    return SpokeLine(
        one.slug, one.name, _place(one), count(sum(people.values())) if people else "–", len(people)
    )


@needs(Act.BROWSE)
def spokes(request: HttpRequest) -> HttpResponse:
    told = _told(request)
    lines = [_line(one, told.get(one.slug, {})) for one in Institution.objects.order_by("name")]
    return page(request, "spokes", {"spokes": lines}, section="spokes")


def _visible_datasets(request: HttpRequest) -> list[str]:
    return visible(account_of(request), Act.SEE_SPOKE, list(Dataset.objects.values_list("slug", flat=True)))


@needs(Act.BROWSE)
def spoke(request: HttpRequest, slug: str) -> HttpResponse:
    one = Institution.objects.filter(slug=slug).first()
    if one is None:
        raise Http404
    seen = _visible_datasets(request)
    states = dict(
        Submission.objects.filter(spoke=slug).values_list("state").annotate(n=Count("pk")).order_by()
    )
    told = _told(request).get(slug, {})
    line = _line(one, told)
    context: dict[str, Any] = {
        "spoke": {
            "slug": slug, "name": one.name, "place": _place(one), "people": line.people,
            "registered": states.get("registered", 0),
            "refused": states.get("refused", 0),
        },
        "datasets": [
            {"slug": name, "title": title_of(name), "people": count(people)} for name, people in told.items()
        ],
        "may_see": bool(seen),
    }  # fmt: skip
    if seen:
        context |= {
            "tallies": _tallies(slug, seen),
            "findings": _findings(slug, seen),
            "asked": asked_of(slug, seen),
            "people": _lines(request, slug, seen),
        }
    return page(request, "spoke", context, section="spokes")


def _tallies(slug: str, seen: list[str]) -> list[dict[str, Any]]:
    """Return the latest reported tally for each dataset."""
    found: dict[str, dict[str, Any]] = {}
    sent = (
        Submission.objects.filter(spoke=slug, dataset__slug__in=seen)
        .select_related("dataset")
        .order_by("received_at")
    )
    for one in sent.only("header", "received_at", "dataset__slug").iterator():
        tally = one.header.get("tally", {})
        found[one.dataset.slug] = {
            "slug": one.dataset.slug,
            "title": title_of(one.dataset.slug),
            "at": one.received_at,
            **tally,
        }
    return list(found.values())


def _findings(slug: str, seen: list[str]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    for findings in Submission.objects.filter(spoke=slug, dataset__slug__in=seen).values_list(
        "findings", flat=True
    ):
        counts.update((finding.get("rule", ""), finding.get("severity", "")) for finding in findings)
    return [{"rule": rule, "severity": severity, "times": n} for (rule, severity), n in counts.most_common()]


def _lines(request: HttpRequest, slug: str, seen: list[str]) -> Any:
    people = (
        Subject.objects.filter(spoke=slug, dataset__slug__in=seen)
        .select_related("dataset")
        .order_by("pseudonym")
    )
    shown: Any = Paginator(people, PEOPLE_ON_PAGE).get_page(request.GET.get("page"))
    keys = [one.pk for one in shown]
    visits = dict(
        Visit.objects.filter(subject__in=keys).values_list("subject").annotate(n=Count("pk")).order_by()
    )
    images = dict(
        Instance.objects.filter(series__study__subject__in=keys)
        .values_list("series__study__subject").annotate(n=Count("pk")).order_by()
    )  # fmt: skip
    shown.object_list = [
        PersonLine(
            one.pseudonym,
            one.dataset.slug,
            visits.get(one.pk, 0),
            images.get(one.pk, 0),
            one.withdrawn_at is not None,
        )
        for one in shown
    ]
    return shown
