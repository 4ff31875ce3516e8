"""The hub's pages: who may see which, what each looks like to a machine, and what the forms do."""

from __future__ import annotations

import importlib.util
import re
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
    f"{RELEASE}/files/manifest.parquet": {"researcher"},
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
            if name and path == "/sign-in":
                assert response.headers["Location"] == "/"
                continue
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


def opened(monkeypatch) -> None:
    """Make every dataset one of open access, as its protocol would."""
    from midas.web.pages import datasets, pictures

    told = pictures.protocol_of

    def protocol_of(version):
        found = told(version)
        return found.model_copy(update={"access": found.access.model_copy(update={"level": "open"})})

    for module in (pictures, datasets):
        monkeypatch.setattr(module, "protocol_of", protocol_of)


WHO_MAY_SEE = {"": 302, "visitor": 403, "operator": 403, "admin": 403, "researcher": 200, "curator": 200}


def test_pictures_are_for_who_may_download(hub, enter) -> None:
    from midas.catalogue.models import Instance

    digest = Instance.objects.exclude(preview="").first().preview
    for name, code in WHO_MAY_SEE.items():
        client = enter(name)
        assert client.get(f"/pictures/{digest}").status_code == code, name
        text = client.get("/datasets/oral-cancer").content.decode()
        assert ("/pictures/" in text.replace("/twin/pictures/", "")) == (code == 200), name
        assert ("/twin/pictures/" in text) == (code != 200), name
        assert text.count("<figure><div") == text.count(">synthetic</span>") or code == 200
        assert ("no person is behind them" in text) == (code != 200)


def test_a_grant_to_one_dataset_shows_no_picture_of_another(hub, enter) -> None:
    from midas.catalogue.models import Instance

    client, found = enter("researcher"), Instance.objects.exclude(preview="")
    here = set(
        found.filter(series__study__subject__dataset__slug="oral-cancer").values_list("preview", flat=True)
    )
    there = set(
        found.filter(series__study__subject__dataset__slug="meningioma").values_list("preview", flat=True)
    )
    assert client.get(f"/pictures/{min(here)}").status_code == 200
    assert client.get(f"/pictures/{min(there - here)}").status_code == 403


def test_a_grant_to_a_release_shows_no_picture_of_what_it_does_not_hold(hub, enter) -> None:
    from midas.catalogue.models import Instance
    from midas.release.models import ReleaseFile

    one = (
        Instance.objects.filter(series__study__subject__dataset__slug="oral-cancer")
        .exclude(preview="")
        .first()
    )
    same = Instance.objects.filter(preview=one.preview).values_list("path", flat=True)
    client = enter("researcher")
    assert client.get(f"/pictures/{one.preview}").status_code == 200
    ReleaseFile.objects.filter(release__version="1.1.0", path__in=[f"data/{path}" for path in same]).delete()
    assert client.get(f"/pictures/{one.preview}").status_code == 403


def test_pictures_of_an_open_dataset_are_for_all_and_of_who_withdrew_for_nobody(
    hub, enter, monkeypatch
) -> None:
    from midas.catalogue.models import Instance, Subject
    from midas.kernel import SystemClock

    digest = Instance.objects.exclude(preview="").first().preview
    opened(monkeypatch)
    assert enter().get(f"/pictures/{digest}").status_code == 200
    Subject.objects.update(withdrawn_at=SystemClock().now())
    assert enter("curator").get(f"/pictures/{digest}").status_code == 403


def test_a_twins_pictures_are_the_twins_alone(hub, enter) -> None:
    from midas.release.models import ReleaseFile

    files = ReleaseFile.objects.filter(release__version="1.1.0", path__endswith=".dcm")
    of_twin, real = files.filter(release__twin=True).first(), files.filter(release__twin=False).first()
    answer = enter().get(f"{RELEASE}/twin/pictures/{of_twin.sha256}")
    assert answer.status_code == 200
    assert answer.content.startswith(b"RIFF")
    assert enter("curator").get(f"{RELEASE}/twin/pictures/{real.sha256}").status_code == 404


def test_papers_with_counts_and_paths_with_pseudonyms_are_for_who_may_download(hub, enter) -> None:
    for name, code in WHO_MAY_SEE.items():
        client = enter(name)
        assert client.get(f"{RELEASE}/papers/deid/report.html").status_code == code, name
        assert client.get(f"{RELEASE}/papers/DATASHEET.html").status_code == code, name
        assert client.get(f"{RELEASE}/papers/protocol.yaml").status_code == 200, name
        text = client.get(f"{RELEASE}?part=images&q=data").content.decode()
        assert (">data/P-" in text) == (code == 200), name


def test_only_previews_are_served_as_pictures(hub, enter) -> None:
    from midas.release.models import ReleaseFile

    sealed = ReleaseFile.objects.filter(path="manifest.parquet", release__twin=False).first().sha256
    assert enter("curator").get(f"/pictures/{sealed}").status_code == 403


def test_papers_are_shown_in_a_sandbox(hub, enter) -> None:
    response = enter("researcher").get(f"{RELEASE}/papers/deid/report.html")
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
    told = {"account": "visitor", "role": "researcher", "dataset": "oral-cancer", "why": "Joined the group."}
    client.post("/people/roles/give", told)
    assert Membership.objects.filter(
        account__username="visitor", role="researcher", dataset="oral-cancer"
    ).exists()
    client.post("/people/roles/take", told)
    assert not Membership.objects.filter(account__username="visitor").exists()
    client.post("/people/roles/take", {"account": "admin", "role": "admin", "dataset": "", "why": "x"})
    assert Membership.objects.filter(account__username="admin", role="admin").exists()
    assert enter("curator").post("/people/roles/give", told).status_code == 403


def test_adding_a_hospital_shows_its_token_once(hub, enter) -> None:
    client = enter("admin")
    told = {
        "name": "KLE Dental College",
        "slug": "kle-dental",
        "city": "Belagavi",
        "state": "Karnataka",
        "spoke_key": "ab" * 32,
    }
    made = client.post("/institutions/add", told)
    assert made.context["fresh"].startswith("midas_")
    assert made.context["fresh"] not in client.get("/institutions").content.decode()


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
    for path in (*(one for one in OPEN if one != "/sign-in"), "/curation", "/account", "/account/second"):
        response = client.get(path)
        assert complaints(response) == [], path
        assert '<html lang="hi" data-theme="dark"' in response.content.decode()
    assert "डेटासेट" in client.get("/").content.decode()
    assert enter().post("/preferences", {"next": "//elsewhere.example"}).headers["Location"] == "/"


def test_a_release_is_cut_beside_the_pages_and_only_once(hub, enter, monkeypatch) -> None:
    from midas.kernel import BadInput
    from midas.release.models import Draft, Release
    from midas.web.pages import cutting

    started = []
    monkeypatch.setattr(cutting.threading.Thread, "start", lambda thread: started.append(thread))
    client, path = enter("curator"), "/curation/drafts/meningioma/1.0.0"
    number = Draft.objects.get(dataset__slug="meningioma").pk
    assert client.post(path, {}).status_code == 200
    for _again in range(2):
        assert client.post(path, {"sure": "yes"}).status_code == 302
    assert len(started) == 1
    part = client.get(f"{path}/progress", headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" in part
    assert "<form" not in part
    assert complaints(client.get(path)) == []
    assert enter("researcher").get(f"{path}/progress").status_code == 403

    def fails(**_):
        raise BadInput("Nothing may be released.", advice="Look at the submissions.")

    monkeypatch.setattr(cutting, "cut", fails)
    cutting.perform(number, twin=True)
    text = client.get(path).content.decode()
    assert "Nothing may be released." in text
    assert "Cut the release" in text
    monkeypatch.setattr(cutting, "cut", lambda **_: Release.objects.first())
    cutting.perform(number, twin=False)
    done = client.get(f"{path}/progress", headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == "/datasets/meningioma/releases/1.0.0"


def test_a_cut_that_was_broken_off_is_offered_again(hub, enter, monkeypatch) -> None:
    import os

    from midas.release.models import Draft
    from midas.web.pages import cutting

    draft = Draft.objects.get(dataset__slug="meningioma")
    noted = cutting.Noted(draft.pk)
    assert list(noted.track([1, 2, 3], label="Read")) == [1, 2, 3]
    assert cutting.standing(draft) == cutting.Standing("running", "Read", 0, 3)
    os.utime(cutting._path(draft.pk), (0, 0))
    assert cutting.standing(draft).state == "broken"
    assert "Cut the release" in enter("curator").get("/curation/drafts/meningioma/1.0.0").content.decode()


def test_a_draft_shows_its_gates_with_advice_and_who_approved_it(hub, enter, monkeypatch) -> None:
    from midas.catalogue.models import Subject
    from midas.kernel import Finding, Severity, SystemClock
    from midas.release.approving import approvals_of
    from midas.release.cases import Result, State
    from midas.release.models import Draft, GateCheck
    from midas.release.splitting import near_pairs
    from midas.web.pages import cutting

    client, path = enter("curator"), "/curation/drafts/meningioma/1.0.0"
    draft = Draft.objects.get(dataset__slug="meningioma")
    assert "Nobody has looked at the gates" in client.get(path).content.decode()
    wrong = Finding(
        "gate.split.link", Severity.ERROR, "release", "The split leaks here.", "Note them as a pair."
    )
    failed = Result("split", State.FAILED, (wrong,)).to_dict()
    GateCheck.objects.create(
        draft=draft,
        results=[failed],
        leakage={"link": [3, 1], "file": [1200, 0]},
        checked_at=SystemClock().now(),
    )
    response = client.get(path)
    text = response.content.decode()
    assert complaints(response) == []
    assert "1 gate stands in the way" in text
    assert re.findall(r'<th scope="row">(.*?)</th><td class="num">(.*?)</td><td class="num">(.*?)</td>', text) == [
        ("persons that a hospital declared to be the same", "3", "1"),
        ("persons with the same file, byte for byte", "1,200", "0"),
    ]  # fmt: skip
    assert "The split leaks here." in text
    assert "Note them as a pair." in text
    one, other = Subject.objects.filter(dataset=draft.dataset).values_list("pseudonym", flat=True)[:2]
    assert "Keep both in one part" in text
    client.post(f"{path}/pair", {"one": one.lower(), "other": other})
    assert [set(pair) for pair in near_pairs(draft.dataset)] == [{one, other}]
    client.post(f"{path}/pair", {"one": one, "other": "P-00000-00000"})
    assert "has no P-00000-00000" in client.get(path).content.decode()
    client.post(f"{path}/approval")
    assert [one.account.username for one in approvals_of(draft)] == ["curator"]
    assert "You approved this draft" in client.get(path).content.decode()
    client.post(f"{path}/approval")
    assert "approved this draft already" in client.get(path).content.decode()
    client.post(f"{path}/approval", {"back": "yes"})
    assert approvals_of(draft) == []
    assert enter("researcher").post(f"{path}/approval").status_code == 403
    started = []
    monkeypatch.setattr(cutting.threading.Thread, "start", lambda thread: started.append(thread))
    client.post(f"{path}/gates")
    assert len(started) == 1
    assert "The gates are being looked at" in client.get(path).content.decode()
    monkeypatch.setattr(cutting, "check_gates", lambda **_: None)
    cutting.look(draft.pk)
    done = client.get(f"{path}/progress", headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == path
    client.post("/preferences", {"language": "hi", "theme": "light", "next": "/"})
    none = Finding(
        "gate.grade.none",
        Severity.ERROR,
        "release",
        "The draft has no grade.",
        "Have it graded, then check again.",
    )
    failed = Result("grade", State.FAILED, (none,)).to_dict()
    GateCheck.objects.filter(draft=draft).update(results=[failed])
    response = client.get(path)
    assert complaints(response) == []
    assert "विभाजन से कुछ नहीं रिसता" in response.content.decode()
    assert "मसौदे की कोई श्रेणी नहीं है।" in response.content.decode()
    assert "जिनकी फ़ाइल बाइट-दर-बाइट एक ही है" in response.content.decode()
    assert "इसका श्रेणीकरण कराएँ, फिर जाँचें।" in response.content.decode()


def test_pages_say_what_the_work_took_and_what_nobody_told(hub, enter) -> None:
    from midas.catalogue.models import Submission
    from midas.release.models import Draft

    draft = Draft.objects.get(dataset__slug="meningioma")
    client, path = enter("curator"), "/curation/drafts/meningioma/1.0.0"
    mine = Submission.objects.filter(root__in=draft.submissions)
    page = client.get(path).content.decode()
    assert f"in part: 0 of {mine.count()} submission" in page
    row = mine.first()
    assert "not told by the spoke" in client.get(f"/curation/submissions/{row.root}").content.decode()
    took = {"processor_s": 5400.0, "wall_s": 1.0}
    for one in mine:
        one.header, one.spent = {**one.header, "spent": took}, took
        one.save()
    said = client.get(f"/curation/submissions/{row.root}").content.decode()
    assert "5400 s at the spoke" in said
    assert "5400 s to verify it here" in said
    page = client.get(path).content.decode()
    assert f"{3 * mine.count()} h" in page
    assert "in part: an examination or the cut is missing" in page
