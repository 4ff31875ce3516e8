"""Pictures of synthetic twins: made from the twin's own DICOM files, which anyone may have; none of a person is read."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq

from midas.formats import dicom
from midas.kernel import Digest
from midas.release.models import Release, ReleaseFile
from midas.web.bootstrap import current_home, store

SIDE = 384
"""Pixels of the longer side, as of the previews that the catalogue keeps."""
NEEDED = ("sha256", "subject", "item", "kind", "view", "modality", "rows", "columns")


@dataclass(frozen=True)
class TwinPicture:
    version: str
    sha256: str
    item: str
    modality: str
    detail: str


def frame(columns: object, rows: object) -> str:
    return f"{columns} × {rows}" if columns and rows else ""


def pictures(twin: Release, number: int) -> tuple[TwinPicture, ...]:
    """Choose pictures spread over kinds of image and invented subjects."""
    found = ReleaseFile.objects.filter(release=twin, path="manifest.parquet").first()
    if found is None or not store().has(Digest(found.sha256)):
        return ()
    return _chosen(found.sha256, twin.version, number)


@lru_cache(maxsize=64)
def _chosen(manifest: str, version: str, number: int) -> tuple[TwinPicture, ...]:
    data = BytesIO(b"".join(store().read(Digest(manifest))))
    there = pq.read_schema(data).names
    rows = pq.read_table(data, columns=[name for name in NEEDED if name in there]).to_pylist()
    turns: Counter[tuple[str, str]] = Counter()
    ranked = []
    for place, row in enumerate(rows):
        if row.get("kind") == "label" or row.get("modality") in {"SEG", "SR", "RTSTRUCT"}:
            continue
        turn = turns[row["item"], row["subject"]]
        turns[row["item"], row["subject"]] += 1
        ranked.append((turn, place, row))
    by_item: dict[str, list[dict[str, object]]] = {}
    for _turn, _place, row in sorted(ranked, key=lambda one: one[:2]):
        by_item.setdefault(row["item"], []).append(row)
    chosen: list[dict[str, object]] = []
    while len(chosen) < number and any(by_item.values()):
        chosen += [group.pop(0) for group in by_item.values() if group][: number - len(chosen)]
    return tuple(_picture(row, version) for row in chosen)


def _picture(row: dict[str, object], version: str) -> TwinPicture:
    detail = str(row.get("view") or "").replace("-", " ") or frame(row.get("columns"), row.get("rows"))
    return TwinPicture(version, str(row["sha256"]), str(row["item"]), str(row["modality"]), detail)


@lru_cache(maxsize=256)
def drawn(sha256: str) -> bytes:
    """Return a twin's image as PNG; `BadInput` where it shows no picture. The caller made sure that it is a twin's."""
    blobs = store()
    if (path := blobs.local_path(sha256)) is not None:
        return dicom.preview(path, size=SIDE)
    with tempfile.TemporaryDirectory(dir=current_home().scratch) as folder:
        copy = Path(folder) / "image.dcm"
        with copy.open("wb") as out:
            out.writelines(blobs.read(Digest(sha256)))
        return dicom.preview(copy, size=SIDE)
