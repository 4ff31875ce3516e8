"""Write `src/midas/quality/iods.json`: what each image object must hold, by its SOP class.

    python tools/generate_iods.py

Comes in: the PS3.3 module and IOD tables that highdicom ships (`_standard`, MIT). Goes out: for each SOP class of images the
modules of usage M, and for each such module its attributes of type 1 and 2, also those in items of a sequence; deeper ones
and what is conditional (1C, 2C, C: their conditions stand in prose) are left out. Nothing is downloaded.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "src" / "midas" / "quality" / "iods.json"
CLASSES = (
    "1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "2.1", "4", "4.1", "12.1", "12.2", "13.1.1", "13.1.2",
    "77.1.1", "77.1.4", "77.1.6",
)  # fmt: skip
"""Tails below 1.2.840.10008.5.1.4.1.1: CR, DX, MG, IO, CT, MR (also enhanced), XA, RF, 3D X-ray, photographs, slides."""


def table() -> dict[str, Any]:
    folder = resources.files("highdicom") / "_standard"
    iods, modules, classes = (
        json.loads((folder / f"{name}.json").read_text())
        for name in ("iod_module_map", "module_attribute_map", "sop_class_iod_map")
    )
    of_class = {}
    for tail in CLASSES:
        uid = f"1.2.840.10008.5.1.4.1.1.{tail}"
        of_class[uid] = [one["key"] for one in iods[classes[uid]] if one["usage"] == "M"]
    used = sorted({module for keys in of_class.values() for module in keys})
    return {"classes": of_class, "modules": {module: _attributes(modules[module]) for module in used}}


def _attributes(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """Return [path, keyword, type] of each attribute that must be there where its sequences are."""
    kept = {
        ("/".join(row["path"]), row["keyword"], int(row["type"]))
        for row in rows
        if row["type"] in {"1", "2"} and len(row["path"]) < 2
    }
    return [list(one) for one in sorted(kept)]


def text() -> str:
    """Return the file as it is published: one module a line."""
    found = table()
    lines = {
        name: ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in part.items())
        for name, part in found.items()
    }
    return "{" + ",\n".join(f'"{name}": {{\n{body}\n}}' for name, body in lines.items()) + "}\n"


if __name__ == "__main__":
    OUT.write_text(text(), encoding="utf-8")
    print(f"{OUT.name}: {len(table()['classes'])} SOP classes, {len(table()['modules'])} modules")
