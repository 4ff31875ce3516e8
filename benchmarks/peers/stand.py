"""The stand on which every tool runs: its environment, its turn, its outputs, and which output came from which file.

In come a planted corpus and the list of tools (`tools.json`), out come `Turn`s. A tool that cannot be installed or fails
is a turn with a reason; it never stops the table. Tools run one after the other, so that the times are fair.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = Path(sys.prefix) / "peers"
LONGEST = 1500
"""Seconds that a tool may take for the corpus."""


@dataclass(frozen=True)
class Turn:
    """One tool's run: outputs under `clean`, seconds, and pairs (planted path → output); `why` where it did not run."""

    name: str
    version: str
    clean: Path
    seconds: float = 0.0
    pairs: dict[Path, Path] = field(default_factory=dict)
    why: str = ""


def tools() -> list[dict[str, Any]]:
    return list(json.loads((HERE / "tools.json").read_text())["tools"])


def environment(name: str, packages: list[str], version: str = "") -> Path | str:
    """Return the Python of a tool's own environment, made if need be; a sentence where that cannot be done."""
    folder = ENVIRONMENTS / name
    python, done = folder / "bin" / "python", folder / "done"
    if done.exists() and done.read_text() == "\n".join(packages):
        return python
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if not uv:
        return "uv is missing"
    made = subprocess.run(
        [uv, "venv", "-q", "--clear", "--python", _python(version), folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode == 0:
        made = subprocess.run(
            [uv, "pip", "install", "-q", "--python", python, *packages],
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        return (made.stderr.strip().splitlines() or ["cannot be installed"])[-1][:90]
    done.write_text("\n".join(packages))
    return python


def _python(version: str) -> str:
    """Return a Python of this version, or this one; versions of pyenv are looked up, since uv only knows active ones."""
    if not version:
        return sys.executable
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(kept[-1]) if kept else version


def run(tool: dict[str, Any], source: Path, work: Path) -> Turn:
    """Let one tool de-identify `source` into `work`."""
    name, out = tool["name"], work / tool["name"]
    missing = [
        p
        for p in tool.get("programs", [])
        if not shutil.which(p, path=os.environ.get("PATH", "") + ":/usr/sbin")
    ]
    if missing:
        return Turn(name, tool["version"], out, why=f"{missing[0]} is not installed")
    python: Path | str = Path(sys.executable)
    if tool["packages"]:
        python = environment(name, tool["packages"], tool.get("python", ""))
    if isinstance(python, str):
        return Turn(name, tool["version"], out, why=python)
    start = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:  # some drop logs and data bases where they are started
            done = subprocess.run(
                [python, "-W", "ignore", HERE / "drive.py", name, source.resolve(), out.resolve()],
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
                cwd=folder,
            )
    except subprocess.TimeoutExpired:
        return Turn(name, tool["version"], out, why=f"took more than {LONGEST} s")
    seconds = time.perf_counter() - start
    if not (out / "result.json").exists():
        return Turn(
            name, tool["version"], out, why=(done.stderr.strip().splitlines() or ["no result"])[-1][:90]
        )
    result = json.loads((out / "result.json").read_text())
    clean = out / "clean"
    pairs = {source / a: clean / b for a, b in result["pairs"].items()} or dict(alike(source, clean))
    asked = result["errors"].get("anonymise+download ms")
    return Turn(name, tool["version"], clean, asked / 1000 if asked else seconds, pairs)


def alike(source: Path, clean: Path) -> Iterator[tuple[Path, Path]]:
    """Pair files with outputs that a tool renamed: by content that no de-identification changes, then by shape."""
    left = {path: None for path in sorted(clean.rglob("*")) if path.is_file()}
    files = sorted(path for path in source.rglob("*") if path.is_file())
    paired: set[Path] = set()
    for mark in (_content, _shape):
        marks: dict[str, list[Path]] = defaultdict(list)
        for path in left:
            marks[mark(path)].append(path)
        for path in files:
            if path not in paired and marks.get(key := mark(path)):
                found = marks[key].pop(0)
                del left[found]
                paired.add(path)
                yield path, found


def _content(path: Path) -> str:
    ds = pydicom.dcmread(path, force=True)
    parts = [
        bytes(ds[k].value)
        for k in ("PixelData", "EncapsulatedDocument")
        if k in ds and isinstance(ds[k].value, bytes)
    ]
    if "WaveformSequence" in ds:
        parts.append(bytes(ds.WaveformSequence[0].get("WaveformData", b"")))
    return f"{_shape(path)}|{hashlib.sha256(b''.join(parts)).hexdigest()}"


def _shape(path: Path) -> str:
    ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    return "|".join(
        str(ds.get(k, ""))
        for k in (
            "SOPClassUID",
            "Modality",
            "Rows",
            "Columns",
            "NumberOfFrames",
            "SeriesNumber",
            "InstanceNumber",
            "SliceLocation",
            "ImagePositionPatient",
        )
    )
