"""Every file of a folder or archive, once, with its kind; what cannot be opened safely comes out as `Trouble`.

In comes a folder or a file; out comes a stream of `Found` and `Trouble`. Archives are unpacked below `scratch`, each
wholly before its members are shown, so that an archive that turns out to be a bomb shows nothing of itself. No link is
followed, nothing is written outside `scratch`, and every entry seen gives either a `Found` or a `Trouble`.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from midas.formats.sniff import Kind, mirax_folder, sniff
from midas.formats.unpack import Limits, Trouble, Unpacked, unpack

DEFAULT = Limits()

__all__ = ["Found", "Limits", "Trouble", "slide_folder", "walk"]


@dataclass(frozen=True)
class Found:
    """A file to look at. `name` is its place in what was handed in (`scans.zip!/a/1.dcm`) and may name a person."""

    path: Path
    name: str
    kind: Kind
    size: int
    companions: tuple[Path, ...] = ()


@dataclass
class _Spent:
    """What the whole walk has unpacked so far, so that many small archives are held to the same totals as one."""

    members: int = 0
    bytes: int = 0


def walk(
    root: Path, *, scratch: Path, limits: Limits = DEFAULT, only: Iterable[str] | None = None
) -> Iterator[Found | Trouble]:
    """Yield every file under `root` (a folder, an archive or a single file), in the order of their names.

    With `only`, yield these files (and folders) of the folder `root` and no others: paths relative to it.
    Unpacked files live below `scratch` until the caller removes it. Raises nothing for bad content.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    spent = _Spent()
    if only is not None:
        for name in sorted(only):
            yield from _named(root / name, _shown(name), scratch, limits, spent, 0)
        return
    if root.is_symlink() or not root.is_dir():
        yield from _entry(root, root.name, scratch, limits, spent, 0)
        return
    yield from _folder(root, "", scratch, limits, spent, 0)


def _folder(
    folder: Path, prefix: str, scratch: Path, limits: Limits, spent: _Spent, depth: int
) -> Iterator[Found | Trouble]:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        yield Trouble(prefix.rstrip("/") or folder.name, "unreadable", "The folder cannot be opened.")
        return
    taken = {f.name for name in names if (f := slide_folder(folder / name)) is not None}
    for name in names:
        path = folder / name
        if name in taken:
            continue
        yield from _named(path, prefix + _shown(name), scratch, limits, spent, depth)


def _named(
    path: Path, shown: str, scratch: Path, limits: Limits, spent: _Spent, depth: int
) -> Iterator[Found | Trouble]:
    if path.is_dir() and not path.is_symlink():
        yield from _folder(path, f"{shown}/", scratch, limits, spent, depth)
    else:
        yield from _entry(path, shown, scratch, limits, spent, depth)


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def slide_folder(path: Path) -> Path | None:
    """Return the data folder that belongs to this file, when the file is the first part of a MIRAX slide."""
    folder = mirax_folder(path)
    if folder is None or path.is_symlink() or not path.is_file():
        return None
    try:
        return folder if sniff(path) is Kind.SLIDE else None
    except OSError:
        return None


def _entry(
    path: Path, name: str, scratch: Path, limits: Limits, spent: _Spent, depth: int
) -> Iterator[Found | Trouble]:
    try:
        about = path.lstat()
        if stat.S_ISLNK(about.st_mode):
            yield Trouble(name, "link", "A link is not followed; put the file itself here.")
            return
        if not stat.S_ISREG(about.st_mode):
            yield Trouble(name, "special", "This is not a regular file.")
            return
        if about.st_size == 0:
            yield Trouble(name, "empty", "The file holds no bytes; export it again.")
            return
        found = Found(path, name, sniff(path), about.st_size)
    except FileNotFoundError:
        yield Trouble(name, "missing", "The file is not there.")
        return
    except OSError:
        yield Trouble(name, "unreadable", "The file cannot be opened.")
        return
    if found.kind is Kind.ARCHIVE:
        yield from _archive(found, scratch, limits, spent, depth)
    elif found.kind is Kind.SLIDE and (folder := mirax_folder(path)) is not None:
        yield _with_companions(found, folder)
    else:
        yield found


def _with_companions(found: Found, folder: Path) -> Found | Trouble:
    files = [f for f in folder.rglob("*") if not f.is_dir() or f.is_symlink()]
    if any(f.is_symlink() or not f.is_file() for f in files):
        return Trouble(
            found.name, "link", "The slide's data folder holds a link; put the files themselves here."
        )
    return replace(found, companions=(folder,), size=found.size + sum(f.stat().st_size for f in files))


def _archive(
    found: Found, scratch: Path, limits: Limits, spent: _Spent, depth: int
) -> Iterator[Found | Trouble]:
    if depth >= limits.max_depth:
        yield Trouble(
            found.name, "nested-too-deep", f"More than {limits.max_depth} archives inside one another."
        )
        return
    room = replace(
        limits,
        max_members=max(0, limits.max_members - spent.members),
        max_total_bytes=max(0, limits.max_total_bytes - spent.bytes),
    )
    into = Path(tempfile.mkdtemp(prefix="unpacked-", dir=scratch))
    outcome = unpack(found.path, name=found.name, into=into, limits=room)
    if isinstance(outcome, Trouble):
        shutil.rmtree(into, ignore_errors=True)
        yield outcome
        return
    yield from _unpacked(found, outcome, into, scratch, limits, spent, depth)


def _unpacked(
    found: Found, outcome: Unpacked, into: Path, scratch: Path, limits: Limits, spent: _Spent, depth: int
) -> Iterator[Found | Trouble]:
    spent.members += outcome.members
    spent.bytes += outcome.bytes
    yield from outcome.troubles
    if not outcome.members and not outcome.troubles:
        yield Trouble(found.name, "empty", "The archive holds no files.")
    yield from _folder(into, f"{found.name}!/", scratch, limits, spent, depth + 1)
