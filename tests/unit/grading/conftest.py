"""A centre and a nodal centre with one dataset to assess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from midas.catalogue.models import Dataset
from midas.grading import open_lite, open_technical, state
from midas.grading.models import Assessment
from midas.kernel import Evidence, FixedClock
from midas.people import add_account, give_role
from midas.people.models import Account, Role
from midas.store import Blobs

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@dataclass
class Centre:
    dataset: Dataset
    store: Blobs
    curator: Account
    nodal: Account
    clock: FixedClock

    def lite(self, evidence: Iterable[Evidence] = ()) -> Assessment:
        return open_lite(
            dataset=self.dataset, version="1.0.0", evidence=evidence, by=self.curator, clock=self.clock
        )

    def technical(self, lite: Assessment, evidence: Iterable[Evidence] = ()) -> Assessment:
        return open_technical(lite=lite, evidence=evidence, by=self.nodal, clock=self.clock)

    def state(
        self, assessment: Assessment, kind: str = "stewardship.dpia", value: Any = True, **more: Any
    ) -> Any:
        told = {"document": b"%PDF-1.4 a paper", "name": "dpia.pdf", "by": self.curator} | more
        return state(
            assessment=assessment, kind=kind, value=value, store=self.store, clock=self.clock, **told
        )


@pytest.fixture
def centre(db: None, tmp_path: Path) -> Centre:
    people = {name: add_account(name=name, password="a long river of words") for name in ("asha", "ravi")}
    give_role(account=people["asha"], role=Role.CURATOR, dataset="oral-cancer")
    give_role(account=people["ravi"], role=Role.NODAL)
    dataset = Dataset.objects.create(slug="oral-cancer", created_at=NOW)
    store = Blobs.at(tmp_path / "blobs")
    return Centre(dataset, store, people["asha"], people["ravi"], FixedClock(NOW))
