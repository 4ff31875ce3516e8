"""Checks of slides on real stained tissue laid on glass, and on copies spoilt in one way each."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from skimage import data
from skimage.color import hed2rgb, rgb2hed

from midas.formats import Kind
from midas.ingest import Door, to_dicom
from midas.protocol import load_named
from midas.quality import examine, findings
from midas.quality.slides import CHECKS, blur_of, haematoxylin, numbers, optical_density, pen, slide, whole

SLIDE = next(item for item in load_named("oral-cancer").protocol.items if item.id == "histology-slide")
RANDOM = np.random.default_rng(3)
PENS = {
    "green": (20, 140, 60), "pale green": (90, 160, 60), "blue": (30, 60, 180), "light blue": (0, 90, 190),
    "violet": (40, 30, 110), "red": (200, 20, 30), "black": (20, 20, 25),
}  # fmt: skip


def tissue(stain: str) -> np.ndarray:
    """Real immunohistochemistry, or the same with eosin in place of DAB (Ruifrok's vectors)."""
    shown = data.immunohistochemistry()
    if stain == "ihc":
        return shown
    amounts = rgb2hed(shown)
    swapped = np.stack([amounts[..., 0], amounts[..., 2], np.zeros_like(amounts[..., 0])], axis=-1)
    return (np.clip(hed2rgb(swapped), 0, 1) * 255).astype(np.uint8)


def on_glass(stain: str, *, high: int = 1200, wide: int = 1800) -> np.ndarray:
    """Two pieces of tissue on clear glass."""
    part = tissue(stain)
    wider = np.concatenate([part, part[:, ::-1]], axis=1)
    quad = np.concatenate([wider, wider[::-1]])
    whole_of_it = np.tile(quad, (-(-high // 1024), -(-wide // 1024), 1))[:high, :wide]
    glass = np.clip(242 + RANDOM.normal(0, 1.5, (high, wide, 1)), 0, 255).repeat(3, axis=2).astype(np.uint8)
    mask = np.zeros((high, wide), np.uint8)
    cv2.ellipse(mask, (wide * 2 // 5, high // 2), (wide // 4, high // 4), 20, 0, 360, 1, -1)
    cv2.ellipse(mask, (wide * 4 // 5, high * 2 // 5), (wide // 10, high // 5), 0, 0, 360, 1, -1)
    glass[mask > 0] = whole_of_it[mask > 0]
    return glass


def marked(picture: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    shown = picture.copy()
    cv2.line(shown, (150, 150), (500, 100), ink, 14, cv2.LINE_AA)
    cv2.line(shown, (600, 500), (900, 700), ink, 14, cv2.LINE_AA)
    return shown


def pale(picture: np.ndarray, share: float) -> np.ndarray:
    return (242 * (np.maximum(picture, 1) / 242.0) ** share).clip(0, 255).astype(np.uint8)


def rules(picture: np.ndarray) -> set[str]:
    return {one.rule for one in findings(slide(numbers(picture), [0.3], mpp=0.5, power=20))}


@pytest.mark.parametrize("stain", ["ihc", "he"])
def test_a_good_slide_raises_nothing(stain: str) -> None:
    blurs = [blur_of(tile, 0.5) for tile in (tissue(stain)[:256, :256], tissue(stain)[256:, 256:])]
    seen = list(slide(numbers(on_glass(stain)), blurs, mpp=0.25, power=40))
    assert findings(seen) == ()
    assert {one.check for one in seen} == {check.id for check in CHECKS}
    assert all(one.value is not None for one in seen)


@pytest.mark.parametrize("stain", ["ihc", "he"])
@pytest.mark.parametrize("ink", PENS)
def test_pens_are_found_on_glass_and_on_tissue(stain: str, ink: str) -> None:
    plain = on_glass(stain)
    assert not pen(plain).any()
    found = pen(marked(plain, PENS[ink]))
    drawn = np.abs(marked(plain, PENS[ink]).astype(int) - plain).max(axis=2) > 40
    assert (found & drawn).sum() > 0.6 * drawn.sum()
    assert (found & ~drawn).sum() < 0.1 * drawn.sum()
    assert "slide.pen" in rules(marked(plain, PENS[ink]))


def test_an_empty_glass_a_pale_and_a_dark_stain() -> None:
    glass = np.clip(242 + RANDOM.normal(0, 2, (800, 1000, 3)), 0, 255).astype(np.uint8)
    assert rules(glass) == {"slide.tissue"}
    for stain in ("ihc", "he"):
        assert rules(pale(on_glass(stain), 0.25)) >= {"slide.stain", "slide.haematoxylin"}
    glass[200:600, 300:700] = (35, 10, 40)
    assert rules(glass) == {"slide.stain"}


def test_tissue_is_counted_as_it_was_laid() -> None:
    """A piece of known size in one stained colour."""
    slide = np.full((600, 800, 3), 240, np.uint8)
    slide[100:400, 200:600] = (170, 110, 160)
    assert whole(slide).tissue.mean() == pytest.approx(300 * 400 / (600 * 800), rel=0.02)


def test_blurred_tiles_are_counted_and_glass_is_not() -> None:
    sharp = [tissue("he")[row : row + 256, column : column + 256] for row in (0, 256) for column in (0, 256)]
    soft = [cv2.GaussianBlur(tile, (0, 0), 4) for tile in sharp]
    glass = [np.full((256, 256, 3), 240, np.uint8)] * 5

    assert max(blur_of(tile, 0.5) for tile in sharp) < 0.55 < min(blur_of(tile, 0.5) for tile in soft)
    assert {blur_of(tile, 0.5) for tile in glass} == {None}
    (share,) = (
        one.value for one in slide({}, [0.4, 0.4, 0.4, 0.7], mpp=0.5, power=20) if one.check == "slide.focus"
    )
    assert share == 25
    twice = [cv2.resize(tile, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for tile in sharp]
    assert max(blur_of(tile, 0.25) for tile in twice) < 0.55, (
        "at 40x a pixel is half as wide, and less sharp by nature"
    )


@pytest.mark.parametrize(
    ("mpp", "power", "wrong"),
    [
        (0.25, 40, set()), (0.5, 20, set()), (0.23, 40, set()), (0.5, None, set()), (1.0, 10, {"slide.mpp"}),
        (None, 40, {"slide.mpp"}), (0.5, 40, {"slide.magnification"}), (0.25, 20, {"slide.magnification"}),
    ],
)  # fmt: skip
def test_scale_and_objective(mpp: float | None, power: float | None, wrong: set[str]) -> None:
    assert {one.rule for one in findings(slide({}, [], mpp=mpp, power=power))} == wrong


def test_haematoxylin_is_what_the_reference_implementation_separates() -> None:
    """Against scikit-image's colour deconvolution with the same stains: one is a multiple of the other."""
    shown = data.immunohistochemistry()
    density = -np.log10(np.maximum(shown, 1) / 255.0)
    ours, theirs = haematoxylin(density), rgb2hed(shown)[..., 0]
    kept = theirs > 0.02
    assert np.corrcoef(ours[kept], theirs[kept])[0, 1] > 0.999


def test_density_is_of_the_glass_beside_the_tissue() -> None:
    shown = np.full((100, 100, 3), 200, np.uint8)
    shown[:50] = 20
    density = optical_density(shown)
    assert density[0, 0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert density[-1, 0] == pytest.approx([0, 0, 0], abs=1e-3)
    with pytest.raises(ValueError, match="RGB"):
        whole(np.zeros((10, 10), np.uint8))


def test_a_slide_is_checked_as_dicom_by_the_one_examination(tmp_path: Path) -> None:
    """A pyramid, sharp and marked with a pen, then out of focus and with a scale that its objective does not fit."""
    door = Door(
        patient_id="P-1", study_date=None, view=None, laterality=None, anatomy=None, modality="SM", specimen="S-1",
        objective_power=20, mpp_um=None, study_key="s", series_key="slide-1",
    )  # fmt: skip
    plain = on_glass("he", high=2048, wide=2600)
    plain[:300] = 242  # whole tiles of clear glass
    soft = cv2.GaussianBlur(plain, (0, 0), 4)

    def seen(picture: np.ndarray, name: str, mpp: float) -> tuple[set[str], set[str]]:
        path = tmp_path / name
        per_cm = (10000 / mpp,) * 2
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(
                picture, tile=(256, 256), photometric="rgb", resolution=per_cm, resolutionunit="CENTIMETER"
            )
        files = to_dicom(path, kind=Kind.SLIDE, door=door, out=tmp_path / f"{name}-out")
        measured = examine(files, SLIDE, whole=True)
        return {one.check for one in measured}, {one.rule for one in findings(measured)}

    ran, found = seen(marked(plain, PENS["green"]), "marked", 0.5)
    assert ran >= {check.id for check in CHECKS}
    assert {rule for rule in found if rule.startswith("slide.")} == {"slide.pen"}
    assert "image.constant" not in found
    _, found = seen(soft, "soft", 0.25)
    assert {rule for rule in found if rule.startswith("slide.")} == {"slide.focus", "slide.magnification"}
