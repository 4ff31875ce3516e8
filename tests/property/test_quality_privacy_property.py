"""Privacy and coverage: what must hold for every table of persons."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midas.quality.coverage import OTHER, collect_next, cover
from midas.quality.generalise import coarser, proposals
from midas.quality.intervals import share, shares
from midas.quality.ladders import ZONE_OF_STATE, bands, tree
from midas.quality.risk import risk

QUASI = ["sex", "age", "state"]
COLUMNS = {"sex": pl.String, "age": pl.Int64, "state": pl.String, "size": pl.String, "number": pl.Int64}
STATES = ["Goa", "Gujarat", "Kerala", "Assam"]


@st.composite
def people(draw: st.DrawFn) -> pl.DataFrame:
    row = st.tuples(
        st.sampled_from("FM"), st.none() | st.integers(18, 90), st.sampled_from(STATES),
        st.none() | st.sampled_from("abc"), st.floats(0, 9).map(round),
    )  # fmt: skip
    rows = draw(st.lists(row, min_size=1, max_size=30))
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def ladders_of(frame: pl.DataFrame):
    return (
        tree("sex", frame["sex"], broader={}),
        bands("age", frame["age"], widths=(5, 10, 20, 40), low=0, high=90),
        tree("state", frame["state"], broader=ZONE_OF_STATE, leaves=STATES),
    )


@given(frame=people(), at=st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 2)))
def test_a_coarser_step_never_lowers_k_l_or_raises_uniqueness_and_t(
    frame: pl.DataFrame, at: tuple[int, ...]
) -> None:
    steps = ladders_of(frame)
    now = risk(
        coarser(frame, steps, dict(zip(QUASI, at, strict=True))), quasi=QUASI, sensitive=["size", "number"]
    )
    for place, ladder in enumerate(steps):
        if at[place] + 1 < len(ladder.steps):
            higher = dict(zip(QUASI, (*at[:place], at[place] + 1, *at[place + 1 :]), strict=True))
            then = risk(coarser(frame, steps, higher), quasi=QUASI, sensitive=["size", "number"])
            assert then.k >= now.k
            assert then.uniqueness <= now.uniqueness
            assert then.average <= now.average
            for before, after in zip(now.diversity, then.diversity, strict=True):
                assert after.distinct >= before.distinct
                assert after.entropy >= before.entropy - 1e-9
                assert after.t <= before.t + 1e-9


@given(frame=people())
@example(pl.DataFrame([("M", 18, "Goa", None, n) for n in (0, 1, 1, 3, 3, 3)], schema=COLUMNS, orient="row"))
def test_the_measures_fit_together(frame: pl.DataFrame) -> None:
    found = risk(frame, quasi=QUASI, sensitive=["size", "number"])
    classes = frame.group_by(QUASI).len()["len"].to_list()
    assert found.k == min(classes)
    assert found.uniqueness == classes.count(1) / frame.height
    assert found.uniqueness <= found.average <= found.highest
    assert sum(size * number for size, number in found.sizes.items()) == frame.height
    for one in found.diversity:
        assert 1 <= one.entropy <= one.distinct + 1e-9
        assert one.distinct <= max(classes)
        assert 0 <= one.t <= 1 + 1e-9


@given(frame=people())
def test_t_of_numbers_is_the_earth_movers_distance_spread_out(frame: pl.DataFrame) -> None:
    """The closed form against the definition (Li et al. 2007), class by class and number by number."""
    values = sorted(set(frame["number"].to_list()))
    usual = [frame["number"].to_list().count(one) / frame.height for one in values]
    worst = 0.0
    for _, group in frame.group_by(QUASI):
        held, moved, total = group["number"].to_list(), 0.0, 0.0
        for value, q in zip(values, usual, strict=True):
            moved += held.count(value) / len(held) - q
            total += abs(moved)
        worst = max(worst, total / max(len(values) - 1, 1))
    assert risk(frame, quasi=QUASI, sensitive=["number"]).diversity[0].t == pytest.approx(worst, abs=1e-9)


@settings(max_examples=40)
@given(frame=people(), k=st.integers(1, 6), left_out=st.sampled_from([0.0, 0.1, 0.3]))
def test_no_node_of_the_lattice_loses_less_than_the_first_proposal(
    frame: pl.DataFrame, k: int, left_out: float
) -> None:
    steps = ladders_of(frame)
    found = proposals(frame, steps, k=k, left_out=left_out)
    best = None
    for node in product(*(range(len(one.steps)) for one in steps)):
        sizes = (
            coarser(frame, steps, dict(zip(QUASI, node, strict=True))).group_by(QUASI).len()["len"].to_list()
        )
        if sum(one for one in sizes if one < k) <= int(left_out * frame.height) and max(sizes) >= k:
            loss = sum(
                sum(ladder.steps[at].loss[value] for value in frame[ladder.attribute].to_list())
                for ladder, at in zip(steps, node, strict=True)
            ) / (frame.height * len(steps))  # fmt: skip
            best = loss if best is None else min(best, loss)
    if best is None:
        assert found == ()
    else:
        assert found[0].loss == pytest.approx(best)
        assert found[0].k >= k


@given(count=st.integers(0, 500), more=st.integers(0, 500))
def test_an_interval_holds_its_share(count: int, more: int) -> None:
    of = count + more
    for value, low, high in (share(count, of), (one[0] for one in shares([count], [of], method="jeffreys"))):
        assert 0 <= low <= value <= high <= 1


@st.composite
def collected(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, float]]:
    weights = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any))
    named = draw(st.sampled_from([1.0, 0.8]))
    target = {f"v{at}": weight / sum(weights) * named for at, weight in enumerate(weights)}
    counts = {f"v{at}": draw(st.integers(0, 200)) for at in range(len(weights) + 1)}
    return counts, target


@given(held=collected(), more=st.integers(1, 300))
def test_following_the_advice_brings_the_dataset_nearer(
    held: tuple[dict[str, int], dict[str, float]], more: int
) -> None:
    counts, target = held
    before = cover("x", counts, target)
    advice = collect_next([before], more=more)
    assert sum(one.persons for one in advice) <= more
    assert OTHER not in {one.value for one in advice}
    after = dict(counts)
    for one in advice:
        after[one.value] = after.get(one.value, 0) + one.persons
    then = cover("x", after, target)
    assert (then.distance < before.distance) == bool(advice)
    for one in advice:
        assert one.after == pytest.approx(then.distance)


@given(held=collected())
def test_shares_and_targets_add_up(held: tuple[dict[str, int], dict[str, float]]) -> None:
    counts, target = held
    found = cover("x", counts, target, unknown=3)
    assert sum(one.persons for one in found.groups) == found.persons == sum(counts.values())
    assert sum(one.target for one in found.groups) == pytest.approx(1)
    assert 0 <= found.low <= found.distance + 1e-12
    assert found.distance <= found.high + 1e-12 <= 1 + 2e-12
    assert all(one.low <= one.share <= one.high for one in found.groups)
