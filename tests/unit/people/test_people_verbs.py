"""Accounts, roles and tokens: what each may, and what is never kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import serializers

from midas.kernel import BadInput, Conflict, FixedClock
from midas.people import (
    Act,
    account_of_token,
    add_account,
    add_institution,
    give_role,
    issue_token,
    revoke_tokens,
    set_password,
    spoke_of_token,
)
from midas.people.accounts import set_active, take_role
from midas.people.models import Account, Membership, Role, Token
from midas.web.standing import may

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CLOCK = FixedClock(NOW)
PASSWORD = "a long river of words"


@pytest.fixture
def asha() -> Account:
    return add_account(name="asha", password=PASSWORD)


def test_a_new_account_may_only_look_after_itself(asha: Account) -> None:
    allowed = {act for act in Act if may(asha, act, "oral-cancer")}
    assert allowed == {
        Act.SIGN_IN, Act.BROWSE, Act.GET_TWIN, Act.OWN_ACCOUNT, Act.DOWNLOAD_OPEN, Act.ASK_ACCESS,
    }  # fmt: skip


def test_a_role_holds_only_for_the_dataset_of_the_membership(asha: Account) -> None:
    give_role(account=asha, role="curator", dataset="oral-cancer")
    assert may(asha, Act.CUT, "oral-cancer")
    assert not may(asha, Act.CUT, "meningioma")
    assert not may(asha, Act.CUT)
    assert not may(asha, Act.DOWNLOAD, "oral-cancer")
    take_role(account=asha, role="curator", dataset="oral-cancer")
    assert not may(asha, Act.CUT, "oral-cancer")


def test_no_role_downloads(asha: Account) -> None:
    for role in Role.values:
        give_role(account=asha, role=role)
    assert not may(asha, Act.DOWNLOAD, "oral-cancer")


def test_an_administrator_manages_people_and_downloads_nothing(asha: Account) -> None:
    give_role(account=asha, role="admin")
    assert may(asha, Act.MANAGE_PEOPLE)
    assert not may(asha, Act.DOWNLOAD, "oral-cancer")


def test_no_account_may_submit(asha: Account) -> None:
    for role in ("operator", "curator", "researcher", "admin"):
        give_role(account=asha, role=role)
    assert not may(asha, Act.SUBMIT)


def test_closing_an_account_beats_every_role(asha: Account) -> None:
    give_role(account=asha, role="curator")
    token = issue_token(title="t", clock=CLOCK, account=asha)
    set_active(account=asha, active=False)
    assert not any(may(asha, act, "oral-cancer") for act in Act)
    assert account_of_token(token, now=NOW) is None


def test_a_role_given_twice_is_given_once(asha: Account) -> None:
    assert give_role(account=asha, role="curator") == give_role(account=asha, role="curator")
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "password"), [("asha", PASSWORD), ("a b", PASSWORD), ("ravi", "short"), ("ravi", "123456789012")]
)
def test_what_is_refused(asha: Account, name: str, password: str, settings: object) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [  # type: ignore[attr-defined]
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": 10},
        },
        {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    ]
    with pytest.raises((BadInput, Conflict)):
        add_account(name=name, password=password)
    assert Account.objects.count() == 1


def test_an_unknown_role_is_refused(asha: Account) -> None:
    with pytest.raises(BadInput):
        give_role(account=asha, role="god")


def test_passwords_and_tokens_are_not_kept(asha: Account) -> None:
    token = issue_token(title="laptop", clock=CLOCK, account=asha)
    rows = serializers.serialize("json", [*Account.objects.all(), *Token.objects.all()])
    assert token not in rows
    assert PASSWORD not in rows
    assert account_of_token(token, now=NOW) == asha


def test_a_token_ends(asha: Account) -> None:
    token = issue_token(title="t", clock=CLOCK, account=asha, days=2)
    assert account_of_token(token, now=NOW + timedelta(days=1, hours=23)) == asha
    assert account_of_token(token, now=NOW + timedelta(days=2)) is None
    lasting = issue_token(title="t", clock=CLOCK, account=asha)
    assert revoke_tokens(clock=CLOCK, account=asha) == 2
    assert account_of_token(lasting, now=NOW) is None


def test_a_spokes_token_is_no_account(asha: Account) -> None:
    spoke = add_institution(slug="spdc-wardha", name="Sharad Pawar Dental College", spoke_key="ab" * 32)
    token = issue_token(title="spoke", clock=CLOCK, spoke=spoke)
    assert spoke_of_token(token, now=NOW) == spoke
    assert account_of_token(token, now=NOW) is None
    mine = issue_token(title="t", clock=CLOCK, account=asha)
    assert spoke_of_token(mine, now=NOW) is None
    assert spoke_of_token("midas_\ud800", now=NOW) is None


@pytest.mark.parametrize(
    ("slug", "key"), [("Wardha", ""), ("w/../x", ""), ("ok", "zz" * 32), ("spdc", ""), ("other", "ab" * 32)]
)
def test_institutions_that_are_refused(slug: str, key: str) -> None:
    add_institution(slug="spdc", name="S", spoke_key="ab" * 32)
    with pytest.raises((BadInput, Conflict)):
        add_institution(slug=slug, name="x", spoke_key=key)


def test_a_new_password_works_and_the_old_does_not(asha: Account) -> None:
    set_password(account=asha, password="another river of words")
    asha.refresh_from_db()
    assert asha.check_password("another river of words")
    assert not asha.check_password(PASSWORD)


@pytest.mark.parametrize("both", [True, False])
def test_a_token_has_one_owner(asha: Account, both: bool) -> None:
    spoke = add_institution(slug="s", name="S")
    with pytest.raises(BadInput):
        issue_token(title="x", clock=CLOCK, account=asha if both else None, spoke=spoke if both else None)
