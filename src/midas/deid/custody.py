"""The map that leads back, sealed so that only several custodians together open it, with a reason that is logged.

In comes the reverse map (pseudonyms, identifiers, the secret) and the public keys of n custodians; out comes one file that
any k of them open and k-1 never: HPKE (RFC 9180) for each custodian over pieces of the key, one set of pieces for each
choice of k (Ito, Saito and Nishizeki 1987). Daily work never needs it. No clock is read: the caller says when.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from midas.deid.custody_log import Entry, appended, check_log
from midas.kernel import BadInput, BrokenPromise, Forbidden, canonical, sha256_bytes

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
MAP, KEY, SHARE, CUSTODIAN = (
    f"midas-{kind}/1" for kind in ("sealed-map", "custodian-key", "share", "custodian")
)
SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}
"""64 MiB and about a fifth of a second for each try of a password (RFC 7914)."""
PIECE, MOST_CHOICES = 32, 1000
"""Bytes of one piece; choices of k among n beyond which a file would grow without need."""
SHORTEST_PASSWORD, SHORTEST_REASON = 12, 10


@dataclass(frozen=True)
class Custodian:
    """Somebody who holds a key of the map, apart from daily work; `public` is an X25519 public key in hexadecimal."""

    name: str
    public: str

    def to_json(self) -> bytes:
        return canonical({"schema": CUSTODIAN, **self.__dict__})

    @classmethod
    def from_json(cls, data: bytes) -> Custodian:
        given = _read(data, CUSTODIAN, "custodian's public key")
        return cls(str(given["name"]), str(given["public"]))


@dataclass(frozen=True)
class Opener:
    """A custodian with the private key, for the length of one act."""

    custodian: Custodian
    private: X25519PrivateKey = field(repr=False)


def make_custodian(name: str, *, password: str) -> tuple[bytes, bytes]:
    """Return a new custodian's public file and private file; the private one opens with the password alone."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("The password is too short.", advice=f"Give at least {SHORTEST_PASSWORD} characters.")
    private = X25519PrivateKey.generate()
    custodian = Custodian(name, private.public_key().public_bytes_raw().hex())
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_stretched(password, salt)).encrypt(
        nonce, private.private_bytes_raw(), custodian.to_json()
    )
    about = {
        "schema": KEY,
        "name": name,
        "public": custodian.public,
        "salt": salt.hex(),
        "nonce": nonce.hex(),
    }
    return custodian.to_json(), canonical({**about, "sealed": sealed.hex()})


def open_custodian(data: bytes, *, password: str) -> Opener:
    """Return the custodian of a private file; `Forbidden` where the password is not the right one."""
    given = _read(data, KEY, "custodian's private key")
    custodian = Custodian(str(given["name"]), str(given["public"]))
    key = _stretched(password, bytes.fromhex(given["salt"]))
    try:
        raw = AESGCM(key).decrypt(
            bytes.fromhex(given["nonce"]), bytes.fromhex(given["sealed"]), custodian.to_json()
        )
    except InvalidTag:
        raise Forbidden("The password is wrong, or the key file was changed.", advice="Try again.") from None
    return Opener(custodian, X25519PrivateKey.from_private_bytes(raw))


def _stretched(password: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **SCRYPT).derive(password.encode())


def seal_map(
    content: Mapping[str, Any], *, custodians: Sequence[Custodian], need: int, at: str, reason: str
) -> bytes:
    """Seal a map so that any `need` of the custodians open it together; `at` is the time, for the log inside."""
    people = sorted(custodians, key=lambda one: one.name)
    _check(people, need)
    about = {
        "schema": MAP, "id": secrets.token_hex(16), "need": need, "custodians": [one.__dict__ for one in people],
    }  # fmt: skip
    key, nonce = secrets.token_bytes(PIECE), os.urandom(12)
    bound = canonical(about)
    plain = zlib.compress(json.dumps(dict(content), ensure_ascii=False).encode())
    packets = _packets(key, people, need)
    sealed = [
        SUITE.encrypt(packet, _public(one), info=b"midas map " + bound)
        for one, packet in zip(people, packets, strict=True)
    ]
    log = appended((), act="sealed", who="", reason=_reasoned(reason), at=at, about=str(about["id"]))
    return canonical({
        **about, "nonce": nonce.hex(), "packets": [_text(one) for one in sealed],
        "content": _text(AESGCM(key).encrypt(nonce, plain, bound)), "log": [entry.to_dict() for entry in log],
    })  # fmt: skip


def _check(people: Sequence[Custodian], need: int) -> None:
    if not 2 <= need <= len(people):
        raise BadInput(
            "One person alone must never open the map, and there must be enough custodians.",
            advice="Name at least two custodians and need at least two of them.",
        )
    if len({one.name for one in people}) < len(people) or len({one.public for one in people}) < len(people):
        raise BadInput("A custodian is named twice.", advice="Give each custodian's public file once.")
    if comb(len(people), need) > MOST_CHOICES:
        raise BadInput(
            "These are too many custodians.", advice="Three to seven are usual; need two or three of them."
        )


def _packets(key: bytes, people: Sequence[Custodian], need: int) -> list[bytes]:
    """Return for each custodian the pieces for all choices of `need` custodians of which they are one.

    The pieces of one choice are random but for the last: together (XOR) they are the key; any fewer are pure chance.
    """
    packets = [bytearray() for _ in people]
    for choice in combinations(range(len(people)), need):
        pieces = [secrets.token_bytes(PIECE) for _ in choice[1:]]
        pieces.append(_xor(key, *pieces))
        for who, piece in zip(choice, pieces, strict=True):
            packets[who] += piece
    return [bytes(packet) for packet in packets]


def _joined(packets: Mapping[int, bytes], people: int, need: int) -> bytes:
    choice = tuple(sorted(packets))[:need]
    return _xor(*(_piece(packets[who], who, choice, people, need) for who in choice))


def _piece(packet: bytes, who: int, choice: tuple[int, ...], people: int, need: int) -> bytes:
    mine = [one for one in combinations(range(people), need) if who in one]
    at = mine.index(choice) * PIECE
    return packet[at : at + PIECE]


def _xor(*pieces: bytes) -> bytes:
    whole = 0
    for piece in pieces:
        whole ^= int.from_bytes(piece, "big")
    return whole.to_bytes(PIECE, "big")


def make_share(sealed: bytes, opener: Opener, *, to: str, reason: str, at: str) -> tuple[bytes, bytes]:
    """Give one's part to the custodian named `to`, who means to open the map; return the share and the map, logged."""
    given, people = _map(sealed)
    packet = _own_packet(given, people, opener)
    receiver = next((one for one in people if one.name == to), None)
    if receiver is None or receiver == opener.custodian:
        raise BadInput("A share goes to another custodian of the map.", advice=f"One of: {_names(people)}.")
    log = _logged(given, act="shared", who=opener.custodian.name, reason=reason, at=at)
    entry = log[-1]
    info = b"midas share " + canonical([given["id"], opener.custodian.name, to, entry.digest])
    share = {
        "schema": SHARE, "map": given["id"], "of": opener.custodian.name, "to": to, "entry": entry.digest,
        "sealed": _text(SUITE.encrypt(packet, _public(receiver), info=info)),
    }  # fmt: skip
    return canonical(share), _with_log(given, log)


def open_map(
    sealed: bytes, opener: Opener, shares: Sequence[bytes], *, reason: str, at: str
) -> tuple[dict[str, Any], bytes]:
    """Open the map with one's own key and the shares of others; return its content, and the map with the opening logged.

    `Forbidden` with fewer than the map needs. Every share must stand in the map's log with its reason.
    """
    given, people = _map(sealed)
    names = [one.name for one in people]
    packets = {names.index(opener.custodian.name): _own_packet(given, people, opener)}
    logged = {entry.digest for entry in _log(given)}
    for data in shares:
        share = _read(data, SHARE, "share")
        if share["map"] != given["id"] or share["of"] not in names:
            raise BadInput("A share belongs to another map.", advice="Ask for a share of this map.")
        if share["entry"] not in logged:
            raise BrokenPromise(
                "A share is not in the map's log.", advice="Use the map file that came with the share."
            )
        info = b"midas share " + canonical([given["id"], share["of"], opener.custodian.name, share["entry"]])
        packets[names.index(share["of"])] = _opened(_bytes(share["sealed"]), opener, info)
    if len(packets) < given["need"]:
        raise Forbidden(
            f"The map needs {given['need']} custodians, and {len(packets)} are here.",
            advice="Ask another custodian for a share: `midas deid share`.",
        )
    log = _logged(given, act="opened", who=opener.custodian.name, reason=reason, at=at)
    key = _joined(packets, len(people), given["need"])
    return _content(given, key), _with_log(given, log)


def rewrap(
    sealed: bytes, opener: Opener, shares: Sequence[bytes], *, custodians: Sequence[Custodian], need: int, reason: str,
    at: str,
) -> bytes:  # fmt: skip
    """Seal the same map to other custodians under a fresh key; its content, and all that was sent, stays as it is."""
    content, logged = open_map(sealed, opener, shares, reason=reason, at=at)
    fresh = json.loads(seal_map(content, custodians=custodians, need=need, at=at, reason=reason))
    old = _log(json.loads(logged))
    log = appended(
        old, act="rewrapped", who=opener.custodian.name, reason=_reasoned(reason), at=at, about=fresh["id"]
    )
    return _with_log(fresh, log)


def log_of(sealed: bytes) -> tuple[Entry, ...]:
    """Return the log that the map carries; `BrokenPromise` where it was changed."""
    return _log(_map(sealed)[0])


def _map(sealed: bytes) -> tuple[dict[str, Any], list[Custodian]]:
    given = _read(sealed, MAP, "sealed map")
    return given, [Custodian(**one) for one in given["custodians"]]


def _content(given: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    bound = canonical({name: given[name] for name in ("schema", "id", "need", "custodians")})
    try:
        plain = AESGCM(key).decrypt(bytes.fromhex(given["nonce"]), _bytes(given["content"]), bound)
    except InvalidTag:
        raise BrokenPromise(
            "The map does not open with these shares.", advice="Restore it from its backup."
        ) from None
    content: dict[str, Any] = json.loads(zlib.decompress(plain))
    return content


def _own_packet(given: Mapping[str, Any], people: Sequence[Custodian], opener: Opener) -> bytes:
    if opener.custodian not in people:
        raise Forbidden(
            "This key is not one of the map's custodians.", advice=f"Custodians: {_names(people)}."
        )
    bound = canonical({name: given[name] for name in ("schema", "id", "need", "custodians")})
    packet = _bytes(given["packets"][people.index(opener.custodian)])
    return _opened(packet, opener, b"midas map " + bound)


def _opened(sealed: bytes, opener: Opener, info: bytes) -> bytes:
    try:
        return SUITE.decrypt(sealed, opener.private, info=info)
    except InvalidTag:
        raise BrokenPromise(
            "A sealed part does not open with this key.", advice="It was changed, or made for somebody else."
        ) from None


def _public(one: Custodian) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(bytes.fromhex(one.public))


def _logged(given: Mapping[str, Any], *, act: str, who: str, reason: str, at: str) -> tuple[Entry, ...]:
    return appended(_log(given), act=act, who=who, reason=_reasoned(reason), at=at, about=given["id"])


def _reasoned(reason: str) -> str:
    if len(reason.strip()) < SHORTEST_REASON:
        raise BadInput("The reason is too short.", advice="Say for whom, why, and under which approval.")
    return reason.strip()


def _log(given: Mapping[str, Any]) -> tuple[Entry, ...]:
    log = tuple(Entry(**one) for one in given["log"])
    check_log(log)
    return log


def _with_log(given: Mapping[str, Any], log: Sequence[Entry]) -> bytes:
    return canonical({**given, "log": [entry.to_dict() for entry in log]})


def _names(people: Sequence[Custodian]) -> str:
    return ", ".join(one.name for one in people)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _read(data: bytes, schema: str, what: str) -> dict[str, Any]:
    try:
        given = json.loads(data)
    except ValueError:
        given = None
    if not isinstance(given, dict) or given.get("schema") != schema:
        raise BadInput(f"This file is no {what}.", advice=f"Give a file whose schema is {schema}.")
    return given


def fingerprint(custodian: Custodian) -> str:
    """Return 16 hexadecimal digits by which two people compare a public key over the telephone."""
    return sha256_bytes(custodian.to_json())[:16]
