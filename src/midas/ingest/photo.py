"""A photograph or photomicrograph as one DICOM object.

In come an image file and what the tables know; out comes one VL Photographic Image (PS3.3 A.32.4) or VL Microscopic
Image (A.32.2). A baseline JPEG that lies upright keeps its compressed bytes, less its metadata; anything else is stored
without loss.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    VLMicroscopicImageStorage,
    VLPhotographicImageStorage,
)

from midas.formats import photos
from midas.formats.photos import Photo
from midas.ingest.door import Door, common, derived_uid, optical_path, place, specimen
from midas.kernel import sha256_file, whole_file

IMPLEMENTATION = UID("2.25.233064071493227583498151467382043283474")
"""Names this writer in the file meta group (PS3.10 §7.1)."""

PHOTOMETRIC = {"grey": "MONOCHROME2", "444": "YBR_FULL", "422": "YBR_FULL_422", "420": "YBR_FULL_422"}


def photo_to_dicom(path: Path, *, door: Door, out: Path) -> Path:
    """Write the picture at `path` as one DICOM file below `out`; BadInput where it cannot be read."""
    photo = photos.look(path)
    microscopic = bool(door.objective_power or door.mpp_um or door.modality == "GM")
    sop_class = VLMicroscopicImageStorage if microscopic else VLPhotographicImageStorage
    instance = derived_uid("instance", door.study_key, door.series_key, sha256_file(path))
    ds = common(door, sop_class=sop_class, instance=instance, number=1)
    _image(ds, photo, door)
    if microscopic:
        _microscope(ds, door)
    elif door.specimen:
        specimen(ds, door)
    _pixels(ds, photo)
    target = out / f"{instance}.dcm"
    with whole_file(target) as stream:
        ds.save_as(stream, enforce_file_format=True)
    return target


def _image(ds: Dataset, photo: Photo, door: Door) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY"] if photo.jpeg or not photo.lossy else ["DERIVED", "PRIMARY"]
    ds.AcquisitionContextSequence = []
    ds.PatientOrientation = ""
    place(ds, door)
    if photo.pixels.ndim == 3:
        ds.ICCProfile = photo.icc
    ds.LossyImageCompression = "01" if photo.lossy else "00"
    if photo.lossy_method:
        ds.LossyImageCompressionMethod = photo.lossy_method
    if photo.lossy:
        ds.LossyImageCompressionRatio = max(1.0, photo.ratio or 1.0)


def _microscope(ds: Dataset, door: Door) -> None:
    specimen(ds, door)
    ds.NumberOfOpticalPaths = 1
    ds.OpticalPathSequence = [optical_path(door, ds.get("ICCProfile", b""), power=None)]
    if door.mpp_um:
        spacing = round(door.mpp_um / 1000, 9)
        ds.PixelSpacing = [spacing, spacing]


def _pixels(ds: Dataset, photo: Photo) -> None:
    rows, columns = photo.pixels.shape[:2]
    colour = photo.pixels.ndim == 3
    ds.Rows, ds.Columns = rows, columns
    ds.SamplesPerPixel = 3 if colour else 1
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if colour:
        ds.PlanarConfiguration = 0
    ds.file_meta = meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.ImplementationClassUID = IMPLEMENTATION
    if photo.jpeg and photo.subsampling:
        meta.TransferSyntaxUID = JPEGBaseline8Bit
        ds.PhotometricInterpretation = PHOTOMETRIC[photo.subsampling]
        ds.PixelData = encapsulate([photo.jpeg])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    data = np.ascontiguousarray(photo.pixels).tobytes()
    ds.PixelData = data + bytes(len(data) % 2)
    ds["PixelData"].VR = "OB"
