"""What the tests with real programs share: a PostgreSQL of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own on a socket in a folder; its server refuses to run as root, so it runs as `postgres`."""
    binaries = shutil.which("initdb") or str(max(Path("/usr/lib/postgresql").glob("*/bin/initdb")))
    tools = Path(binaries).parent
    folder = Path(tempfile.mkdtemp(prefix="midas-pg-"))
    lower = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    if lower:
        shutil.chown(folder, "postgres")
    data, options = str(folder / "data"), f"-k {folder} -c listen_addresses='' -c fsync=off"

    def pg(*words: str) -> None:
        subprocess.run([*lower, *words], check=True, capture_output=True, timeout=60)

    pg(str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "midas", "-E", "UTF8", "--no-sync")
    pg(str(tools / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgres://midas@{str(folder).replace('/', '%2F')}/postgres"
    finally:
        pg(str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
