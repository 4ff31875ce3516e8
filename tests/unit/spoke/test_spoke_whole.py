"""Whole series at the spoke: each is looked at once with all its files; what stops holds it, the rest is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.quality import phantoms
from tests.unit.spoke.conftest import CLOCK

from midas import compute
from midas.protocol import load_named, parse
from midas.spoke import flow
from midas.spoke.intake import items
from midas.spoke.vault.projects import desk, open_project


def of_person(folder: Path, numbers: range, lost: int) -> None:
    """Slices of a phantom as Ramesh's, one of them not there."""
    folder.mkdir(parents=True)
    for number in numbers:
        if number == lost:
            continue
        ds = phantoms.ct(number)
        ds.PatientID, ds.PatientName, ds.StudyDate = "WR/24/0001", "Deshmukhwar^Ramesh", "20240113"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.77.1", "1.2.77.1.1"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.77.1.1.{number}"
        ds.save_as(folder / f"{number}.dcm")


@pytest.fixture
def gapped(export: Path) -> Path:
    of_person(export / "scans" / "whole", range(1, 9), lost=5)
    return export


def found(work: Any) -> list[tuple[str, list[str]]]:
    mine = [
        one for one in items.of_project(work.project).order_by("pk") if "/whole/" in items.name_of(work, one)
    ]
    return [
        (one.state, [told["rule"] for told in one.findings if told["rule"].startswith("series.")])
        for one in mine
    ]


def take(work: Any, folder: Path) -> None:
    flow.receive(home=work.home, folder=folder, runner=compute.here(), clock=CLOCK)


def test_a_gap_is_told_once_and_holds_nothing(work: Any, gapped: Path) -> None:
    take(work, gapped)
    told = found(work)
    assert len(told) == 7
    assert {state for state, _ in told} == {"waiting"}
    assert max(told, key=lambda one: len(one[1]))[1] == ["series.numbers", "series.slice-gap"]
    assert sum(bool(rules) for _, rules in told) == 1


def test_where_the_protocol_says_error_the_whole_series_is_held(work: Any, gapped: Path) -> None:
    source = load_named("oral-cancer").source
    limit = "    quality: [{check: series.slice-gap, severity: error}]\n"
    changed = source.replace("  - id: face-neck-ct\n", f"  - id: face-neck-ct\n{limit}")
    assert changed != source
    open_project(home=work.home, loaded=parse(changed.encode()))
    take(desk(home=work.home), gapped)
    told = found(desk(home=work.home))
    assert {state for state, _ in told} == {"held"}
    assert all("series.slice-gap" in rules for _, rules in told)


def test_what_a_worker_runs_needs_no_database() -> None:
    said = "import sys; import midas.spoke.bench; print('django.db.models' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
