"""How many instances and frames a second one connection brings, asked by `wrk`, which costs next to nothing itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import httpx
from benchmarks.dicomweb.measure import BIG

SECONDS = 6
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


def rates(root: str, *, token: str = "", connections: int = 1) -> dict[str, float]:
    """Return name → answers a second over the 100 slices (0.5 MB each) of one series; nothing without `wrk`."""
    if shutil.which("wrk") is None:
        return {}
    headers = {"Accept": "application/dicom+json", **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(base_url=root, headers=headers, timeout=60) as client:
        study = client.get(f"/studies?PatientID={BIG}").json()[0]["0020000D"]["Value"][0]
        found = client.get(f"/studies/{study}/instances").json()
    series = found[0]["0020000E"]["Value"][0]
    base = f"{urlparse(root).path.rstrip('/')}/studies/{study}/series/{series}/instances/"
    ids = ", ".join(json.dumps(one["00080018"]["Value"][0]) for one in found)
    authorization = f'wrk.headers["Authorization"] = "Bearer {token}"' if token else ""
    return {
        name: _asked(
            root, LUA.format(ids=ids, accept=accept, authorization=authorization, base=base, below=below), connections
        )
        for name, (below, accept) in WANTED.items()
    }  # fmt: skip


def _asked(root: str, script: str, connections: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ask.lua"
        path.write_text(script)
        words = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(path), root]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    if wrong := re.search(r"Non-2xx or 3xx responses: \d+", said):
        raise SystemExit(wrong.group())
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))  # type: ignore[union-attr]
