"""What an answer is made of: bytes, ranges of blobs that stay where they are, and what is made while it goes out.

In come pieces; out comes an answer with its length, ETag and range where those can be known (RFC 9110 §8.8, §14). Of what
lies in the store no more than `CHUNK` is in memory at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from django.utils.asyncio import async_unsafe

from midas.kernel import Digest, NotFound
from midas.store import Blobs
from midas.web.answers import asked_range
from midas.web.dicomweb.messages import Answer, Asked

CHUNK = 1 << 20
"""Bytes read and sent at a time; every further piece costs the server as much as a small answer."""
AT_ONCE = 1 << 20
"""Bytes of an answer that is read at once and sent without coming back for more."""


class Cut(NamedTuple):
    """A range of a blob in bytes."""

    sha256: str
    start: int
    length: int


Made = Callable[[], Iterable[bytes]]
"""What is made while it goes out; its length is not known before."""
Piece = bytes | Cut | Made


def etag_of(*parts: str) -> str:
    """Return a strong ETag for what these words name."""
    return f'"{hashlib.blake2b(" ".join(parts).encode(), digest_size=20).hexdigest()}"'


def answer(
    asked: Asked,
    store: Blobs,
    pieces: Sequence[Piece],
    *,
    kind: str,
    etag: str,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return the answer that the pieces make: 200, 206 with a range, 304 where it is known already, or 416."""
    more = {"etag": etag, "cache-control": "private, no-cache", "vary": "Accept", **(headers or {})}
    given = asked.headers.get("if-none-match")
    if given is not None and etag in [one.strip() for one in given.split(",")]:
        return Answer(304, b"", "", more)
    known = [one for one in pieces if isinstance(one, (bytes, Cut))]
    if len(known) < len(pieces):
        return Answer(200, _sent(store, pieces), kind, more)
    size = sum(map(_length, known))
    more["accept-ranges"] = "bytes"
    status, start, end = 200, 0, size
    named = asked.headers.get("range")
    if named is not None and asked.headers.get("if-range", etag) == etag:
        try:
            wanted = asked_range(named, size)
        except ValueError:
            return Answer(416, b"", "", {**more, "content-range": f"bytes */{size}"})
        if wanted:
            status, (start, end) = 206, wanted
            more["content-range"] = f"bytes {start}-{end - 1}/{size}"
            known = list(_part(known, start, end))
    more["content-length"] = str(end - start)
    return Answer(status, _body(store, known, end - start), kind, more)


def _length(piece: bytes | Cut) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length


def _part(pieces: Iterable[bytes | Cut], start: int, end: int) -> Iterator[bytes | Cut]:
    """Yield what lies between two places of the whole."""
    at = 0
    for piece in pieces:
        size = _length(piece)
        low, high = max(start - at, 0), min(end - at, size)
        at += size
        if low < high:
            if isinstance(piece, bytes):
                yield piece[low:high]
            else:
                yield Cut(piece.sha256, piece.start + low, high - low)


def _body(store: Blobs, pieces: list[bytes | Cut], size: int) -> list[bytes] | Iterator[bytes]:
    if size <= AT_ONCE:
        return list(_sent(store, pieces))
    return _sent(store, pieces)


def _sent(store: Blobs, pieces: Iterable[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece, Cut):
            yield from read(store, piece)
        else:
            yield from piece()


def read(store: Blobs, cut: Cut) -> Iterator[bytes]:
    """Yield a range of a blob in chunks; `NotFound` where the blob is not here any more.

    On the event loop only what the machine has in memory is read: else `SynchronousOnlyOperation`, as Django has it.
    """
    path = store.local_path(cut.sha256)
    if path is None:
        off_the_loop()
        yield from store.read(Digest(cut.sha256), cut.start, cut.start + cut.length)
        return
    take = _in_memory if on_the_loop() else os.pread
    with closing(_Open(path)) as file:
        at, end = cut.start, cut.start + cut.length
        while at < end:
            chunk = take(file.number, min(CHUNK, end - at), at)
            if not chunk:
                raise NotFound("The file ends before what was asked for.", advice="Tell the hub's operator.")
            at += len(chunk)
            yield chunk


def _in_memory(number: int, size: int, at: int) -> bytes:
    """Read what needs no disk: its first and last page are in memory (Linux: RWF_NOWAIT)."""
    probe = [bytearray(1)]
    try:
        ready = os.preadv(number, probe, at, os.RWF_NOWAIT) and os.preadv(
            number, probe, at + size - 1, os.RWF_NOWAIT
        )
    except (AttributeError, OSError):
        ready = 0
    if not ready:
        off_the_loop()
    return os.pread(number, size, at)


def on_the_loop() -> bool:
    """Does this run on the event loop, where nothing may wait?"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@async_unsafe("This waits for a disk or a decoder.")
def off_the_loop() -> None:
    """Raise `SynchronousOnlyOperation` on the event loop."""


class _Open:
    """A file by its number: a buffered reader would copy every chunk once more."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDONLY)

    def close(self) -> None:
        os.close(self.number)


def whole(store: Blobs, sha256: str, start: int, end: int) -> bytes:
    """Return a range of a blob in one piece, to be parsed or decoded: a header, or one frame."""
    off_the_loop()
    return b"".join(read(store, Cut(sha256, start, end - start)))
