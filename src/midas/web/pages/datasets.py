"""Home, catalogue and the page of a dataset: open to anyone, with pictures where this reader may see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from midas.access import look
from midas.catalogue.models import Dataset, Instance, Series, Subject
from midas.kernel import SystemClock
from midas.people.models import Institution
from midas.people.rule import Act
from midas.protocol.model import Protocol
from midas.release.models import Release, ReleaseFile, ReleaseSubject
from midas.web.guard import needs
from midas.web.pages import reading, studies
from midas.web.pages.access_words import sentences
from midas.web.pages.composition import composition, target_lines
from midas.web.pages.disclosure import Told, at_least, open_to, publish, tell
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import in_force, protocol_of, said
from midas.web.standing import may

SAMPLES = 12


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    choices: tuple[Choice, ...]


@needs(Act.BROWSE)
def home(request: HttpRequest) -> HttpResponse:
    context = {"figures": reading.figures(), "datasets": reading.cards(account_of(request))[:6]}
    return page(request, "home", context)


FACETS: dict[str, Callable[[reading.DatasetCard], tuple[str, ...]]] = {
    "disease": lambda card: card.diseases,
    "modality": lambda card: card.modalities,
    "access": lambda card: (card.access,),
}


@needs(Act.BROWSE)
def catalogue(request: HttpRequest) -> HttpResponse:
    """List datasets; choices of one facet widen, facets narrow each other, the search looks into words and codes."""
    found = reading.cards(account_of(request))
    query = request.GET.get("q", "").strip()[:100]
    chosen = {name: set(request.GET.getlist(name)) for name in FACETS}
    shown = [card for card in found if _matches(card, query) and _fits(card, chosen)]
    titles = {"disease": _("Disease"), "modality": _("Modality"), "access": _("Access")}
    words = {"open": _("Open"), "controlled": _("Controlled access"), "restricted": _("Restricted")}
    facets = [
        Facet(name, titles[name], _choices(found, name, chosen[name], words if name == "access" else {}))
        for name in FACETS
    ]
    filtered = bool(query) or any(chosen.values())
    context = {"datasets": shown, "facets": facets, "query": query, "filtered": filtered}
    return page(request, "catalogue", context, section="catalogue")


def _matches(card: reading.DatasetCard, query: str) -> bool:
    text = " ".join(
        [card.slug, card.title, card.summary, *card.diseases, *card.modalities, *card.sites]
    ).casefold()
    return all(word in text for word in query.casefold().split())


def _fits(card: reading.DatasetCard, chosen: dict[str, set[str]]) -> bool:
    return all(not wanted or wanted & set(FACETS[name](card)) for name, wanted in chosen.items())


def _choices(
    cards: list[reading.DatasetCard], name: str, chosen: set[str], words: dict[str, str]
) -> tuple[Choice, ...]:
    counts: dict[str, int] = {}
    for card in cards:
        for value in FACETS[name](card):
            counts[value] = counts.get(value, 0) + 1
    return tuple(
        Choice(value, words.get(value, value), number, value in chosen)
        for value, number in sorted(counts.items())
    )


def dataset_or_404(slug: str) -> tuple[Dataset, Any, Protocol]:
    dataset = Dataset.objects.filter(slug=slug).first()
    version = in_force(dataset) if dataset else None
    if dataset is None or version is None:
        raise Http404
    return dataset, version, protocol_of(version)


@needs(Act.BROWSE)
def dataset_page(request: HttpRequest, dataset: str) -> HttpResponse:
    found, version, protocol = dataset_or_404(dataset)
    account = account_of(request)
    card = reading.card(found, version, account, number=0)
    access = protocol.access
    whole = open_to(account, access.level, dataset)
    size = (
        Instance.objects.filter(series__study__subject__dataset=found).aggregate(all=Sum("size"))["all"] or 0
    )
    samples = reading.shown(found, protocol, SAMPLES, allowed=whole)
    root = studies.root_for(account, found)
    looks = studies.addresses(*root, {one.sha256: one.modality for one in samples}) if root else {}
    described = {
        **{name: getattr(card, name) for name in card.__dataclass_fields__},
        "synthetic": bool(samples) and not whole,
        "people": tell(card.subjects if whole else at_least(card.subjects)),
        "series": Series.objects.filter(study__subject__dataset=found).count(),
        "bytes": size,
        "targets": target_lines(found, protocol, whole=whole),
        "ethics": protocol.ethics,
        "citation": access.citation,
        "license": access.license,
        "license_url": access.license_url,
        "commercial": access.commercial,
        "uses": access.uses,
        "protocol_version": version.version,
        "protocol_sha256": version.sha256,
    }
    context = {
        "dataset": described,
        "samples": [(one, looks.get(one.sha256, "")) for one in samples],
        "root": root,
        "composition": composition(found, protocol, whole=whole),
        "sites": hospitals(found, whole=whole),
        "releases": release_lines(found),
        "snippets": snippets(request, dataset, card.version),
        "may_download": may_get(account, access.level, dataset),
        "answers": answers_of(found),
    }
    return page(request, "dataset", context, section="catalogue")


def answers_of(dataset: Dataset) -> dict[str, Any]:
    """Return what a dataset answers about access, for `hub/access_answers.html`."""
    told = look.answers(dataset, now=SystemClock().now())
    if told is None:
        raise Http404
    return {
        "says": sentences(told),
        "twin": told.twin,
        "version": told.version,
        "level": told.level,
        "slug": dataset.slug,
    }


def may_get(account: Any, access: str, dataset: str, version: str | None = None) -> bool:
    """Say whether this account may download: an open dataset with sign-in only, any other with a grant."""
    if access == "open" and may(account, Act.DOWNLOAD_OPEN, dataset):
        return True
    return may(account, Act.DOWNLOAD, dataset, version)


def hospital_counts(dataset: Dataset, *, whole: bool) -> dict[str, tuple[Told, Told]]:
    """Return people and images by hospital, the most people first; else as `publish` lets them be told, by id."""
    subjects = Subject.objects.filter(dataset=dataset, withdrawn_at=None)
    people = dict(subjects.values_list("spoke").annotate(number=Count("pk")).order_by("spoke"))
    images = dict(
        Instance.objects.filter(series__study__subject__in=subjects)
        .values_list("series__study__subject__spoke").annotate(number=Count("pk")).order_by()
    )  # fmt: skip
    slugs = sorted(people, key=lambda slug: (-people[slug] if whole else 0, slug))
    pair = [people[slug] for slug in slugs], [images.get(slug, 0) for slug in slugs]
    told = pair if whole else tuple(publish(counts) for counts in pair)
    return dict(zip(slugs, zip(*told, strict=True), strict=True))


def hospitals(dataset: Dataset, *, whole: bool) -> list[reading.SpokeLine]:
    counted = hospital_counts(dataset, whole=whole)
    known = {one.slug: one for one in Institution.objects.filter(slug__in=counted)}
    lines = []
    for slug, (people, images) in counted.items():
        one = known.get(slug)
        place = ", ".join(part for part in (one.city, one.state) if part) if one else ""
        lines.append(reading.SpokeLine(slug, one.name if one else slug, place, tell(people), tell(images)))
    return lines


def release_lines(dataset: Dataset) -> list[reading.ReleaseLine]:
    """Return the real releases of a dataset, the newest first, and whether each has a twin."""
    found = Release.objects.filter(dataset=dataset)
    twins = set(found.filter(twin=True).values_list("version", flat=True))
    sizes = dict(
        ReleaseFile.objects.filter(release__in=found)
        .values_list("release")
        .annotate(sum=Sum("size"))
        .order_by()
    )
    people = dict(
        ReleaseSubject.objects.filter(release__in=found)
        .values_list("release")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return [
        reading.ReleaseLine(
            one.version, one.cut_at, people.get(one.pk, 0), sizes.get(one.pk, 0) or 0, one.version in twins
        )
        for one in found.filter(twin=False).order_by("-cut_at")
    ]


def snippets(request: HttpRequest, dataset: str, version: str, *, twin: bool = False) -> dict[str, str]:
    """Return the words to type, with this hub's own address."""
    hub, name = f"{request.scheme}://{request.get_host()}", f"{dataset}@{version}"
    flag = " --twin" if twin else ""
    more = ", twin=True" if twin else ""
    return {
        "sdk": f'import midas\n\nrelease = midas.open(\n    "{name}",\n    hub="{hub}"{more},\n)\nrelease.tables',
        "cli": f"midas get {name} \\\n  --hub {hub}{flag}",
        "verify": f"midas release verify {dataset}-{version}",
    }


def title_of(slug: str) -> str:
    dataset = Dataset.objects.filter(slug=slug).first()
    version = in_force(dataset) if dataset else None
    return said(protocol_of(version).title) if version else slug
