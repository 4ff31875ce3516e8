"""The chain: rows are kept, linked in order, and any change of what is stored is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from midas.kernel import BrokenPromise, FixedClock
from midas.ledger import Deed, enter, guarding, head, prune, seal, verify
from midas.ledger.models import Check, Checkpoint, Entry, Head, Link, Waiting
from midas.ledger.verifying import Verdict, contains
from midas.manifest import PrivateKey
from midas.people import add_account
from midas.wire.v1 import Signed

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CLOCK = FixedClock(NOW)


@pytest.fixture
def key(tmp_path: Path) -> PrivateKey:
    return PrivateKey.load_or_create(tmp_path / "hub.key")


def entered(number: int, *, clock: FixedClock = CLOCK) -> list[Entry]:
    return [
        enter(
            Deed.VIEW,
            by=None,
            who=f"person {n}",
            clock=clock,
            dataset="oral-cancer",
            target=f"2.25.{n}",
            times=n,
        )
        for n in range(number)
    ]


def verified(key: PrivateKey) -> Verdict:
    return verify(trusted=key.public_hex, clock=CLOCK)


@pytest.mark.django_db
def test_rows_are_linked_in_order_and_verify(key: PrivateKey) -> None:
    entries = entered(7)
    assert Waiting.objects.count() == 7
    assert seal(signer=key, clock=CLOCK) == 7
    assert seal(signer=key, clock=CLOCK) == 0
    assert list(Link.objects.order_by("number").values_list("number", "entry_id")) == [
        (n, one.pk) for n, one in enumerate(entries, 1)
    ]
    found = verified(key)
    assert (found.stands, found.number, found.rows, found.heads, found.waiting) == (True, 7, 7, 1, 0)
    assert Check.objects.get().wrong == ""


@pytest.mark.django_db
def test_a_row_committed_late_with_a_low_number_is_linked_too(key: PrivateKey) -> None:
    late = entered(3)[1]
    Waiting.objects.filter(pk=late.pk).delete()  # not committed yet, as another connection sees it
    assert seal(signer=key, clock=CLOCK) == 2
    Waiting.objects.create(entry=late)
    assert seal(signer=key, clock=CLOCK) == 1
    assert Link.objects.get(entry=late).number == 3
    assert verified(key).stands


@pytest.mark.django_db
def test_an_empty_ledger_verifies_and_has_a_head(key: PrivateKey) -> None:
    assert verified(key).stands
    assert json.loads(head(signer=key, clock=CLOCK).payload)["number"] == 0


@pytest.mark.django_db
def test_the_application_can_neither_change_nor_delete_a_row() -> None:
    one = entered(1)[0]
    one.who = "somebody else"
    for attempt in (one.save, one.delete, Entry.objects.all().delete, lambda: Entry.objects.update(who="x")):
        with pytest.raises(BrokenPromise, match="never changed"):
            attempt()
    assert Entry.objects.get().who == "person 0"


@pytest.fixture
def guarded(db: Any) -> Iterator[None]:
    """The triggers as a hub has them; the tests' database goes without, so that it can be emptied."""
    guarding.install(connection)
    yield
    guarding.remove(connection)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET who = 'x'", "UPDATE ledger_link SET digest = 'x'", "DELETE FROM ledger_entry",
        "UPDATE ledger_checkpoint SET count = 0", "DELETE FROM ledger_checkpoint", "DELETE FROM ledger_link",
        "DELETE FROM ledger_waiting",
    ],
)  # fmt: skip
def test_the_database_refuses_too(statement: str, guarded: None, key: PrivateKey) -> None:
    enter(Deed.CUT, by=None, clock=FixedClock(NOW - timedelta(days=800)))
    seal(signer=key, clock=CLOCK)
    prune(years=1, signer=key, clock=CLOCK)
    enter(Deed.CUT, by=None, clock=CLOCK)
    seal(signer=key, clock=CLOCK)
    enter(Deed.CUT, by=None, clock=CLOCK)
    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert verified(key).stands


def test_a_new_database_has_the_triggers(guarded: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'")
        names = {name for (name,) in cursor.fetchall()}
    assert names == {
        "ledger_entry_waits", "ledger_entry_kept", "ledger_link_kept", "ledger_checkpoint_kept", "ledger_entry_stays",
        "ledger_link_stays", "ledger_waiting_stays", "ledger_checkpoint_stays",
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE ledger_entry SET who = 'x' WHERE id = {third}", "Row 3 is not"),
        ("UPDATE ledger_entry SET at = 'yesterday' WHERE id = {third}", "Row 3 is not"),
        ("UPDATE ledger_entry SET details = '{{' WHERE id = {third}", ""),
        ("UPDATE ledger_link SET digest = '00' WHERE number = 3", "Row 3 is not"),
        ("DELETE FROM ledger_link WHERE number = 3", "Row 3 is missing"),
        ("DELETE FROM ledger_link WHERE number = 7", "Row 7 is missing"),
        ("DELETE FROM ledger_head", "Row 1 was linked without the hub's key"),
        ("UPDATE ledger_head SET number = 6", "does not say"),
        ("UPDATE ledger_head SET signed = '{{}}'", "not signed"),
        (
            "INSERT INTO ledger_link (number, entry_id, digest) VALUES (8, {third}, 'x')",
            "",
        ),
        ("DELETE FROM ledger_waiting", "stands in no link"),
    ],
)
def test_what_somebody_did_to_the_database_is_said(statement: str, says: str, key: PrivateKey) -> None:
    entries = entered(7)
    seal(signer=key, clock=CLOCK)
    entered(1)
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement.format(third=entries[2].pk))
        except DatabaseError:  # the constraints did not let it in
            assert says == ""
            return
    found = verified(key)
    assert not found.stands
    assert says in found.wrong
    assert Check.objects.get().wrong == found.wrong


@pytest.mark.django_db
def test_a_forged_end_and_a_chain_made_anew_are_found(key: PrivateKey, tmp_path: Path) -> None:
    entered(5)
    seal(signer=key, clock=CLOCK)
    kept = head(signer=key, clock=CLOCK)
    assert contains(head=kept, trusted=key.public_hex)[0] == 5
    other = PrivateKey.load_or_create(tmp_path / "other.key")
    entered(1)
    seal(signer=other, clock=CLOCK)  # all that somebody without the key can do
    assert "not signed by this hub's key" in verified(key).wrong
    with connection.cursor() as cursor:
        for table in ("head", "link", "waiting"):
            cursor.execute(f"DELETE FROM ledger_{table}")
        cursor.execute("UPDATE ledger_entry SET why = 'other'")
        cursor.execute("INSERT INTO ledger_waiting SELECT id FROM ledger_entry")
    seal(signer=key, clock=CLOCK)  # and with the key: the head that somebody kept tells
    assert verified(key).stands
    with pytest.raises(BrokenPromise, match="does not contain"):
        contains(head=kept, trusted=key.public_hex)
    with pytest.raises(BrokenPromise, match="not trusted"):
        contains(head=kept, trusted=other.public_hex)


@pytest.mark.django_db
def test_pruning_leaves_a_checkpoint_from_which_the_chain_goes_on(key: PrivateKey) -> None:
    old = FixedClock(NOW - timedelta(days=500))
    entered(4, clock=old)
    seal(signer=key, clock=old)
    past = head(signer=key, clock=old)
    entered(3, clock=FixedClock(NOW - timedelta(days=10)))
    entered(1, clock=old)
    seal(signer=key, clock=CLOCK)
    stays = prune(years=1, signer=key, clock=CLOCK)
    assert stays is not None
    assert (stays.number, stays.count) == (4, 4)
    assert Link.objects.order_by("number").first().number == 5  # type: ignore[union-attr]
    assert Entry.objects.filter(deed=Deed.PRUNE).count() == 1
    seal(signer=key, clock=CLOCK)
    found = verified(key)
    assert (found.stands, found.pruned, found.rows, found.number) == (True, 4, 5, 9)
    assert contains(head=past, trusted=key.public_hex)[0] == 4
    assert prune(years=1, signer=key, clock=CLOCK) is None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_checkpoint SET digest = 'x'")
    assert "checkpoint at 4 does not say" in verified(key).wrong


@pytest.mark.django_db
def test_what_others_typed_is_kept_as_every_database_can_hold_it(key: PrivateKey) -> None:
    one = enter(
        Deed.SIGN_IN_REFUSED,
        by=None,
        who="a\0b\ud800" + "x" * 300,
        clock=CLOCK,
        ratio=1.0,
        share=0.1,
        small=1e-7,
        none=None,
    )
    assert one.who.startswith("ab?x")
    assert len(one.who) <= 150
    with pytest.raises(ValueError, match="exactly"):
        enter(Deed.CUT, by=None, clock=CLOCK, number=1e20)
    seal(signer=key, clock=CLOCK)
    assert verified(key).stands
    assert Entry.objects.get().details == {"ratio": 1, "share": 0.1, "small": 1e-7, "none": None}


@pytest.mark.django_db
def test_an_account_is_named_as_it_was_then(key: PrivateKey) -> None:
    asha = add_account(name="asha", password="a long river of words")
    enter(Deed.GRANT, by=asha, clock=CLOCK, why="because")
    asha.username = "asha.new"
    asha.save()
    assert Entry.objects.get().who == "asha"
    assert Entry.objects.get().by == asha


@pytest.mark.django_db
def test_one_head_a_day_is_kept(key: PrivateKey) -> None:
    for days in (3, 2, 2, 0):
        at = FixedClock(NOW - timedelta(days=days))
        entered(1, clock=at)
        seal(signer=key, clock=at)
    assert list(Head.objects.order_by("day").values_list("number", flat=True)) == [1, 3, 4]
    for one in Head.objects.all():
        assert contains(head=Signed.model_validate(one.signed), trusted=key.public_hex)[0] == one.number
    assert Checkpoint.objects.count() == 0
