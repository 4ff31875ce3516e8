"""A page that is looked at often asks the database a few times, however many persons stand behind what it shows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

MOST = 30
SUBJECTS = 60
"""More than `MOST`: a page that asks once for each person asks too often."""
R = "/datasets/oral-cancer/releases/1.1.0"
PAGES = {
    "": ("/", "/datasets", "/datasets/oral-cancer", R, f"{R}/twin", "/hospitals", "/hospitals/spdc-wardha", "/programs",
         "/ledger/head", "/credit/hospitals/spdc-wardha", "/sign-in"),
    "researcher": ("/datasets/oral-cancer", R, "/access", "/account", "/account/noted"),
    "curator": ("/curation", R, "/hospitals/spdc-wardha", "/curation/tasks", "/datasets/oral-cancer/people",
                "/curation/quality", "/curation/quality/queue", "/datasets/oral-cancer/coverage"),
    "admin": ("/people", "/institutions"),
    "access-officer": ("/grants",),
    "auditor": ("/ledger",),
}  # fmt: skip


@pytest.mark.parametrize("subjects", [SUBJECTS])
def test_pages_ask_the_database_a_few_times(hub, enter, subjects: int) -> None:
    asked = {}
    for who, pages in PAGES.items():
        client = enter(who)
        for path in pages:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200, path
            asked[who, path] = len(queries)
    assert {page: number for page, number in asked.items() if number > MOST} == {}
