"""What a hospital can work out from all that it is told together: the public tables, and all hospitals' coverage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midas.release import counting
from midas.release.counting import Counted
from midas.release.disclosure import LEAST, NOT_SAID, share, whole, without
from midas.release.publication import NOTHING, tell, tell_on

SMALL = set(range(1, LEAST))
Groups = tuple[int, ...]


def worlds(categories: int, low: int, high: int) -> Iterator[Groups]:
    """Go through every way to place `low` to `high` persons."""
    if categories == 1:
        yield from ((number,) for number in range(low, high + 1))
        return
    for first in range(high + 1):
        for rest in worlds(categories - 1, max(low - first, 0), high - first):
            yield (first, *rest)


def counted(own: Groups, others: tuple[Groups, ...], *, several: bool = False) -> Counted:
    """Count a world: the asking hospital's persons and those of each other one, by group; no group: of the last one."""
    hospitals = {"own": own} | {f"other {number}": groups for number, groups in enumerate(others)}
    people = Counter({name: sum(groups) for name, groups in hospitals.items()})
    cells = {
        str(place): Counter({name: groups[place] for name, groups in hospitals.items()})
        for place in range(len(own))
    }
    if several:
        *named, last = cells
        cells = {**{name: cells[name] for name in named}, NOT_SAID: cells[last]}
        return Counted(people, {"modality": cells}, frozenset({"modality"}), AMOUNTS)
    return Counted(people, {"sex": cells}, frozenset(), AMOUNTS)


AMOUNTS: dict[str, dict[str, int]] = {"images": {}, "series": {}, "bytes": {}}


def told_of(world: Counted, before: Any = NOTHING) -> str:
    told = tell(world.safe(), version="1", before=before)
    return repr((told["people"], {name: table["cells"] for name, table in told["tables"].items()}))


def pinned(
    own: Groups,
    *,
    hospitals: int,
    high: int,
    several: bool = False,
    beside: Callable[[Groups], object] = lambda others: None,
) -> set[Any]:
    """Return what one version gives away of all others, to one who knows `own`: (what was told, the group).

    `beside`: what is told of all others besides.
    """
    places = len(own)
    fit: dict[str, list[set[int]]] = defaultdict(lambda: [set() for _ in range(2 * places + 1)])
    for flat in worlds(places * hospitals, 0, high):
        others = tuple(flat[at * places : (at + 1) * places] for at in range(hospitals))
        seen, people = [sum(one) for one in zip(*others, strict=True)], sum(flat)
        cells = fit[f"{told_of(counted(own, others, several=several))} {beside(tuple(seen))}"]
        cells[-1].add(people)
        for place, number in enumerate(seen):
            cells[place].add(number)
            cells[places + place].add(people - number)
    whole_story = {told: cells for told, cells in fit.items() if max(cells[-1]) < high - LEAST}
    return {
        (told, place)
        for told, cells in whole_story.items()
        for place, seen in enumerate(cells)
        if seen <= SMALL
    }


def pinned_later(own: Groups, *, low: int, high: int, added: int) -> set[Any]:
    """Return what a release and the coverage after it give away, of all others then and of those who came since."""
    places = len(own)
    fit: dict[str, list[set[int]]] = defaultdict(lambda: [set() for _ in range(2 * places + 1)])
    for first in worlds(places, low, high):
        one = tell(counted(own, (first,)).safe(), version="1")
        for new in worlds(places, 0, added):
            then = tuple(a + b for a, b in zip(first, new, strict=True))
            later = one if sum(new) < LEAST else tell_on(counted(own, (then,)), one)
            cells = fit[repr((one, later["people"], later["tables"]))]
            cells[-1].add(sum(new))
            for place in range(places):
                cells[place].add(then[place])
                cells[places + place].add(new[place])
    whole_story = {told: cells for told, cells in fit.items() if max(cells.pop()) < added - LEAST}
    return {
        (told, place)
        for told, cells in whole_story.items()
        for place, seen in enumerate(cells)
        if seen <= SMALL
    }


OWN = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 26, 31])


@settings(max_examples=12, deadline=None)
@given(st.tuples(OWN, OWN))
@example((4, 26))
@example((26, 5))
def test_one_hospital_cannot_subtract_itself(own: Groups) -> None:
    """Attacker: a hospital of the dataset.

    It knows the rules, each of its own persons exactly (`own`), the public tables of a release and what it is told of all
    hospitals together of the same persons. The latter follows from the public tables and its own (`covering.total`), so
    the public tables are all that it has besides. It knows nothing else of other hospitals' persons. A group of all
    others, its complement, or all others together is pinned down when each world that fits has 1 to 4 persons in it.
    """
    assert pinned(own, hospitals=1, high=52) == set()


@settings(max_examples=4, deadline=None)
@given(st.tuples(OWN, OWN, OWN))
@example((4, 26, 0))
def test_nor_where_there_are_three_groups(own: Groups) -> None:
    """The same attacker."""
    assert pinned(own, hospitals=1, high=38) == set()


@settings(max_examples=3, deadline=None)
@given(st.tuples(OWN, OWN))
@example((4, 26))
def test_nor_where_two_others_are_told_as_one(own: Groups) -> None:
    """The same attacker, with two other hospitals: what is pinned down are both together."""
    assert pinned(own, hospitals=2, high=18) == set()


@settings(max_examples=6, deadline=None)
@given(st.tuples(OWN, OWN))
@example((4, 26))
def test_nor_by_values_of_which_a_person_may_have_several(own: Groups) -> None:
    """The same attacker, at a table of modalities: with it, and without any."""
    assert pinned(own, hospitals=1, high=46, several=True) == set()


@settings(max_examples=3, deadline=None)
@given(st.tuples(OWN, OWN))
@example((4, 26))
def test_nor_by_what_came_between_a_release_and_the_coverage_after_it(own: Groups) -> None:
    """The same attacker; since the release persons came at other hospitals, and it is told the coverage of them all."""
    assert pinned_later(own, low=0, high=24, added=16) == set()


def test_the_attack_finds_out_counts_that_a_hospital_can_subtract_itself_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """4 of one group at the attacker's and 1 elsewhere were told as 5."""
    monkeypatch.setattr(counting, "alone", lambda parts: sum(parts.values()))
    assert pinned((4, 26), hospitals=1, high=46)


def test_the_attack_finds_out_a_coverage_of_all_others_beside_the_public_tables() -> None:
    """Each is safe alone: the public tables, and all others together in fives."""

    def in_fives(others: Groups) -> object:
        people = whole(sum(others))
        return people, share(
            {str(place): number for place, number in enumerate(others)}, people
        ) if people >= 30 else None

    assert pinned((26, 5), hospitals=1, high=60) == set()
    assert pinned((26, 5), hospitals=1, high=60, beside=in_fives)


def test_nobody_is_lost_from_the_complement() -> None:
    assert without({"a": 5, "b": 2}, {"a": 3}) == {"a": 2, "b": 2}
