"""DICOMweb searches and metadata: what is found, in which form, and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from tests.hub_submission import CLOCK, NOW
from tests.scopes import ask, dataset, fill, read, reader, stream, study

from midas.access import revoke
from midas.access.models import Grant
from midas.access.terms import terms_of
from midas.catalogue import lens
from midas.catalogue.models import (
    DicomIndex,
    ProtocolVersion,
    ScopeModality,
    ScopeSeries,
    ScopeStudy,
    SeriesPack,
)
from midas.kernel import Forbidden, SystemClock
from midas.ledger.models import Deed, Entry, Refusal
from midas.people import Act
from midas.people.models import Account, Membership
from midas.people.sessions import SessionStore
from midas.people.tokens import issue_token, revoke_tokens
from midas.release.models import Draft, Release
from midas.web import standing

pytestmark = pytest.mark.django_db
ANNA, BEN = "P-7K3QM-2XV9A", "P-9B4TD-6ZC1F"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SESSION_COOKIE_NAME = "midas_session"
    settings.SECURE_PROXY_SSL_HEADER = None
    standing.forget()
    lens.finding.listing.cache_clear()
    yield
    standing.forget()


@pytest.fixture
def token() -> str:
    fill("oral-cancer", [
        *study(ANNA, 1, series=2, slices=3, StudyDate="20200105", StudyTime="1015", PatientName="Sharma^Anna",
               StudyDescription="CT neck", AccessionNumber="A1", PatientSex="F"),
        *study(BEN, 2, slices=2, Modality="MR", StudyDate="20210630", PatientName="Iyer^Ben^Kumar",
               SeriesDescription="T1 ax", BodyPartExamined="HEAD", StudyDescription="MR, brain"),
        *study(BEN, 3, slices=1, StudyDate="", PatientName="Iyer^Ben^Kumar"),
    ])  # fmt: skip
    return reader(("curator", "oral-cancer"))[1]


def studies(answer: Any) -> list[str]:
    return [one["0020000D"]["Value"][0] for one in answer.json or []]


ONE, TWO, THREE = "2.25.70001", "2.25.70002", "2.25.70003"


@pytest.mark.parametrize(("query", "found"), [
    ("", [ONE, TWO, THREE]),
    ("limit=1", [ONE]),
    ("limit=5&offset=1", [TWO, THREE]),
    (f"PatientID={ANNA}", [ONE]),
    (f"00100020={BEN}", [TWO, THREE]),
    ("PatientName=sharma%5Eanna", [ONE]),
    ("PatientName=*BEN*", [TWO, THREE]),
    ("PatientName=Iye?%5E*", [TWO, THREE]),
    ("PatientName=kumar+iyer&fuzzymatching=true", [TWO, THREE]),
    ("PatientName=kumar+sharma&fuzzymatching=true", []),
    ("StudyDate=20200105", [ONE]),
    ("StudyDate=20200101-20201231", [ONE]),
    ("StudyDate=-20201231", [ONE]),
    ("StudyDate=20200106-", [TWO]),
    ("StudyTime=10-11", [ONE]),
    ("ModalitiesInStudy=MR", [TWO]),
    ("ModalitiesInStudy=M*", [TWO]),
    ("ModalitiesInStudy=CT,MR", [ONE, TWO, THREE]),
    ("ModalitiesInStudy=CT&ModalitiesInStudy=MR&PatientSex=F", [ONE]),
    ("AccessionNumber=A1", [ONE]),
    ("StudyDescription=MR%2C+brain", [TWO]),
    ("StudyDescription=*neck", [ONE]),
    ("StudyDescription=*NECK", []),
    (f"StudyInstanceUID={ONE},{THREE}", [ONE, THREE]),
    (f"StudyInstanceUID={ONE}%5C{TWO}", [ONE, TWO]),
    (f"0020000D={ONE}&0020000D={TWO}", [ONE, TWO]),
    ("PatientIdentityRemoved=YES", [ONE, TWO, THREE]),
    ("DeidentificationMethodCodeSequence.CodeValue=113107", [ONE, TWO, THREE]),
    ("DeidentificationMethodCodeSequence.CodeValue=1", []),
    ("NumberOfStudyRelatedInstances=6", [ONE]),
    ("PatientID=*", [ONE, TWO, THREE]),
    ("PatientID=%25", []),
    ("PatientID=[A-Z]*", []),
    ("PatientName=' OR 1=1 --", []),
])  # fmt: skip
def test_a_search_for_studies_finds(token: str, query: str, found: list[str]) -> None:
    answer = ask(f"drafts/oral-cancer/studies?{query}", token=token)
    assert answer.status == (200 if found else 204)
    assert studies(answer) == found
    assert ("warning" in answer.headers) is (query == "limit=1")


@pytest.mark.parametrize("query", [
    "Nonsense=1", "99990001=1", "StudyDate=yesterday", "StudyDate=2020", "StudyDate=-", "limit=ten", "limit=-1",
    "PatientName=%FF%FE", "includefield=Nonsense", "fuzzymatching=maybe", "DeidentificationMethodCodeSequence=1",
    "PatientID.CodeValue=1", "SeriesNumber=one",
])  # fmt: skip
def test_a_search_that_cannot_be_read_is_said_so(token: str, query: str) -> None:
    answer = ask(f"drafts/oral-cancer/studies?{query}", token=token)
    assert (answer.status, answer.type) == (400, "application/problem+json")
    assert answer.json["advice"]


@pytest.mark.parametrize(("path", "number"), [
    ("series", 4), ("series?Modality=MR", 1), ("series?PatientSex=F&SeriesNumber=2", 1), (f"studies/{ONE}/series", 2),
    (f"studies/{ONE}/series?SeriesNumber=1", 1), (f"studies/{ONE}/instances", 6), ("instances", 9),
    ("instances?InstanceNumber=2", 3), ("instances?limit=4&offset=5", 4), ("instances?Rows=16&Modality=CT", 7),
    (f"studies/{ONE}/series/{ONE}.2/instances", 3), (f"studies/{ONE}/series/{ONE}.9/instances", 0),
    ("series?BodyPartExamined=HEAD&SeriesDescription=T1*", 1), ("instances?SOPInstanceUID=2.25.70001.23", 1),
    ("instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2", 9), ("instances?BurnedInAnnotation=NO", 9),
    ("instances?RescaleSlope=1", 0), ("series?BurnedInAnnotation=NO", 4), (f"studies/{THREE}9/series", 0),
])  # fmt: skip
def test_searches_for_series_and_instances(token: str, path: str, number: int) -> None:
    answer = ask(f"drafts/oral-cancer/{path}", token=token)
    assert len(answer.json or []) == number
    for one in answer.json or []:
        assert one["00081190"]["Value"][0].startswith(
            "http://testserver/dicomweb/drafts/oral-cancer/studies/"
        )
        assert list(one) == sorted(one)


def test_an_answer_holds_what_the_standard_names_and_what_was_asked_for(token: str) -> None:
    [first] = ask(f"drafts/oral-cancer/studies?PatientID={ANNA}", token=token).json
    assert first["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Sharma^Anna"}]}
    assert first["00200010"] == {"vr": "SH"}
    assert first["00080061"]["Value"] == ["CT"]
    assert (first["00201206"]["Value"], first["00201208"]["Value"]) == ([2], [6])
    assert "00120062" not in first
    for asked in ("PatientIdentityRemoved", "00120062", "StudyDate,00120062"):
        [more] = ask(f"drafts/oral-cancer/studies?PatientID={ANNA}&includefield={asked}", token=token).json
        assert more.pop("00120062") == {"vr": "CS", "Value": ["YES"]}
        assert more == first
    [everything] = ask(f"drafts/oral-cancer/studies?PatientID={ANNA}&includefield=all", token=token).json
    assert {"00120062", "00120064", "00280301"} < set(everything)
    path = "DeidentificationMethodCodeSequence.CodeMeaning"
    [part] = ask(f"drafts/oral-cancer/studies?PatientID={ANNA}&includefield={path}", token=token).json
    assert [list(item) for item in part["00120064"]["Value"]] == [["00080104"], ["00080104"]]
    [relational] = ask("drafts/oral-cancer/series?Modality=MR", token=token).json
    assert relational["00100020"]["Value"] == [BEN]
    assert relational["00081190"]["Value"][0].endswith(f"/studies/{TWO}/series/{TWO}.1")


def test_metadata_is_what_the_file_says(token: str) -> None:
    series = f"drafts/oral-cancer/studies/{ONE}/series/{ONE}.2"
    whole = ask(f"drafts/oral-cancer/studies/{ONE}/metadata", token=token).json
    part = ask(f"{series}/metadata", token=token).json
    [one] = ask(f"{series}/instances/{ONE}.23/metadata", token=token).json
    assert (len(whole), len(part)) == (6, 3)
    assert whole[3:] == part
    assert part[2] == one
    held = read(study(ANNA, 1, series=2, slices=3, StudyDate="20200105", StudyTime="1015", PatientName="Sharma^Anna",
                      StudyDescription="CT neck", AccessionNumber="A1", PatientSex="F")[5])  # fmt: skip
    pixels = one.pop("7FE00010")
    assert pixels["BulkDataURI"] == (
        f"http://testserver/dicomweb/{series}/instances/{ONE}.23/bulkdata/7FE00010"
    )
    theirs = json.loads(held.to_json(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: ""))
    theirs.pop("7FE00010")
    assert one == theirs
    for path in (
        f"studies/{ONE}1/metadata",
        f"studies/{ONE}/series/1.2/metadata",
        f"{series[19:]}/instances/1/metadata",
    ):
        assert ask(f"drafts/oral-cancer/{path}", token=token).status == 404


def test_metadata_that_is_known_is_not_sent_again(token: str) -> None:
    root = f"drafts/oral-cancer/studies/{ONE}"
    series = f"{root}/series/{ONE}.2"
    paths = [f"{root}/metadata", f"{series}/metadata", f"{series}/instances/{ONE}.23/metadata"]
    etags = [ask(path, token=token).headers["etag"] for path in paths]
    assert len(set(etags)) == 3
    for path in paths:
        again = ask(path, token=token, headers={"if-none-match": etags[1]})
        assert (again.status, bool(again.body)) == ((304, False) if path == paths[1] else (200, True))
    more = study(ANNA, 1, series=2, slices=4, PatientName="Sharma^Anna")
    fill("oral-cancer", more)
    assert ask(paths[1], token=token, headers={"if-none-match": etags[1]}).status == 200


def test_media_types_and_methods(token: str) -> None:
    def status(accept: str, path: str = "studies", method: str = "GET") -> int:
        return int(
            ask(f"drafts/oral-cancer/{path}", token=token, method=method, headers={"accept": accept}).status
        )

    assert status("application/dicom+json") == status("application/json") == status("*/*") == 200
    assert status('multipart/related; type="application/dicom+xml", application/dicom+json;q=0.5') == 200
    assert status('multipart/related; type="application/dicom+xml"') == 406
    assert status("*/*", "patients") == 404
    assert status("*/*", "studies", "DELETE") == 405
    assert ask("drafts/oral-cancer/studies?accept=text/html", token=token).status == 406
    assert b"<resource path=" in ask("drafts/oral-cancer/", token=token, method="OPTIONS").body
    described = ask("drafts/oral-cancer", token=token, headers={"accept": "application/json"})
    assert "/studies/{study}/series" in described.json["resources"]
    assert ask("drafts/oral-cancer/studies", token=token, headers={"host": "evil.example"}).status == 400


# -- who may look ------------------------------------------------------------------------------------------------


def test_nobody_else_looks_into_a_draft(token: str) -> None:
    fill("meningioma", study("P-AAAAA-AAAAA", 9))
    place = "drafts/oral-cancer/studies"
    assert ask(place).status == 401
    assert ask(place, token="midas_wrong").status == 401
    assert ask(place, token=reader(name="researcher")[1]).status == 403
    assert ask(place, token=reader(("curator", "meningioma"), name="other")[1]).status == 403
    assert ask("drafts/meningioma/studies", token=token).status == 403
    assert ask("drafts/nothing/studies", token=reader(("curator", ""), name="all")[1]).status == 404
    assert ask("elsewhere/oral-cancer/studies", token=token).status == 404
    # a study of another dataset is in no answer, by whatever address
    assert studies(ask(place, token=token)) == [ONE, TWO, THREE]
    for path in ("studies/2.25.70009/metadata", "studies/2.25.70009/series/2.25.70009.1/metadata"):
        assert ask(f"drafts/oral-cancer/{path}", token=token).status == 404
    assert ask("drafts/oral-cancer/instances?SOPInstanceUID=2.25.70009.11", token=token).status == 204


def test_a_token_limited_to_other_acts_does_not_open(token: str) -> None:
    account = Account.objects.get(username="reader")
    for scope, status in ((frozenset({Act.READ_DATASET}), 200), (frozenset({Act.BROWSE}), 403)):
        limited = issue_token(title="limited", clock=CLOCK, account=account, scope=scope)
        assert ask("drafts/oral-cancer/studies", token=limited).status == status


def test_what_is_taken_back_stops_at_once(token: str) -> None:
    account = Account.objects.get(username="reader")
    assert ask("drafts/oral-cancer/studies", token=token).status == 200
    Membership.objects.filter(account=account).delete()
    standing.forget(account.pk)
    assert ask("drafts/oral-cancer/studies", token=token).status == 403
    Membership.objects.create(account=account, role="curator", dataset="oral-cancer")
    standing.forget(account.pk)
    assert ask("drafts/oral-cancer/studies", token=token).status == 200
    revoke_tokens(clock=CLOCK, account=account)
    standing.forget(account.pk)
    assert ask("drafts/oral-cancer/studies", token=token).status == 401


def test_a_revocation_elsewhere_is_seen_within_two_seconds(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("drafts/oral-cancer/studies", token=token).status == 200
    revoke_tokens(clock=CLOCK, account=Account.objects.get(username="reader"))
    now = standing.time.monotonic()
    monkeypatch.setattr(standing.time, "monotonic", lambda: now + standing.FRESH_S)
    assert ask("drafts/oral-cancer/studies", token=token).status == 401


def test_an_answer_that_runs_breaks_off_when_the_right_is_taken_back(token: str) -> None:
    account = Account.objects.get(username="reader")
    chunks = stream(f"drafts/oral-cancer/studies/{ONE}/metadata", token)
    assert next(chunks) == b"["
    Membership.objects.filter(account=account).delete()
    standing.forget(account.pk)
    with pytest.raises(Forbidden):
        list(chunks)


def test_the_ledger_hears_of_looks_and_of_refusals(token: str) -> None:
    for _ in range(3):
        assert ask(f"drafts/oral-cancer/studies/{ONE}/metadata", token=token).status == 200
    assert ask("drafts/oral-cancer/studies", token=token).status == 200
    assert ask(f"drafts/oral-cancer/studies/{ONE}9/metadata", token=token).status == 404
    [row] = Entry.objects.filter(deed=Deed.VIEW)
    assert (row.who, row.dataset, row.target) == ("reader", "oral-cancer", ONE)
    stranger = reader(name="stranger")[1]
    for one in ("", stranger):
        ask("drafts/oral-cancer/studies", token=one)
    refused = Refusal.objects.values_list("act", "dataset", "by__username")
    assert {who for act, where, who in refused if (act, where) == (Act.READ_DATASET, "oral-cancer")} == {
        None,
        "stranger",
    }


def test_a_session_opens_too_until_it_ends(token: str, settings: Any) -> None:
    settings.SESSION_ENGINE = "midas.people.sessions"
    settings.AUTHENTICATION_BACKENDS = ["midas.web.throttle.ThrottledBackend"]
    account = Account.objects.get(username="reader")
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(account.pk), account.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.create()
    cookie = {"cookie": f"other=1; midas_session={session.session_key}"}
    assert ask("drafts/oral-cancer/studies", headers=cookie).status == 200
    assert ask("drafts/oral-cancer/studies", headers={"cookie": "midas_session=nonsense"}).status == 401
    session.delete()
    standing.forget(account.pk)
    assert ask("drafts/oral-cancer/studies", headers=cookie).status == 401


def release(access: str, *, twin: bool = False, version: str = "1.0.0") -> Release:
    where = dataset("oral-cancer")
    protocol, _ = ProtocolVersion.objects.get_or_create(
        dataset=where, sha256="a" * 64, defaults={"version": "1", "source": "", "added_at": NOW}
    )
    draft, _ = Draft.objects.get_or_create(
        dataset=where, version=version, defaults={
            "protocol": protocol, "published_on": NOW.date(), "created_at": NOW,
        },
    )  # fmt: skip
    return Release.objects.create(
        dataset=where, draft=draft, version=version, twin=twin, key="b" * 64, seal={}, access=access,
        license="", whole_salt="c" * 64, cut_at=NOW,
    )  # fmt: skip


def test_a_release_opens_to_whom_the_rule_says() -> None:
    for version, access in (("1.0.0", "open"), ("2.0.0", "controlled")):
        release(access, version=version)
        fill("oral-cancer", study(ANNA, 1), kind="release", name=f"oral-cancer@{version}")
    release("open", twin=True)
    fill("oral-cancer", study("P-SYNTH-00001", 5), kind="twin", name="oral-cancer@1.0.0")
    account, token = reader()
    curator, curators = reader(("curator", "oral-cancer"), name="curator")
    assert ask("twins/oral-cancer@1.0.0/studies").status == 200
    assert ask("twins/oral-cancer@9.0.0/studies").status == 404
    assert ask("releases/oral-cancer@1.0.0/studies").status == 401
    assert ask("releases/oral-cancer@1.0.0/studies", token=token).status == 200
    closed = "releases/oral-cancer@2.0.0/studies"
    assert [ask(closed, token=one).status for one in ("", token, curators)] == [401, 403, 403]
    terms = terms_of("terms", title="terms", clock=CLOCK)
    grant = Grant.objects.create(
        account=account, release=Release.objects.get(version="2.0.0"), purpose="HMB", terms=terms, given_by=curator,
        given_at=NOW, why="study", expires_at=SystemClock().now() + timedelta(days=1),
    )  # fmt: skip
    standing.forget(account.pk)
    assert studies(ask(closed, token=token)) == [ONE]
    revoke(grant=grant, by=curator, why="ended", clock=SystemClock())
    standing.forget(account.pk)
    assert ask(closed, token=token).status == 403


# -- scopes ------------------------------------------------------------------------------------------------------


def test_scopes_share_a_pack_and_a_withdrawal_takes_a_person_out_of_all(token: str) -> None:
    mine = study(ANNA, 1, series=2, slices=3, StudyDate="20200105", StudyTime="1015", PatientName="Sharma^Anna",
                 StudyDescription="CT neck", AccessionNumber="A1", PatientSex="F")  # fmt: skip
    packs = SeriesPack.objects.count()
    fill("oral-cancer", mine, kind="release", name="oral-cancer@1.0.0")
    fill("meningioma", mine[:3])
    assert SeriesPack.objects.count() == packs
    assert lens.retract(dataset="oral-cancer", subjects=[ANNA]) == 2
    assert not ScopeStudy.objects.filter(scope__dataset__slug="oral-cancer", subject=ANNA).exists()
    assert SeriesPack.objects.count() == packs - 1
    assert len(lens.objects(lens.scope_of(kind="draft", name="meningioma").pk, ONE)) == 3
    assert studies(ask("drafts/oral-cancer/studies", token=token)) == [TWO, THREE]
    assert ask(f"drafts/oral-cancer/studies/{ONE}/metadata", token=token).status == 404
    lens.retract(dataset="meningioma", subjects=[ANNA])
    lens.drop([lens.index_bytes(data).sha256 for data in mine])
    for model in (ScopeStudy, DicomIndex):
        assert not model.objects.filter(subject=ANNA).exists()
    left = set(ScopeSeries.objects.values_list("pack", flat=True))
    assert set(SeriesPack.objects.values_list("key", flat=True)) == left


def test_a_scope_grows_and_publishing_again_changes_nothing(token: str) -> None:
    more = study(BEN, 2, slices=4, Modality="MR", StudyDate="20210630", PatientName="Iyer^Ben^Kumar",
                 SeriesDescription="T1 ax", BodyPartExamined="HEAD", StudyDescription="MR, brain")  # fmt: skip
    packs = SeriesPack.objects.count()
    for _ in range(2):
        scope = fill("oral-cancer", more)
        found = lens.objects(scope.pk, TWO)
        assert [one.number for one in found] == [1, 2, 3, 4]
        assert SeriesPack.objects.count() == packs
    [row] = ask("drafts/oral-cancer/studies?ModalitiesInStudy=MR", token=token).json
    assert row["00201208"]["Value"] == [4]
    [only] = lens.objects(scope.pk, TWO, f"{TWO}.1", f"{TWO}.13")
    assert more[2][slice(*_ends(only.frame_table.pieces(1)[0]))] == read(more[2]).PixelData
    extra = study(BEN, 2, slices=1, Modality="SR")
    fill("oral-cancer", [extra[0].replace(b"2.25.70002.1", b"2.25.70002.7")])
    [row] = ask(f"drafts/oral-cancer/studies?StudyInstanceUID={TWO}", token=token).json
    assert row["00080061"]["Value"] == ["MR", "SR"]
    assert ScopeModality.objects.filter(study__uid=TWO).count() == 2


def _ends(piece: tuple[int, int]) -> tuple[int, int]:
    return piece[0], piece[0] + piece[1]
