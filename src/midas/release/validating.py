"""Do the papers of a release pass the validators of their standards? In come files; out come the standards that pass.

A validator that is not installed says nothing: its standard is then neither valid nor wrong.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from importlib import resources

CROISSANT, DATACITE = "Croissant", "DataCite"
SCHEMA = "datacite-v4.5.json"
"""DataCite's own (PyPI `datacite` 1.4.1, under the licence beside it): the newest that is published as JSON Schema."""


def validated(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the standards that the papers pass. Nothing is fetched: the descriptions alone are read."""
    return [
        *([CROISSANT] if _croissant(files["croissant.json"]) else ()),
        *([DATACITE] if _datacite(files["datacite.json"]) else ()),
    ]


def _croissant(data: bytes) -> bool:
    try:
        import mlcroissant
    except ImportError:
        return False
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        found = mlcroissant.Dataset(jsonld=json.loads(data))
    except mlcroissant.ValidationError:
        return False
    return not found.metadata.ctx.issues.errors


def _datacite(data: bytes) -> bool:
    try:
        import jsonschema
    except ImportError:
        return False
    schema = json.loads(resources.files(__package__).joinpath(SCHEMA).read_text("utf-8"))
    return bool(jsonschema.Draft201909Validator(schema).is_valid(json.loads(data)))
