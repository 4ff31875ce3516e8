"""Terms by hash, purposes by DUO, requests and grants: what is refused, what is kept, and what stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.hub_submission import NOW

from midas.access import accept, ask, decline, give, revoke, standing_grants, telling
from midas.access.look import FEWEST
from midas.access.models import Grant, Request, Terms
from midas.access.terms import PAPER, purpose_for, purposes_of, terms_of, terms_of_release
from midas.catalogue.models import (
    CheckRun,
    Dataset,
    ProtocolVersion,
    QualityAnswer,
    QualityDecision,
    QualityFinding,
    Submission,
)
from midas.kernel import BadInput, Conflict, FixedClock, NotFound, sha256_bytes
from midas.ledger.models import Entry
from midas.people.models import Account, Institution
from midas.protocol import load_named
from midas.protocol.duo import (
    CC,
    DS,
    GRU,
    HMB,
    NPOA,
    NRES,
    POA,
    PURPOSES,
    duo_term,
    duo_terms,
    purposes_under,
)
from midas.release.models import Draft, Release, ReleaseFile
from midas.store import Blobs

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOW)
WORDS = "A classifier of lesions of the mouth."


def later(**time: float) -> FixedClock:
    return FixedClock(NOW + timedelta(**time))


@pytest.fixture
def release(db: None) -> Release:
    loaded = load_named("oral-cancer")
    dataset = Dataset.objects.create(slug="oral-cancer", created_at=NOW)
    protocol = ProtocolVersion.objects.create(
        dataset=dataset, sha256=loaded.sha256, version="1.0.0", source=loaded.source, added_at=NOW
    )
    draft = Draft.objects.create(
        dataset=dataset, protocol=protocol, version="1.0.0", published_on=NOW.date(), created_at=NOW
    )
    return Release.objects.create(
        dataset=dataset, draft=draft, version="1.0.0", key="0" * 64, seal={}, access="controlled", license="x",
        summary={"title": "t", "subjects": 0, "instances": 0, "bytes": 0}, whole_salt="0" * 64, cut_at=NOW,
    )  # fmt: skip


@pytest.fixture
def people(db: None) -> dict[str, Account]:
    place = Institution.objects.create(slug="kle", name="KLE Dental College")
    return {
        name: Account.objects.create(username=name, institution=place) for name in ("meera", "leela", "kabir")
    }


@pytest.fixture
def terms(db: None) -> Terms:
    return terms_of("Cite it.", title="t", clock=CLOCK)


def asked(people: dict[str, Account], release: Release, terms: Terms, **more: Any) -> Request:
    told = {"purpose": "HMB", "words": WORDS, "terms": terms, "accepted": terms.sha256, "clock": CLOCK}
    return ask(account=people["meera"], release=release, **{**told, **more})


def given(people: dict[str, Account], release: Release, terms: Terms, **more: Any) -> Grant:
    told = {
        "account": people["meera"],
        "purpose": "HMB",
        "terms": terms,
        "by": people["leela"],
        "why": "Signed.",
    }
    return give(release=release, **{**told, "clock": CLOCK, **more})


# -- the ontology ----------------------------------------------------------------------------------------------


def test_the_table_has_the_terms_of_the_ontology() -> None:
    assert len(duo_terms()) == 23
    assert duo_term("HMB") == duo_term("DUO:0000006")
    assert (duo_terms()[GRU].label, duo_terms()["DUO:0000018"].short) == ("general research use", "NPUNCU")
    assert duo_term("DUO:9999999") is None


@pytest.mark.parametrize(
    ("uses", "allowed"),
    [
        ([NRES], PURPOSES), ([GRU], (HMB, DS, GRU, POA)), ([HMB], (HMB, DS)), ([DS], (DS,)), ([POA], (POA,)),
        ([GRU, NPOA], (HMB, DS, GRU)), ([DS, CC], (DS, CC)), (["DUO:0000018"], ()), ([], ()),
    ],
)  # fmt: skip
def test_what_a_permission_covers(uses: list[str], allowed: tuple[str, ...]) -> None:
    assert purposes_under(uses) == allowed


def test_a_release_allows_what_its_own_protocol_says(release: Release) -> None:
    assert purposes_of(release) == (HMB, DS)
    assert purpose_for(release, "hmb") == HMB
    with pytest.raises(BadInput, match="general research use"):
        purpose_for(release, "GRU")
    with pytest.raises(BadInput):
        purpose_for(release, "fun")


# -- terms -----------------------------------------------------------------------------------------------------


def test_the_terms_of_a_release_are_its_sealed_licence(release: Release, tmp_path: Any) -> None:
    store = Blobs.at(str(tmp_path))
    with pytest.raises(NotFound):
        terms_of_release(release, store=store, clock=CLOCK)
    text = "Do not pass it on.\n"
    digest = store.put_chunks([text.encode()])
    ReleaseFile.objects.create(release=release, path=PAPER, sha256=digest, size=len(text))
    found = terms_of_release(release, store=store, clock=CLOCK)
    assert (found.text, found.sha256) == (text, digest)
    assert terms_of_release(release, store=store, clock=CLOCK) == found
    assert terms_of(text + "Cite it.", title="t", clock=CLOCK).sha256 == sha256_bytes(
        (text + "Cite it.").encode()
    )


def test_licences_say_what_the_codes_mean() -> None:
    from midas.release.content import About
    from midas.release.datasheet import licence

    loaded = load_named("oral-cancer")
    about = About("oral-cancer", "1.0.0", "2026-03-01", loaded.protocol, loaded.source, loaded.sha256)
    assert "DUO:0000006 (health or medical or biomedical research)" in licence(about)


# -- asking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"accepted": "0" * 64}, Conflict), ({"purpose": "GRU"}, BadInput), ({"words": "  soon  "}, BadInput),
        ({"words": "x" * 4001}, BadInput), ({"commercial": True}, BadInput),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_leaves_nothing(
    people: dict[str, Account], release: Release, terms: Terms, more: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        asked(people, release, terms, **more)
    assert not Request.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.parametrize("change", [{"twin": True}, {"access": "open"}])
def test_what_is_open_needs_no_grant(
    people: dict[str, Account], release: Release, terms: Terms, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(release, name, value)
    for act in (asked, given):
        with pytest.raises(Conflict):
            act(people, release, terms)


def test_one_request_is_open_at_a_time(people: dict[str, Account], release: Release, terms: Terms) -> None:
    first = asked(people, release, terms)
    with pytest.raises(Conflict):
        asked(people, release, terms)
    decline(request=first, by=people["leela"], why="Say more.", clock=CLOCK)
    assert asked(people, release, terms).pk != first.pk
    assert list(Entry.objects.order_by("pk").values_list("deed", flat=True)) == ["ask", "decline", "ask"]


def test_a_request_is_decided_once_and_not_by_its_own_person(
    people: dict[str, Account], release: Release, terms: Terms
) -> None:
    request = asked(people, release, terms)
    for decide in (
        lambda: accept(request=request, by=people["meera"], why="Mine.", clock=CLOCK, days=30),
        lambda: decline(request=request, by=people["meera"], why="Mine.", clock=CLOCK),
    ):
        with pytest.raises(Conflict):
            decide()
    with pytest.raises(BadInput):
        decline(request=request, by=people["leela"], why=" ", clock=CLOCK)
    grant = accept(request=request, by=people["leela"], why="Signed.", clock=later(days=2), days=30)
    request.refresh_from_db()
    assert (grant.request, request.decided_at, grant.words) == (request, NOW + timedelta(days=2), WORDS)
    with pytest.raises(Conflict):
        accept(request=request, by=people["leela"], why="Signed.", clock=CLOCK, days=30)
    with pytest.raises(Conflict):
        decline(request=request, by=people["leela"], why="No.", clock=CLOCK)


def test_who_moved_after_asking_asks_again(
    people: dict[str, Account], release: Release, terms: Terms
) -> None:
    request = asked(people, release, terms)
    Account.objects.filter(username="meera").update(institution=None)
    with pytest.raises(Conflict):
        accept(request=request, by=people["leela"], why="Signed.", clock=CLOCK, days=30)
    assert not Grant.objects.exists()


# -- grants ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{"why": " "}, {"days": 0}, {"days": 1096}, {"purpose": "CC"}])
def test_what_cannot_be_given(
    people: dict[str, Account], release: Release, terms: Terms, more: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        given(people, release, terms, **more)
    assert not Grant.objects.exists()


def test_a_grant_stands_until_it_ends_or_is_taken_back(
    people: dict[str, Account], release: Release, terms: Terms
) -> None:
    grant, meera = given(people, release, terms, days=30), people["meera"]
    pair = frozenset({("oral-cancer", "1.0.0")})
    assert standing_grants(meera, now=NOW) == pair
    assert standing_grants(meera, now=NOW + timedelta(days=30, seconds=-1)) == pair
    assert standing_grants(meera, now=NOW + timedelta(days=30)) == frozenset()
    assert standing_grants(people["kabir"], now=NOW) == frozenset()
    with pytest.raises(BadInput):
        revoke(grant=grant, by=people["leela"], why="", clock=CLOCK)
    taken = revoke(grant=grant, by=people["leela"], why="It has ended.", clock=CLOCK)
    assert standing_grants(meera, now=NOW) == frozenset()
    assert revoke(grant=grant, by=people["leela"], why="Again.", clock=CLOCK).revoked_why == taken.revoked_why
    assert list(Entry.objects.order_by("pk").values_list("deed", flat=True)) == ["grant", "revoke"]
    assert Entry.objects.get(deed="revoke").why == "It has ended."


def test_a_grant_stands_at_the_institution_it_was_given_for(
    people: dict[str, Account], release: Release, terms: Terms
) -> None:
    grant, meera = given(people, release, terms), people["meera"]
    meera.institution = Institution.objects.create(slug="other", name="Other College")
    meera.save()
    grant.refresh_from_db()
    assert standing_grants(meera, now=NOW) == frozenset()
    assert grant.state(NOW) == "institution changed"


def waited(release: Release, terms: Terms, number: int, *, asked: float, decided: float | None) -> None:
    """A request so many days ago, decided so many days after it was made."""
    at = NOW - timedelta(days=asked)
    Request.objects.create(
        account=Account.objects.create(username=f"asker-{number}"), release=release, purpose="DUO:0000006", words=WORDS,
        terms=terms, asked_at=at, decided_at=None if decided is None else at + timedelta(days=decided),
    )  # fmt: skip


def answered(release: Release, days: int | None = 14) -> tuple[bool | float | str, int | None] | None:
    said = telling.evidence(release.dataset, days=days, now=NOW, about="oral-cancer@1.1.0", source="/")
    return (said[0].value, said[0].of) if said else None


def test_questions_are_answered_in_time_only_where_every_one_was(release: Release, terms: Terms) -> None:
    for number in range(FEWEST - 1):
        waited(release, terms, number, asked=30, decided=14)
    waited(release, terms, 10, asked=13, decided=None)
    assert answered(release) is None, "too few: what still has time is not counted"
    waited(release, terms, 11, asked=800, decided=100)
    assert answered(release) is None, "long ago"
    waited(release, terms, 12, asked=20, decided=1)
    assert answered(release) == (True, FEWEST)
    assert answered(release, days=None) is None, "nobody promised anything"
    assert answered(release, days=13) == (False, FEWEST)
    waited(release, terms, 13, asked=15, decided=None)
    assert answered(release) == (False, FEWEST + 1), "one waits longer than was promised"


def question(
    release: Release, number: int, by: Account, *, asked: float, verdict: str = "ask"
) -> QualityDecision:
    """A curator's decision so many days ago, on a finding of the mark `number`."""
    dataset, protocol = release.dataset, release.draft.protocol
    sent, _ = Submission.objects.get_or_create(
        root="1" * 64,
        defaults={"dataset": dataset, "protocol": protocol, "spoke": "kle", "signed": {}, "header": {},
                  "state": "registered", "received_at": NOW},
    )  # fmt: skip
    run, _ = CheckRun.objects.get_or_create(
        dataset=dataset, number=1,
        defaults={"protocol": protocol, "started_at": NOW, "finished_at": NOW, "series": 1, "images": 1},
    )  # fmt: skip
    finding = QualityFinding.objects.create(
        run=run,
        dataset=dataset,
        submission=sent,
        images=1,
        rule="series.gap",
        weight=1,
        message="x",
        mark=str(number),
    )
    at = NOW - timedelta(days=asked)
    return QualityDecision.objects.create(
        finding=finding, mark=str(number), verdict=verdict, why="x", by=by, at=at
    )


def test_a_question_to_a_hospital_counts_as_well(
    release: Release, terms: Terms, people: dict[str, Account]
) -> None:
    question(release, 1, people["meera"], asked=30)
    assert answered(release) is None, "of users' questions nothing is known"
    for number in range(FEWEST):
        waited(release, terms, number, asked=30, decided=1)
    assert answered(release) == (False, FEWEST + 1), "it waits since 30 days"
    question(release, 1, people["meera"], asked=1, verdict="accept")
    assert answered(release) == (True, FEWEST), "a curator decided otherwise: nobody waits"
    late = question(release, 2, people["meera"], asked=30)
    QualityAnswer.objects.create(decision=late, kind="words", words="x", spoke="kle", at=NOW)
    assert answered(release) == (False, FEWEST + 1)
    assert answered(release, days=30) == (True, FEWEST + 1)
