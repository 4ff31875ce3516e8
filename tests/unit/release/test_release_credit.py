"""Who is credited: frozen with the draft, named only by choice, valid DataCite, and signed statements that are checked."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from midas.kernel import BadInput, Conflict, Forbidden, NotFound, SystemClock
from midas.manifest import verify_signature
from midas.people.models import Account, Institution
from midas.release import credit, export, validating
from midas.wire.v1 import Signed

SCHEMA = Path(validating.__file__).with_name(validating.SCHEMA)


def person(name: str = "meera", *, credited: bool = True) -> Account:
    place = Institution.objects.create(
        slug=f"home-of-{name}", name="A college", ror="https://ror.org/0abcdef12"
    )
    return Account.objects.create_user(
        username=name,
        full_name="Dr Meera Iyer",
        orcid="0000-0002-1825-0097",
        credited=credited,
        institution=place,
    )


def draft_by(ward, curator: Account, version: str = "1.0.0"):
    from datetime import date

    from midas.release import new_draft

    return new_draft(
        dataset=ward.dataset, version=version, by=curator, clock=ward.clock, published_on=date(2026, 11, 22)
    )


def described(ward, release) -> dict:
    folder = export(release, store=ward.store, folder=ward.folder / f"out-{release.version}")
    found: dict = json.loads((folder / "datacite.json").read_text("utf-8"))
    return found


def hospital(ward) -> Institution:
    from midas.catalogue.models import Subject

    spoke = Subject.objects.filter(dataset=ward.dataset).first().spoke
    return Institution.objects.create(slug=spoke, name="A hospital", ror="https://ror.org/0abcdef34")


def test_datacite_is_valid_and_names_hospitals_and_who_chose_so(ward) -> None:
    hospital(ward)
    found = described(ward, ward.cut(draft_by(ward, person())))
    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(found)
    roles = {(one["contributorType"], one["name"]) for one in found["contributors"]}
    assert {("DataCollector", "A hospital"), ("DataCurator", "Dr Meera Iyer")} < roles
    curator = next(one for one in found["contributors"] if one["contributorType"] == "DataCurator")
    assert curator["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert curator["affiliation"][0]["affiliationIdentifier"] == "https://ror.org/0abcdef12"
    assert "HostingInstitution" in {one["contributorType"] for one in found["contributors"]}


def test_who_did_not_choose_so_is_not_named(ward) -> None:
    found = described(ward, ward.cut(draft_by(ward, person(credited=False))))
    assert "Meera" not in json.dumps(found)


def test_a_later_change_of_name_or_mind_changes_no_byte_of_the_draft(ward) -> None:
    curator = person()
    draft = draft_by(ward, curator)
    first = ward.cut(draft)
    Account.objects.filter(pk=curator.pk).update(full_name="Another Name", credited=False)
    draft.refresh_from_db()
    assert ward.cut(draft).key == first.key
    assert "Another Name" not in json.dumps(described(ward, ward.cut(draft_by(ward, curator, "1.1.0"))))


@pytest.mark.parametrize(("number", "told"), [(0, 0), (9, 0), (10, 10), (148, 140)])
def test_numbers_are_told_to_the_ten_below(number: int, told: int) -> None:
    assert credit.at_least(number) == told


def test_a_certificate_is_signed_found_by_its_code_and_the_same_the_second_time(ward) -> None:
    one, by = hospital(ward), person()
    ward.cut(draft_by(ward, by))
    year = ward.clock.now().year
    made = credit.certify(who=one, year=year, signer=ward.signer, clock=ward.clock, by=by)
    assert credit.certify(who=one, year=year, signer=ward.signer, clock=ward.clock, by=by).pk == made.pk
    assert credit.certificate(made.code.lower().replace("-", " ")).pk == made.pk
    signed = Signed.model_validate(made.signed)
    verify_signature(signed, trusted=ward.signer.public_hex)
    said = json.loads(signed.payload)
    assert (said["name"], said["releases"]) == ("A hospital", ["meningioma@1.0.0"])
    assert said["subjects_at_least"] % 10 == 0
    with pytest.raises(NotFound):
        credit.certificate("AAAA-BBBB-CCCC-DDDD")


def test_no_certificate_without_consent_for_nothing_or_for_a_year_to_come(ward) -> None:
    by = person()
    with pytest.raises(Forbidden):
        credit.certify(
            who=person("silent", credited=False), year=2026, signer=ward.signer, clock=ward.clock, by=by
        )
    with pytest.raises(NotFound):
        credit.certify(who=by, year=2026, signer=ward.signer, clock=ward.clock, by=by)
    with pytest.raises(BadInput):
        credit.certify(who=by, year=2999, signer=ward.signer, clock=ward.clock, by=by)


def test_a_citation_is_a_doi_or_an_https_address_once(ward) -> None:
    by = person()
    release = ward.cut(draft_by(ward, by))
    made = credit.cite(release=release, url=" 10.1234/abc ", title="A work", by=by, clock=SystemClock())
    assert made.url == "https://doi.org/10.1234/abc"
    assert credit.citations(release) == [made]
    with pytest.raises(Conflict):
        credit.cite(
            release=release, url="https://doi.org/10.1234/abc", title="A work", by=by, clock=SystemClock()
        )
    for wrong in ("javascript:alert(1)", "http://example.org", "", "https://"):
        with pytest.raises(BadInput):
            credit.cite(release=release, url=wrong, title="A work", by=by, clock=SystemClock())
    with pytest.raises(BadInput):
        credit.cite(release=release, url="https://example.org/x", title=" ", by=by, clock=SystemClock())
