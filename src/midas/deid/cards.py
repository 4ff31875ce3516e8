"""Cards and keys at rest: a person's card sealed with AES-256-GCM; the key file that worker processes open.

In come a card and a 32-byte key, out comes a file of random nonce and ciphertext. Nothing is ever written in clear.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from midas.deid.model import Card, Keys
from midas.kernel import BadInput, BrokenPromise, whole_file

MAGIC = b"MIDAS-CARD-1"
NONCE = 12


def seal_card(card: Card, *, key: bytes, out: Path) -> None:
    """Write the card to `out`, readable by its owner alone; `key` is 32 bytes."""
    nonce = os.urandom(NONCE)
    plain = json.dumps([card.subject, card.shift_days, card.sex, card.known], ensure_ascii=False).encode()
    with whole_file(out, mode=0o600) as stream:
        stream.write(MAGIC + nonce + AESGCM(key).encrypt(nonce, plain, MAGIC))


def open_card(path: Path, *, key: bytes) -> Card:
    """Return the sealed card; `BrokenPromise` where the key or the file is not the right one.

    A card that this process opened before is opened again only where its file has changed.
    """
    return _opened_card(path, _state(path), key)


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(maxsize=64)
def _opened_card(path: Path, state: tuple[int, int, int], key: bytes) -> Card:  # noqa: ARG001 - part of what is remembered
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise BadInput("This file is not a sealed card.", advice="Run the receive step again.")
    nonce, sealed = data[len(MAGIC) :][:NONCE], data[len(MAGIC) + NONCE :]
    try:
        subject, shift, sex, known = json.loads(AESGCM(key).decrypt(nonce, sealed, MAGIC))
    except InvalidTag:
        raise BrokenPromise("A sealed card does not open.", advice="Check the spoke's storage key.") from None
    return Card(subject, shift, sex, tuple((kind, value) for kind, value in known))


def open_keys(path: Path) -> tuple[bytes, Keys]:
    """Return the storage key and the derived keys from the key file (JSON: storage, root in hexadecimal)."""
    return _opened_keys(path, _state(path))


@lru_cache(maxsize=4)
def _opened_keys(path: Path, state: tuple[int, int, int]) -> tuple[bytes, Keys]:  # noqa: ARG001 - as above
    try:
        given = json.loads(path.read_text(encoding="ascii"))
        return bytes.fromhex(given["storage"]), Keys.from_root(bytes.fromhex(given["root"]))
    except (KeyError, ValueError, TypeError):
        raise BadInput("The key file cannot be read.", advice="Restore the spoke's keys folder.") from None
