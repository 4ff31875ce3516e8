"""Frames and bulk data (PS3.18 §10.4.1.1.5, §10.4.1.1.6): one ranged read for each frame that goes out as it is stored.

What the metadata name as BulkDataURI is fetched here: pixel data, waveforms, palettes, encapsulated documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from midas.formats.dicom import quiet
from midas.formats.dicom.syntaxes import EXPLICIT, OCTETS, syntax
from midas.kernel import BadInput, NotFound
from midas.web.bootstrap import store
from midas.web.dicomweb import media, multipart
from midas.web.dicomweb.bodies import Piece, answer, etag_of
from midas.web.dicomweb.messages import Answer, Asked, NotAcceptable
from midas.web.dicomweb.retrieve import address, found_of, taken
from midas.web.dicomweb.sources import Source

MOST_FRAMES = 10_000
"""Frames that one request may name."""
PIXEL_DATA = "7FE00010"
DOCUMENTS = frozenset({"application/pdf", "text/xml", "model/stl", "model/obj", "model/mtl"})
"""Types of encapsulated documents (PS3.3 A.45, A.85) that an object may claim for its own; no browser runs one of them."""


def source_of(asked: Asked) -> Source:
    """Return the one object that the path names."""
    return Source(found_of(asked)[0], store())


def numbers_of(text: str) -> list[int]:
    """Return the frame numbers of a path, in its order; `BadInput` where they are none."""
    numbers = [int(one) for one in text.split(",") if one.isdecimal() and len(one) < 10]
    if len(numbers) != text.count(",") + 1 or len(numbers) > MOST_FRAMES or 0 in numbers:
        raise BadInput(
            "Frames are numbers from 1 with commas between.",
            advice=f"Such as /frames/1,2; at most {MOST_FRAMES}.",
        )
    return numbers


def frames(asked: Asked) -> Answer:
    """Answer with the frames that the path names, in its order."""
    return _frames(asked, source_of(asked), numbers_of(asked.args["frames"]), "/frames")


def bulkdata(asked: Asked) -> Answer:
    """Answer with one value: `7FE00010`, or `54000100/0/54001010` within sequences, whose items count from 0."""
    source, path = source_of(asked), asked.args["path"].upper()
    if path == PIXEL_DATA and source.found.frames:
        if syntax(source.stored).native:
            return _native(asked, source)
        return _frames(asked, source, range(1, source.found.frames + 1), "/frames")
    kind, data = _value(source.header, path)
    return _bulk(asked, source, [data], kind, path)


def _choose(asked: Asked, source: Source, *, alone: bool) -> media.Chosen:
    chosen = media.for_frames(taken(asked), stored=source.stored, alone=alone, can=source.can_be_remade)
    if chosen is None:
        raise NotAcceptable(
            "The frames do not come in any of the media types and transfer syntaxes that were asked for.",
            advice=f'Accept multipart/related; type="{OCTETS}"; transfer-syntax=* takes what is stored.',
        )
    return chosen


def _frames(asked: Asked, source: Source, numbers: Sequence[int], below: str) -> Answer:
    source.check(numbers)
    how = _choose(asked, source, alone=len(numbers) == 1)
    kind = f"{how.media_type}; transfer-syntax={how.syntax}"
    bodies = [_frame(source, number, how.syntax, eager=len(numbers) == 1) for number in numbers]
    etag = etag_of(source.found.sha256, below, ",".join(map(str, numbers)), kind, str(how.multi))
    if not how.multi:
        return answer(asked, source.store, bodies[0], kind=kind, etag=etag)
    parts = multipart.Frame(etag.strip('"'))
    place = address(asked, source.found)
    pieces: list[Piece] = []
    for at, (number, body) in enumerate(zip(numbers, bodies, strict=True)):
        pieces += [parts.head(kind, first=at == 0, location=f"{place}{below}/{number}"), *body]
    return answer(
        asked, source.store, [*pieces, parts.end], kind=parts.content_type(how.media_type), etag=etag
    )


def _frame(source: Source, number: int, to: str, *, eager: bool) -> list[Piece]:
    """Return a frame's pieces; what is remade is made now where it is the only one, so that its length is known."""
    if to == source.stored or (syntax(to).native and syntax(source.stored).native and not source.swapped):
        return source.untouched(number)
    if eager:
        return [source.remade(number, to)]
    return [lambda: [source.remade(number, to)]]


def _native(asked: Asked, source: Source) -> Answer:
    """All frames of uncompressed pixel data in one body, as the element holds them."""
    source.check([1])
    if source.swapped:
        pieces: list[Piece] = [
            lambda: (source.remade(number, EXPLICIT) for number in range(1, source.found.frames + 1))
        ]
    else:
        pieces = source.all_native()
    return _bulk(asked, source, pieces, OCTETS, PIXEL_DATA)


def _bulk(asked: Asked, source: Source, pieces: Sequence[Piece], kind: str, path: str) -> Answer:
    kinds = (kind, OCTETS) if kind != OCTETS else (OCTETS,)
    wanted = [one for one in taken(asked) if one.syntax in {"", media.ANY, EXPLICIT}]
    chosen = media.for_kinds(tuple(wanted), kinds)
    if chosen is None:
        raise NotAcceptable(
            "This value does not come in the media types that were asked for.", advice=f"Accept {kind}."
        )
    kind, multi = chosen
    etag = etag_of(source.found.sha256, "bulkdata", path, kind, str(multi))
    if not multi:
        return answer(asked, source.store, pieces, kind=kind, etag=etag)
    parts = multipart.Frame(etag.strip('"'))
    head = parts.head(kind, first=True, location=f"{address(asked, source.found)}/bulkdata/{path}")
    return answer(asked, source.store, [head, *pieces, parts.end], kind=parts.content_type(kind), etag=etag)


def _value(ds: Dataset, path: str) -> tuple[str, bytes]:
    """Return media type and bytes of the value at a path of tags and items; `NotFound` where there is none."""
    nowhere = NotFound("There is no such value in this object.", advice="Take the address from its metadata.")
    *within, last = path.split("/")
    place: Any = ds
    with quiet():
        try:
            for tag, item in zip(within[::2], within[1::2], strict=True):
                place = place[_tag(tag)].value[int(item)]
            value = place[_tag(last)].value
        except (KeyError, ValueError, IndexError, TypeError) as problem:
            raise nowhere from problem
    if not isinstance(value, bytes):
        raise nowhere
    kind = (
        str(place.get("MIMETypeOfEncapsulatedDocument") or "").strip().lower() if last == "00420011" else ""
    )
    return (kind if kind in DOCUMENTS else OCTETS), value


def _tag(text: str) -> Any:
    if len(text) != 8:
        raise ValueError(text)
    return Tag(int(text, 16))
