"""Checks of CT, MR and X-ray on phantoms: good ones raise nothing, each spoilt one raises what it was spoilt by."""

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from scipy.ndimage import gaussian_filter
from skimage.exposure import is_low_contrast
from skimage.registration import phase_cross_correlation
from skimage.restoration import estimate_sigma
from tests.unit.quality import phantoms

from midas.kernel import Severity
from midas.protocol import load_named
from midas.protocol.model import Limit
from midas.quality import examine, findings, registry
from midas.quality.checks import bounds, unknown_limits
from midas.quality.ct import local_deviation, noise_of
from midas.quality.grey import distinct
from midas.quality.image import Image
from midas.quality.mr import RAYLEIGH, focus_entropy, ghosting, regions, signal_to_noise
from midas.quality.steadiness import shift
from midas.quality.xray import sigma

ITEMS = {item.id: item for name in ("oral-cancer", "meningioma") for item in load_named(name).protocol.items}
CT, MR = ITEMS["face-neck-ct"], ITEMS["brain-mr"].model_copy(update={"min_instances": 1})
XRAY = CT.model_copy(update={"modalities": ("DX",), "sop_classes": (), "acquisition": ()})
RANDOM = np.random.default_rng(7)


def rules(sources, item, *, whole=False) -> set[str]:
    return {one.rule for one in findings(examine(sources, item, whole=whole)) if one.severity != "info"}


def value(sources, item, check, *, whole=False) -> float | None:
    return next(one.value for one in examine(sources, item, whole=whole) if one.check == check)


def test_good_phantoms_raise_nothing_and_every_check_says_that_it_ran():
    for make, item in ((phantoms.ct, CT), (phantoms.mr, MR)):
        assert rules(phantoms.series(make), item, whole=True) == set()
        ran = {one.check for one in examine(phantoms.series(make), item, whole=True)}
        wanted = {
            check.id for check in registry().values()
            if check.concerns(item.modalities[0]) and check.id.split(".")[0] in {"image", "series", "ct", "mr"}
        }  # fmt: skip
        failures = {
            "image.unreadable",
            "image.unexamined",
            "image.pixels-unreadable",
            "image.acquisition-unknown",
        }
        assert wanted - ran - failures == set()
    assert rules([phantoms.xray()], XRAY) == set()


def with_(ds, **values):
    for keyword, given in values.items():
        setattr(ds, keyword, given)
    return ds


def without(ds, *keywords):
    for keyword in keywords:
        delattr(ds, keyword)
    return ds


def metal():
    values = phantoms.ct_pixels(RANDOM)
    values[120:132, 120:132] = 3060
    return phantoms.ct(pixels=values)


def not_a_number(ds):
    """A distance that is no number, as it comes from a file."""
    ds._dict[Tag("PixelSpacing")] = RawDataElement(Tag("PixelSpacing"), "DS", 8, b"NaN\\NaN ", 0, False, True)
    return ds


def eight_levels(ds):
    pixels = np.frombuffer(ds.PixelData, np.uint16)
    ds.PixelData = ((pixels // 512) * 512).astype(np.uint16).tobytes()
    return ds


@pytest.mark.parametrize(
    ("make", "item", "rule"),
    [
        (lambda: phantoms.ct(pixels=phantoms.ct_pixels(RANDOM, noise=70)), CT, "ct.noise"),
        (lambda: phantoms.ct(pixels=phantoms.ct_pixels(RANDOM, radius=0.6)), CT, "ct.truncated"),
        (metal, CT, "ct.metal"),
        (lambda: with_(phantoms.ct(), RescaleIntercept=0), CT, "ct.air"),
        (lambda: without(phantoms.ct(), "RescaleSlope"), CT, "image.rescale"),
        (lambda: with_(phantoms.ct(), RescaleType="US"), CT, "image.rescale"),
        (lambda: with_(phantoms.ct(), HighBit=15), CT, "image.bit-depth"),
        (lambda: with_(phantoms.ct(), BitsStored=8, HighBit=7), CT, "image.bit-depth"),
        (lambda: eight_levels(phantoms.ct()), CT, "image.grey-levels"),
        (lambda: with_(phantoms.ct(), LossyImageCompression="01"), CT, "image.lossy"),
        (lambda: with_(phantoms.ct(), LossyImageCompression="01", LossyImageCompressionRatio=[4, 3]), CT, "image.lossy"),
        (lambda: without(phantoms.ct(), "ImageType"), CT, "image.iod"),
        (lambda: with_(phantoms.ct(), StudyInstanceUID=""), CT, "image.iod"),
        (lambda: phantoms.mr(pixels=phantoms.mr_pixels(RANDOM, noise=150)), MR, "mr.snr"),
        (lambda: phantoms.mr(pixels=phantoms.mr_pixels(RANDOM, ghost=0.2)), MR, "mr.ghost"),
        (lambda: phantoms.xray(phantoms.xray_pixels(RANDOM, noise=300)), XRAY, "xray.noise"),
        (lambda: phantoms.xray(phantoms.xray_pixels(RANDOM, noise=2, span=0.03)), XRAY, "xray.contrast"),
        (lambda: phantoms.xray(phantoms.xray_pixels(RANDOM, span=3)), XRAY, "xray.clipped"),
        (lambda: with_(phantoms.ct(), PixelSpacing=["0", "0"]), CT, "image.spacing"),
        (lambda: with_(phantoms.ct(), PixelSpacing=["0.5", "-0.5"]), CT, "image.spacing"),
        (lambda: with_(phantoms.mr(), PixelSpacing=["0.5", "0"]), MR, "image.spacing"),
        (lambda: with_(phantoms.mr(), PixelSpacing="0.5"), MR, "image.spacing"),
        (lambda: not_a_number(phantoms.ct()), CT, "image.spacing"),
        (lambda: with_(phantoms.xray(), ImagerPixelSpacing=["0", "0.1"]), XRAY, "image.spacing"),
        (lambda: with_(phantoms.xray(), DeviationIndex="-4.2"), XRAY, "xray.exposure"),
        (lambda: with_(phantoms.xray(), DeviationIndex="5"), XRAY, "xray.exposure"),
        (lambda: with_(phantoms.xray(), LossyImageCompression="01", LossyImageCompressionRatio=12), XRAY, "xray.lossy"),
        (lambda: with_(phantoms.xray(), BitsStored=6, HighBit=5), XRAY, "xray.bit-depth"),
    ],
)  # fmt: skip
def test_each_spoilt_image_is_named(make, item, rule):
    found = {one.rule: one for one in findings(examine([make()], item))}
    assert rule in found
    assert "" not in (found[rule].advice, found[rule].cites)


@pytest.mark.parametrize("spacing", [["0.5", "0.5"], ["1e-3", "200"], None])
def test_a_possible_distance_or_none_is_no_fault(spacing):
    made = phantoms.mr()
    made.PixelSpacing = spacing
    assert "image.spacing" not in {one.rule for one in findings(examine([made], MR))}


@pytest.mark.parametrize("make", [phantoms.ct, phantoms.mr])
@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda made: made.pop(5), "series.slice-gap"),
        (lambda made: made.append(made[3]), "series.duplicate"),
        (lambda made: with_(made[4], ImagePositionPatient=[0, 0, 8.9]), "series.spacing"),
        (lambda made: with_(made[4], ImageOrientationPatient=[1, 0, 0, 0, 0.9397, 0.342]), "series.orientation"),
        (lambda made: [with_(one, SliceThickness=0.0001) for one in made] and
            [with_(one, ImagePositionPatient=[0, 0, 5 * n]) for n, one in enumerate(made)], "series.unseen"),
        (lambda made: with_(made[2], PixelSpacing=[0.5, 0.5]), "series.pixel-spacing"),
        (lambda made: with_(made[2], PatientBirthDate="19700101"), "series.mixed"),
        (lambda made: with_(made[2], PatientSex="M"), "series.mixed"),
        (lambda made: with_(made[0], SeriesDescription="AX T1 POST GAD"), "series.contrast"),
        (lambda made: with_(made[7], ContrastBolusAgent="Agent"), "series.contrast"),
        (lambda made: [with_(one, SeriesDescription="PLAIN", ContrastBolusAgent="X") for one in made], "series.contrast"),
    ],
)  # fmt: skip
def test_each_spoilt_series_is_named(make, spoil, rule):
    made = phantoms.series(make)
    spoil(made)
    item = CT if make is phantoms.ct else MR
    assert rule in rules(made, item, whole=True)


def test_a_named_contrast_that_is_given_and_a_plain_series_are_well():
    for name, agent in (
        ("POST GAD", "Agent"),
        ("AX T1 W/O CONTRAST", ""),
        ("PRE CONTRAST", ""),
        ("AXIAL", "Agent"),
    ):
        made = [
            with_(ds, SeriesDescription=name, ContrastBolusAgent=agent) for ds in phantoms.series(phantoms.mr)
        ]
        assert "series.contrast" not in rules(made, MR, whole=True)


@pytest.mark.parametrize(
    ("make", "pixels"), [(phantoms.ct, phantoms.ct_pixels), (phantoms.mr, phantoms.mr_pixels)]
)
def test_a_person_who_moved_between_slices_is_seen(make, pixels):
    item = CT if make is phantoms.ct else MR
    moved = [make(n, pixels(RANDOM, shift=(0, 0.06 if n == 6 else 0))) for n in range(12)]
    assert "series.motion" in rules(moved, item, whole=True)
    assert value(moved, item, "series.motion", whole=True) == pytest.approx(0.06 * 256 * 0.8, rel=0.15)


def test_what_lies_outside_a_round_field_is_no_air():
    ds = phantoms.ct()
    values = np.frombuffer(ds.PixelData, np.uint16).astype(np.int32).reshape(256, 256) - 1024
    values[~phantoms.disc(radius=0.49)] = -3024
    ds.PixelRepresentation, ds.PixelData = 1, values.astype(np.int16).tobytes()
    ds.RescaleIntercept, ds.BitsStored, ds.HighBit = 0, 16, 15
    assert rules([ds], CT) == set()
    assert value([ds], CT, "ct.air") == pytest.approx(-1022, abs=10)


def test_streaks_in_one_slice_are_seen():
    y, x = np.mgrid[: phantoms.SIDE, : phantoms.SIDE]
    angle = np.arctan2(y - 128, x - 118)
    streaks = 250 * np.sign(np.sin(40 * angle))
    made = [
        phantoms.ct(n, phantoms.ct_pixels(RANDOM) + (streaks if n == 4 else 0) * phantoms.disc())
        for n in range(8)
    ]
    assert "ct.streaks" in rules(made, CT, whole=True)


def test_echoes_and_phases_in_one_series_are_no_copies():
    made = phantoms.series(phantoms.mr) + phantoms.series(phantoms.mr)
    for number, ds in enumerate(made):
        ds.SOPInstanceUID, ds.InstanceNumber = f"2.25.9{number}", number + 1
        ds.EchoNumbers = 1 if number < 12 else 2
    assert rules(made, MR, whole=True) == set()
    for ds in made:
        ds.EchoNumbers = 1
    assert "series.same-place" in rules(made, MR, whole=True)


def test_findings_of_many_slices_are_told_once_with_the_worst():
    made = [phantoms.ct(n, phantoms.ct_pixels(RANDOM, noise=50 + 5 * n)) for n in range(6)]
    told = [one for one in findings(examine(made, CT, whole=True)) if one.rule == "ct.noise"]
    assert len(told) == 1
    assert "in 6 of 6 looks" in told[0].message
    assert value(made, CT, "ct.noise", whole=True) == pytest.approx(75, rel=0.1)


def test_the_protocol_sets_thresholds_severities_and_citations():
    strict = Limit(check="ct.noise", max=5, severity="error", cites="local rule 7")
    found = findings(examine([phantoms.ct()], CT.model_copy(update={"quality": (strict,)})))
    assert [(one.rule, one.severity, one.cites) for one in found] == [
        ("ct.noise", Severity.ERROR, "local rule 7")
    ]
    lenient = CT.model_copy(update={"quality": (Limit(check="ct.noise", max=100),)})
    assert bounds(registry()["ct.noise"], lenient)[:3] == (None, 100, Severity.WARNING)
    assert rules([phantoms.ct(pixels=phantoms.ct_pixels(RANDOM, noise=70))], lenient) == set()
    misspelt = CT.model_copy(update={"quality": (Limit(check="ct.nosie", max=100),)})
    assert unknown_limits(misspelt) == ("ct.nosie",)
    assert rules([phantoms.ct()], misspelt) == {"protocol.unknown-limit"}


def test_a_header_that_no_check_expects_stops_that_check_alone():
    ds = phantoms.ct()
    ds.NumberOfFrames, ds.ImageOrientationPatient = 1, [1, 0, 0]
    assert rules([ds], CT, whole=True) == set()
    made = phantoms.series(phantoms.ct)
    made[3].ImagePositionPatient = None
    made[4].PixelSpacing = []
    assert rules(made, CT, whole=True) <= {
        "series.pixel-spacing",
        "image.iod",
        "series.slice-gap",
        "image.unexamined",
    }


def test_a_shipped_protocol_sets_no_limit_that_no_check_has():
    assert all(unknown_limits(item) == () for item in ITEMS.values())


# Each measure against its definition, or the implementation that others use.


@pytest.mark.parametrize("noise", [5, 20, 60])
def test_the_noise_of_a_ct_slice_is_that_put_in(noise):
    found = noise_of(phantoms.ct_pixels(RANDOM, noise=noise).astype(np.float32), 0.8)
    assert found is not None
    assert found.usual == pytest.approx(noise, rel=0.1)


def test_local_deviations_are_those_of_numpy():
    values = RANDOM.normal(40, 30, (64, 64)).astype(np.float32)
    mean, deviation = local_deviation(values, 5)
    part = values[18:23, 28:33]
    assert mean[10, 15] == pytest.approx(part.mean(), rel=1e-4)
    assert deviation[10, 15] == pytest.approx(part.std(), rel=1e-3)


@pytest.mark.parametrize("noise", [20, 60, 150])
def test_the_noise_of_an_xray_agrees_with_scikit_image(noise):
    image = phantoms.xray_pixels(RANDOM, noise=noise)
    assert sigma(image.astype(np.float32)) == pytest.approx(noise, rel=0.1)
    assert sigma(image.astype(np.float32)) == pytest.approx(estimate_sigma(image), rel=0.15)


@pytest.mark.parametrize("span", [0.02, 0.05, 0.5, 1])
def test_low_contrast_is_what_scikit_image_calls_so(span):
    image = np.clip(np.rint(phantoms.xray_pixels(RANDOM, noise=1, span=span)), 0, 4095).astype(np.uint16)
    low = is_low_contrast(image / 4095.0, fraction_threshold=0.05)
    assert ("xray.contrast" in rules([phantoms.xray(image)], XRAY)) == low


def test_levels_are_those_of_numpy():
    for kind in (np.int16, np.uint16, np.uint8, np.int32):
        raw = RANDOM.integers(-90 if np.iinfo(kind).min else 0, 120, (40, 50)).astype(kind)
        assert distinct(raw) == len(np.unique(raw))


@pytest.mark.parametrize("noise", [4, 12, 30])
def test_signal_to_noise_is_that_put_in(noise):
    values = phantoms.mr_pixels(RANDOM, noise=noise).astype(np.float32)
    parts = regions(values)
    assert parts is not None
    assert signal_to_noise(values[parts.body], values[parts.air]) == pytest.approx(600 / noise, rel=0.08)
    assert pytest.approx(0.655, abs=5e-4) == RAYLEIGH


def test_air_set_to_zero_tells_no_noise():
    values = np.where(phantoms.disc(), 500.0, 0.0).astype(np.float32)
    parts = regions(values)
    assert parts is not None
    assert signal_to_noise(values[parts.body], values[parts.air]) is None


def test_ghosts_grow_as_they_are_put_in():
    found = []
    for ghost in (0.0, 0.05, 0.1, 0.2):
        values = phantoms.mr_pixels(np.random.default_rng(1), ghost=ghost).astype(np.float32)
        parts = regions(phantoms.mr_pixels(np.random.default_rng(1)).astype(np.float32))
        found.append(ghosting(values, parts))
    assert found[0] < 0.01
    assert found == sorted(found)


def test_the_entropy_focus_criterion_has_its_ends_and_grows_with_motion():
    one = np.zeros((64, 64), np.float32)
    one[3, 4] = 9
    assert focus_entropy(one) == pytest.approx(0, abs=1e-6)
    assert focus_entropy(np.full((64, 64), 5, np.float32)) == pytest.approx(1, rel=1e-5)
    still = np.where(phantoms.disc(), 600.0, 0).astype(np.float32)
    moved = (still + np.roll(still, 30, 0) + np.roll(still, -30, 0)) / 3
    assert focus_entropy(moved) > focus_entropy(still)


def test_shifts_agree_with_scikit_image():
    image = gaussian_filter(RANDOM.normal(0, 1, (128, 128)), 3)
    after = np.roll(image, (5, -7), (0, 1))
    x, y, response = shift(image.astype(np.float32), after.astype(np.float32))
    down, across = -phase_cross_correlation(image, after)[0]
    assert (y, x) == pytest.approx((down, across), abs=0.5)
    assert response > 0.3


def test_a_large_object_is_looked_at_in_a_sample():
    ds = phantoms.ct()
    ds.NumberOfFrames, ds.PixelData = 200, ds.PixelData * 200
    chosen = [one.index for one in Image(ds).sampled()]
    assert len(chosen) == 64
    assert (chosen[0], chosen[-1]) == (0, 199)
