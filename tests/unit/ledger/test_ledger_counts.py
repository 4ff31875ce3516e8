"""Looking is one row a person, study and hour; refusals are counted, and nobody can fill the ledger with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from midas.kernel import FixedClock
from midas.ledger import Deed, denied, downloaded, viewed
from midas.ledger.denying import OTHERS, ROWS_EACH, ROWS_OF_ADDRESSES, close_hours, write_counts
from midas.ledger.models import Entry, Refusal
from midas.people import add_account
from midas.people.models import Account

NOW = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)
CLOCK = FixedClock(NOW)


@pytest.fixture
def asha(db: None) -> Account:
    return add_account(name="asha", password="a long river of words")


def look(by: Account | None, study: str = "2.25.1", *, minutes: int = 0) -> None:
    clock = FixedClock(NOW + timedelta(minutes=minutes))
    viewed(by=by, dataset="oral-cancer", version="1.0.0", target=study, clock=clock)


def test_a_view_is_one_row_a_person_a_study_and_an_hour(asha: Account) -> None:
    ravi = add_account(name="ravi", password="a long river of words")
    for minutes in (0, 0, 20, 49):
        look(asha, minutes=minutes)
    assert Entry.objects.count() == 1
    look(asha, minutes=51)
    look(asha, "2.25.2")
    look(ravi)
    look(None)
    assert Entry.objects.filter(deed=Deed.VIEW).count() == 4
    downloaded(by=asha, dataset="oral-cancer", version="1.0.0", clock=CLOCK)
    downloaded(by=asha, dataset="oral-cancer", version="1.0.0", clock=CLOCK)
    assert Entry.objects.filter(deed=Deed.DOWNLOAD).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_view_that_is_remembered_asks_the_database_nothing(django_assert_num_queries) -> None:
    asha = add_account(name="asha", password="a long river of words")
    look(asha)
    with django_assert_num_queries(0):
        for _ in range(1000):
            look(asha)
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_view_that_was_rolled_back_is_not_remembered() -> None:
    asha = add_account(name="asha", password="a long river of words")
    with pytest.raises(KeyError), transaction.atomic():
        look(asha)
        raise KeyError
    assert Entry.objects.count() == 0
    look(asha)
    assert Entry.objects.count() == 1


def test_refusals_are_counted_and_become_rows_when_the_hour_has_passed(asha: Account) -> None:
    for _ in range(7):
        denied(act="read the ledger", clock=CLOCK, by=asha)
    denied(act="sign in", clock=CLOCK, who="address ab", deed=Deed.SIGN_IN_REFUSED)
    assert Refusal.objects.get(by=asha).times == 1  # the first at once, the others in the next round
    write_counts()
    assert Refusal.objects.get(by=asha).times == 7
    assert close_hours(clock=FixedClock(NOW + timedelta(minutes=50))) == 0
    assert close_hours(clock=FixedClock(NOW + timedelta(minutes=52))) == 2
    assert Refusal.objects.count() == 0
    row = Entry.objects.get(deed=Deed.DENIED)
    assert (row.by, row.target, row.details["times"]) == (asha, "read the ledger", 7)
    assert row.details["hour"] == "2026-11-20T09:00+00:00"
    assert Entry.objects.get(deed=Deed.SIGN_IN_REFUSED).who == "address ab"


def test_a_flood_of_refusals_is_bounded_and_every_one_is_counted(asha: Account) -> None:
    flood = 0
    for n in range(700):
        denied(act="download", clock=CLOCK, who=f"address {n}", dataset=f"d{n}")
        flood += 1
    for n in range(100):
        denied(act="download", clock=CLOCK, who="address 1", dataset=f"e{n}")
        denied(act="download", clock=CLOCK, by=asha, dataset=f"e{n}")
        flood += 1
    write_counts()
    unknown = Refusal.objects.filter(by=None)
    assert unknown.count() <= ROWS_OF_ADDRESSES + 1
    assert Refusal.objects.filter(by=asha).count() == ROWS_EACH + 1
    assert sum(unknown.values_list("times", flat=True)) == flood
    assert sum(Refusal.objects.filter(by=asha).values_list("times", flat=True)) == 100
    assert unknown.get(who=OTHERS).times >= 200
    later = FixedClock(NOW + timedelta(hours=1))
    denied(act="download", clock=later, who="address of a later hour")
    assert Refusal.objects.filter(who="address of a later hour").count() == 1
