"""Whatever is done to one stored row or link, verification finds it; however sealing and writing mix, nothing is lost."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.kernel import FixedClock, canonical
from midas.ledger import Deed, enter, seal, verify
from midas.ledger.chain import digest_of, linked
from midas.ledger.models import Link, Waiting
from midas.manifest import PrivateKey

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CLOCK = FixedClock(NOW)
KEY = PrivateKey(hashlib.sha256(b"a hub of the tests").digest())
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.one_of(
    words,
    st.booleans(),
    st.none(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-1e15, 1e15, allow_nan=False),
)
rows = st.fixed_dictionaries(
    {
        **dict.fromkeys(("deed", "who", "dataset", "version", "target", "why"), words),
        "at": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat(timespec="microseconds")),
        "entry": st.integers(1, 2**53 - 1), "by": st.none() | st.integers(1, 2**53 - 1),
        "once": st.none() | words, "details": st.dictionaries(words, plain, max_size=4),
    }
)  # fmt: skip
several = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@given(rows, st.integers(1, 2**53 - 1), words)
def test_a_links_bytes_are_its_canonical_json(row: dict[str, Any], number: int, before: str) -> None:
    assert linked(number, before, row) == canonical({"number": number, "before": before, **row})


@given(rows, rows)
def test_two_rows_that_differ_have_two_digests(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = canonical(one) == canonical(other)
    assert (digest_of(1, "0", one) == digest_of(1, "0", other)) is same


def entered(number: int) -> None:
    for n in range(number):
        enter(
            Deed.VIEW, by=None, who=f"person {n}", clock=CLOCK, dataset="d", target=str(n), why="so", times=n
        )


def sql(statement: str, *values: Any) -> bool:
    """Run a statement; say whether it changed a row and the database let it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return bool(cursor.rowcount > 0)
    except DatabaseError:
        return False


COLUMNS = ["at", "deed", "who", "dataset", "version", "target", "why", "details", "once", "id"]
mutations = st.one_of(
    st.tuples(st.just("entry"), st.integers(1, 6), st.sampled_from(COLUMNS), words),
    st.tuples(st.just("link"), st.integers(1, 6), st.sampled_from(["number", "digest", "entry_id"]), words),
    st.tuples(st.just("swap"), st.integers(1, 6), st.integers(1, 6), st.none()),
    st.tuples(
        st.just("delete"), st.integers(1, 6), st.sampled_from(["entry", "link", "both", "last"]), st.none()
    ),
    st.tuples(st.just("insert"), st.integers(1, 9), st.sampled_from(["entry", "link"]), words),
)


def mutated(kind: str, number: int, what: Any, value: Any) -> bool:
    entry = Link.objects.get(number=min(number, 6)).entry_id
    if kind == "entry":
        new = (
            10_000 + number
            if what == "id"
            else f'{{"times":"{hash(value)}"}}'
            if what == "details"
            else f"x{value}"
        )
        return sql(f"UPDATE ledger_entry SET {what} = %s WHERE id = %s", new, entry)
    if kind == "link":
        new = 1_000 + number if what != "digest" else f"x{value}"
        return sql(f"UPDATE ledger_link SET {what} = %s WHERE number = %s", new, number)
    if kind == "swap":
        other = Link.objects.get(number=what).entry_id
        return number != what and all([
            sql("UPDATE ledger_link SET entry_id = -1 WHERE number = %s", number),
            sql("UPDATE ledger_link SET entry_id = %s WHERE number = %s", entry, what),
            sql("UPDATE ledger_link SET entry_id = %s WHERE number = %s", other, number),
        ])  # fmt: skip
    if kind == "delete":
        gone = (
            [sql("DELETE FROM ledger_link WHERE number = %s", 6 if what == "last" else number)]
            if what != "entry"
            else []
        )
        return all([*gone, what == "link" or sql("DELETE FROM ledger_entry WHERE id = %s", entry)])
    made = sql(
        "INSERT INTO ledger_entry (at, deed, who, dataset, version, target, why, details)"
        " VALUES (%s, 'cut', %s, '', '', '', '', '{}')",
        NOW,
        f"x{value}",
    )
    sql("DELETE FROM ledger_waiting")
    if what == "link":
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id) FROM ledger_entry")
            last = cursor.fetchone()[0]
        made = sql(
            "INSERT INTO ledger_link (number, entry_id, digest) VALUES (%s, %s, %s)", 7, last, "0" * 64
        )
    return made


@pytest.mark.django_db
@given(mutations)
@several
def test_any_change_of_what_is_stored_is_found(change: tuple[str, int, Any, Any]) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA defer_foreign_keys = ON")
        entered(6)
        seal(signer=KEY, clock=CLOCK)
        first = Link.objects.get(number=1)
        assert first.number == 1
        assert verify(trusted=KEY.public_hex, clock=CLOCK).stands
        if mutated(*change):
            found = verify(trusted=KEY.public_hex, clock=CLOCK)
            assert not found.stands, change
        transaction.set_rollback(True)


@pytest.mark.django_db
@given(st.lists(st.sampled_from(["enter", "seal", "hide", "show"]), max_size=25))
@several
def test_nothing_is_lost_however_writing_and_sealing_mix(steps: list[str]) -> None:
    with transaction.atomic():
        hidden: list[int] = []  # rows whose transactions are still open
        for step in steps:
            if step == "enter":
                entered(1)
            elif step == "seal":
                seal(signer=KEY, clock=CLOCK)
            elif step == "hide" and (one := Waiting.objects.first()) is not None:
                hidden.append(one.pk)
                Waiting.objects.filter(pk=one.pk).delete()
            elif step == "show" and hidden:
                Waiting.objects.create(entry_id=hidden.pop())
        for pk in hidden:
            Waiting.objects.create(entry_id=pk)
        seal(signer=KEY, clock=CLOCK)
        found = verify(trusted=KEY.public_hex, clock=CLOCK)
        assert (found.stands, found.number, found.waiting) == (True, steps.count("enter"), 0)
        assert sorted(Link.objects.values_list("number", flat=True)) == list(range(1, found.number + 1))
        transaction.set_rollback(True)
