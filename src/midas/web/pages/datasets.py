"""Home, catalogue and the page of a dataset: open to anyone, pictures and exact numbers where this reader may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from midas.access import look
from midas.catalogue.models import Dataset
from midas.kernel import SystemClock
from midas.people.models import Institution
from midas.people.rule import Act
from midas.protocol.model import Protocol
from midas.release import find
from midas.release.disclosure import OF
from midas.release.models import Figures, Release, ReleaseFile
from midas.release.publication import latest
from midas.release.searching import FACETS, Entry, entries
from midas.ui import india
from midas.ui.words import count
from midas.web.guard import needs
from midas.web.pages import composition, reading, studies
from midas.web.pages.access_words import sentences
from midas.web.pages.frame import account_of, page
from midas.web.pages.machines import block_of
from midas.web.pages.protocols import in_force, protocol_of, said
from midas.web.standing import may

SAMPLES = 12
CARDS_ON_PAGE = 12
CHOICES_SHOWN = 8
"""Choices of a facet that stand open; the others are a click away."""


@dataclass(frozen=True)
class Choice:
    id: str
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...]


@needs(Act.BROWSE)
def home(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    cards = [reading.card(entry, account) for entry in entries().entries[:6]]
    return page(request, "home", {"figures": reading.figures(), "datasets": cards})


@needs(Act.BROWSE)
def catalogue(request: HttpRequest) -> HttpResponse:
    """List datasets; choices of one facet widen, facets narrow each other, and all of it stands in the address."""
    query = request.GET.get("q", "").strip()[:100]
    chosen = {name: request.GET.getlist(name) for name in FACETS}
    found, account = find(query, chosen), account_of(request)
    shown: Any = Paginator(found.entries, CARDS_ON_PAGE).get_page(request.GET.get("page"))
    entries_here: list[Entry] = list(shown.object_list)
    context = {
        "datasets": [reading.card(entry, account) for entry in entries_here], "numbered": shown,
        "number": len(found.entries), "query": query, "instead": found.instead,
        "facets": [_facet(name, found.facets[name], set(chosen[name])) for name in FACETS if found.facets[name]],
        "filtered": bool(query) or any(chosen.values()),
    }  # fmt: skip
    return page(request, "catalogue", context, section="catalogue")


def _facet(name: str, counts: Mapping[str, int], chosen: set[str]) -> Facet:
    titles = {
        "disease": _("Disease"), "site": _("Body part"), "modality": _("Modality"), "device": _("Device"),
        "state": _("State"), "age": _("Age band"), "sex": _("Sex"), "grade": _("Grade"), "access": _("Access"),
        "license": _("Licence"),
    }  # fmt: skip
    access = {"open": _("Open"), "controlled": _("Controlled access"), "restricted": _("Restricted")}
    values = sorted(counts) if name == "age" else list(counts)
    choices = [
        Choice(
            f"{name}-{crc32(value.encode()):x}", value,
            access.get(value, value) if name == "access" else composition.label(name, value), counts[value], value in chosen,
        )
        for value in values
    ]  # fmt: skip
    first = [one for number, one in enumerate(choices) if number < CHOICES_SHOWN or one.chosen]
    return Facet(name, titles[name], tuple(first), tuple(one for one in choices if one not in first))


def dataset_or_404(slug: str) -> tuple[Dataset, Any, Protocol]:
    dataset = Dataset.objects.filter(slug=slug).first()
    version = in_force(dataset) if dataset else None
    if dataset is None or version is None:
        raise Http404
    return dataset, version, protocol_of(version)


@needs(Act.BROWSE)
def dataset_page(request: HttpRequest, dataset: str) -> HttpResponse:
    found, version, protocol = dataset_or_404(dataset)
    account, figures = account_of(request), latest(found)
    access = protocol.access
    whole = composition.sees_all(account, access.level, dataset)
    seen = composition.seen(found, protocol, figures, account)
    kinds = {item.id: said(item.title) for item in protocol.items}
    samples = reading.shown(found, kinds, SAMPLES, allowed=whole)
    root = studies.root_for(account, found)
    looks = studies.addresses(*root, {one.sha256: one.modality for one in samples}) if root else {}
    described = {
        "slug": dataset, "title": said(protocol.title), "summary": said(protocol.summary), "access": access.level,
        "diseases": [{"name": one.meaning, "code": f"{one.scheme} {one.value}"} for one in protocol.disease],
        "version": figures.release.version if figures else "", "hidden": not whole,
        "synthetic": bool(samples) and not whole, "targets": composition.target_lines(seen, protocol),
        "ethics": protocol.ethics, "citation": access.citation, "license": access.license,
        "license_url": access.license_url, "commercial": access.commercial, "uses": access.uses,
        "protocol_version": version.version, "protocol_sha256": version.sha256,
    }  # fmt: skip
    context = {
        "dataset": described, "samples": [(one, looks.get(one.sha256, "")) for one in samples],
        "root": root, "seen": seen, "charts": composition.charts(seen, protocol),
        "hospitals": hospitals(seen, protocol), "releases": release_lines(found, account),
        "snippets": snippets(request, dataset, described["version"]), "to_people": to_people(request, dataset, seen),
        "may_download": may_get(account, access.level, dataset), "jsonld": block_of(request, found, protocol),
        "answers": answers_of(found),
    }  # fmt: skip
    return page(request, "dataset", context, section="catalogue")


def to_people(request: HttpRequest, dataset: str, seen: composition.Seen) -> str:
    """Return where the list of persons stands for who may see it."""
    account = account_of(request)
    if may(account, Act.DRAFT, dataset):
        return reverse("hub:desk-people", args=[dataset])
    if seen.version and may_get(account, "", dataset, seen.version):
        return reverse("hub:people", args=[dataset, seen.version])
    return ""


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


@dataclass(frozen=True)
class HospitalLine:
    slug: str
    name: str
    place: str
    people: str


def hospitals(seen: composition.Seen, protocol: Protocol) -> list[HospitalLine]:
    """List the protocol's hospitals, and with how many people each takes part as far as that may be told."""
    people = {key.partition(OF)[2]: number for key, number in seen.cells("hospital").items() if number}
    lines = []
    for one in {one.id: one for one in (*protocol.spokes, protocol.hub)}.values():
        if one.id == protocol.hub.id and one.id not in people:
            continue
        state = india.name_of(one.state, (get_language() or "en")[:2])
        place = ", ".join(part for part in (one.city, state) if part)
        lines.append(
            HospitalLine(one.id, one.name, place, count(people[one.id]) if one.id in people else "–")
        )
    known = set(
        Institution.objects.filter(slug__in=[one.slug for one in lines]).values_list("slug", flat=True)
    )
    return [one for one in lines if one.slug in known]


def release_lines(dataset: Dataset, account: Any) -> list[reading.ReleaseLine]:
    """Return the real releases of a dataset, the newest first, and whether each has a twin."""
    found = Release.objects.filter(dataset=dataset)
    twins = set(found.filter(twin=True).values_list("version", flat=True))
    figures = {one.release_id: one for one in Figures.objects.filter(release__in=found)}
    lines = []
    for one in found.filter(twin=False).order_by("-cut_at"):
        seen = composition.of_release(
            one,
            figures.get(one.pk),
            whole=composition.sees_all(account, one.access, dataset.slug, one.version),
        )
        lines.append(
            reading.ReleaseLine(
                one.version, one.cut_at, people_of(seen), seen.figures["bytes"], one.version in twins
            )
        )
    return lines


def people_of(seen: composition.Seen) -> str:
    return count(seen.figures["people"]) if seen.figures["people"] or seen.whole else _("fewer than 5")


def bytes_of(release: Release) -> int:
    return ReleaseFile.objects.filter(release=release).aggregate(all=Sum("size"))["all"] or 0


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
