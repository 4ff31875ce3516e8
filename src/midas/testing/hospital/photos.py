"""Photographs and slides as a hospital keeps them: with EXIF, GPS, owners, labels and the patient's name on them.

In comes a picture and a person; out comes a file in one of the formats that phones, cameras and scanners write.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from midas.testing.hospital import images
from midas.testing.hospital.persons import Person
from midas.testing.hospital.truth import Box

CAMERA_SERIAL = "NIK7740982261"
CAMERA_OWNER = "Dr. Sulabha Kirtikarnath OPD"
SCANNER_USER = "pathlab-vijayalaxmi"


def _exif(person: Person, *, on: date, orientation: int) -> Image.Exif:
    """Everything a phone writes: orientation, owner, serial number, words about the person, and where it was."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = f"{person.name} {person.uhid}"
    exif[0x010F], exif[0x0110], exif[0x013B] = "NIKON CORPORATION", "NIKON D7500", CAMERA_OWNER
    exif[0x0132] = on.strftime("%Y:%m:%d 11:02:33")
    detail = exif.get_ifd(0x8769)
    detail[0x9003] = on.strftime("%Y:%m:%d 11:02:33")
    detail[0x9286] = b"ASCII\0\0\0" + f"pt {person.name} mob {person.phone}".encode()
    detail[0xA430], detail[0xA431] = CAMERA_OWNER, CAMERA_SERIAL
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (20.0, 44.0, 43.2), "E", (78.0, 36.0, 7.6)
    return exif


def photo(
    out: Path, *, picture: Image.Image, person: Person, on: date, text: tuple[str, ...] = ()
) -> tuple[Box, ...]:  # fmt: skip
    """Write a picture as a photograph in the format of `out`'s suffix; return the boxes of burned-in text as they are seen.

    JPEG and WebP carry EXIF; JPEGs are stored turned (orientation 6), so the pixels on disk lie on their side.
    """
    boxes: tuple[Box, ...] = ()
    if text:
        mask = images.text_mask(text, size=30)
        pixels = np.array(picture)
        height, width = mask.shape
        pixels[20 : 20 + height, 20 : 20 + width][mask] = 255
        picture = Image.fromarray(pixels)
        boxes = ((16, 16, width + 8, height + 8),)
    out.parent.mkdir(parents=True, exist_ok=True)
    match out.suffix.lower():
        case ".jpg" | ".jpeg":
            turned = picture.transpose(Image.Transpose.ROTATE_90)
            turned.save(
                out, quality=88, exif=_exif(person, on=on, orientation=6), comment=person.name.encode()
            )
        case ".webp":
            picture.save(out, quality=88, exif=_exif(person, on=on, orientation=1))
        case ".png":
            info = PngInfo()
            info.add_text("Author", CAMERA_OWNER)
            info.add_itxt("Comment", f"{person.local} {person.phone}")
            picture.save(out, pnginfo=info)
        case ".tif":
            picture.save(
                out, compression="tiff_lzw", tiffinfo={315: CAMERA_OWNER, 270: f"{person.name} {person.abha}"}
            )
    return boxes


def _label(person: Person, specimen: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The glass slide's paper label, with the patient's name and the laboratory's number."""
    label = Image.new("RGB", (320, 240), "white")
    lines = f"{specimen}\n{person.name}\n{person.uhid}\n{person.sex} {person.born:%d/%m/%Y}"
    ImageDraw.Draw(label).multiline_text((12, 20), lines, fill="black", font=ImageFont.load_default(26))
    return np.asarray(label)


def svs(out: Path, *, person: Person, specimen: str, side: int = 2048) -> None:
    """Write a pyramid as Aperio scanners do: two levels, a thumbnail, and the label and macro images."""
    pixels = images.histology(side, seed=specimen)
    levels = (pixels, np.ascontiguousarray(pixels[::4, ::4]))
    about = (
        f"Aperio Image Library v12.0.15 \r\n{side}x{side} [0,0 {side}x{side}] (256x256) JPEG/RGB Q=80"
        f"|AppMag = 20|MPP = 0.4990|Filename = {specimen} {person.name}|User = {SCANNER_USER}|Date = 03/12/24"
        f"|Title = {person.name} {person.uhid}"
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    jpeg: dict[str, Any] = {
        "photometric": "rgb",
        "compression": "jpeg",
        "compressionargs": {"level": 80},
        "metadata": None,
    }
    with tifffile.TiffWriter(out) as tiff:
        tiff.write(levels[0], tile=(256, 256), description=about, **jpeg)
        tiff.write(
            levels[1][::2, ::2],
            description=f"Aperio Image Library v12.0.15 \r\nthumbnail {person.name}",
            **jpeg,
        )
        tiff.write(levels[1], tile=(256, 256), description=about, **jpeg)
        tiff.write(
            _label(person, specimen), photometric="rgb", compression="lzw", subfiletype=1, metadata=None,
            description="Aperio Image Library v12.0.15 \r\nlabel 320x240",
        )  # fmt: skip
        tiff.write(
            _label(person, specimen), photometric="rgb", compression="jpeg", subfiletype=9, metadata=None,
            description="Aperio Image Library v12.0.15 \r\nmacro 320x240",
        )  # fmt: skip


def ome_tiff(out: Path, *, person: Person, specimen: str, side: int = 1536) -> None:
    """Write a pyramid as OME-TIFF, with the name in its XML."""
    pixels = images.histology(side, seed=specimen)
    out.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm", "UUID": str(uuid5(NAMESPACE_OID, specimen)),
        "Name": f"{specimen} {person.name}", "Description": f"{person.uhid} {person.phone}",
    }  # fmt: skip
    with tifffile.TiffWriter(out, ome=True) as tiff:
        tiff.write(pixels, tile=(256, 256), photometric="rgb", compression="jpeg", subifds=1, metadata=about)
        tiff.write(
            np.ascontiguousarray(pixels[::2, ::2]), tile=(256, 256), photometric="rgb", compression="jpeg",
            subfiletype=1,
        )  # fmt: skip


def pyramid_tiff(out: Path, *, person: Person, specimen: str, side: int = 1536) -> None:
    """Write a plain pyramidal TIFF (each level a page) with the name as its description."""
    pixels = images.histology(side, seed=specimen)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(out) as tiff:
        for level, step in enumerate((1, 2, 4)):
            tiff.write(
                np.ascontiguousarray(pixels[::step, ::step]), tile=(256, 256), photometric="rgb",
                compression="jpeg", subfiletype=0 if level == 0 else 1, metadata=None,
                description=f"{person.name} {specimen}" if level == 0 else None,
                resolution=(20000 / step, 20000 / step), resolutionunit="CENTIMETER",
            )  # fmt: skip
