"""Colour profiles (ICC.1:2010) without the texts and days that they carry.

In comes a profile, out comes one of the same length that means the same colours: every tag that is not colorimetric is
blanked where it stands, and so are the maker, day and identifier of its header. Numbers must be such as colours have:
where something else is written in their place, sRGB stands for the whole profile. One that is no profile becomes b"".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from itertools import pairwise

COLOURS = frozenset({
    b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad", b"gamt",
    b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2",
    b"B2D3", b"cicp",
})  # fmt: skip
"""Tags without which colours are others. How they were measured and viewed (meas, view, chrm, lumi) changes none."""
HEAD, ENTRY = 128, 12
TEXTS = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 1) + bytes(79), b"cprt": b"text" + bytes(4) + b"\0"}
"""Empty texts of the two tags that every profile must have (ICC.1:2001-04 6.5.17 and 6.5.18)."""
SPACES = frozenset({
    b"XYZ ", b"Lab ", b"Luv ", b"YCbr", b"Yxy ", b"RGB ", b"GRAY", b"HSV ", b"HLS ", b"CMYK", b"CMY ",
    *(f"{n:X}CLR".encode() for n in range(2, 16)),
})  # fmt: skip
CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"link", b"spac", b"abst", b"nmcl"})
PLATFORMS = frozenset({b"APPL", b"MSFT", b"SGI ", b"SUNW", b"TGNT", b"*nix"})
"""Signatures of 7.2.5 to 7.2.7 and 7.2.10."""
LARGEST = 1 << 18
"""15.16 numbers of colours are below 4, and 4 letters read as one are not."""
GAMMA, PADDING = 100, 3
_D50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
_PRINTED = re.compile(rb"[\x20-\x7e]{8,}|(?:[\x20-\x7e]\0){7,}|(?:\0[\x20-\x7e]){7,}")
_SPOKEN = r"(?i:(?![a-z]*[aeiouy]{3})(?![a-z]*[^aeiouy\W\d_]{4})(?=[a-z]*[aeiouy]))(?:[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(
    rf"(?=((?<![A-Za-z]){_SPOKEN}(?<=[A-Za-z]{{4}})[ ^_.,=@\-]{_SPOKEN}(?<=[A-Za-z]{{4}})"
    rf"|(?<![A-Za-z]){_SPOKEN}(?:[A-Z][a-z]{{2,}})?(?<=[A-Za-z]{{7}})(?![A-Za-z])|\d{{7,}}))"
)
"""Two words that can be spoken, a long one, or a long number: tables of colours hold such by chance once in millions."""
STRIDES, STEP, FIGURES = (1, 2, 3, 4, 6, 8), 6, 2
"""Numbers of channels after which a table goes on, and how far it then goes at most: letters, and figures, go further."""


def bare_profile(profile: bytes) -> bytes:
    """Return the profile with the same colours and no text; sRGB where it hides one; b"" where its tags are wrong."""
    if len(profile) < HEAD + 4 or profile[36:40] != b"acsp":
        return b""
    count = struct.unpack(">I", profile[HEAD : HEAD + 4])[0]
    end = HEAD + 4 + ENTRY * count
    if count > 100 or end > len(profile):
        return b""
    out = bytearray(len(profile))
    out[:end] = profile[:end]
    entries = [(at, *struct.unpack(">4sII", profile[at : at + ENTRY])) for at in range(HEAD + 4, end, ENTRY)]
    for at, name, start, size in sorted(entries, key=lambda entry: entry[1] in COLOURS):
        if start < end or start + size > len(profile):
            return b""
        kept = profile[start : start + size] if name in COLOURS else TEXTS.get(name, b"text")[:size]
        if name in COLOURS and not _coloured(kept):
            return standard(profile)
        out[start : start + size] = kept.ljust(size, b"\0")
        if name not in COLOURS and name not in TEXTS:
            out[at : at + 4] = b"none"
    return bytes(out) if _bare_head(out) else standard(profile)


def standard(profile: bytes) -> bytes:
    """Return sRGB for a profile of RGB pixels that may not stay, b"" for any other."""
    from midas.formats.photos import srgb

    return bare_profile(srgb()) if profile[16:20] == b"RGB " else b""


def _bare_head(out: bytearray) -> bool:
    """Blank all of the header that says no colour; say whether what it says is of the standard."""
    if bytes(out[12:16]) not in CLASSES or not SPACES.issuperset({bytes(out[16:20]), bytes(out[20:24])}):
        return False
    for start, stop in ((4, 8), (10, 12), (44, 47), (48, 63), (64, 67), (80, 128)):
        out[start:stop] = bytes(stop - start)
    out[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    out[0:4] = struct.pack(">I", len(out))
    out[68:80] = _D50
    if bytes(out[40:44]) not in PLATFORMS:
        out[40:44] = bytes(4)
    return True


def _coloured(tag: bytes) -> bool:
    """Say whether a tag is of a type of colours and holds numbers of colours."""
    holds = _TYPES.get(tag[:4])
    return holds is not None and len(tag) >= 12 and tag[4:8] == bytes(4) and holds(tag)


def _fixed(tag: bytes) -> bool:
    """XYZType and s15Fixed16ArrayType (10.31, 10.22): numbers about 1."""
    return len(tag) % 4 == 0 and all(
        abs(one) < LARGEST for one in struct.unpack(f">{len(tag) // 4 - 2}i", tag[8:])
    )


def _curve(tag: bytes) -> bool:
    """curveType (10.6): nothing, a gamma, or a table that never turns."""
    count = struct.unpack(">I", tag[8:12])[0]
    end = 12 + 2 * count
    if not end <= len(tag) <= end + PADDING or any(tag[end:]):
        return False
    table = struct.unpack(f">{count}H", tag[12:end])
    if count == 1:
        return bool(table[0] < GAMMA << 8)
    steps = [after - before for before, after in pairwise(table)]
    return all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


def _function(tag: bytes) -> bool:
    """parametricCurveType (10.18): a function of one to seven numbers."""
    kind = struct.unpack(">H", tag[8:10])[0]
    if kind > 4 or any(tag[10:12]):
        return False
    end = 12 + 4 * (1, 3, 4, 5, 7)[kind]
    numbers = tag[12:end]
    return (
        end <= len(tag) <= end + PADDING
        and not any(tag[end:])
        and all(abs(one) < GAMMA << 16 for one in struct.unpack(f">{len(numbers) // 4}i", numbers))
    )


def _points(tag: bytes) -> bool:
    """cicpType (9.2.17 of ICC.1:2022): four small numbers of a list (ITU-T H.273)."""
    return len(tag) == 12 and all(one < 64 for one in tag[8:])


def _table(tag: bytes) -> bool:
    """Tables of colours (10.10 to 10.13) hold no words, in ASCII or UTF-16."""
    runs = (found.group().replace(b"\0", b"") for found in _PRINTED.finditer(tag))
    return not any(_worded(run.decode("ascii")) for run in runs)


def _worded(run: str) -> bool:
    return any(not _smooth(found[1].encode()) for found in _WORDS.finditer(run))


def _smooth(run: bytes) -> bool:
    """Say whether a run goes on in small steps, channel by channel, as tables of colours do."""
    for stride in STRIDES:
        steps = [abs(after - before) for before, after in zip(run, run[stride:], strict=False)]
        if len(steps) >= 3 and max(steps) <= (FIGURES if run.isdigit() else STEP):
            return True
    return False


_TYPES: dict[bytes, Callable[[bytes], bool]] = {
    b"XYZ ": _fixed, b"sf32": _fixed, b"curv": _curve, b"para": _function, b"cicp": _points,
    b"mft1": _table, b"mft2": _table, b"mAB ": _table, b"mBA ": _table, b"mpet": _table,
}  # fmt: skip
