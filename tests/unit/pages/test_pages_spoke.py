"""The hospital's site: nothing without sign-in, every view of a picture written down, decisions as the person made them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
complaints = page_rules.complaints

PAGES = ("/", "/batches", "/held", "/held/burned-in-risk", "/held/bad-row", "/held/no-lesion", "/outbox")


def routes(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern


def held(code: str):
    from midas.spoke.intake.models import Item

    return Item.objects.filter(reason=code).order_by("pk").first()


def test_every_route_declares_who_may_use_it(spoke) -> None:
    found = list(routes(get_resolver("midas.spoke.site.urls").url_patterns))
    assert len(found) > 10
    assert [pattern.name for pattern in found if not hasattr(pattern.callback, "door")] == []
    from midas.spoke.site.access import Door

    assert {p.name for p in found if p.callback.door is Door.OPEN} == {"sign-in", "sign-out", "preferences"}


def test_nothing_is_shown_before_signing_in(spoke, enter) -> None:
    client, item = enter(), held("burned-in-risk").pk
    for path in (*PAGES, f"/items/{item}", f"/items/{item}/image.png", f"/items/{item}/thumbnail.png"):
        response = client.get(path)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/sign-in?next=")
    assert complaints(client.get("/sign-in")) == []
    assert "44" not in client.get("/sign-in").content.decode()


def test_pages_are_whole_and_carry_the_banner(spoke, enter) -> None:
    from midas.spoke.intake.models import Batch

    client = enter("asha")
    paths = [
        *PAGES,
        f"/batches/{Batch.objects.first().pk}",
        f"/batches/{Batch.objects.first().pk}?state=held",
    ]
    paths += [f"/items/{held(code).pk}" for code in ("burned-in-risk", "review", "bad-row", "truncated")]
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, path
        assert complaints(response) == [], path
        assert "Identified data of patients" in response.content.decode()


def test_the_equation_adds_up_on_the_page(spoke, enter) -> None:
    tally = enter("asha").get("/").context["tally"]
    assert tally.items_in == tally.waiting + tally.held + tally.refused + tally.sent


def test_every_view_of_a_picture_is_written_down(spoke, enter) -> None:
    from midas.spoke.intake.models import Look

    item = held("burned-in-risk")
    client = enter("asha")
    client.get(f"/items/{item.pk}")
    assert Look.objects.count() == 0
    response = client.get(f"/items/{item.pk}/image.png")
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "no-store"
    client.get(f"/items/{item.pk}/thumbnail.png")
    assert [(look.item_id, look.by.username) for look in Look.objects.all()] == [(item.pk, "asha")] * 2


def test_boxes_are_given_in_the_pictures_own_pixels(spoke, enter) -> None:
    page = enter("asha").get(f"/items/{held('burned-in-risk').pk}").content.decode()
    assert 'data-width="1024" data-height="768"' in page


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"verdict": "mask", "why": "a name", "boxes": "[[24,24,396,72]]"}, True),
        ({"verdict": "accept", "why": "no name"}, True),
        ({"verdict": "reject", "why": "blurred"}, True),
        ({"verdict": "accept", "why": " "}, False),
        ({"verdict": "accept", "why": "no name", "boxes": "[[1,1,9,9]]"}, False),
        ({"verdict": "mask", "why": "a name", "boxes": "[]"}, False),
        ({"verdict": "mask", "why": "a name", "boxes": "[[0,0,-3,9]]"}, False),
        ({"verdict": "mask", "why": "a name", "boxes": "{not json"}, False),
        ({"verdict": "erase", "why": "a name"}, False),
    ],
)
def test_a_decision_reaches_the_flow_only_when_it_is_whole(spoke, enter, monkeypatch, told, kept) -> None:
    from midas.spoke import flow

    seen = []
    monkeypatch.setattr(flow, "decide", lambda **words: seen.append(words))
    item = held("burned-in-risk")
    response = enter("asha").post(f"/items/{item.pk}/decide", told)
    assert response.status_code == 302
    assert bool(seen) is kept
    if kept:
        assert [one.pk for one in seen[0]["items"]] == [item.pk]
        assert seen[0]["verdict"] == told["verdict"]
        assert seen[0]["by"].username == "asha"
        assert seen[0]["boxes"] == ([(24, 24, 396, 72)] if told["verdict"] == "mask" else [])


def test_a_rejection_is_kept_with_name_and_reason(spoke, enter) -> None:
    item = held("review")
    enter("asha").post(
        f"/items/{item.pk}/decide", {"verdict": "reject", "why": "out of focus", "together": "yes"}
    )
    item.refresh_from_db()
    assert (item.state, item.reason) == ("refused", "rejected")
    decision = item.decisions.get()
    assert (decision.by_name, decision.why, decision.items.count()) == ("asha", "out of focus", 3)


def test_too_many_tries_close_the_door(spoke, enter) -> None:
    from django.core.cache import cache

    cache.clear()
    client = enter()
    codes = [client.post("/sign-in", {"username": "asha", "password": "no"}).status_code for _ in range(9)]
    assert codes[0] == 400
    assert codes[-1] == 429
    cache.clear()


def test_the_site_speaks_hindi(spoke, enter) -> None:
    client = enter("asha")
    client.post("/preferences", {"language": "hi", "next": "/"})
    for path in PAGES:
        response = client.get(path)
        assert complaints(response) == [], path
    assert "रोका गया" in client.get("/").content.decode()
    assert "चित्र में नाम लिखा हो सकता है" in client.get("/held").content.decode()
