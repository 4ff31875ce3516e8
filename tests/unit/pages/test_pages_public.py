"""What anyone may learn from the hub: the same whatever the records hold, beyond what the public tables say."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')
NONCE = re.compile(rb"csrf[^;]*;")
RELEASES = ("1.0.0", "1.1.0")


def public_addresses() -> list[str]:
    from midas.release.models import Figures

    found = [
        "/", "/datasets", "/datasets?age=40–49&sex=F", "/datasets?q=mouth", "/datasets/oral-cancer", "/datasets/meningioma",
        "/hospitals", "/hospitals/spdc-wardha", "/hospitals/sriher-chennai", "/datasets/oral-cancer/croissant.json",
        "/catalogue.jsonld", "/sitemap.xml", "/robots.txt", "/api/v1/datasets", "/api/v1/datasets/oral-cancer",
    ]  # fmt: skip
    for version in RELEASES:
        found += [f"/datasets/oral-cancer/releases/{version}", f"/api/v1/releases/oral-cancer@{version}"]
        figures = Figures.objects.get(release__version=version)
        for table in figures.told["tables"]:
            found += [
                f"/datasets/oral-cancer/releases/{version}/tables/{table}.{kind}" for kind in ("csv", "png")
            ]
    return found


def seen_by(client: Any) -> dict[str, bytes]:
    found = {}
    for address in public_addresses():
        answer = client.get(address)
        assert answer.status_code == 200, address
        content = answer.getvalue() if answer.streaming else answer.content
        found[address] = CSRF.sub(b"", content)
    return found


@pytest.fixture
def large(hub, settings):
    """The same hub with enough people for tables: 1.0.0 of 40 people, 1.1.0 of three more than its tables' people."""
    from midas.release import searching
    from midas.release.models import Figures, Release
    from midas.release.publication import NOTHING, tell

    Figures.objects.all().delete()
    before: Any = NOTHING
    for number, version in enumerate(RELEASES):
        more = 14 * number
        tables = {
            "sex": {"F": 22 + more, "M": 17, "O": 2, "U": 0},
            "age": {"18–29": 3, "30–39": 12, "40–49": 20 + more, "50–59": 6},
            "state": {"Maharashtra": 30 + more, "Tamil Nadu": 11},
            "hospital": {"Maharashtra|spdc-wardha": 30 + more, "Tamil Nadu|sriher-chennai": 11},
            "modality": {"": 0, "SM": 41 + more, "CT": 4},
            "site": {"": 0, "Tongue": 25 + more, "Soft palate": 16},
            "device": {"": 20, "Canon · EOS 90D": 21 + more},
            "target:diagnosis": {"": 1, "normal": 20, "dysplasia": 20 + more},
        }
        exact = {
            "people": 41 + more,
            "images": 777 + number,
            "series": 90,
            "bytes": 123_456_789,
            "tables": tables,
        }
        before = tell(exact, version=version, before=before)
        release = Release.objects.get(version=version, twin=False)
        Figures.objects.create(release=release, exact=exact, told=before)
    searching.forget()
    return hub


def test_nothing_public_depends_on_what_is_not_told(large, enter) -> None:
    """Change every count, size and row behind the tables: whoever has no grant sees not one byte change."""
    from midas.catalogue.models import Instance, Label, Subject
    from midas.release.models import Figures, Release, ReleaseFile, ReleaseSubject, ReleaseTombstone

    before = seen_by(enter())
    for figures in Figures.objects.all():
        figures.exact = {**figures.exact, "people": 99, "images": 1, "tables": {"sex": {"F": 1}}}
        figures.save()
    real = ReleaseFile.objects.filter(release__twin=False)
    real.filter(path__startswith="data/").delete()
    real.exclude(path="croissant.json").update(size=7, sha256="ab" * 32)
    first = ReleaseSubject.objects.filter(release__twin=False).first()
    ReleaseTombstone.objects.create(release=first.release, number=1, why="person", signed={})
    first.delete()
    Release.objects.filter(twin=False).update(summary={
        "title": "oral-cancer", "subjects": 3, "instances": 4, "bytes": 5, "visits": 1, "lesions": 1, "specimens": 1,
        "series": 1, "labels": 1, "protocol": {}, "left_out": [],
    })  # fmt: skip
    Label.objects.all().delete()
    Instance.objects.filter(series__study__subject__sex="F").delete()
    Subject.objects.update(sex="O", spoke="spdc-wardha")
    after = seen_by(enter())
    assert [address for address in before if before[address] != after[address]] == []


def test_every_public_number_of_people_is_a_whole_five(large, enter) -> None:
    for address in public_addresses():
        if not address.endswith(".csv"):
            continue
        answer = enter().get(address)
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        notes = {line[0]: line[1] for line in lines if line[0].startswith("# ")}
        assert notes["# Note"] == "As collected, not prevalence."
        assert notes["# Key"]
        assert int(notes["# People in that version"]) % 5 == 0
        for _name, number in [line for line in lines if not line[0].startswith("# ")][1:]:
            assert number == "<5" or int(number) % 5 == 0
    card = enter().get("/api/v1/releases/oral-cancer@1.1.0").json()
    assert card["subjects"] == 55
    assert enter("curator").get("/api/v1/releases/oral-cancer@1.1.0").json()["subjects"] != 55


def test_exact_tables_are_for_who_may_download_that_release(large, enter) -> None:
    for version, codes in (
        ("1.1.0", {"": 302, "visitor": 403, "operator": 403, "researcher": 200, "curator": 200}),
        ("1.0.0", {"": 302, "visitor": 403, "researcher": 403, "curator": 200}),
    ):
        for name, code in codes.items():
            for kind in ("csv", "png"):
                answer = enter(name).get(
                    f"/datasets/oral-cancer/releases/{version}/tables/sex.{kind}?exact=1"
                )
                assert answer.status_code == code, (version, name)
    text = (
        enter("researcher")
        .get("/datasets/oral-cancer/releases/1.1.0/tables/sex.csv?exact=1")
        .content.decode()
    )
    assert "Female,36" in text or "female,36" in text


def test_charts_say_what_they_are_and_of_how_many(large, enter) -> None:
    text = enter().get("/datasets/oral-cancer").content.decode()
    assert (
        text.count("<figcaption>") >= text.count("As collected, not prevalence: of 55 people in 1.1.0.") >= 6
    )
    assert "Groups under 5" in text
    assert "Groups under 5" not in enter("researcher").get("/datasets/oral-cancer").content.decode()
    assert "&lt;5" in text


def test_india_is_drawn_whole_and_told_in_words(large, enter) -> None:
    from midas.ui import india

    assert len(india.PLACES) == 36
    assert len({(column, row) for _code, _hindi, column, row in india.PLACES.values()}) == 36
    text = enter().get("/datasets/oral-cancer").content.decode()
    assert all(f">{code}</text>" in text for code, *_ in india.PLACES.values())
    assert "Jammu and Kashmir" in text
    assert "Ladakh" in text


def test_facets_widen_within_and_narrow_between(large, enter) -> None:
    def names(query: str) -> list[str]:
        return [one.slug for one in enter().get(f"/datasets?{query}").context["datasets"]]

    assert names("") == ["meningioma", "oral-cancer"]
    assert names("modality=SM&modality=MR") == ["meningioma", "oral-cancer"]
    assert names("modality=SM&disease=Benign neoplasm of cerebral meninges") == []
    assert names("sex=F&age=40–49") == ["oral-cancer"]
    assert names("q=oral ton") == ["oral-cancer"]
    assert names("q=C06.9") == ["oral-cancer"]
    assert names("q=मुख") == ["oral-cancer"]
    assert names("q=menigioma") == ["meningioma"]
    assert names("q=wardha") == ["oral-cancer"]
    assert names("q=nothing-like-this") == []
    assert names("""q='":*)(""") == ["meningioma", "oral-cancer"]
    facets = {
        one.name: {c.value: c.count for c in one.choices}
        for one in enter().get("/datasets?sex=F").context["facets"]
    }
    assert facets["sex"] == {"F": 1, "M": 1}, "a facet does not narrow itself"
    assert facets["disease"].get("Benign neoplasm of cerebral meninges") is None
    assert "O" not in facets["sex"], "a group that is not told is no choice"
    assert "grade" not in facets


def test_a_new_protocol_and_a_new_release_are_found_at_once(large, enter) -> None:
    from midas.catalogue.models import Dataset, ProtocolVersion
    from midas.protocol import load_named

    loaded = load_named("meningioma")
    ProtocolVersion.objects.create(
        dataset=Dataset.objects.get(slug="meningioma"), sha256="ef" * 32, version="9.0.0",
        source=loaded.source.replace("version: 1.0.0", "version: 9.0.0", 1).replace("Brain MR", "Zebrafish MR", 1),
        added_at=ProtocolVersion.objects.get(dataset__slug="meningioma").added_at.replace(year=2027),
    )  # fmt: skip
    assert [one.slug for one in enter().get("/datasets?q=zebrafish").context["datasets"]] == ["meningioma"]


def test_machines_read_the_catalogue(large, enter) -> None:
    text = enter().get("/datasets/oral-cancer").content.decode()
    block = json.loads(
        re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL).group(1)
    )
    assert block["@type"] == "Dataset"
    assert {one["@language"] for one in block["name"]} >= {"en", "hi"}
    assert block["distribution"][0]["contentUrl"].endswith("/datasets/oral-cancer/croissant.json")
    assert "about 55 persons" in block["size"]
    catalogue = enter().get("/catalogue.jsonld").json()
    assert [one["dct:identifier"] for one in catalogue["dcat:dataset"]] == ["meningioma", "oral-cancer"]
    sitemap = enter().get("/sitemap.xml").content.decode()
    assert "/datasets/oral-cancer/releases/1.1.0</loc>" in sitemap
    assert "people" not in sitemap
    assert "Disallow: /datasets/*/people" in enter().get("/robots.txt").content.decode()
    assert enter().get("/datasets/meningioma/croissant.json").status_code == 404


def test_a_data_block_cannot_be_left() -> None:
    from midas.web.pages.machines import as_data_block

    assert "<" not in as_data_block({"name": "</script><script>alert(1)</script><!--"})


def test_people_one_by_one_are_for_who_has_the_release(large, enter) -> None:
    from midas.catalogue.models import Study, Subject
    from midas.release.models import ReleaseSubject

    held = ReleaseSubject.objects.filter(release__version="1.0.0", release__twin=False).values("subject")
    inside = Subject.objects.filter(dataset__slug="oral-cancer", pk__in=held).first()
    outside = Subject.objects.filter(dataset__slug="oral-cancer").exclude(pk__in=held).first()
    study = Study.objects.filter(subject=inside).first().uid
    root = "/datasets/oral-cancer/releases/1.1.0/people"
    desk = "/datasets/oral-cancer/people"
    for path in (root, f"{root}/{inside.pseudonym}", f"{root}/{inside.pseudonym}/{study}"):
        for name, code in {
            "": 302,
            "visitor": 403,
            "operator": 403,
            "admin": 403,
            "researcher": 200,
            "curator": 200,
        }.items():
            assert enter(name).get(path).status_code == code, (name, path)
    for path in (desk, f"{desk}/{inside.pseudonym}", f"{desk}/{inside.pseudonym}/{study}"):
        for name, code in {"": 302, "researcher": 403, "operator": 403, "curator": 200}.items():
            assert enter(name).get(path).status_code == code, (name, path)
    from midas.ledger import Deed
    from midas.ledger.models import Entry

    looked = Entry.objects.filter(deed=Deed.VIEW, target=study).values_list("by__username", "version")
    assert sorted(looked) == [("curator", ""), ("curator", "1.1.0"), ("researcher", "1.1.0")]
    older = root.replace("1.1.0", "1.0.0")
    assert enter("researcher").get(older).status_code == 403
    assert enter("curator").get(f"{older}/{inside.pseudonym}").status_code == 200
    assert enter("curator").get(f"{older}/{outside.pseudonym}").status_code == 404
    assert enter("curator").get(f"{root}/P-00000-00000").status_code == 404


def test_pages_of_people_are_whole_and_show_no_more_than_they_should(large, enter) -> None:
    import importlib.util
    from pathlib import Path

    from midas.catalogue.models import Study, Subject
    from midas.kernel import SystemClock

    spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
    rules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rules)
    subject = Subject.objects.filter(dataset__slug="oral-cancer").first()
    study = Study.objects.filter(subject=subject).first()
    client, root = enter("curator"), "/datasets/oral-cancer/people"
    for path in (root, f"{root}?q={subject.pseudonym[:6]}", f"{root}?q=none", f"{root}/{subject.pseudonym}",
                 f"{root}/{subject.pseudonym}/{study.uid}"):  # fmt: skip
        assert rules.complaints(client.get(path)) == [], path
    assert study.uid in client.get(f"{root}/{subject.pseudonym}/{study.uid}").content.decode()
    Subject.objects.filter(pk=subject.pk).update(withdrawn_at=SystemClock().now())
    assert client.get(f"{root}/{subject.pseudonym}").status_code == 404
    assert subject.pseudonym not in client.get(root).content.decode()
