"""What the makers of the synthetic hospital know: what was planted, and what must become of each thing.

In come facts noted while the export is written; out comes one frozen `Truth` that can be kept as JSON beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""


@dataclass(frozen=True)
class Expected:
    """One thing in the export: `path`, or `path!/member` in an archive, or `path#row` in a table.

    `state` is the end state after the operator answered and everything was sent. `reasons` are the codes of
    `midas.spoke.reasons` of which one must be given where the item stays held or is refused. `verdict` is what the
    operator answers if the item comes up for review; `boxes` are masked.
    """

    path: str
    state: str
    sha256: str = ""
    reasons: tuple[str, ...] = ()
    verdict: str = ""
    boxes: tuple[Box, ...] = ()
    person: str = ""
    why: str = ""


@dataclass(frozen=True)
class Truth:
    """All that is known about one export: `planted` identifiers, longest first, and what must become of each thing."""

    dataset: str
    spoke: str
    folder: str
    planted: tuple[str, ...]
    expected: tuple[Expected, ...]
    subjects: int
    stand_ins: tuple[tuple[str, str, str], ...] = field(default=())

    def tally(self) -> dict[str, int]:
        """How many things must be sent, held and refused in the end, and how many there are in all (`in`)."""
        count = Counter(expected.state for expected in self.expected)
        return {"in": sum(count.values()), **{state: count[state] for state in ("sent", "held", "refused")}}

    def by_sha256(self) -> dict[str, Expected]:
        return {expected.sha256: expected for expected in self.expected if expected.sha256}

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Truth:
        value: dict[str, Any] = json.loads(path.read_text("utf-8"))
        expected = tuple(
            Expected(**{
                **item, "reasons": tuple(item["reasons"]), "boxes": tuple(tuple(box) for box in item["boxes"]),
            })
            for item in value.pop("expected")
        )  # fmt: skip
        stand_ins = tuple((row[0], row[1], row[2]) for row in value.pop("stand_ins"))
        return cls(expected=expected, stand_ins=stand_ins, planted=tuple(value.pop("planted")), **value)
