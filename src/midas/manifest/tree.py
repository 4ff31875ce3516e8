"""The salted Merkle tree over a set of files, shaped as RFC 6962 §2.1, with one subtree per subject.

    leaf     SHA-256(0x00 ‖ HMAC-SHA-256(owner's salt, path) ‖ canonical {path, sha256, size})
    node     SHA-256(0x01 ‖ left ‖ right)
    owner    SHA-256(0x02 ‖ owner's salt ‖ owner ‖ 0x00 ‖ root of the owner's leaves in path order)
    key      SHA-256(0x03 ‖ root of the owner nodes in their own order)

Once an owner's salt is erased its node says nothing about what it covered, so the node may stay in a tombstone
while the files, rows and salt of a withdrawn subject are gone and the key of everything else still stands.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict

from midas.kernel import BrokenPromise, Conflict, Digest, canonical

WHOLE = ""
"""The owner of files that belong to no single subject."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `leaf` is set only where a withdrawal rewrote the file: the hash that the key was made from."""

    path: str
    sha256: str
    size: int
    owner: str = WHOLE
    leaf: str | None = None


class Replaced(BaseModel):
    """A file of the whole (a table, say) that was rewritten without the withdrawn subject's rows."""

    model_config = ConfigDict(frozen=True)
    path: str
    leaf: str
    sha256: str
    size: int


class Tombstone(BaseModel):
    """What is left of a withdrawn subject: its opaque node, and the files rewritten for its sake. Signed."""

    model_config = ConfigDict(frozen=True)
    schema_: str = "midas-tombstone/1"
    key: str
    number: int
    node: str
    withdrawn_on: str
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """All entries, the salt of each owner (64 hex digits), and the nodes of owners that are withdrawn."""

    entries: tuple[Entry, ...]
    salts: Mapping[str, str]
    withdrawn: tuple[str, ...] = field(default=())


def new_salt() -> str:
    """Return 32 random bytes in hex: the salt of one subject's files, erased when the subject withdraws."""
    return secrets.token_hex(32)


def _leaf(entry: Entry, salt: bytes) -> bytes:
    blind = hmac.digest(salt, entry.path.encode(), "sha256")
    body = canonical({"path": entry.path, "sha256": entry.sha256, "size": entry.size})
    return hashlib.sha256(b"\x00" + blind + body).digest()


def _root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962's tree head, built level by level: the odd last hash of a level moves up unchanged."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    level = list(hashes)
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def _salt(tree: Tree, owner: str) -> bytes:
    try:
        return bytes.fromhex(tree.salts[owner])
    except KeyError:
        raise BrokenPromise(
            f"There is no salt for {owner or 'the whole'}.", advice="Fetch seal/salts.json again."
        ) from None


def _by_owner(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    owners: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        owners[entry.owner].append(entry)
    for owned in owners.values():
        owned.sort(key=lambda entry: entry.path)
    return owners


def _owner_node(owner: str, owned: list[Entry], salt: bytes) -> bytes:
    leaves = [bytes.fromhex(entry.leaf) if entry.leaf else _leaf(entry, salt) for entry in owned]
    return hashlib.sha256(b"\x02" + salt + owner.encode() + b"\x00" + _root(leaves)).digest()


def key_of(tree: Tree) -> Digest:
    """Return the key. The order in which entries come does not matter; two entries with one path are refused."""
    paths = {entry.path for entry in tree.entries}
    if len(paths) != len(tree.entries):
        raise Conflict("Two files have the same path.", advice="Name each file of a release once.")
    nodes = [
        _owner_node(owner, owned, _salt(tree, owner)) for owner, owned in _by_owner(tree.entries).items()
    ]
    nodes += [bytes.fromhex(node) for node in tree.withdrawn]
    return Digest(hashlib.sha256(b"\x03" + _root(sorted(nodes))).hexdigest())


def withdraw(
    tree: Tree, *, owner: str, rewritten: Iterable[Entry], withdrawn_on: str
) -> tuple[Tree, Tombstone]:
    """Take one subject out: without its entries and salt, with `rewritten` files of the whole in their new form.

    The key stays what it was. Raise `Conflict` where the subject is not in the tree.
    """
    key = key_of(tree)
    owned = _by_owner(tree.entries).get(owner)
    if not owned or owner == WHOLE:
        raise Conflict(
            f"{owner or 'The whole'} is not a subject of this tree.", advice="Check the pseudonym."
        )
    node = _owner_node(owner, owned, _salt(tree, owner)).hex()
    new = {entry.path: entry for entry in rewritten}
    entries: list[Entry] = []
    replaced: list[Replaced] = []
    for entry in tree.entries:
        if entry.owner == owner:
            continue
        if (fresh := new.pop(entry.path, None)) is not None and fresh.sha256 != entry.sha256:
            leaf = entry.leaf or _leaf(entry, _salt(tree, entry.owner)).hex()
            entry = replace(entry, sha256=fresh.sha256, size=fresh.size, leaf=leaf)
            replaced.append(Replaced(path=entry.path, leaf=leaf, sha256=fresh.sha256, size=fresh.size))
        entries.append(entry)
    if new:
        raise Conflict(
            f"{min(new)} is not a file of this tree.", advice="Rewrite only files that were sealed."
        )
    after = Tree(
        entries=tuple(entries),
        salts={name: salt for name, salt in tree.salts.items() if name != owner},
        withdrawn=(*tree.withdrawn, node),
    )
    stone = Tombstone(
        key=key, number=len(after.withdrawn), node=node, withdrawn_on=withdrawn_on, replaced=tuple(replaced)
    )
    return after, stone
