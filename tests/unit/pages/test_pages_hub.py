"""The hub's pages: who may see which, what each looks like to a machine, and what the forms do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
complaints = page_rules.complaints

RELEASE = "/datasets/oral-cancer/releases/1.1.0"
OPEN = ("/", "/datasets", "/datasets?modality=SM&q=mouth", "/datasets?q=nothing-like-this", "/datasets/oral-cancer",
        "/datasets/meningioma", RELEASE, f"{RELEASE}?part=images", f"{RELEASE}?q=parquet", f"{RELEASE}?q=zzz",
        f"{RELEASE}/twin", "/hospitals", "/hospitals/spdc-wardha", "/sign-in")  # fmt: skip
PEOPLE = ("", "visitor", "researcher", "operator", "curator", "admin")
NEEDS = {
    "/account": {"visitor", "researcher", "operator", "curator", "admin"},
    "/curation": {"curator"},
    "/curation/drafts/meningioma/1.0.0": {"curator"},
    "/people": {"admin"},
    f"{RELEASE}/files/manifest.parquet": {"researcher", "curator"},
    f"{RELEASE}/twin/files/manifest.parquet": set(PEOPLE),
}


def routes(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern


def test_every_route_declares_what_it_needs(hub) -> None:
    found = list(routes(get_resolver("midas.web.pages.urls").url_patterns))
    assert len(found) > 20
    assert [pattern.name for pattern in found if not hasattr(pattern.callback, "need")] == []


def test_open_pages_are_whole_and_small_for_everyone(hub, enter) -> None:
    for name in PEOPLE:
        client = enter(name)
        for path in OPEN:
            response = client.get(path)
            assert response.status_code == 200, (name, path)
            assert complaints(response) == [], (name, path)


def test_the_other_pages_are_for_who_has_the_role(hub, enter) -> None:
    for name in PEOPLE:
        client = enter(name)
        for path, allowed in NEEDS.items():
            response = client.get(path)
            if name in allowed:
                assert response.status_code == 200, (name, path)
                if not path.endswith(".parquet"):
                    assert complaints(response) == [], (name, path)
            elif name:
                assert response.status_code == 403, (name, path)
                assert complaints(response) == [], (name, path)
            else:
                assert response.status_code == 302, path
                assert response.headers["Location"].startswith("/sign-in?next=")


def test_a_hospitals_pseudonyms_are_for_who_may_see_its_work(hub, enter) -> None:
    from midas.catalogue.models import Subject

    pseudonym = Subject.objects.filter(spoke="spdc-wardha").first().pseudonym
    seen = {
        name for name in PEOPLE if pseudonym in enter(name).get("/hospitals/spdc-wardha").content.decode()
    }
    assert seen == {"operator", "curator", "admin"}


def test_pictures_of_a_restricted_dataset_are_for_its_readers(hub, enter, monkeypatch) -> None:
    from midas.catalogue.models import Instance
    from midas.web.pages import pictures, reading

    digest = Instance.objects.exclude(preview="").first().preview
    assert enter().get(f"/pictures/{digest}").status_code == 200
    for module in (pictures, reading):
        told = module.protocol_of

        def restricted(version, told=told):
            protocol = told(version)
            return protocol.model_copy(
                update={"access": protocol.access.model_copy(update={"level": "restricted"})}
            )

        monkeypatch.setattr(module, "protocol_of", restricted)
    assert enter().get(f"/pictures/{digest}").status_code == 302
    assert enter("visitor").get(f"/pictures/{digest}").status_code == 403
    assert enter("researcher").get(f"/pictures/{digest}").status_code == 200
    assert b"<img" not in enter("visitor").get("/datasets").content
    assert b"<img" in enter("researcher").get("/datasets").content


def test_only_previews_are_served_as_pictures(hub, enter) -> None:
    from midas.release.models import ReleaseFile

    sealed = ReleaseFile.objects.filter(path="manifest.parquet", release__twin=False).first().sha256
    assert enter("curator").get(f"/pictures/{sealed}").status_code == 404


def test_papers_are_shown_in_a_sandbox(hub, enter) -> None:
    response = enter().get(f"{RELEASE}/papers/deid/report.html")
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert enter().get(f"{RELEASE}/papers/manifest.parquet").status_code == 404


def test_signing_in_goes_back_only_to_this_site(hub, enter) -> None:
    told = {"username": "curator", "password": "look-and-see-1"}
    assert enter().post("/sign-in", {**told, "next": "/curation"}).headers["Location"] == "/curation"
    assert enter().post("/sign-in", {**told, "next": "https://elsewhere.example/"}).headers["Location"] == "/"
    wrong = enter().post("/sign-in", {"username": "curator", "password": "wrong"})
    assert wrong.status_code == 400
    assert complaints(wrong) == []


def test_too_many_tries_close_the_door(hub, enter) -> None:
    client = enter()
    codes = [client.post("/sign-in", {"username": "x", "password": "y"}).status_code for _ in range(40)]
    assert codes[-1] == 429


def test_a_key_is_shown_once_and_can_be_taken_back(hub, enter) -> None:
    from midas.kernel import SystemClock
    from midas.people.models import Token
    from midas.people.tokens import account_of_token

    client = enter("researcher")
    made = client.post("/account/keys", {"title": "lab", "days": "30"})
    assert complaints(made) == []
    token = made.context["fresh"]
    assert token in made.content.decode()
    assert token not in client.get("/account").content.decode()
    assert account_of_token(token, now=SystemClock().now()).username == "researcher"
    number = Token.objects.get(title="lab").pk
    assert enter("curator").post(f"/account/keys/{number}/revoke").status_code == 404
    assert client.post(f"/account/keys/{number}/revoke").status_code == 302
    assert account_of_token(token, now=SystemClock().now()) is None


def test_administrators_give_and_take_roles_but_keep_their_own(hub, enter) -> None:
    from midas.people.models import Membership

    client = enter("admin")
    told = {"account": "visitor", "role": "researcher", "dataset": "oral-cancer"}
    client.post("/people/roles/give", told)
    assert Membership.objects.filter(
        account__username="visitor", role="researcher", dataset="oral-cancer"
    ).exists()
    client.post("/people/roles/take", told)
    assert not Membership.objects.filter(account__username="visitor").exists()
    client.post("/people/roles/take", {"account": "admin", "role": "admin", "dataset": ""})
    assert Membership.objects.filter(account__username="admin", role="admin").exists()
    assert enter("curator").post("/people/roles/give", told).status_code == 403


def test_adding_a_hospital_shows_its_token_once(hub, enter) -> None:
    client = enter("admin")
    told = {
        "name": "KLE Dental College",
        "slug": "kle-dental",
        "city": "Belagavi",
        "state": "Karnataka",
        "key": "ab" * 32,
    }
    made = client.post("/people/hospitals", told)
    assert made.context["fresh"].startswith("midas_")
    assert made.context["fresh"] not in client.get("/people").content.decode()


def test_a_curator_drafts_but_not_twice(hub, enter) -> None:
    from midas.release.models import Draft

    client = enter("curator")
    told = {"dataset": "oral-cancer", "version": "2.0.0", "published_on": "2026-12-01", "notes": "More."}
    assert client.post("/curation/drafts", told).headers["Location"] == "/curation/drafts/oral-cancer/2.0.0"
    assert client.post("/curation/drafts", told).headers["Location"] == "/curation"
    assert Draft.objects.filter(version="2.0.0").count() == 1
    assert complaints(client.get("/curation")) == []
    client.post("/curation/drafts", {**told, "version": "3.0.0", "published_on": "soon"})
    assert not Draft.objects.filter(version="3.0.0").exists()


@pytest.mark.parametrize(
    "path", ["/nowhere", "/datasets/nothing", "/hospitals/nothing", "/datasets/oral-cancer/releases/9.9.9"]
)
def test_what_is_not_there_is_said_in_words(hub, enter, path: str) -> None:
    response = enter("curator").get(path)
    assert response.status_code == 404
    assert complaints(response) == []


def test_pages_speak_hindi_and_remember_it(hub, enter) -> None:
    client = enter("curator")
    client.post("/preferences", {"language": "hi", "theme": "dark", "next": "/"})
    for path in (*OPEN, "/curation", "/account"):
        response = client.get(path)
        assert complaints(response) == [], path
        assert '<html lang="hi" data-theme="dark"' in response.content.decode()
    assert "डेटासेट" in client.get("/").content.decode()
    assert enter().post("/preferences", {"next": "//elsewhere.example"}).headers["Location"] == "/"
