"""What a link's digest covers. Pure: the auditor's own machine works it out the same way, without a hub.

digest = SHA-256 over the canonical JSON (RFC 8785) of the digest before it, the link's number and the row's values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from midas.kernel import Digest, canonical

START = Digest("0" * 64)
"""Stands before the first link."""
FIELDS = ("pk", "at", "deed", "by_id", "who", "dataset", "version", "target", "why", "details", "once")
"""The columns of an entry, in the order in which `said` takes them."""
SAFE_WHOLE = 2**53
"""Numbers of this size and more have no one form in JSON (RFC 7493 §2.2)."""

_plain = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def said(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return what an entry says, as it is chained and exported, from its columns `FIELDS`; details may be JSON text."""
    pk, at, deed, by, who, dataset, version, target, why, details, once = row
    return {
        "entry": pk, "at": instant(at), "deed": deed, "by": by, "who": who, "dataset": dataset, "version": version,
        "target": target, "why": why, "details": json.loads(details) if isinstance(details, str) else details, "once": once,
    }  # fmt: skip


def instant(at: datetime) -> str:
    """Write a time as it stands in the chain: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def digest_of(number: int, before: str, row: Mapping[str, Any]) -> Digest:
    """Return the digest of link `number` over the row that `said` gave."""
    return Digest(hashlib.sha256(encoded({"before": before, "number": number, **row})).hexdigest())


def encoded(value: dict[str, Any]) -> bytes:
    """Return the canonical JSON of a row: the bytes of `canonical`, several times as fast where no number is a float.

    Keys are ASCII here, so that sorting by code point is sorting by UTF-16 unit.
    """
    details = value["details"]
    if type(details) is dict and all(key.isascii() and _simple(one) for key, one in details.items()):
        return _plain(value).encode()
    return canonical(value)


def _simple(value: Any) -> bool:
    kind = type(value)
    return kind is str or kind is bool or value is None or (kind is int and abs(value) < SAFE_WHOLE)
