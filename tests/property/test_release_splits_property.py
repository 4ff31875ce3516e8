"""Splits: a person is in one part with everyone found to be the same person, and stays there when the dataset grows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midas.kernel import Conflict
from midas.release.splits import choose_key, groups, part_of

PARTS = {"train": 0.7, "validation": 0.15, "test": 0.15}


@st.composite
def registered(draw: st.DrawFn) -> list[tuple[str, tuple[str, ...]]]:
    names = [f"P-{number}" for number in range(draw(st.integers(1, 12)))]
    return [(name, tuple(draw(st.lists(st.sampled_from(names), max_size=2)))) for name in names]


@settings(deadline=None)
@given(links=registered())
def test_linked_pseudonyms_are_one_group_named_by_the_first(links: list[tuple[str, tuple[str, ...]]]) -> None:
    group = groups(links)
    for name, others in links:
        assert {group[other] for other in others} <= {group[name]}
        assert group[group[name]] == group[name]
        assert links.index(next(one for one in links if one[0] == group[name])) <= links.index((name, others))


@settings(deadline=None)
@given(links=registered(), more=st.integers(1, 6), key=st.binary(min_size=32, max_size=32))
def test_no_one_moves_when_others_come(
    links: list[tuple[str, tuple[str, ...]]], more: int, key: bytes
) -> None:
    before = groups(links)
    grown = [*links, *((f"Q-{number}", (links[number % len(links)][0],)) for number in range(more))]
    after = groups(grown)
    for name, _ in links:
        assert part_of(after[name], key=key, parts=PARTS) == part_of(before[name], key=key, parts=PARTS)
    for name, (other,) in grown[len(links) :]:
        assert part_of(after[name], key=key, parts=PARTS) == part_of(after[other], key=key, parts=PARTS)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(3, 60), seed=st.binary(min_size=32, max_size=32))
def test_the_first_split_leaves_no_part_empty_and_comes_near_the_shares(count: int, seed: bytes) -> None:
    persons = {f"P-{number}": f"grade {number % 3}" for number in range(count)}
    key = choose_key(persons, seed=seed, parts=PARTS)
    placed = [part_of(name, key=key, parts=PARTS) for name in persons]
    assert set(placed) == set(PARTS)
    for part, share in PARTS.items():
        assert abs(placed.count(part) - share * count) <= max(2.0, 0.1 * count)
    assert key == choose_key(persons, seed=seed, parts=PARTS)


@settings(max_examples=15, deadline=None)
@given(count=st.integers(0, 2), seed=st.binary(min_size=32, max_size=32))
def test_too_few_persons_are_an_error(count: int, seed: bytes) -> None:
    with pytest.raises(Conflict, match="cannot fill"):
        choose_key({f"P-{number}": "" for number in range(count)}, seed=seed, parts=PARTS)


def test_shares_are_met_for_many_persons_whatever_the_key() -> None:
    placed = [part_of(f"P-{number}", key=b"k" * 32, parts=PARTS) for number in range(20_000)]
    for part, share in PARTS.items():
        assert abs(placed.count(part) / 20_000 - share) < 0.01


def test_a_part_without_a_share_gets_no_one() -> None:
    parts = {"train": 1.0, "test": 0.0}
    assert {part_of(f"P-{number}", key=b"k" * 32, parts=parts) for number in range(500)} == {"train"}
