"""The registry: each check is whole, told in two languages, written down in docs/checks.md; what an object must hold."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from tests.unit.quality import phantoms

from midas.protocol import load_named
from midas.protocol.model import Limit
from midas.quality import examine, findings, registry
from midas.quality.conformance import missing

ROOT = Path(__file__).resolve().parents[3]
ITEMS = {item.id: item for name in ("oral-cancer", "meningioma") for item in load_named(name).protocol.items}


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_each_check_is_whole():
    for check in registry().values():
        assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", check.id), check.id
        assert set(check.title) >= {"en", "hi"}
        assert re.search(r"[\u0900-\u097f]", check.title["hi"]), check.id
        assert all((check.advice, check.cites, check.title["en"])), check.id
        assert set(check.default) <= {"min", "max"}
        assert Limit(check=check.id, severity="info").check == check.id


def test_the_table_of_checks_is_that_of_the_code():
    made = tool("generate_checks")
    assert made.FILE.read_text("utf-8") == made.text(), "run python tools/generate_checks.py"


def test_the_table_of_objects_is_that_of_the_standard():
    made = tool("generate_iods")
    assert made.OUT.read_text("utf-8") == made.text(), "run python tools/generate_iods.py"


@pytest.mark.system("dciodvfy")
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("make", [phantoms.ct, phantoms.mr, phantoms.xray])
def test_what_is_missing_is_also_missing_for_dciodvfy(make, tmp_path):
    """Each attribute is taken out in turn; both call the same ones required. (By the modality dciodvfy goes itself.)"""
    whole = make()
    assert missing(whole) == ((), ())
    names = [
        element.keyword for element in whole
        if element.keyword and not element.keyword.startswith(("PixelData", "SOP", "Modality")) and element.VR != "SQ"
    ]  # fmt: skip
    ours, theirs = set(), set()
    base = _missing_there(whole, tmp_path)
    for name in names:
        ds = make()
        delattr(ds, name)
        if any(name in part for part in missing(ds)):
            ours.add(name)
        if name in _missing_there(ds, tmp_path) - base:
            theirs.add(name)
    assert ours
    assert ours == theirs


def _missing_there(ds: Dataset, folder: Path) -> set[str]:
    path = folder / "one.dcm"
    ds.save_as(path)
    told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False).stderr
    return set(re.findall(r"</(\w+)\([^)]*\)> - Missing attribute for Type [12] Required", told))


def enhanced(positions, **shared):
    """An enhanced MR object of frames at these places in mm, one disc each."""
    import numpy as np
    from pydicom.uid import EnhancedMRImageStorage

    ds = phantoms.mr()
    frames = [phantoms.mr_pixels(np.random.default_rng(n)) for n in range(len(positions))]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    ds.NumberOfFrames = len(positions)
    ds.PixelData = np.clip(np.rint(np.stack(frames)), 0, 4095).astype(np.uint16).tobytes()
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, name)
    for name, value in shared.items():
        setattr(ds, name, value)
    group, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.8], 2.0
    group.PlaneOrientationSequence, group.PixelMeasuresSequence = [plane], [measures]
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [group], []
    for at in positions:
        own, place = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, at]
        own.PlanePositionSequence = [place]
        ds.PerFrameFunctionalGroupsSequence.append(own)
    return ds


def test_an_enhanced_object_is_looked_at_frame_by_frame():
    mr = ITEMS["brain-mr"]
    told = {one.check: one for one in examine([enhanced([2.0 * n for n in range(12)])], mr, whole=True)}
    assert told["series.spacing"].value == 0
    assert told["series.too-few"].value == 12
    assert told["mr.snr"].value == pytest.approx(75, rel=0.1)
    assert {name for name, one in told.items() if name.startswith("series.") and one.finding} == set()
    gap = examine([enhanced([2.0 * n for n in range(13) if n != 6])], mr, whole=True)
    assert "series.slice-gap" in {one.rule for one in findings(gap)}


def test_a_protocol_with_a_misspelt_limit_is_told_so_by_its_check(tmp_path):
    from midas.cli.protocol import check
    from midas.kernel import BadInput

    source = load_named("oral-cancer").source
    for name, right in (("series.slice-gap", True), ("series.slice-gapp", False)):
        path = tmp_path / f"{name}.yaml"
        limit = f"    quality: [{{check: {name}, severity: error}}]\n"
        path.write_text(
            source.replace("  - id: face-neck-ct\n", f"  - id: face-neck-ct\n{limit}"), encoding="utf-8"
        )
        if right:
            check(str(path))
            continue
        with pytest.raises(BadInput, match=r"series\.slice-gapp"):
            check(str(path))
