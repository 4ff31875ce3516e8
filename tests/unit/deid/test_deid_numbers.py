"""Numbers of requests and studies: a keyed name for each, allowed only where the table lets a dummy stand."""

import re

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.deid_bench import CARD, PLACEMENT, Bench, ct, profile

from midas.deid import Keys, load_profile
from midas.deid.numbers import stands_for
from midas.deid.verify import verify
from midas.kernel import BadInput
from midas.protocol.model import NUMBER_FORM
from midas.quality.leaks import examine_dicom

KEYS, OTHERS = Keys.from_root(b"\x5a" * 32), Keys.from_root(b"\x5b" * 32)
RESEARCH = load_profile("research")
_NUMBERS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=16).map(str.strip)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@given(numbers=st.lists(_NUMBERS.filter(bool), min_size=2, max_size=20, unique=True))
def test_each_number_of_a_person_has_one_name_of_its_own(numbers):
    made = [stands_for(KEYS, "P-1", one) for one in numbers]
    assert len(set(made)) == len(numbers)
    assert made == [stands_for(KEYS, "P-1", f" {one} \0") for one in numbers]
    assert not set(made) & {stands_for(KEYS, "P-2", one) for one in numbers}
    assert not set(made) & {stands_for(OTHERS, "P-1", one) for one in numbers}
    assert all(re.fullmatch(NUMBER_FORM, one) and len(one) <= 16 for one in made)


def test_nothing_stands_for_nothing():
    assert stands_for(KEYS, "P-1", "  \0") == ""


def _numbered(**more):
    request = Dataset()
    request.AccessionNumber, request.RequestedProcedureID = "ACC0099123", "RP-4471"
    return ct(
        RequestAttributesSequence=Sequence([request]),
        PlacerOrderNumberImagingServiceRequest="RQ-88123",
        **more,
    )


def test_objects_of_a_request_stay_joined(bench):
    first, one = bench.clean(_numbered(), profile=RESEARCH)
    second, two = bench.clean(
        _numbered(SOPInstanceUID="1.2.826.0.1.99.1.1.2", StudyID="S78"), profile=RESEARCH
    )
    assert (first.state, second.state) == ("cleaned", "cleaned"), (first, second)
    assert re.fullmatch(NUMBER_FORM, one.AccessionNumber)
    assert one.AccessionNumber == two.AccessionNumber == one.RequestAttributesSequence[0].AccessionNumber
    assert one.PlacerOrderNumberImagingServiceRequest == two.PlacerOrderNumberImagingServiceRequest
    assert one.StudyID != two.StudyID
    assert "RequestedProcedureID" not in one.RequestAttributesSequence[0]
    assert all(number not in str(one) for number in ("ACC0099123", "0099123", "RQ-88123", "S77"))
    assert not [f for f in examine_dicom(bench.folder / "out" / "1.dcm") if "AccessionNumber" in f.scope]


def test_without_the_exception_the_number_is_empty(bench):
    _, out = bench.clean(_numbered(), profile=profile("retain-longitudinal-modified-dates"))
    assert out.AccessionNumber == out.StudyID == ""


@pytest.mark.parametrize("evil", ["ACC0099123", "N-BCDFGHJKLMNPQ", "N-0099123BCDFGHJ", "77"])
def test_the_verifier_refuses_what_is_no_pseudonym(bench, evil):
    bench.clean(_numbered(), profile=RESEARCH)
    path = bench.folder / "out" / "1.dcm"
    ds = pydicom.dcmread(path)
    ds.AccessionNumber = evil
    ds.save_as(path, enforce_file_format=True)
    assert "deid.verify.rule" in {
        f.rule for f in verify(path, card=CARD, profile=RESEARCH, placement=PLACEMENT)
    }


@pytest.mark.parametrize(
    "keyword",
    ["RequestedProcedureID", "PatientID", "InstitutionName", "StudyDate", "ClinicalTrialTimePointID", "Rows"],
)
def test_a_pseudonym_stands_only_where_the_table_lets_a_dummy_stand(tmp_path, keyword):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "schema: midas-deid-profile/1\nname: mine\nexceptions:\n"
        f"  - {{keyword: {keyword}, action: pseudonym, reason: 'Wanted for joining tables'}}\n"
    )
    with pytest.raises(BadInput, match=keyword):
        load_profile(path)
