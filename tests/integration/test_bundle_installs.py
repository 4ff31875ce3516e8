"""The offline bundle installs, makes a hub and serves nothing of the network: in a network namespace that has none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.system("unshare", "npm")
@pytest.mark.timeout(1800)
def test_the_bundle_installs_without_a_network(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "bundle.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-3000:]
    archive = max((ROOT / "dist").glob("midas-*-offline.tar"), key=lambda one: one.stat().st_mtime)
    with tarfile.open(archive) as held:
        held.extractall(tmp_path, filter="data")
    [folder] = [one for one in tmp_path.iterdir() if one.is_dir()]
    for name in ("sbom-python.cdx.json", "sbom-pages.cdx.json"):
        assert json.loads((folder / name).read_text("utf-8"))["bomFormat"] == "CycloneDX"
    there, home = tmp_path / "midas-installed", tmp_path / "hub"
    script = f"""
set -eu
! {shutil.which("python3") or sys.executable} -c 'import socket; socket.create_connection(("192.0.2.1", 80), 2)' 2>/dev/null
sh "{folder}/install.sh" "{there}"
"{there}/bin/midas" hub init --home "{home}" --json
"{there}/bin/midas" hub protocol add oral-cancer --home "{home}" --json
"""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHON": sys.executable, "LC_ALL": "C.UTF-8"}
    run = subprocess.run(
        ["unshare", "-rn", "bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        cwd=tmp_path,
    )
    assert run.returncode == 0, (run.stdout[-1500:], run.stderr[-3000:])
    assert (home / "hub.sqlite3").exists()


@pytest.mark.long
@pytest.mark.system("unshare", "npm")
@pytest.mark.timeout(1800)
def test_a_changed_bundle_is_not_installed(tmp_path: Path) -> None:
    archives = sorted((ROOT / "dist").glob("midas-*-offline.tar"), key=lambda one: one.stat().st_mtime)
    if not archives:
        pytest.skip("no bundle has been made: run the test above first")
    with tarfile.open(archives[-1]) as held:
        held.extractall(tmp_path, filter="data")
    [folder] = [one for one in tmp_path.iterdir() if one.is_dir()]
    wheel = next((folder / "wheels").glob("*.whl"))
    wheel.chmod(0o600)
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    run = subprocess.run(
        ["sh", str(folder / "install.sh"), str(tmp_path / "there")], capture_output=True, check=False
    )
    assert run.returncode != 0
    assert not (tmp_path / "there").exists()
