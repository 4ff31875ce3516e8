"""The demo's hands: `midas` commands as people type them, and servers that run beside.

In come words of a command line; out comes what it said, or a `MidasError` with the end of what it said.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from midas.kernel import BrokenPromise, Unavailable

console = Console(highlight=False)
START_S = 60.0
"""How long a server may take until it answers: a cold import on a busy machine."""


def _environment() -> dict[str, str]:
    """The caller's environment without any MIDAS setting that would lead a command elsewhere."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MIDAS_", "DATABASE_URL"))
    }
    return {**kept, "PYTHONUTF8": "1", "PYTHONWARNINGS": "ignore"}


def _midas() -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", "from midas.cli import main; main()"]


def midas(*words: str, allow: tuple[int, ...] = (0,), quiet: bool = False) -> tuple[int, str]:
    """Run one command to its end, its progress bars visible; return exit code and standard output.

    `BrokenPromise` with the end of its output for an exit code that is not in `allow`.
    """
    if not quiet:
        console.print(f"  [dim]$ midas {' '.join(_quoted(word) for word in words)}[/dim]")
    err = subprocess.PIPE if quiet else None
    done = subprocess.run(  # noqa: S603 - our own program with our own words
        [*_midas(), *words], stdout=subprocess.PIPE, stderr=err, env=_environment(), text=True, check=False
    )
    if done.returncode not in allow:
        said = (done.stdout + (done.stderr or "")).strip()[-3000:]
        raise BrokenPromise(f"`midas {' '.join(words[:3])} …` ended with {done.returncode}. {said}")
    return done.returncode, done.stdout


def midas_json(*words: str, allow: tuple[int, ...] = (0,), quiet: bool = False) -> Any:
    """Run one command with `--json` and return what it said."""
    _, said = midas(*words, "--json", allow=allow, quiet=quiet)
    return json.loads(said)


def ran_beside(module: str, *words: str) -> None:
    """Run a module of ours in a process of its own, what it says visible; `BrokenPromise` where it fails."""
    command = [sys.executable, "-W", "ignore", "-m", module, *words]
    done = subprocess.run(command, env=_environment(), check=False)  # noqa: S603 - our own program with our own words
    if done.returncode:
        raise BrokenPromise(f"{module} ended with {done.returncode}.")


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word


def free_port(wanted: int) -> int:
    """Return `wanted` if nothing listens there, else the next free port after it."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Unavailable(f"No port from {wanted} on is free.", advice="Give another --port.")


@contextmanager
def server(*words: str, address: str, log: Path) -> Iterator[None]:
    """Run a server until the block ends; it has answered before the block begins."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own program with our own words
            [*_midas(), *words], stdout=stream, stderr=stream, env=_environment(), start_new_session=True
        )
        try:
            _wait_for(address, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if answers(address):
            return
        time.sleep(0.15)
    said = log.read_text("utf-8", "replace")[-2000:]
    raise Unavailable(f"Nothing answers at {address}. {said}", advice=f"See {log}.")


def answers(address: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - an address of our own, http
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
