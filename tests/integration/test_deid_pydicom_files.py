"""Every DICOM file that ships with pydicom is cleaned or held with a reason; dciodvfy sees no new kind of error."""

from __future__ import annotations

import re
import subprocess
import warnings
from pathlib import Path

import pydicom
import pytest
from tests.deid_bench import Bench

from midas.deid import clean, tables
from midas.deid.profiles import load_profile

DATA = Path(pydicom.__file__).parent / "data"
FILES = sorted(
    p for p in DATA.rglob("*") if p.is_file() and p.suffix in {".dcm", ""} and p.stat().st_size < 2_000_000
)
WORDS = (
    "PatientName",
    "PatientID",
    "ReferringPhysicianName",
    "InstitutionName",
    "AccessionNumber",
    "OperatorsName",
)
REASONS = {
    "not-an-instance",
    "incomplete-identity",
    "truncated",
    "unreadable",
}


def _stated(path: Path) -> set[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            values = [str(ds.get(keyword) or "") for keyword in WORDS]
        except Exception:  # noqa: BLE001 - broken on purpose: the reader's trouble is not what is tested
            return set()
    words = {word.encode() for value in values for word in re.findall(r"[^\W\d_]{6,}", value)}
    makers = {word for word in words if word.decode("latin-1").lower() in tables.makers()}
    return words - makers - {b"anonymous", b"Anonymous", b"Unknown", b"REMOVED"}


def _cleaned(tmp_path: Path) -> dict[Path, Path]:
    bench, done = Bench(tmp_path), {}
    for number, path in enumerate(FILES):
        target = tmp_path / "out" / f"{number}.dcm"
        job = bench.job(path, target=target, profile=load_profile("research"), accepted_risk=True)
        outcome = clean(job)
        assert job.target.exists() == (outcome.state == "cleaned")
        assert outcome.state == "cleaned" or outcome.reason in REASONS, (
            path.name,
            outcome.reason,
            outcome.detail,
        )
        if outcome.state == "cleaned":
            done[path] = job.target
    return done


def test_all_are_cleaned_or_held_and_none_leaks(tmp_path):
    done = _cleaned(tmp_path)
    assert len(done) > 100
    for source, target in done.items():
        header = target.read_bytes()[:20_000]
        assert not [word for word in _stated(source) if word in header], source.name


@pytest.mark.system("dciodvfy")
def test_dciodvfy_reports_no_kind_of_error_that_the_input_had_not(tmp_path):
    for source, target in _cleaned(tmp_path).items():
        if source.name in {"image_dfl.dcm", "deflated.dcm"}:
            continue  # dciodvfy cannot read deflated input, so there is nothing to compare with
        assert _errors(target) <= _errors(source), source.name


def _errors(path: Path) -> set[str]:
    found = subprocess.run(
        ["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    return {
        re.sub(r"<[\d. ]+>|UID [\d.]+", "<uid>", line)
        for line in found.stderr.splitlines()
        if line.startswith("Error")
    }
