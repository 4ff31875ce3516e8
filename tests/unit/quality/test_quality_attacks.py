"""Hostile and careless files: each is looked at or named as what it is, and none takes the memory of the machine."""

from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import JPEG2000, JPEGBaseline8Bit
from tests.unit.quality.phantoms import ct
from tests.unit.quality.test_quality_tables import SUBJECTS, TABLE, VISITS, good

from midas.formats import photos
from midas.formats.dicom import codecs
from midas.formats.dicom.stated import stated
from midas.kernel import BadInput
from midas.protocol import load_named
from midas.quality import examine, examine_line, findings
from midas.quality.image import FRAMES_WITHOUT_PIXELS, Image
from midas.quality.risk import risk
from midas.quality.rows import frame_of
from midas.quality.tables import examine_table

ITEM = {one.id: one for one in load_named("oral-cancer").protocol.items}["face-neck-ct"]


def spoilt(**changes: Any) -> Dataset:
    ds = ct()
    for name, value in changes.items():
        setattr(ds, name, value)
    return ds


def jpeg(rows: int = 8, columns: int = 8, mode: str = "L") -> bytes:
    out = io.BytesIO()
    Picture.new(mode, (columns, rows), 90 if mode == "L" else None).save(out, "JPEG")
    return out.getvalue()


def compressed(frame: bytes, syntax: str, **changes: Any) -> Dataset:
    ds = spoilt(BitsAllocated=8, BitsStored=8, HighBit=7, Rows=8, Columns=8, **changes)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([frame])
    return ds


def of_size(frame: bytes, rows: int, columns: int) -> bytes:
    """Return a JPEG whose header says another size than it has."""
    at = frame.index(b"\xff\xc0")
    return frame[: at + 5] + struct.pack(">HH", rows, columns) + frame[at + 9 :]


CODESTREAM = b"\xff\x4f\xff\x51" + struct.pack(
    ">HHIIIIIIIIH", 41, 0, 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0, 1
)
"""The beginning of a JPEG 2000 of 3.6 thousand million pixels."""


@pytest.mark.parametrize(
    "ds",
    [
        spoilt(Rows=65535, Columns=65535), spoilt(Rows=0, Columns=0), spoilt(Rows=1, Columns=1, PixelData=b"\0\0"),
        spoilt(NumberOfFrames=2**31 - 1), spoilt(NumberOfFrames=40), spoilt(RescaleSlope="0"),
        spoilt(NumberOfFrames=2, Rows=[16, 16]), spoilt(NumberOfFrames=2, BitsAllocated=[16, 16]),
        spoilt(PixelRepresentation=1, BitsStored=16, HighBit=15, RescaleIntercept="-32768"),
        spoilt(PhotometricInterpretation="PALETTE COLOR"), spoilt(SamplesPerPixel=3, PhotometricInterpretation="RGB"),
        spoilt(PixelData=b""), spoilt(BitsAllocated=32), spoilt(PixelSpacing=[0, 0]), spoilt(PixelData=b"\7\0" * 256 * 256),
        spoilt(ImageOrientationPatient=[0] * 6), spoilt(PixelPaddingValue=0, PixelPaddingRangeLimit=0),
        compressed(CODESTREAM, JPEG2000), compressed(of_size(jpeg(), 65500, 65500), JPEGBaseline8Bit),
        compressed(jpeg()[:60], JPEGBaseline8Bit), compressed(b"\0\0", JPEGBaseline8Bit),
        compressed(jpeg(mode="CMYK"), JPEGBaseline8Bit), compressed(jpeg(), JPEGBaseline8Bit, NumberOfFrames=2**31 - 1),
    ],
    ids=lambda ds: "",
)  # fmt: skip
def test_a_hostile_image_is_named_and_takes_no_more_memory_than_an_image_does(ds: Dataset) -> None:
    tracemalloc.start()
    try:
        seen = findings(examine((ds,), ITEM, whole=True))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert all(one.message and one.advice for one in seen)
    assert most < 100 << 20


@pytest.mark.parametrize("frame", [CODESTREAM, of_size(jpeg(), 65500, 65500)])
def test_a_small_file_that_asks_for_gigabytes_is_not_decoded(frame: bytes) -> None:
    ds = compressed(frame, JPEG2000 if frame is CODESTREAM else JPEGBaseline8Bit)
    rules = {one.rule: one.message for one in findings(examine((ds,), ITEM))}
    assert "image.pixels-unreadable" in rules
    ds.Rows = ds.Columns = 60_000
    with pytest.raises(ValueError, match="larger than any image"):
        Image(ds).slices[0].raw  # noqa: B018 - asked for its error


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_a_frame_that_is_not_what_the_object_says_meets_no_decoder(mode: str) -> None:
    """A decoder in C that meets four samples where one is said ends the whole process, and with it every item in it."""
    ds = compressed(jpeg(mode=mode), JPEGBaseline8Bit)
    assert "image.pixels-unreadable" in {one.rule for one in findings(examine((ds,), ITEM))}
    for syntax in codecs.COMPRESSED:
        plugins = get_decoder(syntax)._available
        assert plugins, syntax
        assert all(hasattr(decode, "__wrapped__") for decode in plugins.values())


def test_frames_are_counted_by_what_the_pixels_have_room_for() -> None:
    assert len(Image(spoilt(NumberOfFrames=2**31 - 1)).slices) == 1
    ds = spoilt(NumberOfFrames=3)
    ds.PixelData = ds.PixelData * 3
    assert len(Image(ds).slices) == 3
    del ds.PixelData
    ds.NumberOfFrames = 2**31 - 1
    assert len(Image(ds).slices) == FRAMES_WITHOUT_PIXELS


def test_what_a_frame_says_of_its_size() -> None:
    assert stated(jpeg(31, 17)) == (31, 17, 1)
    assert stated(jpeg(31, 17, "RGB")) == (31, 17, 3)
    out = io.BytesIO()
    Picture.new("L", (17, 31), 9).save(out, "JPEG2000")
    assert stated(out.getvalue()) == (31, 17, 1)
    for broken in (
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\0\0\0\0\0\0\0\0\0\0",
        jpeg()[:20],
        CODESTREAM[:30],
    ):
        assert stated(broken) is None


def saved(at: Path, picture: Any, kind: str, **more: Any) -> Path:
    path = at / f"one.{kind.lower()}"
    picture.save(path, kind, **more)
    return path


def test_photographs_of_odd_kinds_are_read_upright(tmp_path: Path) -> None:
    turned = Picture.Exif()
    turned[0x0112] = 6
    assert photos.look(saved(tmp_path, Picture.new("RGB", (40, 20)), "JPEG", exif=turned)).pixels.shape == (
        40,
        20,
        3,
    )
    assert photos.look(saved(tmp_path, Picture.new("CMYK", (40, 20)), "JPEG")).pixels.shape == (20, 40, 3)
    assert photos.look(saved(tmp_path, Picture.new("P", (3, 2)), "PNG", transparency=0)).pixels.shape == (
        2,
        3,
        3,
    )
    assert photos.look(saved(tmp_path, Picture.new("L", (1, 1)), "PNG")).pixels.shape == (1, 1)
    assert photos.look(saved(tmp_path, Picture.new("LA", (3, 2)), "PNG")).pixels.shape == (2, 3)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([np.nan] * 4, {0}),
        ([np.nan, 0, 1, 2], {0, 127, 255}),
        ([np.inf, 0, 1, -np.inf], {0, 255}),
        ([5.0] * 4, {0}),
    ],
)
def test_real_numbers_that_are_none_do_not_take_the_others_away(
    tmp_path: Path, values: list[float], levels: set[int]
) -> None:
    path = saved(tmp_path, Picture.fromarray(np.array(values, np.float32).reshape(2, 2)), "TIFF")
    assert set(photos.look(path).pixels.ravel().tolist()) == levels


@pytest.mark.parametrize("size", [(30_000, 30_000), (1, 2**31 - 1), (0, 0)])
def test_a_photograph_larger_than_any_camera_is_not_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    plain = saved(tmp_path, Picture.new("L", (8, 8)), "PNG").read_bytes()
    at = plain.index(b"IHDR") + 4
    (tmp_path / "bomb.png").write_bytes(plain[:at] + struct.pack(">II", *size) + plain[at + 8 :])
    with pytest.raises(BadInput):
        photos.look(tmp_path / "bomb.png")


def test_a_photograph_cut_short_is_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path, Picture.effect_noise((64, 64), 50), "JPEG").read_bytes()
    for cut in (0, 2, 20, len(whole) // 2):
        (tmp_path / "cut.jpg").write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            photos.look(tmp_path / "cut.jpg")


# -- tables ----------------------------------------------------------------------------------------------------


def seen_in(frame: pl.DataFrame) -> dict[str, Any]:
    looked = examine_table(frame, TABLE, subjects=SUBJECTS, visits=VISITS)
    return {one.finding.scope: one.finding.rule for one in looked if one.finding is not None}


@pytest.mark.parametrize(
    "wild", [10**30, -(2**63) - 1, float("inf"), float("nan"), "१२", "1e400", "NaN", "=1+1", "\x00", True]
)
def test_a_wild_cell_is_a_finding_and_never_an_error(wild: object) -> None:
    rows = good().rename({"length_mm": "length-mm", "width_mm": "width-mm"}).to_dicts()
    for column in ("pain", "length-mm"):
        told = [dict(one) for one in rows]
        told[3][column] = wild
        found = seen_in(frame_of(TABLE, told))
        assert any(scope.endswith(column) for scope in found) or wild == "१२", (column, wild, found)


def test_one_hospital_of_infinite_numbers_is_no_error() -> None:
    length = [float("inf")] * 20 + [float(10 + n % 7) for n in range(20)]
    seen_in(good(length_mm=length))
    seen_in(good(length_mm=length[::-1]))
    seen_in(good(length_mm=[None] * 40, width_mm=[float("nan")] * 40))


# -- persons ---------------------------------------------------------------------------------------------------


def test_a_missing_value_is_a_value_of_its_own() -> None:
    people = pl.DataFrame(
        {"subject": list("abcde"), "sex": ["F", "F", None, "F", None], "age": [40.0, 40, None, None, None]}
    )
    found = risk(people, quasi=("sex", "age"))
    assert (found.k, found.classes, dict(found.sizes)) == (1, 3, {1: 1, 2: 2})
    alone = risk(people[:1].with_columns(size=pl.lit(3.0)), quasi=("sex", "age"), sensitive=("size",))
    assert (alone.k, alone.highest, alone.uniqueness, alone.average) == (1, 1.0, 1.0, 1.0)
    assert (alone.diversity[0].distinct, alone.diversity[0].t) == (1, 0.0)
    with pytest.raises(BadInput):
        risk(people[:0], quasi=("sex",))
    with pytest.raises(BadInput):
        risk(people, quasi=())


def test_numbers_that_are_none_make_one_class_and_no_error() -> None:
    nan, inf = float("nan"), float("inf")
    people = pl.DataFrame({"age": [nan, nan, 0.0, -0.0, inf, inf], "size": [nan, 1.0, inf, 2.0, -inf, None]})
    found = risk(people, quasi=("age",), sensitive=("size",))
    assert (found.k, found.classes) == (2, 3)
    assert 0 <= found.diversity[0].t <= 1


# -- answers of hospitals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dash", ["-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\ufe58", "\uff0d"])
def test_a_telephone_number_is_one_whatever_its_dash(dash: str) -> None:
    assert [one.rule for one in examine_line({"words": f"98765{dash}43210"})] == ["leak.pattern.phone"]
    assert [one.rule for one in examine_line({"words": f"12{dash}3456{dash}7890{dash}1234"})] == [
        "leak.pattern.abha-number"
    ]
