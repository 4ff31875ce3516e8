"""The vault's keys: one storage key in a file for its owner alone; everything else derives from it or is wrapped by it.

In come identified texts; out come sealed bytes (AES-256-GCM, bound to what they are about) and keyed hashes for look-up.
A value sealed for one purpose does not open for another. No key is ever written unwrapped beside the data it protects.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from midas.kernel import BrokenPromise
from midas.spoke.home import Home, key_file

NONCE = 12


def derive(root: bytes, purpose: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of a 32-byte key for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"midas/{purpose}".encode()).derive(root)


def normal(kind: str, value: str) -> str:
    """Return the form in which a value is compared.

    Numbers lose spaces and punctuation, text loses case, accents of width and doubled blanks; digits of any script count
    as digits.
    """
    text = unicodedata.normalize("NFKC", value).casefold().strip()
    text = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    if kind in {"uhid", "abha", "phone", "specimen"}:
        text = re.sub(r"[\W_]+", "", text)
        return text[-10:] if kind == "phone" else text
    return re.sub(r"\s+", " ", text)


class Vault:
    """Seal, open and look up with one spoke's storage key."""

    def __init__(self, storage: bytes) -> None:
        self._seal = AESGCM(derive(storage, "vault-seal"))
        self._wrap = AESGCM(derive(storage, "vault-wrap"))
        self._lookup = derive(storage, "vault-lookup")

    @classmethod
    def of(cls, home: Home) -> Vault:
        return cls(key_file(home.keys / "storage.key"))

    def seal(self, text: str, *, about: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._seal.encrypt(nonce, text.encode(), about.encode())

    def open(self, sealed: bytes | memoryview, *, about: str) -> str:
        """Return the text; `BrokenPromise` where it was changed or sealed for something else."""
        return self._opened(self._seal, bytes(sealed), about).decode()

    def lookup(self, kind: str, value: str, *, within: str = "") -> str:
        """Return the keyed hash under which a value is found again; 64 hex digits."""
        text = "\x1f".join((within, kind, normal(kind, value)))
        return hmac.digest(self._lookup, text.encode(), "sha256").hex()

    def wrap(self, key: bytes, *, about: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._wrap.encrypt(nonce, key, about.encode())

    def unwrap(self, wrapped: bytes | memoryview, *, about: str) -> bytes:
        return self._opened(self._wrap, bytes(wrapped), about)

    @staticmethod
    def _opened(cipher: AESGCM, sealed: bytes, about: str) -> bytes:
        try:
            return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
        except InvalidTag:
            raise BrokenPromise(
                "A sealed value does not open with this spoke's storage key.",
                advice="Restore keys/storage.key from its backup; database and key belong together.",
            ) from None
