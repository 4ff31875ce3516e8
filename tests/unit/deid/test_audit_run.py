"""An audit of a site: one value with figures, a digest and a floor to compare with; no planted file is left behind."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from midas.compute import here
from midas.deid import Secret, load_profile
from midas.deid.audit import Audit, run
from midas.deid.audit.people import people
from midas.kernel import BadInput

SOURCES = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Path]:
    out = tmp_path_factory.mktemp("audit") / "out"
    sources = [Path(str(get_testdata_file(name))) for name in SOURCES]
    secret = Secret.of(bytes(range(48)))
    audit = run(
        sources, profile=load_profile("research"), keys=secret, seed=5, runner=here(), out=out, number=8
    )
    return audit, out


def test_the_value_counts_held_files_and_says_its_interval(audited: tuple[Audit, Path]) -> None:
    audit, _ = audited
    assert audit.files >= 6
    assert audit.lowest < audit.value <= 1
    assert audit.value > 0.8, audit.text()
    assert audit.figures["on_released"]["percent"] > 97, audit.text()
    assert "All required actions" in audit.text()


def test_a_floor_is_met_or_not(audited: tuple[Audit, Path]) -> None:
    audit, _ = audited
    assert audit.meets(floor=0.5, leaks=audit.leaks)
    assert not audit.meets(floor=0.5, files=audit.files + 1, leaks=audit.leaks)
    assert not audit.meets(floor=0.5, leaks=audit.leaks - 1)
    assert not audit.meets(floor=1.000001, leaks=audit.leaks)


def test_it_can_be_carried_and_any_change_of_it_is_seen(audited: tuple[Audit, Path]) -> None:
    audit, out = audited
    told = json.loads((out / "audit.json").read_text())
    assert Audit.from_dict(told) == audit
    assert told["digest"] == audit.digest
    told["figures"]["all"]["right"] += 1
    with pytest.raises(BadInput):
        Audit.from_dict(told)


def test_planted_files_are_gone_and_the_page_loads_nothing(audited: tuple[Audit, Path]) -> None:
    _, out = audited
    assert sorted(path.name for path in out.iterdir()) == ["audit.html", "audit.json"]
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("https://", "")
    families = {person.facts["family"] for person in people(2, random.Random(5))}
    assert not [name for name in families if name in (out / "audit.json").read_text()]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "x").write_text("x")
    with pytest.raises(BadInput, match="not empty"):
        run(
            [],
            profile=load_profile("research"),
            keys=Secret.of(bytes(range(48))),
            seed=1,
            runner=here(),
            out=tmp_path,
        )
