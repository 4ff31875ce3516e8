"""The pages and the call that look into tables: for whom, what they show, and what stands in the ledger after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from midas.access.granting import give
from midas.access.terms import terms_of_release
from midas.ledger.models import Deed, Entry
from midas.people import add_account, give_role, issue_token

pytestmark = pytest.mark.django_db
AT = "/datasets/{0}/releases/1.0.0/{1}"
PASSWORD = "a long river of words"


@pytest.fixture
def world(ward: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from midas.release import cut
    from midas.web import bootstrap
    from midas.web.home import create, open_home

    create(tmp_path / "home")
    real = bootstrap.django_settings(open_home(tmp_path / "home"))
    for name in ("TEMPLATES", "MIDDLEWARE", "ROOT_URLCONF", "LOCALE_PATHS", "STATIC_URL", "LOGIN_URL", "MIDAS_HUB",
                 "AUTHENTICATION_BACKENDS", "LANGUAGES"):  # fmt: skip
        setattr(settings, name, real[name])
    for module in ("exploring", "releases"):
        monkeypatch.setattr(f"midas.web.pages.{module}.store", lambda: ward.store)
    ward.release = cut(draft=ward.draft("1.0.0"), store=ward.store, signer=ward.signer, clock=ward.clock)
    officer = add_account(name="officer", password=PASSWORD)
    ward.asha = add_account(name="asha", password=PASSWORD)
    from midas.kernel import SystemClock

    give(
        account=ward.asha, release=ward.release, purpose="HMB", by=officer, why="for the tests", clock=SystemClock(),
        terms=terms_of_release(ward.release, store=ward.store, clock=SystemClock()),
    )  # fmt: skip
    curator = add_account(name="curator", password=PASSWORD)
    give_role(account=curator, role="curator", dataset=ward.dataset.slug)
    add_account(name="visitor", password=PASSWORD)
    return ward


def client(name: str) -> Client:
    from midas.people.models import Account

    found = Client()
    if name:
        found.force_login(Account.objects.get(username=name))
    return found


@pytest.mark.parametrize(("who", "status"), [("", 302), ("visitor", 403), ("asha", 200), ("curator", 200)])
def test_who_may_look_into_tables(world: Any, who: str, status: int) -> None:
    for page in ("explore", "question"):
        assert client(who).get(AT.format(world.dataset.slug, page)).status_code == status


def test_a_choice_is_counted_saved_and_drafted(world: Any) -> None:
    where = AT.format(world.dataset.slug, "explore")
    text = client("curator").get(f"{where}?sex=F").content.decode()
    assert 'value="F" checked' in text
    client("curator").post(f"{where}/save?sex=F", {"name": "women"})
    from midas.release.models import Cohort, Draft

    kept = Cohort.objects.get()
    assert (kept.name, kept.chosen) == ("women", {"sex": ["F"]})
    assert client("asha").post(f"{where}/{kept.pk}/draft", {}).status_code == 403
    assert client("asha").post(f"{where}/{kept.pk}/forget").status_code == 404
    client("curator").post(f"{where}/{kept.pk}/draft", {"version": "1.1.0", "published_on": "2026-12-01"})
    assert Draft.objects.get(version="1.1.0").cohort == kept
    client("curator").post(f"{where}/{kept.pk}/forget")
    assert Cohort.objects.count() == 1


def test_a_question_is_answered_and_written_down_without_its_words(world: Any) -> None:
    where = AT.format(world.dataset.slug, "question")
    sql = "select sex, count(*) as people, '=1+1' as formula from subjects group by sex"
    text = client("asha").post(where, {"sql": sql}).content.decode()
    assert '<th scope="col">people</th>' in text
    answer = client("asha").post(where, {"sql": sql, "as": "csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "'=1+1" in answer.content.decode()
    rows = Entry.objects.filter(deed=Deed.QUERY)
    assert rows.count() == 2
    assert "select" not in str(list(rows.values()))
    wrong = client("asha").post(where, {"sql": "select * from read_csv('/etc/passwd')"})
    assert wrong.status_code == 400
    assert "root:" not in wrong.content.decode()


def test_a_program_asks_with_its_key(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from midas.kernel import SystemClock

    where = f"/api/v1/releases/{world.dataset.slug}@1.0.0/question"
    body = {"sql": "select count(*) as n from subjects"}
    for account, status in ((world.asha, 200), (None, 401)):
        headers = {}
        if account:
            headers = {
                "authorization": f"Bearer {issue_token(title='t', clock=SystemClock(), account=account)}"
            }
        answer = Client().post(where, body, content_type="application/json", headers=headers)
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["columns"] == ["n"]
            assert answer.json()["rows"][0][0] > 0
