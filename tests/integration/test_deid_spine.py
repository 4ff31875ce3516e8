"""The spine attacked from its other doors: photographs, label files, tables and folders that tell of a stranger."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.unit.spoke.conftest import (  # noqa: F401 - a fixture
    CLOCK,
    CONSENTS,
    LESIONS,
    PERSONS,
    SPECIMENS,
    VISITS,
    work,
    write_ct,
    write_table,
)  # fmt: skip

from midas import compute
from midas.spoke import flow
from midas.spoke.intake.models import Item
from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.outbox.packing import files_of

pytestmark = pytest.mark.django_db
NAME, PHONE, DAY = "Zubeida Qureshi", "9876512345", "2019:07:14"
STRANGER = ("Zubeida", "Qureshi", "9876512345", "Deshmukhwar", "WR/24/0001", "2019:07:14", "20240113")


def _picture() -> Image.Image:
    return Image.fromarray((np.random.default_rng(3).integers(60, 200, (96, 128, 3))).astype("u1"))


def _exif() -> bytes:
    exif = Image.Exif()
    for tag in (0x010E, 0x013B, 0x8298, 0x0131, 0x9C9B):
        exif[tag] = NAME if tag != 0x9C9B else NAME.encode("utf-16-le")
    exif[0x0132] = f"{DAY} 10:00:00"
    exif.get_ifd(0x8769)[0x927C] = NAME.encode() + PHONE.encode()
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


XMP = f"<x:xmpmeta><dc:creator>{NAME} {PHONE}</dc:creator></x:xmpmeta>".encode()


def _jpeg(path: Path) -> None:
    out = io.BytesIO()
    _picture().save(out, "JPEG", exif=_exif(), xmp=XMP, comment=NAME.encode(), quality=92)
    second = io.BytesIO()
    _picture().save(second, "JPEG", comment=NAME.encode())
    path.write_bytes(out.getvalue() + second.getvalue() + NAME.encode())


def _png(path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", NAME)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    text.add_text("Comment", PHONE, zip=True)
    _picture().save(path, "PNG", pnginfo=text, exif=_exif())
    path.write_bytes(path.read_bytes() + NAME.encode())


def _tiff(path: Path) -> None:
    _picture().save(
        path, "TIFF", description=NAME, artist=NAME, software=NAME, tiffinfo={65000: NAME, 700: XMP}
    )


def _webp(path: Path) -> None:
    _picture().save(path, "WEBP", exif=_exif(), xmp=XMP, lossless=True)


WRITERS = {"a.jpg": _jpeg, "b.png": _png, "c.tif": _tiff, "d.webp": _webp}


def _hospital(folder: Path) -> Path:
    photos = [("File", "UHID", "Visit", "Lesion", "View", "Taken on", "Remarks by Zubeida Qureshi")]
    place = folder / f"{NAME} {PHONE}" / "OPD 14-07-2019"
    place.mkdir(parents=True)
    for name, write in WRITERS.items():
        write(place / name)
        photos.append((name, "WR/24/0001", "baseline", "A", "dorsal-tongue", "12/01/2024", f"{NAME} {PHONE}"))
    tables = {"Patients": PERSONS, "Consent register": CONSENTS, "OPD visits": VISITS, "lesions": LESIONS, "HPE": SPECIMENS,
              "photos": photos}  # fmt: skip
    for name, rows in tables.items():
        write_table(folder / "tables" / f"{name}.csv", rows)
    write_table(folder / "tables" / "typed.csv", [
        SPECIMENS[0], ("H-24-00112", "WR/24/0001", "A", "baseline", "biopsy", NAME, PHONE),
        ("=HYPERLINK(\"" + NAME + "\")", "WR/24/0001", "A", "baseline", "biopsy", "squamous-cell-carcinoma", "-"),
    ])  # fmt: skip
    write_table(folder / "tables" / "impressions.csv", [
        LESIONS[0], ("WR/24/0002", "baseline", NAME, "cheek", "R", PHONE, NAME),
    ])  # fmt: skip
    write_ct(folder / "scans" / NAME / "1.dcm", uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240113")
    coco = {
        "info": {"contributor": NAME}, "images": [{"id": 1, "file_name": f"{NAME}/a.jpg", "width": 128, "height": 96,
        "date_captured": PHONE}], "categories": [{"id": 1, "name": "lesion"}, {"id": 2, "name": NAME}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 20], "note": NAME,
                         "segmentation": [[4, 4, 24, 4, 24, 24, 4, 24]]}],
    }  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(coco))
    with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as archive:
        archive.comment = f"{NAME} {PHONE}".encode()
        archive.writestr(f"{NAME}/{PHONE}.txt", NAME * 20)
    return folder


def _found(data: bytes, where: str) -> list[str]:
    low = data.lower()
    return [
        f"{where}: {word}" for word in STRANGER for code in ("utf-8", "utf-16-le", "utf-16-be")
        if word.lower().encode(code) in low
    ]  # fmt: skip


def _laid_out(work: Any, parcel: Parcel, folder: Path) -> None:  # noqa: F811 - the fixture comes from another test
    """Lay a parcel out as a folder with the names of its files."""
    files = files_of(work, parcel)
    named = {part["path"]: part["sha256"] for part in parcel.header["parts"]}
    named |= {one.line["path"]: one.sha256 for one in parcel.outputs.filter(kind="instance")}
    for name, digest in named.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(files[digest].read_bytes())
    (folder / "submission.json").write_text(json.dumps(parcel.signed))


def test_nothing_of_a_stranger_leaves_by_any_door(work: Any, tmp_path: Path) -> None:  # noqa: F811 - so does this one
    flow.receive(home=work.home, folder=_hospital(tmp_path / "export"), runner=compute.here(), clock=CLOCK)
    held = list(Item.objects.filter(state="held").exclude(kind="row"))
    photos = [one for one in held if one.kind in {"jpeg", "png", "tiff", "webp"}]
    if photos:
        flow.decide(home=work.home, items=photos, verdict="accept", boxes=(), why="looked at", by="tester")
    told = json.dumps(list(Item.objects.values("detail", "findings", "group", "reason")), default=str)
    assert _found(told.encode(), "items") == []
    flow.pack(home=work.home, clock=CLOCK)
    sent = list(Output.objects.filter(kind="instance"))
    assert len(sent) >= len(WRITERS), [(one.kind, one.reason, one.detail) for one in held]
    out = tmp_path / "parcel"
    _laid_out(work, Parcel.objects.get(), out)
    leaks = [
        leak for path in out.rglob("*") if path.is_file() for leak in _found(path.read_bytes(), path.suffix)
    ]
    assert leaks == []
    assert _found("\n".join(str(p) for p in out.rglob("*")).encode(), "paths") == []
