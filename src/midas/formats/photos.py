"""A photograph as upright pixels, and nothing else of the file.

In comes a JPEG, PNG, TIFF, HEIC or WebP; out come 8-bit grey or RGB pixels turned as EXIF says, the colour profile,
how the file was compressed, and, where no turn was needed, the JPEG stream with every metadata segment cut out. EXIF,
XMP, IPTC, GPS, comments and thumbnails are never carried on.
"""

from __future__ import annotations

import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from midas.formats.sniff import Kind, sniff
from midas.kernel import BadInput

PIXELS_LIMIT = 400_000_000
"""Pixels of one photograph: four times the largest medical camera; beyond it the file is a slide or a bomb."""
WIDE_LIMIT = PIXELS_LIMIT // 4
"""The same for grey pictures of 16 bits and of real numbers, which take eight times the memory until they are scaled."""

KINDS = (Kind.JPEG, Kind.PNG, Kind.TIFF, Kind.HEIC, Kind.WEBP)
PROFILE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Photo:
    """Upright pixels of one photograph.

    `jpeg` is the source's own baseline JPEG stream without metadata, where it shows exactly these pixels; `ratio` is
    bytes uncompressed per byte, where the source was lossy, and `lossy_method` the defined term of DICOM (PS3.3
    C.7.6.1.1.5.1), where it has one. `icc` is a profile for RGB pixels.
    """

    pixels: np.ndarray
    icc: bytes
    jpeg: bytes | None
    subsampling: str | None
    lossy: bool
    lossy_method: str | None
    ratio: float | None


def look(path: Path) -> Photo:
    """Return the photograph at `path`; BadInput where it cannot be read whole."""
    kind = sniff(path)
    if kind not in KINDS:
        raise BadInput("The file is not a photograph.", advice="Hand in JPEG, PNG, TIFF, HEIC or WebP.")
    if kind is Kind.HEIC:
        import pi_heif

        pi_heif.register_heif_opener()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _look(path, kind)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError,
            EOFError, KeyError, TypeError, IndexError, OverflowError, RuntimeError) as problem:  # fmt: skip
        raise BadInput(
            "The photograph is damaged or cut short.", advice="Copy it again from the camera."
        ) from problem


def taken_on(path: Path) -> str:
    """Return the day (YYYYMMDD) that the camera wrote into a photograph, "" where it wrote none that can be read."""
    if sniff(path) is Kind.HEIC:
        import pi_heif

        pi_heif.register_heif_opener()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                exif = image.getexif()
                said = (exif.get_ifd(EXIF).get(TAKEN), exif.get_ifd(EXIF).get(DIGITIZED))
    except Exception:  # noqa: BLE001 - Pillow raises many kinds for broken metadata; the pixels may be whole
        return ""
    found = (DAY.match(str(one)) for one in said if one)
    return next(("".join(match.groups()) for match in found if match), "")


EXIF, TAKEN, DIGITIZED = 0x8769, 0x9003, 0x9004
"""Tags of EXIF 2.32: the pointer to its IFD, DateTimeOriginal, DateTimeDigitized."""
DAY = re.compile(r"((?:19|20)\d\d):(0[1-9]|1[0-2]):(0[1-9]|[12]\d|3[01])")


def _look(path: Path, kind: Kind) -> Photo:
    with Image.open(path) as image:
        if image.width * image.height > PIXELS_LIMIT:
            raise BadInput("The photograph is larger than any camera's.", advice="Hand it in as a slide.")
        if getattr(image, "n_frames", 1) > 1 and kind is Kind.TIFF:
            raise BadInput("The TIFF holds several pictures.", advice="Hand in one file for each picture.")
        turned = image.getexif().get(0x0112, 1) not in (0, 1) if kind is not Kind.HEIC else False
        wide = image.mode.startswith(("I", "F"))
        if wide and image.width * image.height > WIDE_LIMIT:
            raise BadInput("The photograph is larger than any camera's.", advice="Hand it in with 8 bits.")
        icc = image.info.get("icc_profile")
        image.load()
        pixels = _sixteen(image) if wide else _eight(ImageOps.exif_transpose(image))
        mode = image.mode
    jpeg, subsampling = (None, None) if turned or kind is not Kind.JPEG else bare_jpeg(path.read_bytes())
    if mode not in ("RGB", "L"):
        jpeg, subsampling = None, None
    size = path.stat().st_size
    lossy, method = _loss(path, kind)
    return Photo(
        pixels=pixels,
        icc=profile(icc, mode),
        jpeg=jpeg,
        subsampling=subsampling,
        lossy=lossy,
        lossy_method=method,
        ratio=round(pixels.size / max(1, size), 2) if lossy else None,
    )


def _eight(image: Image.Image) -> np.ndarray:
    if image.mode in ("L", "RGB"):
        return np.asarray(image)
    if image.mode in ("1", "LA") or (image.mode == "P" and image.palette is None):
        return np.asarray(image.convert("L"))
    if image.mode in ("RGBA", "PA", "P", "La", "RGBa"):
        flat = image.convert("RGBA")
        ground = Image.new("RGBA", flat.size, "white")
        ground.alpha_composite(flat)
        return np.asarray(ground.convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _sixteen(image: Image.Image) -> np.ndarray:
    """Scale a 16-bit or real-valued grey picture to 8 bits over the range that it really uses."""
    upright = ImageOps.exif_transpose(image)
    values = np.asarray(upright).astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    values = np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    return np.clip((values - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)


def srgb() -> bytes:
    """Return an sRGB profile of the input device class, as PS3.3 C.11.15 asks, with the same bytes on every call."""
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    raw[12:16] = b"scnr"
    raw[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    raw[84:100] = bytes(16)
    return bytes(raw)


def profile(own: bytes | None, mode: str) -> bytes:
    """The picture's own profile where DICOM allows it (RGB to Lab or XYZ), else sRGB, which cameras mean by silence.

    The class is set to input device and the description is not carried: a profile can name its owner.
    """
    if not own or mode != "RGB" or not 128 < len(own) <= PROFILE_LIMIT:
        return srgb()
    if own[16:20] != b"RGB " or own[20:24] not in (b"XYZ ", b"Lab ") or own[36:40] != b"acsp":
        return srgb()
    return _bare_profile(own) or srgb()


_COLOUR_TAGS = {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"wtpt", b"bkpt", b"chad", b"chrm", b"lumi",
                b"A2B0", b"B2A0"}  # fmt: skip


def _bare_profile(profile: bytes) -> bytes | None:
    """Rebuild a profile out of its colorimetric tags and neutral texts; None where its table of tags is wrong."""
    count = int.from_bytes(profile[128:132])
    if count > 100 or len(profile) < 132 + 12 * count:
        return None
    tags: dict[bytes, bytes] = {}
    for at in range(132, 132 + 12 * count, 12):
        name, (start, length) = profile[at : at + 4], struct.unpack(">II", profile[at + 4 : at + 12])
        if start + length > len(profile):
            return None
        if name in _COLOUR_TAGS:
            tags[name] = profile[start : start + length]
    if not tags.keys() >= {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"wtpt"}:
        return None
    plain = srgb()
    for name in (b"desc", b"cprt"):
        tags[name] = _tag(plain, name)
    return _built(profile, plain, tags)


def _tag(profile: bytes, wanted: bytes) -> bytes:
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12):
        if profile[at : at + 4] == wanted:
            start, length = struct.unpack(">II", profile[at + 4 : at + 12])
            return profile[start : start + length]
    return b"text\0\0\0\0\0"


def _built(profile: bytes, plain: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, value in sorted(tags.items()):
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = bytearray(plain[:128])
    head[8:12], head[20:24], head[64:68] = plain[8:12], profile[20:24], profile[64:68]
    head[0:4] = struct.pack(">I", start + len(body))
    return bytes(head) + struct.pack(">I", len(tags)) + table + body


def _loss(path: Path, kind: Kind) -> tuple[bool, str | None]:
    """Whether the source lost detail, and how as a DICOM defined term; WebP has none."""
    if kind is Kind.JPEG:
        return True, "ISO_10918_1"
    if kind is Kind.HEIC:
        return True, "ISO_23008_2"
    if kind is Kind.WEBP:
        with path.open("rb") as stream:
            return b"VP8L" not in stream.read(64), None
    if kind is Kind.TIFF:
        with Image.open(path) as image:
            jpeg = "jpeg" in str(image.info.get("compression", ""))
        return jpeg, "ISO_10918_1" if jpeg else None
    return False, None


def bare_jpeg(data: bytes) -> tuple[bytes | None, str | None]:
    """Return a baseline JPEG stream with every APPn and COM segment cut out, and its chroma subsampling.

    (None, None) where the stream is not 8-bit sequential baseline, or where the Adobe segment says that the colours
    are not YCbCr, so that the stream would not mean the same without it. Bytes after the end of the image are cut off.
    """
    out, at, subsampling, colours = bytearray(b"\xff\xd8"), 2, None, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None, None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        segment = data[at : at + 2 + length]
        if marker == 0xEE and segment[4:9] == b"Adobe" and segment[-1] != 1:
            return None, None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker != 0xC0 or segment[4] != 8:
                return None, None
            colours = segment[9]
            subsampling = _subsampling(segment)
        if marker == 0xDA:
            scan = _scan(data, at)
            if scan is None or subsampling is None or colours not in (1, 3):
                return None, None
            out += scan
            return bytes(out), subsampling
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            out += segment
        at += 2 + length
    return None, None


def _subsampling(frame: bytes) -> str | None:
    count = frame[9]
    factors = tuple(frame[11 + 3 * at] for at in range(count))
    names = {(0x11,): "grey", (0x11, 0x11, 0x11): "444", (0x21, 0x11, 0x11): "422", (0x22, 0x11, 0x11): "420"}
    if count == 1:
        return "grey"
    return names.get(factors)


def _scan(data: bytes, at: int) -> bytes | None:
    """From the start of scan to the end-of-image marker, which must be the next marker but for restarts."""
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
    while True:
        end = data.find(b"\xff", end)
        if end < 0 or end + 1 >= len(data):
            return None
        marker = data[end + 1]
        if marker == 0xD9:
            return data[at : end + 2]
        if marker != 0 and not 0xD0 <= marker <= 0xD7:
            return None
        end += 2
