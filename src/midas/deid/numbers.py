"""Numbers of requests and studies: one keyed name for each number of a person, so that objects can still be joined by it.

In come the keys, a subject and a number; out comes `N-` and 14 consonants, which fit VR SH and cannot spell a name, a
day or another number by chance. The same number of another person becomes another name: `1`, which many studies are
called, links nobody. PS3.15 Table E.1-1a lets a dummy stand where the action is Z or D; nothing leads back from it
without the key.
"""

from __future__ import annotations

import hashlib
import hmac

from midas.deid.model import Keys

CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
LETTERS = 14


def stands_for(keys: Keys, subject: str, number: str) -> str:
    """Return the name of a number, "" for "": HMAC-SHA-256 cut to 60 bits; two of a thousand are alike once in 10^12."""
    number = number.strip(" \0")
    if not number:
        return ""
    told = f"{subject}\0{number}".encode("utf-8", "surrogatepass")
    left = int.from_bytes(hmac.new(keys.number, told, hashlib.sha256).digest(), "big")
    letters = []
    for _ in range(LETTERS):
        left, at = divmod(left, len(CONSONANTS))
        letters.append(CONSONANTS[at])
    return f"N-{''.join(letters)}"
