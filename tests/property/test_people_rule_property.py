"""`may` and `visible` are one rule: what one allows the other shows, for every account, act and dataset."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from midas.people import Act, may, may_anywhere, visible
from midas.people.models import Account, Membership, Role

DATASETS = ("oral-cancer", "meningioma", "ecg")
PAIRS = st.sets(st.tuples(st.sampled_from(Role.values), st.sampled_from(("", *DATASETS))), max_size=5)


class OneRule(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(pairs=PAIRS, act=st.sampled_from(Act), active=st.booleans(), superuser=st.booleans())
    def test_may_and_visible_agree(
        self, pairs: set[tuple[str, str]], act: Act, active: bool, superuser: bool
    ) -> None:
        account = Account.objects.create(username="a", is_active=active, is_superuser=superuser)
        for role, dataset in pairs:
            Membership.objects.create(account=account, role=role, dataset=dataset)
        seen = visible(account, act, DATASETS)
        assert seen == [name for name in DATASETS if may(account, act, name)]
        assert may_anywhere(account, act) >= bool(seen)
        if may(account, act):
            assert seen == list(DATASETS)
        if not active:
            assert seen == []
            assert not may_anywhere(account, act)

    @settings(max_examples=30, deadline=None)
    @given(pairs=PAIRS, more=PAIRS, act=st.sampled_from(Act))
    def test_a_further_role_never_takes_anything_away(
        self, pairs: set[tuple[str, str]], more: set[tuple[str, str]], act: Act
    ) -> None:
        account = Account.objects.create(username="b")
        Membership.objects.bulk_create(Membership(account=account, role=r, dataset=d) for r, d in pairs)
        before = set(visible(account, act, DATASETS))
        Membership.objects.bulk_create(
            Membership(account=account, role=r, dataset=d) for r, d in more - pairs
        )
        assert before <= set(visible(account, act, DATASETS))


@pytest.mark.django_db
def test_nobody_in_particular_may_only_browse_sign_in_and_look_at_twins() -> None:
    assert {act for act in Act if may(None, act)} == {Act.BROWSE, Act.SIGN_IN, Act.GET_TWIN}
