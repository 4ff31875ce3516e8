"""Blobs as objects of an S3-compatible bucket. Bytes are spooled to a local file until their digest is known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from midas.kernel import NotFound, Unavailable

CHUNK = 1 << 20


class Bucket:
    def __init__(self, url: str) -> None:
        self._store: Any = from_url(url, client_options={"allow_http": True})

    def put(self, chunks: Iterable[bytes], *, key_when_known: Callable[[], str]) -> None:
        with tempfile.NamedTemporaryFile(prefix="midas-blob-") as spool:
            for chunk in chunks:
                spool.write(chunk)
            spool.flush()
            key = key_when_known()
            if self.size(key) is None:
                with _said():
                    obstore.put(self._store, key, Path(spool.name))

    def size(self, key: str) -> int | None:
        try:
            with _said():
                return int(obstore.head(self._store, key)["size"])
        except NotFound:
            return None

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        with _said():
            for chunk in obstore.get(self._store, key, options={"range": (start, end)}).stream(CHUNK):
                yield bytes(chunk)

    def path(self, key: str) -> Path | None:
        del key
        return None

    def delete(self, key: str) -> None:
        with suppress(NotFound), _said():
            obstore.delete(self._store, key)

    def dated(self) -> Iterator[tuple[str, datetime]]:
        with _said():
            for page in obstore.list(self._store):
                for entry in page:
                    yield str(entry["path"]), entry["last_modified"]

    def sweep(self, before: datetime) -> None:
        """An object is whole or absent; what was spooled is a temporary file of this machine."""
        del before


@contextmanager
def _said() -> Iterator[None]:
    """Say the library's errors in MIDAS's words."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("The blob is not in the bucket.", advice="Send it first.") from None
    except (BaseError, OSError) as error:
        raise Unavailable(
            f"The bucket did not answer as it should ({type(error).__name__}).",
            advice="Check the address, the credentials and that the S3 server runs; then try again.",
        ) from error
