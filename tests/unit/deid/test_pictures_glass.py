"""Text on the glass of slides: found on the slide as a whole, hidden in every tile and on every level, else held."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit
from tests.deid_bench import Bench, ct, profile

from midas.compute import here
from midas.deid import Item, Secret, run
from midas.deid.ahead import levels
from midas.deid.model import Glass, Held, Region
from midas.deid.pictures import frames as decoding
from midas.deid.pictures import glass
from midas.deid.stream import open_file

WSI, TILE = "1.2.840.10008.5.1.4.1.1.77.1.6", 128
OPTIONS = ("clean-pixel-data", "retain-longitudinal-modified-dates", "clean-descriptors")


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """A slide of a million pixels counts as large: the rule is the same, the test is faster."""
    monkeypatch.setattr(glass, "LARGE", 1 << 19)
    monkeypatch.setattr(glass, "LARGEST", 1 << 18)


def slide(wide=1280, tall=1024, text="", at=(60, 60), size=90):
    """Light glass with a piece of stained tissue, and what somebody wrote on it."""
    y, x = np.mgrid[:tall, :wide]
    picture = np.full((tall, wide, 3), 243, "u1")
    piece = np.hypot((x - wide * 0.65) / (wide * 0.25), (y - tall * 0.65) / (tall * 0.25)) < 1
    soft = np.random.default_rng(3).normal(0, 9, (tall // 8, wide // 8)).repeat(8, 0).repeat(8, 1)
    for channel, value in enumerate((196, 130, 178)):
        picture[piece, channel] = np.clip(value + soft[piece], 0, 255)
    image = Image.fromarray(picture)
    if text:
        ImageDraw.Draw(image).text(at, text, font=ImageFont.load_default(size), fill=(20, 20, 70))
    return np.array(image)


def tiles(picture):
    tall, wide = picture.shape[:2]
    for top in range(0, tall, TILE):
        for left in range(0, wide, TILE):
            whole = np.full((TILE, TILE, 3), 255, "u1")
            part = picture[top : top + TILE, left : left + TILE]
            whole[: part.shape[0], : part.shape[1]] = part
            yield whole


def level(picture, *, jpeg=True, number=1, **more):
    ds = ct(SOPClassUID=WSI, Modality="SM", ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])
    found = list(tiles(picture))
    ds.Rows = ds.Columns = TILE
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = picture.shape[:2]
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.NumberOfFrames = 3, 0, len(found)
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.DimensionOrganizationType, ds.InstanceNumber = 7, "TILED_FULL", number
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.1.1.{number}"
    ds.file_meta.MediaStorageSOPClassUID = WSI
    ds.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    if jpeg:
        ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        ds.PixelData = encapsulate([_jpeg(one) for one in found])
        ds["PixelData"].is_undefined_length = True
    else:
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.PixelData = b"".join(one.tobytes() for one in found)
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def _jpeg(tile):
    out = io.BytesIO()
    Image.fromarray(tile).save(out, "JPEG", quality=90, subsampling=1)
    return out.getvalue()


def whole(ds):
    """The slide put together again."""
    across = -(-int(ds.TotalPixelMatrixColumns) // TILE)
    found = ds.pixel_array
    rows = [np.hstack(found[at : at + across]) for at in range(0, len(found), across)]
    return np.vstack(rows)[: int(ds.TotalPixelMatrixRows), : int(ds.TotalPixelMatrixColumns)]


def dark_ink(picture):
    """How many pixels show the pen's blue; black boxes do not."""
    red, blue = picture[..., 0].astype(int), picture[..., 2].astype(int)
    return int(((blue < 110) & (blue - red > 25)).sum())


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def cleaned(bench, ds, **changes):
    return bench.clean(ds, profile=profile(*OPTIONS), **changes)


@pytest.mark.parametrize("jpeg", [True, False])
def test_what_is_written_across_tiles_of_a_large_slide_is_hidden(bench, jpeg):
    picture = slide(text="Savita Shinde")
    assert dark_ink(picture) > 3000
    outcome, out = cleaned(bench, level(picture, jpeg=jpeg))
    assert outcome.state == "cleaned", outcome.detail
    after = whole(out)
    assert dark_ink(after) < 0.02 * dark_ink(picture)
    lower = slice(600, None)
    assert np.array_equal(after[lower], whole(level(picture, jpeg=jpeg))[lower]), "tissue is as it was"


def test_a_clean_large_slide_is_not_touched(bench):
    ds = level(slide())
    before = ds.PixelData
    outcome, out = cleaned(bench, ds)
    assert outcome.state == "cleaned"
    assert outcome.regions == ()
    assert out.PixelData == before


def test_text_of_a_smaller_level_is_hidden_on_the_large_one(bench):
    picture = slide(text="Savita Shinde 482913")
    small = np.array(Image.fromarray(picture).resize((640, 512), Image.Resampling.BOX))
    jobs = []
    for number, one in enumerate((picture, small), 1):
        path = bench.save(level(one, number=number), f"{number}.dcm")
        jobs.append(bench.job(path, profile=profile(*OPTIONS)))
    large, other = levels(jobs)
    assert large.glass is not None
    assert other.glass is None, "the smaller level looks for itself"
    ink = np.argwhere(picture[..., 0] < 60)
    for left, top, right, bottom in large.glass.shares:
        assert 0 <= left < right <= 1.1
        assert bottom * 1024 > ink[:, 0].min() - 40
        assert top * 1024 < ink[:, 0].max() + 40
    outcome, out = cleaned(bench, pydicom.dcmread(large.source), glass=large.glass)
    assert outcome.state == "cleaned"
    assert {one.rule for one in outcome.regions} == {"deid.pixels.glass"}
    assert dark_ink(whole(out)) < 0.02 * dark_ink(picture)


def test_levels_of_another_glass_tell_nothing(bench):
    picture = slide(text="Savita Shinde")
    other = slide(640, 384, text="Savita Shinde", size=40)
    made = [level(picture, number=1), level(other, number=2)]
    jobs = [bench.job(bench.save(ds, f"{n}.dcm"), profile=profile(*OPTIONS)) for n, ds in enumerate(made)]
    assert [one.glass for one in levels(jobs)] == [None, None]


def test_a_run_looks_at_the_levels_of_a_slide_together(tmp_path):
    picture = slide(text="Savita Shinde")
    small = np.array(Image.fromarray(picture).resize((640, 512), Image.Resampling.BOX))
    items = []
    for number, one in enumerate((picture, small), 1):
        path = tmp_path / f"{number}.dcm"
        pydicom.dcmwrite(path, level(one, number=number), enforce_file_format=True)
        items.append(Item(path, tmp_path / f"out{number}.dcm", path.name))
    batch = run(items, profile=profile(*OPTIONS), keys=Secret.of(bytes(range(64))), runner=here())
    assert [one.state for one in batch.outcomes] == ["cleaned", "cleaned"]
    assert {one.rule for one in batch.outcomes[0].regions} == {"deid.pixels.glass"}
    assert dark_ink(whole(pydicom.dcmread(items[0].target))) < 0.02 * dark_ink(picture)


def test_tiles_that_say_where_they_stand_may_stand_in_any_order(bench):
    picture = slide(text="Savita Shinde")
    ds = level(picture, jpeg=False)
    across = -(-picture.shape[1] // TILE)
    order = np.random.default_rng(4).permutation(int(ds.NumberOfFrames))
    size = TILE * TILE * 3
    ds.PixelData = b"".join(ds.PixelData[n * size : (n + 1) * size] for n in order)
    del ds.DimensionOrganizationType
    groups = []
    for n in order:
        place, group = pydicom.Dataset(), pydicom.Dataset()
        place.ColumnPositionInTotalImagePixelMatrix = int(n % across) * TILE + 1
        place.RowPositionInTotalImagePixelMatrix = int(n // across) * TILE + 1
        group.PlanePositionSlideSequence = Sequence([place])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    outcome, out = cleaned(bench, ds)
    assert outcome.state == "cleaned", outcome.detail
    back = np.empty_like(out.pixel_array)
    back[order] = out.pixel_array
    out.PixelData = back.tobytes()
    assert dark_ink(whole(out)) < 0.02 * dark_ink(picture)


def test_a_large_slide_whose_tiles_stand_nowhere_is_held(bench):
    ds = level(slide(text="Savita Shinde"))
    ds.TotalPixelMatrixColumns = 20_000
    outcome, _ = cleaned(bench, ds)
    assert (outcome.state, outcome.reason) == ("held", "burned-in-text")


def test_what_a_person_must_see_on_one_level_holds_the_large_one(bench):
    told = Glass(((0.1, 0.1, 0.9, 0.2),), "70% of the picture would be blackened.")
    outcome, _ = cleaned(bench, level(slide()), glass=told)
    assert (outcome.state, outcome.reason) == ("held", "burned-in-text")


def test_tiles_of_empty_glass_are_decoded_once_and_one_at_a_time(bench, monkeypatch):
    decoded = []
    true = glass.Sheets._decoded

    def counted(self, stored, number):
        made = true(self, stored, number)
        decoded.append(made.nbytes)
        return made

    monkeypatch.setattr(glass.Sheets, "_decoded", counted)
    path = bench.save(level(slide()))
    sheets = glass.Sheets.of(decoding.Frames(open_file(path)))
    (picture, layer), *others = sheets.pictures()
    assert not others
    assert len(layer) == 80
    assert len(decoded) < 50, "most of the glass is empty"
    assert picture.shape[0] * picture.shape[1] <= glass.LARGEST
    assert max(decoded) <= (TILE // sheets.factor + 1) ** 2 * 3


def test_layers_of_focus_lie_on_each_other():
    ds = level(slide(256, 256))
    ds.NumberOfFrames = 8
    made = glass.grid(ds)
    assert made.layers == [[0, 1, 2, 3], [4, 5, 6, 7]]
    ds.NumberOfFrames = 7
    with pytest.raises(Held):
        glass.grid(ds)


def test_boxes_reach_every_tile_that_they_touch():
    ds = level(slide(512, 256), jpeg=False)
    sheets = glass.Sheets(None, glass.grid(ds))  # type: ignore[arg-type]
    like = Region(0, 0, 0, 0, rule="r", evidence="")
    found = sheets.regions([(100, 0, 400, 128)], like=like)
    assert {(one.left, one.width, one.frames) for one in found} == {
        (100, 28, (0, 1)), (0, 128, (1, 3)), (0, 16, (3, 4)),
    }  # fmt: skip
    assert sheets.covered(found) == pytest.approx(300 * 128 / (512 * 256), abs=0.02)
