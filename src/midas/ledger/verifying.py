"""Verify the chain: every row and link again from the start or the last checkpoint, and every signature over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.db.models.fields import TextField
from django.db.models.functions import Cast

from midas.kernel import BadInput, BrokenPromise, Clock, NoProgress, Progress
from midas.ledger.chain import FIELDS, START, digest_of, said
from midas.ledger.models import Check, Checkpoint, Entry, Head, Link, Waiting
from midas.manifest import verify_signature
from midas.wire.v1 import Signed

PAGE = 5_000
UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, DatabaseError)
"""What a database driver or the JSON reader says of a column that somebody overwrote."""


@dataclass(frozen=True)
class Verdict:
    """What a verification found. `wrong` says the first wrong row; `number` is the last link that is right."""

    number: int
    digest: str
    rows: int
    heads: int
    waiting: int
    pruned: int
    wrong: str = ""

    @property
    def stands(self) -> bool:
        return not self.wrong


class _Wrong(Exception):
    """The first thing that is wrong."""


@dataclass
class _Walk:
    """How far a verification is."""

    number: int = 0
    digest: str = START
    rows: int = 0
    heads: int = 0


def verify(*, trusted: str, clock: Clock, progress: Progress | None = None) -> Verdict:
    """Go through the whole chain and keep the answer (`Check`). `trusted` is the hub's public key, hexadecimal."""
    walk, wrong, pruned = _Walk(), "", 0
    try:
        pruned = _checkpoints(walk, trusted)
        _links(walk, progress or NoProgress())
        _heads(walk, trusted, pruned)
        _strays()
    except _Wrong as found:
        wrong = str(found)
    Check.objects.create(at=clock.now(), number=walk.number, rows=walk.rows, wrong=wrong[:300])
    return Verdict(
        walk.number, walk.digest, walk.rows, walk.heads, Waiting.objects.count(), pruned, wrong
    )  # fmt: skip


def _checkpoints(walk: _Walk, trusted: str) -> int:
    for one in Checkpoint.objects.order_by("number"):
        told = {
            "schema": "midas-ledger-checkpoint/1",
            "number": one.number,
            "digest": one.digest,
            "count": one.count,
        }
        _signature(one.signed, trusted, f"The checkpoint at {one.number}", told)
        if one.number != walk.number + one.count:
            raise _Wrong(f"Checkpoint at {one.number}: an earlier checkpoint is missing or out of order.")
        walk.number, walk.digest = one.number, one.digest
    return walk.number


def _links(walk: _Walk, progress: Progress) -> None:
    first = walk.number
    newest = Link.objects.order_by("-number").values_list("number", flat=True).first() or first
    pages = max(1, -(-(newest - first) // PAGE))
    for page in progress.track(_pages(walk), label="Verify", total=pages):
        for number, digest, *row in page:
            _follows(walk, number, digest, tuple(row))


def _pages(walk: _Walk) -> Iterator[list[tuple[Any, ...]]]:
    while page := _page(walk.number):
        yield page
    if (after := Link.objects.filter(number__gt=walk.number).order_by("number").first()) is not None:
        raise _Wrong(f"Row {after.number}: its entry is missing.")


def _page(after: int) -> list[tuple[Any, ...]]:
    columns = ["number", "digest", *(f"entry__{name}" for name in FIELDS)]
    columns[columns.index("entry__details")] = "details"
    found = (
        Link.objects.filter(number__gt=after)
        .annotate(details=Cast("entry__details", TextField()))
        .order_by("number")
        .values_list(*columns)
    )
    try:
        return list(found[:PAGE])
    except UNREADABLE:
        return [_readable(found, number) for number in _numbers(after)]


def _numbers(after: int) -> list[int]:
    return list(
        Link.objects.filter(number__gt=after).order_by("number").values_list("number", flat=True)[:PAGE]
    )


def _readable(found: Any, number: int) -> tuple[Any, ...]:
    try:
        row: tuple[Any, ...] = found.get(number=number)
    except (*UNREADABLE, Link.DoesNotExist):
        return (number, "", None)
    return row


def _follows(walk: _Walk, number: int, digest: str, row: tuple[Any, ...]) -> None:
    """Take one link: it must be the next one and say what its row says."""
    if number != walk.number + 1:
        raise _Wrong(f"Row {walk.number + 1} is missing; the next one kept is {number}.")
    try:
        right = digest_of(number, walk.digest, said(row))
    except UNREADABLE:
        right = None
    if right is None or right != digest:
        raise _Wrong(f"Row {number} is not what was sealed: it was changed, inserted or moved.")
    walk.number, walk.digest, walk.rows = number, digest, walk.rows + 1


def _heads(walk: _Walk, trusted: str, pruned: int) -> None:
    """Hold every kept head against the chain; the newest must be its end, or the end was cut off or added to."""
    for one in Head.objects.order_by("number", "day"):
        name = f"The head of {one.day}"
        told = {"schema": "midas-ledger-head/1", "number": one.number, "digest": one.digest}
        _signature(one.signed, trusted, name, told)
        if one.number > walk.number:
            _grown(walk, one.number)
        if one.number >= pruned and _digest_at(one.number) != one.digest:
            raise _Wrong(f"{name} does not fit the chain at row {one.number}.")
        walk.heads += 1
    signed = Head.objects.order_by("-number").values_list("number", flat=True).first() or pruned
    if signed < walk.number:
        raise _Wrong(f"Row {signed + 1} was linked without the hub's key: the last signed head is {signed}.")


def _grown(walk: _Walk, number: int) -> None:
    """Take what was sealed since the walk; rows that a signed head counts and nobody has are missing."""
    _links(walk, NoProgress())
    if number > walk.number:
        raise _Wrong(f"Row {walk.number + 1} is missing: a signed head counts {number}.")


def _digest_at(number: int) -> str | None:
    return (
        Link.objects.filter(number=number).values_list("digest", flat=True).first()
        or Checkpoint.objects.filter(number=number).values_list("digest", flat=True).first()
        or (START if number == 0 else None)
    )


def _strays() -> None:
    """Find rows that neither a link holds nor the sealer will: somebody put them in, or took their link away."""
    linked = Link.objects.filter(entry_id=OuterRef("pk"))
    waits = Waiting.objects.filter(entry_id=OuterRef("pk"))
    stray = (
        Entry.objects.filter(~Exists(linked), ~Exists(waits))
        .order_by("pk")
        .values_list("pk", flat=True)
        .first()
    )
    if stray is not None:
        raise _Wrong(f"Entry {stray} stands in no link: it was inserted, or its link was taken away.")
    both = Waiting.objects.filter(Exists(Link.objects.filter(entry_id=OuterRef("entry_id")))).first()
    if both is not None:
        raise _Wrong(f"Entry {both.pk} is linked and yet said to wait.")


def _signature(signed: Any, trusted: str, name: str, told: dict[str, Any]) -> None:
    try:
        one = Signed.model_validate(signed)
        verify_signature(one, trusted=trusted)
        value = json.loads(one.payload)
    except (BrokenPromise, *UNREADABLE):
        raise _Wrong(f"{name} is not signed by this hub's key.") from None
    if any(value.get(key) != right for key, right in told.items()):
        raise _Wrong(f"{name} does not say what its signature says.")


def contains(*, head: Signed, trusted: str) -> tuple[int, datetime]:
    """Return number and time of an earlier head that is part of today's chain (say so after `verify`).

    Raise `BrokenPromise` where it is not, or is not signed by this hub; `BadInput` for another kind of file.
    """
    verify_signature(head, trusted=trusted)
    try:
        value = json.loads(head.payload)
        number, digest, at = int(value["number"]), value["digest"], datetime.fromisoformat(value["time"])
    except (KeyError, TypeError, ValueError):
        raise BadInput("This is not a head of a ledger.", advice="Give what /ledger/head gave.") from None
    here = _digest_at(number)
    if here == digest or Head.objects.filter(number=number, digest=digest).exists():
        return number, at
    if here is None and number < _pruned():
        raise BrokenPromise(
            f"Row {number} has been pruned, and no head of that very row was kept.",
            advice="Hold a newer head against the chain.",
        )
    raise BrokenPromise(
        f"The chain does not contain this head: row {number} is {'missing' if here is None else 'another one'}.",
        advice="The ledger was rewritten since, or this head is another hub's. Keep the file as evidence.",
    )


def _pruned() -> int:
    return Checkpoint.objects.order_by("-number").values_list("number", flat=True).first() or 0
