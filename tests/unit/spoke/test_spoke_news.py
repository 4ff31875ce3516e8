"""A batch's page asks for news while there may be some, and no longer; who is signed out is sent to sign in."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from midas.spoke.intake.models import Batch
from midas.spoke.site import access, arrivals


def ask(batch: Batch) -> Any:
    told = f"0 None {batch.finished_at}"
    request: Any = RequestFactory().get(
        f"/batches/{batch.pk}", headers={"X-Seen": told, "HX-Request": "true"}
    )
    request.user = SimpleNamespace(is_authenticated=True, is_active=True)
    return arrivals.batch(request, batch.pk)


@pytest.mark.parametrize(("minutes", "status"), [(None, 204), (1, 204), (11, 286)])
def test_it_stops_asking_when_nothing_came_for_a_while(
    work: Any, monkeypatch: pytest.MonkeyPatch, minutes: int | None, status: int
) -> None:
    monkeypatch.setattr(arrivals, "current_desk", lambda: work)
    ended = None if minutes is None else timezone.now() - timedelta(minutes=minutes)
    batch = Batch.objects.create(
        project=work.project, origin=b"", started_at=timezone.now(), finished_at=ended
    )
    answer = ask(batch)
    assert (answer.status_code, answer["HX-Reswap"]) == (status, "none")


def test_who_is_signed_out_is_sent_to_sign_in_and_nothing_is_swapped_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "reverse", lambda name: "/sign-in")

    @access.door(access.Door.LOCAL)
    def view(request: Any) -> HttpResponse:
        raise AssertionError("nobody comes here")

    for headers, name in (({"HX-Request": "true"}, "HX-Redirect"), ({}, "Location")):
        request: Any = RequestFactory().get("/batches/2", headers=headers)
        request.user = SimpleNamespace(is_authenticated=False, is_active=False)
        assert view(request)[name] == "/sign-in?next=%2Fbatches%2F2"
