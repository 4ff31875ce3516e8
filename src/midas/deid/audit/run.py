"""The audit of one site: plant in copies of its own files, run its profile as every day, score, and say it in one value.

In come sources, a profile, a secret, a seed and a runner; out comes an `Audit` that a release can carry: figures with
intervals, the value that a protocol's floor is compared with, and what was measured (engine, profile and rules by digest).
Planted and cleaned copies lie under `out` and are removed again unless asked for.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from midas.deid import tables
from midas.deid.audit.outputs import read_map
from midas.deid.audit.plant import plant
from midas.deid.audit.report import page, text
from midas.deid.audit.score import Score, score
from midas.deid.folder import folder
from midas.deid.model import ENGINE, Profile
from midas.deid.secret import Secret
from midas.kernel import BadInput, NoProgress, Progress, Runner, canonical, whole_file

SCHEMA = "midas-deid-audit/1"


@dataclass(frozen=True)
class Audit:
    """What an audit measured. It holds no planted value: figures, places and kinds only."""

    engine: str
    profile: str
    profile_digest: str
    rules: str
    seed: int
    figures: dict[str, Any]
    score: Score | None = field(default=None, repr=False, compare=False)

    @property
    def value(self) -> float:
        """Share (0 to 1) of all required actions that were right, held files included: what a floor is compared with."""
        return float(self.figures["all"]["right"] / max(1, self.figures["all"]["of"]))

    @property
    def lowest(self) -> float:
        """Lower end (0 to 1) of the 95 % interval of `value`."""
        return float(self.figures["all"]["low"]) / 100

    @property
    def leaks(self) -> int:
        """Planted strings, true days, UIDs and telling paths found in the outputs' bytes."""
        return sum(self.figures["leaks"].values())

    @property
    def files(self) -> int:
        return int(self.figures["files"])

    @property
    def digest(self) -> str:
        """What was measured with what: changes with the engine, the profile, the tables and the figures."""
        return hashlib.sha256(canonical(self._told())).hexdigest()

    def meets(self, *, floor: float, files: int = 1, leaks: int = 0) -> bool:
        """Say whether a protocol's floor is reached: enough files planted, no more leaks than allowed, value at or above."""
        return self.files >= files and self.leaks <= leaks and self.value >= floor

    def _told(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "engine": self.engine,
            "profile": self.profile,
            "profile_digest": self.profile_digest,
            "rules": self.rules,
            "seed": self.seed,
            "figures": self.figures,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as a release carries it."""
        return {**self._told(), "value": round(self.value, 6), "leaks": self.leaks, "digest": self.digest}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Audit:
        """Read an audit back; `BadInput` where its digest does not fit its figures."""
        audit = cls(
            told["engine"],
            told["profile"],
            told["profile_digest"],
            told["rules"],
            told["seed"],
            told["figures"],
        )
        if told.get("schema") != SCHEMA or told.get("digest") != audit.digest:
            raise BadInput("This is no audit, or it was changed.", advice="Run the audit again.")
        return audit

    def text(self) -> str:
        """Return the figures for a terminal."""
        return text(self.score) if self.score else ""

    def html(self) -> bytes:
        """Return the printable page."""
        if self.score is None:
            raise BadInput(
                "An audit that was read back has no page.", advice="Keep the page that was written with it."
            )
        notes = [
            f"{self.engine} · profile {self.profile} ({self.profile_digest[:16]}…) · rules {self.rules[:16]}…"
        ]
        return page(self.score, title="Audit of de-identification", notes=notes)


def run(
    sources: Iterable[Path],
    *,
    profile: Profile,
    keys: Secret,
    seed: int,
    runner: Runner,
    out: Path,
    number: int = 60,
    textless: Callable[[Path], bool] | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> Audit:
    """Measure `profile` on `number` planted files made from `sources`; the folder `out` must be empty or new.

    `sources` are files of the site; they are read and never changed. With `keep`, the planted corpus, its outputs and the
    key stay under `out` beside `audit.json` and `audit.html`, which are always written.
    """
    watch = progress or NoProgress()
    answers = plant(sources, out=out / "planted", seed=seed, number=number, textless=textless)
    if not answers.files:
        raise BadInput("Nothing could be planted.", advice="Give a folder with DICOM files of this site.")
    report = out / "owner"
    folder(
        out / "planted",
        out / "cleaned",
        profile=profile,
        secret=keys,
        report=report,
        runner=runner,
        progress=watch,
    )
    found = score(
        answers, out / "cleaned", read_map(report / "uid-map.csv"), read_map(report / "patient-map.csv")
    )
    audit = Audit(ENGINE, profile.name, profile.digest, rules_digest(), seed, found.figures(), found)
    with whole_file(out / "audit.json") as stream:
        stream.write(canonical(audit.to_dict()))
    with whole_file(out / "audit.html") as stream:
        stream.write(audit.html())
    if not keep:
        for name in ("planted", "cleaned", "owner"):
            shutil.rmtree(out / name, ignore_errors=True)
    return audit


def rules_digest() -> str:
    """Return one SHA-256 over the tables that decide: attributes, safe private elements and vocabulary."""
    digest = hashlib.sha256()
    for path in sorted(files(tables).iterdir(), key=lambda one: one.name):
        if path.name.endswith((".json", ".txt")):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
