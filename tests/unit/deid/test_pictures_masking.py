"""Blackening: every colour model, number of bits and transfer syntax at hand; nothing outside the box changes."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)  # fmt: skip

from midas.deid import pixels
from midas.deid.model import Held, Region
from midas.deid.pictures.frames import Frames
from midas.deid.stream import open_file
from midas.deid.writing import write

BOX = Region(8, 4, 24, 12, "person", "test")


def made(array, colours="MONOCHROME2", *, frames=1, syntax=ExplicitVRLittleEndian, **more):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3.4"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    one = array[0] if frames > 1 else array
    ds.Rows, ds.Columns, ds.SamplesPerPixel = one.shape[0], one.shape[1], 3 if one.ndim == 3 else 1
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PhotometricInterpretation = colours
    if one.ndim == 3:
        ds.PlanarConfiguration = 0
    bits = array.dtype.itemsize * 8
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit, ds.PixelRepresentation = bits - 1, int(array.dtype.kind == "i")
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    little = syntax != ExplicitVRBigEndian
    data = array.astype(array.dtype.newbyteorder("<" if little else ">")).tobytes()
    ds.add_new(0x7FE00010, "OB" if bits == 8 else "OW", data + b"\0" * (len(data) % 2))
    return ds


def masked(ds, tmp_path, *regions):
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    pydicom.dcmwrite(source, ds, enforce_file_format=True)
    opened = open_file(source)
    done = pixels.mask(opened, regions=regions or (BOX,))
    with target.open("wb") as out:
        write(opened, out)
    return Frames(open_file(source)), Frames(open_file(target)), done


def inside(array, box=BOX):
    return array[box.top : box.top + box.height, box.left : box.left + box.width]


def outside(array, box=BOX):
    keep = np.ones(array.shape[:2], bool)
    keep[box.top : box.top + box.height, box.left : box.left + box.width] = False
    return array[keep]


def noise(shape, kind="u1", top=None):
    info = np.iinfo(kind)
    return np.random.default_rng(3).integers(info.min, (top or info.max) + 1, shape).astype(kind)


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_grey_pixels_turn_black_in_the_box_alone(tmp_path, kind, syntax):
    before, after, done = masked(made(noise((40, 50), kind), syntax=syntax), tmp_path)
    assert (done.pixels, done.frames) == (BOX.width * BOX.height, 1)
    assert (inside(after.samples(0)) == min(int(before.samples(0).min()), 0 if kind[0] == "u" else 99)).all()
    assert np.array_equal(outside(before.samples(0)), outside(after.samples(0)))


def test_black_is_the_highest_value_of_monochrome1(tmp_path):
    _, after, _ = masked(
        made(noise((40, 50), "u2", 4095), "MONOCHROME1", BitsStored=12, HighBit=11), tmp_path
    )
    assert (inside(after.samples(0)) == 4095).all()


def test_single_bits_of_frames_that_do_not_begin_at_bytes(tmp_path):
    bits = noise((2, 5, 7), "u1", 1)
    ds = made(np.packbits(bits.ravel(), bitorder="little").reshape(1, -1), "MONOCHROME2")
    ds.Rows, ds.Columns, ds.NumberOfFrames, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 5, 7, 2, 1, 1, 0
    box = Region(1, 1, 3, 2, "person", "test", frames=(1, 2))
    _, after, _ = masked(ds, tmp_path, box)
    assert np.array_equal(after.samples(0), bits[0])
    assert not inside(after.samples(1), box).any()
    assert np.array_equal(outside(after.samples(1), box), outside(bits[1], box))


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("colours", "black"), [("RGB", (0, 0, 0)), ("YBR_FULL", (0, 128, 128))])
def test_colours_turn_black_in_their_own_model(tmp_path, colours, black, planar):
    array = noise((40, 50, 3))
    ds = made(array, colours, PlanarConfiguration=planar)
    if planar:
        ds.PixelData = np.ascontiguousarray(array.transpose(2, 0, 1)).tobytes()
    before, after, _ = masked(ds, tmp_path)
    assert (inside(after.samples(0)) == black).all()
    assert np.array_equal(outside(before.samples(0)), outside(after.samples(0)))
    assert (inside(after.seen(0)) <= 1).all()


def test_halved_colours_are_masked_in_pairs(tmp_path):
    ds = made(noise((20, 32, 3)), "YBR_FULL_422")
    ds.PixelData = noise((20, 16, 4)).tobytes()
    before, after, _ = masked(ds, tmp_path, Region(7, 2, 6, 5, "person", "test"))
    assert (after.seen(0)[2:7, 7:13] <= 1).all()
    assert np.array_equal(before.seen(0)[:, 14:], after.seen(0)[:, 14:])


def test_the_darkest_colour_of_a_palette_is_taken(tmp_path):
    table = np.arange(256, dtype="<u2")[::-1] * 257
    palettes = {f"{c}PaletteColorLookupTable{k}": v for c in ("Red", "Green", "Blue")
                for k, v in (("Descriptor", [256, 0, 16]), ("Data", table.tobytes()))}  # fmt: skip
    _, after, _ = masked(made(noise((40, 50)), "PALETTE COLOR", **palettes), tmp_path)
    assert (inside(after.samples(0)) == 255).all()
    assert (inside(after.seen(0)) == 0).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize(
    ("shape", "kind"), [((40, 50), "u2"), ((40, 50), "u1"), ((40, 50, 3), "u1"), ((40, 50), "i2")]
)
def test_lossless_frames_are_compressed_again_in_their_own_syntax(tmp_path, syntax, shape, kind):
    array = noise(shape, kind)
    ds = made(array, "RGB" if len(shape) == 3 else "MONOCHROME2")
    how = {"encoding_plugin": "pylibjpeg"} if syntax == RLELossless else {}
    ds.compress(syntax, generate_instance_uid=False, **how)
    before, after, done = masked(ds, tmp_path)
    assert not done.uncompressed
    assert after.opened.syntax == syntax
    assert (inside(after.samples(0)) == (array.min() if kind == "i2" else 0)).all()
    assert np.array_equal(outside(before.samples(0)), outside(after.samples(0)))


def test_lossless_jpeg_stays_lossless_jpeg(tmp_path):
    import imagecodecs

    array = noise((40, 50), "u2", 4095)
    ds = made(array, BitsStored=12, HighBit=11)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(array, bitspersample=12)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    before, after, done = masked(ds, tmp_path)
    assert not done.uncompressed
    assert after.opened.syntax == JPEGLosslessSV1
    assert np.array_equal(outside(before.samples(0)), outside(after.samples(0)))


def jpeg(array, **how):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "JPEG", **how)
    return out.getvalue()


@pytest.mark.parametrize("subsampling", [0, 2])
def test_lossy_jpeg_keeps_its_tables_and_changes_only_named_frames(tmp_path, subsampling):
    smooth = np.add.outer(np.arange(64), np.arange(96)).astype("u1")
    frames = [np.stack([np.roll(smooth, 9 * n, axis=1)] * 3, axis=-1) for n in range(3)]
    ds = made(np.stack(frames), "YBR_FULL_422", frames=3)
    ds.PixelData = encapsulate([jpeg(frame, quality=80, subsampling=subsampling) for frame in frames])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    box = Region(16, 16, 32, 16, "person", "test", frames=(1, 2))
    before, after, done = masked(ds, tmp_path, box)
    assert (done.frames, done.uncompressed, after.opened.syntax) == (1, False, JPEGBaseline8Bit)
    out = pydicom.dcmread(tmp_path / "out.dcm")
    left = [list(generate_frames(one.PixelData, number_of_frames=3)) for one in (ds, out)]
    assert [a.rstrip(b"\0") == b.rstrip(b"\0") for a, b in zip(*left, strict=True)] == [True, False, True]
    assert inside(after.seen(1), box)[2:-2, 2:-2].max() <= 24
    far = np.abs(before.seen(1).astype(int) - after.seen(1))[:, 72:]
    assert far.max() <= 3


def test_a_box_outside_the_picture_is_refused(tmp_path):
    with pytest.raises(Held, match="masking-not-mastered"):
        masked(made(noise((40, 50))), tmp_path, Region(50, 0, 5, 5, "person", "test"))


def test_a_long_loop_is_masked_frame_by_frame(tmp_path):
    import tracemalloc

    array = np.full((2000, 64, 64), 77, "u1")
    ds = made(array, frames=2000)
    ds.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    opened = open_file(tmp_path / "in.dcm")
    tracemalloc.start()
    pixels.IN_MEMORY, usual = 1 << 16, pixels.IN_MEMORY
    try:
        done = pixels.mask(opened, regions=[BOX])
        peak = tracemalloc.get_traced_memory()[1]
        with (tmp_path / "out.dcm").open("wb") as out:
            write(opened, out)
    finally:
        pixels.IN_MEMORY = usual
        tracemalloc.stop()
    assert done.frames == 2000
    assert peak < 500_000, "the loop has 8 MB"
    assert (inside(Frames(open_file(tmp_path / "out.dcm")).samples(1999)) == 0).all()
