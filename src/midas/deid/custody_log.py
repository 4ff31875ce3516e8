"""Who opened the map, when and why: a log in which each entry holds the hash of the one before (SHA-256, RFC 8785).

In come acts, out comes the log with one entry more. What was entered cannot be changed or taken out unseen; who keeps the
last digest elsewhere sees also when the end is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midas.kernel import BrokenPromise, canonical, sha256_bytes


@dataclass(frozen=True)
class Entry:
    """One act on a map: sealed, shared, opened or rewrapped. `at` is a time in UTC, `about` the map's id."""

    act: str
    who: str
    reason: str
    at: str
    about: str
    before: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def right(self) -> bool:
        told = {name: value for name, value in self.__dict__.items() if name != "digest"}
        return sha256_bytes(canonical(told)) == self.digest


def appended(
    log: Sequence[Entry], *, act: str, who: str, reason: str, at: str, about: str
) -> tuple[Entry, ...]:
    """Return the log with one act more."""
    before = log[-1].digest if log else ""
    told = {"act": act, "who": who, "reason": reason, "at": at, "about": about, "before": before}
    return (*log, Entry(**told, digest=sha256_bytes(canonical(told))))


def check_log(log: Sequence[Entry]) -> None:
    """Raise `BrokenPromise` where an entry was changed, taken out or put in between."""
    before = ""
    for entry in log:
        if entry.before != before or not entry.right():
            raise BrokenPromise(
                "The map's log was changed.", advice="Restore the map from its backup, and ask why."
            )
        before = entry.digest
    if not log:
        raise BrokenPromise("The map has no log.", advice="Restore the map from its backup, and ask why.")
