"""Bytes in: the header in memory, element by element as it was read, and the place where the pixel data stands.

In comes a file of any transfer syntax, out comes an `Opened`; pixels are left where they are. A well formed
little-endian file is split without decoding it; any other is read by pydicom, which forgives more.
"""

from __future__ import annotations

import mmap
import struct
import tempfile
import zlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    UID_dictionary,
)  # fmt: skip

from midas.deid import elements
from midas.deid.absent import lacking, palette, supply
from midas.deid.memory import Memory, Watched, tag_of, watched
from midas.deid.model import Held
from midas.deid.samples import Layout, even, frame_count, swapped

__all__ = ["PIXELS", "UNDEFINED", "Opened", "frame_count", "native", "open_file"]
UNDEFINED = elements.UNDEFINED
WHOLE = 1 << 23
"""Bytes; a smaller file is read into memory at once, of a larger one only the header."""
WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
"""Bytes of each number in values of these forms (PS3.5 Table 6.2-1)."""
TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
PIXELS = elements.PIXELS
CHUNK = 1 << 20
_SETTLED, _CHARSETS = Memory(), Memory()


FORMS = frozenset({b"OB", b"OW", b"OF", b"OD", b"UN"})
"""How explicit pixel data begins; a file that says explicit and is implicit begins otherwise."""


@dataclass
class Opened:
    """A parsed header and where in the file the pixel data stands (`at` is None where there is none)."""

    ds: FileDataset
    path: Path
    syntax: str
    at: int | None = None
    tag: int = 0
    vr: str = "OW"
    length: int = 0
    little: bool = True
    masked: IO[bytes] | None = None
    """Pixel data that stands for the file's own where pixels were changed: the same form, `at` counted from its start."""
    data: bytes | None = None
    """The bytes of a small file."""

    def pixels(self) -> IO[bytes]:
        """Return the stream in which the pixel data stands, to be closed by the caller."""
        if self.masked is not None:
            return self.masked
        return BytesIO(self.data) if self.data is not None else self.path.open("rb")

    def pixels_again(self) -> AbstractContextManager[IO[bytes]]:
        """Return the same stream for a first look: what was masked already stays open."""
        return nullcontext(self.masked) if self.masked is not None else self.pixels()


def open_file(path: Path) -> Opened:
    """Parse everything but the pixel data; `Held` where the file is no DICOM or ends early."""
    with path.open("rb") as stream:
        size = path.stat().st_size
        data = stream.read() if size <= WHOLE else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        opened = _split(path, data) or _forgiving(path, stream)
        if isinstance(data, mmap.mmap):
            data.close()
    ds = opened.ds
    if "SOPClassUID" not in ds or "SOPInstanceUID" not in ds:
        raise Held(
            "not-an-instance", "The file has no SOP Class or SOP Instance UID, so nothing says what it is."
        )
    if lacking(ds):
        if opened.at is None and not palette(ds):
            raise Held("incomplete-identity", "The file belongs to no study, and ends before any picture.")
        with path.open("rb") as stream:
            opened = _forgiving(path, stream)
        ds = opened.ds
        supply(ds)
    _settle_root(ds)
    if opened.at is not None and not str(ds.get("NumberOfFrames") or "1").strip().isdecimal():
        del ds.NumberOfFrames
        ds.NumberOfFrames = _frames_by_length(opened)
    return opened


def _frames_by_length(opened: Opened) -> int:
    """Return how many frames the pixel data holds where the header's number cannot be read; `Held` where that is open."""
    size = Layout.of(opened.ds).size
    frames, rest = divmod(opened.length, size) if size and native(opened.syntax) else (0, 0)
    if not frames or rest > 1:
        raise Held(
            "unreadable", "Number of Frames cannot be read, and the length of the pixels does not tell it."
        )
    return frames


def _split(path: Path, data: elements.Data) -> Opened | None:
    """Open a well formed little-endian file by its bytes; None where that is not what it is."""
    found = elements.meta(data)
    if found is None:
        return None
    given, start = found
    said = given.get(tag_of(0x00020010))
    syntax = (said.value or b"").decode("ascii", "replace").rstrip("\0 ") if said is not None else ""
    if UID_dictionary.get(syntax, ("", ""))[1] != "Transfer Syntax" or syntax == ExplicitVRBigEndian:
        return None
    head, inflated = data[:128], None
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = _inflate(data, start)
        data, start = _read_or_mapped(inflated), 0
    implicit = syntax == ImplicitVRLittleEndian
    parts = elements.split(data, start, implicit=implicit)
    if parts is None:
        return None
    seen = Watched(parts.elements, parts.raws)
    ds = FileDataset(BytesIO(), seen, head, FileMetaDataset(dict(given)), implicit, True)
    charset = _CHARSETS.topic("").ask("charset", seen, lambda: ds._character_set)  # noqa: SLF001 - as pydicom's own reader
    ds.set_original_encoding(implicit, True, charset)
    kept = data if isinstance(data, bytes) and inflated is None else None
    opened = Opened(ds, path, syntax, data=kept, masked=inflated)
    _place_pixels(opened, data[parts.at : parts.at + 12], parts.at, len(data))
    return opened


def _inflate(data: elements.Data, start: int) -> IO[bytes]:
    """Return the inflated dataset (PS3.5 A.5) as a stream, on the disk where it is large; `Held` where it ends early."""
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    out = tempfile.SpooledTemporaryFile(max_size=WHOLE)  # noqa: SIM115 - it outlives this function
    try:
        for at in range(start, len(data), CHUNK):
            waiting = data[at : at + CHUNK]
            while waiting and not inflating.eof:
                out.write(inflating.decompress(waiting, 8 * CHUNK))
                waiting = inflating.unconsumed_tail
    except zlib.error:
        raise Held("truncated", "The deflated file cannot be inflated.") from None
    if not inflating.eof:
        raise Held("truncated", "The deflated file ends before its content does.")
    return out


def _read_or_mapped(stream: IO[bytes]) -> elements.Data:
    size = stream.tell()
    if size > WHOLE:
        stream.flush()
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    stream.seek(0)
    return stream.read()


def _forgiving(path: Path, stream: IO[bytes]) -> Opened:
    """Open a file by pydicom's reader; `Held` where that cannot read it either."""
    stream.seek(0)
    try:
        ds = pydicom.dcmread(stream, force=True, stop_before_pixels=True)
    except RecursionError:
        raise Held("unreadable", "The file nests deeper than can be read.") from None
    except Exception as problem:  # noqa: BLE001 - pydicom raises many kinds for broken bytes
        raise Held("unreadable", f"The file cannot be parsed as DICOM ({type(problem).__name__}).") from None
    opened = Opened(ds, path, _syntax(ds), little=bool(ds.original_encoding[1]))
    if not opened.little:
        _turned(ds)
    if opened.syntax == DeflatedExplicitVRLittleEndian:
        _inflated(opened)
    else:
        _find_pixels(opened, stream)
    return opened


def _turned(ds: Dataset) -> None:
    """Put the words of big-endian elements in the order of the output: to pydicom, palettes and tables are mere bytes."""
    for tag in list(ds.keys()):
        vr = ds.get_item(tag).VR
        if vr == "SQ":
            for item in ds[tag].value:
                _turned(item)
        elif (width := WORDS.get(str(vr))) and isinstance(value := ds[tag].value, bytes):
            ds[tag].value = swapped(value[: len(value) // width * width], width)


def _syntax(ds: FileDataset) -> str:
    given = str(ds.file_meta.get("TransferSyntaxUID", "")) if getattr(ds, "file_meta", None) else ""
    if given:
        if UID_dictionary.get(given, ("", ""))[1] != "Transfer Syntax":
            raise Held(
                "transfer-syntax-not-mastered", "The file is encoded in a way that DICOM does not define."
            )
        return given
    implicit, little = ds.original_encoding
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _inflated(opened: Opened) -> None:
    """Read pixels of a deflated file with the header: such files are small, and have no place to stream from."""
    try:
        whole = pydicom.dcmread(opened.path, force=True)
    except (zlib.error, EOFError, ValueError, OSError):
        raise Held("truncated", "The deflated file ends before its content does.") from None
    for tag in PIXELS:
        if tag in whole:
            layout = Layout.of(opened.ds)
            if len(whole[tag].value) < layout.size:
                raise Held("truncated", "There are fewer pixels than rows, columns and frames ask for.")
            whole[tag].value = even(layout.clean(whole[tag].value[: layout.size]))
            opened.ds[tag] = whole[tag]
            return


def _find_pixels(opened: Opened, stream: IO[bytes]) -> None:
    at, size = stream.tell(), opened.path.stat().st_size
    for tag in list(opened.ds.keys()):
        raw = opened.ds.get_item(tag)
        if (
            isinstance(raw, RawDataElement)
            and raw.value is not None
            and raw.length != UNDEFINED
            and len(raw.value) < raw.length
        ):
            raise Held("truncated", "The file ends before its content does.")
    _place_pixels(opened, stream.read(12), at, size)


def _place_pixels(opened: Opened, head: bytes, at: int, size: int) -> None:
    if len(head) < 8:
        return
    order = "<" if opened.little else ">"
    group, element = struct.unpack(order + "HH", head[:4])
    if (group << 16 | element) not in PIXELS:
        return
    # whatever the rest of the header is written in: some writers leave the VR out here alone
    implicit = bool(opened.ds.original_encoding[0]) or head[4:6] not in FORMS
    opened.tag, opened.vr = group << 16 | element, "OW" if implicit else head[4:6].decode("ascii", "replace")
    start = 8 if implicit else 12
    opened.length = struct.unpack(order + "I", head[4:8] if implicit else head[8:12])[0]
    opened.at = at + start
    if opened.length != UNDEFINED and opened.at + opened.length > size:
        raise Held("truncated", "The file ends before its pixel data does.")


def _settle_root(ds: FileDataset) -> None:
    """Settle every element; one whose bytes were found settled before, under the same character set, is left as it is."""
    seen = watched(ds)
    if seen is None:
        _settle(ds, 0)
        return
    topic = _SETTLED.topic((seen.ground(), ds.original_encoding))
    tags = list(ds.keys())
    for tag, settled in zip(tags, topic.each(tags, seen, partial(_is_settled, ds, seen)), strict=True):
        if settled:
            continue
        if tag in seen:
            _settle_one(ds, tag, 0)
        if tag not in seen:
            seen.forget(tag)


def _is_settled(ds: Dataset, seen: Watched, tag: BaseTag) -> bool:
    """Say whether settling changes nothing of an element, and leave it undecoded where that is so."""
    raw = seen[tag]
    if _settle_one(ds, tag, 0):
        return False
    seen[tag] = raw
    return True


def _settle(ds: Dataset, depth: int) -> bool:
    """Decode every element once, with the character set that its bytes speak for; what cannot be read is taken away.

    Return whether anything was changed by it.
    """
    if depth > 32:
        raise Held("unreadable", "The file nests deeper than any object of the standard.")
    changed = [_settle_one(ds, tag, depth) for tag in list(ds.keys())]
    return any(changed)


def _settle_one(ds: Dataset, tag: BaseTag, depth: int) -> bool:
    raw, changed = ds.get_item(tag), False
    try:
        if isinstance(raw, RawDataElement):
            changed = _recode(ds, raw)
        element = ds[tag]
        _ = element.is_empty, str(element.value) if element.VR not in {"SQ", "OB", "OW", "UN"} else ""
    except Exception:  # noqa: BLE001 - pydicom raises many kinds; what cannot be read must not stay
        del ds[tag]
        return True
    if element.VR == "SQ":
        for item in element.value:
            changed = _settle(item, depth + 1) or changed
    return changed


def _recode(ds: Dataset, raw: RawDataElement) -> bool:
    vr = raw.VR or (dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else "")
    if vr not in TEXT or not raw.value or raw.value.isascii():
        return False
    try:
        text = raw.value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    text = text.rstrip("\0 ")
    many = vr not in {"LT", "ST", "UT"} and "\\" in text
    ds[raw.tag] = DataElement(raw.tag, vr, text.split("\\") if many else text)
    return True


def native(syntax: str) -> bool:
    return syntax in {
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    }
