"""Identifiers, invitations, keys and browsers: what the verbs hold to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midas.kernel import BadInput, Conflict, FixedClock, NotFound
from midas.people import add_account, issue_token
from midas.people.identifiers import orcid, ror
from midas.people.invitations import accept, invite, standing_invitation
from midas.people.models import Account, Invitation, Token
from midas.people.rule import ANYONE, Act
from midas.people.scopes import BY_HAND, BY_NAME_ONLY, SCOPES, acts_of, limited, words_of
from midas.people.sessions import device_of
from midas.people.tokens import key_of_account, scope_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CLOCK = FixedClock(NOW)
PASSWORD = "a long river of words"


@pytest.mark.parametrize(
    "told",
    [
        "0000-0002-1825-0097",
        "0000000218250097",
        " https://orcid.org/0000-0002-1825-0097 ",
        "0000-0001-5109-3700",
    ],
)
def test_true_orcids_have_one_form(told: str) -> None:
    assert orcid(told).count("-") == 3


def test_an_orcid_may_end_in_x() -> None:
    assert orcid("0000-0002-1694-233x") == "0000-0002-1694-233X"


@given(st.integers(0, 9), st.integers(0, 14))
def test_one_wrong_digit_of_an_orcid_is_seen(digit: int, place: int) -> None:
    digits = "0000000218250097"
    changed = digits[:place] + str(digit) + digits[place + 1 :]
    if changed == digits:
        assert orcid(changed) == "0000-0002-1825-0097"
    else:
        with pytest.raises(BadInput):
            orcid(changed)


@pytest.mark.parametrize(
    "told", ["https://ror.org/02mpq6x41", "02mpq6x41", "ror.org/05dxps055", "https://ror.org/042nb2s44"]
)
def test_true_rors(told: str) -> None:
    assert ror(told).startswith("https://ror.org/0")


@pytest.mark.parametrize("told", ["02mpq6x42", "x", "https://evil.example/02mpq6x41", "02mpq6l41"])
def test_wrong_rors(told: str) -> None:
    with pytest.raises(BadInput):
        ror(told)
    assert ror("") == orcid("") == ""


@given(st.none() | st.frozensets(st.sampled_from(Act)))
def test_a_key_is_limited_to_a_part_of_its_scope(scope: frozenset[Act] | None) -> None:
    found = limited(scope)
    assert not found & BY_HAND
    if scope is None:
        assert not found & BY_NAME_ONLY
    else:
        assert found <= scope


@given(st.sets(st.sampled_from(sorted(SCOPES)), min_size=1))
def test_the_words_of_a_scope_come_back(names: set[str]) -> None:
    assert names <= set(words_of(acts_of(names)))
    assert acts_of(names) >= ANYONE


def test_scopes_that_are_not_known_are_refused() -> None:
    for names in ([], ["everything"], ["download", "x"]):
        with pytest.raises(BadInput):
            acts_of(names)


@pytest.mark.django_db
def test_a_key_says_the_day_of_its_last_use_and_its_scope() -> None:
    asha = add_account(name="asha", password=PASSWORD)
    token = issue_token(title="t", clock=CLOCK, account=asha, days=2, scope=acts_of(["download"]))
    assert Token.objects.get().used_on is None
    key = key_of_account(token, now=NOW + timedelta(hours=30))
    assert key is not None
    assert scope_of(key) == SCOPES["download"]
    assert Token.objects.get().used_on == NOW.date() + timedelta(days=1)
    with pytest.raises(BadInput):
        issue_token(title="t", clock=CLOCK, account=asha, days=366)


@pytest.mark.django_db
def test_an_invitation_is_used_by_one() -> None:
    key = invite(clock=CLOCK, by=None, email="ravi@example.org", role="annotator", days=2)
    found = standing_invitation(key, now=NOW)
    assert key not in str(Invitation.objects.values())
    made = accept(invitation=found, name="ravi", password=PASSWORD, clock=CLOCK)
    assert made.email == "ravi@example.org"
    with pytest.raises(Conflict):
        accept(invitation=found, name="ravi2", password=PASSWORD, clock=CLOCK)
    assert Account.objects.count() == 1
    with pytest.raises(NotFound):
        standing_invitation(key, now=NOW)
    with pytest.raises(Conflict):
        invite(clock=CLOCK, by=None, email="RAVI@example.org", days=2)
    late = invite(clock=CLOCK, by=None, days=2)
    with pytest.raises(NotFound):
        standing_invitation(late, now=NOW + timedelta(days=2))


@pytest.mark.django_db
def test_a_refused_name_leaves_the_invitation_standing() -> None:
    add_account(name="ravi", password=PASSWORD)
    key = invite(clock=CLOCK, by=None, days=2)
    with pytest.raises(Conflict):
        accept(invitation=standing_invitation(key, now=NOW), name="RAVI", password=PASSWORD, clock=CLOCK)
    assert standing_invitation(key, now=NOW).used_at is None


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iOS"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("<script>alert(1)</script>", ""), ("", ""),
    ],
)  # fmt: skip
def test_browsers_are_named_coarsely(agent: str, words: str) -> None:
    assert device_of(agent) == words
