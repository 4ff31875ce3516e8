"""Asking, deciding and taking back through the pages: who sees them, what they say, and what stops at once."""

from __future__ import annotations

import pytest
from tests.unit.pages.test_pages_hub import RELEASE, complaints

from midas.access.models import Grant, Request
from midas.kernel import SystemClock, sha256_bytes
from midas.ledger.models import Entry
from midas.people.models import Institution

PEOPLE = ("visitor", "researcher", "operator", "curator", "admin", "access-officer", "ethics", "auditor")
SEE = {"access-officer", "ethics", "auditor"}
WORDS = "A classifier of lesions of the mouth, tested on photographs of our own."


def terms_hash() -> str:
    return str(sha256_bytes(b"Terms of use\n"))


def told(**more: str) -> dict[str, str]:
    return {"purpose": "DUO:0000006", "words": WORDS, "accepted": terms_hash(), **more}


def test_everyone_who_signs_in_may_ask_and_see_their_own(hub, enter) -> None:
    for name in PEOPLE:
        client = enter(name)
        for path in (f"{RELEASE}/ask", "/access"):
            answer = client.get(path)
            assert (answer.status_code, complaints(answer)) == (200, []), (name, path)
    assert enter().get(f"{RELEASE}/ask").status_code == 302
    assert enter("visitor").get("/datasets/oral-cancer/releases/9.9.9/ask").status_code == 404


def test_the_terms_are_shown_whole_with_their_hash_and_the_purposes_that_they_allow(hub, enter) -> None:
    text = enter("curator").get(f"{RELEASE}/ask").content.decode()
    assert "Terms of use" in text
    assert terms_hash() in text
    assert "DUO:0000006" in text
    assert "DUO:0000042" not in text, "the protocol allows no general research"
    assert "The use is commercial" not in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"accepted": "0" * 64}, "Read them again"), ({"purpose": "DUO:0000042"}, "may not be used for"),
        ({"words": "soon"}, "has to be said in"), ({"commercial": "yes"}, "commercially"),
    ],
)  # fmt: skip
def test_a_mistake_keeps_what_was_written(hub, enter, wrong, said) -> None:
    answer = enter("curator").post(f"{RELEASE}/ask", told(**wrong))
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert wrong.get("words", WORDS) in answer.content.decode()
    assert complaints(answer) == []
    assert not Request.objects.filter(account__username="curator").exists()


def test_ask_decide_download_take_back(hub, enter) -> None:
    person, officer = enter("curator"), enter("access-officer")
    file = f"{RELEASE}/files/manifest.parquet"
    refused = person.get(file, headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert f'{RELEASE}/ask" rel="nofollow">' in refused.content.decode(), "it leads to the page that asks"
    assert person.post(f"{RELEASE}/ask", told()).headers["Location"] == "/access"
    assert "waits for a decision" in person.get("/access").content.decode()
    assert person.post(f"{RELEASE}/ask", told()).status_code == 400, "one open request at a time"
    queue = officer.get("/grants").content.decode()
    assert 'class="badge">2' in queue
    number = Request.objects.get(account__username="curator").pk
    page = f"/grants/requests/{number}"
    assert officer.post(page, {"decision": "give", "days": "90", "why": ""}).status_code == 400
    assert (
        officer.post(page, {"decision": "give", "days": "90", "why": "Signed."}).headers["Location"]
        == "/grants"
    )
    assert person.get(file).status_code == 200
    assert officer.post(page, {"decision": "decline", "why": "No."}).status_code == 400, "decided once"
    grant = Grant.objects.get(request=number)
    assert (grant.words, grant.terms.sha256, grant.account.username) == (WORDS, terms_hash(), "curator")
    there = f"/grants/{grant.pk}"
    assert officer.post(there, {"why": "The project has ended."}).headers["Location"] == "/grants"
    assert person.get(file).status_code == 403
    mine = person.get("/access").content.decode()
    assert "The project has ended." in mine
    deeds = list(Entry.objects.filter(target__in=[str(number), str(grant.pk)]).values_list("deed", flat=True))
    assert {"ask", "grant", "revoke"} <= set(deeds)
    for path in (page, there, "/grants"):
        assert complaints(officer.get(path)) == [], path


def test_who_sees_grants_and_who_decides(hub, enter) -> None:
    number = Request.objects.get(account__username="visitor").pk
    grant = Grant.objects.get().pk
    for name in PEOPLE:
        client = enter(name)
        for path in ("/grants", f"/grants/requests/{number}", f"/grants/{grant}"):
            answer = client.get(path)
            assert answer.status_code == (200 if name in SEE else 403), (name, path)
            assert complaints(answer) == [], (name, path)
        if name != "access-officer":
            for path, words in (
                (f"/grants/requests/{number}", {"decision": "give", "days": "90", "why": "x"}),
                (f"/grants/{grant}", {"why": "x"}),
            ):
                assert client.post(path, words).status_code == 403, (name, path)
    assert Request.objects.get(pk=number).decided_at is None
    assert Grant.objects.get().revoked_at is None
    assert enter("access-officer").get("/grants/requests/999").status_code == 404
    assert enter("access-officer").get("/grants/999").status_code == 404


def test_an_officer_decides_nothing_about_themselves(hub, enter) -> None:
    officer = enter("access-officer")
    officer.post(f"{RELEASE}/ask", told())
    number = Request.objects.get(account__username="access-officer").pk
    assert "This is your own request" in officer.get(f"/grants/requests/{number}").content.decode()
    for words in ({"decision": "give", "days": "90", "why": "x"}, {"decision": "decline", "why": "x"}):
        assert officer.post(f"/grants/requests/{number}", words).status_code == 400
    assert not Grant.objects.filter(account__username="access-officer").exists()


def test_a_grant_ends_where_the_person_moves(hub, enter) -> None:
    client, file = enter("researcher"), f"{RELEASE}/files/manifest.parquet"
    assert client.get(file).status_code == 200
    account = hub["researcher"]
    account.institution = Institution.objects.get(slug="aiims-neuro")
    account.save()
    assert client.get(file).status_code == 403
    assert "institution changed" in client.get("/access").content.decode()


def test_a_dataset_answers_without_sign_in(hub, enter) -> None:
    text = enter().get("/datasets/oral-cancer").content.decode()
    for words in (
        "A person whose request an access officer has granted.", "Not for commercial use.",
        "Health or medical or biomedical research", "At the hub and as a download.", "Not yet known", "open to anyone",
    ):  # fmt: skip
        assert words in text, words


def test_the_median_is_told_from_five_decisions_on(hub) -> None:
    from datetime import timedelta

    from midas.access.look import days_to_decide

    one = Request.objects.exclude(decided_at=None).get()
    now = SystemClock().now()
    dataset = one.release.dataset
    for days in (1, 2, 4, 30):
        assert days_to_decide(dataset, now=now)[0] is None
        Request.objects.create(
            account=one.account, release=one.release, purpose=one.purpose, words="x", terms=one.terms,
            asked_at=now - timedelta(days=days), decided_at=now,
        )  # fmt: skip
    assert days_to_decide(dataset, now=now) == (2.0, 5)
    assert days_to_decide(dataset, now=now + timedelta(days=731)) == (None, 0)


def test_access_speaks_hindi(hub, enter) -> None:
    client = enter("access-officer")
    client.post("/preferences", {"language": "hi", "theme": "dark", "next": "/"})
    number, grant = Request.objects.get(account__username="visitor").pk, Grant.objects.get().pk
    for path in ("/access", "/grants", f"/grants/requests/{number}", f"/grants/{grant}", f"{RELEASE}/ask"):
        answer = client.get(path)
        assert complaints(answer) == [], path
        text = answer.content.decode().split("<main")[1]
        for english in ("Purpose", "Waiting", "Reason", "Terms", "Grants"):
            assert f">{english}<" not in text, (path, english)
