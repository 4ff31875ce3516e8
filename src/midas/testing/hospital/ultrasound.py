"""Screens as ultrasound machines send them: a fan of speckle, the maker's words around it, and the patient's name on top.

In come a device, a person's words and a seed; out come a DICOM file and the boxes of the text that names somebody. What
each device writes, and where, is invented; no maker's screen is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from midas.testing.hospital.truth import Box


@dataclass(frozen=True)
class Device:
    """`named` are lines about the patient (left, top, size in pixels, words); `harmless` are settings of the machine."""

    maker: str
    model: str
    width: int
    height: int
    named: tuple[tuple[int, int, int, str], ...]
    harmless: tuple[tuple[int, int, int, str], ...]


DEVICES = (
    Device("Sonora", "Ultra 9", 1024, 768,
           ((24, 14, 24, "{name}"), (24, 44, 20, "{uhid}"), (700, 14, 20, "{day}  11:42")),
           ((880, 120, 18, "MI 1.1"), (880, 146, 18, "TIs 0.4"), (880, 172, 18, "Gn 52"), (24, 720, 18, "12 cm  38 fps"))),
    Device("Vistara", "Echo 20", 960, 720,
           ((300, 10, 22, "{name}  {uhid}"), (300, 38, 18, "DOB {born}")),
           ((20, 60, 18, "Abd Gen"), (20, 84, 18, "74%"), (850, 660, 18, "C5-1"), (850, 684, 18, "15 cm"))),
    Device("Kaveri Medical", "K-Scan", 800, 600,
           ((14, 566, 20, "{name}"), (400, 566, 20, "{uhid}"), (640, 566, 18, "{day}")),
           ((14, 14, 18, "B  3.5 MHz"), (14, 38, 18, "DR 60"))),
)  # fmt: skip


def _fan(device: Device, dice: np.random.Generator) -> NDArray[np.uint8]:
    """Return speckle within a sector, darker with depth, with a bright line or two as tissue borders give."""
    y, x = np.mgrid[: device.height, : device.width].astype(np.float32)
    dx, dy = x - device.width / 2, y - device.height * 0.08
    depth = np.hypot(dx, dy) / (device.height * 0.84)
    inside = (np.abs(np.arctan2(dx, dy)) < 0.62) & (depth > 0.09) & (depth < 1)
    small = dice.rayleigh(0.32, (device.height // 3 + 1, device.width // 3 + 1)).astype(np.float32)
    speckle = np.kron(small, np.ones((3, 3), np.float32))[: device.height, : device.width]
    tissue = (
        1.1 - 0.7 * depth + 0.5 * np.sin(dx / 60 + dice.uniform(0, 6)) * np.cos(depth * dice.uniform(6, 11))
    )
    border = np.exp(-(((depth - dice.uniform(0.4, 0.7)) / 0.012) ** 2)) * 1.6
    hollow = np.hypot(
        dx - dice.uniform(-90, 90), dy - device.height * dice.uniform(0.35, 0.55)
    ) < dice.uniform(30, 70)
    grey = np.clip(speckle * (tissue + border) * np.where(hollow, 0.12, 1) * 150, 0, 235)
    return np.asarray(np.where(inside, grey, 0), np.uint8)


def screen(
    device: Device, out: Path, *, name: str, uhid: str, born: date, on: date, seed: int, series: str = ""
) -> tuple[Box, ...]:
    """Write one screen; return where its text names somebody (left, top, width, height in pixels)."""
    dice = np.random.default_rng(seed)
    picture = Image.fromarray(np.repeat(_fan(device, dice)[..., None], 3, axis=2))
    draw = ImageDraw.Draw(picture)
    boxes: list[Box] = []
    told = {"name": name, "uhid": uhid, "day": f"{on:%d/%m/%Y}", "born": f"{born:%d/%m/%Y}"}
    for lines, named in ((device.named, True), (device.harmless, False)):
        for left, top, size, words in lines:
            text, font = words.format(**told), ImageFont.load_default(size)
            draw.text((left, top), text, fill=(235, 235, 220) if named else (150, 190, 220), font=font)
            sides = draw.textbbox((left, top), text, font=font)
            if named:
                x, y = int(sides[0]) - 3, int(sides[1]) - 3
                boxes.append((x, y, int(sides[2]) + 3 - x, int(sides[3]) + 3 - y))
    _dataset(device, np.asarray(picture), told, on=on, born=born, seed=seed, series=series).save_as(
        out, enforce_file_format=True
    )
    return tuple(boxes)


def _dataset(
    device: Device,
    pixels: NDArray[np.uint8],
    told: dict[str, str],
    *,
    on: date,
    born: date,
    seed: int,
    series: str,
) -> Dataset:
    ds: Any = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[told["uhid"], str(seed)]
    )
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[told["uhid"], f"{on}"])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=[told["uhid"], f"{on}", series or str(seed)])
    ds.PatientName, ds.PatientID = told["name"].replace(" ", "^", 1), told["uhid"]
    ds.PatientBirthDate, ds.PatientSex = f"{born:%Y%m%d}", "F"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = f"{on:%Y%m%d}"
    ds.StudyTime = ds.ContentTime = "114200"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "US", device.maker, device.model
    ds.ReferringPhysicianName, ds.AccessionNumber = "Kulkarni^Vaidehi^^Dr", f"US{seed:06d}"
    ds.StudyDescription, ds.SeriesDescription = f"USG NECK {told['name'].upper()}", "Neck"
    ds.ImageType, ds.InstanceNumber, ds.StudyID, ds.SeriesNumber = ["ORIGINAL", "PRIMARY"], seed, "1", 1
    ds.Rows, ds.Columns, ds.SamplesPerPixel = device.height, device.width, 3
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.PixelData = pixels.tobytes()
    made: Dataset = ds
    return made
