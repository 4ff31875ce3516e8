"""A PDF as one DICOM object, as it is: what it says is read and rewritten where it is de-identified.

In come a PDF file and what is known of it; out comes one Encapsulated PDF (PS3.3 A.45.1).
"""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from midas.ingest.door import Door, common, derived_uid
from midas.ingest.photo import IMPLEMENTATION
from midas.kernel import BadInput, sha256_file, whole_file

LARGEST = 64 << 20
"""Bytes of a PDF: reports stay far below, and it is held in memory."""


def document_to_dicom(path: Path, *, door: Door, out: Path) -> Path:
    """Write the PDF at `path` as one DICOM file below `out`; BadInput where it is larger than a report can be."""
    if path.stat().st_size > LARGEST:
        raise BadInput("The PDF is larger than a report can be.", advice="Hand in its pages as pictures.")
    data = path.read_bytes()
    instance = derived_uid("instance", door.study_key, door.series_key, sha256_file(path))
    ds = common(door, sop_class=EncapsulatedPDFStorage, instance=instance, number=1)
    ds.ConversionType, ds.BurnedInAnnotation, ds.DocumentTitle = "WSD", "YES", ""
    ds.ContentDate, ds.ContentTime, ds.AcquisitionDateTime = "", "", ""
    ds.ConceptNameCodeSequence = []
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = data + bytes(len(data) % 2)
    ds.EncapsulatedDocumentLength = len(data)
    ds.file_meta = meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, IMPLEMENTATION
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{instance}.dcm"
    with whole_file(target) as stream:
        ds.save_as(stream, enforce_file_format=True)
    return target
