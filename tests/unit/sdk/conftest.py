"""A sealed release folder made without any server, and a small HTTP server that speaks version 1 of the hub's interface."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import polars as pl
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    VLPhotographicImageStorage,
)  # fmt: skip

from midas.kernel import sha256_file
from midas.manifest import Entry, PrivateKey, Tree, key_of, new_salt, sign, withdraw, write_seal
from midas.manifest.folder import encode_tree
from midas.protocol import load_named

SUBJECTS = ("P-00000-00001", "P-00000-00002", "P-00000-00003")
DISTANCES = 2.5


def dicom(
    path: Path, *, sop_class: str, subject: str, series: str, number: int, pixels: np.ndarray, **more: object
) -> dict:
    """Write one small DICOM image and return its row of the manifest."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{series}.0", series
    ds.PatientID = ds.PatientName = subject
    ds.Rows, ds.Columns = pixels.shape[:2]
    colour = pixels.ndim == 3
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    for name, value in more.items():
        setattr(ds, name, value)
    ds.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return {"study_uid": f"{series}.0", "series_uid": series, "sop_instance_uid": f"{series}.{number}",
            "sop_class_uid": str(sop_class), "subject": subject}  # fmt: skip


def _ct(folder: Path, subject: str, series: str, rows: list[dict]) -> None:
    for number in (3, 1, 4, 2):  # out of order on purpose; numbers run against the positions
        path = f"data/{subject}/{series}.0/{series}/{number}.dcm"
        row = dicom(
            folder / path, sop_class=CTImageStorage, subject=subject, series=series, number=number, Modality="CT",
            pixels=np.full((6, 8), 100 * number, np.int16), InstanceNumber=number, SliceThickness=5,
            ImagePositionPatient=[-4.0, -3.0, -DISTANCES * number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.5, 0.25], RescaleSlope=1, RescaleIntercept=-1024,
        )  # fmt: skip
        rows.append(
            {
                **row,
                "path": path,
                "item": "face-neck-ct",
                "kind": "dicom",
                "modality": "CT",
                "visit": "baseline",
            }
        )


def _photo(folder: Path, subject: str, series: str, rows: list[dict], shade: int) -> None:
    path = f"data/{subject}/{series}.0/{series}/1.dcm"
    picture = np.zeros((5, 7, 3), np.uint8)
    picture[..., 0] = shade
    row = dicom(
        folder / path, sop_class=VLPhotographicImageStorage, subject=subject, series=series, number=1, Modality="XC",
        pixels=picture,
    )  # fmt: skip
    rows.append({**row, "path": path, "item": "oral-photo", "kind": "photo", "modality": "XC", "visit": "baseline",
                 "lesion": "L1", "view": "lesion-close-up"})  # fmt: skip


def write_release(folder: Path) -> None:
    """Write the files of a small release: three subjects with a photograph each, the first two with a CT."""
    rows: list[dict] = []
    for number, subject in enumerate(SUBJECTS, start=1):
        _photo(folder, subject, f"2.25.{number}1", rows, shade=80 * number)
        if number < 3:
            _ct(folder, subject, f"2.25.{number}2", rows)
    blank = {"lesion": None, "specimen": None, "view": None, "visit": None}
    full = [
        {
            **blank,
            **row,
            "sha256": sha256_file(folder / row["path"]),
            "size": (folder / row["path"]).stat().st_size,
        }
        for row in rows
    ]
    texts = dict.fromkeys(("lesion", "specimen", "view", "visit"), pl.String)
    pl.DataFrame(full, schema_overrides=texts).sort("path").write_parquet(folder / "manifest.parquet")
    parts = [("train", 0), ("train", 1), ("test", 2)]
    pl.DataFrame([{"subject": SUBJECTS[n], "part": part} for part, n in parts]).write_parquet(
        folder / "splits.parquet"
    )
    pl.DataFrame([{"subject": one, "sex": "F"} for one in SUBJECTS]).write_parquet(
        folder / "subjects.parquet"
    )
    (folder / "clinical").mkdir()
    pl.DataFrame([{"subject": SUBJECTS[0], "tobacco": "never"}]).write_parquet(
        folder / "clinical/subjects.parquet"
    )
    labels = [
        {"level": "lesion", "uid": None, "subject": subject, "visit": None, "lesion": "L1", "specimen": None,
         "target": "clinical-impression", "value": value, "value_number": None, "source": "table:lesions.impression",
         "readers": [], "segmentation_path": None}
        for subject, value in zip(SUBJECTS[:2], ("opmd", "malignant"), strict=True)
    ]  # fmt: skip
    text = dict.fromkeys(("uid", "visit", "specimen", "segmentation_path"), pl.String)
    pl.DataFrame(
        labels, schema_overrides={**text, "value_number": pl.Float64, "readers": pl.List(pl.String)}
    ).write_parquet(folder / "labels.parquet")
    (folder / "protocol.yaml").write_text(load_named("oral-cancer").source, encoding="utf-8")
    (folder / "README.md").write_text("An example.\n")


def seal_folder(folder: Path, key: PrivateKey) -> Tree:
    entries = [
        Entry(path.relative_to(folder).as_posix(), sha256_file(path), path.stat().st_size,
              path.relative_to(folder).parts[1] if path.relative_to(folder).parts[0] == "data" else "")
        for path in sorted(folder.rglob("*")) if path.is_file()
    ]  # fmt: skip
    tree = Tree(tuple(entries), {owner: new_salt() for owner in ("", *SUBJECTS)})
    seal = sign({"key": key_of(tree), "dataset": "oral-cancer", "version": "1.0.0"}, key)
    write_seal(folder, tree=tree, seal=seal)
    return tree


@dataclass
class Hub:
    """The state of the small hub: a folder, and the misfortunes asked for."""

    folder: Path
    key: PrivateKey
    tree: Tree
    token: str = "let-me-in"
    stones: list = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    fail_first: Counter = field(default_factory=Counter)
    cut_after: dict[str, int] = field(default_factory=dict)
    lie: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    address: str = ""

    def withdraw(self, subject: str) -> None:
        """Erase one subject as the hub does: files, rows of a table, salt; a signed tombstone stays."""
        for entry in self.tree.entries:
            if entry.owner == subject:
                (self.folder / entry.path).unlink()
        manifest = self.folder / "manifest.parquet"
        pl.read_parquet(manifest).filter(pl.col("subject") != subject).write_parquet(manifest)
        fresh = Entry("manifest.parquet", sha256_file(manifest), manifest.stat().st_size)
        self.tree, stone = withdraw(self.tree, owner=subject, rewritten=[fresh], withdrawn_on="2026-11-22")
        self.stones.append(sign(stone.model_dump(mode="json"), self.key))


def handler_for(hub: Hub) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class in a closure
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def _problem(self, status: int, detail: str, advice: str = "") -> None:
            body = {
                "type": "about:blank",
                "title": "No",
                "status": status,
                "detail": detail,
                "advice": advice,
                "extra": {},
            }
            self._send(status, json.dumps(body).encode(), "application/problem+json")

        def _enter(self) -> str | None:
            where = urlsplit(self.path)
            path = unquote(where.path)
            hub.asked.append((self.command, path, self.headers.get("Range", "")))
            if hub.fail_first[path] > 0:
                hub.fail_first[path] -= 1
                self._problem(503, "Busy.")
                return None
            if (
                "twin" not in parse_qs(where.query)
                and self.headers.get("Authorization") != f"Bearer {hub.token}"
            ):
                self._problem(401, "Who are you?")
                return None
            return path

        def do_GET(self) -> None:
            path = self._enter()
            base = "/api/v1/releases/oral-cancer@1.0.0"
            if path is None:
                return
            if path.startswith(f"{base}/files/"):
                self._file(path.removeprefix(f"{base}/files/"))
            elif path == f"{base}/seal":
                seal = json.loads((hub.folder / "seal/seal.json").read_bytes())
                stones = [stone.model_dump(mode="json") for stone in hub.stones]
                self._send(
                    200,
                    json.dumps({"seal": seal, "salts": dict(hub.tree.salts), "tombstones": stones}).encode(),
                )
            elif path == f"{base}/tree":
                self._send(200, encode_tree(hub.tree.entries), "application/x-ndjson")
            elif path == "/api/v1/datasets":
                card = {"dataset": "oral-cancer", "title": "Oral cancer", "summary": "", "releases": []}
                self._send(200, json.dumps({"datasets": [card]}).encode())
            else:
                self._problem(404, "There is no such release.", "See the catalogue.")

        def _file(self, name: str) -> None:
            data = hub.lie.get(name) or (hub.folder / name).read_bytes()
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            body = data[start:]
            cut = hub.cut_after.pop(name, None)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if cut is None else body[:cut])
            if cut is not None:
                self.close_connection = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self._enter()
            if path == "/api/v1/blobs/missing":
                wanted = [one for one in body["sha256"] if one not in hub.blobs]
                self._send(200, json.dumps({"sha256": wanted}).encode())
            elif path == "/api/v1/submissions":
                status = {"root": "0" * 64, "state": "received", "findings": [], "receipt": None}
                self._send(202, json.dumps(status).encode())

        def do_PUT(self) -> None:
            from midas.kernel import sha256_bytes

            data = self.rfile.read(int(self.headers["Content-Length"]))
            path = self._enter()
            if path is None:
                return
            digest = path.rsplit("/", 1)[-1]
            if sha256_bytes(data) != digest:
                self._problem(422, "The bytes are not what they are called.")
                return
            hub.blobs[digest] = data
            self._send(201, b"{}")

    return Handler


@pytest.fixture(scope="session")
def unsealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("unsealed") / "release"
    made.mkdir()
    write_release(made)
    return made


@pytest.fixture
def folder(unsealed: Path, tmp_path: Path) -> Path:
    made = Path(shutil.copytree(unsealed, tmp_path / "release"))
    seal_folder(made, PrivateKey(b"k" * 32))
    return made


@pytest.fixture
def hub(unsealed: Path, tmp_path: Path):
    made = Path(shutil.copytree(unsealed, tmp_path / "served"))
    key = PrivateKey(b"k" * 32)
    state = Hub(folder=made, key=key, tree=seal_folder(made, key))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(state))
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
