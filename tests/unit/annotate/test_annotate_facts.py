"""What a grade hears of readers: counted over the settled items that a draft draws on."""

from __future__ import annotations

import pytest
from tests.reading_ward import Ward, outline

from midas.annotate import evidence
from midas.kernel import Evidence, Ink


def facts(ward: Ward) -> dict[str, Evidence]:
    draft = ward.draft()
    found = evidence(draft.readings, about="x@1.0.0", store=ward.store)
    assert all(one.ink is Ink.COMPUTED and one.about == "x@1.0.0" for one in found)
    return {one.kind: one for one in found}


def test_nothing_read_says_nothing(ward: Ward) -> None:
    assert facts(ward) == {}


def test_readers_who_mostly_agree(ward: Ward) -> None:
    task = ward.task()
    values = ("opmd", "malignant", "normal", "opmd", "malignant", "opmd")
    for number, value in enumerate(values, start=1):
        ward.read("asha", task, number, value)
        ward.read("ravi", task, number, "normal" if number == 2 else value)
    ward.settle(task, 2, "opmd", why="A white patch, no growth.")
    found = facts(ward)
    assert (found["annotation.readers"].value, found["annotation.readers"].of) == (2, 6)
    assert found["annotation.double_share"].value == 1
    assert found["annotation.agreement"].value == pytest.approx(5 / 6)
    assert (found["annotation.adjudicated"].value, found["annotation.adjudicated"].of) == (True, 1)
    kappa = found["annotation.kappa"]
    assert kappa.low is not None
    assert kappa.high is not None
    assert kappa.low < float(kappa.value) < kappa.high <= 1
    assert float(kappa.value) == pytest.approx(17 / 23)
    assert "annotation.dice" not in found


def test_outlines_bring_the_dice_coefficient_of_the_worst_structure(ward: Ward) -> None:
    task = ward.task("lesion-outlines", most=2)
    for number in (1, 2):
        image = ward.image_of(task, number)
        ward.read("asha", task, number, data=outline(image, rows=(4, 12)))
        ward.read("ravi", task, number, data=outline(image, rows=(5, 12)))
    found = facts(ward)
    assert found["annotation.dice"].value == pytest.approx(2 * 7 / 15)
    assert found["annotation.class_agreement"].value == found["annotation.dice"].value


def test_agreement_on_each_class_has_its_interval() -> None:
    from midas.annotate.agreeing import of_classes

    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")]
    first, second = of_classes(pairs, ["a", "b", "c"])  # nobody chose c
    assert (first.name, first.items) == ("a", 3)
    assert first.value == pytest.approx(2 * 2 / (3 + 2))
    assert second.value == pytest.approx(2 * 1 / (1 + 2))
    for one in (first, second):
        assert one.low is not None
        assert one.high is not None
        assert one.value is not None
        assert 0 <= one.low < one.value < one.high <= 1
