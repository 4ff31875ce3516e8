"""Names in lists, numbers and ages told in words, and the tail of a person's number: in free text nobody may hide so."""
# ruff: noqa: E501 - texts stand on one line as they are typed

from __future__ import annotations

import pytest

from midas.deid.values import is_one_of
from midas.deid.words import Known, clean_text

NOBODY = Known.of([])
PERSON = Known.of([("uhid", "AIIMS/2023/0045678"), ("uhid", "UH-2019-004512"), ("uhid", "WRD0087123")])


@pytest.mark.parametrize("prose", [True, False])
@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Radiographers: Rao; Bell; Das; Roy", "Radiographers"), ("Ramesh, Suresh, Long", ""),
        ("Seen by Rose, Grace, Joy and Bell", "Seen by and"), ("Ramesh/Suresh/Grace/Rao", ""), ("LONG, BELL, WHITE", ""),
        ("Attenders: Young, Brown, Black", "Attenders"), ("Young; Brown; Black", ""), ("Dr Rao, Bell, Long", ""),
        ("Bell, Long", ""), ("Present: A. Rao, B. Roy, C. Sen", "Present"), ("Team: Long, White, Bell; Grace", "Team"),
        ("UHID 4512, 8871, 9922", ""), ("45123/45124/45125", ""), ("4512; 8871; 9922", ""),
    ],
)  # fmt: skip
def test_names_and_numbers_in_a_list_go_with_one_another(text, stays, prose):
    assert clean_text(text, NOBODY, prose=prose) == stays


@pytest.mark.parametrize("prose", [True, False])
@pytest.mark.parametrize("text", [
    "white, long, thin", "brown, black and white lesions", "Brown tumour, long segment, bell shaped", "Long, thin, white patch",
    "Young patient, small lesion", "axial, coronal, sagittal", "R, L, both", "5, 7, 9 mm", "RAO view, LAO view", "head, neck; chest",
    "TE 80, TR 4500, FA 90", "Black, brown discolouration", "grade 1, 2, 3", "CT NECK, LONG, WHITE",
])  # fmt: skip
def test_lists_of_findings_and_parameters_stay(text, prose):
    assert clean_text(text, NOBODY, prose=prose) == text


@pytest.mark.parametrize("prose", [True, False])
@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("nine eight seven six five four three two one zero", ""), ("call nine eight two three zero four one five", "call"),
        ("double nine eight triple seven five six two one", ""), ("ninety eight twenty three zero four one five", ""),
        ("nine-eight-seven-six-five-four", ""), ("ek do teen char paanch chhe saat aath", ""),
        ("ninety two years", ""), ("ninety-five yrs male", "male"), ("aged ninety", ""), ("Ninety Two Y", ""),
        ("one hundred and two years", ""), ("in her late nineties", ""), ("nonagenarian male", "male"),
    ],
)  # fmt: skip
def test_numbers_and_great_ages_in_words_go(text, stays, prose):
    assert clean_text(text, NOBODY, prose=prose) == stays


@pytest.mark.parametrize("text", [
    "two to three cm", "one two three", "eighty nine years", "forty five years", "ninety degree flexion", "ninety percent stenosis",
    "levels two three four five", "twenty five thirty five", "two hundred slices", "one to two weeks",
])  # fmt: skip
def test_counts_sizes_and_other_ages_in_words_stay(text):
    assert clean_text(text, NOBODY, prose=True) == text


@pytest.mark.parametrize(
    "text", ["TR 45678", "image 45678", "image 4512", "45678", "0045678", "4512", "count 87123", "TR 0087123"]
)
def test_the_tail_of_a_persons_number_goes_where_another_number_would_stay(text):
    assert not any(char.isdigit() for char in clean_text(text, PERSON, prose=True))


def test_other_numbers_stay_beside_the_tail_of_a_persons_number():
    assert clean_text("TR 4500 image 4513", PERSON, prose=True) == "TR 4500 image 4513"
    assert is_one_of(PERSON, "45678")
    assert not is_one_of(PERSON, "45679")
