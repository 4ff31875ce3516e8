"""DICOMweb of a served hub as its clients use it: dicomweb-client, dcmtk, pydicom, plain HTTP (PS3.18 §8, §10.4)."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from PIL import Image
from tests.dicomweb_hub import FILES, RELEASE, SLIDE, Served, served, uids, write_files

from midas.formats.dicom import quiet
from midas.formats.dicom.syntaxes import EXPLICIT, HTJ2K, JPEG_2000, JPEG_LS, RLE

DICOM = "application/dicom"
PARTS = 'multipart/related; type="application/dicom"'
OCTETS = "application/octet-stream"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def hub(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("hub"), next(iter(files.values())).parent) as one:
        yield one


@pytest.fixture(scope="module")
def http(hub: Served) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


def place(hub: Served, name: str) -> str:
    study, series, instance = uids(FILES.index(name))
    return f"{hub.root()}/studies/{study}/series/{series}/instances/{instance}"


def parts(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """Content type and body of each part."""
    boundary = re.search(r"boundary=(\w+)", answer.headers["content-type"])
    assert boundary is not None
    mark = f"\r\n--{boundary.group(1)}".encode()
    first, *found, last = (b"\r\n" + answer.content).split(mark)
    assert (first, last) == (b"", b"--\r\n")
    heads = [one.partition(b"\r\n\r\n") for one in found]
    return [
        (re.findall(rb"Content-Type: (.*?)\r", head + b"\r")[0].decode(), body) for head, _, body in heads
    ]


def read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


# -- objects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_what_is_stored_comes_untouched(
    hub: Served, http: httpx.Client, files: dict[str, Path], name: str
) -> None:
    stored = files[name].read_bytes()
    syntax = str(read(stored).file_meta.TransferSyntaxUID)
    answer = http.get(place(hub, name), headers={"Accept": f"{PARTS}; transfer-syntax=*"})
    ((kind, body),) = parts(answer)
    assert answer.status_code == 200
    if syntax in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2"}:
        assert kind == f"{DICOM}; transfer-syntax={EXPLICIT}"
    else:
        assert (kind, body) == (f"{DICOM}; transfer-syntax={syntax}", stored)
        assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("to", ["", EXPLICIT, RLE, JPEG_LS, JPEG_2000, HTJ2K])
def test_transcoded_pixels_are_the_same(
    hub: Served, http: httpx.Client, files: dict[str, Path], name: str, to: str
) -> None:
    accept = f"{DICOM}; transfer-syntax={to}" if to else DICOM
    answer = http.get(place(hub, name), headers={"Accept": accept})
    if answer.status_code == 406:
        assert answer.headers["content-type"] == "application/problem+json"
        assert to not in {"", EXPLICIT}
        assert name in {"liver_1frame.dcm", "rtdose.dcm", "SC_rgb_small_odd.dcm"}
        return
    assert answer.status_code == 200
    before, after = pydicom.dcmread(files[name]), read(answer.content)
    assert answer.headers["content-type"] == f"{DICOM}; transfer-syntax={after.file_meta.TransferSyntaxUID}"
    assert before.SOPInstanceUID == after.SOPInstanceUID
    if "PixelData" in before:
        assert not to or after.file_meta.TransferSyntaxUID == to
        with quiet():
            assert np.array_equal(before.pixel_array, after.pixel_array)


def test_a_series_and_a_study_come_in_parts_of_known_length(hub: Served, http: httpx.Client) -> None:
    for path in ("studies/2.25.5001", "studies/2.25.5001/series/2.25.5002"):
        answer = http.get(f"{hub.root()}/{path}")
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert [read(body).InstanceNumber for _, body in parts(answer)] == [1, 2, 3, 4, 5]
    remade = http.get(
        f"{hub.root()}/studies/2.25.5001", headers={"Accept": f"{PARTS}; transfer-syntax={JPEG_LS}"}
    )
    assert {kind for kind, _ in parts(remade)} == {f"{DICOM}; transfer-syntax={JPEG_LS}"}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 406), (f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50", 406), ("*/*", 200),
        (f"{PARTS}; transfer-syntax=1.2.840.10008.1.2.4.50, {DICOM};q=0.1", 200), (f"{DICOM};q=7", 400),
        ("application/dicom+json", 406),
    ],
)  # fmt: skip
def test_what_is_acceptable(hub: Served, http: httpx.Client, accept: str, status: int) -> None:
    url = place(hub, "CT_small.dcm")
    assert http.get(url, headers={"Accept": accept}).status_code == status
    assert http.get(url, params={"accept": accept}, headers={"Accept": "*/*"}).status_code == status


def test_ranges_tags_and_heads(hub: Served, http: httpx.Client, files: dict[str, Path]) -> None:
    stored = files["CT_small.dcm"].read_bytes()
    for url, whole in (
        (place(hub, "CT_small.dcm"), stored),
        (f"{place(hub, 'CT_small.dcm')}/frames/1", read(stored).PixelData),
        (f"{place(hub, 'CT_small.dcm')}/bulkdata/7FE00010", read(stored).PixelData),
    ):
        accept = {"Accept": f"{DICOM}, {OCTETS}"}
        first = http.get(url, headers=accept)
        tag = first.headers["etag"]
        assert (first.content, first.headers["accept-ranges"]) == (whole, "bytes")
        part = http.get(url, headers={**accept, "Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, whole[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
        assert http.get(url, headers={**accept, "Range": "bytes=-10"}).content == whole[-10:]
        assert http.get(url, headers={**accept, "Range": f"bytes={len(whole)}-"}).status_code == 416
        assert http.get(url, headers={**accept, "Range": "bytes=0-9", "If-Range": '"old"'}).content == whole
        same = http.get(url, headers={**accept, "If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        head = http.head(url, headers=accept)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole)))
    other = http.get(place(hub, "CT_small.dcm"), headers={"Accept": f"{DICOM}; transfer-syntax={RLE}"})
    assert other.headers["etag"] != tag


def test_what_is_not_there(hub: Served, http: httpx.Client) -> None:
    for path, status in (
        ("/studies/2.25.1", 404), ("/studies/2.25.5001/series/2.25.1", 404), ("/studies/2.25.5001/rendered/x", 404),
    ):  # fmt: skip
        assert http.get(hub.root() + path).status_code == status
    assert http.get(f"{place(hub, 'rtplan.dcm')}/frames/1").status_code == 404
    assert http.get(f"{place(hub, 'rtplan.dcm')}/rendered").status_code == 404
    assert http.get(f"{place(hub, 'CT_small.dcm')}/frames/2").status_code == 404
    assert http.get(f"{place(hub, 'CT_small.dcm')}/frames/0").status_code == 400
    assert http.get(f"{place(hub, 'CT_small.dcm')}/bulkdata/00100010").status_code == 404
    assert http.delete(place(hub, "CT_small.dcm")).status_code in {403, 405}


def test_who_may_look(hub: Served) -> None:
    for kind, token, status in (
        ("drafts", "", 401), ("drafts", hub.researcher, 403), ("releases", "", 401), ("releases", hub.researcher, 200),
        ("twins", "", 200),
    ):  # fmt: skip
        with hub.client(token) as client:
            for path in ("", "/rendered", "/thumbnail", "/metadata"):
                assert client.get(f"{hub.root(kind)}/studies/2.25.5001{path}").status_code == status


# -- frames and bulk data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [one for one in FILES if one not in {"rtplan.dcm", "waveform_ecg.dcm", "reportsi.dcm"}]
)
def test_frames_are_the_pixels(hub: Served, http: httpx.Client, files: dict[str, Path], name: str) -> None:
    with quiet():
        ds = pydicom.dcmread(files[name])
        pixels = ds.pixel_array
    number = int(ds.get("NumberOfFrames") or 1)
    pixels = pixels if number > 1 else pixels[None]
    wanted = sorted({1, number})
    answer = http.get(
        f"{place(hub, name)}/frames/{','.join(map(str, wanted))}",
        headers={"Accept": f'multipart/related; type="{OCTETS}"'},
    )
    assert answer.status_code == 200
    for at, (kind, body) in zip(wanted, parts(answer), strict=True):
        assert kind == f"{OCTETS}; transfer-syntax={EXPLICIT}"
        expected = pixels[at - 1]
        if int(ds.BitsAllocated) == 1:
            assert body == np.packbits(expected.reshape(-1).astype(np.uint8), bitorder="little").tobytes()
        elif not (ds.get("PlanarConfiguration") and not ds.file_meta.TransferSyntaxUID.is_encapsulated):
            assert body == expected.astype(expected.dtype.newbyteorder("<")).tobytes()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("MR_small_RLE.dcm", "image/dicom-rle"), ("MR_small_jpeg_ls_lossless.dcm", "image/jls"),
        ("MR_small_jp2klossless.dcm", "image/jp2"), ("SC_rgb_jpeg_dcmtk.dcm", "image/jpeg"),
        ("examples_ybr_color.dcm", "image/jpeg"),
    ],
)  # fmt: skip
def test_compressed_frames_come_untouched(
    hub: Served, http: httpx.Client, files: dict[str, Path], name: str, media_type: str
) -> None:
    ds = pydicom.dcmread(files[name])
    stored = list(
        pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1))
    )
    for accept, kind in ((f'multipart/related; type="{media_type}"', media_type),
                         (f'multipart/related; type="{OCTETS}"; transfer-syntax=*', OCTETS)):  # fmt: skip
        answer = http.get(f"{place(hub, name)}/frames/{len(stored)}", headers={"Accept": accept})
        ((got, body),) = parts(answer)
        assert got == f"{kind}; transfer-syntax={ds.file_meta.TransferSyntaxUID}"
        assert body == stored[-1]
    single = http.get(f"{place(hub, name)}/frames/1", headers={"Accept": media_type})
    assert single.content == stored[0]


def test_every_address_in_the_metadata_resolves(
    hub: Served, http: httpx.Client, files: dict[str, Path]
) -> None:
    found = 0
    for name in files:
        if name not in FILES:
            continue
        metadata = http.get(f"{place(hub, name)}/metadata")
        for url in re.findall(r'"BulkDataURI": ?"([^"]+)"', metadata.text):
            answer = http.get(url, headers={"Accept": f"{OCTETS}, image/*, multipart/related"})
            assert (answer.status_code, bool(answer.content)) == (200, True), url
            found += 1
    assert found >= len(FILES)
    ecg = pydicom.dcmread(files["waveform_ecg.dcm"])
    url = f"{place(hub, 'waveform_ecg.dcm')}/bulkdata/54000100/0/54001010"
    assert http.get(url, headers={"Accept": OCTETS}).content == ecg.WaveformSequence[0].WaveformData


# -- pictures ---------------------------------------------------------------------------------------------------


def picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_rendered_by_window_and_viewport(hub: Served, http: httpx.Client, files: dict[str, Path]) -> None:
    url = f"{place(hub, 'CT_small.dcm')}/rendered"
    assert picture(http.get(url)).format == "JPEG"
    shown = picture(http.get(url, headers={"Accept": "image/png"}, params={"window": "40,400,linear"}))
    ds = pydicom.dcmread(files["CT_small.dcm"])
    hu = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    expected = np.clip(((hu - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(np.asarray(shown, float) - expected).max() <= 1
    assert picture(http.get(url, params={"viewport": "64,100"})).size == (64, 64)
    assert picture(http.get(url, params={"viewport": "50,50,0,0,64,32"})).size == (50, 25)
    small, large = (len(http.get(url, params={"quality": q}).content) for q in (10, 95))
    assert small < large
    for wrong in ({"window": "a,b"}, {"window": "40,0"}, {"viewport": "0,9"}, {"viewport": "9"}, {"quality": "0"},
                  {"annotation": "patient"}, {"iccprofile": "x"}):  # fmt: skip
        assert http.get(url, params=wrong).status_code == 400, wrong
    assert http.get(url, headers={"Accept": "image/webp"}).status_code == 406


@pytest.mark.parametrize(
    "name", ["examples_palette.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_ybr_color.dcm", "liver_1frame.dcm"]
)
def test_colour_palette_and_bits_are_drawn(hub: Served, http: httpx.Client, name: str) -> None:
    shown = picture(http.get(f"{place(hub, name)}/rendered", headers={"Accept": "image/png"}))
    assert shown.mode == ("L" if name == "liver_1frame.dcm" else "RGB")
    assert np.asarray(shown).std() > 10


def test_a_slide_is_drawn_from_the_level_that_fits(hub: Served, http: httpx.Client) -> None:
    series = f"{hub.root()}/studies/{SLIDE[0]}/series/{SLIDE[1]}"
    for side in (64, 128, 256):
        wanted = {"viewport": f"{side},{side}"}
        drawn = http.get(f"{series}/rendered", headers={"Accept": "image/png"}, params=wanted)
        array = np.asarray(picture(drawn), int)
        assert array.shape == (side, side, 3)
        ramp = np.linspace(0, 255, side)
        assert np.abs(array[0, :, 0] - ramp).max() <= 2
        assert np.abs(array[:, 0, 1] - ramp).max() <= 2
    assert picture(http.get(f"{series}/thumbnail")).size == (384, 384)


def test_thumbnails_at_all_levels(hub: Served, http: httpx.Client) -> None:
    series = f"{hub.root()}/studies/2.25.5001/series/2.25.5002"
    instance = place(hub, "CT_small.dcm")
    for url in (f"{hub.root()}/studies/2.25.5001", series, instance, f"{instance}/frames/1"):
        assert max(picture(http.get(f"{url}/thumbnail")).size) <= 384
    many = http.get(f"{series}/rendered", headers={"Accept": 'multipart/related; type="image/jpeg"'})
    assert [kind for kind, _ in parts(many)] == ["image/jpeg"] * 5


# -- clients ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(hub: Served) -> DICOMwebClient:
    return DICOMwebClient(hub.root("releases"), headers={"Authorization": f"Bearer {hub.researcher}"})


def test_dicomweb_client(hub: Served, client: DICOMwebClient, files: dict[str, Path]) -> None:
    study, series, instance = uids(0)
    assert {one["0020000D"]["Value"][0] for one in client.search_for_studies()} >= {study, "2.25.5001"}
    assert client.search_for_series(study)[0]["0020000E"]["Value"] == [series]
    assert client.search_for_instances(study, series)[0]["00080018"]["Value"] == [instance]
    stored = pydicom.dcmread(files["CT_small.dcm"])
    assert client.retrieve_instance(study, series, instance).PixelData == stored.PixelData
    assert (
        len(client.retrieve_study("2.25.5001")) == len(client.retrieve_series("2.25.5001", "2.25.5002")) == 5
    )
    assert client.retrieve_instance_metadata(study, series, instance)["00080018"]["Value"] == [instance]
    assert len(client.retrieve_series_metadata("2.25.5001", "2.25.5002")) == 5
    assert client.retrieve_instance_frames(study, series, instance, [1])[0] == stored.PixelData
    many = uids(FILES.index("examples_ybr_color.dcm"))
    assert len(client.retrieve_instance_frames(*many, [1, 2, 30], media_types=("image/jpeg",))) == 3
    address = f"{client.base_url}/studies/{study}/series/{series}/instances/{instance}/bulkdata/7FE00010"
    assert client.retrieve_bulkdata(address)[0] == stored.PixelData
    drawn = client.retrieve_instance_rendered(study, series, instance, media_types=("image/png",))
    assert Image.open(io.BytesIO(drawn)).size == (128, 128)
    frame = client.retrieve_instance_frames_rendered(
        study, series, instance, [1], media_types=("image/jpeg",)
    )
    assert Image.open(io.BytesIO(frame)).size == (128, 128)
    lossless = client.retrieve_instance(study, series, instance, media_types=((DICOM, JPEG_LS),))
    assert np.array_equal(lossless.pixel_array, stored.pixel_array)


@pytest.mark.system("dcmftest")
def test_dcmtk_reads_what_comes(hub: Served, http: httpx.Client, tmp_path: Path) -> None:
    for name in FILES:
        for to in ("", RLE, JPEG_LS, JPEG_2000):
            answer = http.get(
                place(hub, name), headers={"Accept": f"{DICOM}; transfer-syntax={to}" if to else DICOM}
            )
            if answer.status_code == 406:
                continue
            path = tmp_path / "one.dcm"
            path.write_bytes(answer.content)
            test = subprocess.run(["dcmftest", str(path)], capture_output=True, text=True, check=False)
            assert test.stdout.startswith("yes"), (name, to, test.stdout)
            dump = subprocess.run(["dcmdump", "-q", str(path)], capture_output=True, check=False)
            assert dump.returncode == 0, (name, to, dump.stderr)


@pytest.mark.parametrize("kind", ["releases", "twins"])
def test_dicomply_runs_clean(hub: Served, kind: str) -> None:
    """The checker of PyPI, as far as its version checks anything."""
    run = subprocess.run(
        [sys.executable, "-m", "dicomply", "check", "--url", hub.root(kind)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "FAIL" not in run.stdout + run.stderr


# -- storing: who may not, and what is no object of ours --------------------------------------------------------


def stow(
    http: httpx.Client, url: str, bodies: list[bytes], *, kind: str = f"{PARTS}; boundary=b"
) -> httpx.Response:
    data = (
        b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in bodies)
        + b"--b--\r\n"
    )
    return http.post(url, content=data, headers={"Content-Type": kind})


def test_an_image_is_not_stored(hub: Served, http: httpx.Client, files: dict[str, Path]) -> None:
    answer = stow(http, f"{hub.root()}/studies", [files["CT_small.dcm"].read_bytes(), b"nothing"])
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/dicom+json")
    value: dict[str, Any] = json.loads(answer.text)
    assert value["00081198"]["Value"][0]["00081197"]["Value"] == [0x0122]
    assert value["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]
    assert "00081199" not in value


def test_bodies_that_are_refused(hub: Served, http: httpx.Client) -> None:
    url = f"{hub.root()}/studies"
    assert (
        http.post(url, content=b"{}", headers={"Content-Type": "application/dicom+json"}).status_code == 415
    )
    assert (
        stow(
            http, url, [b"x"], kind='multipart/related; type="application/dicom+json"; boundary=b'
        ).status_code
        == 415
    )
    assert stow(http, url, [b"x"], kind=PARTS).status_code == 400
    assert stow(http, url, []).status_code == 400
    assert (
        http.post(url, content=b"--b\r\n\r\nx", headers={"Content-Type": f"{PARTS}; boundary=b"}).status_code
        == 400
    )
    with hub.client(hub.researcher) as researcher:
        assert stow(researcher, f"{hub.root('releases')}/studies", [b"x"]).status_code == 403
    with hub.client("") as nobody:
        assert stow(nobody, f"{hub.address}/dicomweb/twins/{RELEASE}/studies", [b"x"]).status_code == 403
        assert stow(nobody, url, [b"x"]).status_code == 401


# -- the guide --------------------------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "dicomweb.md"


@pytest.mark.parametrize("language", ["python", "bash"])
def test_the_guides_examples_run(hub: Served, tmp_path: Path, language: str) -> None:
    (code,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    words = [sys.executable, "-c", code] if language == "python" else ["bash", "-euc", code]
    more = {"DICOMWEB_ROOT": hub.root("releases"), "MIDAS_TOKEN": hub.researcher, "STUDY": "2.25.5001"}
    run = subprocess.run(
        words,
        env={**os.environ, **more},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    if language == "bash":
        assert Image.open(tmp_path / "study.png").format == "PNG"
        assert Image.open(tmp_path / "study.jpg").size == (512, 512)
