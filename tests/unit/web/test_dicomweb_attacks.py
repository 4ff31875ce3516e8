"""What a hostile client, reader or spoke tries over DICOMweb, and what stops it."""

from __future__ import annotations

import io
import logging
import time
import zlib
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from tests.scopes import ask, fill, reader, study

from midas.catalogue.lens.matching import Match
from midas.formats.dicom import measured
from midas.kernel import BadInput
from midas.web import standing
from midas.web.dicomweb import app
from midas.web.telling import Discreet, where_of

ANNA = "P-7K3QM-2XV9A"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Any:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SESSION_COOKIE_NAME = "midas_session"
    settings.SECURE_PROXY_SSL_HEADER = None
    standing.forget()
    yield
    standing.forget()


def bomb(path: Path, size: int) -> Path:
    """Write a deflated object of a few kilobytes that inflates to `size` bytes of zeros."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "2.25.1"
    ds = Dataset()
    ds.file_meta, ds.SOPClassUID, ds.SOPInstanceUID = meta, meta.MediaStorageSOPClassUID, "2.25.1"
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    held = io.BytesIO()
    ds.save_as(held, enforce_file_format=True)
    head = held.getvalue()
    start = 144 + int.from_bytes(head[140:144], "little")
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    with path.open("wb") as stream:
        stream.write(head[:start])
        stream.write(packer.compress(zlib.decompress(head[start:], wbits=-zlib.MAX_WBITS)))
        stream.write(packer.compress(b"\xe0\x7f\x10\x00OB\x00\x00" + size.to_bytes(4, "little")))
        for _ in range(size >> 20):
            stream.write(packer.compress(bytes(1 << 20)))
        stream.write(packer.flush())
    return path


def test_a_decompression_bomb_is_measured_and_never_held(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.dcm", 24 << 20)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(BadInput, match="16 MiB"):
        measured(path, most=16 << 20)
    small = bomb(tmp_path / "small.dcm", 3 << 20)
    assert (3 << 20) < measured(small) < (4 << 20)
    assert pydicom.dcmread(small).SOPInstanceUID == "2.25.1"


def test_a_spokes_bomb_is_a_finding(tmp_path: Path) -> None:
    from midas.catalogue.examine import Job, examine
    from midas.store import Blobs
    from midas.wire.v1 import ItemLine

    store = Blobs.at(str(tmp_path / "blobs"))
    path = bomb(tmp_path / "bomb.dcm", 257 << 20)
    digest = store.put_file(path)
    line = ItemLine.model_construct(
        path="a.dcm", sha256=str(digest), size=path.stat().st_size, subject=ANNA, study_uid="2.25.1"
    )
    [found] = examine(Job(store, line, tmp_path)).findings
    assert (found.rule, "256 MiB" in found.message) == ("submission.damaged", True)


@pytest.mark.parametrize("text", ["a" * 64, "the area of the left lateral edge " * 40])
def test_a_wildcard_never_takes_long(text: str) -> None:
    began = time.monotonic()
    wild = Match(("0008103E",), "LO", ("*" + "*".join("ae" * 15) + "*#",))
    assert not wild.fits({"0008103E": {"vr": "LO", "Value": [text]}})
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("asked", "text", "fits"),
    [
        ("*", "x", True), ("a*", "abc", True), ("*c", "abc", True), ("a*c", "abc", True), ("a*c", "ac", True),
        ("a**c", "ac", True), ("*b*", "abc", True), ("?b?", "abc", True), ("a?", "abc", False), ("*ab", "aab", True),
        ("a*ab", "ab", False), ("*a*b*", "ba", False), ("*.*", "abc", False), ("a*b*b", "abb", True), ("b*", "ab", False),
    ],
)  # fmt: skip
def test_a_wildcard_is_what_the_standard_says(asked: str, text: str, fits: bool) -> None:
    assert Match(("00080060",), "LO", (asked,)).fits({"00080060": {"Value": [text]}}) is fits


@pytest.mark.django_db
def test_a_quality_that_is_no_number_is_refused_and_nothing_fails() -> None:
    fill("oral-cancer", study(ANNA, 1, slices=1))
    token = reader(("curator", "oral-cancer"))[1]
    for quality in ("0100999", "9" * 6000, "٣", "-1", "1e3"):
        where = f"drafts/oral-cancer/studies/2.25.70001/rendered?quality={quality}"
        assert ask(where, token=token).status in {400, 200}, quality[:9]
        assert quality == "٣" or ask(where, token=token).status == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "drafts/../../etc/passwd", "drafts/oral-cancer/studies/../../../etc/passwd", "drafts/oral-cancer/studies/%2e%2e",
        "drafts/oral-cancer/studies/1.2/series/1.3/instances/1.4/bulkdata/../../../..", "drafts//studies",
        "drafts/oral-cancer/studies/1.2\r\nSet-Cookie: a=b", "tasks/-1/studies", "tasks/9999999999999999999999/studies",
        "releases/oral-cancer@../studies", "drafts/oral-cancer/studies/" + "1" * 65, "releases/oral-cancer@1.0.0%00/studies",
    ],
)  # fmt: skip
def test_a_path_leads_nowhere_else(path: str) -> None:
    token = reader(("curator", "oral-cancer"))[1]
    assert ask(path, token=token).status in {400, 403, 404}


def test_the_log_has_the_place_of_a_failure_and_not_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise ValueError("Sharma^Anna 1956")

    monkeypatch.setattr(logging.getLogger("midas"), "propagate", True)
    answer = app._guarded(fails)
    assert answer.status == 500
    assert "Sharma" not in caplog.text
    assert "test_dicomweb_attacks.py" in caplog.text
    assert "ValueError" in caplog.text
    with pytest.raises(ValueError, match="Sharma") as raised:
        fails()
    error = raised.value
    record = logging.LogRecord(
        "x", logging.ERROR, "", 1, "failed", (), (type(error), error, error.__traceback__)
    )
    assert "Sharma" not in Discreet().format(record)
    assert "ValueError at" in where_of(error)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 403), ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403),
        ({"origin": "http://testserver.evil.example"}, 403), ({"origin": "http://testserver"}, 415),
    ],
)  # fmt: skip
def test_a_cookie_stores_only_from_this_hubs_own_pages(more: dict[str, str], status: int) -> None:
    """415 says that the sender was let in, and only then that this is no object."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    fill("oral-cancer", study(ANNA, 1, slices=1))
    account, _ = reader(("curator", "oral-cancer"))
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(account.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    headers = {"cookie": f"midas_session={session.session_key}", "content-type": "text/plain", **more}
    answer = ask("drafts/oral-cancer/studies", method="POST", headers=headers)
    assert answer.status == status
