"""The hub as its operator runs it: `midas hub` commands, a real server, a spoke and researchers over HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.hub_submission import SPOKE, Parcel, parcel, spoke_key

from midas.manifest import PrivateKey, verify_signature
from midas.sdk.client import Client
from midas.store import Blobs
from midas.wire.v1 import Signed, SubmissionStatus


@dataclass(frozen=True)
class Hub:
    home: Path
    address: str
    key: str
    spoke_token: str
    spoke_key: PrivateKey
    researcher_token: str


ONE_AFTER_ANOTHER = """
import json, sys
from midas.cli import main
for words in json.load(sys.stdin):
    sys.argv = ["midas", *words, "--json"]
    try:
        main()
    except SystemExit as end:
        if end.code: raise
"""


def commands(*each: tuple[str, ...], env: dict[str, str] | None = None) -> list[Any]:
    """Run `midas` commands in one process, which saves starting Python for each; return what each answered."""
    run = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER],
        input=json.dumps(each), capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})},
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    answers, rest, reader = [], run.stdout.strip(), json.JSONDecoder()
    while rest:
        answer, end = reader.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].lstrip()
    assert len(answers) == len(each)
    return answers


def midas(*words: str, env: dict[str, str] | None = None) -> Any:
    return commands(words, env=env)[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    yield from _served(tmp_path_factory.mktemp("hub"), {})


def _served(folder: Path, env: dict[str, str]) -> Iterator[Hub]:
    home, key, port = folder / "home", spoke_key(folder), free_port()
    where = ("--home", str(home))
    made, _, token, _, researcher = commands(
        ("hub", "init", *where),
        ("hub", "protocol", "add", "oral-cancer", *where),
        ("hub", "spoke", "add", SPOKE, "--name", "Dental College", "--key", key.public_hex, *where),
        ("hub", "user", "add", "ravi", "--role", "researcher", *where),
        ("hub", "user", "token", "ravi", *where),
        env=env,
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "from midas.cli import main; main()", "hub", "serve", "--port", str(port), *where],
        env={**os.environ, **env}, stderr=(folder / "log").open("wb"), stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, folder / "log")
        yield Hub(home, address, made["public_key"], token["token"], key, researcher["token"])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/api/v1/datasets", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(log.read_text()[-3000:])


def send(hub: Hub, made: Parcel) -> SubmissionStatus:
    """Do what a spoke does, through the SDK's client."""
    signed = made.seal()
    with Client(hub.address, hub.spoke_token) as client:
        for digest in client.missing(made.blobs):
            client.put_blob([made.blobs[digest]], digest)
        status = client.submit(signed)
        for _ in range(300):
            if status.state in {"registered", "refused"}:
                return status
            time.sleep(0.1)
            status = client.submission(status.root)
    raise AssertionError(status)


def as_spoke(hub: Hub) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.spoke_token}"}


def test_a_spoke_sends_and_gets_a_receipt(hub: Hub) -> None:
    made = parcel(hub.spoke_key)
    status = send(hub, made)
    assert status.state == "registered", status.findings
    assert status.receipt is not None
    verify_signature(status.receipt, trusted=hub.key)
    again = httpx.post(
        f"{hub.address}/api/v1/submissions", json=made.seal().model_dump(), headers=as_spoke(hub), timeout=30
    )
    assert again.status_code == 200
    assert Signed.model_validate(again.json()["receipt"]) == status.receipt


def test_a_parcel_with_more_than_a_few_is_examined_by_worker_processes(hub: Hub) -> None:
    made = parcel(hub.spoke_key, people=("P-CCCCC-CCCCC",), slices=30)
    _own_uids(made)
    assert send(hub, made).state == "registered"


def _own_uids(made: Parcel, *, stem: str = "2.25.80000") -> None:
    from tests.hub_submission import ct

    from midas.kernel import sha256_bytes

    made.blobs.clear()
    study, series, subject = f"{stem}1", f"{stem}2", made.subjects[0]["subject"]
    for number, item in enumerate(made.items, start=1):
        data = ct(subject, number, study=study, series=series)
        made.blobs[sha256_bytes(data)] = data
        item |= {
            "path": f"{subject}/{study}/{series}/{series}{number}.dcm", "sha256": sha256_bytes(data), "size": len(data),
            "study_uid": study, "series_uid": series, "sop_instance_uid": f"{series}{number}",
        }  # fmt: skip


def test_a_bad_parcel_is_refused_with_findings(hub: Hub) -> None:
    made = parcel(hub.spoke_key, people=("P-DDDDD-DDDDD",))
    made.records[0]["values"] = {"village": "x"}
    status = send(hub, made)
    assert status.state == "refused"
    assert "submission.column" in {one.rule for one in status.findings}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "blobs/missing"),
        ("PUT", f"blobs/{'0' * 64}"),
        ("POST", "submissions"),
        ("GET", f"submissions/{'0' * 64}"),
    ],
)
@pytest.mark.parametrize("who", ["nobody", "a researcher", "a wrong token"])
def test_only_a_spoke_sends(hub: Hub, method: str, path: str, who: str) -> None:
    token = {
        "nobody": "",
        "a researcher": f"Bearer {hub.researcher_token}",
        "a wrong token": "Bearer midas_x",
    }[who]
    headers = {"Authorization": token} if token else {}
    answer = httpx.request(method, f"{hub.address}/api/v1/{path}", headers=headers, content=b"{}", timeout=30)
    assert answer.status_code == (403 if who == "a researcher" else 401)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["advice"]


def test_a_large_blob_is_streamed_and_hashed(hub: Hub) -> None:
    chunk = os.urandom(1 << 20)
    digest = hashlib.sha256(chunk * 40).hexdigest()
    with Client(hub.address, hub.spoke_token) as client:
        client.put_blob((chunk for _ in range(40)), digest)
    assert Blobs.at(hub.home / "blobs").size(digest) == 40 << 20


def test_other_bytes_than_named_are_refused_and_nothing_stays(hub: Hub) -> None:
    digest = hashlib.sha256(b"right").hexdigest()
    url = f"{hub.address}/api/v1/blobs/{digest}"
    answer = httpx.put(url, content=b"wrong", headers=as_spoke(hub), timeout=30)
    assert answer.status_code == 422
    blobs = Blobs.at(hub.home / "blobs")
    assert not blobs.has(digest)
    assert list((hub.home / "blobs" / "aside").iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(hub: Hub) -> None:
    digest = hashlib.sha256(b"x" * 1000).hexdigest()
    host, _, port = hub.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"PUT /api/v1/blobs/{digest} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {hub.spoke_token}\r\n"
            f"Content-Length: 1000\r\n\r\n{'x' * 10}".encode()
        )
        time.sleep(0.5)
    for _ in range(50):
        if not list((hub.home / "blobs" / "aside").iterdir()):
            break
        time.sleep(0.1)
    assert list((hub.home / "blobs" / "aside").iterdir()) == []
    assert not Blobs.at(hub.home / "blobs").has(digest)


def test_pages_and_problems(hub: Hub) -> None:
    home = httpx.get(hub.address, timeout=30)
    assert home.status_code == 200
    assert "script-src 'self'" in home.headers["content-security-policy"]
    assert home.headers["x-frame-options"] == "DENY"
    cards = httpx.get(f"{hub.address}/api/v1/datasets", timeout=30).json()["datasets"]
    assert [card["dataset"] for card in cards] == ["oral-cancer"]
    missing = httpx.get(f"{hub.address}/api/v1/releases/oral-cancer@9.9.9/seal", timeout=30)
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    nowhere = httpx.get(f"{hub.address}/api/v1/nowhere", timeout=30)
    assert nowhere.headers["content-type"] == "application/problem+json"
    private = httpx.get(f"{hub.address}/curation", timeout=30)
    assert (private.status_code, private.headers["location"]) == (302, "/sign-in?next=%2Fcuration")
    assert httpx.get(hub.address, headers={"Host": "evil.example"}, timeout=30).status_code == 400


def test_the_home_is_for_its_owner_alone(hub: Hub) -> None:
    assert hub.home.stat().st_mode & 0o077 == 0
    for name in ("keys/hub.key", "keys/django.key", "hub.sqlite3", "config.toml"):
        assert (hub.home / name).stat().st_mode & 0o077 == 0, name


def test_verify_finds_a_changed_byte(hub: Hub) -> None:
    where = ("--jobs", "1", "--home", str(hub.home))
    made = parcel(hub.spoke_key, people=("P-VVVVV-VVVVV",))
    _own_uids(made, stem="2.25.9712346")
    assert send(hub, made).state == "registered"
    assert midas("hub", "verify", *where)["wrong"] == []
    blobs = Blobs.at(hub.home / "blobs")
    path = blobs.local_path(next(blobs.digests()))
    assert path is not None
    good = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    run = subprocess.run(
        [sys.executable, "-c", "from midas.cli import main; main()", "hub", "verify", "--json", *where],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    path.write_bytes(good)
    assert run.returncode == 1
    assert [one["digest"] for one in json.loads(run.stdout)["wrong"]] == [path.name]


def test_who_withdraws_stands_in_no_file_of_the_home_but_once_in_the_database(hub: Hub) -> None:
    """Raw bytes of everything under the home, the database's log included, while the server runs."""
    name = "P-MMMMM-MMMMM"
    made = parcel(hub.spoke_key, people=(name,))
    _own_uids(made, stem="2.25.9712345")
    assert send(hub, made).state == "registered"
    words = {name, made.items[0]["study_uid"], made.items[0]["series_uid"], made.items[0]["sha256"]}
    assert all(_found(hub.home, word) for word in words)
    done = midas(
        "release", "withdraw", "oral-cancer", "--subject", name, "--why", "person", "--home", str(hub.home)
    )
    assert (done["subjects"], done["releases"]) == ([name], [])
    assert done["erased"] >= len(made.items)
    assert {word: _found(hub.home, word) for word in words - {name}} == {word: [] for word in words - {name}}
    assert _found(hub.home, name) == ["hub.sqlite3"]
    made.records[0]["values"] = {"ecog": 3}
    again = send(hub, made)
    assert (again.state, {one.rule for one in again.findings}) == ("refused", {"submission.withdrawn"})


def _found(home: Path, word: str) -> list[str]:
    files = (path for path in home.rglob("*") if path.is_file())
    return sorted(path.relative_to(home).as_posix() for path in files if word.encode() in path.read_bytes())


@pytest.mark.system("postgresql")
def test_the_same_on_postgresql(postgres: str, tmp_path: Path) -> None:
    for hub in _served(tmp_path, {"DATABASE_URL": postgres}):
        made = parcel(hub.spoke_key)
        assert send(hub, made).state == "registered"
        made.records[0]["values"] = {"ecog": 2, "pain": 3}
        assert send(hub, made).state == "registered"
        made.subjects[0]["basis"] = []
        assert send(hub, made).state == "refused"
        line = midas("hub", "status", "--home", str(hub.home), env={"DATABASE_URL": postgres})["datasets"][0]
        assert (line["subjects"], line["instances"]) == (2, 4)
        assert not (hub.home / "hub.sqlite3").exists()
