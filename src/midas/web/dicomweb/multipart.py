"""multipart/related as DICOM web services write and read it (RFC 2387, RFC 2046 5.1.1; PS3.18 8.6.1.2).

Parts are written as heads and tails around bodies that stay where they are. A body that comes in is read as it arrives:
each part goes to a file of its own and memory holds no more than what came last.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from midas.kernel import BadInput
from midas.web.dicomweb.media import MULTIPART, parameters

LONGEST_HEAD = 8192
"""Bytes of the headers of one part."""


@dataclass(frozen=True)
class Frame:
    """The boundary of one answer. `etag` makes it the same for the same answer, so that ranges of it fit together."""

    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    def content_type(self, part_type: str) -> str:
        kind, _, more = part_type.partition(";")
        tail = f";{more}" if more else ""
        return f'{MULTIPART}; type="{kind.strip()}"; boundary={self.boundary}{tail}'

    def head(self, content_type: str, *, first: bool, length: int | None = None, location: str = "") -> bytes:
        """Return what stands before a part's body."""
        lines = [f"Content-Type: {content_type}"]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if location:
            lines.append(f"Content-Location: {location}")
        start = "" if first else "\r\n"
        return "\r\n".join([f"{start}--{self.boundary}", *lines, "", ""]).encode("latin-1")

    @property
    def end(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()


def boundary_of(content_type: str) -> tuple[str, str]:
    """Return the boundary and the type of the parts of a multipart/related request.

    `BadInput` where it is another type or has no boundary.
    """
    kind, more = parameters(content_type)
    boundary = more.get("boundary", "")
    if kind != MULTIPART or not 0 < len(boundary.encode()) <= 70:
        raise BadInput("The body is not multipart/related with a boundary.", advice="See RFC 2387.")
    return boundary, more.get("type", "").lower()


@dataclass
class Part:
    """A part that has come: its headers in lower case, and the file that holds its body."""

    headers: dict[str, str]
    body: BinaryIO
    size: int = 0


class Reader:
    """Takes a body piece by piece (`feed`) and gives a file for each part (`opened`); `parts` are those that came.

    `BadInput` where the body is no multipart, ends early, or a part's head is too long.
    """

    def __init__(self, boundary: str, opened: Callable[[], BinaryIO]) -> None:
        self.parts: list[Part] = []
        self.done = False
        self._mark = b"\r\n--" + boundary.encode("latin-1")
        self._opened = opened
        self._held = b"\r\n"
        self._step: Callable[[], bool] = self._before

    def feed(self, data: bytes) -> None:
        if self.done:
            return
        self._held += data
        while self._step():
            pass

    def close(self) -> None:
        """Say that nothing more comes."""
        if not self.done:
            raise BadInput("The body ends before its last boundary.", advice="Send it again.")

    def _before(self) -> bool:
        """Skip what stands before the first boundary."""
        at = self._held.find(self._mark)
        if at < 0:
            self._held = self._held[-len(self._mark) :]
            return False
        self._held = self._held[at + len(self._mark) :]
        self._step = self._after_mark
        return True

    def _after_mark(self) -> bool:
        if len(self._held) < 2:
            return False
        if self._held.startswith(b"--"):
            self.done = True
            return False
        end = self._held.find(b"\r\n")
        if end < 0:
            self._bounded()
            return False
        if self._held[:end].strip(b" \t"):
            raise BadInput("A boundary is followed by other text.", advice="See RFC 2046 5.1.1.")
        self._held = self._held[end:]
        self._step = self._head
        return True

    def _head(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            self._bounded()
            return False
        self.parts.append(Part(dict(_headers(self._held[2:end])), self._opened()))
        self._held = self._held[end + 4 :]
        self._step = self._body
        return True

    def _bounded(self) -> None:
        if len(self._held) > LONGEST_HEAD:
            raise BadInput("The head of a part is too long.", advice=f"At most {LONGEST_HEAD} bytes.")

    def _body(self) -> bool:
        at = self._held.find(self._mark)
        sure = at if at >= 0 else max(0, len(self._held) - len(self._mark) + 1)
        part = self.parts[-1]
        part.body.write(self._held[:sure])
        part.size += sure
        if at < 0:
            self._held = self._held[sure:]
            return False
        self._held = self._held[at + len(self._mark) :]
        self._step = self._after_mark
        return True


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if line and not colon:
            raise BadInput("The head of a part cannot be read.", advice="See RFC 2046 5.1.")
        if line:
            yield name.strip().lower(), value.strip()
