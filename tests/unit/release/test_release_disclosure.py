"""What an attacker can work out from public tables: every world that would be told the same, gone through one by one.

The attacker knows the rules and everything that was told, of all versions. A group is pinned down when each world that fits
has 1 to 4 persons in it: in the group, in its complement, or in what a version added to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midas.release import disclosure
from midas.release.disclosure import CROSSED_FROM, LEAST, SMALLEST_WHOLE, among, share, tables, volume, whole

SMALL = set(range(1, LEAST))
Rule = Callable[..., Any]


def worlds(categories: int, low: int, high: int) -> Iterator[tuple[int, ...]]:
    """Go through every way to place `low` to `high` persons."""

    def place(persons: int, left: int) -> Iterator[tuple[int, ...]]:
        if left == 1:
            yield (persons,)
            return
        for first in range(persons + 1):
            for rest in place(persons - first, left - 1):
                yield (first, *rest)

    for persons in range(low, high + 1):
        yield from place(persons, categories)


def told_of(rule: Rule, world: tuple[int, ...], before: Any = None) -> Any:
    return rule({str(place): number for place, number in enumerate(world)}, whole(sum(world)), before)


def pinned(rule: Rule, categories: int, low: int, high: int) -> set[Any]:
    """Return what one version gives away: (what was told, the cell)."""
    fit: dict[Any, list[set[int]]] = defaultdict(lambda: [set() for _ in range(2 * categories)])
    for world in worlds(categories, low, high):
        cells = fit[whole(sum(world)), str(told_of(rule, world))]
        for place, number in enumerate(world):
            cells[place].add(number)
            cells[categories + place].add(sum(world) - number)
    return {(told, place) for told, cells in fit.items() for place, seen in enumerate(cells) if seen <= SMALL}


def pinned_by_differences(rule: Rule, categories: int, low: int, high: int, added: int) -> set[Any]:
    """Return what two versions give away together, of the second and of what came in between."""
    fit: dict[Any, list[set[int]]] = defaultdict(lambda: [set() for _ in range(2 * categories)])
    for first in worlds(categories, low, high):
        one = told_of(rule, first)
        for new in worlds(categories, 0, added):
            second = tuple(a + b for a, b in zip(first, new, strict=True))
            two = told_of(rule, second, one) if sum(new) >= LEAST else one
            total = whole(sum(second)) if sum(new) >= LEAST else whole(sum(first))
            cells = fit[whole(sum(first)), str(one), total, str(two)]
            for place in range(categories):
                cells[place].add(second[place])
                cells[categories + place].add(new[place])
    return {(told, place) for told, cells in fit.items() for place, seen in enumerate(cells) if seen <= SMALL}


@pytest.mark.parametrize(("categories", "high"), [(2, 55), (3, 42), (4, 36), (5, 33)])
def test_one_version_pins_nobody_down(categories: int, high: int) -> None:
    assert pinned(share, categories, SMALLEST_WHOLE, high) == set()


@pytest.mark.parametrize(("categories", "high", "added"), [(2, 37, 14), (3, 31, 9)])
def test_two_versions_pin_nobody_down(categories: int, high: int, added: int) -> None:
    assert pinned_by_differences(share, categories, SMALLEST_WHOLE, high, added) == set()


def seen_among(counts: dict[str, int], people: int) -> str:
    return f"{whole(people)} {among(counts, people=people)}"


def test_values_of_which_a_person_may_have_several_pin_nobody_down() -> None:
    """Persons with one, with the other, with both and with neither; then persons with exactly one of three."""
    overlapping: dict[str, list[set[int]]] = defaultdict(lambda: [set() for _ in range(6)])
    for one, other, both, none in worlds(4, SMALLEST_WHOLE, 34):
        people, cells = one + other + both + none, (one + both, other + both, none)
        fit = overlapping[seen_among({"a": cells[0], "b": cells[1], "": none}, people)]
        for place, number in enumerate(cells):
            fit[place].add(number)
            fit[3 + place].add(people - number)
    exclusive: dict[str, list[set[int]]] = defaultdict(lambda: [set() for _ in range(6)])
    for cells in worlds(3, SMALLEST_WHOLE, 42):
        fit = exclusive[seen_among(dict(zip("abc", cells, strict=True)), sum(cells))]
        for place, number in enumerate(cells):
            fit[place].add(number)
            fit[3 + place].add(sum(cells) - number)
    for fits in (overlapping, exclusive):
        assert [told for told, seen in fits.items() if any(values <= SMALL for values in seen)] == []


def to_the_nearest(counts: Any, total: int, before: Any = None) -> Any:
    """Round each cell by itself and hide the small ones: what seems enough and is not, because the sum is told."""
    del before
    return total, {name: number if number >= LEAST else None for name, number in counts.items()}


def each_down(counts: Any, total: int, before: Any = None) -> Any:
    """Round each cell down by itself, beside a total that is told."""
    del before
    return total, {name: whole(number) for name, number in counts.items()}


def without_rounding(counts: Any, total: int, before: Any = None) -> Any:
    del total, before
    return dict(counts)


@pytest.mark.parametrize("weaker", [to_the_nearest, each_down, without_rounding])
def test_the_attack_finds_weaker_rules_out(weaker: Rule) -> None:
    assert pinned(weaker, 3, SMALLEST_WHOLE, 42)


def test_the_attack_finds_out_a_lower_bound_of_persons_and_a_smaller_base(monkeypatch) -> None:
    monkeypatch.setattr(disclosure, "LEAST", 2)
    assert pinned(share, 3, SMALLEST_WHOLE, 36)


def test_the_attack_finds_out_tables_that_forget_what_was_told() -> None:
    """Each version rounded afresh: a cell that goes down where persons only come betrays the remainders."""
    assert any(
        told_of(share, (12, 12, 12), None)[str(place)] > told_of(share, second, None)[str(place)]
        for second in worlds(3, 36, 44)
        if all(a >= 12 for a in second)
        for place in range(3)
    )


# -- all tables together: what is told is itself a world that is told the same ------------------------------------

COUNTS = st.lists(st.integers(0, 70), min_size=2, max_size=7)


def exact_of(
    sexes: list[list[int]], states: list[list[int]], several: list[float]
) -> tuple[dict[str, Any], int]:
    """Make tables of one world: `sexes` counts by band, `states` by hospital as shares, `several` shares of persons."""
    people = sum(map(sum, sexes))
    crossed = {f"{sex}|{band}": number for sex, row in enumerate(sexes) for band, number in enumerate(row)}
    bands = {str(band): sum(row[band] for row in sexes) for band in range(len(sexes[0]))}
    left, hospitals = people, {}
    for state, row in enumerate(states):
        for place, part in enumerate(row):
            hospitals[f"{state}|{place}"] = number = min(part, left)
            left -= number
    hospitals["0|0"] += left
    places: dict[str, int] = {}
    for key, number in hospitals.items():
        places[key[0]] = places.get(key[0], 0) + number
    having = {str(place): int(part * people) for place, part in enumerate(several)}
    none = max(0, people - sum(having.values()))
    return {
        "sex": {str(sex): sum(row) for sex, row in enumerate(sexes)}, "age_sex": crossed, "age": bands, "state": places,
        "hospital": hospitals, "modality": {"": none, **having},
    }, people  # fmt: skip


WORLD = st.builds(
    exact_of,
    st.integers(2, 6).flatmap(
        lambda bands: st.lists(
            st.lists(st.integers(0, 80), min_size=bands, max_size=bands), min_size=2, max_size=3
        )
    ),
    st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)


@settings(max_examples=400)
@given(WORLD)
def test_what_is_told_is_itself_a_world_that_is_told_the_same(world: tuple[dict[str, Any], int]) -> None:
    """So every number that is not told may be 0, for all that an attacker knows: nobody can be pinned down."""
    exact, people = world
    told = tables(exact, people=people, version="1.0.0", before={})
    if whole(people) < SMALLEST_WHOLE:
        assert told == {}
        return
    possible = {name: table["cells"] for name, table in told.items()}
    again = tables(possible, people=whole(people), version="1.0.0", before={})
    assert {name: table["cells"] for name, table in again.items()} == possible
    for name, table in told.items():
        assert all(number == 0 or number >= LEAST for number in table["cells"].values())
        assert all(number % LEAST == 0 for number in table["cells"].values())
        if name != "modality":
            assert sum(table["cells"].values()) == table["total"] == whole(people)
        else:
            assert sum(table["cells"].values()) >= whole(people)
            assert all(
                whole(people) - number == 0 or whole(people) - number >= LEAST
                for number in table["cells"].values()
            )


@settings(max_examples=300)
@given(WORLD, st.lists(st.integers(0, 40), min_size=3, max_size=3))
def test_two_versions_told_are_themselves_two_worlds(
    world: tuple[dict[str, Any], int], new: list[int]
) -> None:
    """Between versions every told number stays or grows by whole fives, while persons only come."""
    exact, people = world
    if whole(people) < SMALLEST_WHOLE:
        return
    one = tables({"sex": exact["sex"]}, people=people, version="1.0.0", before={})
    more = {name: number + extra for (name, number), extra in zip(exact["sex"].items(), new, strict=False)}
    two = tables({"sex": more}, people=sum(more.values()), version="1.1.0", before=one)
    first, second = one["sex"]["cells"], two["sex"]["cells"]
    assert all(
        (second[name] - number) % LEAST == 0 and second[name] >= number for name, number in first.items()
    )
    again = tables({"sex": second}, people=two["sex"]["total"], version="1.1.0", before=one)
    assert again["sex"]["cells"] == second


def test_named_cases() -> None:
    assert share({"F": 46, "M": 50, "O": 1, "U": 3}, 100) == {"F": 50, "M": 50, "O": 0, "U": 0}
    assert share({"a": 14, "b": 14, "c": 4}, 30) == {"a": 15, "b": 15, "c": 0}
    assert share({"a": 4, "b": 4}, 5) is None
    assert among({"CT": 29, "MR": 3}, people=30) == {"": 0, "CT": 30, "MR": 0}, (
        "a complement of one is told as none"
    )
    assert among({"CT": 12, "MR": 12, "": 9}, people=33) == {"": 5, "CT": 15, "MR": 10}


def test_amounts_do_not_give_the_number_of_persons_away() -> None:
    """Nine images of each person would tell how many there are."""
    assert {volume(9 * people, people=people) for people in range(30, 35)} == {270}


def test_age_by_sex_needs_many() -> None:
    few, _ = exact_of([[20, 20, 20], [20, 20, 20]], [[1]], [1.0])
    many, people = exact_of([[60, 60, 60], [60, 60, 60]], [[1]], [1.0])
    assert "age_sex" not in tables(few, people=120, version="1", before={})
    assert people >= CROSSED_FROM
    assert "age_sex" in tables(many, people=people, version="1", before={})
