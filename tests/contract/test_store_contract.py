"""What every place for blobs promises; run on a folder and, where `weed` is here, on a real S3 server."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.kernel import BadInput, BrokenPromise, NotFound
from midas.store import Blobs

ABSENT = "0" * 64


class BlobsContract:
    @pytest.fixture
    def blobs(self) -> Blobs:
        raise NotImplementedError

    def test_what_goes_in_comes_out(self, blobs: Blobs, tmp_path: Path) -> None:
        data = os.urandom(3 * (1 << 20) + 17)
        (tmp_path / "in").write_bytes(data)
        digest = blobs.put_file(tmp_path / "in")
        assert digest == hashlib.sha256(data).hexdigest()
        assert blobs.has(digest)
        assert blobs.size(digest) == len(data)
        assert b"".join(blobs.read(digest)) == data

    def test_ranges(self, blobs: Blobs) -> None:
        data = os.urandom(5000)
        digest = blobs.put_chunks([data[:100], data[100:]])
        for start, end in ((0, 1), (0, 5000), (4999, None), (100, 200), (10, 99999), (5000, None), (70, 70)):
            assert b"".join(blobs.read(digest, start, end)) == data[start:end]

    def test_an_empty_blob(self, blobs: Blobs) -> None:
        digest = blobs.put_chunks([])
        assert blobs.size(digest) == 0
        assert b"".join(blobs.read(digest)) == b""

    def test_wrong_bytes_are_never_visible(self, blobs: Blobs) -> None:
        expect = hashlib.sha256(b"right" + os.urandom(8)).hexdigest()
        before = set(blobs.digests())
        with pytest.raises(BrokenPromise):
            blobs.put_chunks([b"wrong"], expect=expect)
        assert not blobs.has(expect)
        assert set(blobs.digests()) == before

    def test_a_sender_that_breaks_off_leaves_nothing(self, blobs: Blobs) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half of it"
            raise ConnectionError

        before = set(blobs.digests())
        with pytest.raises(ConnectionError):
            blobs.put_chunks(broken())
        assert set(blobs.digests()) == before

    def test_storing_twice_is_storing_once(self, blobs: Blobs) -> None:
        data = os.urandom(64)
        assert blobs.put_chunks([data]) == blobs.put_chunks([data])
        assert list(blobs.digests()).count(hashlib.sha256(data).hexdigest()) == 1  # type: ignore[arg-type]

    def test_missing_names_what_is_not_here_in_order(self, blobs: Blobs) -> None:
        here = blobs.put_chunks([os.urandom(8)])
        assert blobs.missing(["f" * 64, here, ABSENT]) == ["f" * 64, ABSENT]

    def test_an_absent_blob(self, blobs: Blobs) -> None:
        assert not blobs.has(ABSENT)
        assert blobs.local_path(ABSENT) is None
        with pytest.raises(NotFound):
            blobs.size(ABSENT)
        with pytest.raises(NotFound):
            list(blobs.read(ABSENT))
        blobs.delete(ABSENT)

    def test_delete_erases(self, blobs: Blobs) -> None:
        digest = blobs.put_chunks([os.urandom(8)])
        blobs.delete(digest)
        assert not blobs.has(digest)

    def test_a_name_that_is_no_digest_never_reaches_the_place(self, blobs: Blobs) -> None:
        for name in ("../../etc/passwd", "A" * 64, "", "ab" * 31 + "/x", "a" * 64 + "\n"):
            with pytest.raises(BadInput):
                blobs.has(name)

    def test_it_travels_to_a_worker_process(self, blobs: Blobs) -> None:
        digest = blobs.put_chunks([b"travels" + os.urandom(4)])
        assert pickle.loads(pickle.dumps(blobs)).has(digest)


class TestFolder(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return Blobs.at(tmp_path / "blobs")

    def test_a_blob_is_its_own_file_and_cannot_be_written(self, blobs: Blobs) -> None:
        path = blobs.local_path(blobs.put_chunks([b"x"]))
        assert path is not None
        assert path.read_bytes() == b"x"
        assert path.stat().st_mode & 0o222 == 0

    def test_damage_on_the_disk_is_noticed_before_the_last_byte_goes_out(self, blobs: Blobs) -> None:
        digest = blobs.put_chunks([os.urandom((1 << 20) * 2)])
        path = blobs.local_path(digest)
        assert path is not None
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[7] ^= 1
        path.write_bytes(data)
        got = 0
        with pytest.raises(BrokenPromise):
            for chunk in blobs.read(digest):
                got += len(chunk)
        assert got < len(data)

    def test_nothing_is_left_aside(self, blobs: Blobs, tmp_path: Path) -> None:
        blobs.put_chunks([b"a"])
        with pytest.raises(BrokenPromise):
            blobs.put_chunks([b"b"], expect=ABSENT)
        assert list((tmp_path / "blobs" / "aside").iterdir()) == []

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(data=st.binary(max_size=400), start=st.integers(0, 450), length=st.integers(0, 450))
    def test_a_range_is_a_slice(self, blobs: Blobs, data: bytes, start: int, length: int) -> None:
        digest = blobs.put_chunks([data])
        assert b"".join(blobs.read(digest, start, start + length)) == data[start : start + length]


def _free_ports(names: list[str]) -> dict[str, int]:
    """Return a port for each name; all are held open while they are chosen, so that none is given twice."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in names]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {name: int(probe.getsockname()[1]) for name, probe in zip(names, probes, strict=True)}


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("weed")
    (home / "d").mkdir()
    credentials = [{"accessKey": "AKMIDAS", "secretKey": "SKMIDAS12345678"}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = {"identities": [{"name": "midas", "credentials": credentials, "actions": actions}]}
    (home / "s3.json").write_text(json.dumps(config))
    parts = ("master", "volume", "filer", "s3")
    ports = _free_ports([f"{part}.port{kind}" for part in parts for kind in ("", ".grpc")])
    options = [f"-{name}={port}" for name, port in ports.items()]
    process = subprocess.Popen(
        [shutil.which("weed") or "weed", "server", f"-dir={home / 'd'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
         "-filer", "-s3", f"-s3.config={home / 's3.json'}", "-volume.max=20",
         "-master.volumeSizeLimitMB=64", *options],
        stdout=subprocess.DEVNULL, stderr=(home / "log").open("wb"), start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{ports['s3.port']}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(120):
        assert process.poll() is None, "weed ended"
        try:
            httpx.get(address, timeout=2)
        except httpx.TransportError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("the S3 server did not come up in a minute")


@pytest.mark.system("weed")
@pytest.mark.xdist_group("weed")
class TestBucket(BlobsContract):
    @pytest.fixture
    def blobs(self, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Blobs:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKMIDAS",
            "AWS_SECRET_ACCESS_KEY": "SKMIDAS12345678",
            "AWS_ENDPOINT_URL": s3_server,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        _make_bucket(s3_server, "midas-blobs")
        return Blobs.at("s3://midas-blobs/hub")


def _make_bucket(address: str, name: str) -> None:
    """Sign `PUT /bucket` with SigV4 by hand: obstore makes no buckets."""
    import hmac

    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    day, host = stamp[:8], address.removeprefix("http://")
    empty = hashlib.sha256(b"").hexdigest()
    signed = "host;x-amz-content-sha256;x-amz-date"
    request = (
        f"PUT\n/{name}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n{signed}\n{empty}"
    )
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4SKMIDAS12345678"
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKMIDAS/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    headers = {"Authorization": authorization, "x-amz-date": stamp, "x-amz-content-sha256": empty}
    answer = httpx.put(f"{address}/{name}", headers=headers, timeout=20)
    assert answer.status_code in {200, 409}, answer.text
