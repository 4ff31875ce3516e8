"""A real hub that holds given DICOM files as a draft, an open release and a twin; served for tests of DICOMweb.

`python -m tests.dicomweb_hub HOME FOLDER` fills a home and prints the tokens as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage

PERSON = "P-7K3QM-2XV9A"
DATASET, RELEASE = "oral-cancer", "oral-cancer@1.0.0"
FILES = (
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm", "JPEG-lossy.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_jpeg_dcmtk.dcm",
    "examples_palette.dcm", "examples_ybr_color.dcm", "examples_jpeg2k.dcm", "liver_1frame.dcm", "image_dfl.dcm",
    "rtdose.dcm", "rtplan.dcm", "waveform_ecg.dcm", "reportsi.dcm", "SC_rgb_small_odd.dcm", "MR_small_bigendian.dcm",
)  # fmt: skip
"""Files that pydicom ships: native, deflated, big-endian and compressed, grey, colour and palette, and without pixels."""


@dataclass(frozen=True)
class Served:
    """A running hub. `curator` may look at the draft, `researcher` at the open release, anyone at the twin."""

    home: Path
    address: str
    curator: str
    researcher: str

    def root(self, kind: str = "drafts") -> str:
        return f"{self.address}/dicomweb/{kind}/{DATASET if kind == 'drafts' else RELEASE}"

    def client(self, token: str | None = None, **headers: str) -> httpx.Client:
        given = self.curator if token is None else token
        more = {"Authorization": f"Bearer {given}"} if given else {}
        return httpx.Client(headers={**more, **headers}, timeout=60)


def uids(number: int) -> tuple[str, str, str]:
    """Study, series and instance of the file at a place of `FILES`."""
    return f"2.25.41{number}", f"2.25.42{number}", f"2.25.43{number}"


def test_file(name: str) -> Path | None:
    found = get_testdata_file(name, download=False)
    return Path(str(found)) if found else None


def write_files(folder: Path) -> dict[str, Path]:
    """Write the sample files, each in a study of its own and of one made-up person, in the syntax that it has."""
    from tests.hub_submission import ct

    made = {}
    for number, name in enumerate(FILES):
        source = test_file(name)
        if source is None:
            continue
        ds = pydicom.dcmread(source)
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = uids(number)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PatientID = ds.PatientName = PERSON
        made[name] = folder / name
        ds.save_as(made[name])
    study, series = "2.25.5001", "2.25.5002"
    for number in range(1, 6):
        made[f"ct{number}"] = folder / f"ct{number}.dcm"
        made[f"ct{number}"].write_bytes(ct(PERSON, number, study=study, series=series))
    for level, edge in enumerate((64, 128, 256)):
        made[f"slide{level}"] = folder / f"slide{level}.dcm"
        slide(made[f"slide{level}"], level, edge)
    return made


SLIDE = ("2.25.6001", "2.25.6002")


def slide(path: Path, level: int, edge: int, *, tile: int = 32) -> None:
    """Write a level of a slide in native tiles: its red grows to the right, its green downwards."""
    across = edge // tile
    ramp = np.linspace(0, 255, edge).astype(np.uint8)
    whole = np.zeros((edge, edge, 3), np.uint8)
    whole[..., 0], whole[..., 1], whole[..., 2] = ramp[None, :], ramp[:, None], 128
    tiles = whole.reshape(across, tile, across, tile, 3).swapaxes(1, 2)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = VLWholeSlideMicroscopyImageStorage, f"2.25.600{level}3"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = SLIDE
    ds.PatientID = ds.PatientName = PERSON
    ds.Modality, ds.InstanceNumber = "SM", str(level + 1)
    ds.DimensionOrganizationType = "TILED_FULL"
    ds.TotalPixelMatrixRows = ds.TotalPixelMatrixColumns = edge
    ds.NumberOfFrames, ds.Rows, ds.Columns = across * across, tile, tile
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = np.ascontiguousarray(tiles).tobytes()
    ds.save_as(path, enforce_file_format=True)


def fill(home: Path, folder: Path) -> dict[str, str]:
    """Make a hub that holds the files of a folder as draft, open release and twin; return the tokens."""
    from midas.web.bootstrap import configure, store

    configure(home)
    from midas.catalogue import lens
    from midas.catalogue.lens import index_file
    from midas.catalogue.models import Dataset as Held
    from midas.catalogue.models import ProtocolVersion
    from midas.kernel import SystemClock
    from midas.people.models import Account, Membership, Role
    from midas.people.tokens import issue_token
    from midas.release.models import Draft, Release

    clock, entries = SystemClock(), []
    for path in sorted(folder.glob("*.dcm")):
        digest = store().put_file(path)
        entries.append(index_file(path, sha256=str(digest), size=path.stat().st_size))
    lens.keep(entries)
    dataset = Held.objects.get(slug=DATASET)
    digests = [one.sha256 for one in entries]
    for kind, name in (("draft", DATASET), ("release", RELEASE), ("twin", RELEASE)):
        lens.publish(kind=kind, name=name, dataset=dataset, digests=digests)
    protocol = ProtocolVersion.objects.filter(dataset=dataset).get()
    draft = Draft.objects.create(
        dataset=dataset,
        protocol=protocol,
        version="1.0.0",
        published_on=clock.now().date(),
        created_at=clock.now(),
    )
    for twin in (False, True):
        Release.objects.create(
            dataset=dataset, draft=draft, version="1.0.0", twin=twin, key="0" * 64, seal={}, access="open",
            license="CC-BY-4.0", whole_salt="0" * 64, cut_at=clock.now(),
        )  # fmt: skip
    tokens = {}
    for name, role in (("curator", Role.CURATOR), ("researcher", Role.RESEARCHER)):
        account = Account.objects.create_user(name)
        Membership.objects.create(account=account, role=role, dataset=DATASET if role is Role.CURATOR else "")
        tokens[name] = issue_token(title=name, clock=clock, account=account, days=1)
    return tokens


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@contextmanager
def served(folder: Path, files: Path) -> Iterator[Served]:
    """Start a hub that holds the files; stop it afterwards."""
    home = folder / "home"
    midas = ("-c", "from midas.cli import main; main()", "hub")
    run(*midas, "init", "--home", str(home), "--json")
    run(*midas, "protocol", "add", DATASET, "--home", str(home), "--json")
    tokens = json.loads(run("-m", "tests.dicomweb_hub", str(home), str(files)).splitlines()[-1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / "log"
    process = subprocess.Popen(
        [sys.executable, *midas, "serve", "--port", str(port), "--home", str(home)],
        stderr=log.open("wb"), stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield Served(home, address, tokens["curator"], tokens["researcher"])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(address: str, process: subprocess.Popen[Any], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/dicomweb/twins/{RELEASE}/studies", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


if __name__ == "__main__":
    print(json.dumps(fill(Path(sys.argv[1]), Path(sys.argv[2]))))
