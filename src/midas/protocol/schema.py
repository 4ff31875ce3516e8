"""The protocol's JSON Schema, made from the model; the published file is what editors and other programs read."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from midas.protocol.model import Protocol

SCHEMA_FILE = "midas-protocol-1.schema.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a protocol file."""
    made = Protocol.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:midas:schema:{SCHEMA_FILE}",
        **made,
        "title": "MIDAS dataset protocol, version 1",
    }


def schema_text() -> str:
    """Return the schema as the published file holds it."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def published() -> str:
    """Return the text of the published file."""
    return (resources.files("midas.protocol") / SCHEMA_FILE).read_text(encoding="utf-8")
