"""Proofs with curl against a real hub: what is another's, a draft, a revoked token and a revoked grant stop.

Each stop has its row in the ledger. A researcher has a grant to one release of one of two datasets; a series of 64 MiB is
downloaded slowly over DICOMweb while the right to it is taken back. At the end the server's log is read.
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

pytestmark = [pytest.mark.system("curl"), pytest.mark.timeout(240)]
SLICES, SLICE = 64, 1 << 20
FILL = """
import sys, json, os
from pathlib import Path
from midas.web.bootstrap import configure, store
configure(Path(sys.argv[1]))
from tests.hub_submission import CLOCK, NOW, ct
from midas.access import give
from midas.access.terms import terms_of
from midas.catalogue import lens
from midas.catalogue.models import Dataset, ProtocolVersion
from midas.catalogue.protocols import add_protocol
from midas.people.models import Account, Membership, Role
from midas.people.tokens import issue_token
from midas.protocol import load_named
from midas.release.models import Draft, Release, ReleaseFile
from midas.kernel import SystemClock
clock = SystemClock()
for slug, number, slices, edge in (("oral-cancer", 1, int(sys.argv[2]), 724), ("meningioma", 2, 1, 16)):
    add_protocol(loaded=load_named(slug), clock=CLOCK)
    dataset = Dataset.objects.get(slug=slug)
    draft = Draft.objects.create(dataset=dataset, protocol=ProtocolVersion.objects.get(dataset=dataset), version="1.0.0",
        published_on=NOW.date(), created_at=NOW)
    made = Release.objects.create(dataset=dataset, draft=draft, version="1.0.0", key="0" * 64, seal={}, whole_salt="0" * 64,
        access="controlled", license="x", summary={"title": "t", "subjects": 0, "instances": 0, "bytes": 0}, cut_at=NOW)
    ReleaseFile.objects.create(release=made, path="LICENSE.txt", sha256=store().put_chunks([b"Cite it."]), size=8)
    study, entries = f"2.25.500{number}", []
    for at in range(1, slices + 1):
        data = ct("P-7K3QM-2XV9A", at, study=study, series=study + ".1", Rows=edge, Columns=edge,
            PixelData=os.urandom(edge * edge * 2))
        ReleaseFile.objects.create(release=made, path=f"data/{at}.dcm", sha256=store().put_chunks([data]), size=len(data))
        entries.append(lens.index_bytes(data))
    lens.keep(entries)
    for kind, name in (("draft", slug), ("release", slug + "@1.0.0")):
        lens.publish(kind=kind, name=name, dataset=dataset, digests=[one.sha256 for one in entries])
officer = Account.objects.create_user("leela")
Membership.objects.create(account=officer, role=Role.ACCESS_OFFICER, dataset="")
release, tokens = Release.objects.get(dataset__slug="oral-cancer"), {}
for name in ("asha", "ben", "chitra"):
    account = Account.objects.create_user(name)
    Membership.objects.create(account=account, role=Role.RESEARCHER, dataset="")
    tokens[name] = issue_token(title=name, clock=clock, account=account, days=1)
    give(account=account, release=release, purpose="DUO:0000006", why="Signed.", by=officer, clock=clock,
        terms=terms_of("Cite it.", title="t", clock=clock))
print(json.dumps(tokens))
"""
OWN, OTHER = "/dicomweb/releases/oral-cancer@1.0.0", "/dicomweb/releases/meningioma@1.0.0"
STUDY, THERE = "/studies/2.25.5001", "/studies/2.25.5002"
SERIES = f"{OWN}{STUDY}/series/2.25.5001.1"
INSTANCE = f"{THERE}/series/2.25.5002.1/instances/2.25.5002.11"


@dataclass(frozen=True)
class Served:
    home: Path
    address: str
    tokens: dict[str, str]
    log: Path

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.home / "hub.sqlite3", timeout=30) as database:
            return database.execute(sql, values).fetchall()

    def denied(self, name: str) -> dict[tuple[str, str], int]:
        """Return how often each act was denied to a person on which dataset."""
        found = self.rows("SELECT act, dataset, times FROM ledger_refusal WHERE who = ?", name)
        return {(act, dataset): times for act, dataset, times in found}

    def deeds(self, name: str) -> list[tuple[str, str, str]]:
        found = self.rows("SELECT deed, who, dataset, target, details FROM ledger_entry ORDER BY id")
        return [
            (deed, dataset, target) for deed, who, dataset, target, details in found
            if name in {who, json.loads(details or "{}").get("to")}
        ]  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("proofs")
    home, port, log = folder / "home", free_port(), folder / "log"
    midas("hub", "init", "--home", str(home))
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    filled = subprocess.run(
        [sys.executable, "-c", FILL, str(home), str(SLICES)], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert filled.returncode == 0, filled.stderr[-3000:]
    process = subprocess.Popen(
        [sys.executable, "-c", "from midas.cli import main; main()", "hub", "serve", "--port", str(port),
         "--home", str(home)],
        stderr=log.open("wb"), stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield Served(home, address, json.loads(filled.stdout.splitlines()[-1]), log)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def curl(hub: Served, path: str, who: str, to: Path, *more: str) -> subprocess.Popen[bytes]:
    program = shutil.which("curl") or "curl"
    shown = ["-H", f"Authorization: Bearer {hub.tokens.get(who, who)}"] if who else []
    return subprocess.Popen(
        [program, "--silent", "--show-error", "--path-as-is", "--output", str(to), "--write-out", "%{http_code}", *more,
         *shown, hub.address + path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def status(hub: Served, path: str, who: str, tmp_path: Path, *more: str) -> int:
    return int(curl(hub, path, who, tmp_path / "answer", *more).communicate(timeout=60)[0])


def test_what_is_granted_comes(hub: Served, tmp_path: Path) -> None:
    assert status(hub, f"{SERIES}/instances?limit=3", "asha", tmp_path) == 200
    assert status(hub, f"{SERIES}/instances/2.25.5001.11", "asha", tmp_path) == 200
    assert (tmp_path / "answer").stat().st_size > SLICE
    assert ("view", "oral-cancer", "2.25.5001") in hub.deeds("asha")


def test_another_datasets_instance_stops_by_every_route(hub: Served, tmp_path: Path) -> None:
    sha256 = hub.rows(
        "SELECT f.sha256 FROM release_releasefile f JOIN release_release r ON r.id = f.release_id"
        " JOIN catalogue_dataset d ON d.slug = r.dataset_id OR CAST(d.rowid AS TEXT) = CAST(r.dataset_id AS TEXT)"
        " WHERE d.slug = 'meningioma' AND f.path = 'data/1.dcm'"
    )[0][0]
    kept = ("-H", f'If-None-Match: "{sha256}"')
    for path, code, more in (
        (f"{OTHER}{INSTANCE}", 403, ()), (f"{OTHER}{INSTANCE}", 403, kept), (f"{OTHER}{THERE}/metadata", 403, ()),
        (f"{OTHER}/studies", 403, ()), (f"{OTHER}{INSTANCE}/rendered", 403, ()), (f"{OTHER}{THERE}/thumbnail", 403, ()),
        (f"{OWN}{INSTANCE}", 404, ()), (f"{OWN}{INSTANCE}", 404, kept), (f"{OWN}{INSTANCE}/frames/1", 404, ()),
        (f"/dicomweb/twins/meningioma@1.0.0{INSTANCE}", 404, ()),
        ("/api/v1/releases/meningioma@1.0.0/files/data/1.dcm", 403, ()),
        ("/api/v1/releases/meningioma@1.0.0/files/data/1.dcm", 403, kept),
        ("/api/v1/releases/oral-cancer@1.0.0/files/../meningioma@1.0.0/files/data/1.dcm", 404, ()),
        ("/datasets/meningioma/releases/1.0.0/files/data/1.dcm", 403, ()),
        (f"/pictures/{sha256}", 403, ()), (f"/pictures/{'0' * 64}", 403, ()),
    ):  # fmt: skip
        assert status(hub, path, "ben", tmp_path, *more) == code, path
    refused = hub.denied("ben")
    assert refused["see and download a release", "meningioma"] >= 1
    assert not any(target == "2.25.5002" for _, _, target in hub.deeds("ben"))


def test_a_draft_stops(hub: Served, tmp_path: Path) -> None:
    for path in (
        f"/dicomweb/drafts/oral-cancer{STUDY}",
        "/dicomweb/drafts/oral-cancer/studies",
        "/dicomweb/tasks/1/studies",
    ):
        assert status(hub, path, "ben", tmp_path) == 403, path
        assert status(hub, path, "", tmp_path) == 401, path
    assert ("see a dataset's images and composition", "oral-cancer") in hub.denied("ben")


def revoke_grant(hub: Served, name: str) -> None:
    number = hub.rows(
        "SELECT g.id FROM access_grant g JOIN people_account a ON a.id = g.account_id WHERE a.username = ?",
        name,
    )[0][0]
    midas(
        "hub",
        "grant",
        "revoke",
        str(number),
        "--by",
        "leela",
        "--why",
        "The project has ended.",
        "--home",
        str(hub.home),
    )


def revoke_token(hub: Served, name: str) -> None:
    commands(("hub", "user", "token", name, "--revoke", "--home", str(hub.home)))


@pytest.mark.parametrize(
    ("name", "stop", "after", "deed"),
    [("asha", revoke_grant, 403, "revoke"), ("chitra", revoke_token, 401, "account")],
    ids=["a revoked grant", "a revoked token"],
)
def test_a_series_on_its_way_stops(
    hub: Served, tmp_path: Path, name: str, stop: Callable[[Served, str], None], after: int, deed: str
) -> None:
    take = ("-H", 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*')
    running = curl(hub, SERIES, name, tmp_path / "part", "--limit-rate", "2000K", *take)
    time.sleep(2)
    assert running.poll() is None
    stop(hub, name)
    _, trouble = running.communicate(timeout=90)
    assert running.returncode != 0, "a part must not look like the whole"
    assert b"curl: (" in trouble
    assert SLICE < (tmp_path / "part").stat().st_size < SLICES * SLICE
    assert status(hub, SERIES, name, tmp_path) == after
    written = hub.deeds(name)
    assert ("view", "oral-cancer", "2.25.5001") in written
    assert deed in {one for one, _, _ in written} or deed in {
        one for one, target in hub.rows("SELECT deed, target FROM ledger_entry") if target == name
    }


SECRET = "Qx7secretqx7"
PROBES = (
    (f"/sign-in?next=/{SECRET}", ()), ("/sign-in", ("--data", f"login={SECRET}&password={SECRET}")),
    (f"/join/{SECRET}", ()), (f"/reset/ab-{SECRET}", ()), (f"/nowhere/{SECRET}?token={SECRET}", ()),
    (f"/api/v1/datasets/{SECRET}", ()), ("/", ("-H", f"Host: {SECRET}.example")), (f"/{SECRET}%ff%0d%0a", ()),
    (f"{OWN}/studies?PatientName={SECRET}", ()), (f"{OWN}/studies/{SECRET}", ()), ("/", ("-H", f"Cookie: a={SECRET}")),
    ("/api/v1/submissions", ("--data", SECRET)), ("/sign-in", ("--data", "x" * (3 << 20))),
)  # fmt: skip


def test_the_log_holds_no_value_of_a_request(hub: Served, tmp_path: Path) -> None:
    """Runs last: the log has by then what all the others did, too."""
    for path, more in PROBES:
        for who in ("", "ben", SECRET):
            body = tmp_path / "body"
            given = list(more)
            if "--data" in given and len(given[-1]) > 1000:
                body.write_text(given[-1])
                given[-1] = f"@{body}"
            assert status(hub, path, who, tmp_path, *given) < 500, path
    log = hub.log.read_text()
    for word in (SECRET, *hub.tokens.values(), *hub.tokens, "P-7K3QM-2XV9A", "2.25.5001"):
        assert word not in log, (word, log[-3000:])


def test_a_form_is_small_and_a_head_comes_in_time(hub: Served, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * (3 << 20))
    assert status(hub, "/sign-in", "", tmp_path, "--data-binary", f"@{large}") == 413
    assert status(hub, "/", "", tmp_path, *(("-H", f"X-Long: {'y' * 50_000}") * 4)) in {400, 431}
