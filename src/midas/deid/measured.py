"""The audit of a site's own de-identification: plant, run, score, in one go; what comes out travels with the dataset.

In come files, a profile and a seed; out come an `AuditScore` that names nobody, and the `Score` behind it for whoever
looks for what went wrong. Planted copies live in a scratch folder that is wiped; the sources are only read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midas.deid import tables
from midas.deid.batch import workplace
from midas.deid.folder import folder
from midas.deid.formulas import inert
from midas.deid.journal import private
from midas.deid.model import ENGINE, Profile
from midas.deid.secret import Secret
from midas.formats import Kind, sniff
from midas.kernel import BadInput, NotFound, Progress, Runner, whole_file
from midas.wire.v1 import AuditScore, AuditShare

if TYPE_CHECKING:
    from midas.deid.audit import Score

USUAL = 60
"""Files planted where nobody says otherwise: about 6,000 required actions."""


@dataclass(frozen=True)
class Measured:
    """The score that travels, and the whole one that stays."""

    score: AuditScore
    whole: Score


def measure(
    sources: Iterable[Path], *, profile: Profile, seed: int, runner: Runner, number: int = USUAL,
    progress: Progress | None = None, within: Path | None = None,
) -> Measured:  # fmt: skip
    """Plant synthetic identifiers in copies of `sources`, clean them under `profile` with a key of their own, and score.

    The same sources and seed plant the same corpus. `BadInput` where nothing could be planted.
    """
    from midas.deid.audit import plant, read_map, score

    secret = Secret.of(os.urandom(32))
    with workplace(secret, within=within) as place:
        root, out, report = (place.folder / name for name in ("planted", "clean", "owner"))
        answers = plant(sources, out=root, seed=seed, number=number)
        if not answers.checks:
            raise BadInput(
                "Nothing could be planted in these files.", advice="Give DICOM files with headers."
            )
        folder(root, out, profile=profile, secret=secret, report=report, runner=runner, progress=progress)
        whole = score(answers, out, read_map(report / "uid-map.csv"), read_map(report / "patient-map.csv"))
    return Measured(_travels(whole.figures(), profile, seed), whole)


def _travels(figures: dict[str, Any], profile: Profile, seed: int) -> AuditScore:
    return AuditScore(
        profile=profile.digest, engine=ENGINE, rules=rules_digest(), seed=seed,
        files=figures["files"], released=figures["released"],
        all=_share(figures["all"]), on_released=_share(figures["on_released"]),
        actions={name: _share(one) for name, one in figures["actions"].items()},
        leaks=figures["leaks"], wrong_shifts=figures["people_with_wrong_shifts"],
    )  # fmt: skip


@lru_cache(maxsize=1)
def rules_digest() -> str:
    """Return one SHA-256 over the tables that decide: attributes, safe private elements, vocabularies."""
    digest = hashlib.sha256()
    for path in sorted(files(tables).iterdir(), key=lambda one: one.name):
        if path.name.endswith((".json", ".txt")):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _share(given: dict[str, Any]) -> AuditShare:
    return AuditShare(right=given["right"], of=given["of"], low=given["low"])


def dicom_below(source: Path) -> list[Path]:
    """Return the DICOM files of a folder, or a file itself; `NotFound` where there is neither."""
    if not source.exists():
        raise NotFound("The folder to audit with is not there.", advice="Check the path of IN.")
    places = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    return [path for path in places if not path.is_symlink() and sniff(path) is Kind.DICOM]


def write_audit(measured: Measured, report: Path) -> None:
    """Write `audit.json`, which names nobody and travels, `audit.html` to print, and `audit-failures.csv`, which stays."""
    from midas.deid.audit.report import page

    private(report)
    told = measured.score
    notes = [f"{told.engine} · profile {told.profile[:16]}… · rules {told.rules[:16]}…"]
    with whole_file(report / "audit.html", mode=0o600) as stream:
        stream.write(page(measured.whole, title="Audit of de-identification", notes=notes))
    with whole_file(report / "audit.json", mode=0o600) as stream:
        stream.write(measured.score.model_dump_json(by_alias=True, indent=1).encode() + b"\n")
    with whole_file(report / "audit-failures.csv", mode=0o600) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("file", "action", "area", "came_out", "why"))
        for one in measured.whole.failures():
            row = (one.check.file, one.check.action, one.check.area, one.released, one.why)
            rows.writerow([inert(str(cell)) for cell in row])
        text.detach()
