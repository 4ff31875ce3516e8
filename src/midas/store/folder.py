"""Blobs as files: written aside, flushed to the disk, then linked into place; a name that is taken stays as it is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

CHUNK = 1 << 20
ASIDE = "aside"


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ASIDE).mkdir(parents=True, exist_ok=True)

    def put(self, chunks: Iterable[bytes], *, key_when_known: Callable[[], str]) -> None:
        aside = self.root / ASIDE / f"{secrets.token_hex(12)}.part"
        try:
            with aside.open("xb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                target = self.root / key_when_known()
                if target.exists():
                    with suppress(FileNotFoundError):
                        os.utime(target)
                        return
                stream.flush()
                os.fsync(stream.fileno())
            aside.chmod(0o440)
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.link(aside, target)
            _flush(target.parent)
        finally:
            aside.unlink(missing_ok=True)

    def size(self, key: str) -> int | None:
        try:
            return (self.root / key).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        with (self.root / key).open("rb") as stream:
            stream.seek(start)
            left = end - start
            while left > 0 and (chunk := stream.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def path(self, key: str) -> Path | None:
        path = self.root / key
        return path if path.is_file() else None

    def delete(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)

    def dated(self) -> Iterator[tuple[str, datetime]]:
        for path in self.root.glob("??/??/*"):
            if (moment := _changed(path)) is not None:
                yield path.relative_to(self.root).as_posix(), moment

    def sweep(self, before: datetime) -> None:
        for path in (self.root / ASIDE).glob("*.part"):
            if (moment := _changed(path)) is not None and moment < before:
                path.unlink(missing_ok=True)


def _changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _flush(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
