"""Transcoding: the same pixels in another transfer syntax, one frame at a time and without losing a bit.

In come a header and the stored bytes of frames; out come a file's bytes in the syntax that was asked for. Only lossless
syntaxes are made, so that an object stays the object that its UID names (PS3.18 8.7.3.4). No file is opened here.
"""

from __future__ import annotations

import copy
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels import get_decoder, get_encoder
from pydicom.uid import UID

from midas.formats.dicom import codecs
from midas.formats.dicom.quiet import quiet
from midas.formats.dicom.read import BROKEN
from midas.formats.dicom.syntaxes import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    HTJ2K,
    JPEG_2000,
    JPEG_LS,
    RLE,
    syntax,
)
from midas.kernel import BadInput

REGISTERED = codecs.LABEL
"""The decoder registered beside pydicom's own."""

UNDECODED = (*BROKEN, RuntimeError, ImportError, imagecodecs.Htj2kError)
MOST = 0xFFFFFFFE
"""Bytes that a native pixel data element may have (PS3.5 7.1.1)."""

PIXEL_GROUP = 0x7FE0
"""Pixel data and what tells where its frames begin."""

PIXELS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
ENCODERS = {RLE: "pylibjpeg", JPEG_LS: "pyjpegls", JPEG_2000: "pylibjpeg"}
"""Which of pydicom's encoders makes a syntax: another may end the process where pixels do not suit it."""

_JPEG = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 57, 70))

Frames = Callable[[int], bytes]
"""Gives the stored bytes of a frame, counted from 1."""


@dataclass(frozen=True)
class Picture:
    """One decoded frame: (rows, columns) or (rows, columns, samples), and how its samples are to be understood."""

    samples: np.ndarray
    photometric: str
    bits_allocated: int


def header(data: bytes) -> Dataset:
    """Return the dataset that stands before the pixel data in `data`; `BadInput` where it is not DICOM."""
    with quiet():
        try:
            return dcmread(io.BytesIO(data), stop_before_pixels=True)
        except BROKEN as problem:
            raise BadInput(
                "The file cannot be read as DICOM.", advice="Send it to the hub again."
            ) from problem


def inflated(data: bytes) -> bytes:
    """Return a deflated file (PS3.5 A.5) as Explicit VR Little Endian; `BadInput` where it is not one."""
    with quiet():
        try:
            ds = dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=[])
            start = 144 + int.from_bytes(data[140:144], "little")
            return _meta(ds, EXPLICIT) + zlib.decompress(data[start:], wbits=-zlib.MAX_WBITS)
        except BROKEN as problem:
            raise BadInput("The file cannot be inflated.", advice="Send it to the hub again.") from problem


def decoded(stored: bytes, ds: Dataset) -> Picture:
    """Return one frame, colour from JPEG as RGB and everything else as it was stored; `BadInput` where it cannot be.

    `ds` describes the frame (PS3.3 C.7.6.3) and names its transfer syntax.
    """
    uid = UID(str(ds.file_meta.TransferSyntaxUID))
    if uid == BIG_ENDIAN and int(ds.get("BitsAllocated", 8)) <= 8:
        raise BadInput("Eight-bit pixels in big-endian words are not sent.", advice="Send the object again.")
    one = Dataset()
    one.file_meta = ds.file_meta
    for keyword in PIXELS:
        if keyword in ds:
            one[keyword] = ds[keyword]
    one.NumberOfFrames = 1
    native = not uid.is_encapsulated
    one.PixelData = stored if native else encapsulate([stored], has_bot=False)
    one["PixelData"].VR = "OW" if native and int(ds.get("BitsAllocated", 8)) > 8 else "OB"
    raw = not (uid in _JPEG and str(ds.get("PhotometricInterpretation", "")).startswith("YBR"))
    with quiet():
        try:
            samples, about = get_decoder(_little(uid)).as_array(one, index=0, raw=raw)
        except UNDECODED as problem:
            raise BadInput(
                "The pixels cannot be decoded.", advice="Ask for them as they are stored (transfer-syntax=*)."
            ) from problem
    return Picture(samples, str(about["photometric_interpretation"]), int(about["bits_allocated"]))


def _little(uid: UID) -> UID:
    return UID(EXPLICIT) if uid == DEFLATED else uid


def encoded(picture: Picture, ds: Dataset, to: str) -> bytes:
    """Return a frame in the transfer syntax `to`; `BadInput` where such pixels have no form in it (PS3.5 8.2)."""
    samples = np.ascontiguousarray(picture.samples, picture.samples.dtype.newbyteorder("<"))
    if syntax(to).native:
        if picture.bits_allocated == 1:
            return np.packbits(samples.reshape(-1), bitorder="little").tobytes()
        return samples.tobytes()
    with quiet():
        try:
            return _compressed(samples, picture, ds, to)
        except UNDECODED as problem:
            raise BadInput(
                "These pixels have no form in that transfer syntax.",
                advice="Ask for another one, or for any (*).",
            ) from problem


def _compressed(samples: np.ndarray, picture: Picture, ds: Dataset, to: str) -> bytes:
    if picture.bits_allocated == 1:
        raise ValueError("single bits are not compressed")
    stored = min(int(ds.BitsStored), picture.bits_allocated)
    signed = int(ds.PixelRepresentation)
    if to == HTJ2K:
        if picture.bits_allocated > 16:
            raise ValueError("more bits than decoders read")
        return bytes(imagecodecs.htj2k_encode(samples, reversible=True, rgb=False))
    return get_encoder(UID(to)).encode(
        samples, rows=int(ds.Rows), columns=int(ds.Columns), number_of_frames=1,
        samples_per_pixel=1 if samples.ndim == 2 else samples.shape[2], bits_allocated=picture.bits_allocated,
        bits_stored=stored, pixel_representation=signed, photometric_interpretation=picture.photometric,
        planar_configuration=0, use_mct=False, encoding_plugin=ENCODERS[to],
    )  # fmt: skip


@dataclass(frozen=True)
class Recoded:
    """A file in another transfer syntax: its bytes as they are made, and how many, where that is known before."""

    chunks: Iterator[bytes]
    size: int | None


def recoded(ds: Dataset, frames: Frames, to: str) -> Recoded:
    """Return the file that `ds` and its frames make in the transfer syntax `to`, frame by frame.

    `ds` is the header of a file (`header`), of which nothing is changed but what describes the pixels' form; what
    stands behind the pixel data (padding, signatures over other bytes) is left out. The first frame is made before
    this returns, so that what cannot be done is said as `BadInput` before a byte goes out. PS3.10 7.1, PS3.5 A.
    """
    if not has_pixels(ds):
        return _deflated(iter([_file(ds, EXPLICIT)]), ds) if to == DEFLATED else _plain(ds)
    number = int(ds.get("NumberOfFrames") or 1)
    first = decoded(frames(1), ds)
    described = _described(ds, first)
    body = encoded(first, ds, to)

    def made() -> Iterator[bytes]:
        yield body
        for at in range(2, number + 1):
            yield encoded(decoded(frames(at), ds), ds, to)

    if syntax(to).native:
        return _native(described, made(), _length(described, number), to)
    return Recoded(_encapsulated(described, made(), to), None)


def has_pixels(ds: Dataset) -> bool:
    """Does the header of a file say that pixels follow it? `BadInput` where they are no integers."""
    if "BitsAllocated" in ds and "Rows" in ds and "PixelRepresentation" not in ds:
        raise BadInput(
            "Floating-point pixels are sent as they are stored only.",
            advice="Ask for any transfer syntax (*).",
        )
    return "Rows" in ds and "Columns" in ds and "BitsAllocated" in ds


def _plain(ds: Dataset) -> Recoded:
    data = _file(ds, EXPLICIT)
    return Recoded(iter([data]), len(data))


def _described(ds: Dataset, picture: Picture) -> Dataset:
    """Return the header with what the new form of the pixels needs; the old one stays as it is."""
    new = _copied(ds)
    new.file_meta = ds.file_meta
    new.add_new("PhotometricInterpretation", "CS", picture.photometric)
    new.add_new("BitsAllocated", "US", picture.bits_allocated)
    if int(new.get("SamplesPerPixel") or 1) > 1:
        new.add_new("PlanarConfiguration", "US", 0)
    return new


def _copied(ds: Dataset) -> Dataset:
    """Return the elements before the pixel data, read or not, in a dataset of their own."""
    new = Dataset({tag: ds.get_item(tag) for tag in list(ds.keys()) if tag.group < PIXEL_GROUP})
    implicit, little = ds.original_encoding
    new.set_original_encoding(implicit, little, ds.original_character_set)
    return new


def _length(ds: Dataset, number: int) -> int:
    bits = int(ds.Rows) * int(ds.Columns) * int(ds.get("SamplesPerPixel") or 1) * int(ds.BitsAllocated)
    if bits == 0 or (int(ds.BitsAllocated) == 1 and bits % 8 and number > 1):
        raise BadInput("Frames of single bits that begin within a byte are sent as they are stored only.")
    length = (bits * number + 7) // 8
    if length > MOST:
        raise BadInput(
            "Uncompressed, the pixels are larger than DICOM can say (PS3.5 7.1.1).",
            advice="Ask for them as they are stored (transfer-syntax=*), or frame by frame.",
        )
    return length


def _native(ds: Dataset, made: Iterator[bytes], length: int, to: str) -> Recoded:
    head = _file(ds, EXPLICIT)
    vr = b"OW" if int(ds.BitsAllocated) > 8 else b"OB"
    odd = length % 2
    element = b"\xe0\x7f\x10\x00" + vr + b"\x00\x00" + struct.pack("<L", length + odd)

    def whole() -> Iterator[bytes]:
        yield head + element
        yield from made
        if odd:
            yield b"\x00"

    if to == DEFLATED:
        return _deflated(whole(), ds)
    return Recoded(whole(), len(head) + len(element) + length + odd)


def _encapsulated(ds: Dataset, made: Iterator[bytes], to: str) -> Iterator[bytes]:
    """An empty offset table, then one fragment for each frame (PS3.5 A.4)."""
    yield _file(ds, to) + b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    for frame in made:
        odd = len(frame) % 2
        yield b"\xfe\xff\x00\xe0" + struct.pack("<L", len(frame) + odd)
        yield frame + b"\x00" * odd
    yield b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def _deflated(chunks: Iterator[bytes], ds: Dataset) -> Recoded:
    """Everything behind the file meta information, deflated without a header (PS3.5 A.5)."""
    meta = _meta(ds, DEFLATED)

    def whole() -> Iterator[bytes]:
        squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        yield meta
        skip = len(_meta(ds, EXPLICIT))
        size = 0
        for chunk in chunks:
            part = squeeze.compress(chunk[skip:])
            skip = max(0, skip - len(chunk))
            size += len(part)
            if part:
                yield part
        last = squeeze.flush()
        yield last + b"\x00" * ((size + len(last)) % 2)

    return Recoded(whole(), None)


def _meta(ds: Dataset, to: str) -> bytes:
    meta = copy.deepcopy(ds.file_meta)
    meta.TransferSyntaxUID = UID(to)
    out: Any = io.BytesIO()
    out.write(b"\x00" * 128 + b"DICM")
    write_file_meta_info(out, meta)
    return bytes(out.getvalue())


def _file(ds: Dataset, to: str) -> bytes:
    """The file up to its pixel data, in Explicit VR Little Endian as all syntaxes of the web have it."""
    out: Any = io.BytesIO()
    with quiet():
        dcmwrite(out, _copied(ds), implicit_vr=False, little_endian=True)
    return _meta(ds, to) + bytes(out.getvalue())
