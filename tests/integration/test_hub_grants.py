"""What stops a transfer that is under way: a grant taken back or ended, a revoked token, a closed account.

A real server, a file of 48 MiB, and curl as a slow client; the ledger has a row for each deed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_hub_serves import _wait, commands, free_port, midas

from midas.kernel import Conflict, Forbidden
from midas.sdk.client import Client

pytestmark = [pytest.mark.system("curl"), pytest.mark.timeout(180)]
SIZE = 48 << 20
FILL = """
import sys, os
from pathlib import Path
from midas.web.bootstrap import configure, store
configure(Path(sys.argv[1]))
from tests.hub_submission import NOW, spoke_key, welcome
from midas.catalogue.models import Dataset, ProtocolVersion
from midas.release.models import Draft, Release, ReleaseFile
welcome(spoke_key(Path(sys.argv[1]).parent))
dataset, protocol = Dataset.objects.get(), ProtocolVersion.objects.get()
draft = Draft.objects.create(dataset=dataset, protocol=protocol, version="1.0.0", published_on=NOW.date(), created_at=NOW)
made = Release.objects.create(dataset=dataset, draft=draft, version="1.0.0", key="0" * 64, seal={}, access="controlled",
    license="x", summary={"title": "t", "subjects": 0, "instances": 0, "bytes": 0}, whole_salt="0" * 64, cut_at=NOW)
for path, chunks in (("large.bin", [os.urandom(1 << 20)] * int(sys.argv[2])), ("LICENSE.txt", [b"Cite it."])):
    ReleaseFile.objects.create(release=made, path=path, sha256=store().put_chunks(chunks), size=sum(map(len, chunks)))
"""
URL = "/api/v1/releases/oral-cancer@1.0.0/files/large.bin"


@dataclass(frozen=True)
class Served:
    home: Path
    address: str

    @property
    def where(self) -> tuple[str, str]:
        return ("--home", str(self.home))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("grants")
    home, port = folder / "home", free_port()
    where = ("--home", str(home))
    commands(("hub", "init", *where), ("hub", "user", "add", "leela", "--role", "access-officer", *where))
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", FILL, str(home), str(SIZE >> 20)],
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "from midas.cli import main; main()", "hub", "serve", "--port", str(port), *where],
        stderr=(folder / "log").open("wb"), stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, folder / "log")
        yield Served(home, address)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def person(hub: Served, name: str) -> tuple[str, int]:
    """Return the token and the grant of a new account."""
    _, token, grant = commands(
        ("hub", "user", "add", name, "--role", "researcher", *hub.where),
        ("hub", "user", "token", name, *hub.where),
        ("hub", "grant", "give", name, "oral-cancer@1.0.0", "--by", "leela", "--purpose", "HMB", "--why", "Signed.",
         *hub.where),
    )  # fmt: skip
    return token["token"], grant["grant"]


def curl(hub: Served, token: str, to: Path, *more: str) -> subprocess.Popen[bytes]:
    program = shutil.which("curl") or "curl"
    words = [program, "--silent", "--show-error", "--output", str(to), "--write-out", "%{http_code}"]
    return subprocess.Popen(
        [*words, *more, "-H", f"Authorization: Bearer {token}", hub.address + URL],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def status(hub: Served, token: str, tmp_path: Path) -> str:
    running = curl(hub, token, tmp_path / "again", "-I")
    return running.communicate(timeout=30)[0].decode()


def end_the_grant(hub: Served, grant: int) -> None:
    with sqlite3.connect(hub.home / "hub.sqlite3", timeout=30) as database:
        database.execute("UPDATE access_grant SET expires_at = given_at WHERE id = ?", (grant,))


def deeds(hub: Served, name: str) -> list[str]:
    """Return what the ledger says of a person's access: given, used, taken back."""
    with sqlite3.connect(hub.home / "hub.sqlite3", timeout=30) as database:
        rows = database.execute("SELECT deed, who, details FROM ledger_entry ORDER BY id").fetchall()
    return [
        deed
        for deed, who, details in rows
        if deed in {"grant", "download", "revoke"} and name in {who, json.loads(details).get("to")}
    ]


STOPS: dict[str, tuple[Callable[[Served, str, int], Any], str, list[str]]] = {
    "revoked grant": (
        lambda hub, name, grant: midas(
            "hub", "grant", "revoke", str(grant), "--by", "leela", "--why", "The project has ended.", *hub.where
        ),
        "403",
        ["grant", "download", "revoke"],
    ),
    "ended grant": (lambda hub, name, grant: end_the_grant(hub, grant), "403", ["grant", "download"]),
    "revoked token": (
        lambda hub, name, grant: midas("hub", "user", "token", name, "--revoke", *hub.where), "401", ["grant", "download"],
    ),
    "closed account": (
        lambda hub, name, grant: midas("hub", "user", "close", name, *hub.where), "401", ["grant", "download"],
    ),
}  # fmt: skip


def test_a_slow_transfer_that_is_allowed_comes_whole(hub: Served, tmp_path: Path) -> None:
    token, _ = person(hub, "patient")
    running = curl(hub, token, tmp_path / "whole", "--limit-rate", "12M")
    said, trouble = running.communicate(timeout=60)
    assert (running.returncode, said.decode()) == (0, "200"), trouble
    assert (tmp_path / "whole").stat().st_size == SIZE


@pytest.mark.parametrize("why", STOPS)
def test_a_transfer_stops_with_its_permission(hub: Served, tmp_path: Path, why: str) -> None:
    name = why.replace(" ", "-")
    token, grant = person(hub, name)
    assert status(hub, token, tmp_path) == "200"
    running = curl(hub, token, tmp_path / "part", "--limit-rate", "1500K")
    time.sleep(1.5)
    assert running.poll() is None
    stop, after, written = STOPS[why]
    stop(hub, name, grant)
    stopped = time.monotonic()
    _, trouble = running.communicate(timeout=60)
    got = (tmp_path / "part").stat().st_size
    assert running.returncode != 0, "a part must not look like the whole"
    assert b"transfer closed" in trouble or b"curl: (" in trouble
    assert 0 < got < SIZE
    print(f"{why}: broke off {time.monotonic() - stopped:.1f} s after, at {got / SIZE:.0%}")
    assert status(hub, token, tmp_path) == after
    assert deeds(hub, name) == written


def test_a_researcher_is_told_how_to_ask_and_asks_with_the_sdk(hub: Served, tmp_path: Path) -> None:
    _, token = commands(
        ("hub", "user", "add", "kabir", "--role", "researcher", *hub.where),
        ("hub", "user", "token", "kabir", *hub.where),
    )
    name = "oral-cancer@1.0.0"
    with Client(hub.address, token["token"]) as client:
        with pytest.raises(Forbidden) as refused:
            client.seal(name)
        assert "/datasets/oral-cancer/releases/1.0.0/ask" in refused.value.advice
        assert "request_access" in refused.value.advice
        terms = client.terms(name)
        assert (terms.text, terms.commercial) == ("Cite it.", False)
        assert [one.id for one in terms.purposes] == ["DUO:0000006", "DUO:0000007"]
        words = "To see whether lesions can be told apart."
        with pytest.raises(Conflict):
            client.request_access(name, purpose="HMB", words=words, accepted="0" * 64)
        asked = client.request_access(name, purpose="HMB", words=words, accepted=terms.sha256)
        assert (asked.state, asked.purpose, asked.terms) == ("waiting", "DUO:0000006", terms.sha256)
        with pytest.raises(Conflict):
            client.request_access(name, purpose="HMB", words=words, accepted=terms.sha256)
        mine = client.my_access()
        assert (mine.requests, mine.grants) == ((asked,), ())
    run = subprocess.run(
        [sys.executable, "-c", "from midas.cli import main; main()", "get", name, "--to", str(tmp_path / "x"),
         "--hub", hub.address, "--token", token["token"]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 4
    assert "releases/1.0.0/ask" in run.stderr.replace("\n", "")
    with Client(hub.address) as nobody:
        told = nobody.access("oral-cancer")
        assert (told.level, told.commercial, told.where, told.median_days) == (
            "controlled",
            False,
            "anywhere",
            None,
        )
        assert told.says["commercial"] == "Not for commercial use."
        assert told.ask is not None
        with pytest.raises(Forbidden):
            nobody.my_access()
