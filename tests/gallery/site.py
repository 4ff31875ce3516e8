"""A filled hub in a process of its own, its pages by who may see them, and Chromium to look at them with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PASSWORD = "look-and-see-1"
START_S = 180
RELEASE = "/datasets/oral-cancer/releases/1.1.0"

PAGES: dict[str, tuple[str, ...]] = {
    "": (
        "/", "/datasets", "/datasets?q=zzz", "/datasets/oral-cancer", "/datasets/meningioma", RELEASE, f"{RELEASE}/twin",
        "/hospitals", "/hospitals/spdc-wardha", "/programs", "/ledger/head", "/sign-in", "/join", "/reset", "/reset/sent",
        "/reset/done", "/reset/none-none", "/sign-in/closed", "/sign-in/cancelled", "/sign-in/refused", "/join/none",
        "/credit/hospitals/spdc-wardha", "/credit/verify/none", "/nowhere",
    ),
    "researcher": (
        "/datasets/oral-cancer", RELEASE, f"{RELEASE}/explore", f"{RELEASE}/question",
        "/datasets/oral-cancer/releases/1.0.0/ask", "/access", "/account", "/account/noted", "/account/confirm",
        "/account/password", "/account/second", "/people",
    ),
    "curator": (
        "/curation/quality", "/curation/quality/queue", "/curation/quality/queue?shape=list",
        "/curation/quality/queue > /curation/quality/findings/", "/datasets/oral-cancer/coverage",
        "/curation/drafts/meningioma/1.0.0", "/grading", "/grading/3", "/grading/5?open=1", "/grading/9", "/grading/rubric",
        "/grading/delphi", "/grading/delphi?domain=8",
        "/curation", "/curation > /curation/submissions/", "/curation > /curation/drafts/", "/account > /credit/readers/",
        "/datasets/meningioma",
        "/hospitals/spdc-wardha", "/access",
    ),
    "nodal": ("/grading", "/grading/5?open=1", "/grading/delphi"),
    "expert-1": ("/grading/delphi",),
    "access-officer": ("/grants", "/grants > /grants/requests/", "/grants > /grants/1"),
    "admin": ("/people", "/people > /people/", "/institutions", "/institutions/spdc-wardha"),
    "auditor": ("/ledger", "/ledger?deed=grant", "/grants", "/grants > /grants/1"),
    "operator": ("/hospitals/spdc-wardha", "/access"),
}  # fmt: skip
"""Who → addresses; `page > start` is the first link of a page that starts so. "" has not signed in."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@contextmanager
def served(home: Path, *, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Fill a hub in `home` where there is none, serve it, and yield its address."""
    port = free_port()
    command = [sys.executable, str(HERE / "serve_hub.py"), str(home), str(port)]
    with (home.parent / f"{home.name}.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError("the hub did not start; its log stands beside its home")
        try:
            urlopen(f"{address}/", timeout=10).close()
        except (URLError, OSError):
            time.sleep(0.3)
        else:
            return
    raise RuntimeError(f"the hub did not answer within {START_S} s")
