"""An audit of de-identification that stands: of a spoke that measured itself and came out above the shipped floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midas.wire.v1 import AuditScore

if TYPE_CHECKING:
    from midas.spoke.vault.projects import Desk


def audit(profile: str, /, **changed: Any) -> dict[str, Any]:
    """Return it as it stands in a report, under the protocol with this SHA-256."""
    share = {"right": 4970, "of": 5000, "low": 99.2}
    return {
        "schema": "midas-deid-audit/1", "profile": profile, "engine": "midas-deid 0.1.0", "seed": 7, "files": 60,
        "released": 60, "all": share, "on_released": share, "actions": {"text_removed": share},
        "leaks": {"identifier": 0, "date": 0, "uid": 0, "path": 0}, "wrong_shifts": 0, **changed,
    }  # fmt: skip


def measured(desk: Desk, **changed: Any) -> AuditScore:
    """Put it where `midas spoke audit` keeps it, made by this engine under the desk's protocol."""
    from midas.spoke.auditing import ENGINE
    from midas.spoke.home import private_folder

    score = AuditScore.model_validate(audit(desk.project.protocol_sha256, **{"engine": ENGINE, **changed}))
    place = private_folder(desk.home.path / "audits") / f"{desk.project.slug}.json"
    place.write_text(score.model_dump_json(by_alias=True), "utf-8")
    return score
