"""Two protocols → the list of what changed, in words that a curator reads. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from midas.protocol.model import Protocol

NAMED_BY = ("id", "name", "value", "keyword")
"""Fields by which members of a list are recognised, so that a moved entry is no change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the place (`tables/lesions/columns/site/required`), and both values where there are two."""

    place: str
    kind: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None

    def words(self) -> str:
        if self.kind == "changed":
            return f"{self.place}: {_short(self.before)} → {_short(self.after)}"
        value = self.after if self.kind == "added" else self.before
        return f"{self.place}: {self.kind}" + ("" if isinstance(value, dict | list) else f" {_short(value)}")


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _named(members: list[Any]) -> dict[str, Any] | None:
    """Return list members by name, or `None` where they have none or share one."""
    for field in NAMED_BY:
        if members and all(isinstance(member, dict) and field in member for member in members):
            found = {str(member[field]): member for member in members}
            return found if len(found) == len(members) else None
    return None


def _compare(place: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, list) and isinstance(after, list):
        old, new = _named(before), _named(after)
        if (before and old is None) or (after and new is None):
            yield from _plain_lists(place, before, after)
            return
        before, after = old or {}, new or {}
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield Change(place, "changed", before, after)
        return
    for key in [*before, *(key for key in after if key not in before)]:
        inner = f"{place}/{key}" if place else str(key)
        if key not in after:
            yield Change(inner, "removed", before[key])
        elif key not in before:
            yield Change(inner, "added", None, after[key])
        else:
            yield from _compare(inner, before[key], after[key])


def _plain_lists(place: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    gone = [value for value in before if value not in after]
    come = [value for value in after if value not in before]
    yield from (Change(place, "removed", value) for value in gone)
    yield from (Change(place, "added", None, value) for value in come)
    if not gone and not come:
        yield Change(place, "changed", before, after)


def diff(a: Protocol, b: Protocol) -> tuple[Change, ...]:
    """Return what changed from `a` to `b`, in the order of the protocol; equal protocols give an empty tuple."""
    return tuple(
        _compare("", a.model_dump(mode="json", by_alias=True), b.model_dump(mode="json", by_alias=True))
    )
