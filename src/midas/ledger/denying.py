"""Refusals, counted: one row per person or address, act, dataset and hour, however often it is tried.

The first refusal of an hour is on the record at once; further ones are counted in this process and written by the
sealer's rounds (`write_counts`). When an hour has passed, its counts become entries (`close_hours`). Who floods the door
gets few rows: an account and an address have a bounded number each, all addresses together another.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from midas.kernel import Clock
from midas.ledger.entering import enter
from midas.ledger.models import Deed, Refusal
from midas.people.models import Account

ROWS_EACH = 16
"""Acts and datasets an hour that one person or address is counted for singly; more are counted as one."""
ROWS_OF_ADDRESSES = 500
"""Rows an hour for all who have not signed in; beyond it they are counted together."""
OTHERS = "other addresses"
SETTLE = timedelta(minutes=1)
"""An hour's counts become entries so long after its end: by then every process has written its own."""

Key = tuple[datetime, str, int | None, str, str, str]
_door = threading.Lock()
_known: set[Key] = set()
_rows: Counter[tuple[datetime, str]] = Counter()
_pending: Counter[Key] = Counter()


def denied(
    *,
    act: str,
    clock: Clock,
    by: Account | None = None,
    who: str = "",
    dataset: str = "",
    deed: Deed = Deed.DENIED,
) -> None:
    """Count one refusal of `by`, or of `who`: a spoke, or an address as a keyed hash, never as it is."""
    hour = clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    name = by.username if by else who[:150]
    key: Key = (hour, deed, by.pk if by else None, name, act[:100], dataset[:64])
    with _door:
        key = _bounded(key)
        is_first = key not in _known
        _known.add(key)
        _pending[key] += 1
    if is_first:
        _write([key])


def _bounded(key: Key) -> Key:
    """Return where a refusal is counted: its own row, or a shared one where there are too many."""
    hour, deed, by, who, *_ = key
    if key in _known:
        return key
    if any(one[0] != hour for one in _rows):
        _known.difference_update([one for one in _known if one[0] < hour])
        for past in [one for one in _rows if one[0] < hour]:
            del _rows[past]
    if by is None and _rows[hour, OTHERS] >= ROWS_OF_ADDRESSES:
        return (hour, deed, None, OTHERS, "", "")
    if _rows[hour, who] >= ROWS_EACH:
        return (hour, deed, by, who, "", "")
    _rows[hour, who] += 1
    _rows[hour, OTHERS] += by is None
    return key


def write_counts() -> None:
    """Write down what was counted since the last time."""
    with _door:
        keys = list(_pending)
    if keys:
        _write(keys)


def _write(keys: list[Key]) -> None:
    with _door:
        counted = {key: times for key in keys if (times := _pending.pop(key, 0))}
    try:
        with transaction.atomic():
            for (hour, deed, by, who, act, dataset), times in counted.items():
                row, _ = Refusal.objects.get_or_create(
                    hour=hour, deed=deed, who=who, act=act, dataset=dataset, defaults={"by_id": by}
                )
                Refusal.objects.filter(pk=row.pk).update(times=F("times") + times)
    except BaseException:
        with _door:
            _pending.update(counted)
        raise


def close_hours(*, clock: Clock) -> int:
    """Enter the counts of hours that have passed, each as one row; return how many there were."""
    before = clock.now() - timedelta(hours=1) - SETTLE
    if not Refusal.objects.filter(hour__lte=before).exists():
        return 0
    with transaction.atomic():
        passed = list(
            Refusal.objects.select_for_update().filter(hour__lte=before).select_related("by").order_by("pk")
        )
        for one in passed:
            enter(
                Deed(one.deed), by=one.by, who=one.who, clock=clock, dataset=one.dataset, target=one.act,
                times=one.times, hour=one.hour.astimezone(UTC).isoformat(timespec="minutes"),
            )  # fmt: skip
        Refusal.objects.filter(pk__in=[one.pk for one in passed]).delete()
    return len(passed)
