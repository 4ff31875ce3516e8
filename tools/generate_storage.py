"""Write `storage.json`, `types.json` and `makers.txt` of `midas.deid.tables`: kinds of objects, types of use, makers.

    python tools/generate_storage.py kinds             every storage SOP class of pydicom's UID dictionary (PS3.6 Table A-1)
    python tools/generate_storage.py types FOLDER      PS3.3 module and IOD tables as highdicom ships them (`_standard`, MIT)
    python tools/generate_storage.py makers            words of makers and devices: pydicom's private creators, our own list

Comes in: pydicom's dictionary, or the folder of highdicom's JSON files. Goes out: one JSON file beside
`midas/deid/tables/__init__.py` naming its source. Nothing is downloaded; a SOP class that no line below names becomes
an `object` only if PS3.6 lists it as storage, and the run prints it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import UID_dictionary

TABLES = Path(__file__).parents[1] / "src" / "midas" / "deid" / "tables"
ROOTS = tuple(f"1.2.840.10008.5.1.4.{arc}." for arc in ("1.1", "34", "38", "39", "43", "44", "45"))
S = ROOTS[0]
KINDS: dict[str, tuple[str, ...]] = {
    "audio": ("9.4.1", "9.4.2", "88.2"),
    "model": ("104.3", "104.4", "104.5"),
    "document": ("104.1", "104.2"),
    "foreign": ("501.", "601.", "201."),
    "report": ("88.", "79.1"),
    "image": (
        "1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "2.1", "2.2", "3", "3.1", "4", "4.1", "4.3", "4.4", "5",
        "6", "6.1", "6.2", "6.3", "7", "7.1", "7.2", "7.3", "7.4", "12.1", "12.1.1", "12.2", "12.2.1", "12.3", "13.", "14.",
        "20", "30", "77.1", "77.2", "77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1", "77.1.3", "77.1.4", "77.1.4.1", "77.1.5.1",
        "77.1.5.2", "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7", "77.1.5.8", "77.1.6", "77.1.7", "77.1.8", "77.1.9",
        "81.1", "82.1", "128", "128.1", "130", "481.1", "481.23", "481.24",
    ),
}  # fmt: skip
"""Tails of the UID below 1.2.840.10008.5.1.4.1.1; one that ends in a dot stands for all below it. `foreign`: no patients
(security, non-destructive testing, inventories of archives)."""
NEWER = {
    S + "66.7": "Label Map Segmentation Storage", S + "66.8": "Height Map Segmentation Storage",
    S + "9.100.1": "Waveform Presentation State Storage",
    S + "9.100.2": "Waveform Acquisition Presentation State Storage",
}  # fmt: skip
"""In PS3.6 since pydicom 3.0 was released."""
COMMON = frozenset({"39.1", "38.1", "43.1", "44.1", "45.1"})
"""Below 1.2.840.10008.5.1.4: palettes, hanging protocols and implant templates describe no patient and no study."""


def _kind(uid: str) -> str:
    if uid.removeprefix("1.2.840.10008.5.1.4.") in COMMON:
        return "common"
    tail = uid.removeprefix(S)
    for kind, tails in KINDS.items():
        if any(tail == one or (one.endswith(".") and tail.startswith(one)) for one in tails):
            return kind
    return "object"


def kinds() -> dict[str, Any]:
    """Return every storage SOP class of the dictionary with its kind."""
    classes = [
        {"uid": uid, "name": name, "kind": _kind(uid)}
        for uid, (name, what, _, _, _) in UID_dictionary.items()
        if what == "SOP Class" and " Storage" in name and uid.startswith(ROOTS)
    ]
    classes += [{"uid": uid, "name": name, "kind": _kind(uid)} for uid, name in NEWER.items()]
    print(Counter(row["kind"] for row in classes))
    print("objects:", ", ".join(row["name"] for row in classes if row["kind"] == "object"))
    source = {"package": "pydicom", "version": pydicom.__version__, "license": "MIT"}
    return {"standard": "DICOM PS3.6 Table A-1", "source": source, "classes": classes}


STRENGTH = ("1", "1C", "2", "2C", "3")


def types(folder: Path) -> dict[str, Any]:
    """Return, for each attribute whose rule depends on it, its type at the root by SOP class and in each sequence."""
    read = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("module_attribute_map", "iod_module_map", "sop_class_iod_map")
    }
    rules = json.loads((TABLES / "ps315_2026.json").read_text())["attributes"]
    wanted = {_keyword(row["tag"]) for row in rules if "/" in row["basic"]} - {""}
    inside: dict[str, dict[str, str]] = {}
    root: dict[str, dict[str, list[str]]] = {}
    for attributes in read["module_attribute_map"].values():
        for one in attributes:
            if one["keyword"] in wanted and one["path"]:
                _keep(inside.setdefault(one["keyword"], {}), one["path"][-1], one["type"])
    for uid, iod in sorted(read["sop_class_iod_map"].items()):
        found: dict[str, str] = {}
        for module in read["iod_module_map"][iod]:
            for one in read["module_attribute_map"].get(module["key"], ()):
                if one["keyword"] in wanted and not one["path"]:
                    _keep(found, one["keyword"], one["type"])
        for keyword, kind in found.items():
            root.setdefault(keyword, {}).setdefault(kind, []).append(uid.removeprefix(S))
    hashes = {name: hashlib.sha256((folder / f"{name}.json").read_bytes()).hexdigest() for name in read}
    source = {
        "package": "highdicom 0.28.2",
        "license": "MIT (the copy); facts of the DICOM Standard",
        "sha256": hashes,
    }
    rows = [{"keyword": k, "root": root.get(k, {}), "inside": inside.get(k, {})} for k in sorted(wanted)]
    return {"standard": "DICOM PS3.3", "source": source, "below": S, "attributes": rows}


def _keyword(tag: str) -> str:
    return pydicom.datadict.keyword_for_tag(int(tag, 16)) if len(tag) == 8 and "x" not in tag else ""


def _keep(found: dict[str, str], key: str, kind: str) -> None:
    """Keep the strongest type: what one module requires may not be taken away because another does not."""
    kind = kind if kind in STRENGTH else STRENGTH[0]
    found[key] = min(found.get(key, "3"), kind, key=STRENGTH.index)


def makers() -> list[str]:
    """Return the lower-case words by which makers and devices call themselves, less those that are people's names."""
    from pydicom._private_dict import private_dictionaries

    folder = Path(__file__).parent / "words"
    own = (folder / "makers.txt").read_text(encoding="utf-8").split()
    names = set((folder / "names.txt").read_text(encoding="utf-8").split())
    found = {word for creator in private_dictionaries for word in re.findall(r"[a-z]{3,}", creator.lower())}
    return sorted((found | set(own)) - names)


def _write(name: str, value: dict[str, Any]) -> None:
    lines = []
    for key, part in value.items():
        if isinstance(part, list):
            body = ",\n".join("  " + json.dumps(row) for row in part)
            lines.append(f" {json.dumps(key)}: [\n{body}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(part)}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (TABLES / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {name}: {len(text):,} characters")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["kinds"]:
            _write("storage.json", kinds())
        case ["types", folder]:
            _write("types.json", types(Path(folder)))
        case ["makers"]:
            (TABLES / "makers.txt").write_text("\n".join(makers()) + "\n", encoding="utf-8", newline="\n")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
