"""UIDs: one keyed, injective and stable name for each UID of the hospital.

In comes a UID, out comes one under 2.25 (PS3.5 B.2); what the standard or a coding body has registered stays as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pydicom.uid import UID_dictionary

from midas.deid.model import Keys

REGISTERED = re.compile(
    r"(2\.16\.840\.1\.113883\.[56]|1\.0\.639|1\.2\.840\.10065)(\.[1-9]\d{0,3}){1,2}"
    r"|1\.2\.840\.10008\.6\.1\.\d{1,4}"
)
"""HL7's coding systems; ISO 639 languages; ISO/IEEE 11073; DICOM's context groups. Their arcs are too short for a
date or a number of a person."""


def registered(uid: str) -> bool:
    """Say whether a UID is published and hence names no instance; the root alone says nothing."""
    return uid in UID_dictionary or REGISTERED.fullmatch(uid) is not None


def map_uid(keys: Keys, uid: str) -> str:
    """Return the UID that stands for `uid`: HMAC-SHA-256 → UUID → 2.25.…; registered and empty ones are kept."""
    uid = uid.strip(" \0")
    if not uid or registered(uid):
        return uid
    digest = hmac.new(keys.uid, uid.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"


_listeners: list[set[str]] = []


def note(found: Iterable[str]) -> None:
    """Tell whoever records which UIDs a source holds."""
    for listener in _listeners:
        listener.update(found)


@contextmanager
def recording() -> Iterator[set[str]]:
    """Yield a set that learns every UID of the sources cleaned inside the block, for the key's owner's list."""
    heard: set[str] = set()
    _listeners.append(heard)
    try:
        yield heard
    finally:
        _listeners.remove(heard)
