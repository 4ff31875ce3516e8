"""Objects that a site may not have lying about: photos, films, captures, ultrasound, waveforms, reports, slides, PDFs.

In comes a random source, out come datasets as a device would write them, without a person: planting names them.
Their pixels are patterns and noise, so that nothing in them can be mistaken for a text.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from midas.deid.audit import frames
from midas.deid.audit.glyphs import Pixels

_S = "1.2.840.10008.5.1.4.1.1."
Rng = random.Random


def bare(kind: str, modality: str, syntax: UID, **values: Any) -> Dataset:
    """Return a dataset of the SOP class 1.2.840.10008.5.1.4.1.1.<kind> with what every object has, and no pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID, ds.file_meta.MediaStorageSOPClassUID = syntax, UID(_S + kind)
    ds.SOPClassUID, ds.Modality = UID(_S + kind), modality
    ds.StudyDate, ds.StudyTime, ds.ContentDate, ds.ContentTime = "20200101", "101530", "20200101", "101612"
    ds.PatientSex, ds.SeriesNumber, ds.InstanceNumber, ds.Laterality = "O", "1", "1", ""
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """Return one item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _pixels(ds: Dataset, array: Pixels, photometric: str, bits: int = 0) -> Dataset:
    """Put (frames, rows, columns[, samples]) into the dataset, in its own transfer syntax."""
    depth = array.dtype.itemsize * 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3 if array.ndim == 4 else 1), photometric
    if array.ndim == 4:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = array.shape[1:3]
    if array.shape[0] > 1:
        ds.NumberOfFrames = array.shape[0]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = depth, bits or depth, (bits or depth) - 1
    ds.PixelRepresentation = 0
    syntax = ds.file_meta.TransferSyntaxUID
    ds.PixelData = b"\0\0"
    ds["PixelData"].VR = "OB" if depth == 8 else "OW"
    frames.store(ds, array)
    if syntax == JPEGBaseline8Bit and array.ndim == 3:
        ds.PhotometricInterpretation = photometric
    return ds


def _noise(rng: Rng, *shape: int, low: int = 0, high: int = 40) -> Pixels:
    return np.random.default_rng(rng.randrange(1 << 30)).integers(low, high, shape).astype(np.int32)


def _body(rng: Rng, rows: int, columns: int, top: float) -> Pixels:
    """Return a soft ellipse with bright rims and a few round structures, 0 to `top`."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    image = np.clip(1.1 - (x / 0.75) ** 2 - (y / 0.85) ** 2, 0, 1) ** 0.3 * 0.45
    image[((x / 0.75) ** 2 + (y / 0.85) ** 2 > 0.86) & ((x / 0.75) ** 2 + (y / 0.85) ** 2 < 1)] = 0.9
    for _ in range(9):
        cx, cy, r = rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.6), rng.uniform(0.03, 0.18)
        image += np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / r**2)) * rng.uniform(-0.3, 0.4)
    made: Pixels = np.clip(image, 0, 1) * top
    return made


def _fan(rng: Rng, rows: int, columns: int) -> Pixels:
    """Return an ultrasound sector on black, 0 to 255."""
    y, x = np.mgrid[0 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    inside = (
        (np.abs(np.arctan2(x, y + 0.12)) < 0.62)
        & (np.hypot(x, y + 0.12) < 1.0)
        & (np.hypot(x, y + 0.12) > 0.2)
    )
    speckle = _noise(rng, rows, columns, low=20, high=150) * (
        0.5 + 0.5 * np.sin(18 * np.hypot(x, y) + rng.random())
    )
    return np.where(inside, speckle, 0)


def us_colour(rng: Rng) -> Dataset:
    ds = bare(
        "6.1",
        "US",
        rng.choice((ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless, JPEG2000Lossless)),
        Manufacturer="GE Healthcare",
        ManufacturerModelName="LOGIQ E9",
        ImageType=["ORIGINAL", "PRIMARY", "", "0001"],
    )
    return _pixels(ds, np.repeat(_fan(rng, 480, 640)[None, :, :, None], 3, axis=3).astype(np.uint8), "RGB")


def us_cine(rng: Rng) -> Dataset:
    ds = bare(
        "3.1",
        "US",
        rng.choice((JPEGBaseline8Bit, RLELossless)),
        Manufacturer="Philips Medical Systems",
        ManufacturerModelName="EPIQ 7C",
        FrameTime="33.3",
        ImageType=["ORIGINAL", "PRIMARY"],
        FrameIncrementPointer=0x00181063,
    )
    still = _fan(rng, 300, 400)
    array = np.stack([np.where(still > 0, (still + shift * 7) % 190, 0) for shift in range(12)]).astype(
        np.uint8
    )
    return _pixels(ds, np.repeat(array[..., None], 3, axis=3), "RGB")


def us_palette(rng: Rng) -> Dataset:
    ds = bare(
        "6.1",
        "US",
        rng.choice((ExplicitVRLittleEndian, RLELossless, ImplicitVRLittleEndian)),
        Manufacturer="TOSHIBA",
        ManufacturerModelName="Aplio 500",
        ImageType=["ORIGINAL", "PRIMARY"],
    )
    ramp = np.arange(256, dtype="<u2") * 257
    for colour, gamma in (("Red", 1.0), ("Green", 1.1), ("Blue", 1.3)):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = ((ramp / 65535) ** gamma * 65535).astype("<u2")
        setattr(ds, f"{colour}PaletteColorLookupTableData", table.tobytes())
    return _pixels(ds, _fan(rng, 420, 560)[None].astype(np.uint8), "PALETTE COLOR")


def capture(rng: Rng) -> Dataset:
    ds = bare(
        "7",
        "OT",
        rng.choice(
            (ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, DeflatedExplicitVRLittleEndian)
        ),
        ConversionType="WSD",
        ImageType=["DERIVED", "SECONDARY"],
        Manufacturer="Agfa",
    )
    array = np.full((480, 640, 3), (52, 56, 62), dtype=np.uint8)
    array[40:300, 20:380] = _body(rng, 260, 360, 220)[..., None].astype(np.uint8)
    array[320:460, 20:620] = (228, 230, 233)
    array[40:300, 400:620] = (70, 86, 110)
    return _pixels(ds, array[None], "RGB")


def capture_grey(rng: Rng) -> Dataset:
    ds = bare(
        "7",
        "CT",
        rng.choice((ExplicitVRLittleEndian, JPEGLSLossless, RLELossless, ExplicitVRBigEndian)),
        ConversionType="DI",
        ImageType=["DERIVED", "SECONDARY", "OTHER"],
        Manufacturer="SIEMENS",
    )
    return _pixels(ds, _body(rng, 512, 512, 230)[None].astype(np.uint8), "MONOCHROME2")


def photo(rng: Rng) -> Dataset:
    ds = bare(
        "77.1.4",
        "XC",
        rng.choice((JPEGBaseline8Bit, JPEGBaseline8Bit, ExplicitVRLittleEndian)),
        Manufacturer="NIKON",
        ManufacturerModelName="D5300",
        ImageType=["ORIGINAL", "PRIMARY"],
        AcquisitionContextSequence=Sequence([]),
    )
    base = (
        _body(rng, 480, 640, 1)[..., None] * np.array((70, 40, 30))
        + np.array((150, 105, 88))
        + _noise(rng, 480, 640, 3, low=-5, high=6)
    )
    array = np.clip(base, 0, 255).astype(np.uint8)
    array[380:470, 30:400] = (240, 238, 230)
    return _pixels(ds, array[None], "RGB")


def film(rng: Rng) -> Dataset:
    dark = rng.random() < 0.6
    ds = bare(
        "1",
        "CR",
        rng.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1)),
        Manufacturer="FUJI PHOTO FILM Co., ltd.",
        ManufacturerModelName="5000",
        ViewPosition="PA",
        ImagerPixelSpacing=["0.2", "0.2"],
        KVP="70",
        ImageType=["ORIGINAL", "PRIMARY"],
        BodyPartExamined="CHEST",
    )
    image = _body(rng, 640, 540, 3400) + _noise(rng, 640, 540, high=60)
    array = (4095 - image if dark else image).clip(0, 4095).astype(np.uint16)
    return _pixels(ds, array[None], "MONOCHROME1" if dark else "MONOCHROME2", 12)


def panoramic(rng: Rng) -> Dataset:
    ds = bare(
        "1.1",
        "PX",
        rng.choice((ExplicitVRLittleEndian, JPEG2000Lossless)),
        Manufacturer="Planmeca",
        ManufacturerModelName="ProMax",
        ImageType=["ORIGINAL", "PRIMARY"],
        PresentationIntentType="FOR PRESENTATION",
        BodyPartExamined="JAW",
        KVP="66",
        PixelIntensityRelationship="LOG",
    )
    return _pixels(
        ds,
        (_body(rng, 420, 800, 3800) + _noise(rng, 420, 800, high=80)).clip(0, 4095).astype(np.uint16)[None],
        "MONOCHROME2",
        12,
    )


def slices(rng: Rng) -> Dataset:
    ds = bare(
        "2",
        "CT",
        rng.choice(
            (
                ExplicitVRLittleEndian,
                ImplicitVRLittleEndian,
                JPEGLosslessSV1,
                JPEGLSLossless,
                RLELossless,
                JPEG2000Lossless,
            )
        ),
        Manufacturer="SIEMENS",
        ManufacturerModelName="SOMATOM Definition AS",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        KVP="120",
        SliceThickness="5",
        PixelSpacing=["0.5", "0.5"],
        ImagePositionPatient=[0, 0, rng.randrange(300)],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        RescaleIntercept="-1024",
        RescaleSlope="1",
        ConvolutionKernel="B30f",
        PositionReferenceIndicator="",
        WindowCenter="40",
        WindowWidth="400",
        BodyPartExamined="NECK",
    )
    return _pixels(
        ds,
        (_body(rng, 512, 512, 2200) + _noise(rng, 512, 512, high=50)).astype(np.uint16)[None],
        "MONOCHROME2",
        12,
    )


def slide(rng: Rng) -> Dataset:
    label = rng.random() < 0.4
    ds = bare(
        "77.1.6",
        "SM",
        rng.choice((JPEGBaseline8Bit, ExplicitVRLittleEndian)),
        Manufacturer="Hamamatsu",
        ManufacturerModelName="NanoZoomer S60",
        ImageType=["ORIGINAL", "PRIMARY", "LABEL" if label else "VOLUME", "NONE"],
        SpecimenLabelInImage="YES" if label else "NO",
        TotalPixelMatrixColumns=512,
        TotalPixelMatrixRows=384,
        ImagedVolumeWidth=15.0,
        ImagedVolumeHeight=12.0,
        BurnedInAnnotation="YES" if label else "NO",
        FocusMethod="AUTO",
    )
    array = np.full((384, 512, 3), 244, dtype=np.uint8)
    if not label:
        array[60:330, 70:440] = np.clip(
            np.array((196, 120, 180)) + _noise(rng, 270, 370, 3, low=-45, high=45), 0, 255
        )
    return _pixels(ds, array[None], "RGB")


def angiogram(rng: Rng) -> Dataset:
    ds = bare(
        "12.1",
        "XA",
        rng.choice((ExplicitVRLittleEndian, JPEGLosslessSV1, RLELossless)),
        Manufacturer="Philips Medical Systems",
        ManufacturerModelName="Allura Xper",
        ImageType=["ORIGINAL", "PRIMARY", "SINGLE PLANE"],
        KVP="75",
        FrameTime="66",
        FrameIncrementPointer=0x00181063,
    )
    still = _body(rng, 256, 256, 180)
    return _pixels(ds, np.stack([(still + n * 5) for n in range(6)]).astype(np.uint8), "MONOCHROME2")


def ecg(rng: Rng) -> Dataset:
    ds = bare(
        "9.1.1",
        "ECG",
        rng.choice((ExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian)),
        Manufacturer="BPL",
        ManufacturerModelName="CARDIART 9108",
    )
    group, channel = Dataset(), Dataset()
    source = Dataset()
    source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "2:1", "SCPECG", "Lead I"
    channel.ChannelSourceSequence, channel.ChannelSensitivity, channel.WaveformBitsStored = (
        Sequence([source]),
        "4.88",
        16,
    )
    group.WaveformOriginality, group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = (
        "ORIGINAL",
        1,
        2000,
    )
    group.SamplingFrequency, group.ChannelDefinitionSequence = "500", Sequence([channel])
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = (_noise(rng, 2000, low=-200, high=200)).astype("<i2").tobytes()
    group["WaveformData"].VR = "OW"
    ds.WaveformSequence, ds.AcquisitionDateTime = Sequence([group]), "20200101101530"
    return ds


MAKERS: tuple[tuple[str, Callable[[Rng], Dataset], int], ...] = (
    ("us", us_colour, 8),
    ("us", us_cine, 4),
    ("us", us_palette, 5),
    ("sc", capture, 9),
    ("sc", capture_grey, 7),
    ("xc", photo, 9),
    ("cr", film, 8),
    ("px", panoramic, 4),
    ("ct", slices, 22),
    ("sm", slide, 5),
    ("xa", angiogram, 4),
    ("ecg", ecg, 3),
)
"""(kind, maker, share of a made corpus)."""
