"""Start and fill the servers that are compared: Debian's Orthanc with its DICOMweb plugin, and a hub on either database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Root:
    """A DICOMweb root and the token that opens it."""

    url: str
    token: str = ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: list[str], log: Path, answers: str, env: dict[str, str]) -> Iterator[None]:
    """Run a server for as long as the block lasts; wait until the address `answers`."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            words, stdout=stream, stderr=stream, start_new_session=True, env={**os.environ, **env}
        )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(log.read_text()[-2000:])
            try:
                httpx.get(answers, timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@contextmanager
def orthanc(folder: Path, images: list[Path]) -> Iterator[Root]:
    """Debian's Orthanc with the images loaded over HTTP; what an earlier run loaded is used again."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "orthanc.json").write_text(json.dumps({
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "HttpPort": port,
        "DicomServerEnabled": False, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "KeepAlive": True,
        "TcpNoDelay": True, "HttpThreadsCount": 16, "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }))  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with running(["Orthanc", str(folder / "orthanc.json")], folder / "log", f"{address}/system", {}):
        with httpx.Client(base_url=address, timeout=60) as client:
            held = client.get("/statistics").json()["CountInstances"]
            for path in images if held < len(images) else ():
                client.post("/instances", content=path.read_bytes()).raise_for_status()
        yield Root(f"{address}/dicom-web")


def has_postgres() -> bool:
    return bool(shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin")))


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a socket; it refuses to run as root, so it runs as `postgres` then. Its URL."""
    found = shutil.which("initdb") or str(max(Path("/usr/lib/postgresql").glob("*/bin/initdb")))
    tools, folder = Path(found).parent, Path(tempfile.mkdtemp(prefix="midas-bench-pg-"))
    lower = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    if lower:
        shutil.chown(folder, "postgres")

    def pg(*words: str) -> None:
        subprocess.run([*lower, *words], check=True, capture_output=True, timeout=120)

    data = str(folder / "data")
    pg(str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "midas", "-E", "UTF8", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c shared_buffers=512MB"
    pg(str(tools / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgres://midas@{str(folder).replace('/', '%2F')}/postgres"
    finally:
        pg(str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def fill(home: Path, images: Path, database: str, *, million: bool = False) -> str:
    """Load a hub in a process of its own; return the token, nothing for the million."""
    words = [sys.executable, "-m", "benchmarks.dicomweb.load", str(home), str(images)]
    run = subprocess.run(
        [*words, *(["--million"] if million else [])], check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **_database(database)},
    )  # fmt: skip
    return "" if million else str(json.loads(run.stdout)["token"])


def _database(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url} if url else {}


@contextmanager
def hub(home: Path, database: str, token: str) -> Iterator[Root]:
    """Serve a filled hub as its operator does."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-c", "from midas.cli import main; main()", "hub", "serve", "--port", str(port)]
    with running([*words, "--home", str(home)], home / "log", f"{address}/sign-in", _database(database)):
        yield Root(f"{address}/dicomweb/drafts/bench", token)
