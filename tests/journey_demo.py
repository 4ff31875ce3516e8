"""The built demo as the journeys see it, and the command that builds it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.testing.demo.place import Place
from midas.testing.demo.story import Addresses
from midas.testing.hospital import Truth

BUILD_S = 840
"""A cold build takes about a minute on two idle cores; a machine that does other work may take ten times as long."""


@dataclass(frozen=True)
class Demo:
    place: Place
    code: int
    said: str
    seconds: float
    truths: dict[str, Truth]

    @property
    def done(self) -> dict[str, Any]:
        kept: dict[str, Any] = self.place.kept("done.json")
        return kept

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.done["hub"], self.done["spokes"])

    def account(self, role: str) -> dict[str, str]:
        accounts: list[dict[str, str]] = self.place.kept("accounts.json")
        return next(one for one in accounts if one["role"] == role)


def run_demo(home: Path) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "midas.testing.demo", "--once", "--home", str(home), "--port", "18030"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_S, check=False,
        env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    return done.returncode, done.stdout, time.monotonic() - began


def outputs(home: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Return the digest of each file that a spoke made, with the digests of the files it was made from."""
    with closing(sqlite3.connect(f"file:{home / 'spoke.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT o.sha256, group_concat(i.sha256) FROM outbox_output o"
            " JOIN outbox_output_sources s ON s.output_id = o.id JOIN intake_item i ON i.id = s.item_id"
            " WHERE o.sha256 <> '' GROUP BY o.id ORDER BY i.kind, o.id"
        ).fetchall()
    return [(sha256, tuple(sources.split(","))) for sha256, sources in rows]
