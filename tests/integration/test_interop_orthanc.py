"""What de-identification gives is taken by other people's programs: dcmtk reads and sends it, Orthanc keeps and finds it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from tests.deid_bench import KNOWN, SUBJECT, Bench, ct

from midas.deid import clean
from midas.formats import Kind
from midas.ingest import Door, labels_to_dicom, to_dicom
from midas.wire.v1 import Code

pytestmark = pytest.mark.system("orthanc", "dcmtk")
UHID, NAME = dict(KNOWN)["uhid"], dict(KNOWN)["name"]
PHOTO = Door(UHID, "2019-06-14", "left-buccal", "left", None, "XC", None, None, None, "study", "photo")
LESION = {"lesion": Code(scheme="SCT", value="4147007", meaning="Mass")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Orthanc:
    http: int
    dicom: int

    def ask(self, path: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", body, timeout=30) as answer:
            return json.load(answer)

    def find(self, level: str, **query: str) -> list[Any]:
        return self.ask("/tools/find", json.dumps({"Level": level, "Expand": True, "Query": query}).encode())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    folder = tmp_path_factory.mktemp("orthanc")
    server = Orthanc(free_port(), free_port())
    settings = {
        "StorageDirectory": str(folder), "IndexDirectory": str(folder), "HttpPort": server.http, "DicomPort": server.dicom,
        "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True,
        "DicomCheckCalledAet": False, "Plugins": [],
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["Orthanc", str(folder / "orthanc.json")],
            stdout=log,
            stderr=log,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    server.ask("/system")
                    break
                except OSError:
                    assert time.monotonic() < until, (folder / "log").read_text()
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _pyramid(path: Path) -> Path:
    grey = np.asarray(Image.effect_mandelbrot((512, 512), (-2, -1.2, 1, 1.2), 60).convert("L"))
    with tifffile.TiffWriter(path) as tiff:
        for at in range(2):
            tiff.write(
                np.stack([grey[:: 2**at, :: 2**at]] * 3, axis=-1), tile=(256, 256), compression="jpeg", photometric="rgb",
                subfiletype=int(at > 0), metadata=None, resolution=(20000 / 2**at,) * 2, resolutionunit="CENTIMETER",
            )  # fmt: skip
    return path


def _coco(path: Path) -> Path:
    area = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[8, 8, 40, 8, 40, 40]]}
    image = {"id": 1, "file_name": "photo", "width": 64, "height": 64}
    names = [{"id": 1, "name": "lesion"}]
    path.write_text(json.dumps({"images": [image], "annotations": [area], "categories": names}))
    return path


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One cleaned object of each kind that leaves a hospital."""
    folder = tmp_path_factory.mktemp("interop")
    bench = Bench(folder)
    Image.new("RGB", (64, 64), "pink").save(folder / "photo", "PNG")
    (photo,) = to_dicom(folder / "photo", kind=Kind.PNG, door=PHOTO, out=folder / "made")
    door = replace(
        PHOTO, view=None, laterality=None, modality="SM", specimen="HP/2019/0873", series_key="slide"
    )
    slide = to_dicom(_pyramid(folder / "slide"), kind=Kind.SLIDE, door=door, out=folder / "made")[0]
    labels = labels_to_dicom(
        _coco(folder / "coco"), kind=Kind.COCO, references=[photo], out=folder / "made", target="lesion-regions",
        codes=LESION,
    )  # fmt: skip
    made = {"CT": bench.save(ct()), "XC": photo, "SM": slide, "SEG": labels.files[0]}
    done = {}
    for kind, source in made.items():
        target = folder / "out" / f"{kind}.dcm"
        outcome = clean(bench.job(source, target=target, accepted_risk=True))
        assert outcome.state == "cleaned", (kind, outcome.reason, outcome.detail)
        done[kind] = target
    return done


KINDS = ("CT", "XC", "SM", "SEG")


@pytest.mark.parametrize("kind", KINDS)
def test_dcmdump_reads_it_and_sees_nobody(kind: str, outputs: dict[str, Path]) -> None:
    ran = subprocess.run(["dcmdump", "+L", str(outputs[kind])], capture_output=True, check=False)
    assert ran.returncode == 0
    assert not [line for line in ran.stderr.decode().splitlines() if line.startswith("E:")]
    said = ran.stdout.decode("utf-8", "replace")
    assert f"[{SUBJECT}]" in said
    assert not [value for _, value in KNOWN if value in said]


@pytest.mark.parametrize("kind", KINDS)
def test_orthanc_takes_it_from_storescu_and_finds_it_by_pseudonym(
    kind: str, outputs: dict[str, Path], orthanc: Orthanc, tmp_path: Path
) -> None:
    ds = pydicom.dcmread(outputs[kind], stop_before_pixels=True)
    sent = tmp_path / "one.dcm"
    shutil.copy(outputs[kind], sent)
    how = ["-xy"] if ds.file_meta.TransferSyntaxUID.is_compressed else []
    ran = subprocess.run(
        ["storescu", "-R", *how, "-aec", "ORTHANC", "127.0.0.1", str(orthanc.dicom), str(sent)],
        capture_output=True, text=True, check=False, env={**os.environ, "TCP_NODELAY": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (found,) = orthanc.find("Instance", SOPInstanceUID=str(ds.SOPInstanceUID), PatientID=SUBJECT)
    tags = orthanc.ask(f"/instances/{found['ID']}/simplified-tags")
    assert (tags["PatientID"], tags["Modality"], tags["PatientIdentityRemoved"]) == (SUBJECT, kind, "YES")
    assert tags["StudyInstanceUID"] == str(ds.StudyInstanceUID)


def test_orthanc_knows_one_patient_and_not_the_hospitals(outputs: dict[str, Path], orthanc: Orthanc) -> None:
    for path in outputs.values():
        assert orthanc.ask("/instances", path.read_bytes())["Status"] in {"Success", "AlreadyStored"}
    (patient,) = orthanc.find("Patient", PatientID="*")
    assert patient["MainDicomTags"]["PatientID"] == SUBJECT
    assert orthanc.find("Patient", PatientID=UHID) == []
    assert orthanc.find("Patient", PatientName=f"*{NAME.split()[-1]}*") == []
    assert orthanc.ask("/statistics")["CountInstances"] == len(outputs)


def test_a_segmentation_stays_with_its_photograph(outputs: dict[str, Path], orthanc: Orthanc) -> None:
    photo, seg = (pydicom.dcmread(outputs[kind], stop_before_pixels=True) for kind in ("XC", "SEG"))
    assert photo.StudyInstanceUID == seg.StudyInstanceUID
    (reference,) = seg.ReferencedSeriesSequence
    assert reference.SeriesInstanceUID == photo.SeriesInstanceUID
    assert reference.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == photo.SOPInstanceUID
