"""Synthetic images as DICOM: numbers in, bytes out. They look enough like the real kind to try code on; no one is in them.

Every file says so: PatientName is SYNTHETIC^TWIN, the series description starts with SYNTHETIC.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from midas.protocol.model import Item

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
PHOTO, SLIDE, OTHER = (
    "1.2.840.10008.5.1.4.1.1.77.1.4",
    "1.2.840.10008.5.1.4.1.1.77.1.6",
    "1.2.840.10008.5.1.4.1.1.7",
)
CLASSES = {"CT": CT, "MR": MR, "XC": PHOTO, "SM": SLIDE}
"""SOP class (PS3.6 Table A-1) by modality; a modality that is not here becomes Secondary Capture."""

EDGE, SLICES, TILE = 64, 4, 96
"""Pixels across a slice, slices of a series, pixels across a tile: a twin is a few megabytes."""

Pixels = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Sitter:
    """Whom and what an image is of, in a twin: nothing here was ever real."""

    subject: str
    sex: str
    age_years: int
    study_uid: str
    series_uid: str
    specimen: str | None = None
    specimen_uid: str | None = None


def uid(*parts: object) -> str:
    """Derive a UID under 2.25 (PS3.5 B.2) from words: the same words give the same UID."""
    text = "\x00".join(str(part) for part in parts)
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def series(item: Item, sitter: Sitter, *, seed: int) -> list[Dataset]:
    """Return the instances of one synthetic series for an item: slices, one photo, or one tiled slide level."""
    random = np.random.default_rng(seed)
    modality = item.modalities[0]
    if item.kind == "slide":
        return [_slide(_base(item, sitter, modality, 1), random)]
    if item.kind == "photo":
        return [_colour(_base(item, sitter, modality, 1), _photo(random))]
    if modality in {"CT", "MR"}:
        volume = _head(random, modality)
        return [
            _slice(_base(item, sitter, modality, number), volume, number) for number in range(1, SLICES + 1)
        ]
    return [_grey(_base(item, sitter, modality, 1), _head(random, "CT")[SLICES // 2] + 1024)]


def encode(ds: Dataset) -> bytes:
    """Return the Part 10 file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = UID(uid("midas", "twin"))
    out = io.BytesIO()
    pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def _base(item: Item, sitter: Sitter, modality: str, number: int) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = CLASSES.get(modality, OTHER)
    ds.SOPInstanceUID = uid(sitter.series_uid, number)
    ds.PatientName, ds.PatientID = "SYNTHETIC^TWIN", sitter.subject
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "", sitter.sex, f"{min(sitter.age_years, 90):03d}Y"
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "Synthetic: no person stands behind this file"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = sitter.study_uid, sitter.series_uid
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ds.StudyID = ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, 1, number
    ds.SeriesDescription = f"SYNTHETIC TWIN {item.id}"[:64]
    ds.Manufacturer, ds.ManufacturerModelName = "MIDAS", "synthetic twin"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "0", "1"
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.ContentDate, ds.ContentTime = "19000101", "000000"
    if ds.SOPClassUID != SLIDE:
        ds.Laterality, ds.PatientOrientation = "", ""
    if ds.SOPClassUID == OTHER:
        ds.ConversionType = "SYN"
    return ds


def _head(random: np.random.Generator, modality: str) -> NDArray[np.int16]:
    """A skull, a brain and one bright ball: `SLICES` slices in HU for CT, in arbitrary units for MR."""
    z, y, x = np.meshgrid(np.linspace(-0.5, 0.5, SLICES), *([np.linspace(-1, 1, EDGE)] * 2), indexing="ij")
    outer = (x / 0.78) ** 2 + (y / 0.92) ** 2 + (z / 1.1) ** 2
    bone, brain, ball = (1000, 40, 75) if modality == "CT" else (60, 420, 800)
    volume = np.where(outer < 1, bone, -1000 if modality == "CT" else 0).astype(np.float64)
    volume[outer < 0.82] = brain
    where = random.uniform(-0.35, 0.35, 2)
    volume[((x - where[0]) / 0.22) ** 2 + ((y - where[1]) / 0.22) ** 2 + z**2 < 1] = ball
    noisy = volume + random.normal(0, 12, volume.shape)
    floor = -1024 if modality == "CT" else 0
    return np.clip(np.rint(noisy), floor, 3000).astype(np.int16)


def _slice(ds: Dataset, volume: NDArray[np.int16], number: int) -> Dataset:
    ct = ds.Modality == "CT"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = uid(ds.SeriesInstanceUID, "frame"), ""
    ds.ImageType = ["DERIVED", "PRIMARY", "AXIAL" if ct else "OTHER"]
    ds.PatientPosition = "HFS"
    ds.PixelSpacing, ds.SliceThickness = [3.5, 3.5], 5.0
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [-3.5 * EDGE / 2, -3.5 * EDGE / 2, 5.0 * (number - 1)]
    ds.SliceLocation, ds.AcquisitionNumber = 5.0 * (number - 1), 1
    if ct:
        ds.KVP, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 120, 0, 1, "HU"
    else:
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
        ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.MagneticFieldStrength = 500, 15, 1, 1.5
    ds.WindowCenter, ds.WindowWidth = (40, 400) if ct else (400, 800)
    return _grey(ds, volume[number - 1])


def _grey(ds: Dataset, pixels: Pixels) -> Dataset:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.PixelData = pixels.astype("<i2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def _colour(ds: Dataset, pixels: NDArray[np.uint8]) -> Dataset:
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows, ds.Columns = pixels.shape[-3:-1]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.AcquisitionContextSequence = []
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OB"
    return ds


def _photo(random: np.random.Generator) -> NDArray[np.uint8]:
    """Something mucosa-coloured with a paler patch, and a hatched border that no camera makes."""
    y, x = np.meshgrid(np.linspace(-1, 1, 128), np.linspace(-1, 1, 160), indexing="ij")
    centre = random.uniform(-0.4, 0.4, 2)
    patch = np.exp(-(((x - centre[0]) / 0.3) ** 2 + ((y - centre[1]) / 0.25) ** 2))
    tone = np.stack([190 - 20 * x**2 + 40 * patch, 95 + 110 * patch, 100 + 90 * patch], axis=-1)
    tone += random.normal(0, 5, tone.shape)
    hatch = (np.indices(x.shape).sum(axis=0) // 4) % 2 * 255
    border = (np.abs(x) > 0.93) | (np.abs(y) > 0.93)
    tone[border] = hatch[border][:, None]
    picture: NDArray[np.uint8] = np.clip(np.rint(tone), 0, 255).astype(np.uint8)
    return picture


def _tissue(random: np.random.Generator) -> NDArray[np.uint8]:
    """Four tiles of pink ground with dark round nuclei."""
    edge = 2 * TILE
    y, x = np.indices((edge, edge))
    ground = np.array([232.0, 178.0, 208.0]) + random.normal(0, 6, (edge, edge, 3))
    for _ in range(140):
        cx, cy, radius = *random.uniform(0, edge, 2), random.uniform(2, 5)
        ground[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = (88, 58, 138)
    image = np.clip(np.rint(ground), 0, 255).astype(np.uint8)
    tiles: NDArray[np.uint8] = np.stack(
        [image[r : r + TILE, c : c + TILE] for r in (0, TILE) for c in (0, TILE)]
    )
    return tiles


def _code(scheme: str, value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _slide(ds: Dataset, random: np.random.Generator) -> Dataset:
    """One level of a whole slide image, tiled full (PS3.3 A.32.8)."""
    _colour(ds, _tissue(random))
    ds.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = uid(ds.SeriesInstanceUID, "frame"), "SLIDE_CORNER"
    ds.DimensionOrganizationType, ds.NumberOfFrames = "TILED_FULL", 4
    ds.TotalPixelMatrixRows = ds.TotalPixelMatrixColumns = 2 * TILE
    ds.TotalPixelMatrixFocalPlanes, ds.NumberOfOpticalPaths = 1, 1
    ds.ImagedVolumeWidth = ds.ImagedVolumeHeight = 2 * TILE * 0.0005
    ds.ImagedVolumeDepth, ds.VolumetricProperties, ds.SpecimenLabelInImage = 1.0, "VOLUME", "NO"
    ds.FocusMethod, ds.ExtendedDepthOfField, ds.ImageOrientationSlide = "AUTO", "NO", [0, 1, 0, 1, 0, 0]
    ds.AcquisitionDateTime = "19000101000000"
    origin, measures, frame, path = Dataset(), Dataset(), Dataset(), Dataset()
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 0
    ds.TotalPixelMatrixOriginSequence = [origin]
    measures.PixelSpacing, measures.SliceThickness = [0.0005, 0.0005], 0.001
    frame.FrameType = ds.ImageType
    shared = Dataset()
    shared.PixelMeasuresSequence, shared.WholeSlideMicroscopyImageFrameTypeSequence = [measures], [frame]
    ds.SharedFunctionalGroupsSequence = [shared]
    path.OpticalPathIdentifier = "1"
    path.IlluminationTypeCodeSequence = [_code("DCM", "111744", "Brightfield illumination")]
    path.IlluminationColorCodeSequence = [_code("SCT", "371251000", "White color")]
    path.ObjectiveLensPower = 20
    ds.OpticalPathSequence = [path]
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid(ds.SeriesInstanceUID, "dimensions")
    ds.DimensionOrganizationSequence = [organisation]
    ds.ContainerIdentifier, ds.IssuerOfTheContainerIdentifierSequence = ds.PatientID, []
    ds.ContainerTypeCodeSequence = [_code("SCT", "433466003", "Microscope slide")]
    specimen = Dataset()
    specimen.SpecimenIdentifier, specimen.SpecimenUID = ds.PatientID, uid(ds.SeriesInstanceUID, "specimen")
    specimen.IssuerOfTheSpecimenIdentifierSequence, specimen.SpecimenPreparationSequence = [], []
    ds.SpecimenDescriptionSequence = [specimen]
    return ds
