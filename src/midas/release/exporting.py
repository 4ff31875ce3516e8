"""A release as a folder that verifies offline. Files are whole or absent, never links into the store unless asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from midas.kernel import BrokenPromise, Conflict, NoProgress, Progress, sha256_file, whole_file
from midas.manifest import Entry, Tree, read_seal, write_seal
from midas.manifest.folder import SEAL, TOMBSTONES
from midas.release.models import Release
from midas.release.sealing import seal_of, tree_of
from midas.store import Blobs


def export(
    release: Release, *, store: Blobs, folder: Path, progress: Progress | None = None, link: bool = False
) -> Path:
    """Write the release into `folder`, with its seal; run again, it finishes what was begun or applies a withdrawal.

    With `link`, files of a local store are hard links: quick and without second copy, but whoever writes into such a file
    writes into the store. Raise `Conflict` where the folder holds something else, `NotFound` where a blob is missing.
    """
    seal, _, stones = seal_of(release)
    tree = tree_of(release)
    _make_room(folder, tree, release.key)
    for stone in (folder / TOMBSTONES).glob("*.json"):
        stone.unlink()
    write_seal(folder, tree=tree, seal=seal, tombstones=stones)
    shown = (progress or NoProgress()).track(tree.entries, label="Export", total=len(tree.entries))
    for entry in shown:
        target = inside(folder, entry.path)
        if not (
            target.is_file() and target.stat().st_size == entry.size and sha256_file(target) == entry.sha256
        ):
            _write(entry, target, store=store, link=link)
    return folder


def inside(folder: Path, path: str) -> Path:
    """Return where a file of a release stands; `BrokenPromise` for a path that would leave the folder."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise BrokenPromise(
            "A path of this release leads out of its folder.", advice="Do not use this release."
        )
    return folder / pure


def _make_room(folder: Path, tree: Tree, key: str) -> None:
    """Take an empty folder, or an earlier export of the same release without the files that are gone since."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        return
    if not (folder / SEAL).is_file():
        raise Conflict(f"{folder} is not empty.", advice="Give an empty folder.")
    before, about, _ = read_seal(folder)
    if about["key"] != key:
        raise Conflict(f"{folder} holds another release.", advice="Give an empty folder.")
    for path in {entry.path for entry in before.entries} - {entry.path for entry in tree.entries}:
        gone = inside(folder, path)
        gone.unlink(missing_ok=True)
        while gone.parent != folder and gone.parent.is_dir() and not any(gone.parent.iterdir()):
            gone = gone.parent
            gone.rmdir()


def _write(entry: Entry, target: Path, *, store: Blobs, link: bool) -> None:
    source = store.local_path(entry.sha256)
    if link and source is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(source, target)
        return
    with whole_file(target) as stream:
        if source is not None:
            with source.open("rb") as blob:
                shutil.copyfileobj(blob, stream, 1 << 20)
        else:
            for chunk in store.read(entry.sha256):
                stream.write(chunk)
