"""Looking and downloading: one row per person, study or release, and hour, on the record before the first byte goes out.

The database keeps it to one row; what this process has written this hour it remembers, so that the thousandth frame of
a study costs a look into a set. Safe to call from any thread that may use the database, outside of a transaction.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction

from midas.kernel import Clock, canonical, sha256_bytes
from midas.ledger.models import Deed, Entry
from midas.people.models import Account

HOUR_S = 3600
MOST = 200_000
"""Rows that are remembered: about 60 MB; beyond it the memory starts again, and the database still keeps to one row."""

Key = tuple[str, int, str, str, str, int]
_written: set[Key] = set()


def viewed(*, by: Account | None, dataset: str, version: str, target: str, clock: Clock) -> None:
    """Note that `by` looks at a study (`target`: its UID). Nobody in particular sees only what is open to anyone: no row."""
    if by is not None:
        _once(Deed.VIEW, by, (dataset, version, target), clock)


def downloaded(*, by: Account | None, dataset: str, version: str, clock: Clock) -> None:
    """Note that `by` downloads from a release. A twin, open to anyone, is not noted; a command enters its own row."""
    if by is not None:
        _once(Deed.DOWNLOAD, by, (dataset, version, ""), clock)


def _once(deed: Deed, by: Account, place: tuple[str, str, str], clock: Clock) -> None:
    now = clock.now()
    key: Key = (deed, by.pk, *place, int(now.timestamp()) // HOUR_S)
    if key in _written:
        return
    dataset, version, target = place
    with transaction.atomic():
        Entry.objects.get_or_create(
            once=sha256_bytes(canonical(list(key))),
            defaults={
                "at": now, "deed": deed, "by": by, "who": by.username, "dataset": dataset, "version": version,
                "target": target[:100],
            },
        )  # fmt: skip
        transaction.on_commit(partial(_remember, key))


def _remember(key: Key) -> None:
    if len(_written) >= MOST:
        _written.clear()
    _written.add(key)
