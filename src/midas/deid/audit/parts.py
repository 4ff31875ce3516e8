"""Identifiers planted where few look: private elements, UN blobs, overlays, curves, preamble, file meta, trailing bytes.

In come a dataset, a sheet and a random source; each part is planted in some files and written down. `finish` changes the
bytes of a written file, for what no dataset can hold.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from midas.deid.audit.answers import Line, packed
from midas.deid.audit.glyphs import Style, drawn
from midas.deid.audit.sheet import Sheet

SAFE = (
    ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS", "800"),
    ("SIEMENS MR HEADER", 0x0019, 0x0D, "CS", "DIRECTIONAL"),
    ("GEMS_ACQU_01", 0x0019, 0x1B, "DS", "2.5"),
    ("GEMS_ACQU_01", 0x0019, 0x27, "DS", "5.0"),
    ("GEMS_ACQU_01", 0x0019, 0x0F, "DS", "415.5"),
)
"""Private elements of PS3.15's own list of safe ones (E.3.10) with values that a device writes."""


def plant_parts(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    """Plant private elements, overlays and curves; shares are drawn part by part."""
    for share, part in (
        (45, _safe),
        (40, _unknown),
        (25, _private_sequence),
        (25, _blob),
        (20, _un_sequence),
        (12, _curve),
        (12, _overlay),
        (12, _standard_un),
        (8, _icon),
        (15, _told_creator),
    ):
        if rng.randrange(100) < share:
            part(ds, sheet, rng)


def _add(ds: Dataset, tag: int, vr: str, value: object) -> None:
    ds.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))


def _block(ds: Dataset, group: int, creator: str) -> int:
    """Return the first tag of a free block that `creator` now owns."""
    taken = {
        int(tag) & 0xFF
        for tag in list(ds.keys())
        if int(tag) >> 16 == group and 0x10 <= int(tag) & 0xFFFF <= 0xFF
    }
    number = next(n for n in range(0x10, 0x100) if n not in taken)
    _add(ds, group << 16 | number, "LO", creator)
    return group << 16 | number << 8


def _safe(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    creator, group, element, vr, value = rng.choice(SAFE)
    tag = _block(ds, group, creator) + element
    _add(ds, tag, vr, value)
    if creator == "GEMS_ACQU_01" and rng.randrange(100) < 30:
        family = sheet.person.facts["family"]
        _add(ds, (tag & ~0xFF) + 0x9C, "LO", f"FSE {family}")
        sheet.removed((tag & ~0xFF) + 0x9C, (), "family", family, area="private")
    sheet.must(
        "text_retained",
        "tcia",
        tag,
        " ".join(value.casefold().split()) if vr == "CS" else f"{float(value):.6g}",
        area="private",
    )


def _unknown(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    first = _block(
        ds,
        rng.choice((0x0099, 0x0029, 0x07A1)),
        rng.choice(("HOSPITAL PACS 1.0", "ARCHIVE EXTRA", "MEDILINK RIS 4")),
    )
    rows = [
        (0x01, "LO", "<name.short>"),
        (0x02, "LT", "Paid by <policy>; <address>"),
        (0x03, "SH", "<mrn>"),
        (0x04, "DA", "<date.da>"),
        (0x05, "UT", "<name.native>, <mobile.joined>"),
    ]
    for element, vr, template in rng.sample(rows, 3):
        text, found, _useful = sheet.filled(template)
        _add(ds, first + element, vr, text)
        for kind, value in found:
            sheet.removed(first + element, (), kind, value, area="private")


def _private_sequence(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    tag = _block(ds, 0x0033, "VIEWER STATE 2") + 0x20
    item = Dataset()
    for keyword, what in (
        ("PatientName", "name.dicom"),
        ("PatientID", "uhid"),
        ("PatientTelephoneNumbers", "mobile"),
    ):
        value = sheet.person.say(what, sheet.study)
        setattr(item, keyword, value)
        sheet.removed(int(item.data_element(keyword).tag), ((tag, 0),), what, value, area="private")  # type: ignore[union-attr]
    _add(ds, tag, "SQ", Sequence([item]))


def _blob(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    tag = _block(ds, 0x0029, "SCANNER DUMP") + 0x10
    text, found, _useful = sheet.filled("<name> <uhid>")
    _add(
        ds,
        tag,
        rng.choice(("UN", "OB")),
        b"\x01\x00\x7f\x00" + text.encode("utf-8") + b"\x00" * (len(text) % 2) + b"\x00\x11",
    )
    for kind, value in found:
        sheet.removed(tag, (), kind, value, area="private")


def _un_sequence(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    """A sequence in implicit encoding behind VR UN (PS3.5 6.2.2), private or, in part of the files, one of the standard."""
    inner = Dataset()
    inner.PatientName = sheet.person.say("name.dicom", sheet.study)
    inner.PatientComments = f"Call {sheet.person.facts['mobile']}"
    value = _implicit(inner)
    tag = _block(ds, 0x0041, "NESTED DUMP") + 0x11
    _add(ds, tag, "UN", value)
    sheet.removed(tag, (), "name.dicom", str(inner.PatientName), area="un")
    sheet.removed(tag, (), "mobile", sheet.person.facts["mobile"], area="un")


def _standard_un(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    """A sequence of the standard that a gateway, not knowing it, wrote as UN (PS3.5 6.2.2); explicit syntaxes only."""
    if ds.file_meta.TransferSyntaxUID.is_implicit_VR or "OtherPatientIDsSequence" in ds:
        return
    inner = Dataset()
    inner.PatientID, inner.IssuerOfPatientID = (
        sheet.person.facts["passport"],
        sheet.person.facts["hospital.short"],
    )
    config.replace_un_with_known_vr = False
    try:
        _add(ds, 0x00101002, "UN", _implicit(inner))
    finally:
        config.replace_un_with_known_vr = True
    for tag, kind in ((0x00100020, "passport"), (0x00100021, "hospital.short")):
        sheet.removed(tag, ((0x00101002, 0),), kind, sheet.person.facts[kind], area="un")


def _implicit(inner: Dataset) -> bytes:
    """Return one item of a sequence in implicit little-endian encoding."""
    target = DicomBytesIO()
    target.is_little_endian, target.is_implicit_VR = True, True
    write_dataset(target, inner)
    body = target.getvalue()
    return b"\xfe\xff\x00\xe0" + len(body).to_bytes(4, "little") + body


def _icon(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    """A small picture of the picture (PS3.3 F.7) on which the name can be read."""
    name = sheet.person.say("name.upper", sheet.study)
    glyphs = drawn(name, Style("", 12))
    rows, columns = glyphs.shape[0] + 8, glyphs.shape[1] + 8
    if "PixelData" not in ds or columns > 240 or "IconImageSequence" in ds:
        return
    plane = np.zeros((rows, columns), dtype=np.uint8)
    plane[4 : 4 + glyphs.shape[0], 4 : 4 + glyphs.shape[1]] = glyphs * 255
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.Rows, icon.Columns = (
        1,
        "MONOCHROME2",
        rows,
        columns,
    )
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    data = plane.tobytes()
    icon.PixelData = data + b"\0" * (len(data) % 2)
    icon["PixelData"].VR = "OB"
    _add(ds, 0x00880200, "SQ", Sequence([icon]))
    sheet.must("pixels_hidden", "hipaa", 0x7FE00010, "", ((0x00880200, 0),), area="icon")


def _told_creator(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    """A private creator that names the hospital, and a block inside a sequence of the standard."""
    creator = sheet.person.facts["hospital.short"][:64]
    first = _block(ds, 0x0051, creator)
    _add(ds, first + 1, "LO", "V2")
    sheet.removed(first >> 16 << 16 | first >> 8 & 0xFF, (), "hospital.short", creator, area="private")
    if ds.get("RequestAttributesSequence"):
        item = ds.RequestAttributesSequence[0]
        tag = _block(item, 0x0099, "MEDILINK RIS 4") + 0x07
        _add(item, tag, "LO", sheet.person.facts["mrn"])
        sheet.removed(tag, ((0x00400275, 0),), "mrn", sheet.person.facts["mrn"], area="private")


def _curve(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    for tag, vr, value in (
        (0x50000005, "US", 2),
        (0x50000010, "US", 4),
        (0x50000020, "CS", "ROI"),
        (0x50000030, "SH", ["PIXL", "PIXL"]),
        (0x50000103, "US", 0),
        (0x50003000, "OW", np.arange(8, dtype="<u2").tobytes()),
    ):
        _add(ds, tag, vr, value)
    for tag, template in ((0x50000022, "Drawn by <reader.plain>"), (0x50002500, "<name.short>")):
        text, found, _useful = sheet.filled(template)
        _add(ds, tag, "LO", text)
        for kind, value in found:
            sheet.removed(tag, (), kind, value, area="curve")


def _overlay(ds: Dataset, sheet: Sheet, _: random.Random) -> None:
    """An overlay plane (PS3.3 C.9.2) in which the name is written as bits, with a description that names as well."""
    rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
    name = sheet.person.say("name.upper", sheet.study)
    glyphs = drawn(name, Style("", 14))
    if glyphs.shape[0] + 8 > rows or glyphs.shape[1] + 8 > columns or (0x6000, 0x3000) in ds:
        return
    plane = np.zeros((rows, columns), dtype=np.uint8)
    plane[4 : 4 + glyphs.shape[0], 4 : 4 + glyphs.shape[1]] = glyphs
    bits = np.packbits(plane.ravel(), bitorder="little").tobytes()
    for tag, vr, value in (
        (0x60000010, "US", rows),
        (0x60000011, "US", columns),
        (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", _swapped(ds, bits + b"\0" * (len(bits) % 2))),
    ):
        _add(ds, tag, vr, value)
    box = (4, 4, glyphs.shape[1], glyphs.shape[0])
    line = Line(sheet.number, box, (0, 1), packed(glyphs), True, "overlay", name)
    sheet.must(
        "pixels_hidden",
        "hipaa",
        0x60003000,
        f"{columns}:{line.mask}",
        ((0x60003000, columns),),
        area=f"overlay {box[2]} {box[3]}",
    )
    text, found, _useful = sheet.filled("Text of <name.short>")
    _add(ds, 0x60000022, "LO", text)
    for kind, value in found:
        sheet.removed(0x60000022, (), kind, value, area="overlay")


def _swapped(ds: Dataset, data: bytes) -> bytes:
    if ds.file_meta.TransferSyntaxUID != ExplicitVRBigEndian:
        return data
    return np.frombuffer(data, dtype="<u2").astype(">u2").tobytes()


def plant_meta(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    """Plant the preamble, the sender's title, private information of the file meta and trailing padding (PS3.10 7.1)."""
    meta: Any = ds.file_meta
    facts = sheet.person.facts
    if rng.randrange(100) < 30:
        ds.preamble = f"{facts['name.upper']} {facts['uhid']}".encode("ascii").ljust(128, b"\0")[:128]
        sheet.hidden("name.upper", facts["name.upper"], "preamble")
        sheet.hidden("uhid", facts["uhid"], "preamble")
    if rng.randrange(100) < 40:
        title = f"{facts['family'][:10].upper()}_PC"
        meta.SourceApplicationEntityTitle = title
        sheet.removed(0x00020016, (), "meta", title, area="meta")
    if rng.randrange(100) < 15:
        meta.PrivateInformationCreatorUID = "1.2.826.0.1.3680043.9.7777"
        meta.PrivateInformation = f"{facts['name']}|{facts['mobile']}".encode()
        sheet.hidden("name", facts["name"], "meta")
        sheet.hidden("mobile", facts["mobile"], "meta")
    if rng.randrange(100) < 20 and ds.file_meta.TransferSyntaxUID != ExplicitVRBigEndian:
        text = f"{facts['name']} {facts['uhid']} ".encode()
        _add(ds, 0xFFFCFFFC, "OB", text + b"\0" * (len(text) % 2))
        sheet.hidden("name", facts["name"], "trailing")


def finish(path: Path, sheet: Sheet, rng: random.Random) -> None:
    """Plant what stands in the bytes alone: a comment in a JPEG frame, bytes behind the data set, a false character set."""
    data = path.read_bytes()
    facts = sheet.person.facts
    at = data.find(b"\xfe\xff\x00\xe0", data.find(b"\xe0\x7f\x10\x00"))
    starts = (
        [i for i in range(at, min(at + 4096, len(data) - 3)) if data[i : i + 3] == b"\xff\xd8\xff"]
        if at > 0
        else []
    )
    if starts and b"JFIF" not in data and rng.randrange(100) < 60:
        commented = _commented(path, f"Patient {facts['name']}".encode())
        if commented:
            data = commented
            sheet.hidden("name", facts["name"], "jpeg-comment")
    if rng.randrange(100) < 12 and b"ISO_IR 192" in data[:2000]:
        data = data.replace(b"ISO_IR 192", b"ISO_IR 100", 1)
    if rng.randrange(100) < 3 and b"1.2.840.10008.1.2.1.99\0" in data[:400]:
        data += f"\0\0{facts['name.upper']}".encode()
        sheet.hidden("name.upper", facts["name.upper"], "behind")
    path.write_bytes(data)


def _commented(path: Path, comment: bytes) -> bytes | None:
    """Return the file with a COM segment (ITU-T T.81 B.2.4.5) behind the start of its first frame, if that is JPEG."""
    ds = pydicom.dcmread(path)
    try:
        frames = list(
            pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1))
        )
    except (ValueError, RuntimeError):
        return None
    first = frames[0]
    if not first.startswith(b"\xff\xd8\xff"):
        return None
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    frames[0] = first[:2] + segment + first[2:]
    ds.PixelData = pydicom.encaps.encapsulate([f + b"\0" * (len(f) % 2) for f in frames], has_bot=True)
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=False)
    return out.getvalue()


def deflated(ds: Dataset) -> bool:
    return bool(ds.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian)
