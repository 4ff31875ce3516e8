"""How the hub's images are found and looked at: an index of every instance, and scopes that say who sees which.

In come blobs that are DICOM, and which of them belong to a release, twin, draft or reading task; out come ready answers
to searches, metadata, and where each frame lies. Nothing is parsed when it is asked for, and nobody's right is decided here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.catalogue.lens.finding import Found as Found
    from midas.catalogue.lens.finding import frames_of as frames_of
    from midas.catalogue.lens.finding import metadata_of as metadata_of
    from midas.catalogue.lens.finding import objects as objects
    from midas.catalogue.lens.finding import scope_of as scope_of
    from midas.catalogue.lens.indexing import Indexed as Indexed
    from midas.catalogue.lens.indexing import index_bytes as index_bytes
    from midas.catalogue.lens.indexing import index_file as index_file
    from midas.catalogue.lens.publishing import complete as complete
    from midas.catalogue.lens.publishing import drop as drop
    from midas.catalogue.lens.publishing import keep as keep
    from midas.catalogue.lens.publishing import publish as publish
    from midas.catalogue.lens.publishing import retract as retract

_DOOR = {
    "Found": "finding", "frames_of": "finding", "metadata_of": "finding", "objects": "finding", "scope_of": "finding",
    "Indexed": "indexing", "index_bytes": "indexing", "index_file": "indexing", "complete": "publishing",
    "drop": "publishing", "keep": "publishing",
    "publish": "publishing", "retract": "publishing",
}  # fmt: skip
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: worker processes index without Django."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.catalogue.lens.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.catalogue.lens' has no attribute {name!r}")
