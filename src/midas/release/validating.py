"""Do the papers of a release pass the validators of their standards? In come files; out come the standards that pass.

A validator that is not installed says nothing: its standard is then neither valid nor wrong.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

CROISSANT = "Croissant"


def validated(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the standards that the papers pass. Nothing is fetched: the description alone is read."""
    try:
        import mlcroissant
    except ImportError:
        return []
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        found = mlcroissant.Dataset(jsonld=json.loads(files["croissant.json"]))
    except mlcroissant.ValidationError:
        return []
    return [] if found.metadata.ctx.issues.errors else [CROISSANT]
