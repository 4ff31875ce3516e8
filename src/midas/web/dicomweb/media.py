"""What a client takes: the Accept header or query parameter, and which representation fits it best (PS3.18 8.7).

In come what was asked for and what can be offered; out comes the best of both, or nothing: then the answer is 406.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from midas.formats.dicom.syntaxes import DEFAULTS, EXPLICIT, NOT_ON_THE_WEB, OCTETS, syntax
from midas.kernel import BadInput

MULTIPART, DICOM = "multipart/related", "application/dicom"
ANY = "*"


@dataclass(frozen=True)
class Taken:
    """One media range: `type` is that of a part where `multi`; `syntax` is "" (not named), `*` or a UID."""

    type: str
    multi: bool = False
    syntax: str = ""
    quality: float = 1.0

    def takes(self, media_type: str) -> bool:
        group = media_type.partition("/")[0]
        return self.type in {media_type, f"{group}/*", "*/*"}


@lru_cache(maxsize=256)
def asked(accept: str, query: str | None = None) -> tuple[Taken, ...]:
    """Return what is acceptable, the best first; the query parameter stands over the header (8.3.3.1).

    Nothing asked for is everything. `BadInput` where a quality is no number from 0 to 1.
    """
    text = query or accept
    found = [one for one in map(_taken, _split(text or "*/*", ",")) if one.quality > 0]
    return tuple(sorted(found, key=lambda one: -one.quality))


def _split(text: str, at: str) -> Iterator[str]:
    """Split outside quotation marks (RFC 9110 5.6.4)."""
    part, quoted = "", False
    for letter in text:
        quoted ^= letter == '"'
        if letter == at and not quoted:
            yield part.strip()
            part = ""
        else:
            part += letter
    if part.strip():
        yield part.strip()


def parameters(text: str) -> tuple[str, dict[str, str]]:
    """Return a media type in lower case ("" where none is given) and its parameters, without quotation marks."""
    kind, *rest = [*_split(text, ";")] or [""]
    pairs = (one.partition("=") for one in rest)
    return kind.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _taken(text: str) -> Taken:
    kind, more = parameters(text)
    try:
        quality = float(more.get("q", 1))
    except ValueError:
        quality = -1.0
    if not 0 <= quality <= 1:
        raise BadInput("A quality value is a number from 0 to 1 (RFC 9110 12.4.2).", advice="Such as q=0.8.")
    multi = kind == MULTIPART
    return Taken(
        more.get("type", "*/*").lower() if multi else kind, multi, more.get("transfer-syntax", ""), quality
    )


@dataclass(frozen=True)
class Chosen:
    """How an object goes out: as one of several parts or alone, and in which transfer syntax."""

    multi: bool
    syntax: str
    media_type: str = DICOM


@lru_cache(maxsize=256)
def for_object(taken: tuple[Taken, ...], *, stored: str, alone: bool, can: bool) -> Chosen | None:
    """Choose for one DICOM object (8.7.3.5); `alone`: it may go out as a single part; `can`: its frames can be remade.

    Where no transfer syntax is named that is Explicit VR Little Endian, or what is stored where that has lost something
    already or is too large (8.7.3.4). Where several are equally good, what is stored goes out untouched.
    """
    fits = [one for one in taken if one.takes(DICOM) and (alone or one.multi or one.type == "*/*")]
    for quality in dict.fromkeys(one.quality for one in fits):
        equal = [one for one in fits if one.quality == quality]
        for untouched in (True, False):
            for one in equal:
                to = _of_object(one.syntax, stored, can)
                if to is not None and (to == stored) is untouched:
                    return Chosen(one.multi or one.type == "*/*", to)
    return None


def _of_object(named: str, stored: str, can: bool) -> str | None:
    if named == ANY:
        return stored if stored not in NOT_ON_THE_WEB else EXPLICIT
    if named and named != stored:
        return named if syntax(named).made and can else None
    if named == stored:
        return stored if stored not in NOT_ON_THE_WEB else None
    if stored == EXPLICIT:
        return stored
    return EXPLICIT if not syntax(stored).lossy and can else stored


@lru_cache(maxsize=256)
def for_frames(taken: tuple[Taken, ...], *, stored: str, alone: bool, can: bool) -> Chosen | None:
    """Choose for frames or pixel data (Table 8.7.3-5): as stored where that is acceptable, else made so.

    A media type without a transfer syntax takes what is stored under it; octets are then uncompressed pixels, and so is
    `*/*` unless what is stored has lost something already (8.7.3.4). Octets with `*` are whatever is stored.
    """
    fits = [one for one in taken if alone or one.multi or one.type == "*/*"]
    for quality in dict.fromkeys(one.quality for one in fits):
        equal = [one for one in fits if one.quality == quality]
        offers = [(one, *offer) for one in equal for offer in _of_frames(one, stored, can)]
        for one, media_type, to in sorted(offers, key=lambda offer: offer[2] != stored):
            return Chosen(one.multi or one.type == "*/*", to, media_type)
    return None


def _of_frames(one: Taken, stored: str, can: bool) -> Iterator[tuple[str, str]]:
    """Yield media types and transfer syntaxes that `one` takes, what is stored first."""
    own = syntax(stored)
    home = EXPLICIT if own.native else stored
    named = one.syntax in {ANY, home}
    implied = not one.syntax and (one.type != "*/*" or own.native or own.lossy)
    if (named or implied) and one.takes(own.media_type):
        yield own.media_type, home
    elif named and one.type == OCTETS:
        yield OCTETS, home
    if one.takes(OCTETS) and one.syntax in {"", EXPLICIT} and can:
        yield OCTETS, EXPLICIT
    wanted = one.syntax or DEFAULTS.get(one.type, "")
    known = syntax(wanted)
    if known.made and not known.native and one.takes(known.media_type) and can:
        yield known.media_type, wanted


def for_kinds(taken: tuple[Taken, ...], kinds: tuple[str, ...]) -> tuple[str, bool] | None:
    """Choose among media types without transfer syntaxes, the preferred first; also say whether in parts."""
    for one in taken:
        for kind in kinds:
            if one.takes(kind):
                return kind, one.multi
    return None
