"""From files to a sealed release and back: entries, salts, the tree, the seal and its tombstones."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping

from midas.kernel import sha256_bytes
from midas.manifest import WHOLE, Entry, Tombstone, Tree
from midas.release.models import Release, ReleaseFile, ReleaseSubject, ReleaseTombstone
from midas.release.tables import batches
from midas.store import Blobs
from midas.wire.v1 import Signed


def salts_from(root: bytes, owners: Iterable[str]) -> dict[str, str]:
    """Derive the salt of each owner (the whole included) from a draft's secret."""
    return {
        owner: hmac.digest(root, b"midas-release-salt/1\x00" + owner.encode(), "sha256").hex()
        for owner in (WHOLE, *owners)
    }


def keep(files: Mapping[str, bytes], store: Blobs) -> list[Entry]:
    """Put the files of the whole into the store; return their entries."""
    entries = []
    for path, data in files.items():
        digest = sha256_bytes(data)
        if not store.has(digest):
            store.put_chunks([data], expect=digest)
        entries.append(Entry(path, digest, len(data)))
    return entries


def entries(release: Release) -> Iterator[Entry]:
    """Yield the release's files in path order; nothing of a withdrawn subject."""
    for one in ReleaseFile.objects.filter(release=release).order_by("path").iterator(chunk_size=2000):
        yield entry_of(one)


def entry_of(one: ReleaseFile) -> Entry:
    return Entry(one.path, one.sha256, one.size, one.owner, one.leaf or None)


def seal_of(release: Release) -> tuple[Signed, dict[str, str], tuple[Signed, ...]]:
    """Return the signed seal, the salts of the whole and of the subjects still in, and the signed tombstones."""
    salts = {WHOLE: release.whole_salt}
    salts.update(
        ReleaseSubject.objects.filter(release=release).order_by("pseudonym").values_list("pseudonym", "salt")
    )
    stones = (
        ReleaseTombstone.objects.filter(release=release).order_by("number").values_list("signed", flat=True)
    )
    return Signed.model_validate(release.seal), salts, tuple(Signed.model_validate(stone) for stone in stones)


def tree_of(release: Release) -> Tree:
    """Return the tree as it is now; its key is the release's key, whoever withdrew."""
    _, salts, stones = seal_of(release)
    nodes = tuple(Tombstone.model_validate_json(stone.payload).node for stone in stones)
    return Tree(tuple(entries(release)), salts, nodes)


def record_files(release: Release, files: Iterable[Entry]) -> None:
    rows = (
        ReleaseFile(
            release=release,
            path=one.path,
            sha256=one.sha256,
            size=one.size,
            owner=one.owner,
            leaf=one.leaf or "",
        )
        for one in files
    )
    for batch in batches(rows):
        ReleaseFile.objects.bulk_create(batch)
