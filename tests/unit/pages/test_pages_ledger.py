"""The ledger's pages: for the auditor alone, flat however many rows; a head for anyone; one's own rows for oneself."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from midas.kernel import BadInput, BrokenPromise, FixedClock, SystemClock
from midas.ledger import Deed, seal
from midas.ledger import enter as written
from midas.ledger.exporting import check_lines
from midas.ledger.models import Entry, Refusal
from midas.people import add_account, give_role
from midas.web.bootstrap import signer
from midas.web.noting import address_name

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def auditor(hub, enter):
    account = add_account(name="asha", password="look-and-see-1")
    give_role(account=account, role="auditor")
    return enter("asha")


def deeds(number: int = 130) -> int:
    """Write so many rows after those of the gallery; return how many stood before."""
    before = Entry.objects.count()
    for n in range(number):
        who = "=cmd()" if n == 5 else f"person {n % 3}"
        written(
            Deed.VIEW if n % 2 else Deed.CUT, by=None, who=who, clock=FixedClock(NOW + timedelta(hours=n)),
            dataset="oral-cancer" if n % 5 else "meningioma", target=f"2.25.{n}", why="so", times=n,
        )  # fmt: skip
    seal(signer=signer(), clock=SystemClock())
    return before


def test_only_the_auditor_reads_it(hub, enter, auditor) -> None:
    for name in ("researcher", "operator", "curator", "admin"):
        assert enter(name).get("/ledger").status_code == 403
        assert enter(name).get("/ledger/export.csv").status_code == 403
    assert enter().get("/ledger").status_code == 302
    assert "No row" not in auditor.get("/ledger").content.decode()
    assert auditor.get("/ledger?who=nobody").status_code == 200
    assert b"No row fits" in auditor.get("/ledger?who=nobody").content
    seen = auditor.get("/ledger").content.decode()
    assert "Refusals of this hour" in seen
    assert seen.count("read the ledger") == 4
    assert Refusal.objects.filter(act="read the ledger").count() == 4


def test_pages_go_by_key_and_filters_narrow(auditor, django_assert_max_num_queries) -> None:
    before = deeds()
    seen: list[int] = []
    address = "/ledger"
    for _ in range(4):
        with django_assert_max_num_queries(25):
            found = auditor.get(address)
        seen += [row["number"] for row in found.context["rows"]]
        if not found.context["older"]:
            break
        address = f"/ledger?before={found.context['older']}"
    assert sorted(seen, reverse=True) == list(range(before + 130, 0, -1))
    rows = auditor.get(
        "/ledger?who=person+1&deed=view&dataset=oral-cancer&since=2026-11-21&until=2026-11-22"
    ).context["rows"]
    assert rows
    assert {(row["who"], row["deed"], row["dataset"]) for row in rows} == {
        ("person 1", "view", "oral-cancer")
    }
    for odd in ("before=x", "before=9.9.9", "since=tomorrow", "deed=none", f"before={10**40}.1"):
        assert auditor.get(f"/ledger?{odd}").status_code == 200


def exported(address: str) -> bytes:
    async def get() -> bytes:
        client = AsyncClient()
        assert await client.alogin(username="asha", password="look-and-see-1")
        answer = await client.get(address)
        assert answer.status_code == 200
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(get)()


@pytest.mark.django_db(transaction=True)
def test_an_export_verifies_without_the_hub_and_no_change_of_it_does(auditor) -> None:
    all_rows = deeds(40) + 40
    data = exported("/ledger/export.ndjson")
    found = check_lines(io.BytesIO(data), trusted=signer().public_hex)
    assert (found.rows, found.first, found.last, found.whole) == (all_rows, 1, all_rows, True)
    assert Entry.objects.filter(deed=Deed.DOWNLOAD, target="ledger").count() == 1
    lines = data.splitlines(keepends=True)
    for wrong in (
        [*lines[:20], lines[20].replace(b"so", b"no"), *lines[21:]], [*lines[:5], *lines[6:]], lines[:-1],
        [*lines[:-2], lines[-1]], [lines[0], lines[2], lines[1], *lines[3:]], [lines[0], *lines[2:]],
        [lines[0].replace(b"true", b"false"), *lines[1:]],
    ):  # fmt: skip
        with pytest.raises(BrokenPromise):
            check_lines(wrong)
    with pytest.raises(BrokenPromise, match="not trusted"):
        check_lines(lines, trusted="00" * 32)
    with pytest.raises(BadInput):
        check_lines([b"{}"])
    some = exported("/ledger/export.ndjson?who=person+1")
    part = check_lines(io.BytesIO(some))
    assert (part.whole, part.rows) == (False, sum(n % 3 == 1 for n in range(40)))
    days = check_lines(io.BytesIO(exported("/ledger/export.ndjson?since=2026-11-21&until=2026-11-21")))
    assert days.whole
    assert 20 <= days.rows <= 30


@pytest.mark.django_db(transaction=True)
def test_a_sheet_has_no_formula(auditor) -> None:
    before = deeds(12)
    rows = list(csv.DictReader(io.StringIO(exported("/ledger/export.csv").decode())))
    assert len(rows) == before + 12
    rows = rows[before:]
    assert rows[5]["who"] == "'=cmd()"
    assert json.loads(rows[3]["details"]) == {"times": 3}
    assert rows[4]["before"] == rows[3]["digest"]


def test_the_head_is_for_anyone(hub, enter) -> None:
    before = deeds(3)
    signed = enter().get("/ledger/head.json").json()
    assert json.loads(signed["payload"])["number"] == before + 3
    assert enter().get("/ledger/head").status_code == 200
    day = json.loads(signed["payload"])["time"][:10]
    assert enter().get("/ledger/head.json?day=2001-01-01").status_code == 404
    assert enter().get("/ledger/head.json?day=never").status_code == 404
    assert day >= "2026"


def test_each_sees_what_was_noted_about_them_and_no_more(hub, enter) -> None:
    mine, other = hub["researcher"], hub["curator"]
    for by, target in ((mine, "2.25.77"), (other, "2.25.88")):
        written(Deed.VIEW, by=by, clock=FixedClock(NOW), dataset="oral-cancer", target=target)
    seen = enter("researcher").get("/account/noted").content.decode()
    assert "2.25.77" in seen
    assert "2.25.88" not in seen
    assert enter().get("/account/noted").status_code == 302


def test_an_address_stands_as_a_hash_that_changes_every_day(settings) -> None:
    one = address_name("10.1.2.3", at=NOW)
    assert one == address_name("10.1.2.3", at=NOW + timedelta(hours=3))
    assert one != address_name("10.1.2.3", at=NOW + timedelta(days=1))
    assert one != address_name("10.1.2.4", at=NOW)
    assert "10.1" not in one
