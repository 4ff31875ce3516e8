"""Read-only questions about access: requests and grants for lists, and what a dataset answers to anyone.

In come a dataset or an account and a moment; out come rows and one answer per question, the same for pages and programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import QuerySet

from midas.access.models import Grant, Request
from midas.catalogue.models import Dataset
from midas.catalogue.protocols import in_force, protocol_of
from midas.people.models import Account
from midas.release import look as releases

COUNTED = timedelta(days=730)
FEWEST = 5
"""Decided requests below which no median is told: it would tell of single persons, and say little."""
IN_REGION, IN_INSTITUTION = "DUO:0000022", "DUO:0000028"


@dataclass(frozen=True)
class Answers:
    """Who may use a dataset, for what, where, and how long it takes; `days` is `None` where too few were decided."""

    dataset: str
    level: str
    commercial: bool
    uses: tuple[str, ...]
    where: str
    days: float | None
    decided: int
    version: str
    twin: bool


def answers(dataset: Dataset, *, now: datetime) -> Answers | None:
    """Return what a dataset answers without sign-in: by its newest release, else by its protocol; `None` without one."""
    cut = releases.releases(dataset.slug)
    protocol = cut[0].draft.protocol if cut else in_force(dataset)
    if protocol is None:
        return None
    access, (days, decided) = protocol_of(protocol).access, days_to_decide(dataset, now=now)
    restrictions = {IN_REGION: "region", IN_INSTITUTION: "institution"}
    where = next((words for code, words in restrictions.items() if code in access.uses), "anywhere")
    return Answers(
        dataset=dataset.slug, level=access.level, commercial=access.commercial, uses=access.uses, where=where, days=days,
        decided=decided, version=cut[0].version if cut else "",
        twin=bool(cut) and releases.twin_of(cut[0]) is not None,
    )  # fmt: skip


def days_to_decide(dataset: Dataset, *, now: datetime) -> tuple[float | None, int]:
    """Return the median days from request to decision over two years, and over how many requests."""
    decided = Request.objects.filter(release__dataset=dataset, decided_at__gt=now - COUNTED)
    pairs = decided.values_list("asked_at", "decided_at")
    took = [(end - begin) / timedelta(days=1) for begin, end in pairs if end]
    return (round(median(took), 1) if len(took) >= FEWEST else None), len(took)


def requests(datasets: list[str], *, waiting: bool) -> QuerySet[Request]:
    """Return requests for releases of these datasets: open ones the oldest first, decided ones the newest first."""
    found = Request.objects.filter(release__dataset__slug__in=datasets, decided_at__isnull=waiting)
    related = found.select_related("account", "institution", "release__dataset", "terms")
    return related.order_by("asked_at" if waiting else "-decided_at")


def grants(datasets: list[str]) -> QuerySet[Grant]:
    """Return all grants to releases of these datasets, the newest first."""
    found = Grant.objects.filter(release__dataset__slug__in=datasets)
    related = found.select_related("account", "institution", "release__dataset", "given_by", "terms")
    return related.order_by("-given_at")


def requests_of(account: Account) -> QuerySet[Request]:
    """Return the requests of one person that led to no grant (yet), the newest first."""
    granted = Grant.objects.filter(account=account, request__isnull=False).values("request")
    found = Request.objects.filter(account=account).exclude(pk__in=granted)
    return found.select_related("account", "institution", "release__dataset", "terms").order_by("-asked_at")


def grants_of(account: Account) -> QuerySet[Grant]:
    """Return the grants of one person, the newest first."""
    found = Grant.objects.filter(account=account)
    return found.select_related("account", "release__dataset", "terms", "institution").order_by("-given_at")
