"""Ed25519 signatures (RFC 8032) over canonical JSON (RFC 8785)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from midas.kernel import BrokenPromise, canonical, whole_file
from midas.wire.v1 import Signed


class PrivateKey:
    """A signing key kept in one file that only its owner can read (mode 0600)."""

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(raw)

    @classmethod
    def load_or_create(cls, path: Path) -> PrivateKey:
        if not path.exists():
            with whole_file(path, mode=0o600) as stream:
                stream.write(os.urandom(32))
        return cls(path.read_bytes())

    @property
    def public_hex(self) -> str:
        return self._key.public_key().public_bytes_raw().hex()

    def signature_of(self, data: bytes) -> str:
        return self._key.sign(data).hex()


def sign(value: Any, key: PrivateKey) -> Signed:
    """Return the value in canonical JSON with the key's Ed25519 signature over exactly those bytes."""
    payload = canonical(value)
    return Signed(payload=payload.decode(), signature=key.signature_of(payload), public_key=key.public_hex)


def verify_signature(signed: Signed, *, trusted: str | None = None) -> None:
    """Raise `BrokenPromise` unless the payload was signed by `public_key`, and by `trusted` where it is given."""
    if trusted is not None and signed.public_key != trusted:
        raise BrokenPromise(
            "The signature is by a key that is not trusted here.",
            advice="Compare the public key with the one that the sender published.",
        )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key)).verify(
            bytes.fromhex(signed.signature), signed.payload.encode()
        )
    except InvalidSignature:
        raise BrokenPromise(
            "The signature does not match the text it signs.", advice="Fetch the file again from its source."
        ) from None
