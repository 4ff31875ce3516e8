"""Metadata of a study, series or instance as DICOM JSON (PS3.18 §10.4.1.1.2): ready since intake, streamed as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from midas import __version__
from midas.catalogue import lens
from midas.catalogue.lens.indexing import ROOT
from midas.web.bootstrap import store
from midas.web.dicomweb.bodies import Piece, answer, etag_of
from midas.web.dicomweb.messages import Answer, Asked, as_json


def retrieve(asked: Asked) -> Answer:
    """Return all attributes of what is asked for; what is large stands as an address below this root."""
    kind = as_json(asked)
    names, pieces = lens.metadata_of(asked.place.scope_id, **asked.args)
    etag = etag_of("metadata", __version__, asked.root, kind, *names)
    return answer(asked, store(), [_array(pieces, asked.root)], kind=kind, etag=etag)


def _array(pieces: Iterator[bytes], root: str) -> Piece:
    """Put the pieces into one array; what is one piece goes out with its length."""
    mark, address = ROOT.encode(), root.encode()
    first, second = next(pieces), next(pieces, None)
    if second is None:
        return b"[" + first.replace(mark, address) + b"]"
    rest = (piece.replace(mark, address) for piece in chain((first, second), pieces))
    return lambda: chain((b"[",), rest, (b"]",))
