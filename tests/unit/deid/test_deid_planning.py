"""A plan says of each series whether a face is cut or a person must look, as cleaning would do it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.deid_bench import USUAL, profile
from tests.face_phantoms import Scan, make, mean_head, save

from midas.compute import here
from midas.deid import Item, Secret, run
from midas.deid.batch import workplace
from midas.deid.model import Profile, Thresholds
from midas.deid.planning import Planned, plan_all, plan_file
from midas.kernel import NoProgress

ASKED = profile(*USUAL, "clean-recognizable-visual-features")
SECRET = Secret.of(bytes(range(40)))


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    scan = Scan(modality="CT", pixel_mm=4.0, slice_mm=4.0, window=(0.0, 200.0), seed=21)
    return save(make(mean_head(), scan), tmp_path_factory.mktemp("planned"))


def plans(paths: list[Path], wanted: Profile) -> list[Planned]:
    with workplace(SECRET) as place:
        items = [Item(path, place.folder / path.name, path.name) for path in paths]
        found = plan_all(items, place=place, profile=wanted, runner=here(), progress=NoProgress())
        return [planned for _, planned in found]


def test_a_plan_says_where_a_face_is_cut_and_cleaning_does_it(head: list[Path], tmp_path: Path) -> None:
    found = plans(head, ASKED)
    assert all(one.face and not one.reason for one in found)
    cut = {
        path.name for path, one in zip(head, found, strict=True) if any(p.part == "face" for p in one.parts)
    }
    assert 0 < len(cut) <= len(head)
    items = [Item(path, tmp_path / path.name, path.name) for path in head]
    batch = run(items, profile=ASKED, keys=SECRET, runner=here())
    assert {one.state for one in batch.outcomes} == {"cleaned"}
    assert {item.target.name for item, one in zip(items, batch.outcomes, strict=True) if one.masked} == cut


def test_one_slice_is_planned_with_its_series(head: list[Path]) -> None:
    middle = head[len(head) // 2]
    alone = plan_file(middle, profile=ASKED, secret=SECRET)
    assert alone.face == plans(head, ASKED)[len(head) // 2].face
    assert alone.to_dict()["face"] == alone.face


def test_what_a_person_must_see_is_planned_as_held(head: list[Path]) -> None:
    shown = replace(ASKED, thresholds=Thresholds(unattended=False))
    assert "recognisable-face" in {one.reason for one in plans(head, shown)}
    few = plans(head[:3], ASKED)
    assert {(one.reason, bool(one.steps)) for one in few} <= {("", True), ("recognisable-face", False)}


def test_where_no_face_is_asked_for_none_is_looked_at(head: list[Path]) -> None:
    assert {one.face for one in plans(head[:2], profile(*USUAL))} == {""}
