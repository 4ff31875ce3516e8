"""What is written as multipart is read back, however it is cut; a range of a whole is that part of it."""

from __future__ import annotations

import email
import io
from contextlib import suppress
from email.policy import HTTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midas.kernel import BadInput
from midas.store import Blobs
from midas.web.dicomweb.bodies import AT_ONCE, Cut, answer
from midas.web.dicomweb.messages import Asked
from midas.web.dicomweb.multipart import Frame, Reader, boundary_of

BODIES = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from([b"", b"\r\n", b"--", b"\r\n--x", b"\r\n\r\n", b"--x--\r\n"])),
    min_size=1, max_size=5,
)  # fmt: skip


def written(bodies: list[bytes], frame: Frame) -> bytes:
    parts = [
        frame.head("application/dicom", first=at == 0, length=len(body)) + body
        for at, body in enumerate(bodies)
    ]
    return b"".join(parts) + frame.end


def read(data: bytes, boundary: str, size: int) -> list[bytes]:
    files: list[io.BytesIO] = []

    def opened() -> io.BytesIO:
        files.append(io.BytesIO())
        return files[-1]

    reader = Reader(boundary, opened)
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
    reader.close()
    return [one.getvalue() for one in files]


@given(bodies=BODIES, size=st.integers(1, 400))
def test_what_is_written_is_read(bodies: list[bytes], size: int) -> None:
    frame = Frame()
    kind = frame.content_type("application/dicom")
    boundary, of = boundary_of(kind)
    assert of == "application/dicom"
    data = written(bodies, frame)
    assert read(data, boundary, size) == bodies
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + data, policy=HTTP)
    assert len(list(message.iter_parts())) == len(bodies)


@given(bodies=BODIES, size=st.integers(1, 400), cut=st.integers(0, 10_000))
def test_a_body_that_ends_early_is_refused(bodies: list[bytes], size: int, cut: int) -> None:
    frame = Frame()
    data = written(bodies, frame)
    with pytest.raises(BadInput):
        read(data[: cut % (len(data) - 4)], frame.boundary, size)


@given(data=st.binary(max_size=600), size=st.integers(1, 100))
def test_any_bytes_are_read_or_refused(data: bytes, size: int) -> None:
    with suppress(BadInput):
        read(data, "x", size)


@given(
    sizes=st.lists(st.integers(0, 50), min_size=1, max_size=4),
    first=st.integers(0, 220),
    last=st.integers(0, 220),
)
def test_a_range_is_that_part_of_the_whole(
    sizes: list[int], first: int, last: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("blobs")
    store, whole, pieces = Blobs.at(folder), b"", []
    for at, size in enumerate(sizes):
        data = bytes(range(at, at + size))
        digest = store.put_chunks([b"before" + data + b"after"])
        pieces += [b"head", Cut(str(digest), 6, size)]
        whole += b"head" + data
    got = answer(_asked({"range": f"bytes={first}-{last}"}), store, pieces, kind="x/y", etag='"e"')
    body = _bytes(got.body)
    if first >= len(whole) and last >= first:
        assert (got.status, got.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    elif last < first:
        assert (got.status, body) == (200, whole)
    else:
        assert (got.status, body) == (206, whole[first : last + 1])
        assert got.headers["content-length"] == str(len(body))


def test_what_is_large_is_streamed_and_the_same(tmp_path: Path) -> None:
    store = Blobs.at(tmp_path)
    data = bytes(range(256)) * (AT_ONCE // 128)
    digest = str(store.put_chunks([data]))
    got = answer(_asked({}), store, [b"a", Cut(digest, 10, len(data) - 10)], kind="x/y", etag='"e"')
    assert not isinstance(got.body, bytes | list | Path)
    assert _bytes(got.body) == b"a" + data[10:]


def _bytes(body: bytes | list[bytes] | Path | object) -> bytes:
    if isinstance(body, Path):
        return body.read_bytes()
    return body if isinstance(body, bytes) else b"".join(body)  # type: ignore[call-overload]


def _asked(headers: dict[str, str]) -> Asked:
    return Asked("GET", None, "", {}, "", headers, None, None)  # type: ignore[arg-type]
