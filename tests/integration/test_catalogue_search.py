"""The catalogue's full-text search answers the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import json, sys
from pathlib import Path
from midas.web import bootstrap
bootstrap.initialise(Path(sys.argv[1]))
from midas.catalogue import add_protocol
from midas.kernel import SystemClock
from midas.protocol import load_named
from midas.release import find
from midas.release.models import CatalogueEntry
for name in ("oral-cancer", "meningioma"):
    add_protocol(loaded=load_named(name), clock=SystemClock())
asked = ["", "meningioma", "menin", "MENINGIOMA grade", "menigioma", "C06.9", "मुख", "घाव", "जीभ", "wardha", "zzzz",
         "tongue mr", "' OR 1=1 --", '":*)(\\'', "brain\\\\", "&", "கர்க"]
print(json.dumps([[query, [one.slug for one in find(query).entries]] for query in asked]))
"""


def answers(home: Path, **environment: str) -> list[list[object]]:
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(home)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(found: list[list[object]]) -> None:
    told = {str(query): slugs for query, slugs in found}
    assert told[""] == ["meningioma", "oral-cancer"]
    assert told["meningioma"] == told["menin"] == told["menigioma"] == ["meningioma"]
    assert told["C06.9"] == told["मुख"] == told["जीभ"] == told["wardha"] == ["oral-cancer"]
    assert told["zzzz"] == []
    assert told["&"] == ["meningioma", "oral-cancer"]


def test_on_sqlite(tmp_path: Path) -> None:
    check(answers(tmp_path / "hub", DATABASE_URL=""))


@pytest.mark.system("postgresql")
def test_the_same_on_postgresql(postgres: str, tmp_path: Path) -> None:
    found = answers(tmp_path / "hub", DATABASE_URL=postgres)
    check(found)
    assert found == answers(tmp_path / "other", DATABASE_URL="")
