"""The public Python client: open a release, read its tables and images, download it; spokes send through it too.

In come names of releases, folders and tokens; out come tables, arrays and files whose hashes were checked. It never
imports a server, and heavier libraries (Polars, DuckDB, pydicom, PyTorch) only when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.sdk.client import Client as Client
    from midas.sdk.client import Patience as Patience
    from midas.sdk.images import Image as Image
    from midas.sdk.release import Release as Release
    from midas.sdk.release import open as open

WHERE = {
    "Client": "client", "Patience": "client", "Image": "images", "Release": "release", "open": "release",
}  # fmt: skip

__all__ = ["Client", "Image", "Patience", "Release", "open"]


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"module 'midas.sdk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"midas.sdk.{WHERE[name]}"), name)
