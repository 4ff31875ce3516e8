"""What a draft leaves out because a curator excluded it for its quality, and which facts it tells as they were corrected.

In come the decisions that the draft froze; out come keys and UIDs for the gathering. What was drawn on an excluded series
goes with it, and a subject of whose images nothing stays goes with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet

from midas.annotate.models import Derived
from midas.catalogue.findings import Since, left_by
from midas.catalogue.models import Instance, Label, Series
from midas.release.content import Content, LeftOut
from midas.release.models import Draft
from midas.release.readings import Read


@dataclass(frozen=True)
class Excluded:
    """Subjects and series (by key) with the reason, UIDs that no row may name, corrected facts by series."""

    subjects: Mapping[int, str]
    series: Mapping[int, str]
    uids: frozenset[str]
    facts: Mapping[int, Mapping[str, Any]]

    def emptied(self, images: QuerySet[Instance]) -> dict[int, str]:
        """Return the subjects of whose images in this draft nothing stays, with the reason."""
        whose = "series__study__subject"
        gone = dict(images.filter(series__in=list(self.series)).values_list(whose, "series").order_by())
        kept = images.filter(series__study__subject__in=list(gone)).exclude(series__in=list(self.series))
        kept = kept.exclude(series__kind="label")
        staying = set(kept.values_list(whose, flat=True).distinct())
        return {subject: self.series[series] for subject, series in gone.items() if subject not in staying}

    def series_of(self, subjects: Collection[int]) -> Iterator[LeftOut]:
        """Name the series left out of subjects that stay, in an order that depends on nothing else."""
        rows = Series.objects.filter(pk__in=list(self.series), study__subject__in=list(subjects))
        for pk, subject, uid in rows.order_by("study__subject__pseudonym", "uid").values_list(
            "pk", "study__subject__pseudonym", "uid"
        ):
            yield LeftOut(subject, self.series[pk], uid)


def excluded(draft: Draft) -> Excluded:
    """Return what the draft's decisions leave out; decisions on who withdrew since are gone with the person."""
    left = left_by(draft.judged)
    series = Series.objects.filter(pk__in=list(left.series))
    images = Instance.objects.filter(series__in=series)
    on_them = Q(uid__in=series.values("uid")) | Q(uid__in=images.values("sop_instance_uid"))
    drawn = Label.objects.filter(on_them, subject__dataset=draft.dataset).exclude(segmentation_uid="")
    derived = Derived.objects.filter(source__series__in=series)
    uids = chain(
        series.values_list("uid", flat=True), images.values_list("sop_instance_uid", flat=True),
        drawn.values_list("segmentation_uid", flat=True), derived.values_list("sop_instance_uid", flat=True),
    )  # fmt: skip
    return Excluded(left.subjects, left.series, frozenset(uids), left.facts)


def concerned(content: Content, since: Iterable[Since]) -> Iterator[str]:
    """Yield the persons of a content whom decisions concern that it was made without."""
    subjects = set(content.tables["subjects"]["subject"].to_pylist())
    series = set(content.tables["series"]["series_uid"].to_pylist())
    for one in since:
        if one.subject in subjects and (not one.series or one.series in series):
            yield one.subject


def without(read: Read, out: Excluded) -> Read:
    """Return what was read less what was read of, or drawn on, an excluded series."""
    gone = {row["object_uid"] for row in read.readings if row["uid"] in out.uids} | out.uids
    return Read(
        [row for row in read.labels if row["uid"] not in out.uids],
        [row for row in read.readings if row["uid"] not in out.uids],
        [row for row in read.objects if row["sop_instance_uid"] not in gone],
    )
