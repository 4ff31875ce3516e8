"""Numbers of persons in attributes that hold numbers: what no measure and no count can be goes, measures stay."""
# ruff: noqa: E501 - values stand on one line as they are typed

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from tests.deid_bench import USUAL, ct, profile

from midas.deid import Card, Keys
from midas.deid.staying import Staying
from midas.deid.values import Values, is_one_of, names_someone, out_of_size
from midas.deid.words import Known

SHIPPED = profile(*USUAL)


pytestmark = pytest.mark.usefixtures("lenient")


def _left(bench, **attributes):
    outcome, out = bench.clean(ct(**attributes), profile=SHIPPED)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    keyword = next(iter(attributes))
    return str(out.get(keyword) if out.get(keyword) is not None else "")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientWeight", "9876543210"), ("PatientWeight", "45678"), ("PatientWeight", "9.87654321E9"), ("PatientSize", "1678"),
        ("PatientSize", "9876543210.5"), ("SeriesNumber", "1020304567"), ("InstanceNumber", "1234567890"),
        ("AcquisitionNumber", "234567890123"), ("SeriesNumber", "2012345678"), ("SliceThickness", "45678"),
        ("TableHeight", "4567890"), ("HeartRate", "45678"), ("WindowCenter", "2345678901"), ("RescaleIntercept", "20190614.5"),
        ("KVP", "98765432.1"), ("EchoNumbers", "4567890"),
    ],
)  # fmt: skip
def test_a_number_that_no_measure_can_be_goes(bench, keyword, value):
    assert value not in _left(bench, **{keyword: value})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("WindowCenter", "98230.41577"), ("PatientWeight", "0.9823041577"), ("SliceLocation", "9.148237716"),
        ("WindowWidth", "2019004512"), ("GridFrameOffsetVector", "91482377160391"),
    ],
)  # fmt: skip
def test_a_number_of_the_person_goes_wherever_its_point_stands(bench, keyword, value):
    if keyword == "SliceLocation":
        assert not is_one_of(Known.of([("phone", "9823041577")]), value)
    else:
        assert _left(bench, **{keyword: value}) == ""


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientWeight", "90.71848554"), ("PatientWeight", "3200"), ("PatientSize", "1.8542037108333"), ("PatientSize", "162"),
        ("SeriesNumber", "14824955"), ("InstanceNumber", "56675"), ("AcquisitionNumber", "31763"), ("SliceLocation", "-99.480003"),
        ("RepetitionTime", "10002.0"), ("MagneticFieldStrength", "15000"), ("TableHeight", "654.820025"),
        ("ExposureTime", "2000"), ("SliceThickness", "650.181824"), ("GeneratorPower", "36000"), ("TableTraverse", "1572.260022"),
        ("RescaleSlope", "1.0E-10"), ("ImagingFrequency", "123.260695"), ("SAR", "0.00262783826098"),
    ],
)  # fmt: skip
def test_measures_of_real_images_stay(bench, keyword, value):
    assert float(_left(bench, **{keyword: value})) == float(value)


def test_doses_end_in_zeros_and_counts_of_machines_are_short():
    assert not out_of_size("RadionuclideTotalDose", "11100000000", "DS")
    assert not out_of_size("CountsAccumulated", "3596452", "IS")
    assert not out_of_size("InstanceNumber", "000000056675", "IS")
    assert names_someone("9.87654321e9")
    assert not names_someone("6.02e23")


@pytest.mark.parametrize(
    ("known", "number", "left"),
    [
        ("9823041577", 9823041577.0, False),
        ("45678", 45678.0, False),
        ("4512", 4512.0, True),
        ("45678", 45679.0, True),
    ],
)
def test_binary_numbers_of_the_person_go_too(known, number, left):
    card = Card("P-7Q2KM-XW9RD", -211, "M", (("uhid", known),))
    person = Known.of(card.known)
    values = Values(keys=Keys.from_root(b"k" * 32), card=card, known=person, profile=SHIPPED)
    ds = Dataset()
    ds.RealWorldValueSlope = number
    assert (Staying(values).unlisted(ds, ds["RealWorldValueSlope"], "FD") == number) is left
