"""A page that is looked at often asks the database a few times, however many persons stand behind what it shows."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

sys.path.insert(0, str(Path(__file__).parents[2] / "gallery"))
MOST = 30
SUBJECTS = 60
"""More than `MOST`: a page that asks once for each person asks too often."""
MOST_BYTES = 300_000
"""Of a page itself, before its server makes it smaller."""


@pytest.mark.parametrize("subjects", [SUBJECTS])
def test_pages_ask_the_database_a_few_times(hub, enter, subjects: int) -> None:
    from midas.web import bootstrap

    importlib.import_module("fill_grade").graded(hub, bootstrap.store())
    asked, heavy = {}, {}
    for who, pages in importlib.import_module("often").OFTEN.items():
        client = enter(who)
        for path in pages:
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path)
            assert answer.status_code == 200, path
            asked[who, path], heavy[who, path] = len(queries), len(answer.content)
    assert {page: number for page, number in asked.items() if number > MOST} == {}
    assert {page: size for page, size in heavy.items() if size > MOST_BYTES} == {}
