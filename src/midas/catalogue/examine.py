"""One instance examined in a worker process. In comes where its blob is and what its line says; out come findings.

Every byte is hashed again, the leak rules run with no knowledge of the person, and what the file says of itself must
be what the line says of it. A preview, the hashes by which its copies are found, and the index that serves it are made from
the de-identified bytes. No database and no Django here.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from PIL import Image

from midas.catalogue.lens.indexing import Indexed, index_file
from midas.formats import dicom
from midas.kernel import BadInput, Finding, MidasError, NotFound, Severity, sha256_file
from midas.quality import leaks
from midas.store import Blobs
from midas.wire.v1 import ItemLine

if TYPE_CHECKING:
    from midas.quality.duplicates import Likeness

SAME = (
    ("SOPInstanceUID", "sop_instance_uid"), ("SOPClassUID", "sop_class_uid"), ("SeriesInstanceUID", "series_uid"),
    ("StudyInstanceUID", "study_uid"), ("PatientID", "subject"), ("Modality", "modality"),
)  # fmt: skip
"""DICOM keyword and the field of the line that must say the same."""
STACKED = ("CT", "MR", "NM", "PT")
"""Modalities whose slices look alike in everybody: copies are found by equal pixels; of CT and MR, by whole series too."""


@dataclass(frozen=True)
class Job:
    """Where an instance is and what is said of it; `scratch` is used where the blob is no local file."""

    store: Blobs
    line: ItemLine
    scratch: Path


@dataclass(frozen=True)
class Examined:
    path: str
    findings: tuple[Finding, ...]
    preview: str = ""
    index: Indexed | None = None
    marks: bytes | None = None
    """As `midas.catalogue.models.PictureHash`; `None` where no copies are looked for."""


@contextmanager
def local(store: Blobs, digest: str, scratch: Path) -> Iterator[Path]:
    """Give a blob as a file on this machine for as long as the block lasts."""
    path = store.local_path(digest)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".blob") as spool:
        for chunk in store.read(digest):
            spool.write(chunk)
        spool.flush()
        yield Path(spool.name)


def wrong(rule: str, scope: str, message: str, advice: str) -> Finding:
    return Finding(rule, Severity.ERROR, scope, message, advice)


def examine(job: Job) -> Examined:
    """Examine one instance; what is wrong with it comes back as findings, never as an exception."""
    line = job.line
    try:
        with local(job.store, line.sha256, job.scratch) as path:
            return _examine(job, path)
    except NotFound:
        missing = wrong(
            "submission.missing", line.path, "Its blob has not arrived.", "Send the submission again."
        )
        return Examined(line.path, (missing,))
    except MidasError as error:
        return Examined(line.path, (wrong("submission.damaged", line.path, error.message, error.advice),))


def _examine(job: Job, path: Path) -> Examined:
    line = job.line
    if path.stat().st_size != line.size or sha256_file(path) != line.sha256:
        damaged = wrong(
            "submission.damaged", line.path, "Its bytes are not those that were signed.", "Send it again."
        )
        return Examined(line.path, (damaged,))
    dicom.measured(path)
    findings = list(leaks.examine_dicom(path, scope=line.path))
    findings += _agrees(line, path)
    if any(one.severity is Severity.ERROR for one in findings):
        return Examined(line.path, tuple(findings))
    index = index_file(path, sha256=line.sha256, size=line.size)
    return Examined(line.path, tuple(findings), *_pictured(job, path, index))


def _agrees(line: ItemLine, path: Path) -> Iterator[Finding]:
    try:
        held = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[name for name, _ in SAME])
    except Exception as error:  # noqa: BLE001 - pydicom raises many kinds for bytes that are not DICOM
        yield wrong(
            "submission.unreadable", line.path, f"It cannot be read as DICOM ({type(error).__name__}).",
            "The spoke must hold what it cannot read.",
        )  # fmt: skip
        return
    for keyword, field in SAME:
        if str(held.get(keyword, "")) != getattr(line, field):
            yield wrong(
                "submission.disagrees", line.path, f"{keyword} in the file is not what its line says.",
                "Pack the submission again from the de-identified files.",
            )  # fmt: skip
    syntax = str(getattr(held.file_meta, "TransferSyntaxUID", ""))
    if syntax != line.transfer_syntax_uid:
        yield wrong(
            "submission.disagrees", line.path, "The transfer syntax is not what its line says.",
            "Pack the submission again from the de-identified files.",
        )  # fmt: skip


def _pictured(job: Job, path: Path, index: Indexed) -> tuple[str, Indexed, bytes | None]:
    """Store a small picture and hash it on the way; an object without pixels (SR, RTPLAN …) has none."""
    compared = job.line.kind != "label" and job.line.modality not in STACKED
    try:
        picture = dicom.picture(path)
    except BadInput:
        return "", index, b"" if compared else None
    preview = str(job.store.put_chunks([dicom.png(picture, size=max(picture.shape[:2]))]))
    return preview, index, packed(picture) if compared else None


def packed(picture: np.ndarray) -> bytes:
    """Return the hashes of a preview as they are kept."""
    from midas.quality.duplicates import hashes

    return hashes(picture).astype("<u8").tobytes()


def hash_preview(job: Unhashed) -> tuple[str, bytes]:
    """Hash the preview of an image that came before there were hashes; nothing where it cannot be read."""
    try:
        return job.sha256, packed(shown(job.store, job.preview)) if job.preview else b""
    except (MidasError, OSError):
        return job.sha256, b""


def shown(store: Blobs, preview: str) -> np.ndarray:
    """Return the pixels of a stored preview."""
    with Image.open(io.BytesIO(b"".join(store.read(preview)))) as picture:
        return np.asarray(picture)


@dataclass(frozen=True)
class Unhashed:
    """An image that is registered without hashes, and the digest of its preview, where it has one."""

    store: Blobs
    sha256: str
    preview: str


@dataclass(frozen=True)
class Candidate:
    """Two images by key and the digests of their previews, the one registered first before the other."""

    store: Blobs
    keys: tuple[int, int]
    previews: tuple[str, str]


@dataclass(frozen=True)
class SeriesCandidate:
    """Two series by the keys of the images that stand for them, the smaller first, and their slabs."""

    keys: tuple[int, int]
    slabs: tuple[bytes, bytes]


def second_look(job: Candidate | SeriesCandidate) -> tuple[Likeness, bool]:
    """Compare two pictures or series, in a worker process, and say whether they are the same; the unreadable never is."""
    from midas.quality import duplicate_series

    if isinstance(job, SeriesCandidate):
        like = duplicate_series.alike_series(*job.slabs)
        return like, like.score >= duplicate_series.SAME
    like = _look_at_previews(job)
    return like, like.same


def _look_at_previews(job: Candidate) -> Likeness:
    from midas.quality.duplicates import Likeness, alike

    if job.previews[0] == job.previews[1]:
        return Likeness(1.0, 0, 1.0)
    try:
        return alike(*(shown(job.store, one) for one in job.previews))
    except (MidasError, OSError):
        return Likeness(0.0, 0, 0.0)


@dataclass(frozen=True)
class Unindexed:
    """An image that is registered but not indexed; `scratch` as in `Job`."""

    store: Blobs
    sha256: str
    scratch: Path


def index_blob(job: Unindexed) -> Indexed | None:
    """Index one image; `None` where its bytes are missing or no DICOM."""
    try:
        with local(job.store, job.sha256, job.scratch) as path:
            return index_file(path, sha256=job.sha256, size=path.stat().st_size)
    except MidasError:
        return None
