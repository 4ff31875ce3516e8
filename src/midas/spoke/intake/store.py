"""The intake store: identified files by digest, whole or absent, readable by their owner alone.

In comes a file wherever it lies; out comes its digest and its place in the store, hashed while it is copied, in one pass.
The original is never changed, moved or linked to.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from midas.kernel import Digest, whole_file
from midas.spoke.home import Home, private_folder

CHUNK = 1 << 20
NAMED = {".mrxs", ".svs", ".ndpi", ".scn", ".vms", ".bif", ".czi"}
"""Slide formats that their reader knows by the ending; all other files are stored without one."""


@dataclass(frozen=True)
class Stored:
    """`place` is relative to the intake folder and names nobody."""

    sha256: Digest
    size: int
    place: str


class StillWritten(OSError):
    """The file changed while it was read: what was read may be half of it."""


def keep(home: Home, path: Path, *, companions: tuple[Path, ...] = ()) -> Stored:
    """Copy a file (and the folder of files that belongs to it) into the store; same bytes, same place.

    `StillWritten` where it changed meanwhile.
    """
    private_folder(home.intake)
    aside = home.intake / f".{secrets.token_hex(8)}"
    hashed, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as source, whole_file(aside, mode=0o600) as copy:
            before = os.fstat(source.fileno())
            while chunk := source.read(CHUNK):
                hashed.update(chunk)
                copy.write(chunk)
                size += len(chunk)
            after = os.fstat(source.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise StillWritten
        digest = Digest(hashed.hexdigest())
        ending = path.suffix.lower() if path.suffix.lower() in NAMED else ""
        target = private_folder(home.intake / digest[:2]) / f"{digest}{ending}"
        for companion in companions:
            _keep_companion(companion, target.with_suffix(""))
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return Stored(digest, size, target.relative_to(home.intake).as_posix())


def _keep_companion(companion: Path, folder: Path) -> None:
    """MRXS keeps its pixels in a folder that bears the name of the file."""
    private_folder(folder)
    for part in sorted(companion.iterdir()) if companion.is_dir() else [companion]:
        if part.is_file() and not part.is_symlink():
            with part.open("rb") as source, whole_file(folder / part.name, mode=0o600) as copy:
                shutil.copyfileobj(source, copy, CHUNK)


def place_of(home: Home, stored: str) -> Path:
    return home.intake / stored


def erase(home: Home, stored: str) -> None:
    """Take a file and what belongs to it out of the store."""
    path = place_of(home, stored)
    path.unlink(missing_ok=True)
    if path.suffix:
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
