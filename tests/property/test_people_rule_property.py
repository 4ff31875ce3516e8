"""`allows` and `seen` are one rule: what one allows the other shows, for every standing, act, dataset and version."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from midas.people.models import Role
from midas.people.rule import ANYONE, NOBODY, SIGNED_IN, Act, Standing, allows, allows_somewhere, seen

DATASETS = ("oral-cancer", "meningioma", "ecg")
VERSIONS = ("1.0.0", "1.1.0")
ROLES = st.frozensets(st.tuples(st.sampled_from(Role.values), st.sampled_from(("", *DATASETS))), max_size=5)
GRANTS = st.frozensets(st.tuples(st.sampled_from(DATASETS), st.sampled_from(VERSIONS)), max_size=4)
SCOPES = st.none() | st.frozensets(st.sampled_from(Act), max_size=6)
STANDINGS = st.builds(
    Standing,
    roles=st.none() | ROLES,
    grants=GRANTS,
    scope=SCOPES,
    active=st.sampled_from((True, True, False)),
)
PLACES = st.none() | st.sampled_from(DATASETS)
ACTS = st.sampled_from(Act)


def everything(standing: Standing) -> set[tuple[Act, str | None, str | None]]:
    places = [(None, None), *((one, None) for one in DATASETS), *((d, v) for d in DATASETS for v in VERSIONS)]
    return {(act, *place) for act in Act for place in places if allows(standing, act, *place)}


@given(STANDINGS, ACTS)
def test_may_i_and_what_can_i_see_agree(standing: Standing, act: Act) -> None:
    found = seen(standing, act, DATASETS)
    assert found == [name for name in DATASETS if allows(standing, act, name)]
    assert allows_somewhere(standing, act) >= bool(found)
    if allows(standing, act) and act is not Act.DOWNLOAD:
        assert found == list(DATASETS)


@given(STANDINGS)
def test_who_is_closed_may_nothing(standing: Standing) -> None:
    closed = replace(standing, active=False)
    assert everything(closed) == set()
    assert not any(allows_somewhere(closed, act) for act in Act)


@given(STANDINGS, ROLES, GRANTS)
def test_a_further_role_or_grant_takes_nothing_away(
    standing: Standing, roles: frozenset[tuple[str, str]], grants: frozenset[tuple[str, str]]
) -> None:
    more = replace(standing, roles=(standing.roles or frozenset()) | roles, grants=standing.grants | grants)
    assert everything(standing) <= everything(more)


@given(STANDINGS, SCOPES)
def test_a_scoped_token_may_a_part_of_what_its_account_may(
    standing: Standing, scope: frozenset[Act] | None
) -> None:
    whole = everything(replace(standing, scope=None))
    limited = everything(replace(standing, scope=scope))
    assert limited <= whole
    if scope is not None:
        assert {act for act, *_ in limited} <= scope | ANYONE


@given(STANDINGS, st.sampled_from(DATASETS), st.sampled_from(VERSIONS))
def test_only_a_grant_to_that_very_release_downloads_it(
    standing: Standing, dataset: str, version: str
) -> None:
    if allows(standing, Act.DOWNLOAD, dataset, version):
        assert (dataset, version) in standing.grants
        assert standing.roles is not None
    assert not allows(standing, Act.DOWNLOAD)


@given(STANDINGS, PLACES)
def test_no_person_submits(standing: Standing, dataset: str | None) -> None:
    assert not allows(standing, Act.SUBMIT, dataset)


@given(GRANTS, SCOPES)
def test_who_did_not_sign_in_has_neither_role_nor_grant(
    grants: frozenset[tuple[str, str]], scope: frozenset[Act] | None
) -> None:
    assert {act for act, *_ in everything(replace(NOBODY, grants=grants, scope=scope))} == ANYONE


@given(STANDINGS)
def test_who_signed_in_may_at_least_what_anyone_may(standing: Standing) -> None:
    acts = {act for act, *_ in everything(replace(standing, active=True, scope=None))}
    assert acts >= (ANYONE if standing.roles is None else SIGNED_IN)
