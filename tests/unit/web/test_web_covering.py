"""What one hospital is told of all hospitals' persons: its own as they are, of the others nothing that tells a few apart."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from midas.catalogue.models import Dataset, ProtocolVersion, Record, Subject, Submission, Visit
from midas.catalogue.protocols import protocol_of
from midas.kernel import NotFound
from midas.protocol import load_named
from midas.quality.coverage import OTHER
from midas.release.counting import of_catalogue
from midas.release.disclosure import LEAST, NOT_SAID
from midas.release.publication import tell
from midas.web import covering
from midas.web.covering import counts, total

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TARGET = """  variable:
    sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]
    age-band: [{value: 18-39, share: 0.4}, {value: 40-120, share: 0.6}]
"""


@pytest.fixture
def made() -> Dataset:
    loaded = load_named("oral-cancer")
    old = "  variable:\n    sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]\n"
    found = Dataset.objects.create(slug="oral-cancer", created_at=AT)
    ProtocolVersion.objects.create(
        dataset=found, sha256=loaded.sha256, version="1.0.0", source=loaded.source.replace(old, TARGET), added_at=AT
    )  # fmt: skip
    return found


def persons(made: Dataset, spoke: str, sexes: str, *, age: int | None = 50) -> None:
    known = ProtocolVersion.objects.get(dataset=made)
    sent = Submission.objects.create(
        dataset=made, protocol=known, spoke=spoke, root=f"{Submission.objects.count():064x}", header={}, signed={},
        received_at=AT, state="registered",
    )  # fmt: skip
    first = Subject.objects.count()
    for number, sex in enumerate(sexes, start=first):
        one = Subject.objects.create(
            dataset=made,
            pseudonym=f"P-{number:05d}-AAAAA",
            spoke=spoke,
            sex=sex,
            basis=[],
            first_submission=sent,
        )
        Visit.objects.create(subject=one, name="baseline", day=0, age_years=age)


def live_in(spoke: str, *states: str | None) -> None:
    """Say where the persons of a hospital live, after it said something else of the first."""
    found = Subject.objects.filter(spoke=spoke).order_by("pseudonym")
    for at, (one, state) in enumerate(zip(found, states, strict=True)):
        named = {
            "subject": one,
            "submission": one.first_submission,
            "table": "persons",
            "record": f"{one.pk:064x}",
        }
        if not at:
            Record.objects.create(**named, revision=1, values={"state": "Goa"})
        Record.objects.create(**named, revision=2, values={"state": state})


def told(spoke: str = "spdc-wardha"):
    return total(dataset="oral-cancer", spoke=spoke)


def test_all_hospitals_together_are_told_as_the_public_is_told(made: Dataset) -> None:
    persons(made, "spdc-wardha", "FFFMMMMU")
    persons(made, "sriher-chennai", "F" * 23 + "M" * 18 + "OOO", age=30)
    found = told()
    assert (found.mine, found.others) == (8, 42), "52 persons are told as 50"
    sex, age = found.variables
    assert sex.persons == {"F": 30, "M": 20}, (
        "3 and 4 of its own beside many are nobody to others; O is nobody to it"
    )
    assert sex.unknown == 1, "its own"
    assert (age.persons, age.unknown) == ({"18-39": 45, "40-120": 8}, 0), (
        "its own eight, where fewer are told"
    )
    assert sex.target == {"F": 0.5, "M": 0.5}


def test_a_few_others_are_told_in_no_table(made: Dataset) -> None:
    persons(made, "spdc-wardha", "FM")
    persons(made, "sriher-chennai", "F" * 29)
    assert (told().mine, told().others, told().variables) == (2, 23, ())
    assert told("sriher-chennai").others == 0, "two are nobody"


def test_one_hospital_alone_is_told_its_own(made: Dataset) -> None:
    persons(made, "spdc-wardha", "FFM")
    found = told()
    assert (found.mine, found.others) == (3, 0)
    assert found.variables[0].persons == {"F": 2, "M": 1}


def test_the_state_is_where_people_live_not_where_the_hospital_is(made: Dataset) -> None:
    known = ProtocolVersion.objects.get(dataset=made)
    lived = "    state: [{value: Maharashtra, share: 0.5}, {value: Kerala, share: 0.3}]\n"
    ProtocolVersion.objects.filter(pk=known.pk).update(source=known.source.replace(TARGET, TARGET + lived))
    persons(made, "spdc-wardha", "FFMMM")
    live_in("spdc-wardha", "Kerala", "Kerala", "Maharashtra", "Delhi", None)
    protocol = protocol_of(ProtocolVersion.objects.get(dataset=made))
    cells = counts(made, protocol, of_catalogue(made, protocol).exact())["state"]
    assert cells == {"Kerala": 2, "Maharashtra": 1, "Delhi": 1, NOT_SAID: 1}
    persons(made, "sriher-chennai", "F" * 40)
    live_in("sriher-chennai", *["Kerala"] * 37, "Tamil Nadu", "Maharashtra", None)
    state = told().variables[-1]
    assert state.variable == "state"
    assert (state.persons["Maharashtra"], state.persons[OTHER], state.unknown) == (1, 1, 1)
    assert state.persons["Kerala"] == 45
    own = of_catalogue(made, protocol, spoke="spdc-wardha").exact()
    only = counts(made, protocol, own, spoke="spdc-wardha")
    assert only["state"] == cells


def test_no_column_is_counted_anew_beside_figures_of_an_earlier_release(made: Dataset, monkeypatch) -> None:
    known = ProtocolVersion.objects.get(dataset=made)
    lived = "    state: [{value: Kerala, share: 0.8}]\n"
    ProtocolVersion.objects.filter(pk=known.pk).update(source=known.source.replace(TARGET, TARGET + lived))
    persons(made, "spdc-wardha", "F" * 20)
    persons(made, "sriher-chennai", "F" * 15)
    live_in("spdc-wardha", *["Kerala"] * 20)
    live_in("sriher-chennai", *["Kerala"] * 15)
    assert "state" in {one.variable for one in told().variables}
    then = {"as_of": "1.0.0", "people": 30, "tables": {}}
    monkeypatch.setattr(covering, "told_now", lambda *_: then)
    found = told()
    assert found.others == 10
    assert "state" not in {one.variable for one in found.variables}, "35 beside 30 would tell that a few came"


@pytest.mark.parametrize("few", ["F", "OO", "FMU", "OOUU"])
def test_a_few_elsewhere_look_like_nobody(made: Dataset, few: str) -> None:
    persons(made, "spdc-wardha", "FFM")
    alone = told()
    persons(made, "sriher-chennai", few, age=90)
    assert told() == alone
    assert alone.variables != ()


@pytest.mark.parametrize("few", ["", "F", "FFFF"])
def test_a_hospital_that_subtracts_its_own_finds_no_few_others(made: Dataset, few: str) -> None:
    """Four women of its own and one elsewhere were public as five; beside coverage that told nobody: one to four."""
    persons(made, "spdc-wardha", "FFFF" + "M" * 26)
    persons(made, "sriher-chennai", few + "M" * 10)
    found = told()
    protocol = protocol_of(ProtocolVersion.objects.get(dataset=made))
    public = tell(of_catalogue(made, protocol).safe(), version="1.0.0")["tables"]["sex"]["cells"]
    assert (public["F"], public["M"]) == (0, 40)
    assert found.variables[0].persons == {"F": 4, "M": 40}


def test_age_bands_that_part_the_public_ones_are_not_told(made: Dataset) -> None:
    known = ProtocolVersion.objects.get(dataset=made)
    ProtocolVersion.objects.filter(pk=known.pk).update(
        source=known.source.replace("18-39", "18-34").replace("40-120", "35-120")
    )
    persons(made, "sriher-chennai", "F" * 40, age=30)
    assert [one.variable for one in told().variables] == ["sex"]


def test_the_catalogue_is_read_once(made: Dataset) -> None:
    persons(made, "spdc-wardha", "FFM")
    persons(made, "sriher-chennai", "F" * 40)
    with CaptureQueriesContext(connection) as seen:
        told()
    everyone = [
        one["sql"] for one in seen if "catalogue_visit" in one["sql"] and "spdc-wardha" not in one["sql"]
    ]
    assert len(everyone) == 1
    assert not any("catalogue_instance" in one["sql"] for one in seen), "the target asks for no device"


@pytest.mark.parametrize("women", range(12))
def test_who_is_one_more_elsewhere_cannot_be_told(made: Dataset, women: int) -> None:
    """What is told changes with the others' persons only, and only by whole fives."""
    persons(made, "sriher-chennai", "F" * women + "M" * 30)
    before = told().variables[0].persons
    persons(made, "sriher-chennai", "F")
    after = told().variables[0].persons
    assert all((after[one] - before[one]) % LEAST == 0 for one in after)
    assert after["F"] == 0 or after["F"] >= LEAST


def test_only_a_hospital_that_collects_for_it_is_told(made: Dataset) -> None:
    with pytest.raises(NotFound):
        told("elsewhere")
    with pytest.raises(NotFound):
        total(dataset="none", spoke="spdc-wardha")
    persons(made, "elsewhere", "F")
    assert told("elsewhere").mine == 1
