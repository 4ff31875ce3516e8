"""The ledger under many hands: processes that write, commit late and give up, and sealers beside them; a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.test_hub_serves import _served, commands, midas

HERE = """
import random, sys, threading, time
from pathlib import Path
from midas.web.bootstrap import configure, signer
configure(Path(sys.argv[1]))
from django.db import connection, transaction
from midas.kernel import SystemClock
from midas.ledger import Deed, enter, seal, viewed
from midas.people.models import Account
clock, kind, number = SystemClock(), sys.argv[2], int(sys.argv[3])
chance = random.Random(number)

def write(count):
    kept = 0
    for n in range(count):
        try:
            with transaction.atomic():
                enter(Deed.CUT, by=None, who=f"writer {number}", clock=clock, target=str(n))
                time.sleep(chance.choice([0, 0, 0, 0.002, 0.02]))  # others commit in the meantime
                if chance.random() < 0.1:
                    raise KeyError
            kept += 1
        except KeyError:
            pass
    print(kept)

def look(_):
    asha = Account.objects.get(username="ravi")
    at = SystemClock()
    class Now:
        def now(self): return NOW
    NOW = at.now().replace(minute=5)
    def one():
        viewed(by=asha, dataset="oral-cancer", version="1.0.0", target="2.25.1", clock=Now())
        connection.close()
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(0)

def link(seconds):
    until, linked = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        linked += seal(signer=signer(), clock=clock)
    print(linked)

{"write": write, "look": look, "link": link}[kind](int(sys.argv[4]))
"""
EACH = 60


def _together(home: Path, env: dict[str, str]) -> tuple[int, int]:
    """Run writers, lookers and sealers at once; return how many rows were committed and how many linked meanwhile."""
    work = (
        [("write", n, EACH) for n in range(3)]
        + [("link", n, 8) for n in range(2)]
        + [("look", n, 0) for n in range(2)]
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HERE, str(home), kind, str(number), str(count)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env},
        )
        for kind, number, count in work
    ]  # fmt: skip
    done = [process.communicate(timeout=150) for process in running]
    assert all(process.returncode == 0 for process in running), [error[-1500:] for _, error in done]
    counts = [int(out) for out, _ in done]
    return sum(counts[:3]), sum(counts[3:5])


def _nothing_is_lost(home: Path, env: dict[str, str]) -> None:
    where = ("--home", str(home))
    commands(("hub", "init", *where), ("hub", "user", "add", "ravi", "--role", "researcher", *where), env=env)
    before = midas("hub", "ledger", "seal", *where, env=env)["linked"]
    written, linked = _together(home, env)
    assert linked > 0
    linked += midas("hub", "ledger", "seal", *where, env=env)["linked"]
    found = midas("hub", "ledger", "verify", *where, env=env)
    assert found["stands"] is True
    assert found["waiting"] == 0
    assert linked == written + 1  # and one row for sixteen threads that looked at the same study
    assert found["rows"] == before + linked


def test_nothing_is_lost_on_sqlite(tmp_path: Path) -> None:
    _nothing_is_lost(tmp_path / "home", {})


@pytest.mark.system("postgresql")
def test_nothing_is_lost_on_postgresql(postgres: str, tmp_path: Path) -> None:
    env = {"DATABASE_URL": postgres}
    _nothing_is_lost(tmp_path / "home", env)
    pruned = midas("hub", "ledger", "prune", "--home", str(tmp_path / "home"), env=env)
    assert pruned == {"removed": 0, "checkpoint": None}
    for statement in (
        "UPDATE ledger_entry SET who = 'x'",
        "DELETE FROM ledger_link",
        "DELETE FROM ledger_entry",
    ):
        run = subprocess.run(
            [sys.executable, "-c", SAY, str(tmp_path / "home"), statement],
            env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert "the ledger is never changed" in run.stdout


SAY = """
import sys
from pathlib import Path
from midas.web.bootstrap import configure
configure(Path(sys.argv[1]))
from django.db import connection
try:
    connection.cursor().execute(sys.argv[2])
except Exception as error:
    print(error)
"""


def _head(address: str) -> int:
    return int(json.loads(httpx.get(f"{address}/ledger/head.json", timeout=30).json()["payload"])["number"])


def test_a_running_server_links_within_five_seconds_and_refusals_are_counted(tmp_path: Path) -> None:
    for hub in _served(tmp_path, {}):
        where = ("--home", str(hub.home))
        waited: list[float] = []
        for turn in range(3):
            before = _head(hub.address)
            subprocess.run(
                [sys.executable, "-c", ENTER, str(hub.home), str(turn)],
                check=True,
                capture_output=True,
                timeout=60,
            )
            began = time.monotonic()
            while _head(hub.address) == before:
                assert time.monotonic() - began < 5
                time.sleep(0.05)
            waited.append(time.monotonic() - began)
        assert max(waited) < 5
        for _ in range(30):
            answer = httpx.get(
                f"{hub.address}/api/v1/submissions/00", headers={"Authorization": "Bearer midas_no"}
            )
            assert answer.status_code == 401
        earlier = tmp_path / "head.json"
        earlier.write_bytes(httpx.get(f"{hub.address}/ledger/head.json").content)
        time.sleep(2.5)
        found: Any = midas("hub", "ledger", "verify", "--head", str(earlier), *where)
        assert found["stands"] is True
        assert found["head"]["number"] == _head(hub.address)
        counted = subprocess.run(
            [sys.executable, "-c", COUNT, str(hub.home)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        rows = json.loads(counted.stdout)
        assert sum(one["times"] for one in rows) == 30
        assert len(rows) <= 2  # the hour may turn in between
        assert all(one["who"].startswith("address ") and "127.0.0.1" not in one["who"] for one in rows)


ENTER = """
import sys
from pathlib import Path
from midas.web.bootstrap import configure
configure(Path(sys.argv[1]))
from midas.kernel import SystemClock
from midas.ledger import Deed, enter
enter(Deed.CUT, by=None, clock=SystemClock(), target=sys.argv[2])
"""
COUNT = """
import json, sys
from pathlib import Path
from midas.web.bootstrap import configure
configure(Path(sys.argv[1]))
from midas.ledger.models import Refusal
print(json.dumps(list(Refusal.objects.values("who", "times", "act"))))
"""
