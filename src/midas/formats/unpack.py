"""One archive unpacked into one folder, within limits that are counted on the bytes that really come out.

In comes an archive (zip, tar plain or compressed, gz, bz2, xz); out come files below `into` and a list of what was
left out and why. Links, devices, encrypted members and paths that leave the folder are never written; declared sizes
are not believed; a limit that is passed makes the whole archive a `Trouble`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, cast

CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much may come out of what is handed in; every field says its unit and why."""

    max_depth: int = 4
    """Archives inside one another: hospitals send a zip of zips, nobody means more than four."""
    max_members: int = 1_000_000
    """Files: a year of CT is some hundred thousand instances."""
    max_total_bytes: int = 2 << 40
    """Bytes unpacked in the whole walk: two tebibytes, the disk of a large spoke."""
    max_ratio: float = 200.0
    """Bytes out per byte in, for one archive: text and blank images reach about 100, a bomb 1,000 and more."""
    free_bytes: int = 64 << 20
    """Bytes that may come out before the ratio counts, so that a small file of zeros is no bomb."""


@dataclass(frozen=True)
class Trouble:
    """Something that was there and could not be taken, with why. `name` may name a person; `message` never does."""

    name: str
    reason: str
    message: str


@dataclass
class Unpacked:
    members: int = 0
    bytes: int = 0
    troubles: list[Trouble] = field(default_factory=list)


class _Bomb(Exception):
    """A limit was passed; carries the trouble's reason and message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError, UnicodeDecodeError,
)  # fmt: skip


def unpack(path: Path, *, name: str, into: Path, limits: Limits) -> Unpacked | Trouble:
    """Unpack the archive at `path` below `into`; a `Trouble` where nothing of it may be used."""
    meter = _Meter(path.stat().st_size, limits)
    done = Unpacked()
    try:
        if zipfile.is_zipfile(path):
            _zip(path, name, into, meter, done)
        else:
            _stream(path, name, into, meter, done)
    except _Bomb as bomb:
        return Trouble(name, bomb.reason, bomb.message)
    except _DAMAGED:
        return Trouble(name, "damaged-archive", "The archive is damaged or of a kind that cannot be opened.")
    done.members, done.bytes = meter.members, meter.bytes
    return done


@dataclass
class _Meter:
    packed: int
    limits: Limits
    members: int = 0
    bytes: int = 0
    passed: int = 0

    def member(self) -> None:
        self.members += 1
        if self.members > self.limits.max_members:
            raise _Bomb("too-many-members", "The archive holds more files than may be unpacked.")

    def wrote(self, count: int) -> None:
        self.bytes += count
        self._check(self.bytes)

    def read(self, count: int) -> None:
        """Count what a decompressor gave, also where it is not written (headers, members left out)."""
        self.passed += count
        self._check(self.passed)

    def _check(self, total: int) -> None:
        if total > self.limits.max_total_bytes:
            raise _Bomb("too-large", "Unpacked, the archive is larger than may be unpacked.")
        if total > self.limits.free_bytes and total > self.limits.max_ratio * max(1, self.packed):
            raise _Bomb("bomb", "The archive swells far more than real files do.")


def _place(into: Path, member: str) -> Path | None:
    """Return where a member may be written, or None where its name leads out of the folder or is no name."""
    plain = member.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    if not parts or plain.startswith("/") or ".." in parts or "\0" in plain or ":" in parts[0]:
        return None
    if any(len(part.encode("utf-8", "surrogateescape")) > 240 for part in parts) or len(parts) > 64:
        return None
    return into.joinpath(*parts)


def _pour(source: IO[bytes], target: Path, meter: _Meter) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        while block := source.read(CHUNK):
            meter.wrote(len(block))
            out.write(block)


def _save(source: IO[bytes], shown: str, target: Path, meter: _Meter, done: Unpacked) -> None:
    meter.member()
    try:
        _pour(source, target, meter)
    except FileExistsError:
        done.troubles.append(
            Trouble(shown, "same-name", "The archive holds this name twice; only the first was taken.")
        )
    except NotADirectoryError:
        done.troubles.append(
            Trouble(shown, "same-name", "The archive uses this name for a file and for a folder.")
        )
    except _DAMAGED:
        target.unlink(missing_ok=True)
        done.troubles.append(Trouble(shown, "damaged-member", "This part of the archive is damaged."))


def _zip(path: Path, name: str, into: Path, meter: _Meter, done: Unpacked) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            shown = f"{name}!/{info.filename}"
            if info.is_dir():
                continue
            problem = _zip_problem(info) or (None if _place(into, info.filename) else _ESCAPE)
            if problem:
                meter.member()
                done.troubles.append(Trouble(shown, *problem))
                continue
            target = _place(into, info.filename)
            assert target is not None  # noqa: S101 - just checked
            try:
                source = archive.open(info)
            except _DAMAGED:
                meter.member()
                done.troubles.append(
                    Trouble(shown, "damaged-member", "This part of the archive cannot be opened.")
                )
                continue
            with source:
                _save(source, shown, target, meter, done)


_ESCAPE = ("path-escape", "The name of this part leads out of the archive; it was not written.")
_LINK = ("link", "A link inside an archive is not followed.")
_ENCRYPTED = ("encrypted", "This part is encrypted; unpack it at the hospital and hand in the files.")


def _zip_problem(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return _LINK
    if info.flag_bits & 0x1:
        return _ENCRYPTED
    return None


class _Counted:
    """A decompressor's output, counted as it is read."""

    def __init__(self, stream: IO[bytes], meter: _Meter) -> None:
        self._stream = stream
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size if 0 <= size <= CHUNK else CHUNK)
        self._meter.read(len(block))
        return block


def _opened(path: Path) -> tuple[IO[bytes], bool]:
    with path.open("rb") as stream:
        head = stream.read(6)
    if head[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(path, "rb")), True
    if head[:3] == b"BZh":
        return bz2.open(path, "rb"), True
    if head == b"\xfd7zXZ\0":
        return lzma.open(path, "rb"), True
    return path.open("rb"), False


def _stream(path: Path, name: str, into: Path, meter: _Meter, done: Unpacked) -> None:
    stream, packed = _opened(path)
    with stream:
        head = stream.read(512)
        is_tar = head[257:262] == b"ustar"
        stream.seek(0)
        if is_tar:
            _tar(_Counted(stream, meter), name, into, meter, done)
        elif packed:
            inner = Path(name.rsplit("/", 1)[-1]).stem or "content"
            _save(stream, f"{name}!/{inner}", _place(into, inner) or into / "content", meter, done)
        elif head[:2] == b"PK":
            raise _Bomb("damaged-archive", "The archive is cut short.")
        else:
            raise _Bomb("unsupported-archive", "This kind of archive cannot be opened; use zip or tar.")


def _tar(stream: _Counted, name: str, into: Path, meter: _Meter, done: Unpacked) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
        for member in _members(archive):
            shown = f"{name}!/{member.name}"
            if member.isdir():
                continue
            target = _place(into, member.name)
            problem = _tar_problem(member) or (None if target else _ESCAPE)
            source = None if problem else archive.extractfile(member)
            if problem or source is None or target is None:
                meter.member()
                done.troubles.append(Trouble(shown, *(problem or _LINK)))
                continue
            _save(source, shown, target, meter, done)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := archive.next()) is not None:
        yield member
        archive.members = []  # type: ignore[attr-defined]  # a tar of a million files must not be kept in memory


def _tar_problem(member: tarfile.TarInfo) -> tuple[str, str] | None:
    if member.issym() or member.islnk():
        return _LINK
    if not member.isreg() or member.issparse():
        return ("special", "This part is not a regular file.")
    return None
