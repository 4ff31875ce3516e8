"""Objects of a study, series or instance (PS3.18 §10.4): as they are stored, or in the transfer syntax that was asked for.

What goes out untouched is never parsed: it is streamed from the store with its length, ETag and ranges. What is remade is
made frame by frame. A lossy form is never made: an object keeps its UID only where it keeps its pixels (PS3.3 C.7.6.1.1.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from midas.catalogue import lens
from midas.catalogue.lens import Found
from midas.formats.dicom.syntaxes import DEFLATED, NOT_ON_THE_WEB
from midas.kernel import NotFound
from midas.web import standing
from midas.web.bootstrap import store
from midas.web.dicomweb import media, multipart
from midas.web.dicomweb.bodies import Cut, Piece, answer, etag_of, read
from midas.web.dicomweb.messages import Answer, Asked, NotAcceptable
from midas.web.dicomweb.sources import Source


def taken(asked: Asked) -> tuple[media.Taken, ...]:
    """Return what the client takes, the query's `accept` before the header's."""
    query = ",".join(value for name, value in asked.parameters if name == "accept") if asked.query else ""
    return media.asked(asked.headers.get("accept", ""), query)


def found_of(asked: Asked) -> list[Found]:
    """Return the objects that the path names, as they were at most two seconds ago; `NotFound` where there are none."""
    scope, study, series = asked.place.scope_id, asked.args["study"], asked.args.get("series")
    held = standing.recall(
        f"objects {scope}/{study}/{series}",
        lambda: {one.sop_instance_uid: one for one in lens.objects(scope, study, series)},
    )
    named = asked.args.get("instance")
    found = list(held.values()) if named is None else [held[named]] if named in held else []
    if not found:
        raise NotFound("There is no such study, series or instance here.", advice="Search again.")
    return found


def objects(asked: Asked) -> Answer:
    """Answer with all objects of what the path names."""
    found = found_of(asked)
    alone, wanted = len(found) == 1 and "instance" in asked.args, taken(asked)
    blobs = store()
    sources = [Source(one, blobs) for one in found]
    chosen = [_choose(source, wanted, alone) for source in sources]
    if not chosen[0].multi:
        return _single(asked, sources[0], chosen[0])
    etag = etag_of(*(f"{one.found.sha256}/{how.syntax}" for one, how in zip(sources, chosen, strict=True)))
    frame = multipart.Frame(etag.strip('"'))
    pieces: list[Piece] = []
    for number, (source, how) in enumerate(zip(sources, chosen, strict=True)):
        pieces += _part(source, how.syntax, frame, first=number == 0, location=address(asked, source.found))
    return answer(asked, blobs, [*pieces, frame.end], kind=frame.content_type(media.DICOM), etag=etag)


def address(asked: Asked, found: Found) -> str:
    """Return the address of an object below this root."""
    return (
        f"{asked.root}/studies/{found.study_uid}/series/{found.series_uid}/instances/{found.sop_instance_uid}"
    )


def _choose(source: Source, wanted: tuple[media.Taken, ...], alone: bool) -> media.Chosen:
    """Choose the form of one object; one without pixels comes uncompressed, whatever was asked for its neighbours."""
    if source.found.frames == 0:
        wanted = tuple(
            one if one.syntax in {"", media.ANY, DEFLATED} else replace(one, syntax="") for one in wanted
        )
    chosen = media.for_object(
        wanted, stored=source.found.transfer_syntax_uid, alone=alone, can=source.can_be_remade
    )
    if chosen is None:
        raise NotAcceptable(
            "The objects do not come in any of the media types and transfer syntaxes that were asked for.",
            advice='Accept multipart/related; type="application/dicom"; transfer-syntax=* takes what is stored.',
        )
    return chosen


def _kind(syntax: str) -> str:
    return f"{media.DICOM}; transfer-syntax={syntax}"


def _single(asked: Asked, source: Source, how: media.Chosen) -> Answer:
    found = source.found
    if how.syntax == found.transfer_syntax_uid:
        pieces: list[Piece] = [Cut(found.sha256, 0, found.size)]
        return answer(asked, source.store, pieces, kind=_kind(how.syntax), etag=f'"{found.sha256}"')
    remade = source.recoded(how.syntax)
    known = {} if remade.size is None else {"content-length": str(remade.size)}
    etag = etag_of(found.sha256, how.syntax)
    return answer(
        asked, source.store, [lambda: remade.chunks], kind=_kind(how.syntax), etag=etag, headers=known
    )


def _part(
    source: Source, syntax: str, frame: multipart.Frame, *, first: bool, location: str
) -> Iterator[Piece]:
    found = source.found
    if syntax == found.transfer_syntax_uid:
        yield frame.head(_kind(syntax), first=first, length=found.size, location=location)
        yield Cut(found.sha256, 0, found.size)
    else:
        yield _remade(source, syntax, frame, first=first, location=location)


def _remade(
    source: Source, syntax: str, frame: multipart.Frame, *, first: bool, location: str
) -> Callable[[], Iterable[bytes]]:
    """One part, made when its turn comes; where its pixels have no form in that syntax it comes as it is stored."""

    def made() -> Iterator[bytes]:
        found = source.found
        try:
            remade = source.recoded(syntax)
        except NotAcceptable:
            if found.transfer_syntax_uid in NOT_ON_THE_WEB:
                raise
            kind = _kind(found.transfer_syntax_uid)
            yield frame.head(kind, first=first, length=found.size, location=location)
            yield from read(source.store, Cut(found.sha256, 0, found.size))
            return
        yield frame.head(_kind(syntax), first=first, length=remade.size, location=location)
        yield from remade.chunks

    return made
