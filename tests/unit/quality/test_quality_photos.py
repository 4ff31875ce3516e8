"""Checks of photographs on real pictures and on copies spoilt in one way each; measures against their reference."""

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data
from skimage.measure import blur_effect

from midas.formats import Kind
from midas.ingest import Door, to_dicom
from midas.protocol import load_named
from midas.protocol.model import Limit
from midas.quality import examine, findings
from midas.quality.compression import compressed_twice, luminance_table
from midas.quality.photos import CHECKS, LINEAR, colour_cast, focus_on_subject, photograph, views
from midas.quality.sharpness import blur

PHOTO = next(item for item in load_named("oral-cancer").protocol.items if item.id == "oral-photo")
RANDOM = np.random.default_rng(11)


def mirrored(picture: np.ndarray) -> np.ndarray:
    wide = np.concatenate([picture, picture[:, ::-1]], axis=1)
    return np.ascontiguousarray(np.concatenate([wide, wide[::-1]]))


def good() -> np.ndarray:
    return mirrored(data.astronaut())


def jpeg(picture: np.ndarray, quality: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=quality)
    return held.getvalue()


def decoded(stream: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(stream)).convert("RGB"))


def rules(picture: np.ndarray, **more: object) -> set[str]:
    return {one.rule for one in findings(photograph(picture, **more))}


def middle_blurred(picture: np.ndarray, sigma: float = 4) -> np.ndarray:
    mask = np.zeros(picture.shape[:2], np.float32)
    high, wide = mask.shape
    mask[high // 5 : -high // 5, wide // 5 : -wide // 5] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 8)[..., None]
    return (cv2.GaussianBlur(picture, (0, 0), sigma) * mask + picture * (1 - mask)).astype(np.uint8)


def with_glare(picture: np.ndarray) -> np.ndarray:
    shown = picture.copy()
    for _ in range(60):
        at = tuple(int(v) for v in RANDOM.integers(50, 970, 2))
        cv2.circle(shown, at, 16, (255, 255, 255), -1, cv2.LINE_AA)
    return shown


EVIL = {
    "photo.sharpness": lambda picture: cv2.GaussianBlur(picture, (0, 0), 4),
    "photo.focus-on-subject": middle_blurred,
    "photo.dark": lambda picture: (picture * 0.2).astype(np.uint8),
    "photo.overexposed": lambda picture: np.clip(picture * 2.5, 0, 255).astype(np.uint8),
    "photo.colour-cast": lambda picture: (picture * np.array([1.0, 0.8, 0.55])).astype(np.uint8),
    "photo.reflection": with_glare,
    "photo.resolution": lambda picture: cv2.resize(picture, (480, 480), interpolation=cv2.INTER_AREA),
}


def test_a_good_photograph_raises_nothing_and_every_check_says_that_it_ran() -> None:
    stream = jpeg(good(), 92)
    seen = photograph(decoded(stream), stream=stream)
    assert findings(seen) == ()
    assert {one.check for one in seen} == {check.id for check in CHECKS} - {"photo.views"}
    assert all(one.value is not None for one in seen)


@pytest.mark.parametrize("rule", EVIL)
def test_each_spoilt_copy_raises_what_it_was_spoilt_by(rule: str) -> None:
    found = rules(EVIL[rule](good()))
    assert rule in found
    assert found <= {rule, "photo.overexposed", "photo.sharpness", "photo.reflection"}


def test_a_camera_that_moved_is_seen() -> None:
    """A real picture: a clock photographed by a camera in motion."""
    assert "photo.sharpness" in rules(data.clock())


def test_a_copy_compressed_again_is_seen_and_one_compressed_once_is_not() -> None:
    once = jpeg(good(), 70)
    again = jpeg(decoded(once), 90)
    assert "photo.recompressed" not in rules(decoded(once), stream=once)
    assert "photo.recompressed" in rules(decoded(again), stream=again)
    assert "photo.recompressed" not in rules(good()), "without a stream nothing is said"


ONCE = ("astronaut", "chelsea", "coffee", "grass", "gravel", "brick", "camera", "immunohistochemistry")


@pytest.mark.parametrize("last", [75, 85, 95])
def test_recompression_over_real_pictures(last: int) -> None:
    """An earlier compression that was clearly coarser is found in every picture; none is accused that has none."""
    for name in ONCE:
        picture = getattr(data, name)()
        picture = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
        single, double = jpeg(picture, last), jpeg(decoded(jpeg(picture, last - 20)), last)
        assert compressed_twice(decoded(single), luminance_table(single)) < 0.3, name
        assert compressed_twice(decoded(double), luminance_table(double)) > 0.3, name


def test_a_png_that_was_a_jpeg_is_found_on_its_own_grid_of_blocks() -> None:
    """scikit-image's coins.png was compressed before it came into the package; moved by any pixels it shows no trace."""
    for moved in ((0, 0), (0, 4), (1, 0), (3, 5)):
        stream = jpeg(np.ascontiguousarray(data.coins()[moved[0] :, moved[1] :]), 95)
        found = compressed_twice(decoded(stream), luminance_table(stream))
        assert (found > 0.3) == (moved == (0, 0)), moved


def test_the_limits_of_recompression_are_as_documented() -> None:
    """A finer earlier compression and a copy made smaller in between leave no trace in the histograms."""
    for twice in (
        jpeg(decoded(jpeg(good(), 95)), 70),
        jpeg(cv2.resize(decoded(jpeg(good(), 60)), (700, 700), interpolation=cv2.INTER_AREA), 90),
    ):
        assert compressed_twice(decoded(twice), luminance_table(twice)) < 0.3
    assert luminance_table(b"no JPEG") is None


@pytest.mark.parametrize("name", ["camera", "coins", "brick", "clock", "moon", "cell", "page"])
def test_blur_is_what_the_reference_implementation_says(name: str) -> None:
    grey = getattr(data, name)()
    for sigma in (0, 1, 3):
        shown = cv2.GaussianBlur(grey, (0, 0), sigma) if sigma else grey
        assert blur(shown) == pytest.approx(blur_effect(shown, h_size=11), abs=2e-3)


def test_blur_grows_with_blurring() -> None:
    for name in ("astronaut", "coffee", "retina"):
        grey = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
        seen = [blur(cv2.GaussianBlur(grey, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4, 8)]
        assert seen == sorted(seen), name


def test_focus_compares_the_middle_with_its_surroundings() -> None:
    for name in ("astronaut", "chelsea", "coffee"):
        picture = getattr(data, name)()
        plain, wrong = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (picture, middle_blurred(picture)))
        assert focus_on_subject(plain) < 0.25 < focus_on_subject(wrong), name
    assert focus_on_subject(np.full((300, 300), 90, np.uint8)) is None


@settings(max_examples=20)
@given(st.tuples(*[st.floats(0.4, 1.0)] * 3))
def test_the_colour_of_a_lamp_is_found(lamp: tuple[float, float, float]) -> None:
    """Grey surfaces under a coloured lamp: the angle is that between the lamp and white."""
    levels = cv2.resize(RANDOM.uniform(0.1, 0.6, (40, 40)), (400, 400), interpolation=cv2.INTER_NEAREST)
    light = levels[..., None] * np.array(lamp)
    shown = np.searchsorted(LINEAR, light.astype(np.float32)).astype(np.uint8)
    wanted = np.degrees(np.arccos(min(1.0, sum(lamp) / (np.sqrt(3) * np.linalg.norm(lamp)))))
    assert colour_cast(shown) == pytest.approx(wanted, abs=1.5)


def test_grey_tiny_and_wrong_pixels() -> None:
    grey = {one.check: one.value for one in photograph(data.camera())}
    assert grey["photo.colour-cast"] is None
    assert grey["photo.reflection"] is None
    assert photograph(np.zeros((3, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="8-bit"):
        photograph(np.zeros((10, 10), np.uint16))


def test_the_protocol_sets_the_limit_and_the_severity() -> None:
    small = cv2.resize(good(), (500, 500), interpolation=cv2.INTER_AREA)
    asked = Limit(check="photo.resolution", min=400, severity="error", cites="the hub's own trial")
    assert "photo.resolution" not in rules(small, item=PHOTO.model_copy(update={"quality": (asked,)}))
    stricter = PHOTO.model_copy(update={"quality": (asked.model_copy(update={"min": 700}),)})
    (found,) = findings(photograph(small, item=stricter))
    assert (found.severity, found.cites) == ("error", "the hub's own trial")
    assert "500" in found.message
    assert "700" in found.message


def test_an_eye_is_not_asked_for_white_light() -> None:
    fundus = data.retina()
    assert "photo.colour-cast" in rules(fundus)
    assert rules(fundus, modality="OP") == set()


def test_missing_views_are_named() -> None:
    seen = views(PHOTO.views[1:], item=PHOTO, scope="P-1/first")
    assert (seen.value, seen.finding.rule) == (1, "photo.views")
    assert PHOTO.views[0] in seen.finding.message
    assert views(PHOTO.views, item=PHOTO).finding is None
    lenient = PHOTO.model_copy(update={"quality": (Limit(check="photo.views", max=1),)})
    assert views(PHOTO.views[1:], item=lenient).finding is None


DOOR = Door(
    patient_id="P-1", study_date=None, view=None, laterality=None, anatomy=None, modality="XC", specimen=None,
    objective_power=None, mpp_um=None, study_key="s", series_key="photo-1",
)  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.JPEG, Kind.PNG])
def test_photographs_are_checked_as_dicom_by_the_one_examination(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(jpeg(decoded(jpeg(EVIL["photo.sharpness"](good()), 60)), 90))
    if kind is Kind.PNG:
        Image.open(path).save(path, "PNG")
    (file,) = to_dicom(path, kind=kind, door=replace(DOOR), out=tmp_path / "out")
    found = {one.rule for one in findings(examine([file], PHOTO))}
    assert "photo.sharpness" in found
    assert ("photo.recompressed" in found) == (kind is Kind.JPEG)
    assert pydicom.dcmread(file).Modality == "XC"
