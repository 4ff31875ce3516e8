"""Whole-slide pyramids as RGB with spacing, at the level that was asked for."""

import numpy as np
import pytest
import tifffile

from midas.formats import sniff
from midas.ingest import Door, to_dicom
from midas.kernel import BadInput
from midas.sdk.images import read_slide


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory):
    """A slide of 1024 by 1536 pixels at 0.5 µm, red above and blue below, in three levels."""
    folder = tmp_path_factory.mktemp("slide")
    base = np.zeros((1024, 1536, 3), np.uint8)
    base[:512], base[512:] = (200, 40, 40), (40, 40, 200)
    with tifffile.TiffWriter(folder / "slide.tif") as tiff:
        for number in range(3):
            step = 2**number
            tiff.write(
                base[::step, ::step], tile=(256, 256), compression="jpeg", photometric="rgb",
                subfiletype=1 if number else 0, resolution=(20000 / step, 20000 / step), resolutionunit=3,
            )  # fmt: skip
    door = Door(
        patient_id="P-0A1B2-C3D4E", study_date=None, view=None, laterality=None, anatomy=None, modality="SM",
        specimen="S1", objective_power=20, mpp_um=0.5, study_key="a", series_key="b",
    )  # fmt: skip
    return to_dicom(folder / "slide.tif", kind=sniff(folder / "slide.tif"), door=door, out=folder / "out")


@pytest.mark.parametrize(
    ("level", "shape", "mm"),
    [(None, (1024, 1536, 3), 0.0005), (0, (1024, 1536, 3), 0.0005), (1, (512, 768, 3), 0.001)],
)
def test_a_level_has_its_size_and_spacing(pyramid, level, shape, mm):
    array, spacing = read_slide(pyramid, level=level)
    assert array.shape == shape
    assert spacing == pytest.approx((mm, mm))
    top, bottom = (
        array[shape[0] // 4, shape[1] // 2].astype(int),
        array[-shape[0] // 4, shape[1] // 2].astype(int),
    )
    assert np.abs(top - (200, 40, 40)).max() < 12
    assert np.abs(bottom - (40, 40, 200)).max() < 12


def test_a_level_that_is_not_there(pyramid):
    with pytest.raises(BadInput, match="no level 9"):
        read_slide(pyramid, level=9)


def test_what_goes_into_a_network_is_channels_first():
    from midas.sdk.training import channels_first

    picture = np.full((5, 7, 3), 255, np.uint8)
    volume = np.full((4, 6, 3), -1000, np.int16)
    assert channels_first(picture).shape == (3, 5, 7)
    assert channels_first(picture).max() == 1.0
    assert channels_first(volume).shape == (1, 4, 6, 3)
    assert channels_first(volume).dtype == np.float32
    assert channels_first(volume).min() == -1000
