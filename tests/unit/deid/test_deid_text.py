"""Free text: what stays is useful and places nobody."""

import pytest

from midas.deid.words import Known, clean_text

ASHA = Known.of([("name", "Asha Kulkarni"), ("address", "H.No. 16/397, Dhantoli, Nagpur")])


@pytest.mark.parametrize(
    ("text", "prose", "stays"),
    [
        ("W/o Ramesh r/o H.No. 16/397 Nagpur", True, ""),
        ("MRI brain with contrast, ring 98230 12345", True, "MRI brain with contrast, ring"),
        ("CT FACE NECK 5 mm T2", False, "CT FACE NECK 5 mm T2"),
        ("Room No 12 CT 3D", False, "CT 3D"),
        ("Asha Kulkarni CT neck 12/03/2024", False, "CT neck"),
    ],
)
def test_words_of_the_field_stay_and_numbers_that_place_a_person_go(
    text: str, prose: bool, stays: str
) -> None:
    assert clean_text(text, ASHA, prose=prose) == stays
