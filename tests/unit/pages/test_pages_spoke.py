"""The hospital's site: nothing without sign-in, every view of a picture written down, decisions as the person made them."""

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

PAGES = (
    "/",
    "/batches",
    "/held",
    "/held/burned-in-risk",
    "/held/bad-row",
    "/held/no-lesion",
    "/outbox",
    "/questions",
    "/coverage",
    "/coverage?more=50",
    "/review",
    "/review?reason=masked-unseen&each=1",
    "/decisions",
    "/decisions?standing=reused",
)


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
    shown = re.sub(
        r'value="\w{64}"', "", client.get("/sign-in").content.decode()
    )  # a token may hold any digits
    assert "csrfmiddlewaretoken" in shown
    assert "44" not in shown


def test_an_interrupted_batch_is_said_to_be_so(spoke, enter) -> None:
    from midas.spoke.intake.models import Batch

    client = enter("asha")
    Batch.objects.update(interrupted=True)
    for path in ("/", "/batches", f"/batches/{Batch.objects.latest('pk').pk}"):
        page = client.get(path).content.decode()
        assert "nterrupted" in page, path
        assert "still running" not in page


def test_a_batch_says_what_the_first_look_saw_and_in_which_items(spoke, enter) -> None:
    from midas.kernel import Finding, Severity
    from midas.spoke.intake.models import Batch, Item

    batch = Batch.objects.first()
    items = list(Item.objects.filter(batch=batch).order_by("pk")[:3])
    for item, rules in zip(items, (["mr.snr"], ["mr.snr", "series.slice-gap"], ["deid.rule"]), strict=True):
        item.findings = [Finding(rule, Severity.WARNING, "item", "It is so.").to_dict() for rule in rules]
        item.save()
    client = enter("asha")
    page = client.get(f"/batches/{batch.pk}")
    assert complaints(page) == []
    assert {one.rule: len(one.keys) for one in page.context["seen"]}.items() >= {
        "mr.snr": 2,
        "series.slice-gap": 1,
    }.items()
    assert "Signal to noise" in page.content.decode()
    one = client.get(f"/batches/{batch.pk}?seen=series.slice-gap")
    assert [item["pk"] for item in one.context["items"]] == [items[1].pk]
    client.cookies["django_language"] = "hi"
    assert "सिग्नल-शोर अनुपात" in client.get(f"/batches/{batch.pk}").content.decode()


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


def screens() -> list:
    from midas.spoke.intake.models import Item

    return list(Item.objects.filter(reason="masked-unseen").select_related("screen").order_by("pk"))


def test_an_operator_sees_counts_and_states_but_nobodys_name_or_picture(spoke, enter) -> None:
    from midas.spoke.intake.items import name_of
    from midas.spoke.intake.models import Batch

    client, item = enter("owner"), screens()[0]
    for path in ("/", "/held", "/batches", "/outbox", f"/batches/{Batch.objects.latest('pk').pk}"):
        response = client.get(path)
        assert response.status_code == 200
        assert complaints(response) == [], path
        assert name_of(spoke, item) not in response.content.decode()
        assert "Deshmukh" not in response.content.decode()
    for path in (
        "/review",
        "/decisions",
        f"/items/{item.pk}",
        f"/items/{item.pk}/image.png",
        f"/items/{item.pk}/changes",
    ):
        assert client.get(path).status_code == 403, path
    assert client.post(f"/items/{item.pk}/decide", {"verdict": "reject", "why": "no"}).status_code == 403
    assert (
        client.post("/review/decide", {"verdict": "reject", "item": item.pk, "why": "no"}).status_code == 403
    )


def test_the_grid_is_chosen_by_reason_device_layout_and_series(spoke, enter) -> None:
    client, first = enter("asha"), screens()[0]

    def shown(query: str) -> int:
        return client.get(f"/review{query}").content.decode().count("data-card")

    assert shown("?reason=masked-unseen") == 9, "one of each series"
    assert shown("?reason=masked-unseen&each=1") == 24
    assert shown(f"?device={first.screen.device}&each=1") == 8
    assert shown(f"?layout={first.screen_id}&each=1") == 8
    assert shown(f"?series={first.group}") == 3
    assert shown("?reason=masked-unseen&device=none") == 0
    page = client.get("/review?reason=masked-unseen").content.decode()
    assert "Sonora Ultra 9" in page
    assert "8 look the same" in page


def test_before_and_after_stand_beside_each_other_with_what_the_machine_proposes(spoke, enter) -> None:
    from midas.spoke.intake.models import Look

    client, item = enter("asha"), screens()[0]
    page = client.get(f"/items/{item.pk}").content.decode()
    assert page.count('<rect class="machine"') == 3
    assert page.count(f"/items/{item.pk}/image.png") == 2
    for region in item.regions:
        assert f"{region['left']},{region['top']},{region['width']},{region['height']}" in page
    response = client.get(f"/items/{item.pk}/changes")
    assert complaints(response) == []
    text = response.content.decode()
    for words in ("<del>Sunita^Deshmukh</del>", f"<ins>{item.person.pseudonym}</ins>", "<del>20240304</del>"):
        assert words in text
    assert "Modality" not in text
    assert "Modality" in client.get(f"/items/{item.pk}/changes?all=1").content.decode()
    assert [(look.item_id, look.what) for look in Look.objects.all()] == [(item.pk, "header")] * 2
    part = client.get(f"/items/{item.pk}/changes", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "<del>Sunita^Deshmukh</del>" in part


def told(monkeypatch) -> list[dict]:
    from midas.spoke import flow

    seen: list[dict] = []
    monkeypatch.setattr(flow, "decide", lambda **words: seen.append(words))
    return seen


@pytest.mark.parametrize(("scope", "reached"), [("items", 1), ("series", 3), ("layout", 8)])
def test_one_act_reaches_one_image_a_series_or_a_layout(spoke, enter, monkeypatch, scope, reached) -> None:
    seen, item = told(monkeypatch), screens()[0]
    boxes = [[one["left"], one["top"], one["width"], one["height"]] for one in item.regions]
    form = {"verdict": "mask", "usual": "1", "drawn": "1", "boxes": str(boxes), "scope": scope}
    response = enter("asha").post(f"/items/{item.pk}/decide", {**form, "choice": "?reason=masked-unseen"})
    assert len(seen[0]["items"]) == reached
    assert (seen[0]["boxes"], seen[0]["dropped"], seen[0]["looked_at"]) == ([], [], item)
    assert seen[0]["why"] == "Looked at: what names a person is masked."
    assert response.headers["Location"].endswith("?reason=masked-unseen")
    after = int(response.headers["Location"].split("/items/")[1].split("?")[0])
    assert after not in {one.pk for one in seen[0]["items"]}


def test_what_was_moved_counts_as_dropped_and_drawn(spoke, enter, monkeypatch) -> None:
    seen, item = told(monkeypatch), screens()[0]
    kept, moved, gone = ([one["left"], one["top"], one["width"], one["height"]] for one in item.regions)
    drawn = [moved[0] + 5, *moved[1:]]
    form = {"verdict": "mask", "why": "a name", "drawn": "1", "boxes": str([kept, drawn])}
    enter("asha").post(f"/items/{item.pk}/decide", form)
    assert seen[0]["boxes"] == [tuple(drawn)]
    assert seen[0]["dropped"] == [tuple(moved), tuple(gone)]


def test_boxes_can_be_ticked_and_typed_where_no_script_runs(spoke, enter, monkeypatch) -> None:
    seen, item = told(monkeypatch), screens()[0]
    first = item.regions[0]
    keep = f"{first['left']},{first['top']},{first['width']},{first['height']}"
    form = {"verdict": "mask", "why": "a name", "keep": keep, "typed": "5,6,70,8 9,9,20,20", "boxes": "[]"}
    enter("asha").post(f"/items/{item.pk}/decide", form)
    assert seen[0]["boxes"] == [(5, 6, 70, 8), (9, 9, 20, 20)]
    assert len(seen[0]["dropped"]) == 2
    enter("asha").post(f"/items/{item.pk}/decide", {**form, "typed": "5,6,x"})
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("form", "acts"),
    [
        ({"verdict": "mask", "usual": "1", "scope": "items"}, [2]),
        ({"verdict": "mask", "usual": "1", "scope": "series"}, [6]),
        ({"verdict": "mask", "usual": "1", "scope": "layout"}, [8, 8]),
        ({"verdict": "accept", "usual": "1", "scope": "items"}, []),
        ({"verdict": "reject", "why": "blurred", "scope": "items"}, [2]),
        ({"verdict": "reject", "scope": "items"}, []),
        ({"verdict": "erase", "usual": "1", "scope": "items"}, []),
    ],
)
def test_many_are_decided_from_the_grid(spoke, enter, monkeypatch, form, acts) -> None:
    seen, found = told(monkeypatch), screens()
    client = enter("asha")
    response = client.post("/review/decide", {**form, "item": [found[0].pk, found[1].pk]})
    assert response.status_code == 302
    assert [len(words["items"]) for words in seen] == acts
    assert "looked_at" not in (seen[0] if seen else {}), "nobody dropped a box without opening the image"


def test_a_decision_is_taken_back_from_the_page_that_comes_after_it(spoke, enter) -> None:
    item = held("review")
    client = enter("asha")
    client.post(f"/items/{item.pk}/decide", {"verdict": "reject", "usual": "1", "scope": "series"})
    item.refresh_from_db()
    decision = item.decisions.get()
    assert (item.state, decision.why) == ("refused", "Looked at: it cannot be made clean.")
    page = client.get("/review").content.decode()
    assert f'action="/decisions/{decision.pk}/take-back"' in page
    client.post(f"/decisions/{decision.pk}/take-back")
    item.refresh_from_db()
    assert (item.state, item.reason) == ("held", "review")
    assert "taken back by asha" in client.get("/decisions").content.decode()
    assert "take-back" not in client.get("/review").content.decode()


def test_two_people_see_whose_word_is_waiting(spoke, enter, monkeypatch) -> None:
    from midas.spoke import reviewing

    monkeypatch.setattr(reviewing, "needs_second", lambda desk, item: True)
    item, boxes = screens()[0], [[1, 2, 30, 40]]
    form = {"verdict": "mask", "why": "a name", "drawn": "1", "boxes": str(boxes)}
    enter("asha").post(f"/items/{item.pk}/decide", form)
    item.refresh_from_db()
    assert item.state == "held"
    ravi = enter("ravi")
    page = ravi.get(f"/items/{item.pk}").content.decode()
    assert "decided by asha, waits for a second" in page
    assert 'data-box="1,2,30,40"' in page
    assert complaints(ravi.get("/review")) == []


def test_what_an_act_reaches_is_laid_over_each_other_and_each_is_written_down(spoke, enter) -> None:
    import io

    import numpy as np
    from PIL import Image

    from midas.spoke.intake.models import Look
    from midas.spoke.intake.screens import box_of

    client, item = enter("asha"), screens()[0]
    response = client.get(f"/items/{item.pk}/together.png?scope=layout")
    assert response.headers["Cache-Control"] == "no-store"
    laid = np.asarray(Image.open(io.BytesIO(response.content)).convert("L"))
    alike = [one for one in screens() if one.screen_id == item.screen_id]
    for one in alike:
        left, top, width, height = box_of(one.regions[0])
        assert laid[top : top + height, left + width - 12 : left + width].max() > 200, (
            "every name shows, to its end"
        )
    assert {look.item_id for look in Look.objects.all()} == {one.pk for one in alike}
    assert enter("owner").get(f"/items/{item.pk}/together.png").status_code == 403


def test_a_question_is_answered_beside_its_item_and_an_answer_that_names_is_held(spoke, enter) -> None:
    from django.utils import timezone

    from midas.spoke.intake.models import Item
    from midas.spoke.outbox.models import Output, Question

    item = Item.objects.filter(person__isnull=False).order_by("pk").first()
    line = {"subject": item.person.pseudonym, "series_uid": "2.25.7", "sop_instance_uid": "2.25.71"}
    made = Output.objects.create(project=spoke.project, person=item.person, kind="instance", line=line)
    made.sources.add(item)
    asked = {
        "number": 3, "dataset": "oral-cancer", "asked_at": "2026-11-22T08:00:00+00:00", "rule": "agreement.side",
        "severity": "error", "message": "The image shows the other side.", "advice": "", "why": "Which side is it?",
        "subject": made.line["subject"], "series_uid": made.line["series_uid"], "record": None, "sop_instance_uid": None,
    }  # fmt: skip
    Question.objects.create(project=spoke.project, number=3, asked=asked, fetched_at=timezone.now())
    reviewer = enter("asha")
    page = reviewer.get("/questions")
    assert complaints(page) == []
    shown = page.content.decode()
    assert "Which side is it?" in shown
    assert f'href="/items/{item.pk}"' in shown
    assert "Which side is it?" in reviewer.get(f"/items/{item.pk}").content.decode()
    told = reviewer.post("/questions/3/answer", {"kind": "words", "words": "Call 98230 12345"}, follow=True)
    assert "Nothing was sent" in told.content.decode()
    assert Question.objects.get(number=3).state == "held"
    told = reviewer.post(
        "/questions/3/answer", {"kind": "words", "words": "The table is right."}, follow=True
    )
    assert complaints(told) == []
    assert Question.objects.get(number=3).state == "ready"
    assert enter().post("/questions/3/answer", {"kind": "corrected"}).status_code == 302


def test_all_hospitals_stand_beside_this_one_with_the_day_the_hub_told_it(spoke, enter) -> None:
    from datetime import UTC, datetime

    from midas.spoke.outbox.models import Together

    client = enter("asha")
    assert "everyone" not in client.get("/coverage").content.decode()
    assert client.get("/coverage").context["everyone"] is None
    told = {
        "dataset": "oral-cancer", "protocol": "1.0.0", "mine": 3, "others": 140,
        "variables": [{"variable": "sex", "persons": {"F": 42, "M": 101}, "target": {"F": 0.5, "M": 0.5}, "unknown": 0}],
    }  # fmt: skip
    Together.objects.create(
        project=spoke.project, told=told, told_at=datetime(2026, 11, 20, 6, 0, tzinfo=UTC),
        missed_at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
    )  # fmt: skip
    answer = client.get("/coverage?more=40")
    assert complaints(answer) == []
    assert answer.context["everyone"].people == 143
    assert [(value, one.persons) for _, value, one in answer.context["advice_of_all"]] == [("women", 40)]
    shown = answer.content.decode()
    assert "20 Nov 2026" in shown
    assert "22 Nov 2026" in shown, "when the hub was asked in vain"
    assert client.post("/coverage/ask").status_code == 302
    after = client.get("/coverage")
    assert "No hub is configured" in after.content.decode()
    assert after.context["everyone"].people == 143, "what was told stands"


def test_who_has_collected_nobody_yet_sees_all_hospitals(spoke, enter, monkeypatch) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from midas.spoke.intake.models import Item
    from midas.spoke.outbox.models import Together
    from midas.spoke.site import coverage

    client = enter("asha")
    Item.objects.update(state="refused", reason="duplicate")
    bare = client.get("/coverage")
    assert complaints(bare) == []
    assert bare.context["people"] == 0
    assert "Nobody has been collected yet" in bare.content.decode()
    assert "No hub is configured" in bare.content.decode()
    config = spoke.home.config.model_copy(update={"hub": "https://hub.example", "token": "t"})
    connected = replace(spoke, home=replace(spoke.home, config=config))
    monkeypatch.setattr(coverage, "current_desk", lambda: connected)
    half = {"F": 0.5, "M": 0.5}
    told = {
        "dataset": "oral-cancer", "protocol": "1.1.0", "mine": 0, "others": 140,
        "variables": [
            {"variable": "sex", "persons": {"F": 40, "M": 100}, "target": half},
            {"variable": "state", "persons": {"Delhi": 15, "other": 125}, "target": {"Delhi": 0.5}},
        ],
    }  # fmt: skip
    Together.objects.create(
        project=spoke.project, told=told, told_at=datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    )
    answer = client.get("/coverage?more=40")
    assert complaints(answer) == []
    shown = answer.content.decode()
    assert "Ask the hub now" in shown
    assert "140 people" in shown
    state = answer.context["variables"][-1]
    assert (state["title"], state["persons"]) == ("State", 0), "only the hub counts it"
    assert [(one["label"], one["all"].persons) for one in state["lines"]] == [("Delhi", 15), ("others", 125)]
