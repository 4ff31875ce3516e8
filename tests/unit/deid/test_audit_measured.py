"""The audit of a site: a score that travels and names nobody, a page, and nothing planted that is left behind."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from midas.compute import here
from midas.deid import load_profile
from midas.deid.audit.people import people
from midas.deid.audit.report import text
from midas.deid.measured import Measured, measure, rules_digest, write_audit
from midas.kernel import BadInput

SEED = 5


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measured, Path]:
    folder = tmp_path_factory.mktemp("measured")
    sources = [Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm")]
    before = [path.read_bytes() for path in sources]
    found = measure(
        sources, profile=load_profile("research"), seed=SEED, runner=here(), number=8, within=folder
    )
    assert [path.read_bytes() for path in sources] == before
    return found, folder


def test_the_score_counts_held_files_and_says_with_what_it_was_measured(
    measured: tuple[Measured, Path],
) -> None:
    travels, whole = measured[0].score, measured[0].whole
    assert travels.files >= 6
    assert travels.all.right / travels.all.of > 0.8, text(whole)
    assert travels.on_released.right / travels.on_released.of > 0.97, text(whole)
    assert travels.rules == rules_digest()
    assert len(travels.rules) == 64
    assert sum(travels.leaks.values()) == len(whole.leaks)


def test_nothing_planted_is_left_and_the_page_loads_nothing(measured: tuple[Measured, Path]) -> None:
    found, folder = measured
    assert not list(folder.iterdir())
    write_audit(found, folder / "report")
    page = (folder / "report" / "audit.html").read_text(encoding="utf-8")
    assert "All required actions" in page
    assert not [mark for mark in ("<script", "<link", "src=", "@import", "url(") if mark in page]
    told = (folder / "report" / "audit.json").read_text(encoding="utf-8")
    assert not [p.facts["family"] for p in people(2, random.Random(SEED)) if p.facts["family"] in told]
    assert json.loads(told)["all"]["of"] == found.score.all.of


def test_nothing_to_plant_in_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        measure([tmp_path / "none.dcm"], profile=load_profile("research"), seed=1, runner=here(), number=0)
