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
from midas.web.guard import needs
from midas.web.pages.datasets import hospital_counts, title_of
from midas.web.pages.disclosure import Hidden, Told, open_to, tell
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import in_force, protocol_of
from midas.web.pages.reading import SpokeLine
from midas.web.standing import may, visible

PEOPLE_ON_PAGE = 50


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


Counts = dict[str, dict[str, tuple[Told, Told]]]
"""Hospital → dataset → people and images."""


def _counts(request: HttpRequest) -> Counts:
    """Count by dataset, with the same numbers left out as on its page: two pages must not give away what one hides."""
    account, found = account_of(request), Counts()
    for dataset in Dataset.objects.order_by("slug"):
        version = in_force(dataset)
        access = protocol_of(version).access.level if version else "restricted"
        whole = open_to(account, access, dataset.slug) or may(account, Act.SEE_SPOKE, dataset.slug)
        for slug, pair in hospital_counts(dataset, whole=whole).items():
            found.setdefault(slug, {})[dataset.slug] = pair
    return found


def _sum(parts: list[Told]) -> str:
    """Add up; a sum with a part that is not told is not told, or the part could be worked out."""
    numbers = [part for part in parts if isinstance(part, int)]
    hidden = next((part for part in parts if not isinstance(part, int)), None)
    if hidden is None:
        return tell(sum(numbers))
    return tell(hidden if len(parts) == 1 else Hidden.COVER)


@needs(Act.BROWSE)
def spokes(request: HttpRequest) -> HttpResponse:
    counted = _counts(request)
    lines = []
    for one in Institution.objects.order_by("name"):
        mine = list(counted.get(one.slug, {}).values())
        people, images = _sum([pair[0] for pair in mine]), _sum([pair[1] for pair in mine])
        lines.append(SpokeLine(one.slug, one.name, _place(one), people, images))
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
    counted = _counts(request).get(slug, {})
    context: dict[str, Any] = {
        "spoke": {
            "slug": slug, "name": one.name, "place": _place(one),
            "subjects": _sum([pair[0] for pair in counted.values()]),
            "instances": _sum([pair[1] for pair in counted.values()]), "registered": states.get("registered", 0),
            "refused": states.get("refused", 0),
        },
        "datasets": [
            {"slug": name, "title": title_of(name), "subjects": tell(people), "instances": tell(images)}
            for name, (people, images) in counted.items()
        ],
        "may_see": bool(seen),
    }  # fmt: skip
    if seen:
        context |= {
            "tallies": _tallies(slug, seen),
            "findings": _findings(slug, seen),
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
        found[one.dataset.slug] = {"title": title_of(one.dataset.slug), "at": one.received_at, **tally}
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
