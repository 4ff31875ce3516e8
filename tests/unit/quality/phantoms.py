"""Synthetic images of nobody for the tests of checks: cylinders of water and of gel, to be spoilt in one way each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

SIDE = 256
Pixels = NDArray[np.floating]


def disc(radius: float = 0.38, at: tuple[float, float] = (0, 0)) -> NDArray[np.bool_]:
    y, x = np.mgrid[:SIDE, :SIDE]
    middle = (SIDE - 1) / 2
    return np.hypot(y - middle - at[0] * SIDE, x - middle - at[1] * SIDE) < radius * SIDE


def ct_pixels(
    random: np.random.Generator,
    *,
    noise: float = 12,
    shift: tuple[float, float] = (0, 0),
    radius: float = 0.38,
) -> Pixels:
    """Water with a rod of bone in air, HU."""
    values = np.where(disc(radius=radius, at=shift), 40.0, -1000.0)
    values[disc(radius=0.05, at=(shift[0] + 0.2, shift[1]))] = 800
    return values + random.normal(0, noise, values.shape)


def mr_pixels(
    random: np.random.Generator, *, noise: float = 8, shift: tuple[float, float] = (0, 0), ghost: float = 0
) -> Pixels:
    """Magnitude of a disc under complex noise; `ghost` is the share of it that comes back half a picture away."""
    signal = np.where(disc(at=shift), 600.0, 0.0)
    signal[disc(radius=0.08, at=(shift[0] - 0.1, shift[1] + 0.1))] = 900
    if ghost:
        signal = signal + ghost * np.roll(signal, SIDE // 2, axis=0)
    real, imaginary = random.normal(0, noise, (2, *signal.shape))
    return np.hypot(signal + real, imaginary)


def xray_pixels(random: np.random.Generator, *, noise: float = 30, span: float = 1) -> Pixels:
    """A ramp with bones on it, of 12 bits."""
    ramp = np.linspace(600, 600 + 2600 * span, SIDE)[None, :] * np.ones((SIDE, 1))
    ramp[disc(radius=0.2)] -= 400 * span
    return ramp + random.normal(0, noise, ramp.shape)


def _object(modality: str, sop_class: str, pixels: Pixels, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["phantom", modality, str(number)])
    ds = FileDataset("phantom", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = (
        "SYNTHETIC^PHANTOM",
        "P-0A1B2-C3D4E",
        "",
        "O",
    )
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ds.StudyID = ""
    ds.PositionReferenceIndicator, ds.Manufacturer, ds.Modality = "", "PHANTOM", modality
    ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = 1, number + 1, 1
    ds.ImageType, ds.PatientPosition = ["ORIGINAL", "PRIMARY", "AXIAL"], "HFS"
    ds.PixelSpacing, ds.SliceThickness = [0.8, 0.8], 2.0
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2.0 * number]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.clip(np.rint(pixels), 0, 4095).astype(np.uint16).tobytes()
    return ds


def ct(number: int = 0, pixels: Pixels | None = None) -> FileDataset:
    values = ct_pixels(np.random.default_rng(number)) if pixels is None else pixels
    ds = _object("CT", CTImageStorage, values + 1024, number)
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.KVP = -1024, 1, "HU", 120
    return ds


def mr(number: int = 0, pixels: Pixels | None = None) -> FileDataset:
    ds = _object(
        "MR", MRImageStorage, mr_pixels(np.random.default_rng(number)) if pixels is None else pixels, number
    )
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
    ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength, ds.MagneticFieldStrength = 15, 500, 1, 1.5
    return ds


def xray(pixels: Pixels | None = None) -> FileDataset:
    ds = _object(
        "DX", DigitalXRayImageStorageForPresentation,
        xray_pixels(np.random.default_rng(0)) if pixels is None else pixels, 0,
    )  # fmt: skip
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "SliceThickness"):
        delattr(ds, name)
    ds.BurnedInAnnotation, ds.LossyImageCompression, ds.ImageLaterality = "NO", "00", "U"
    ds.PresentationIntentType, ds.PresentationLUTShape = "FOR PRESENTATION", "IDENTITY"
    ds.ImagerPixelSpacing, ds.DetectorType = [0.2, 0.2], "DIRECT"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.AcquisitionContextSequence, ds.AnatomicRegionSequence = [], []
    return ds


def series(make: Callable[[int], FileDataset], count: int = 12) -> list[Dataset]:
    return [make(number) for number in range(count)]
