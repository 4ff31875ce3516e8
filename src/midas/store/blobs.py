"""The one way to blobs. In come bytes; out go digests and, for a digest, the same bytes. Nothing is overwritten."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from midas.kernel import BadInput, BrokenPromise, Digest, NotFound

CHUNK = 1 << 20
"""Bytes read at a time: large enough that hashing dominates, small enough for many streams at once."""

_HEX = re.compile(r"[0-9a-f]{64}")


class Place(Protocol):
    """Where blobs stand: a folder or a bucket. Keys are relative paths made from digests."""

    def put(self, chunks: Iterable[bytes], *, key_when_known: Callable[[], str]) -> None:
        """Take all chunks, then ask for the key, then show them under it; if the question raises, show nothing."""
        ...

    def size(self, key: str) -> int | None: ...

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]: ...

    def path(self, key: str) -> Path | None: ...

    def delete(self, key: str) -> None: ...

    def dated(self) -> Iterator[tuple[str, datetime]]:
        """Yield each key with the time it was last put."""
        ...

    def sweep(self, before: datetime) -> None:
        """Remove what was begun before that time and never became a blob."""
        ...


class Blobs:
    """Blobs in one place. Picklable: a worker process opens the place again from its address."""

    def __init__(self, address: str, place: Place) -> None:
        self.address = address
        self._place = place

    def __reduce__(self) -> tuple[Callable[[str], Blobs], tuple[str]]:
        return Blobs.at, (self.address,)

    @classmethod
    def at(cls, url_or_path: str | Path) -> Blobs:
        """Open a folder (made if missing) or an `s3://bucket/prefix`.

        Credentials and endpoint of a bucket come from the variables that all S3 tools know (`AWS_ACCESS_KEY_ID`,
        `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, `AWS_REGION`). Raise `BadInput` for an address of another kind.
        """
        address = str(url_or_path)
        if address.startswith("s3://"):
            from midas.store.bucket import Bucket

            return cls(address, Bucket(address))
        if "://" in address and not address.startswith("file://"):
            raise BadInput(
                f"{address.partition('://')[0]}:// is not a place for blobs.",
                advice="Give a folder or an s3://bucket/prefix.",
            )
        from midas.store.folder import Folder

        return cls(address, Folder(Path(address.removeprefix("file://")).absolute()))

    def put_file(self, path: Path) -> Digest:
        """Store a file's bytes; return their digest."""
        with path.open("rb") as stream:
            return self.put_chunks(iter(lambda: stream.read(CHUNK), b""))

    def put_chunks(self, chunks: Iterable[bytes], *, expect: str | None = None) -> Digest:
        """Store bytes as they come; return their digest. Raise `BrokenPromise` where it is not `expect`."""
        if expect is not None:
            _key(expect)
        running = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                running.update(chunk)
                yield chunk

        def key_when_known() -> str:
            if expect is not None and running.hexdigest() != expect:
                raise BrokenPromise(
                    f"The bytes that came are not those of {expect[:12]}….", advice="Send the blob again."
                )
            return _key(running.hexdigest())

        self._place.put(hashed(), key_when_known=key_when_known)
        return Digest(running.hexdigest())

    def has(self, digest: str) -> bool:
        return self._place.size(_key(digest)) is not None

    def size(self, digest: str) -> int:
        """Return the size in bytes; raise `NotFound` if the blob is not here."""
        size = self._place.size(_key(digest))
        if size is None:
            raise NotFound(f"Blob {digest[:12]}… is not here.", advice="Send it first.")
        return size

    def read(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive; `None`: to the last one).

        A whole blob is hashed on its way: `BrokenPromise` is raised before its last chunk goes out if the bytes are
        not what the digest says. `NotFound` where the blob is not here.
        """
        size = self.size(digest)
        stop = size if end is None else min(end, size)
        stream = self._place.read(_key(digest), start, stop) if start < stop else iter(())
        return _checked(stream, digest) if (start, stop) == (0, size) else stream

    def local_path(self, digest: str) -> Path | None:
        """Return the blob's own file if it has one on this machine. Read it, never write to it."""
        return self._place.path(_key(digest))

    def delete(self, digest: str) -> None:
        """Erase a blob (a withdrawal); a blob that is not here is no error."""
        self._place.delete(_key(digest))

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those of `digests` that are not here, in their order."""
        return [digest for digest in digests if not self.has(digest)]

    def digests(self) -> Iterator[Digest]:
        """Yield the digest of every blob here, in no promised order."""
        for digest, _ in self.dated():
            yield digest

    def dated(self) -> Iterator[tuple[Digest, datetime]]:
        """Yield the digest of every blob here with the time (UTC) at which its bytes last came in."""
        for key, moment in self._place.dated():
            name = key.rpartition("/")[2]
            if _HEX.fullmatch(name):
                yield Digest(name), moment

    def sweep(self, *, before: datetime) -> None:
        """Remove what uploads that broke off before that time left; a killed server cannot tidy up itself."""
        self._place.sweep(before)


def _key(digest: str) -> str:
    """`ab/cd/abcd…`: 65,536 folders keep each small up to hundreds of millions of blobs."""
    if not _HEX.fullmatch(digest):
        raise BadInput("A blob is named by 64 lower-case hexadecimal digits.", advice="Give its SHA-256.")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _checked(stream: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """Pass chunks on one behind, so that a wrong blob is never complete at the reader."""
    running = hashlib.sha256()
    held: bytes | None = None
    for chunk in stream:
        running.update(chunk)
        if held is not None:
            yield held
        held = chunk
    if running.hexdigest() != digest:
        raise BrokenPromise(
            f"Blob {digest[:12]}… does not hold the bytes it is named for.",
            advice="Restore it from a copy; run `midas hub verify` to see what else is damaged.",
        )
    if held is not None:
        yield held
