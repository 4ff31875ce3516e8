"""Questions of the quality pages to the catalogue: counts by dataset, site, rule and submission, and rows of the queue.

In come datasets that the caller may see and a choice; out come values for people. Pages of the queue go on from a key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from midas.catalogue.findings.standing import OPEN, STATES, standing, state_of
from midas.catalogue.models import (
    Dataset,
    Instance,
    QualityAnswer,
    QualityDecision,
    QualityFinding,
    Submission,
)
from midas.people.models import Institution
from midas.quality import registry
from midas.ui.charts import Part
from midas.ui.phrases import phrase
from midas.ui.words import day
from midas.web.pages.protocols import said
from midas.web.pages.reading import middle

ON_PAGE = 48
ON_TREND = 12
MOST_LEFT_OUT = 100
WEIGHTS = {"error": 1, "warning": 2, "info": 3}


@dataclass(frozen=True)
class Choice:
    """What somebody chose to see; empty: everything. `state` is one of `STATES`, or "all"."""

    dataset: str = ""
    site: str = ""
    rule: str = ""
    severity: str = ""
    state: str = OPEN
    shape: str = ""
    after: str = ""

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Choice:
        named = {name: told.get(name, "")[:100] for name in ("dataset", "site", "rule", "severity", "after")}
        state, shape = told.get("state", OPEN), told.get("shape", "")
        return cls(
            **{**named, "severity": named["severity"] if named["severity"] in WEIGHTS else ""},
            state=state if state in {*STATES, "all"} else OPEN, shape="list" if shape == "list" else "",
        )  # fmt: skip

    def among(self, datasets: list[str]) -> QuerySet[Any]:
        """Return the findings of today that are chosen, in datasets that the caller may see."""
        found = standing().filter(**self.where(datasets))
        if self.state == "all":
            return found
        if self.state != OPEN:
            given = QualityDecision.objects.filter(verdict__in=STATES[self.state])
            found = found.filter(mark__in=given.values("mark"))
        return found.filter(verdict__in=STATES[self.state])

    def where(self, datasets: list[str]) -> dict[str, Any]:
        """Return the filter for all but the state. Datasets are named by key, so that the queue's index is used."""
        chosen = Dataset.objects.filter(slug__in=[one for one in datasets if self.dataset in ("", one)])
        wanted = {"submission__spoke": self.site, "rule": self.rule, "weight": WEIGHTS.get(self.severity)}
        return {
            "dataset__in": list(chosen.values_list("pk", flat=True)),
            **{name: value for name, value in wanted.items() if value},
        }

    def holds(self, one: Group) -> bool:
        """Say whether a group is among what is chosen."""
        return (
            self.dataset in ("", one.dataset) and self.site in ("", one.site) and self.rule in ("", one.rule)
            and WEIGHTS.get(self.severity) in (None, one.weight) and self.state in ("all", one.state)
        )  # fmt: skip


# -- counts ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Some findings that agree in all of this, and how many there are."""

    dataset: str
    site: str
    submission: int
    rule: str
    weight: int
    state: str
    number: int


@dataclass(frozen=True)
class RuleLine:
    rule: str
    title: str
    severity: str
    open: int
    decided: int


def groups(choice: Choice, datasets: list[str]) -> list[Group]:
    """Count the findings of today: all of them by what they are, and the few that were decided by their state."""
    where = choice.where(datasets)
    names = ("dataset__slug", "submission__spoke", "submission", "rule", "weight")
    every = QualityFinding.objects.filter(superseded=None, **where).values_list(*names)
    marks = QualityDecision.objects.filter(finding__dataset__in=where["dataset__in"]).values("mark")
    judged = standing().filter(mark__in=marks, **where).values_list(*names, "verdict")
    tally = Counter({(*key, OPEN): number for *key, number in every.annotate(number=Count("pk")).order_by()})
    for *key, verdict, number in judged.annotate(number=Count("pk")).order_by():
        tally[*key, OPEN] -= number
        tally[*key, state_of(verdict)] += number
    return [
        Group(dataset, site, submission, rule, weight, state, number)
        for (dataset, site, submission, rule, weight, state), number in sorted(tally.items()) if number
    ]  # fmt: skip


def parts(counted: Iterable[Group], key: Callable[[Group], str], names: Mapping[str, str]) -> list[Part]:
    """Return open findings by what `key` says, the most first."""
    tally: Counter[str] = Counter()
    for one in counted:
        if one.state == OPEN:
            tally[key(one)] += one.number
    return [Part(names.get(name, name), number) for name, number in tally.most_common(10)]


def by_rule(counted: Iterable[Group]) -> list[RuleLine]:
    """Return each rule with what is open and what was decided, the worst and most first."""
    tally: dict[tuple[int, str], Counter[bool]] = {}
    for one in counted:
        tally.setdefault((one.weight, one.rule), Counter())[one.state == OPEN] += one.number
    return [
        RuleLine(rule, title_of(rule), severity_of(weight), both[True], both[False])
        for (weight, rule), both in sorted(
            tally.items(), key=lambda pair: (pair[0][0], -pair[1][True], pair[0][1])
        )
    ]


def severity_of(weight: int) -> str:
    return next(name for name, one in WEIGHTS.items() if one == weight)


def trend(counted: Iterable[Group]) -> list[Part]:
    """Return errors and warnings for each 100 images of the last submissions, the oldest first."""
    tally: Counter[int] = Counter()
    for one in counted:
        tally[one.submission] += one.number if one.weight < WEIGHTS["info"] else 0
    sent = Submission.objects.filter(pk__in=tally).order_by("-registered_at", "-pk")[:ON_TREND]
    return [
        Part(
            day(one.registered_at).rpartition(" ")[0],
            round(100 * tally[one.pk] / max(int(one.header.get("instances", 0)), 1)),
        )
        for one in reversed(sent)
    ]


def sites() -> dict[str, str]:
    return dict(Institution.objects.values_list("slug", "name"))


# -- rows ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """One finding in a list. `picture` is empty where the series has none."""

    number: int
    rule: str
    title: str
    severity: str
    message: str
    person: str
    dataset: str
    site: str
    modality: str
    images: int
    state: str
    value: str
    picture: str


@dataclass(frozen=True)
class Shown:
    """A page of the queue; `after` is where the next one begins, "" on the last."""

    cards: tuple[Card, ...]
    after: str


def page_of(choice: Choice, datasets: list[str], *, number: int = ON_PAGE) -> Shown:
    """Return findings, the worst first, from the key in `choice.after` on."""
    found = choice.among(datasets).order_by("weight", "pk")
    weight, _dot, key = choice.after[:20].partition(".")
    if weight.isdecimal() and key.isdecimal():
        found = found.filter(Q(weight__gt=int(weight)) | Q(weight=int(weight), pk__gt=int(key)))
    rows = list(
        found.select_related("dataset", "submission", "subject", "series", "instance", "record")[: number + 1]
    )
    more = len(rows) > number
    rows = rows[:number]
    return Shown(cards(rows), f"{rows[-1].weight}.{rows[-1].pk}" if more else "")


def cards(rows: list[Any]) -> tuple[Card, ...]:
    """Return findings of today with the picture of their image, or of the middle one of their series."""
    pictures = pictures_of(rows)
    return tuple(
        Card(
            number=one.pk, rule=one.rule, title=title_of(one.rule), severity=one.severity, message=one.message,
            person=person_of(one), dataset=one.dataset.slug, site=one.submission.spoke,
            modality=kind_of(one), images=one.images, state=state_of(one.verdict), value=measured(one),
            picture=pictures.get(one.pk, ""),
        )
        for one in rows
    )  # fmt: skip


def person_of(one: QualityFinding) -> str:
    """Return the pseudonym; "" for a finding about a hospital's whole table."""
    return one.subject.pseudonym if one.subject else ""


def kind_of(one: QualityFinding) -> str:
    """Return what it is about: the series' modality, or the table."""
    return one.series.modality if one.series else one.record.table if one.record else _("table")


def pictures_of(rows: Iterable[QualityFinding]) -> dict[int, str]:
    """Return the address of each finding's picture."""
    found = {
        one.pk: one.instance.preview for one in rows if one.instance is not None and one.instance.preview
    }
    series = {one.series_id for one in rows if one.pk not in found and one.series_id}
    stand_in = middle(Instance.objects.filter(series__in=series).exclude(preview="")) if series else {}
    found |= {
        one.pk: stand_in[one.series_id].preview
        for one in rows if one.pk not in found and one.series_id in stand_in
    }  # fmt: skip
    return {key: reverse("hub:picture", args=[preview]) for key, preview in found.items()}


def measured(one: QualityFinding) -> str:
    """Write what was measured, with its unit; "" where a rule only says right or wrong."""
    return "" if one.value is None else f"{one.value:.4g} {phrase(one.unit)}".strip()


def limits(one: QualityFinding) -> str:
    bounds = [
        f"≥ {one.least:g}" if one.least is not None else "",
        f"≤ {one.most:g}" if one.most is not None else "",
    ]
    said = " · ".join(filter(None, bounds))
    return f"{said} {phrase(one.unit)}".strip() if said else ""


@dataclass(frozen=True)
class LeftOut:
    """What the next draft leaves out by a decision that stands."""

    finding: int
    person: str
    dataset: str
    whole: bool
    item: str
    title: str
    why: str
    who: str
    at: Any


def left_out(datasets: list[str]) -> list[LeftOut]:
    """List exclusions that stand, the newest first."""
    rows = _last_of(QualityDecision.Verdict.EXCLUDE, datasets)
    return [
        LeftOut(
            one.finding_id, person_of(one.finding), one.finding.dataset.slug, one.covers == "subject",
            one.finding.series.item if one.finding.series else "", title_of(one.finding.rule), one.why,
            one.by.username, one.at,
        )
        for one in rows[:MOST_LEFT_OUT]
    ]  # fmt: skip


def _last_of(verdict: str, datasets: list[str]) -> QuerySet[QualityDecision]:
    later = QualityDecision.objects.filter(mark=OuterRef("mark"), pk__gt=OuterRef("pk"))
    found = QualityDecision.objects.filter(verdict=verdict, finding__dataset__slug__in=datasets)
    found = found.exclude(Exists(later)).order_by("-pk")
    return found.select_related("by", "finding__subject", "finding__series", "finding__dataset")


def answered(datasets: list[str]) -> list[dict[str, Any]]:
    """List what hospitals answered and nobody decided on since, the newest first."""
    asked = _last_of(QualityDecision.Verdict.ASK, datasets)
    rows = QualityAnswer.objects.filter(decision__in=asked.values("pk")).order_by("-pk")[:MOST_LEFT_OUT]
    names = sites()
    return [
        {"finding": one.decision.finding_id, "title": title_of(one.decision.finding.rule), "asked": one.decision.why,
         "kind": one.kind, "words": one.words, "site": names.get(one.spoke, one.spoke), "at": one.at}
        for one in rows.select_related("decision__finding")
    ]  # fmt: skip


def asked_of(site: str, datasets: list[str]) -> list[dict[str, Any]]:
    """List what curators asked a hospital about and that nobody settled since, with its answer."""
    rows = _last_of(QualityDecision.Verdict.ASK, datasets).filter(finding__submission__spoke=site)
    told = dict(QualityAnswer.objects.filter(decision__in=rows.values("pk")).values_list("decision", "kind"))
    return [
        {"person": person_of(one.finding), "title": title_of(one.finding.rule), "message": one.finding.message,
         "why": one.why, "at": one.at, "who": one.by.username, "dataset": one.finding.dataset.slug,
         "finding": one.finding_id, "answered": one.pk in told}
        for one in rows[:MOST_LEFT_OUT]
    ]  # fmt: skip


def by_spoke(one: QualityFinding) -> list[dict[str, Any]]:
    """Return what the spoke itself found of the same images before it sent them, each thing once."""
    images = Instance.objects.filter(series=one.series_id) if one.series_id else Instance.objects.none()
    if one.instance_id is not None:
        images = images.filter(pk=one.instance_id)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for found in images.exclude(findings=[]).order_by("pk").values_list("findings", flat=True)[:500]:
        for line in found:
            told.setdefault((line["rule"], line["message"]), line)
    return list(told.values())[:20]


def title_of(rule: str) -> str:
    """Name a rule in the reader's words; one that no check has any more keeps its id."""
    if (check := registry().get(rule)) is not None:
        return said(check.title)
    return {
        "quality.bytes": _("Bytes not in the store"), "quality.failed": _("Could not be checked"),
        "quality.item": _("Not asked for by the protocol"),
    }.get(rule, rule)  # fmt: skip
