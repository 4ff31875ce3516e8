"""A real hub, on SQLite and on PostgreSQL: what a spoke sent is searched and read by a client that others wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dicomweb_client.api import DICOMwebClient
from requests import Session
from tests.hub_submission import PEOPLE, Parcel, parcel
from tests.integration.test_hub_serves import Hub, _served, midas, send


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.system("postgresql"))]
)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Hub, Parcel, str, dict[str, str]]]:
    """A hub in which one submission is registered, and a curator's token."""
    where = request.param
    env = {"DATABASE_URL": request.getfixturevalue("postgres")} if where == "postgres" else {}
    for one in _served(tmp_path_factory.mktemp(where), env):
        made = parcel(one.spoke_key, slices=3)
        assert send(one, made).state == "registered"
        home = ("--home", str(one.home))
        midas("hub", "user", "add", "asha", "--role", "curator", "--dataset", "oral-cancer", *home, env=env)
        token = midas("hub", "user", "token", "asha", *home, env=env)["token"]
        yield one, made, token, env


Served = tuple[Hub, Parcel, str, dict[str, str]]


def client(hub: Hub, token: str) -> DICOMwebClient:
    session = Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(f"{hub.address}/dicomweb/drafts/oral-cancer", session=session)


def test_a_client_finds_what_was_sent(hub: Served) -> None:
    served, made, token, _ = hub
    reader = client(served, token)
    studies = reader.search_for_studies(limit=10, fields=["PatientIdentityRemoved"])
    assert {one["00100020"]["Value"][0] for one in studies} == set(PEOPLE)
    assert all(one["00120062"]["Value"] == ["YES"] for one in studies)
    [only] = reader.search_for_studies(search_filters={"PatientID": PEOPLE[1]})
    study = only["0020000D"]["Value"][0]
    [series] = reader.search_for_series(study_instance_uid=study, search_filters={"Modality": "CT"})
    uid = series["0020000E"]["Value"][0]
    instances = reader.search_for_instances(study_instance_uid=study, series_instance_uid=uid)
    assert [one["00200013"]["Value"][0] for one in instances] == [1, 2, 3]
    metadata = reader.retrieve_series_metadata(study, uid)
    assert [one["00280010"]["Value"] for one in metadata] == [[16]] * 3
    sent = {line["sop_instance_uid"] for line in made.items if line["subject"] == PEOPLE[1]}
    assert {one["00080018"]["Value"][0] for one in metadata} == sent
    assert reader.search_for_studies(search_filters={"PatientID": "P-00000-00000"}) == []
    assert len(reader.search_for_instances(limit=2, offset=1)) == 2


def test_answers_are_for_no_one_else_and_are_kept_by_no_cache(hub: Served) -> None:
    served, _, token, _ = hub
    root = f"{served.address}/dicomweb/drafts/oral-cancer"
    answer = httpx.get(f"{root}/studies", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {served.researcher_token}"}, 403)):
        refused = httpx.get(f"{root}/studies", headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert httpx.head(f"{root}/studies", headers={"Authorization": f"Bearer {token}"}).content == b""


def test_indexing_again_finds_nothing_to_do_and_makes_what_is_missing(hub: Served) -> None:
    served, _, token, env = hub
    where = ("hub", "index", "--home", str(served.home))
    assert midas(*where, env=env) == {"indexed": 0, "unreadable": 0, "scopes": 1}
    _empty(served.home, env)
    assert client(served, token).search_for_studies() == []
    assert midas(*where, env=env) == {"indexed": 6, "unreadable": 0, "scopes": 1}
    assert len(client(served, token).search_for_studies()) == 2


def _empty(home: Path, env: dict[str, str]) -> None:
    """Leave the catalogue as a hub had it before there was an index."""
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from midas.web.bootstrap import configure; configure(Path(sys.argv[1]))\n"
        "from midas.catalogue import models as m\n"
        "for one in (m.ScopeModality, m.ScopeSeries, m.ScopeStudy, m.Scope, m.SeriesPack, m.DicomIndex):\n"
        "    one.objects.all().delete()"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(home)], check=True, env={**os.environ, **env}, timeout=120
    )


def test_who_withdraws_is_found_no_more(hub: Served) -> None:
    served, _, token, env = hub
    home = ("--home", str(served.home))
    midas("release", "withdraw", "oral-cancer", "--subject", PEOPLE[0], "--why", "person", *home, env=env)
    left = client(served, token).search_for_studies()
    assert [one["00100020"]["Value"] for one in left] == [[PEOPLE[1]]]
