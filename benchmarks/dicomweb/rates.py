"""How many instances and frames a second one connection brings, asked by `wrk`, which costs next to nothing itself."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import httpx
from benchmarks.dicomweb.measure import BIG
from benchmarks.dicomweb.servers import Root
from rich.progress import track

SECONDS, ROUNDS = 2, 9
WANTED = {
    "instances/s": ("", 'multipart/related; type="application/dicom"'),
    "frames/s": ("/frames/1", 'multipart/related; type="application/octet-stream"'),
}
"""Name → what follows an instance's address, and the media type that is accepted."""
LUA = """
local ids, n = {{{ids}}}, 0
wrk.headers["Accept"] = '{accept}'
{authorization}
request = function() n = n + 1; return wrk.format("GET", "{base}" .. ids[n % #ids + 1] .. "{below}") end
"""


def rates(servers: dict[str, Root], *, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Return server → name → median of answers a second over the 100 slices (0.5 MB each) of one series.

    The servers take turns. Nothing without `wrk`.
    """
    if shutil.which("wrk") is None:
        return {}
    scripts = {server: _scripts(root) for server, root in servers.items()}
    found: dict[str, dict[str, list[float]]] = {server: {name: [] for name in WANTED} for server in servers}
    for _ in track(range(rounds), "Rates"):
        for server, root in servers.items():
            for name, script in scripts[server].items():
                found[server][name].append(_asked(root.url, script))
    return {
        server: {name: statistics.median(each) for name, each in one.items()} for server, one in found.items()
    }


def _scripts(root: Root) -> dict[str, str]:
    """Return for each name what `wrk` asks for."""
    token = {"Authorization": f"Bearer {root.token}"} if root.token else {}
    headers = {"Accept": "application/dicom+json", **token}
    with httpx.Client(base_url=root.url, headers=headers, timeout=60) as client:
        study = client.get(f"/studies?PatientID={BIG}").json()[0]["0020000D"]["Value"][0]
        found = client.get(f"/studies/{study}/instances").json()
    series = found[0]["0020000E"]["Value"][0]
    base = f"{urlparse(root.url).path.rstrip('/')}/studies/{study}/series/{series}/instances/"
    ids = ", ".join(json.dumps(one["00080018"]["Value"][0]) for one in found)
    authorization = f'wrk.headers["Authorization"] = "Bearer {root.token}"' if root.token else ""
    return {
        name: LUA.format(ids=ids, accept=accept, authorization=authorization, base=base, below=below)
        for name, (below, accept) in WANTED.items()
    }


def _asked(root: str, script: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ask.lua"
        path.write_text(script)
        words = ["wrk", "-t1", "-c1", f"-d{SECONDS}s", "-s", str(path), root]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    if wrong := re.search(r"Non-2xx or 3xx responses: \d+", said):
        raise SystemExit(wrong.group())
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))  # type: ignore[union-attr]
