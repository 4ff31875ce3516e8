"""Where the vendored viewer (OHIF) stands, and the policy under which it runs; `tools/build_assets.py` brought it here.

The viewer compiles WebAssembly, starts workers and writes styles at run time, which no page of the sites does. So its
pages have a policy of their own; they hold no inline script and may ask this host only.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from midas.kernel import Unavailable

STATIC = Path(__file__).parent / "static"
AT = "vendor/ohif"
IMMUTABLE = rf"^/static/{AT}/"
"""Its address holds its version: what a browser has of it stays right."""
_PROGRAM = "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' blob: data:; worker-src 'self' blob:"
_DECODERS = re.compile(r"/(8097\.bundle\.[0-9a-f]+|dataLoader\.worker\.min)\.js$")
"""The two workers that decompress pixels (JPEG, JPEG 2000, JPEG-LS). Their WebAssembly was built with names that it makes
as functions at run time, so that only they, who see no page and may ask this host only, may evaluate strings."""
POLICY = (
    f"default-src 'none'; {_PROGRAM}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a browser asks for before it shares memory between a page and its workers: volumes are loaded once that way."""


@dataclass(frozen=True)
class Viewer:
    """Addresses below `/static/`: the folder, the program, its styles."""

    folder: str
    script: str
    style: str


@lru_cache(maxsize=1)
def vendored() -> Viewer:
    """Return what was vendored; `Unavailable` where the front-end files were not built."""
    for script in sorted((STATIC / AT).glob("*/app.bundle.*.js")):
        folder = f"{AT}/{script.parent.name}/"
        return Viewer(folder, folder + script.name, f"{folder}app.bundle.css")
    raise Unavailable("The viewer is not installed here.", advice="Run `python tools/build_assets.py`.")


def static_headers(headers: MutableMapping[str, str], path: str, url: str) -> None:
    """Give the viewer's files their policy: a worker obeys that of its own file."""
    del path
    if url.startswith(f"/static/{AT}/"):
        program = _PROGRAM.replace("'wasm", "'unsafe-eval' 'wasm") if _DECODERS.search(url) else _PROGRAM
        headers["Content-Security-Policy"] = f"default-src 'none'; {program}"
        for name, value in ISOLATION.items():
            headers[name] = value
