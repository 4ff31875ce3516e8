"""A mask counts only where the front of the head, as the picture shows it, lies in it; heads that match are no proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.deid_bench import USUAL, profile
from tests.face_phantoms import Made, Scan, colin, make, mean_head, save

from midas.deid.faces import FaceMask, front, making, of_series, register
from midas.deid.faces.front import FARTHEST_MM, LEAST_CUT, Front, apart, checked, depths
from midas.deid.faces.register import Fit, template
from midas.deid.faces.volume import Volume, header, planes, stacks, volume

ASKED = profile(*USUAL, "clean-recognizable-visual-features")
SCAN = Scan(modality="CT", pixel_mm=4.0, slice_mm=4.0, window=(0.0, 200.0), seed=21)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, list[Path], Volume, Fit]:
    made = make(mean_head(), SCAN)
    paths = save(made, tmp_path_factory.mktemp("checked"))
    seen = volume(stacks(plane for path in paths for plane in planes(header(path), path))[0])
    fit = register.register(seen, ct=True, least=0.8)
    assert fit is not None
    return made, paths, seen, fit


def moved(fit: Fit, shift: tuple[float, float, float], *, pitch: float = 0.0) -> Fit:
    turn = register._pitched(pitch)
    matrix = np.column_stack([turn @ fit.matrix[:, :3], turn @ fit.matrix[:, 3] + np.array(shift)])
    return replace(fit, matrix=matrix)


def mask_of(seen: Volume, fit: Fit) -> FaceMask:
    return making.make(seen, fit, keep=frozenset(), lesions=[], frame="", inverted=False).mask


def passes(seen: Volume, fit: Fit) -> bool:
    found = checked(seen, fit, mask_of(seen, fit))
    return not found.doubt and found.apart <= FARTHEST_MM


def test_the_skin_of_a_matched_face_is_cut_and_no_brain(
    scanned: tuple[Made, list[Path], Volume, Fit],
) -> None:
    _, _, seen, fit = scanned
    found = checked(seen, fit, mask_of(seen, fit))
    assert found.cut >= LEAST_CUT
    assert found.skin > 200
    assert (found.brain, found.doubt) == (0, "")
    assert found.apart <= FARTHEST_MM


@pytest.mark.parametrize(
    ("shift", "pitch"),
    [((0, 20, 0), 0), ((0, 0, 20), 0), ((14, 0, 0), 0), ((0, 0, 0), -20)],
    ids=["back", "low", "aside", "nodded"],
)
def test_a_head_that_overlaps_but_lies_elsewhere_does_not_pass(
    shift: tuple[float, float, float], pitch: float, scanned: tuple[Made, list[Path], Volume, Fit]
) -> None:
    _, _, seen, fit = scanned
    away = moved(fit, shift, pitch=pitch)
    assert register._dice(away.matrix, seen.points, fit.head, seen.seen) > ASKED.thresholds.face_overlap
    assert not passes(seen, away)


def test_a_mask_with_a_hole_over_the_eyes_is_not_believed(
    scanned: tuple[Made, list[Path], Volume, Fit],
) -> None:
    _, _, seen, fit = scanned
    mask = mask_of(seen, fit)
    z = mask.origin[2] + np.arange(mask.grid.shape[0]) * mask.spacing
    top = z.max()
    less = mask.grid.copy()
    less[z > top - 30] = False
    found = checked(seen, fit, replace(mask, grid=less))
    assert found.cut < LEAST_CUT
    assert "skin of the face" in found.doubt
    everything = FaceMask(np.ones_like(seen.values, bool), tuple(seen.origin), seen.step, seen.air)
    assert "brain" in checked(seen, fit, everything).doubt


def broken(what: str, value: float) -> Callable[..., Front]:
    def measured(seen: Volume, fit: Fit, mask: FaceMask) -> Front:
        found = front_checked(seen, fit, mask)
        return replace(found, **{what: value})

    return measured


front_checked = front.checked


@pytest.mark.parametrize(
    ("what", "value", "reason"), [("cut", 0.97, "face-not-cut"), ("apart", 9.0, "head-not-matched")]
)
def test_a_series_whose_check_fails_goes_to_a_person_and_has_no_mask(
    what: str,
    value: float,
    reason: str,
    scanned: tuple[Made, list[Path], Volume, Fit],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "checked", broken(what, value))
    verdict = of_series(scanned[1], out=tmp_path / "mask", profile=ASKED)
    assert (verdict.state, verdict.reason) == ("person", reason)
    assert verdict.findings[0].rule == "deid.risk.face"
    assert not (tmp_path / "mask").exists()


def test_figures_that_leave_a_doubt_say_which() -> None:
    good = Front(seen=900, skin=300, cut=1.0, brain=0, apart=3.0)
    assert good.doubt == ""
    assert "No front" in replace(good, skin=3).doubt
    assert "brain" in replace(good, brain=1).doubt
    assert "97%" in replace(good, cut=0.97).doubt
    assert replace(good, seen=0, skin=0, cut=0.0).doubt == ""


def test_skin_is_where_air_was_seen_and_not_where_slices_end(
    scanned: tuple[Made, list[Path], Volume, Fit],
) -> None:
    _, _, seen, fit = scanned
    depth = depths(seen, fit.head)
    assert (depth[~fit.head & seen.seen] == 0).all()
    assert depth[fit.head].max() > 50
    blind = replace(seen, seen=np.zeros_like(seen.seen))
    assert (depths(blind, fit.head) > 1e5).all()
    assert apart(blind, fit, depths(blind, fit.head)) == float("inf")


def test_the_mask_reaches_the_border_of_the_field_of_view_before_the_face() -> None:
    for y in (-110.0, -141.0, -200.0, -400.0):
        at = np.array([[0.0, y, -60.0], [0.0, y, -120.0], [100.0, y, -60.0], [-100.0, y, -60.0]])
        assert template().at(at, "face", beyond=making.BEYOND).all(), y
    assert (template().part("face") & template().part("brain")).sum() < 20


@pytest.mark.skipif(colin() is None, reason="Debian's mricron-data is not installed")
def test_the_brow_of_another_persons_head_goes(tmp_path: Path) -> None:
    head = colin()
    assert head is not None
    made = make(head, replace(SCAN, window=(0.0, 185.0), seed=22))
    paths = save(made, tmp_path / "in")
    verdict = of_series(paths, out=tmp_path / "mask", profile=ASKED)
    assert verdict.state == "mask", verdict
    gone, face, brain, kept = 0, 0, 0, 0
    mask = FaceMask.load(tmp_path / "mask")
    for number, path in enumerate(paths):
        plane = next(planes(header(path), path))
        row, column = np.mgrid[: plane.rows, : plane.columns]
        cover = mask.inside(plane.at + row[..., None] * plane.down + column[..., None] * plane.across)
        gone, face = gone + (made.face[number] & cover).sum(), face + made.face[number].sum()
        kept, brain = kept + (made.brain[number] & ~cover).sum(), brain + made.brain[number].sum()
    assert gone / face > 0.98
    assert kept / brain > 0.9995
