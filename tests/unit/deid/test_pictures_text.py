"""Text in pictures: what names someone is found and hidden, what provably names nobody stays, no picture is touched else."""
# ruff: noqa: E501 - lines of pictures stand on one line

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from tests.deid_bench import ct, profile

from midas.compute import here
from midas.deid import Item, Secret, ahead, pictures, pixels, run
from midas.deid.audit import glyphs
from midas.deid.model import Held, Profile
from midas.deid.pictures import candidates, find, gate, judge, reader
from midas.deid.pictures.frames import Frames
from midas.deid.pictures.technical import technical
from midas.deid.pictures.views import views
from midas.deid.stream import open_file
from midas.deid.words import Known
from midas.deid.writing import write

PROFILE = Profile("test", "ab" * 32, frozenset({"clean-pixel-data"}))
KNOWN = Known.of([("name", "Ramesh Deshmukh"), ("uhid", "UH-2019-004513"), ("phone", "4157700")])
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
LINES = (("RAMESH DESHMUKH 48Y/M", 10, 8), ("MI 1.2 TIs 0.4", 10, 200), ("12/03/2019", 200, 8))


def drawn(picture, lines=LINES, fill=(255, 255, 255), size=14):
    image = Image.fromarray(picture)
    pen, face = ImageDraw.Draw(image), ImageFont.load_default(size)
    for text, left, top in lines:
        pen.text((left, top), text, font=face, fill=fill)
    return np.array(image)


def speckle(shape=(240, 320)):
    grey = np.zeros(shape, "u1")
    noise = np.random.default_rng(5).normal(60, 25, (shape[0] - 120, shape[1] - 140)).clip(0, 160)
    grey[60 : shape[0] - 60, 70 : shape[1] - 70] = noise
    return np.repeat(grey[..., None], 3, axis=2)


def saved(tmp_path, picture, **more):
    single = picture[0] if picture.ndim == 4 else picture
    ds = ct(SOPClassUID=ULTRASOUND, Modality="US", ImageType=["ORIGINAL", "PRIMARY"])
    ds.Rows, ds.Columns, ds.SamplesPerPixel = *single.shape[:2], 3
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = picture.tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    path = tmp_path / "in.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def looked(path):
    return pictures.look(open_file(path), known=KNOWN, profile=PROFILE)


def hidden(seen, left, top):
    return any(r.left <= left < r.left + r.width and r.top <= top < r.top + r.height for r in seen.regions)


@pytest.mark.parametrize("text", [
    "L", "R", "120 kV", "200mA", "MI 1.2 TIs 0.4", "5 cm", "W 400 L 40", "FR 25 Hz", "Gain 60", "Depth 12 cm", "CHEST PA",
    "W 4096 L 2048", "TE 90 TR 8871", "TR 2500 TI 2200", "0 10 20 30 40 50", "100% 75% 50% 25%", "512 x 512 x 20", "120 kV 200 mA 5 mm",
    "kV 120 mA 200", "2D 78% 100%", "LYMPH NODE", "Im 12/64", "TIS<0.4 MI=0.8 AO=100%", "DFOV 16.0cm", "DR 60 dB", "10", "3.0 mm/1.0sp",
])  # fmt: skip
def test_technical_text_stays(text):
    assert technical(text, KNOWN)


@pytest.mark.parametrize("text", [
    "Ramesh", "RAMESH DESHMUKH", "12/03/2019", "2019", "10:15:30", "48Y/M", "F 35", "ID 12345", "UH-2019-004512", "Dr Mehta",
    "TE 4512 TR 8871", "98% 23% 41%", "98% 23% 04%", "98 23 41 57 70", "kV 4512", "W 4512 L 8871", "FOV 4512 mm", "TR 4512 TI 2871 W 3301",
    "TE 41 FA 57 ST 700", "1234567", "AGE 48", "City Hospital", "14 MAR", "रमेश", "98230 41577", "", "Acc 1234567", "DOB",
])  # fmt: skip
def test_what_could_name_someone_does_not(text):
    assert not technical(text, KNOWN)


def test_a_known_name_never_stays_even_where_the_table_knows_the_word():
    assert technical("CHEST", KNOWN)
    assert not technical("CHEST", Known.of([("name", "Chest Kumar")]))


def test_names_are_hidden_and_indices_stay(tmp_path):
    seen = looked(saved(tmp_path, drawn(speckle())))
    assert hidden(seen, 40, 16)
    assert hidden(seen, 230, 16)
    assert not hidden(seen, 40, 208)
    assert seen.kept >= 1
    assert not seen.person
    assert seen.findings
    assert all("RAMESH" not in region.evidence.upper() for region in seen.regions)


def test_what_was_masked_is_read_again_and_found_clean(tmp_path):
    path = saved(tmp_path, drawn(speckle()))
    opened, out = open_file(path), tmp_path / "out.dcm"
    seen = pictures.look(opened, known=KNOWN, profile=PROFILE)
    assert pictures.again(path, known=KNOWN, seen=pictures.Seen()), "the source is not clean"
    pixels.mask(opened, regions=seen.regions)
    with out.open("wb") as stream:
        write(opened, stream)
    assert pictures.again(out, known=KNOWN, seen=seen) == ()


@pytest.mark.parametrize("word", ["ठाकरे", "गंगूबाई", "मेश्राम", "ನಾಗರತ್ನ", "மீனாட்சி"])
@pytest.mark.parametrize("height", [18, 24])
def test_one_short_word_in_an_indian_script_is_hidden(tmp_path, word, height):
    if not glyphs.fonts_for(word):
        pytest.skip(f"no font for {word}")
    mask = glyphs.drawn(word, glyphs.Style(glyphs.fonts_for(word)[0], height))
    picture = speckle()
    picture[20 : 20 + mask.shape[0], 30 : 30 + mask.shape[1]][mask] = 255
    seen = looked(saved(tmp_path, picture))
    assert hidden(seen, 30 + mask.shape[1] // 2, 20 + mask.shape[0] // 2)


def test_one_letter_read_in_a_long_line_does_not_keep_it():
    ink = drawn(np.zeros((20, 80, 3), "u1"), [("mmmmmm", 2, 2)])
    long, short = (find.Line(40, 10, length, 20, 0, 0.9) for length in (80, 30))
    verdicts = [judge._verdict(one, ink, "H", 0.95, limit=72, known=KNOWN).act for one in (long, short)]
    assert verdicts == [judge.HIDE, judge.KEEP]


def test_a_clean_picture_is_not_touched(tmp_path):
    assert looked(saved(tmp_path, speckle())).regions == ()


def test_dark_text_on_light_ground_and_coloured_text_are_found(tmp_path):
    light = np.full((160, 320, 3), 210, "u1")
    assert hidden(looked(saved(tmp_path, drawn(light, [("Savita Shinde", 20, 20)], (40, 40, 40)))), 60, 27)
    assert hidden(looked(saved(tmp_path, drawn(speckle(), [("Savita Shinde", 20, 20)], (0, 220, 0)))), 60, 27)


def test_text_turned_on_its_side_is_found(tmp_path):
    picture = np.rot90(drawn(speckle((320, 240)), [("Savita Shinde 35Y", 20, 20)])).copy()
    assert hidden(looked(saved(tmp_path, picture)), 27, 240 - 80)


@pytest.mark.parametrize("hides", [True, False])
def test_the_values_behind_a_palette_are_searched_where_its_colours_do_not_show_them(tmp_path, hides):
    ramp = np.arange(256, dtype="u2") * 257
    if hides:
        ramp[200] = ramp[60]
    picture = drawn(np.full((240, 320, 3), 60, "u1"), [("Savita Shinde", 40, 40)], fill=(200, 200, 200))[
        ..., 0
    ]
    picture = np.where(picture > 130, 200, 60).astype("u1")
    palettes = {f"{c}PaletteColorLookupTable{k}": v for c in ("Red", "Green", "Blue")
                for k, v in (("Descriptor", [256, 0, 16]), ("Data", ramp.tobytes()))}  # fmt: skip
    path = saved(tmp_path, picture, SamplesPerPixel=1, PhotometricInterpretation="PALETTE COLOR", **palettes)
    assert hidden(looked(path), 80, 47)
    assert (len(list(views(Frames(open_file(path))))) > 1) == hides


def test_text_in_one_frame_of_a_loop_is_found(tmp_path):
    still = speckle()
    loop = np.stack([still, still, drawn(still, [("Savita Shinde", 10, 8)]), still])
    assert hidden(looked(saved(tmp_path, loop, NumberOfFrames=4)), 40, 15)


def test_a_picture_that_would_be_all_black_goes_to_a_person(tmp_path):
    lines = [(f"Savita Shinde {n}{n} Nashik Road", 4, 4 + 18 * n) for n in range(7)]
    assert looked(saved(tmp_path, drawn(np.zeros((130, 240, 3), "u1"), lines))).person


def test_what_cannot_be_decoded_is_held(tmp_path):
    path = saved(tmp_path, speckle())
    opened = open_file(path)
    opened.syntax, opened.length = "1.2.840.10008.1.2.5", 0xFFFFFFFF
    with pytest.raises(Held):
        pictures.look(opened, known=KNOWN, profile=PROFILE)


def slice_of(seed):
    y, x = np.mgrid[:256, :256]
    body = (np.hypot(x - 128, y - 128) < 90) * 900 + 100 * np.sin(x / 9.0) * (np.hypot(x - 128, y - 128) < 90)
    return np.clip(body + np.random.default_rng(seed).normal(100, 25, (256, 256)), 0, 4095).astype("u2")


def inked(clean, text, left, top, *, size, value, share=1.0):
    ink = drawn(np.zeros((*clean.shape, 3), "u1"), [(text, left, top)], size=size)[..., 0] / 255 * share
    return clean * (1 - ink) + value * ink


def once_lossy(picture):
    out = io.BytesIO()
    Image.fromarray(np.clip(picture / 1400 * 255, 0, 255).astype("u1")).save(out, "JPEG", quality=75)
    return np.asarray(Image.open(out)) / 255.0 * 1400


MADE = {
    "plain": lambda clean, at, size: inked(clean, "Savita Shinde", *at, size=size, value=1400),
    "faint": lambda clean, at, size: inked(clean, "Savita Shinde", *at, size=size, value=500),
    "blended": lambda clean, at, size: inked(clean, "Savita Shinde", *at, size=size, value=1400, share=0.5),
    "noisy": lambda clean, at, size: (
        inked(clean, "Savita Shinde", *at, size=size, value=1300)
        + np.random.default_rng(size).normal(0, 30, clean.shape)
    ),
    "lossy": lambda clean, at, size: once_lossy(inked(clean, "Savita Shinde", *at, size=size, value=1300)),
}


@pytest.mark.parametrize("seed", range(6))
def test_slices_on_which_nothing_was_drawn_are_not_searched(seed):
    assert gate.quiet(slice_of(seed))
    assert gate.quiet(slice_of(seed).astype("i2") - 1024), "signed"
    assert gate.quiet(slice_of(seed).astype(">u2")), "big-endian"


def test_noise_alone_is_hardly_ever_searched():
    made = [np.random.default_rng(seed).normal(1024, 60, (480, 480)) for seed in range(12)]
    assert sum(gate.quiet(one.clip(0, 4095).astype("u2")) for one in made) >= 11


@pytest.mark.parametrize("size", [12, 18, 26, 40])
@pytest.mark.parametrize("how", MADE)
def test_slices_with_text_of_any_make_are_searched(how, size):
    clean = slice_of(size).astype(float)
    picture = np.round(MADE[how](clean, (2, 4), size)).clip(0, 4095).astype("u2")
    assert not gate.quiet(picture)


def test_text_in_what_surrounds_a_round_picture_is_searched_for():
    y, x = np.mgrid[:256, :256]
    clean = slice_of(1).astype(float) - 1024
    clean[np.hypot(x - 128, y - 128) > 127] = -3024
    assert gate.quiet(clean.astype("i2"))
    assert not gate.quiet(np.round(inked(clean, "Shinde", 2, 2, size=14, value=-2600)).astype("i2"))


def test_a_flat_or_tiny_frame_is_quiet():
    assert gate.quiet(np.zeros((64, 64), "u2"))
    assert gate.quiet(np.full((8, 8), 7, "i2"))


def series(tmp_path, number, text_on=()):
    items = []
    for at in range(number):
        picture = slice_of(at)
        if at in text_on:
            picture = np.round(inked(picture, "Savita Shinde", 20, 8, size=16, value=1400)).astype("u2")
        ds = ct(SOPInstanceUID=f"1.2.826.0.1.99.1.1.{at}", InstanceNumber=at + 1, BitsStored=12)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.Rows = ds.Columns = 256
        ds.PixelData = picture.tobytes()
        path = tmp_path / f"{at:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        items.append(Item(path, tmp_path / f"out{at:03d}.dcm", path.name))
    return items


def test_text_in_one_searched_slice_sends_the_whole_series_to_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "LEAST", 99.0)
    monkeypatch.setattr(ahead, "SERIES", 2)
    items = series(tmp_path, 6, text_on=(3, 4))
    asked = profile("clean-pixel-data", "retain-longitudinal-modified-dates")
    batch = run(items, profile=asked, keys=Secret.of(bytes(range(64))), runner=here())
    assert [len(one.regions) > 0 for one in batch.outcomes] == [False, False, False, True, True, False]
    monkeypatch.setattr(ahead, "SERIES", 7)
    blind = run(items, profile=asked, keys=Secret.of(bytes(range(64))), runner=here())
    assert not any(one.regions for one in blind.outcomes), (
        "the rule, which sees nothing here, was asked alone"
    )


def test_the_sample_of_a_series_is_its_middle_then_its_ends():
    least = ahead.SERIES
    assert ahead.samples(range(least - 1)) == []
    assert ahead.samples(range(least)) == [least // 2]
    assert ahead.samples(range(2 * least)) == [least, 0]
    assert ahead.samples(range(9 * least)) == [9 * least // 2, 0, 9 * least - 1]


def test_only_slices_as_the_scanner_made_them_may_be_passed_over():
    ds = ct()
    assert gate.sectional(ds, ExplicitVRLittleEndian, risky=True)
    assert ds.SOPClassUID == CTImageStorage
    assert not gate.sectional(ds, "1.2.840.10008.1.2.4.50", risky=False)
    for keyword, value in (("BurnedInAnnotation", "YES"), ("ImageType", ["DERIVED", "SECONDARY"]), ("BitsStored", 8),
                           ("SOPClassUID", ULTRASOUND), ("LossyImageCompression", "01")):  # fmt: skip
        assert not gate.sectional(ct(**{keyword: value}), ExplicitVRLittleEndian, risky=True), keyword


def test_flat_parts_of_a_picture_are_not_searched():
    picture = drawn(np.zeros((512, 512, 3), "u1"), [("Savita Shinde", 20, 20)])
    area = sum(
        p.picture.shape[0] * p.picture.shape[1] for look in candidates.looks(picture) for p in look.parts()
    )
    assert 0 < area < 0.15 * 512 * 512
    assert not [part for look in candidates.looks(np.zeros((512, 512, 3), "u1")) for part in look.parts()]


def test_the_same_line_is_read_once(monkeypatch):
    line, calls = drawn(np.zeros((20, 140, 3), "u1"), [("Once only", 4, 3)]), []
    real = reader._read
    monkeypatch.setattr(reader, "_read", lambda one: calls.append(one) or real(one))
    first = reader.read([line, line.copy()])
    assert reader.read([line]) == first[:1]
    assert len(calls) == 1


def test_white_on_almost_white_is_found(tmp_path):
    seen = looked(saved(tmp_path, drawn(np.full((240, 320, 3), 243, "u1"))))
    assert hidden(seen, 40, 14)
