"""Properties of de-identification over generated persons, texts, dates and UIDs."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from tests.deid_bench import CARD, USUAL, Bench, ct, nested, profile

from midas.deid import Keys, clean, seal_card
from midas.deid.dates import cap_age, shift_da, shift_dt
from midas.deid.uids import map_uid
from midas.deid.words import Known, clean_text

KEYS = Keys.from_root(b"\x5a" * 32)
NAMES = st.sampled_from([
    "Ramesh Deshmukh", "Lakshmi Narayanan", "Mohd Irfan Ansari", "रमेश देशमुख", "லட்சுமி நாராயணன்", "Gurpreet Kaur",
    "D'Souza Anthony", "Om Das Ray",
])  # fmt: skip
TEXT_PLACES = st.sampled_from([
    "PatientComments", "StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "AdditionalPatientHistory",
    "FilterType", "SoftwareVersions", "ManufacturerModelName", "StationName", "InstitutionName", "OperatorsName",
    "PatientName", "RequestingPhysician", "ContrastBolusAgent", "DerivationDescription", "ScheduledProcedureStepDescription",
    "EthnicGroup", "Occupation", "DeviceSerialNumber", "ConvolutionKernel", "AcquisitionDeviceProcessingDescription",
])  # fmt: skip
FORMS = st.sampled_from([
    "{}", "CT of {}", "{} axial", "seen by Dr {}", "<{}>", "name={};", "contrast {} 5mm",
])  # fmt: skip
SETTINGS = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def _forms_of(name: str) -> tuple[str, ...]:
    words = name.split()
    return (
        name,
        name.upper(),
        " ".join(reversed(words)),
        "^".join(words),
        name.replace(" ", "_"),
        ", ".join(words),
    )


@pytest.fixture(scope="module")
def bench():
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(Path(folder))


@SETTINGS
@given(
    name=NAMES,
    places=st.lists(st.tuples(TEXT_PLACES, FORMS, st.integers(0, 5)), min_size=1, max_size=6),
    data=st.data(),
)
def test_no_planted_name_survives_anywhere(bench, name, places, data):
    card = type(CARD)(CARD.subject, -90, "F", (("name", name),))
    seal_card(card, key=bench.key, out=bench.card)
    ds, item = ct(PatientName="Nobody^Known", StudyDescription="CT"), Dataset()
    for number, (keyword, form, way) in enumerate(places):
        text = form.format(_forms_of(name)[way])
        for place in (ds, item) if number % 2 else (ds,):
            limit = {"SH": 16}.get(pydicom.datadict.dictionary_VR(keyword), 64)
            setattr(place, keyword, text[:limit])
    item.add_new(0x00091001, "UN", name.encode())
    ds.add(DataElement(0x00291010, "OB", name.encode() + b"\0" * (len(name.encode()) % 2)))
    ds.SharedFunctionalGroupsSequence = nested(item)
    options = data.draw(
        st.sampled_from([USUAL, frozenset({"clean-pixel-data"}), USUAL | {"retain-device-identity"}])
    )
    job = bench.job(bench.save(ds), profile=profile(*options))
    job.target.unlink(missing_ok=True)
    outcome = clean(job)
    seal_card(CARD, key=bench.key, out=bench.card)
    if outcome.state == "held":
        assert not job.target.exists()
        return
    content = job.target.read_bytes().decode("utf-8", "replace").casefold()
    for word in name.split():
        if len(word) >= 4:
            assert word.casefold() not in content


@SETTINGS
@given(
    st.lists(
        st.from_regex(r"\A[12]\.[0-9]{1,3}(\.[1-9][0-9]{0,8}){1,5}\Z"), min_size=2, max_size=30, unique=True
    )
)
def test_uids_are_mapped_injectively_and_validly(uids):
    mapped = [map_uid(KEYS, uid) for uid in uids]
    assert len(set(mapped)) == len(uids)
    assert all(pydicom.uid.UID(uid).is_valid and len(uid) <= 64 for uid in mapped)
    assert mapped == [map_uid(KEYS, uid) for uid in uids]


@given(
    st.dates(min_value=date(1905, 1, 1)),
    st.dates(min_value=date(1905, 1, 1)),
    st.integers(-730, -1),
)
def test_intervals_are_kept(one, other, days):
    moved = [date.fromisoformat(shift_da(d.strftime("%Y%m%d"), days)) for d in (one, other)]
    assert moved[0] - moved[1] == one - other
    assert moved[0] < one
    assert (
        shift_dt(one.strftime("%Y%m%d") + "101112.5+0530", days)
        == moved[0].strftime("%Y%m%d") + "101112.5+0530"
    )


@given(st.text(max_size=20))
def test_what_is_no_date_or_age_becomes_nothing_or_valid(text):
    assert shift_da(text, -5) == "" or len(shift_da(text, -5)) == 8
    assert cap_age(text) == "" or len(cap_age(text)) == 4


@given(st.text(max_size=80), NAMES, st.booleans())
def test_cleaned_text_is_stable_and_names_nobody(text, name, prose):
    known = Known.of([("name", name)])
    once = clean_text(f"{text} {name} axial", known, prose=prose)
    assert clean_text(once, known, prose=prose) == once
    assert not known.names(once)


@SETTINGS
@given(
    st.sampled_from(
        [USUAL, frozenset({"clean-pixel-data"}), USUAL | {"clean-graphics", "retain-institution-identity"}]
    )
)
def test_cleaning_twice_changes_only_what_is_keyed(bench, options):
    rules = profile(*options)
    first = bench.job(bench.save(ct()), profile=rules)
    assert clean(first).state == "cleaned"
    second = bench.job(first.target, profile=rules, target=bench.folder / "out" / "2.dcm")
    outcome = clean(second)
    assert outcome.state == "cleaned", outcome.findings
    keyed = {"UI", "DA", "DT"}
    one, two = (
        {
            element.tag: element.value
            for element in pydicom.dcmread(path).iterall()
            if element.VR not in keyed | {"SQ"}
        }
        for path in (first.target, second.target)
    )
    assert one == two


@settings(max_examples=20)
@given(data=st.data())
def test_flipped_bytes_never_raise_and_never_leak(bench, data):
    path = bench.save(ct())
    content = bytearray(path.read_bytes())
    header = len(content) - 520
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, header))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    job = bench.job(path)
    job.target.unlink(missing_ok=True)
    outcome = clean(job)
    assert job.target.exists() == (outcome.state == "cleaned")
    if outcome.state == "cleaned":
        found = job.target.read_bytes().lower()
        assert b"deshmukh" not in found
        assert "देशमुख".encode() not in found
