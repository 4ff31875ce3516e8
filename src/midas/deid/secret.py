"""The one secret behind a batch: pseudonyms, date shifts, UIDs and commitments all follow from it, and nothing else.

In comes a file of at least 32 bytes; out come keys, and names for persons that are the same in every run. Whoever holds
the file can do this again; nobody else can, and nothing that is written leads back to it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from midas.deid.model import Keys
from midas.kernel import BadInput, Conflict, NotFound

SHORTEST, LONGEST = 32, 4096
"""Bytes of a secret file: fewer can be guessed, more is another file given by mistake."""
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = 10
WIDEST_SHIFT = 730
"""Days: two years, as in the vault of a spoke."""


def _derived(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"midas/deid/" + purpose + b"/1").derive(root)


@dataclass(frozen=True)
class Secret:
    """The key's owner's secret, kept out of every print. `root` is 32 bytes made from the file's content."""

    root: bytes = field(repr=False)

    @classmethod
    def of(cls, content: bytes) -> Secret:
        """Return the secret that these bytes hold; `BadInput` for fewer than 32 of them, or all alike."""
        if not SHORTEST <= len(content) <= LONGEST or len(set(content)) < 8:
            raise BadInput(
                "The secret is too short, too long or too plain to be one.",
                advice=f"Give {SHORTEST} to {LONGEST} random bytes: `midas deid key FILE` makes them.",
            )
        return cls(_derived(content, b"secret"))

    @classmethod
    def read(cls, path: Path) -> Secret:
        """Read a secret file; `BadInput` where others than its owner could read it."""
        try:
            mode = path.stat().st_mode
            content = path.read_bytes() if stat.S_ISREG(mode) else b""
        except FileNotFoundError:
            raise NotFound(
                "There is no such secret file.", advice="Make one with `midas deid key FILE`."
            ) from None
        if os.name == "posix" and mode & 0o077:
            raise BadInput(
                "Others than its owner can read the secret file.",
                advice=f"Run `chmod 600 {path}` and try again.",
            )
        return cls.of(content)

    def keys(self) -> Keys:
        """Return the keys of UIDs and commitments."""
        return Keys.from_root(self.root)

    def pseudonym(self, person: str) -> str:
        """Return the neutral name of a person, such as P-7Q2KM-XW9RD: keyed, the same in every run."""
        number = int.from_bytes(self._mac(b"pseudonym", person)[:8], "big")
        letters = "".join(CROCKFORD[number >> 5 * place & 31] for place in range(LETTERS))
        return f"P-{letters[:5]}-{letters[5:]}"

    def shift_days(self, person: str) -> int:
        """Return how many days every date of the person moves, -730 to -1: keyed, the same in every run."""
        return -1 - int.from_bytes(self._mac(b"shift", person)[:8], "big") % WIDEST_SHIFT

    def fingerprint(self, about: str) -> str:
        """Return 16 hexadecimal digits by which equal things are known again under this secret."""
        return self._mac(b"fingerprint", about).hex()[:16]

    def _mac(self, purpose: bytes, text: str) -> bytes:
        key = _derived(self.root, purpose)
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def make_secret(path: Path) -> None:
    """Write a new secret of 32 random bytes, readable by its owner alone; `Conflict` where a file is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(
            "A file of this name is there already.",
            advice="A secret is never overwritten; choose another name.",
        ) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_bytes(32))
