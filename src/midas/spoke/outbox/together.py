"""Whom all hospitals of the dataset have collected: asked of the hub with the spoke's own token, and kept aside.

In come counts in which no other hospital's few persons can be told apart; out go the last ones that the hub told, with their
day, also while it cannot be reached. Nothing leaves but the question.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import ValidationError

from midas.kernel import Clock, MidasError
from midas.spoke.outbox.models import Together
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import CoverageTotal


class Hub(Protocol):
    """What is asked of a hub; `midas.sdk.Client` is one."""

    def coverage(self, dataset: str) -> CoverageTotal: ...


def ask(desk: Desk, *, hub: Hub, clock: Clock) -> str:
    """Keep what the hub tells now. Where it does not tell, keep that, let stand what it told before, and return why not."""
    kept, _ = Together.objects.get_or_create(project=desk.project)
    try:
        told = hub.coverage(desk.project.slug)
    except MidasError as error:
        kept.missed_at = clock.now()
        kept.save(update_fields=["missed_at"])
        return str(error)
    kept.told, kept.told_at, kept.missed_at = told.model_dump(mode="json"), clock.now(), None
    kept.save()
    return ""


def last(desk: Desk) -> tuple[Together | None, CoverageTotal | None]:
    """Return what is kept, and what the hub told if it ever did; told in a shape of before, it counts as not told yet."""
    kept = Together.objects.filter(project=desk.project).first()
    try:
        return kept, CoverageTotal.model_validate(kept.told) if kept and kept.told else None
    except ValidationError:
        return kept, None
