"""Write `docs/checks.md`: every check of quality, from the registry.

    python tools/generate_checks.py

A row is one check: what it is called, what it is for, its unit and thresholds, how much it weighs, where it comes from. A
test holds the file and the registry together.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from midas.quality.checks import Check, registry

FILE = Path(__file__).resolve().parents[1] / "docs" / "checks.md"
HEAD = """# Checks of quality

Generated from the code by `python tools/generate_checks.py`; a test holds the two together.

Each check has one measured value at most, in the unit given here, and is right between its limits. A protocol changes them
for an item, and how much a finding weighs: `info` is worth knowing, `warning` needs a look, `error` holds the item until a
person decided.

```yaml
items:
  - id: brain-mr
    quality:
      - {check: mr.snr, min: 20, severity: error, cites: "our acceptance test of 2026"}
      - {check: series.unseen, max: 1}
```

They run at the spoke before de-identification: the first look, with each series as a whole. Every slice is looked at; of one
object with more than 64 frames, 64 of them, evenly spread. Findings of many slices are told once, with the worst value and
how often. *Limit: MIDAS default* says that nobody published a limit for persons: judge it on your own images and write yours
into the protocol. A check without limits only measures.

Checks of clinical tables (`table.`) and of what images and tables both say (`agreement.`) look at all rows of a dataset at
once; a protocol sets their limits under `quality` of the table.
"""


def limits(check: Check) -> str:
    low, high = check.default.get("min"), check.default.get("max")
    told = {
        (False, False): "–",
        (True, False): f"≥ {low:g}" if low is not None else "",
        (False, True): f"≤ {high:g}" if high is not None else "",
    }.get((low is not None, high is not None), f"{low} … {high}")
    return f"{told} {check.unit}".strip() if told != "–" else told


def row(check: Check) -> str:
    modalities = " ".join(sorted(check.modalities)) or "all"
    cells = (
        f"`{check.id}`", f"{check.title['en']}<br>{check.title['hi']}", modalities, limits(check), check.severity.value,
        check.advice, check.cites,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def text() -> str:
    parts = [HEAD]
    checks = sorted(registry().values(), key=lambda check: check.id)
    for area, members in groupby(checks, key=lambda check: check.id.split(".")[0]):
        parts += [
            f"\n## {area}\n",
            "| check | title | modality | right | weighs | what to do | source |",
            "|" + "---|" * 7,
        ]
        parts += [row(check) for check in members]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE.name}: {len(registry())} checks")
