"""Whom a release holds: the subjects of a draft's submissions, less those who must not be in it, who are named.

Out are subjects that withdrew, that have no lawful basis under the protocol, that have no image, that a curator excluded, or
whom late ties would carry over the border of the hidden part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, TextField
from django.db.models.functions import Cast

from midas.catalogue.models import Dataset, Instance, Record, Series, Subject, Submission
from midas.kernel import Conflict
from midas.protocol.model import Protocol
from midas.release.cohorts import members
from midas.release.content import LeftOut
from midas.release.excluding import Excluded, excluded
from midas.release.lawful import bases_of, rests_on
from midas.release.models import Draft
from midas.release.splitting import carried_over
from midas.store import Blobs

CROSSING = "tied to the other side of the hidden part"
"""Why somebody is left out whom a late tie would carry into the hidden part, or out of it."""


class Who(NamedTuple):
    """One subject as it is registered, with the kinds of its lawful bases and the ethics decisions that they name."""

    pseudonym: str
    sex: str
    spoke: str
    basis: Sequence[str]
    ethics: Sequence[str]


@dataclass(frozen=True)
class Chosen:
    """The subjects of a release by primary key, the submissions it draws on, and how many images each series has there."""

    dataset: Dataset
    subjects: Mapping[int, Who]
    submissions: tuple[Submission, ...]
    left_out: tuple[LeftOut, ...]
    excluded: Excluded
    images: Mapping[int, int]

    def rows(self, model: Any, *names: Any, **of: str) -> Iterator[tuple[Any, ...]]:
        """Yield pseudonym and these columns of a model's rows of the draft's submissions, as they were registered."""
        found = model.objects.filter(submission__in=[one.pk for one in self.submissions], **of)
        return self.theirs(found.order_by("pk").values_list("subject", *names))

    def theirs(self, found: Any) -> Iterator[tuple[Any, ...]]:
        """Yield pseudonym and columns of rows that begin with their subject's key; those of others are left out."""
        for subject, *values in found.iterator(chunk_size=5000):
            if who := self.subjects.get(subject):
                yield who.pseudonym, *values


def choose(draft: Draft, protocol: Protocol, store: Blobs) -> Chosen:
    """Return whom a draft's release holds; `Conflict` where one of its submissions is not registered any more."""
    submissions = tuple(
        Submission.objects.filter(
            dataset=draft.dataset, root__in=draft.submissions, state=Submission.State.REGISTERED
        ).order_by("root")
    )
    if len(submissions) != len(set(draft.submissions)):
        raise Conflict(
            "A submission of this draft is not registered any more.",
            advice="Draft again from what is registered.",
        )
    keys = [submission.pk for submission in submissions]
    out = excluded(draft)
    images = Instance.objects.filter(submission__in=keys)
    judged = {**out.emptied(images), **out.subjects}
    crossing = carried_over(draft, protocol, store)
    counted = dict(images.order_by().values_list("series").annotate(Count("pk")))
    of_series = Series.objects.filter(study__subject__dataset=draft.dataset).values_list(
        "pk", "study__subject"
    )
    with_images = {subject for series, subject in of_series.iterator(chunk_size=5000) if series in counted}
    known = with_images | set(
        Record.objects.filter(submission__in=keys).values_list("subject", flat=True).distinct()
    ) | set(Subject.objects.filter(first_submission__in=keys).values_list("pk", flat=True))  # fmt: skip
    cohort = None if draft.cohort is None else set(members(draft.cohort, store=store))
    subjects: dict[int, Who] = {}
    left_out: list[LeftOut] = []
    everyone = Subject.objects.filter(dataset=draft.dataset).order_by("pseudonym")
    told = everyone.values_list("pk", "withdrawn_at", "pseudonym", "sex", "spoke", Cast("basis", TextField()))
    known_bases: dict[str, tuple[list[str], list[str], bool]] = {}
    for pk, withdrawn_at, name, sex, spoke, basis in told.iterator(chunk_size=5000):
        if pk not in known or (cohort is not None and name not in cohort):
            continue
        if basis not in known_bases:  # a few ways of consenting serve everyone
            known_bases[basis] = _read(basis, protocol)
        kinds, ethics, may = known_bases[basis]
        why = _why_not(withdrawn_at, may=may, has_images=pk in with_images) or judged.get(pk, "")
        why = why or (CROSSING if name in crossing else "")
        if why:
            left_out.append(LeftOut(name, why))
        else:
            subjects[pk] = Who(name, sex, spoke, kinds, ethics)
    return Chosen(draft.dataset, subjects, submissions, (*left_out, *out.series_of(subjects)), out, counted)


def _read(basis: str, protocol: Protocol) -> tuple[list[str], list[str], bool]:
    """Return kinds and ethics decisions of bases told as JSON, and whether one of them allows what the protocol asks."""
    told = json.loads(basis)
    kinds, ethics = (sorted({one[name] for one in told}) for name in ("kind", "ethics"))
    return kinds, ethics, lawful(told, protocol)


def lawful(basis: Iterable[Mapping[str, Any]], protocol: Protocol) -> bool:
    """Say whether one basis names an ethics decision of the protocol, of the kind that it rests on."""
    return bool(rests_on(bases_of(basis), protocol))


def _why_not(withdrawn_at: datetime | None, *, may: bool, has_images: bool) -> str:
    if withdrawn_at is not None:
        return "withdrawn"
    if not may:
        return "no lawful basis"
    return "" if has_images else "no image"
