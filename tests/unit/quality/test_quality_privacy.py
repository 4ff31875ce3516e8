"""Privacy measures on tables whose numbers pyCANON gives too, proposals known by hand, an attacker that counts right."""

import polars as pl
import pytest

from midas.kernel import BadInput
from midas.protocol import load_named
from midas.quality.attacker import attack
from midas.quality.generalise import coarser, proposals
from midas.quality.ladders import ZONE_OF_STATE, bands, ladders, tree
from midas.quality.persons import attributes, persons
from midas.quality.risk import risk

ORAL = load_named("oral-cancer").protocol
QUASI = ["sex", "age"]

WORKED = {
    "inpatients": (  # the twelve inpatients of Machanavajjhala et al. 2007, figure 2, with a number added
        {"sex": ["*"] * 12, "age": ["<30"] * 4 + [">=40"] * 4 + ["3x"] * 4,
         "dx": ["heart", "heart", "viral", "viral", "cancer", "heart", "viral", "viral"] + ["cancer"] * 4,
         "size": [3, 5, 8, 8, 13, 3, 1, 1, 20, 20, 21, 2]},
        4, {"dx": (1, 1, 0.5833333333333333), "size": (3, 2, 0.23809523809523805)},
    ),
    "nine": (
        {"sex": [*"FFMMFFMMM"], "age": ["30-39"] * 4 + ["40-49"] * 5, "dx": [*"abaabcabc"],
         "size": [1, 2, 3, 3, 5, 8, 1, 1, 13]},
        2, {"dx": (1, 1, 0.5555555555555556), "size": (1, 1, 0.36666666666666664)},
    ),
    "one alone": (
        {"sex": [*"FFFFFMMMO"], "age": ["50+"] * 9, "dx": [*"aabbcaaab"], "size": [0.5, 1.5, 1.5, 2, 9, 9, 9, 4, 4]},
        1, {"dx": (1, 1, 0.6666666666666667), "size": (1, 1, 0.3055555555555556)},
    ),
}  # fmt: skip
"""Columns, k, and for each sensitive attribute l, entropy l and t, as pyCANON 1.3.6 gives them (`benchmarks/quality`)."""


@pytest.mark.parametrize("name", WORKED)
def test_the_same_numbers_as_pycanon(name):
    columns, k, expected = WORKED[name]
    found = risk(pl.DataFrame(columns), quasi=QUASI, sensitive=["dx", "size"])
    assert found.k == k
    assert found.highest == 1 / k
    for one in found.diversity:
        distinct, entropy, t = expected[one.attribute]
        assert (one.distinct, int(one.entropy + 1e-9)) == (distinct, entropy)
        assert one.t == pytest.approx(t, abs=1e-12)


def test_who_stands_alone_and_who_is_among_few():
    found = risk(pl.DataFrame({"sex": [*"FFFMMO"], "age": [1] * 6}), quasi=QUASI)
    assert (found.persons, found.classes, found.sizes) == (6, 3, {1: 1, 2: 1, 3: 1})
    assert found.uniqueness == pytest.approx(1 / 6)
    assert (found.below(2), found.below(3), found.below(4)) == (1, 3, 6)
    assert found.average == 0.5
    assert found.discernibility == 1 + 4 + 9


def test_a_missing_value_is_a_value_of_its_own():
    found = risk(
        pl.DataFrame({"age": [40, 40, None], "dx": ["a", None, "a"]}), quasi=["age"], sensitive=["dx"]
    )
    assert (found.k, found.uniqueness) == (1, pytest.approx(1 / 3))
    assert found.diversity[0].distinct == 1


@pytest.mark.parametrize(("frame", "quasi"), [({"age": []}, ["age"]), ({"age": [1]}, [])])
def test_nothing_to_measure_is_no_safety(frame, quasi):
    with pytest.raises(BadInput, match="nothing to measure"):
        risk(pl.DataFrame(frame), quasi=quasi)


def test_ages_go_in_bands_that_hold_one_another():
    ladder = bands(
        "age", pl.Series([0, 4, 5, 39, 40, 90, None]), widths=(5, 10, 20, 40), low=0, high=90, unit="years"
    )
    assert [step.words for step in ladder.steps] == [
        "as it is", "bands of 5 years", "bands of 10 years", "bands of 20 years", "bands of 40 years", "hidden"
    ]  # fmt: skip
    steps = [ladder.coarser(pl.Series([39, 40, None]), number).to_list() for number in range(6)]
    assert steps == [
        [39, 40, None], ["35–39", "40–44", None], ["30–39", "40–49", None], ["20–39", "40–59", None],
        ["0–39", "40–79", None], ["*", "*", "*"],
    ]  # fmt: skip
    assert [step.loss[40] for step in ladder.steps] == pytest.approx([0, 4 / 90, 9 / 90, 19 / 90, 39 / 90, 1])


def test_states_go_in_zones_and_several_words_word_by_word():
    values = pl.Series(["Maharashtra", "Goa", "Goa + Kerala", None])
    ladder = tree("state", values, broader=ZONE_OF_STATE, leaves=list(ZONE_OF_STATE))
    assert ladder.coarser(values, 1).to_list() == ["Western", "Western", "Southern + Western", None]
    assert ladder.steps[1].loss["Goa"] == pytest.approx(3 / 35)
    state = next(one for one in ORAL.tables[0].columns if one.name == "state")
    assert ZONE_OF_STATE.keys() == set(state.values)


def test_a_declared_tree_has_as_many_steps_as_it_is_deep():
    values = pl.Series(["tongue", "lip", "palate"])
    ladder = tree(
        "site", values, broader={"tongue": "mouth", "palate": "mouth", "mouth": "head", "lip": "head"}
    )
    assert [ladder.coarser(values, at).to_list() for at in range(4)] == [
        ["tongue", "lip", "palate"], ["mouth", "head", "mouth"], ["head"] * 3, ["*"] * 3
    ]  # fmt: skip


PEOPLE = pl.DataFrame({
    "sex": [*"FFFFMMMM"], "age": [21, 22, 23, 24, 41, 42, 43, 44], "state": ["Goa", "Gujarat"] * 4,
})  # fmt: skip


def steps_of(frame):
    return (
        tree("sex", frame["sex"], broader={}),
        bands("age", frame["age"], widths=(5, 10, 20, 40), low=0, high=90),
        tree("state", frame["state"], broader=ZONE_OF_STATE, leaves=list(ZONE_OF_STATE)),
    )


def test_the_proposal_that_loses_least_comes_first():
    ladder = steps_of(PEOPLE)
    found = proposals(PEOPLE, ladder, k=4)
    assert found[0].steps == {"sex": 0, "age": 1, "state": 1}
    assert (found[0].k, found[0].left_out, found[0].discernibility) == (4, 0, 32)
    assert [one.loss for one in found] == sorted(one.loss for one in found)
    assert risk(coarser(PEOPLE, ladder, found[0].steps), quasi=["sex", "age", "state"]).k == 4


def test_leaving_one_out_may_cost_less_than_hiding_all():
    frame = pl.concat([PEOPLE, pl.DataFrame({"sex": ["O"], "age": [22], "state": ["Goa"]})])
    (strict,) = proposals(frame, steps_of(frame), k=4, most=1)
    assert strict.steps["sex"] == 1
    (lenient,) = proposals(frame, steps_of(frame), k=4, most=1, left_out=0.12)
    assert (lenient.steps["sex"], lenient.left_out, lenient.k) == (0, 1, 4)
    assert lenient.loss < strict.loss


def test_too_few_persons_for_any_proposal():
    assert proposals(PEOPLE, steps_of(PEOPLE), k=9) == ()


@pytest.mark.parametrize("asked", [{"k": 0}, {"k": 2, "left_out": 1.0}])
def test_what_cannot_be_asked_of_the_search(asked):
    with pytest.raises(BadInput):
        proposals(PEOPLE, steps_of(PEOPLE), **asked)


def test_the_attacker_is_right_as_often_as_classes_are_small():
    frame = pl.DataFrame({"subject": [f"P{n}" for n in range(6)], "sex": [*"FFFMMO"]})
    found = attack(frame, quasi=["sex"], seed=1, trials=20_000)
    assert found.low < risk(frame, quasi=["sex"]).average < found.high
    alone = attack(frame.with_columns(age=pl.int_range(pl.len())), quasi=["sex", "age"], seed=1)
    assert (alone.success, alone.right) == (1.0, alone.trials)


def test_who_knows_nothing_guesses():
    frame = pl.DataFrame({"subject": ["a", "b", "c", "d"], "sex": [*"FMOU"]})
    found = attack(frame, quasi=["sex"], seed=2, knows=0.0, trials=20_000)
    assert found.low < 0.25 < found.high


def test_a_journalist_must_find_the_person_in_a_population():
    register = pl.DataFrame({"subject": [f"P{n}" for n in range(40)], "sex": ["F"] * 20 + ["M"] * 20})
    released = register.filter(pl.col("subject").is_in(["P0", "P1", "P20"]))
    journalist = attack(released, quasi=["sex"], seed=3, register=register, trials=20_000)
    assert journalist.model == "journalist"
    assert journalist.low < 1 / 20 < journalist.high
    assert attack(released, quasi=["sex"], seed=3).success > journalist.success


def test_a_register_must_hold_everyone_in_the_same_form():
    register = pl.DataFrame({"subject": ["a"], "age": ["30–39"]})
    with pytest.raises(BadInput, match="register"):
        attack(pl.DataFrame({"subject": ["a"], "age": ["35–39"]}), quasi=["age"], seed=1, register=register)


def tables():
    return {
        "subjects": pl.DataFrame({"subject": ["a", "b", "c"], "sex": [*"FMF"], "spoke": ["x", "x", "y"]}),
        "visits": pl.DataFrame({
            "subject": ["a", "a", "b"], "visit": ["baseline", "follow-up", "baseline"], "day": [90, 0, 0],
            "age_years": [51, 50, None],
        }),
        "clinical/persons": pl.DataFrame({
            "subject": ["a", "b"], "visit": [None, None], "lesion": [None, None], "specimen": [None, None],
            "state": ["Goa", None], "tobacco": ["never", "current"], "areca_nut": [True, None], "alcohol": [False, False],
        }),
        "clinical/specimens": pl.DataFrame({
            "subject": ["a", "a", "b"], "visit": [None] * 3, "lesion": [None] * 3, "specimen": ["1", "2", "1"],
            "diagnosis": ["normal", "dysplasia", "normal"], "grade": [None, "low", None],
        }),
    }  # fmt: skip


def test_one_row_per_person_with_what_the_protocol_names():
    known = attributes(ORAL)
    assert known.quasi == ("sex", "age", "spoke", "persons.state")
    assert known.sensitive == ("lesions.clinical-impression", "specimens.diagnosis")
    found = persons(ORAL, tables())
    assert found.sort("subject").to_dicts() == [
        {"subject": "a", "sex": "F", "age": 50, "spoke": "x", "persons.state": "Goa",
         "lesions.clinical-impression": None, "specimens.diagnosis": "dysplasia + normal"},
        {"subject": "b", "sex": "M", "age": None, "spoke": "x", "persons.state": None,
         "lesions.clinical-impression": None, "specimens.diagnosis": "normal"},
        {"subject": "c", "sex": "F", "age": None, "spoke": "y", "persons.state": None,
         "lesions.clinical-impression": None, "specimens.diagnosis": None},
    ]  # fmt: skip
    steps = ladders(ORAL, found, known.quasi)
    assert [len(one.steps) for one in steps] == [2, 6, 2, 3]
    assert proposals(found, steps, k=3)[0].k == 3
