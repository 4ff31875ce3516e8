"""The API says what it takes and gives: every route, with examples that hold, and the committed description is that one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from tests.hub_submission import CLOCK

from midas.people import add_account, issue_token
from midas.web.api.describe import Operation, openapi
from midas.wire.examples import EXAMPLES

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "docs" / "openapi.json"


@pytest.fixture
def patterns() -> list[Any]:
    return list(get_resolver("midas.web.api.urls").url_patterns)


def test_every_call_is_described_with_an_example(patterns: list[Any]) -> None:
    for one in patterns:
        told = one.callback.operation
        assert isinstance(told, Operation), one
        for model in (told.gives, told.takes):
            assert isinstance(model, str | None) or model in EXAMPLES, (one, model)


def test_the_committed_description_is_this_one(patterns: list[Any]) -> None:
    made = json.dumps(openapi(patterns), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    assert COMMITTED.read_text("utf-8") == made, "run: python tools/describe_api.py"


@pytest.mark.django_db
def test_another_method_is_refused_with_what_is_taken(settings: Any) -> None:
    settings.ROOT_URLCONF = "midas.web.urls"
    answer = Client().delete("/api/v1/datasets")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_query_that_cannot_be_read_is_said_and_not_repeated(settings: Any) -> None:
    settings.ROOT_URLCONF = "midas.web.urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "midas.web.answers.MidasErrors"]
    answer = Client().get("/api/v1/datasets?limit=lots-of-them")
    assert answer.status_code == 400
    assert "limit" in answer.json()["detail"]
    assert "lots" not in answer.content.decode()


@pytest.mark.django_db
def test_a_session_alone_does_not_write(settings: Any) -> None:
    settings.ROOT_URLCONF = "midas.web.urls"
    account = add_account(name="asha", password="a long river of words")
    client = Client(enforce_csrf_checks=True)
    client.force_login(account)
    answer = client.post("/api/v1/blobs/missing", {"sha256": []}, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.django_db
class TestOnce:
    """A write with an Idempotency-Key, on a call made for these tests."""

    @pytest.fixture(autouse=True)
    def routes(self, settings: Any) -> None:
        settings.ROOT_URLCONF = "tests.api_once_urls"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "midas.web.answers.MidasErrors"]
        self.account = add_account(name="asha", password="a long river of words")
        self.token = issue_token(title="t", clock=CLOCK, account=self.account)

    def ask(self, key: str, words: str, token: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {token or self.token}", "idempotency-key": key}
        return Client().post(
            "/api/institutions", {"sha256": [words * 64]}, "application/json", headers=headers
        )

    def test_the_same_again_is_done_once(self) -> None:
        from midas.people.models import Institution

        first, second = self.ask("k1", "a"), self.ask("k1", "a")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert second.headers["Idempotency-Replayed"] == "true"
        assert Institution.objects.count() == 1

    def test_another_request_under_the_same_key_is_refused(self) -> None:
        self.ask("k1", "a")
        assert self.ask("k1", "b").status_code == 422

    def test_a_refusal_is_not_kept(self) -> None:
        from midas.people.models import Institution

        self.ask("k1", "a")
        assert self.ask("k2", "a").status_code == 409
        Institution.objects.all().delete()
        assert self.ask("k2", "a").status_code == 201

    def test_a_key_is_its_callers_own(self) -> None:
        from midas.people.models import Answered

        other = add_account(name="ravi", password="a long river of words")
        assert self.ask("k1", "a").status_code == 201
        token = issue_token(title="t", clock=CLOCK, account=other)
        assert self.ask("k1", "a", token).status_code == 409
        assert Answered.objects.count() == 1
