"""David Clunie's dciodvfy finds no error in what left the hospital that it did not find in what came in."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.journey_demo import Demo

from midas.kernel import sha256_file
from midas.testing.demo.story import DATASETS

pytestmark = pytest.mark.system("dciodvfy")
EACH = 25
"""Outputs looked at for each dataset: every kind, and of long series every few."""


def errors(path: Path) -> set[str]:
    """Return dciodvfy's errors without the values in them, so that a shifted date is not a new error."""
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False).stderr.decode(
        "utf-8", "replace"
    )
    lines = (line for line in said.splitlines() if line.startswith("Error"))
    return {re.sub(r"<[^>]*>|= ?\S+|\[\d+\]", "", line) for line in lines}


def outputs(home: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the digest of each output that was sent, with the digests of the files it was made from."""
    with closing(sqlite3.connect(f"file:{home / 'spoke.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT o.sha256, group_concat(i.sha256) FROM outbox_output o"
            " JOIN outbox_output_sources s ON s.output_id = o.id JOIN intake_item i ON i.id = s.item_id"
            " WHERE o.sha256 <> '' GROUP BY o.id ORDER BY i.kind, o.id"
        ).fetchall()
    for sha256, sources in rows[:: max(1, len(rows) // EACH)]:
        yield sha256, tuple(sources.split(","))


@pytest.mark.parametrize("dataset", DATASETS)
def test_deidentification_adds_no_error(demo: Demo, dataset: str) -> None:
    truth = demo.truths[dataset]
    came_in = {one.sha256: Path(demo.place.export(dataset), one.path) for one in truth.expected if one.sha256}
    went_out = {sha256_file(path): path for path in demo.place.release(dataset).rglob("*.dcm")}
    looked = 0
    for sha256, sources in outputs(demo.place.spoke(truth.spoke)):
        files = [came_in[one] for one in sources if one in came_in and came_in[one].is_file()]
        if sha256 not in went_out or not files:
            continue
        known = set().union(*(errors(path) for path in files))
        assert errors(went_out[sha256]) - known == set(), f"{went_out[sha256]} from {files[0].name}"
        looked += 1
    assert looked >= EACH // 2
