"""SHA-256 over bytes, files and canonical JSON (RFC 8785)."""

import hashlib
from pathlib import Path
from typing import Any, NewType

import rfc8785

Digest = NewType("Digest", str)
"""A SHA-256 in 64 lower-case hexadecimal digits."""


def sha256_bytes(data: bytes | bytearray | memoryview) -> Digest:
    """Return the SHA-256 of bytes in memory."""
    return Digest(hashlib.sha256(data).hexdigest())


def sha256_file(path: Path) -> Digest:
    """Return the SHA-256 of a file, read as a stream; OSError where it cannot be read."""
    with path.open("rb") as stream:
        return Digest(hashlib.file_digest(stream, "sha256").hexdigest())


def canonical(value: Any) -> bytes:
    """Encode JSON-like data in the one form that RFC 8785 allows, so that equal values have equal bytes."""
    return rfc8785.dumps(value)
