"""The transfer syntaxes of DICOM web services, and which of them can be made here without losing a bit.

A table (PS3.18 Tables 8.7.3-2, 8.7.3-4 and 8.7.3-5; PS3.6 Table A-1): the media type under which a frame of each syntax
travels, and whether it can be decoded and encoded here. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"
OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Syntax:
    """`media_type` is a frame's; `default` says that it is what that media type means where no syntax is named.

    `lossy`: its frames may have lost something. `made`: frames can be encoded so here, always without loss.
    """

    uid: str
    media_type: str
    lossy: bool = False
    made: bool = False
    default: bool = False
    decoded: bool = True

    @property
    def native(self) -> bool:
        return self.media_type == OCTETS


_ALL = (
    Syntax(EXPLICIT, OCTETS, made=True, default=True),
    Syntax(IMPLICIT, OCTETS),
    Syntax(BIG_ENDIAN, OCTETS),
    Syntax(DEFLATED, OCTETS, made=True),
    Syntax(RLE, "image/dicom-rle", made=True, default=True),
    Syntax("1.2.840.10008.1.2.4.50", "image/jpeg", lossy=True),
    Syntax("1.2.840.10008.1.2.4.51", "image/jpeg", lossy=True),
    Syntax("1.2.840.10008.1.2.4.57", "image/jpeg"),
    Syntax("1.2.840.10008.1.2.4.70", "image/jpeg", default=True),
    Syntax(JPEG_LS, "image/jls", made=True, default=True),
    Syntax("1.2.840.10008.1.2.4.81", "image/jls", lossy=True),
    Syntax(JPEG_2000, "image/jp2", made=True, default=True),
    Syntax("1.2.840.10008.1.2.4.91", "image/jp2", lossy=True),
    Syntax("1.2.840.10008.1.2.4.92", "image/jpx", default=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.93", "image/jpx", lossy=True, decoded=False),
    Syntax(HTJ2K, "image/jphc", made=True, default=True),
    Syntax("1.2.840.10008.1.2.4.202", "image/jphc"),
    Syntax("1.2.840.10008.1.2.4.203", "image/jphc", lossy=True),
    Syntax("1.2.840.10008.1.2.4.100", "video/mpeg2", lossy=True, default=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.101", "video/mpeg2", lossy=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.102", "video/mp4", lossy=True, default=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.103", "video/mp4", lossy=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.104", "video/mp4", lossy=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.105", "video/mp4", lossy=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.106", "video/mp4", lossy=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.107", "video/H265", lossy=True, default=True, decoded=False),
    Syntax("1.2.840.10008.1.2.4.108", "video/H265", lossy=True, decoded=False),
)
SYNTAXES = {one.uid: one for one in _ALL}
DEFAULTS = {one.media_type: one.uid for one in _ALL if one.default}
"""The transfer syntax that a frame's media type means where none is named (PS3.18 Table 8.7.3-5)."""

NOT_ON_THE_WEB = frozenset({IMPLICIT, BIG_ENDIAN})
"""Never sent over the web (PS3.18 8.7.3.4); what is stored so goes out as Explicit VR Little Endian."""


def syntax(uid: str) -> Syntax:
    """Return what is known of a transfer syntax; one that is not listed can neither be decoded nor made here."""
    return SYNTAXES.get(uid) or Syntax(uid, OCTETS, lossy=True, decoded=False)
