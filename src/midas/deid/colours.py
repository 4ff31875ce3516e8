"""Colour profiles (ICC.1:2010) without the texts and days that they carry.

In comes a profile, out comes one of the same length that means the same colours: every tag that is not colorimetric is
blanked where it stands, and so are the maker, day and identifier of its header. One that is no profile becomes b"".
"""

from __future__ import annotations

import struct

COLOURS = frozenset({
    b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad", b"chrm", b"lumi", b"gamt",
    b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2",
    b"B2D3", b"meas", b"view", b"cicp",
})  # fmt: skip
WORDS = frozenset({b"text", b"desc", b"mluc", b"dict", b"data", b"ncl2", b"pseq", b"psid"})
"""Types of tags that hold words."""
HEAD, ENTRY = 128, 12
TEXTS = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 1) + bytes(79), b"cprt": b"text" + bytes(4) + b"\0"}
"""Empty texts of the two tags that every profile must have (ICC.1:2001-04 6.5.17 and 6.5.18)."""


def bare_profile(profile: bytes) -> bytes:
    """Return the profile with the same colours and no text; b"" where its table of tags is wrong."""
    if len(profile) < HEAD + 4 or profile[36:40] != b"acsp":
        return b""
    count = struct.unpack(">I", profile[HEAD : HEAD + 4])[0]
    end = HEAD + 4 + ENTRY * count
    if count > 100 or end > len(profile):
        return b""
    out = bytearray(len(profile))
    out[:end] = profile[:end]
    _bare_head(out)
    entries = [(at, *struct.unpack(">4sII", profile[at : at + ENTRY])) for at in range(HEAD + 4, end, ENTRY)]
    for at, name, start, size in sorted(entries, key=lambda entry: entry[1] in COLOURS):
        if start < end or start + size > len(profile):
            return b""
        colour = name in COLOURS and profile[start : start + 4] not in WORDS
        kept = profile[start : start + size] if colour else TEXTS.get(name, b"text")[:size]
        out[start : start + size] = kept.ljust(size, b"\0")
        if not colour and name not in TEXTS:
            out[at : at + 4] = b"none"
    return bytes(out)


def _bare_head(out: bytearray) -> None:
    """Blank the colour engine, maker, model and creator (bytes 4, 48, 52, 80), the day (24) and what is reserved."""
    for start, size in ((4, 4), (48, 8), (80, 48)):
        out[start : start + size] = bytes(size)
    out[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
