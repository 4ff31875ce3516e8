"""Write `duo.json` of `midas.protocol`: the terms of the Data Use Ontology that a protocol's `uses` and a purpose may name.

    python tools/generate_duo.py duo.csv

Comes in: `duo.csv` of https://github.com/EBISPOT/DUO (CC BY 4.0), at the commit named below. Goes out: one JSON file.
Nothing is downloaded. The two roots are left out: they name no use.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

TO = Path(__file__).parents[1] / "src" / "midas" / "protocol" / "duo.json"
SOURCE = "https://github.com/EBISPOT/DUO/blob/81f5c3d9cc5a3e13614fdeaed53ace2496d7c095/duo.csv"
KINDS = {"This data use permission": "permission", "This data use modifier": "modifier"}


def main(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["shorthand"]]
    terms = [
        {"id": row["id"], "short": row["shorthand"], "label": row["label"], "kind": kind, "says": row["description"]}
        for row in sorted(rows, key=lambda row: row["id"])
        for start, kind in KINDS.items()
        if row["description"].startswith(start)
    ]  # fmt: skip
    if len(terms) != len(rows):
        raise SystemExit("A term is neither a permission nor a modifier.")
    value = {"source": SOURCE, "license": "CC-BY-4.0", "terms": terms}
    TO.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
