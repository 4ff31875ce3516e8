"""A draft becomes an immutable, verifiable release, and a synthetic twin that anyone may look at.

In comes what the catalogue has registered, under one protocol; out goes a sealed set of files with a key that follows
from its content. A release is never changed after it is cut: a withdrawal takes one person out and leaves the key.
The names are found when first used, because Django reads this package before its models may be read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.release import look
    from midas.release.checking import check_gates
    from midas.release.content import About, Content, LeftOut
    from midas.release.cutting import cut
    from midas.release.drafting import new_draft
    from midas.release.exporting import export
    from midas.release.publication import publish_tables
    from midas.release.sealing import entries, seal_of, tree_of
    from midas.release.searching import find
    from midas.release.twin import make_twin
    from midas.release.withdrawal import take_out

_HOMES = {
    "About": "content", "Content": "content", "LeftOut": "content", "check_gates": "checking", "cut": "cutting",
    "entries": "sealing",
    "export": "exporting",
    "find": "searching", "look": "look", "make_twin": "twin", "new_draft": "drafting",
    "publish_tables": "publication", "seal_of": "sealing",
    "take_out": "withdrawal", "tree_of": "sealing",
}  # fmt: skip

__all__ = [
    "About", "Content", "LeftOut", "check_gates", "cut", "entries", "export", "find", "look", "make_twin", "new_draft",
    "publish_tables", "seal_of", "take_out", "tree_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'midas.release' has no attribute {name!r}")
    module = importlib.import_module(f"midas.release.{_HOMES[name]}")
    return module if name == "look" else getattr(module, name)
