"""No sequence of verbs loses or changes a reading; a settlement needs its readings; κ is what a hand computes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.reading_ward import Ward, open_ward

from midas.annotate import agreeing, close_task, keep_reading, labels_of, settled, submit_reading
from midas.annotate.assigning import shares
from midas.annotate.models import Assignment, Reading, Settlement
from midas.kernel import MidasError

VALUES = ("normal", "variation-from-normal", "opmd", "malignant")
MOVES = st.tuples(
    st.sampled_from(["keep", "submit", "settle", "stand", "close"]), st.sampled_from(["asha", "ravi", "meera", "curator"]),
    st.integers(1, 2), st.sampled_from(VALUES),
)  # fmt: skip


@pytest.fixture
def ward(db: None, tmp_path: Path) -> Ward:
    return open_ward(tmp_path, number=2)


def act(ward: Ward, task: Any, move: tuple[str, str, int, str]) -> None:
    """Do one thing as one person; what is refused is refused."""
    what, who, item, value = move
    person = ward.people[who]
    row = Assignment.objects.filter(item__task=task, item__number=item, reader=person).first()
    row = row or ward.of("asha", task, item)
    match what:
        case "keep":
            keep_reading(assignment=row, by=person, value=value, clock=ward.clock)
        case "submit":
            submit_reading(assignment=row, by=person, store=ward.store, clock=ward.clock)
        case "settle":
            ward.settle(task, item, value)
        case "stand":
            ward.settle(
                task, item, Reading.objects.filter(assignment__item__number=item).order_by("?").first()
            )
        case _ if value == "normal":
            close_task(task=task, by=person, why="Enough.", clock=ward.clock)


def told() -> dict[int, tuple[Any, ...]]:
    return {one.pk: (one.assignment_id, one.revision, one.value, one.sha256) for one in Reading.objects.all()}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, max_size=14))
def test_no_sequence_of_verbs_loses_or_changes_a_reading(ward: Ward, moves: list[Any]) -> None:
    with transaction.atomic():
        task = ward.task()
        frozen: dict[int, Any] = {}
        for move in moves:
            before, stood = told(), dict(Settlement.objects.values_list("item_id", "reading_id"))
            try:
                with transaction.atomic():
                    act(ward, task, move)
            except MidasError:
                assert told() == before, "what is refused leaves nothing"
            after = told()
            assert all(after.get(pk) == row for pk, row in before.items()), "lost or changed"
            assert dict(Settlement.objects.values_list("item_id", "reading_id")).items() >= stood.items()
            for row in Assignment.objects.exclude(submitted_at=None):
                last = max(one[1] for one in after.values() if one[0] == row.pk)
                assert frozen.setdefault(row.pk, last) == last, "a reading came after its submission"
        _consistent(ward)
        transaction.set_rollback(True)


def _consistent(ward: Ward) -> None:
    """A settlement has all its readers' readings; by rule only where they agree, by a person only with a reason."""
    for made in Settlement.objects.select_related("item", "reading__assignment"):
        readers = Assignment.objects.filter(item=made.item, role="reader")
        assert not readers.filter(submitted_at=None).exists()
        last = [Reading.objects.filter(assignment=one).order_by("-revision").first() for one in readers]
        said = {one.value for one in last if one is not None}
        assert made.reading.assignment.item_id == made.item_id
        assert (made.how == "agreement") == (len(said) == 1)
        assert bool(made.why) == (made.how == "adjudicator")
        assert made.agreement == float(len(said) == 1)
    for line in labels_of(settled(ward.dataset)):
        assert len(set(line.readers)) == len(line.readers) >= 2
        assert sum(one.stands for one in line.readings) == 1


@given(
    items=st.lists(st.integers(1, 10**6), unique=True, max_size=60),
    people=st.lists(st.integers(1, 10**6), unique=True, min_size=1, max_size=7),
    each=st.integers(1, 4),
)
def test_shares_are_even_and_nobody_reads_twice(items: list[int], people: list[int], each: int) -> None:
    given_out = shares(items, people, each)
    assert len(set(given_out)) == len(given_out)
    load = Counter(who for _, who in given_out)
    assert set(Counter(item for item, _ in given_out).values()) <= {min(each, len(people))}
    assert max((load[one] for one in people), default=0) - min((load[one] for one in people), default=0) <= 1


@given(st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)), min_size=2, max_size=40))
def test_kappa_is_what_a_hand_computes(pairs: list[tuple[str, str]]) -> None:
    found = agreeing.kappa(pairs, VALUES)
    if len({value for pair in pairs for value in pair}) < 2:
        assert found.value is None
        return
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[one] * second[one] for one in VALUES) / n**2
    assert found.value == pytest.approx((observed - chance) / (1 - chance))
    if found.low is not None and found.high is not None:
        assert -1 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 1


def test_kappa_of_the_textbook() -> None:
    """Cohen's own kind of table: 20 both yes, 15 both no, 5 and 10 apart: κ = (0.7 - 0.5) / 0.5."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreeing.kappa(pairs, ("y", "n"))
    assert found.value == pytest.approx(0.4)
    assert (found.low, found.high) == (pytest.approx(0.1511, abs=1e-4), pytest.approx(0.6489, abs=1e-4))


def test_weighted_kappa_forgives_a_neighbour() -> None:
    near = [("1", "1"), ("2", "2"), ("3", "3"), ("1", "2"), ("2", "3"), ("3", "2")]
    far = [("1", "1"), ("2", "2"), ("3", "3"), ("1", "3"), ("3", "1"), ("1", "3")]
    values = ("1", "2", "3")
    plain, weighted = agreeing.kappa(near, values).value, agreeing.kappa(near, values, ordinal=True).value
    assert plain is not None
    assert weighted is not None
    assert weighted > plain
    worse = agreeing.kappa(far, values, ordinal=True).value
    assert worse is not None
    assert worse < weighted


def test_icc_of_shrout_and_fleiss() -> None:
    """Two of the four judges of Shrout and Fleiss (1979), Table 2; ICC(2,1) computed by hand from its mean squares."""
    pairs = [(9.0, 2.0), (6.0, 1.0), (8.0, 4.0), (7.0, 1.0), (10.0, 5.0), (6.0, 2.0)]
    found = agreeing.icc(pairs)
    rows = np.asarray(pairs)
    between, error, judges = 4.683333, 0.683333, 80.083333
    assert rows.mean() == pytest.approx(5.083333)
    assert found.value == pytest.approx(
        (between - error) / (between + error + 2 * (judges - error) / 6), abs=1e-5
    )


@given(st.integers(0, 255), st.integers(0, 255))
def test_dice_is_what_a_hand_computes(a: int, b: int) -> None:
    first, second = (np.unpackbits(np.uint8([one])).astype(bool).reshape(1, 2, 4) for one in (a, b))
    both, either = int((first & second).sum()), int(first.sum() + second.sum())
    assert agreeing.dice({"x": first}, {"x": second})["x"] == pytest.approx(
        2 * both / either if either else 1.0
    )
