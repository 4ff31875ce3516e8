"""David Clunie's dciodvfy finds no error in what left the hospital that it did not find in what came in."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.journey_demo import Demo, outputs

from midas.kernel import sha256_file
from midas.testing.demo.story import DATASETS

pytestmark = [pytest.mark.system("dciodvfy"), pytest.mark.xdist_group("demo")]
EACH = 25
"""Outputs looked at for each dataset: every kind, and of long series every few."""


def errors(path: Path) -> set[str]:
    """Return dciodvfy's errors without the values in them, so that a shifted date is not a new error."""
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False).stderr.decode(
        "utf-8", "replace"
    )
    lines = (line for line in said.splitlines() if line.startswith("Error"))
    return {re.sub(r"(?<!=)<[^>]*>|\[\d+\]", "", line) for line in lines}


@pytest.mark.parametrize("dataset", DATASETS)
def test_deidentification_adds_no_error(demo: Demo, dataset: str) -> None:
    truth = demo.truths[dataset]
    came_in = {one.sha256: Path(demo.place.export(dataset), one.path) for one in truth.expected if one.sha256}
    went_out = {sha256_file(path): path for path in demo.place.release(dataset).rglob("*.dcm")}
    looked = 0
    made = outputs(demo.place.spoke(truth.spoke))
    for sha256, sources in made[:: max(1, len(made) // EACH)]:
        files = [came_in[one] for one in sources if one in came_in and came_in[one].is_file()]
        if sha256 not in went_out or not files:
            continue
        known = set().union(*(errors(path) for path in files))
        assert errors(went_out[sha256]) - known == set(), f"{went_out[sha256]} from {files[0].name}"
        looked += 1
    assert looked >= EACH // 2
