"""The spoke measures itself: identifiers of nobody are planted in copies of its own images, cleaned, and looked for.

In comes a desk; out comes an `AuditScore`, kept in the home and sent with every parcel. One audit stands for a protocol and
an engine: when either changes, the next parcel needs a new one where the protocol sets a floor.
"""

from __future__ import annotations

import random
from pathlib import Path

from midas import deid
from midas.deid.measured import USUAL, Measured, measure
from midas.deid.model import ENGINE
from midas.formats import Kind
from midas.kernel import BadInput, Conflict, NoProgress, Progress, Runner, whole_file
from midas.spoke.home import private_folder, scratch_folder
from midas.spoke.intake import items, store
from midas.spoke.intake.models import State
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import AuditScore

SOURCES = 200
"""Received files that one audit looks at, at most; from these it plants as many as are asked for."""


def audit(
    desk: Desk, *, runner: Runner, seed: int, number: int = USUAL, progress: Progress | None = None
) -> Measured:
    """Measure and keep the score. `BadInput` where nothing was received yet.

    A spoke of photographs and tables alone has no DICOM file to plant in: the kinds that the audit makes serve for it.
    """
    if not items.of_project(desk.project).exists():
        raise BadInput("There is nothing to audit with.", advice="Receive an export first.")
    sources = _sources(desk, seed)
    profile = deid.Profile.of(desk.protocol, desk.project.protocol_sha256)
    with scratch_folder(desk.home) as folder:
        measured = measure(
            sources, profile=profile, seed=seed, runner=runner, number=number, progress=progress or NoProgress(),
            within=folder,
        )  # fmt: skip
    with whole_file(_place(desk), mode=0o600) as stream:
        stream.write(measured.score.model_dump_json(by_alias=True, indent=1).encode())
    return measured


def _sources(desk: Desk, seed: int) -> list[Path]:
    """Draw from what may yet be sent: what a person withdrew, or somebody decided against, serves for nothing more."""
    found = items.of_project(desk.project).filter(kind=Kind.DICOM.value)
    found = found.exclude(stored="").exclude(state=State.REFUSED)
    places = sorted(set(found.values_list("stored", flat=True)))
    chosen = random.Random(seed).sample(places, min(SOURCES, len(places)))  # noqa: S311 - a sample, not a key
    return [path for place in chosen if (path := store.place_of(desk.home, place)).is_file()]


def _place(desk: Desk) -> Path:
    return private_folder(desk.home.path / "audits") / f"{desk.project.slug}.json"


def last_audit(desk: Desk) -> AuditScore | None:
    """Return the audit that stands for this protocol and this engine, if there is one."""
    path = desk.home.path / "audits" / f"{desk.project.slug}.json"
    if not path.is_file():
        return None
    score = AuditScore.model_validate_json(path.read_bytes())
    return score if (score.profile, score.engine) == (desk.project.protocol_sha256, ENGINE) else None


def audit_to_send(desk: Desk) -> AuditScore | None:
    """Return the audit for a parcel; `Conflict` where the protocol sets a floor and there is none."""
    found = last_audit(desk)
    if found is None and desk.protocol.deid.audit is not None:
        raise Conflict(
            "The protocol asks for an audit of this spoke's de-identification, and none stands for this version.",
            advice="Run `midas spoke audit`, then send again.",
        )
    return found
