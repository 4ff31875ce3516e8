"""`docs/by-hand.md`, run for real once a session: one shell, in order, in one temporary folder."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.docs.reading import ROOT, console_commands

PAGE = ROOT / "docs" / "by-hand.md"
PORT = "8400"
LIMIT_S = 300
DROPPED = ("MIDAS_", "DATABASE_URL", "DJANGO_", "COV_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Typed:
    """One command of the page, how it ended (None: the shell never came to it) and what it said."""

    command: str
    code: int | None
    said: str


@dataclass(frozen=True)
class Session:
    folder: Path
    typed: tuple[Typed, ...]

    def of(self, start: str) -> Typed:
        return next(one for one in self.typed if one.command.startswith(start))


def environment() -> dict[str, str]:
    """The caller's, without settings of MIDAS, with this interpreter's programs first on the path.

    Compiled modules are kept, as on a person's machine: thirty programs start here.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": programs, "PYTHONUTF8": "1", "XDG_CACHE_HOME": "cache", "COLUMNS": "200"}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def script_of(commands: list[str]) -> str:
    lines = ["set -o pipefail", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    for number, command in enumerate(commands):
        lines += [
            command,
            f"code=$?; printf '\\n@@ %d %d @@\\n' {number} $code; test $code = 0 || exit $code",
        ]
    return "\n".join(lines) + "\n"


def run_in_one_shell(commands: list[str], folder: Path) -> tuple[Typed, ...]:
    """Type the commands into one bash until one fails; what runs in the background ends with it."""
    (folder / "session.sh").write_text(script_of(commands), "utf-8")
    with (folder / "session.log").open("wb") as log:
        shell = subprocess.Popen(
            ["bash", "session.sh"], cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            shell.wait(LIMIT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
        shell.wait()
    said = (folder / "session.log").read_text("utf-8", "replace")
    parts = re.split(r"\n@@ (\d+) (\d+) @@\n", said)
    ended = {int(parts[at + 1]): (int(parts[at + 2]), parts[at]) for at in range(0, len(parts) - 2, 3)}
    return tuple(
        Typed(command, *ended.get(number, (None, parts[-1][-3000:])))
        for number, command in enumerate(commands)
    )


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("by-hand")
    port = free_port()
    commands = [command.replace(PORT, port) for command in console_commands(PAGE)]
    return Session(folder, run_in_one_shell(commands, folder))
