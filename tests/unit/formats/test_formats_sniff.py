"""The kind of a file is what its bytes say, whatever it is called."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pydicom
import pytest
import tifffile
from PIL import Image
from pydicom.data import get_testdata_file

from midas.formats import Kind, sniff


def picture(form: str, **how: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((16, 24, 3), np.uint8)).save(out, form, **how)
    return out.getvalue()


def pyramid() -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as tiff:
        for size in (512, 256):
            tiff.write(
                np.zeros((size, size, 3), np.uint8),
                tile=(128, 128),
                subfiletype=int(size < 512),
                metadata=None,
            )
    return out.getvalue()


def aperio() -> bytes:
    out = io.BytesIO()
    text = "Aperio Image Library v11.2.1\n256x256 [0,0 256x256] (128x128) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5"
    tifffile.imwrite(out, np.zeros((256, 256, 3), np.uint8), tile=(128, 128), description=text, metadata=None)
    return out.getvalue()


def heic() -> bytes:
    return b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(64)


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


def workbook() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.save(out)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    return out.getvalue()


def nifti() -> bytes:
    import nibabel

    return nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes()


def dicom(name: str) -> bytes:
    return Path(get_testdata_file(name)).read_bytes()


def text(value: object) -> bytes:
    return json.dumps(value).encode()


CASES: dict[str, tuple[Callable[[], bytes], Kind]] = {
    "dicom": (lambda: dicom("MR_small.dcm"), Kind.DICOM),
    "dicom with a TIFF header as preamble": (lambda: dicom("CT_small.dcm"), Kind.DICOM),
    "dicom without preamble": (lambda: dicom("ExplVR_LitEndNoMeta.dcm"), Kind.DICOM),
    "dicom big endian without preamble": (lambda: dicom("ExplVR_BigEndNoMeta.dcm"), Kind.DICOM),
    "dicom implicit without preamble": (lambda: dicom("rtstruct.dcm"), Kind.DICOM),
    "dicomdir": (lambda: dicom("DICOMDIR"), Kind.DICOMDIR),
    "jpeg": (lambda: picture("JPEG"), Kind.JPEG),
    "png": (lambda: picture("PNG"), Kind.PNG),
    "webp": (lambda: picture("WEBP"), Kind.WEBP),
    "plain tiff": (lambda: picture("TIFF"), Kind.TIFF),
    "pyramid tiff": (pyramid, Kind.SLIDE),
    "aperio": (aperio, Kind.SLIDE),
    "heic": (heic, Kind.HEIC),
    "zip": (lambda: zipped("a.txt"), Kind.ARCHIVE),
    "tar": (tarred, Kind.ARCHIVE),
    "tar.gz": (lambda: gzip.compress(tarred()), Kind.ARCHIVE),
    "xlsx": (workbook, Kind.XLSX),
    "nifti": (nifti, Kind.NIFTI),
    "nifti.gz": (lambda: gzip.compress(nifti()), Kind.NIFTI),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3\n", Kind.PDF),
    "csv": (lambda: b"uhid,name\n1,A\n2,B\n", Kind.CSV),
    "csv in utf-16": (lambda: "uhid;name\n1;अ\n2;B\n".encode("utf-16"), Kind.CSV),
    "csv in cp1252": (lambda: "uhid\tname\n1\tJosé\n".encode("cp1252"), Kind.CSV),
    "letter": (lambda: b"Dear colleague,\n\nplease find the images.\nYours\n", Kind.TEXT),
    "coco": (lambda: text({"images": [], "annotations": [], "categories": []}), Kind.COCO),
    "via": (lambda: text({"a.jpg1": {"filename": "a.jpg", "regions": []}}), Kind.VIA),
    "via project": (lambda: text({"_via_img_metadata": {"a": {"filename": "a", "regions": {}}}}), Kind.VIA),
    "qupath": (
        lambda: text([{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}]),
        Kind.QUPATH,
    ),
    "other json": (lambda: text({"hello": 1}), Kind.TEXT),
    "noise": (lambda: bytes(range(256)) * 4, Kind.UNKNOWN),
    "truncated tiff": (lambda: b"II*\0" + bytes(4), Kind.TIFF),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("suffix", [".dcm", ".jpg", ".csv", ".zip", ""])
def test_kind_is_judged_by_content_alone(name: str, suffix: str, tmp_path: Path) -> None:
    make, kind = CASES[name]
    path = tmp_path / f"file{suffix}"
    path.write_bytes(make())
    assert sniff(path) is kind


def test_mirax_is_known_by_its_data_folder(tmp_path: Path) -> None:
    path = tmp_path / "case.mrxs"
    path.write_bytes(picture("JPEG"))
    assert sniff(path) is Kind.JPEG
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "Slidedat.ini").write_text("[GENERAL]\n")
    assert sniff(path) is Kind.SLIDE


def test_every_dicom_of_pydicom_is_known() -> None:
    root = Path(pydicom.__file__).parent / "data" / "test_files"
    unknown = [path.name for path in root.rglob("*.dcm") if sniff(path) not in (Kind.DICOM, Kind.DICOMDIR)]
    assert unknown == ["no_meta.dcm"], "this one begins with a stray byte; everything else is DICOM"
