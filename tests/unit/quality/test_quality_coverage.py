"""Coverage: shares against the target with intervals, a distance, and whom to collect next."""

import polars as pl
import pytest
from scipy.stats import beta

from midas.kernel import BadInput
from midas.protocol import load_named
from midas.protocol.model import Population, Share
from midas.quality.coverage import OTHER, collect_next, cover, measure

ORAL = load_named("oral-cancer").protocol


def test_a_share_with_its_interval_and_difference():
    found = cover("sex", {"F": 30, "M": 70}, {"F": 0.5, "M": 0.5})
    women = found.groups[0]
    assert (women.value, women.persons, women.share, women.target) == ("F", 30, 0.3, 0.5)
    jeffreys = beta(30.5, 70.5)  # count + 1/2, others + 1/2
    assert (women.low, women.high) == pytest.approx((jeffreys.ppf(0.025), jeffreys.ppf(0.975)))
    assert women.off_target
    assert women.standardised == pytest.approx(-0.2 / ((0.3 * 0.7 + 0.25) / 2) ** 0.5)
    assert found.distance == pytest.approx(0.2)
    assert 0 < found.low < 0.2 < found.high < 0.4
    assert found.chance == pytest.approx(0.0399, abs=5e-5)


def test_values_that_the_target_does_not_name_are_other():
    found = cover("state", {"Goa": 5, "Kerala": 5}, {"Goa": 0.25, "Assam": 0.5})
    assert {one.value: (one.persons, one.target) for one in found.groups} == {
        "Goa": (5, 0.25), "Assam": (0, 0.5), OTHER: (5, 0.25)
    }  # fmt: skip
    assert found.distance == 0.5


def test_nobody_collected_is_as_far_as_can_be():
    found = cover("sex", {}, {"F": 0.5, "M": 0.5}, unknown=4)
    assert (found.distance, found.low, found.high, found.persons, found.unknown) == (1.0, 0.0, 1.0, 0, 4)
    assert all((one.low, one.high) == (0, 1) for one in found.groups)


@pytest.mark.parametrize(
    ("counts", "target"), [({"F": 1}, {}), ({"F": 1}, {"F": 1.2}), ({"F": -1}, {"F": 1.0})]
)
def test_a_target_that_is_none(counts, target):
    with pytest.raises(BadInput, match="no set of shares"):
        cover("sex", counts, target)


def test_a_convenience_sample_of_one_site_is_told_where_to_go():
    sex = cover("sex", {"F": 52, "M": 48}, {"F": 0.5, "M": 0.5})
    site = cover("spoke", {"wardha": 100}, {"wardha": 0.4, "chennai": 0.3, "kle": 0.3})
    advice = collect_next([sex, site], more=50)
    assert [(one.variable, one.value, one.persons, one.certain) for one in advice] == [
        ("spoke", "chennai", 25, True), ("spoke", "kle", 25, True), ("sex", "M", 27, False), ("sex", "F", 23, False),
    ]  # fmt: skip
    assert advice[0].before == pytest.approx(0.6)
    assert advice[0].after == pytest.approx(100 / 150 - 0.4)


def test_a_balanced_dataset_gets_no_advice_that_makes_it_worse():
    assert (
        collect_next([cover("x", {"a": 1, "b": 1, "c": 1}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})], more=1)
        == ()
    )


def test_by_site_and_in_total_over_all_that_the_protocol_names():
    population = Population(
        description="x",
        variable={
            "sex": (Share(value="F", share=0.5), Share(value="M", share=0.5)),
            "age-band": (Share(value="0-39", share=0.3), Share(value="40+", share=0.7)),
            "device": (Share(value="Canon · R5", share=1.0),),
            "state": (Share(value="Goa", share=0.5), Share(value="Kerala", share=0.5)),
            "lesion-regions": (Share(value="lesion", share=1.0),),
        },
    )
    protocol = ORAL.model_copy(update={"population": population})
    tables = {
        "subjects": pl.DataFrame({"subject": ["a", "b", "c"], "sex": [*"FMU"], "spoke": ["x", "x", "y"]}),
        "visits": pl.DataFrame({"subject": ["a", "a", "b"], "day": [0, 400, 0], "age_years": [39, 40, 60]}),
        "series": pl.DataFrame({
            "subject": ["a", "a", "b", "c"], "manufacturer": ["Canon", "Canon", "Nikon", None],
            "manufacturer_model": ["R5", "R5", None, None],
        }),
        "labels": pl.DataFrame({"subject": ["a"], "target": ["lesion-regions"], "value": ["lesion"]}),
        "clinical/persons": pl.DataFrame({"subject": ["a", "b", "c"], "state": ["Goa", "Kerala", "Goa"]}),
    }  # fmt: skip
    found = measure(protocol, tables)
    assert sorted(found) == ["", "x", "y"]
    total = {one.variable: one for one in found[""]}
    held = {name: ({g.value: g.persons for g in one.groups}, one.unknown) for name, one in total.items()}
    assert held == {
        "sex": ({"F": 1, "M": 1}, 1),
        "age-band": ({"0-39": 1, "40+": 1}, 1),
        "device": ({"Canon · R5": 1, OTHER: 1}, 1),
        "state": ({"Goa": 2, "Kerala": 1}, 0),
        "lesion-regions": ({"lesion": 1}, 2),
    }
    assert {one.variable: one.persons for one in found["y"]}["state"] == 1
    assert {one.variable: one.distance for one in found["y"]}["sex"] == 1.0
