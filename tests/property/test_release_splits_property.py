"""Splits: whoever belongs together is in one part, nobody moves as a dataset grows, no label decides who is hidden."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midas.kernel import Conflict
from midas.release.leakage import Ties, leakage
from midas.release.splits import HIDDEN, Keys, Person, choose_keys, crossing, groups, place

PARTS = {"train": 0.7, "validation": 0.15, "test": 0.15}
SITES = ("aiims", "pgi", "wardha", "nimhans", "tata", "cmc", "jipmer", "sgpgi", "kem", "gmc")
Links = list[tuple[str, tuple[str, ...]]]
SECRET = st.binary(min_size=32, max_size=32)
KEYS = st.builds(Keys, SECRET, SECRET) | st.builds(Keys, SECRET)
"""Of a dataset with a hidden part, and of one that was split before there was any."""


def part_of(group: str, *, keys: Keys, parts: Mapping[str, float]) -> str:
    return place([group], keys=keys, parts=parts)[group]


@st.composite
def registered(draw: st.DrawFn) -> Links:
    names = [f"P-{number}" for number in range(draw(st.integers(1, 12)))]
    return [(name, tuple(draw(st.lists(st.sampled_from(names), max_size=2)))) for name in names]


@st.composite
def with_ties(draw: st.DrawFn) -> tuple[Links, list[tuple[str, str]], dict[str, str]]:
    links = draw(registered())
    names = [name for name, _ in links]
    pairs = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=6))
    return links, pairs, {name: draw(st.sampled_from(SITES[:3])) for name in names}


@given(links=registered())
def test_linked_pseudonyms_are_one_group_named_by_the_first(links: Links) -> None:
    group = groups(links)
    for name, others in links:
        assert {group[other] for other in others} <= {group[name]}
        assert group[group[name]] == group[name]
        assert links.index(next(one for one in links if one[0] == group[name])) <= links.index((name, others))


@given(tied=with_ties(), keys=KEYS, by_site=st.booleans())
def test_whatever_ties_persons_keeps_them_in_one_part(
    tied: tuple[Links, list[tuple[str, str]], dict[str, str]], keys: Keys, by_site: bool
) -> None:
    links, pairs, sites = tied
    group = groups(links, pairs=pairs, sites=sites if by_site else None)
    placed = [(name, part_of(group[name], keys=keys, parts=PARTS)) for name, _ in links]
    declared = [(name, other) for name, others in links for other in others]
    assert leakage(placed, Ties(links=declared, pairs=pairs, sites=sites), by_site=by_site).clean


@given(tied=with_ties(), more=st.integers(1, 6), keys=KEYS, by_site=st.booleans())
def test_no_one_moves_when_others_come(
    tied: tuple[Links, list[tuple[str, str]], dict[str, str]], more: int, keys: Keys, by_site: bool
) -> None:
    links, pairs, sites = tied
    before = groups(links, pairs=pairs, sites=sites if by_site else None)
    new = [(f"Q-{number}", links[number % len(links)][0]) for number in range(more)]
    grown = [*links, *((name, (known,)) for name, known in new[::2]), *((name, ()) for name, _ in new[1::2])]
    sites = sites | {name: sites[known] for name, known in new} | {"R-1": "a new hospital"}
    after = groups(
        [*grown, ("R-1", ())], pairs=[*pairs, *new[1::2]], sites=sites if by_site else None
    )  # fmt: skip
    for name, _ in links:
        assert part_of(after[name], keys=keys, parts=PARTS) == part_of(before[name], keys=keys, parts=PARTS)
    for name, known in new:
        assert part_of(after[name], keys=keys, parts=PARTS) == part_of(after[known], keys=keys, parts=PARTS)


@settings(max_examples=25)
@given(count=st.integers(3, 60), seed=SECRET, labels=st.randoms(use_true_random=False))
def test_no_label_moves_anyone_in_or_out_of_the_hidden_part(count: int, seed: bytes, labels) -> None:
    """Whatever the labels say, and whichever of two curators' labels one takes, the same persons are hidden."""
    hidden = []
    for _ in range(3):
        persons = [Person(f"P-{n}", "FM"[n % 2], f"grade {labels.randint(1, 3)}") for n in range(count)]
        keys = choose_keys(persons, seed=seed, parts=PARTS)
        hidden.append({one.group for one in persons if part_of(one.group, keys=keys, parts=PARTS) == HIDDEN})
    assert hidden[0] == hidden[1] == hidden[2]
    assert hidden[0]


@settings(max_examples=25)
@given(count=st.integers(3, 60), seed=SECRET)
def test_the_first_split_leaves_no_part_empty_and_comes_near_the_shares(count: int, seed: bytes) -> None:
    persons = [Person(f"P-{number}", stratum=f"grade {number % 3}") for number in range(count)]
    keys = choose_keys(persons, seed=seed, parts=PARTS)
    placed = [part_of(one.group, keys=keys, parts=PARTS) for one in persons]
    assert set(placed) == set(PARTS)
    for part, share in PARTS.items():
        assert abs(placed.count(part) - share * count) <= max(2.0, 0.1 * count)
    assert keys == choose_keys(persons, seed=seed, parts=PARTS)


@settings(max_examples=15)
@given(seed=SECRET)
def test_strata_are_spread_over_the_parts(seed: bytes) -> None:
    """Each of three grades lies within a tenth of its share in the parts that labels may balance."""
    persons = [Person(f"P-{n}", "FM"[n % 2], f"{'FM'[n % 2]}|grade {n % 3}") for n in range(300)]
    keys = choose_keys(persons, seed=seed, parts=PARTS)
    seen = [one for one in persons if part_of(one.group, keys=keys, parts=PARTS) != HIDDEN]
    for grade in range(3):
        mine = [one for one in seen if one.stratum.endswith(str(grade))]
        train = sum(part_of(one.group, keys=keys, parts=PARTS) == "train" for one in mine)
        assert abs(train / len(mine) - 0.7 / 0.85) < 0.1


@settings(max_examples=15)
@given(seed=SECRET)
def test_large_groups_count_by_their_persons(seed: bytes) -> None:
    persons = [Person(f"site:{SITES[n % 10]}") for n in range(200)]
    keys = choose_keys(persons, seed=seed, parts=PARTS)
    placed = [part_of(one.group, keys=keys, parts=PARTS) for one in persons]
    assert set(placed) == set(PARTS)
    assert 0.5 < placed.count("train") / 200 < 0.9


@settings(max_examples=15)
@given(count=st.integers(0, 2), seed=SECRET)
def test_too_few_persons_are_an_error(count: int, seed: bytes) -> None:
    with pytest.raises(Conflict, match="cannot fill"):
        choose_keys([Person(f"P-{number}") for number in range(count)], seed=seed, parts=PARTS)


@pytest.mark.parametrize("keys", [Keys(b"k" * 32), Keys(b"k" * 32, b"r" * 32)])
def test_shares_are_met_for_many_persons_whatever_the_key(keys: Keys) -> None:
    placed = [part_of(f"P-{number}", keys=keys, parts=PARTS) for number in range(20_000)]
    for part, share in PARTS.items():
        assert abs(placed.count(part) / 20_000 - share) < 0.01


@pytest.mark.parametrize("parts", [{"train": 1.0, "test": 0.0}, {"train": 1.0, "validation": 0.0}])
def test_a_part_without_a_share_gets_no_one(parts: dict[str, float]) -> None:
    keys = choose_keys([Person(f"P-{number}") for number in range(50)], seed=b"s" * 32, parts=parts)
    assert {part_of(f"P-{number}", keys=keys, parts=parts) for number in range(500)} == {"train"}


def test_a_part_that_is_hidden_alone_is_no_fault() -> None:
    parts = {"train": 0.0, "test": 1.0}
    keys = choose_keys([Person(f"P-{number}") for number in range(9)], seed=b"s" * 32, parts=parts)
    assert {part_of(f"P-{number}", keys=keys, parts=parts) for number in range(50)} == {"test"}


@st.composite
def growing(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Versions of a dataset: `(what, who, whom)` between the cuts, in any order."""
    what = st.sampled_from(["come", "come", "link", "pair", "leave", "cut"])
    return draw(st.lists(st.tuples(what, st.integers(0, 30), st.integers(0, 30)), min_size=5, max_size=40))


@settings(max_examples=150, deadline=None)
@given(steps=growing(), keys=KEYS, by_site=st.booleans())
def test_through_all_versions_nobody_crosses_the_border_of_the_hidden_part(
    steps: list[tuple[str, int, int]], keys: Keys, by_site: bool
) -> None:
    """Persons come, are found to belong together, and leave; each cut leaves out whom a late tie would carry over."""
    links: dict[str, list[str]] = {}
    sites: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    gone: set[str] = set()
    versions: list[dict[str, str]] = []
    for number, (what, one, other) in enumerate([*steps, ("cut", 0, 0)]):
        names = list(links)
        who, whom = (names[one % len(names)], names[other % len(names)]) if names else ("", "")
        if what == "come" or not names:
            links[f"P-{number}"], sites[f"P-{number}"] = [], SITES[one % len(SITES)]
        elif what == "link" and who != whom and not {who, whom} & gone:
            links[who].append(whom)
        elif what == "pair" and who != whom and not {who, whom} & gone:
            pairs.append((who, whom))
        elif what == "leave":  # everyone linked leaves too; the pair stays
            group = groups([(name, tuple(others)) for name, others in links.items()])
            left = {name for name in names if group[name] == group[who]}
            gone |= left
            links |= {name: [] for name in left}
            sites |= dict.fromkeys(left, "")
            versions = [{name: part for name, part in held.items() if name not in gone} for held in versions]
        elif what == "cut":
            rows = [(name, tuple(others)) for name, others in links.items()]
            group = groups(rows, pairs=pairs, sites=sites if by_site else None)
            now = {name: part_of(group[name], keys=keys, parts=PARTS) for name in links}
            stood: dict[str, list[str]] = {}
            for held in versions:
                for name, part in held.items():
                    stood.setdefault(name, []).append(part)
            out = crossing(stood, tied=groups(rows, pairs=pairs), now=now) | gone
            placed = [(name, part) for name, part in now.items() if name not in out]
            ties = Ties(
                links=[(name, it) for name, others in rows for it in others], pairs=pairs, sites=sites
            )
            report = leakage(placed, ties, by_site=by_site, before=stood)
            if (
                by_site and report.crossed
            ):  # a whole hospital tied to an older one: refused, and nothing is cut
                continue
            assert report.clean
            versions.append(dict(placed))
    for name in links:
        assert len({held[name] == HIDDEN for held in versions if name in held}) <= 1


@settings(max_examples=60, deadline=None)
@given(tied=with_ties(), parts=st.data())
def test_the_report_finds_each_planted_leak(
    tied: tuple[Links, list[tuple[str, str]], dict[str, str]], parts: st.DataObject
) -> None:
    """Whatever parts persons stand in, exactly the ties that lead from one part into another are named."""
    links, pairs, _ = tied
    placed = {name: parts.draw(st.sampled_from(sorted(PARTS))) for name, _ in links}
    before = {name: [parts.draw(st.sampled_from(sorted(PARTS)))] for name in list(placed)[::2]}
    held = [(f"digest {number}", name) for number, pair in enumerate(pairs) for name in pair]
    declared = [(name, other) for name, others in links for other in others]
    report = leakage(
        placed.items(),
        Ties(links=declared, pairs=pairs, same_file=held, same_source=held, same_pixels=held),
        before=before,
    )

    def planted(found: list[tuple[str, str]]) -> set[frozenset[str]]:
        return {frozenset(pair) for pair in found if placed[pair[0]] != placed[pair[1]]}

    named = {
        kind: {frozenset((one.one, one.other)) for one in across} for kind, across in report.across.items()
    }
    assert named["link"] == planted(declared)
    assert named["near-duplicate"] == named["file"] == named["source"] == named["pixels"] == planted(pairs)
    crossed = {name for name, (old,) in before.items() if (old == HIDDEN) != (placed[name] == HIDDEN)}
    assert set(report.crossed) == crossed
    assert report.clean is not bool(planted(declared) or planted(pairs) or crossed)


def test_an_older_hospital_names_the_group_of_a_newer_one() -> None:
    """By their letters `aiims` would come before `wardha`, and its first tie would move everybody of Wardha."""
    links: Links = [("P-1", ()), ("P-2", ()), ("P-3", ())]
    sites = {"P-1": "wardha", "P-2": "wardha", "P-3": "aiims"}
    before = groups(links[:2], sites={"P-1": "wardha", "P-2": "wardha"})
    after = groups(links, pairs=[("P-2", "P-3")], sites=sites)
    assert after == before | {"P-3": "site:wardha"}
