"""Fill and empty scopes. In come digests of indexed blobs; out come rows by study and series, ready to be searched.

Everything happens within the caller's transaction. Rows grow with series, not with instances: the instances of a series
are one pack, named by their digests, which every scope that holds the same ones shares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db import transaction

from midas.catalogue.examine import Unindexed, index_blob
from midas.catalogue.lens import rows
from midas.catalogue.lens.finding import listing
from midas.catalogue.lens.indexing import Indexed
from midas.catalogue.models import (
    Dataset,
    DicomIndex,
    Instance,
    PictureHash,
    Scope,
    ScopeModality,
    ScopeSeries,
    ScopeStudy,
    SeriesPack,
)
from midas.kernel import sha256_bytes
from midas.store import Blobs

T = TypeVar("T")
AT_ONCE = 500
"""Rows or keys a statement, within what SQLite allows."""


def bundles(items: Iterable[T]) -> Iterator[list[T]]:
    stream = iter(items)
    while bundle := list(islice(stream, AT_ONCE)):
        yield bundle


def keep(entries: Iterable[Indexed]) -> None:
    """Write the index of blobs; one that is there stays as it is."""
    for bundle in bundles(entries):
        DicomIndex.objects.bulk_create(
            [DicomIndex(**asdict(one)) for one in bundle], ignore_conflicts=True, batch_size=AT_ONCE
        )


def complete(digests: Iterable[str], *, store: Blobs) -> None:
    """Index those of the blobs that are not, one after the other; what is no DICOM stays without an index."""
    scratch = Path(tempfile.gettempdir())
    for bundle in bundles(dict.fromkeys(digests)):
        known = set(DicomIndex.objects.filter(pk__in=bundle).values_list("pk", flat=True))
        made = (index_blob(Unindexed(store, one, scratch)) for one in bundle if one not in known)
        keep(one for one in made if one is not None)


@transaction.atomic
def publish(*, kind: str, name: str, dataset: Dataset, digests: Iterable[str]) -> Scope:
    """Add blobs to a scope, made if it is new; what is there already stays. Return the scope.

    What is not indexed cannot be looked at and is left out: `keep` or `complete` comes before.
    """
    scope, _ = Scope.objects.get_or_create(kind=kind, name=name, defaults={"dataset": dataset})
    tree: dict[tuple[str, str], dict[str, set[str]]] = {}
    for bundle in bundles(dict.fromkeys(digests)):
        held = DicomIndex.objects.filter(pk__in=bundle)
        for sha256, subject, study, series in held.values_list("pk", "subject", "study_uid", "series_uid"):
            tree.setdefault((subject, study), {}).setdefault(series, set()).add(sha256)
    for (subject, uid), parts in sorted(tree.items()):
        _publish_study(scope, subject, uid, parts)
    return scope


def _publish_study(scope: Scope, subject: str, uid: str, series: dict[str, set[str]]) -> None:
    """Bring one study up to date: its series' packs first, then what the study says of them all."""
    study = ScopeStudy.objects.filter(scope=scope, subject=subject, uid=uid).first()
    before = {} if study is None else {
        row.uid: row for row in ScopeSeries.objects.filter(study=study)
    }  # fmt: skip
    packs = {one: row.pack for one, row in before.items()}
    for one, digests in series.items():
        held = {line[0] for line in listing(packs[one]).lines} if one in packs else set()
        if digests - held or one not in packs:
            packs[one] = _pack(held | digests)
    summaries = {one: rows.summary_of(one, pack) for one, pack in packs.items()}
    made = rows.study_row(scope, subject, uid, list(summaries.values()))
    if study is not None:
        made.pk = study.pk
    made.save()
    _series_rows(scope, made, before, summaries)
    modalities = {one.modality for one in summaries.values() if one.modality}
    ScopeModality.objects.filter(study=made).exclude(modality__in=modalities).delete()
    ScopeModality.objects.bulk_create(
        [ScopeModality(scope=scope, modality=one, study=made) for one in sorted(modalities)],
        ignore_conflicts=True,
    )


def _series_rows(
    scope: Scope, study: ScopeStudy, before: dict[str, ScopeSeries], summaries: dict[str, rows.Summary]
) -> None:
    new = []
    for uid, summary in sorted(summaries.items(), key=lambda one: (one[1].number or 0, one[0])):
        old = before.get(uid)
        if old is not None and old.pack == summary.pack:
            continue
        made = rows.series_row(scope, study, summary)
        if old is None:
            new.append(made)
        else:
            made.pk = old.pk
            made.save()
            _drop_packs([old.pack])
    ScopeSeries.objects.bulk_create(new, batch_size=AT_ONCE)


def _pack(digests: set[str]) -> str:
    """Return the key of the pack of these blobs, made at first use."""
    key = sha256_bytes("\n".join(sorted(digests)).encode())
    if not SeriesPack.objects.filter(pk=key).exists():
        held = [one for part in bundles(sorted(digests)) for one in DicomIndex.objects.filter(pk__in=part)]
        SeriesPack.objects.bulk_create([rows.pack_of(key, held)], ignore_conflicts=True)
    return key


@transaction.atomic
def retract(*, dataset: str, subjects: Iterable[str]) -> int:
    """Take persons out of every scope of a dataset; return how many studies went. A twin's persons are nobody's."""
    gone = 0
    for bundle in bundles(sorted(set(subjects))):
        mine = ScopeStudy.objects.filter(scope__dataset__slug=dataset, subject__in=bundle).exclude(
            scope__kind=Scope.Kind.TWIN
        )
        ids = list(mine.values_list("pk", flat=True))
        for part in bundles(ids):
            series = ScopeSeries.objects.filter(study__in=part)
            packs = list(series.values_list("pack", flat=True))
            series.delete()
            ScopeModality.objects.filter(study__in=part).delete()
            ScopeStudy.objects.filter(pk__in=part).delete()
            _drop_packs(packs)
        gone += len(ids)
    return gone


def _drop_packs(keys: Iterable[str]) -> None:
    for bundle in bundles(sorted(set(keys))):
        used = set(ScopeSeries.objects.filter(pack__in=bundle).values_list("pack", flat=True))
        SeriesPack.objects.filter(pk__in=set(bundle) - used).delete()


def drop(digests: Iterable[str]) -> None:
    """Forget the index and hashes of blobs that are to be erased, except where a registered instance has these bytes."""
    for bundle in bundles(sorted({one for one in digests if one})):
        used = set(Instance.objects.filter(sha256__in=bundle).values_list("sha256", flat=True))
        DicomIndex.objects.filter(pk__in=set(bundle) - used).delete()
        PictureHash.objects.filter(pk__in=set(bundle) - used).delete()
