"""What every test shares: a test that needs a system program says which, and is never silently lost.

Where its program is missing, `@pytest.mark.system("dcmtk")` makes a skip: *not run: needs dcmtk*; with
`REQUIRE_SYSTEM=1` in the environment (as `.ci/run` sets it) it fails. `system("a", "b")` needs both.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from midas.compute import metering

# A busy machine is no fault of the code; benchmarks measure time.
settings.register_profile("midas", deadline=None)
settings.load_profile("midas")

POSTGRES_HOMES = ("/usr/lib/postgresql",)


def _on_path(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) for name in names)


def _postgres() -> bool:
    if shutil.which("initdb") and shutil.which("pg_ctl"):
        return True
    return any(list(Path(home).glob("*/bin/initdb")) for home in POSTGRES_HOMES)


# A name used in `system(...)` → how its presence is known; a name that is not listed is looked up on PATH.
PROGRAMS: dict[str, Callable[[], bool]] = {
    "dcmtk": _on_path("dcmdump", "storescu", "storescp"),
    "orthanc": _on_path("Orthanc"),
    "postgresql": _postgres,
    "slurm": _on_path("sbatch", "slurmctld", "slurmd", "munged"),
    "node": _on_path("node"),
}


def missing_program(name: str) -> bool:
    present = PROGRAMS.get(name, _on_path(name))
    return not present()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let tests with transactions of their own empty the ledger: its tables refuse that; its own tests guard them again."""
    from django.db import connection

    from midas.ledger import guarding

    with django_db_blocker.unblock():
        guarding.remove(connection)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Start each test with no memory of what the ledger wrote in another one's database."""
    for name, kept in (("looking", ("_written",)), ("denying", ("_known", "_rows", "_pending"))):
        if (module := sys.modules.get(f"midas.ledger.{name}")) is not None:
            for one in kept:
                getattr(module, one).clear()


@pytest.fixture(autouse=True)
def no_counters(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests say the same on a machine that tells its energy and on one that does not."""
    monkeypatch.setattr(metering, "POWERCAP", tmp_path_factory.getbasetemp() / "powercap")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before anything of a test is built: is what it needs of the operating system here?"""
    for mark in item.iter_markers("system"):
        if not mark.args:
            pytest.fail(
                'system(...) must name a program, e.g. @pytest.mark.system("dciodvfy")', pytrace=False
            )
        absent = [name for name in mark.args if missing_program(name)]
        if not absent:
            continue
        reason = f"not run: needs {', '.join(absent)}"
        if os.environ.get("REQUIRE_SYSTEM") == "1":
            pytest.fail(f"{reason} (REQUIRE_SYSTEM=1)", pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each test that was not run because the machine lacks a program."""
    lines = sorted(
        {
            f"{report.nodeid}  ({report.longrepr[2].removeprefix('Skipped: ')})"
            for report in terminalreporter.stats.get("skipped", [])
            if isinstance(report.longrepr, tuple) and "not run: needs" in report.longrepr[2]
        }
    )
    if lines:
        terminalreporter.section("not run on this machine")
        for line in lines:
            terminalreporter.write_line(line)
