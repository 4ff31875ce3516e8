"""Pages and API of readings: what each person sees and can do, from the worklist to the settlement."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.hub_submission import CLOCK
from tests.reading_ward import PASSWORD, Ward, open_ward, outline

from midas.annotate.models import Reading, Settlement, Task
from midas.people import issue_token

spec = importlib.util.spec_from_file_location(
    "page_rules", Path(__file__).parents[1] / "pages" / "page_rules.py"
)
assert spec
assert spec.loader
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
complaints = page_rules.complaints
SHARED = (
    "TEMPLATES", "MIDDLEWARE", "ROOT_URLCONF", "LANGUAGES", "LANGUAGE_CODE", "LOCALE_PATHS", "STATIC_URL", "TIME_ZONE",
    "LOGIN_URL", "AUTHENTICATION_BACKENDS", "MIDAS_HUB",
)  # fmt: skip


@pytest.fixture
def hub(db: None, settings: Any, tmp_path: Path) -> Ward:
    """A hub with its real settings around the ward."""
    from django.core.cache import cache

    from midas.web import bootstrap
    from midas.web.home import create, open_home

    create(tmp_path / "hub")
    real = bootstrap.django_settings(open_home(tmp_path / "hub"))
    for name in SHARED:
        setattr(settings, name, real[name])
    cache.clear()
    return open_ward(tmp_path, store=bootstrap.store())


def enter(name: str) -> Client:
    found = Client()
    assert found.login(username=name, password=PASSWORD)
    return found


def program(hub: Ward, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {issue_token(title='t', clock=CLOCK, account=hub.people[name])}"}


def test_a_curator_sets_a_task_with_what_the_page_offers(hub: Ward) -> None:
    curator = enter("curator")
    page = curator.get("/curation/tasks")
    assert complaints(page) == []
    text = page.content.decode()
    assert "Clinical impression of a lesion" in text
    assert "Outline of each lesion" in text
    told = {"dataset": "oral-cancer", "annotation": "impressions"}
    chosen = {
        "reader": [hub.people[one].pk for one in ("asha", "ravi")],
        "adjudicator": [hub.people["meera"].pk],
    }
    answer = curator.post("/curation/tasks/set", {**told, **chosen, "ordinal": "yes"})
    task = Task.objects.get()
    assert answer.headers["Location"] == f"/curation/tasks/{task.pk}"
    assert task.ordinal
    assert complaints(curator.get(f"/curation/tasks/{task.pk}")) == []
    curator.post("/curation/tasks/set", {**told, "reader": [hub.people["asha"].pk]})
    assert "Each item needs 2 readers" in curator.get("/curation/tasks").content.decode()
    assert Task.objects.count() == 1
    assert enter("asha").get("/curation/tasks").status_code == 403
    curator.post(f"/curation/tasks/{task.pk}/end", {"why": "Enough."})
    task.refresh_from_db()
    assert task.closed_at
    assert complaints(enter("asha").get("/readings")) == []


def test_a_reader_goes_through_items_and_an_adjudicator_settles(hub: Ward) -> None:
    task = hub.task(most=2)
    asha, ravi, meera, curator = (enter(name) for name in ("asha", "ravi", "meera", "curator"))
    for client in (asha, meera):
        assert complaints(client.get("/readings")) == []
    page = asha.get(f"/readings/{task.pk}/1")
    assert complaints(page) == []
    assert "/viewer/tasks/" in page.content.decode()
    assert (
        asha.post(f"/readings/{task.pk}/1", {"value": "opmd", "do": "keep"})
        .headers["Location"]
        .endswith("/1")
    )
    assert 'value="opmd" checked' in asha.get(f"/readings/{task.pk}/1").content.decode()
    assert (
        asha.post(f"/readings/{task.pk}/1", {"value": "malignant", "do": "submit"})
        .headers["Location"]
        .endswith("/2")
    )
    assert complaints(asha.get(f"/readings/{task.pk}/1")) == []
    assert meera.get(f"/readings/{task.pk}/1").status_code == 404
    ravi.post(f"/readings/{task.pk}/1", {"value": "normal", "do": "submit"})
    text = meera.get(f"/readings/{task.pk}/1")
    assert complaints(text) == []
    assert "Reader A" in text.content.decode()
    assert "asha" not in text.content.decode()
    meera.post(f"/readings/{task.pk}/1", {"value": "malignant"})
    assert not Settlement.objects.exists()
    done = meera.post(f"/readings/{task.pk}/1", {"value": "malignant", "why": "An ulcer with a raised edge."})
    assert done.headers["Location"] == "/readings"
    assert complaints(meera.get(f"/readings/{task.pk}/1")) == []
    told = curator.get(f"/curation/tasks/{task.pk}")
    assert complaints(told) == []
    assert "An ulcer with a raised edge." in told.content.decode()
    for path in (f"/readings/{task.pk}", "/readings"):
        assert complaints(asha.get(path)) == []
    assert asha.get(f"/readings/{task.pk}/9").status_code == 404
    assert enter("curator").get(f"/readings/{task.pk}/1").status_code in {403, 404}


def test_outlines_have_a_page_too(hub: Ward) -> None:
    task = hub.task("lesion-outlines", most=1)
    image = hub.image_of(task, 1)
    for who, rows in (("asha", (0, 4)), ("ravi", (8, 12))):
        assert complaints(enter(who).get(f"/readings/{task.pk}/1")) == []
        hub.read(who, task, 1, data=outline(image, rows=rows))
    meera = enter("meera")
    assert complaints(meera.get(f"/readings/{task.pk}/1")) == []
    assert "My own drawing" in meera.get(f"/readings/{task.pk}/1").content.decode()
    meera.post(f"/readings/{task.pk}/1", {"reading": "B", "why": "The margin is right."})
    assert Settlement.objects.get().reading.assignment.reader.username in {"asha", "ravi"}


def test_pages_of_readings_speak_hindi(hub: Ward) -> None:
    task = hub.task(most=1)
    hub.read("asha", task, 1, "opmd")
    hub.read("ravi", task, 1, "normal")
    for name, paths in {
        "asha": ("/readings", f"/readings/{task.pk}", f"/readings/{task.pk}/1"),
        "meera": (f"/readings/{task.pk}/1",),
        "curator": ("/curation/tasks", f"/curation/tasks/{task.pk}"),
    }.items():
        client = enter(name)
        client.post("/preferences", {"language": "hi", "theme": "dark", "next": "/"})
        for path in paths:
            answer = client.get(path)
            assert complaints(answer) == [], path
            assert '<html lang="hi"' in answer.content.decode()


def test_programs_do_the_same(hub: Ward) -> None:
    sent = {"annotation": "impressions", "readers": ["asha", "ravi"], "adjudicators": ["meera"], "most": 3}
    made = Client().post(
        "/api/v1/datasets/oral-cancer/tasks", sent, "application/json", headers=program(hub, "curator")
    )
    assert made.status_code == 201, made.content
    task = made.json()["task"]
    keys = {name: program(hub, name) for name in hub.people}
    asked = Client().get(f"/api/v1/tasks/{task}/items?limit=2", headers=keys["asha"]).json()
    assert [one["item"] for one in asked["items"]] == [1, 2]
    assert asked["next"] == 2
    for who, value in (("asha", "opmd"), ("ravi", "normal")):
        where = f"/api/v1/tasks/{task}/items/1/reading"
        answer = Client().post(where, {"value": value, "submit": True}, "application/json", headers=keys[who])
        assert answer.json()["submitted"] is True
    assert Client().get(f"/api/v1/tasks/{task}/items/1/readings", headers=keys["curator"]).status_code == 404
    told = Client().get(f"/api/v1/tasks/{task}/items/1/readings", headers=keys["meera"]).json()
    assert sorted(one["value"] for one in told["readings"]) == ["normal", "opmd"]
    settled = Client().post(
        f"/api/v1/tasks/{task}/items/1/settlement", {"reading": "A", "why": "Clear."}, "application/json",
        headers=keys["meera"],
    )  # fmt: skip
    assert settled.status_code == 201
    assert settled.json()["how"] == "adjudicator"
    assert Client().get(f"/api/v1/tasks/{task}/agreement", headers=keys["curator"]).json()["settled"] == 1
    assert Client().get(f"/api/v1/tasks/{task}/agreement", headers=keys["asha"]).status_code == 403
    listed = Client().get("/api/v1/tasks", headers=keys["ravi"]).json()["tasks"]
    assert [(one["task"], one["items"], one["done"], one["progress"]) for one in listed] == [
        (task, 3, 1, None)
    ]
    assert Reading.objects.count() == 2
