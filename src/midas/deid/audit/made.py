"""Objects that a site may not have lying about: photos, films, captures, ultrasound, waveforms, reports, slides, PDFs.

In comes a random source, out come datasets as a device would write them, without a person: planting names them.
Their pixels are patterns and noise, so that nothing in them can be mistaken for a text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence

from midas.deid.audit import frames
from midas.deid.audit.glyphs import Pixels

_S = "1.2.840.10008.5.1.4.1.1."
Rng = random.Random


def bare(kind: str, modality: str, syntax: uid.UID, **values: Any) -> Dataset:
    """Return a dataset of the SOP class 1.2.840.10008.5.1.4.1.1.<kind> with what every object has, and no pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID, ds.file_meta.MediaStorageSOPClassUID = syntax, uid.UID(_S + kind)
    ds.SOPClassUID, ds.Modality = uid.UID(_S + kind), modality
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
    if syntax == uid.JPEGBaseline8Bit and array.ndim == 3:
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


def _echo(rng: Rng, _: bool) -> Picture:
    return Picture(np.repeat(_fan(rng, 480, 640)[None, :, :, None], 3, axis=3).astype(np.uint8))


def _echo_loop(rng: Rng, _: bool) -> Picture:
    still = _fan(rng, 300, 400)
    loop = np.stack([np.where(still > 0, (still + shift * 7) % 190, 0) for shift in range(12)])
    return Picture(np.repeat(loop.astype(np.uint8)[..., None], 3, axis=3))


def _echo_palette(rng: Rng, _: bool) -> Picture:
    ramp = np.arange(256, dtype="<u2") * 257
    values: dict[str, Any] = {}
    for colour, gamma in (("Red", 1.0), ("Green", 1.1), ("Blue", 1.3)):
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        table = ((ramp / 65535) ** gamma * 65535).astype("<u2")
        values[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return Picture(_fan(rng, 420, 560)[None].astype(np.uint8), "PALETTE COLOR", values=values)


def _screen(rng: Rng, _: bool) -> Picture:
    array = np.full((480, 640, 3), (52, 56, 62), dtype=np.uint8)
    array[40:300, 20:380] = _body(rng, 260, 360, 220)[..., None].astype(np.uint8)
    array[320:460, 20:620] = (228, 230, 233)
    array[40:300, 400:620] = (70, 86, 110)
    return Picture(array[None])


def _screen_grey(rng: Rng, _: bool) -> Picture:
    return Picture(_body(rng, 512, 512, 230)[None].astype(np.uint8), "MONOCHROME2")


def _mouth(rng: Rng, _: bool) -> Picture:
    colour = _body(rng, 480, 640, 1)[..., None] * np.array((70, 40, 30)) + np.array((150, 105, 88))
    array = np.clip(colour + _noise(rng, 480, 640, 3, low=-5, high=6), 0, 255).astype(np.uint8)
    array[380:470, 30:400] = (240, 238, 230)
    return Picture(array[None])


def _chest(rng: Rng, dark: bool) -> Picture:
    image = _body(rng, 640, 540, 3400) + _noise(rng, 640, 540, high=60)
    array = (4095 - image if dark else image).clip(0, 4095).astype(np.uint16)
    return Picture(array[None], "MONOCHROME1" if dark else "MONOCHROME2", 12)


def _jaw(rng: Rng, _: bool) -> Picture:
    image = _body(rng, 420, 800, 3800) + _noise(rng, 420, 800, high=80)
    return Picture(image.clip(0, 4095).astype(np.uint16)[None], "MONOCHROME2", 12)


def _slice(rng: Rng, _: bool) -> Picture:
    values = {"ImagePositionPatient": [0, 0, rng.randrange(300)]}
    image = _body(rng, 512, 512, 2200) + _noise(rng, 512, 512, high=50)
    return Picture(image.astype(np.uint16)[None], "MONOCHROME2", 12, values)


def _tissue(rng: Rng, label: bool) -> Picture:
    array = np.full((384, 512, 3), 244, dtype=np.uint8)
    if not label:
        array[60:330, 70:440] = np.clip(
            np.array((196, 120, 180)) + _noise(rng, 270, 370, 3, low=-45, high=45), 0, 255
        )
    said = "YES" if label else "NO"
    values = {
        "ImageType": ["ORIGINAL", "PRIMARY", "LABEL" if label else "VOLUME", "NONE"],
        "SpecimenLabelInImage": said, "BurnedInAnnotation": said,
    }  # fmt: skip
    return Picture(array[None], values=values)


def _vessels(rng: Rng, _: bool) -> Picture:
    still = _body(rng, 256, 256, 180)
    return Picture(np.stack([(still + n * 5) for n in range(6)]).astype(np.uint8), "MONOCHROME2")


@dataclass(frozen=True)
class Picture:
    """Frames as a device stores them, and what the header says because of them."""

    array: Pixels
    photometric: str = "RGB"
    bits: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Device:
    """What writes one kind of picture: its SOP class, the syntaxes it sends in, its header, how the picture looks.

    Of its objects a share of `other` is of a second form: an inverted film, the label of a slide.
    """

    sop: str
    modality: str
    syntaxes: tuple[uid.UID, ...]
    look: Callable[[Rng, bool], Picture]
    values: Mapping[str, Any]
    other: float = 0.0

    def __call__(self, rng: Rng) -> Dataset:
        """Return one object."""
        other = bool(self.other) and rng.random() < self.other
        syntax = rng.choice(self.syntaxes)
        picture = self.look(rng, other)
        ds = bare(self.sop, self.modality, syntax, **self.values, **picture.values)
        return _pixels(ds, picture.array, picture.photometric, picture.bits)


def ecg(rng: Rng) -> Dataset:
    """Return one lead of an electrocardiogram: noise."""
    syntax = rng.choice((uid.ExplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian))
    ds = bare("9.1.1", "ECG", syntax, Manufacturer="BPL", ManufacturerModelName="CARDIART 9108")
    group, channel = Dataset(), Dataset()
    channel.ChannelSourceSequence = Sequence([coded("2:1", "SCPECG", "Lead I")])
    channel.ChannelSensitivity, channel.WaveformBitsStored = "4.88", 16
    group.WaveformOriginality, group.NumberOfWaveformChannels = "ORIGINAL", 1
    group.NumberOfWaveformSamples = 2000
    group.SamplingFrequency, group.ChannelDefinitionSequence = "500", Sequence([channel])
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = (_noise(rng, 2000, low=-200, high=200)).astype("<i2").tobytes()
    group["WaveformData"].VR = "OW"
    ds.WaveformSequence, ds.AcquisitionDateTime = Sequence([group]), "20200101101530"
    return ds


_FIRST, _SECOND = ["ORIGINAL", "PRIMARY"], ["DERIVED", "SECONDARY"]
_E, _I, _RLE = uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.RLELossless
_JPEG, _JPEG_SV1, _LS, _J2K = (
    uid.JPEGBaseline8Bit,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
)
MAKERS: tuple[tuple[str, Callable[[Rng], Dataset], int], ...] = (
    ("us", Device("6.1", "US", (_E, _JPEG, _RLE, _J2K), _echo, {
        "Manufacturer": "GE Healthcare", "ManufacturerModelName": "LOGIQ E9", "ImageType": [*_FIRST, "", "0001"],
    }), 8),
    ("us", Device("3.1", "US", (_JPEG, _RLE), _echo_loop, {
        "Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "EPIQ 7C", "ImageType": _FIRST,
        "FrameTime": "33.3", "FrameIncrementPointer": 0x00181063,
    }), 4),
    ("us", Device("6.1", "US", (_E, _RLE, _I), _echo_palette, {
        "Manufacturer": "TOSHIBA", "ManufacturerModelName": "Aplio 500", "ImageType": _FIRST,
    }), 5),
    ("sc", Device("7", "OT", (_E, _I, _J2K, uid.DeflatedExplicitVRLittleEndian), _screen, {
        "Manufacturer": "Agfa", "ConversionType": "WSD", "ImageType": _SECOND,
    }), 9),
    ("sc", Device("7", "CT", (_E, _LS, _RLE, uid.ExplicitVRBigEndian), _screen_grey, {
        "Manufacturer": "SIEMENS", "ConversionType": "DI", "ImageType": [*_SECOND, "OTHER"],
    }), 7),
    ("xc", Device("77.1.4", "XC", (_JPEG, _JPEG, _E), _mouth, {
        "Manufacturer": "NIKON", "ManufacturerModelName": "D5300", "ImageType": _FIRST, "AcquisitionContextSequence": [],
    }), 9),
    ("cr", Device("1", "CR", (_E, _I, _JPEG_SV1), _chest, {
        "Manufacturer": "FUJI PHOTO FILM Co., ltd.", "ManufacturerModelName": "5000", "ImageType": _FIRST,
        "ViewPosition": "PA", "ImagerPixelSpacing": ["0.2", "0.2"], "KVP": "70", "BodyPartExamined": "CHEST",
    }, other=0.6), 8),
    ("px", Device("1.1", "PX", (_E, _J2K), _jaw, {
        "Manufacturer": "Planmeca", "ManufacturerModelName": "ProMax", "ImageType": _FIRST, "KVP": "66",
        "PresentationIntentType": "FOR PRESENTATION", "BodyPartExamined": "JAW", "PixelIntensityRelationship": "LOG",
    }), 4),
    ("ct", Device("2", "CT", (_E, _I, _JPEG_SV1, _LS, _RLE, _J2K), _slice, {
        "Manufacturer": "SIEMENS", "ManufacturerModelName": "SOMATOM Definition AS", "ImageType": [*_FIRST, "AXIAL"],
        "KVP": "120", "SliceThickness": "5", "PixelSpacing": ["0.5", "0.5"],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "RescaleIntercept": "-1024", "RescaleSlope": "1",
        "ConvolutionKernel": "B30f", "PositionReferenceIndicator": "", "WindowCenter": "40", "WindowWidth": "400",
        "BodyPartExamined": "NECK",
    }), 22),
    ("sm", Device("77.1.6", "SM", (_JPEG, _E), _tissue, {
        "Manufacturer": "Hamamatsu", "ManufacturerModelName": "NanoZoomer S60", "TotalPixelMatrixColumns": 512,
        "TotalPixelMatrixRows": 384, "ImagedVolumeWidth": 15.0, "ImagedVolumeHeight": 12.0, "FocusMethod": "AUTO",
    }, other=0.4), 5),
    ("xa", Device("12.1", "XA", (_E, _JPEG_SV1, _RLE), _vessels, {
        "Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "Allura Xper",
        "ImageType": [*_FIRST, "SINGLE PLANE"], "KVP": "75", "FrameTime": "66", "FrameIncrementPointer": 0x00181063,
    }), 4),
    ("ecg", ecg, 3),
)  # fmt: skip
"""(kind, maker, share of a made corpus)."""
