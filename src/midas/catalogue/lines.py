"""The lines of a submission's parts, one at a time: wire models, or findings where a line is not what v1 asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Generic, TypeVar

from pydantic import ValidationError

from midas.catalogue.examine import wrong
from midas.kernel import BadInput, Finding, Severity
from midas.quality import leaks
from midas.store import Blobs
from midas.wire.v1 import ItemLine, LabelLine, Part, RecordLine, SubjectLine, SubmissionHeader, Wire

W = TypeVar("W", bound=Wire)

LONGEST_LINE = 1 << 20
"""Bytes. The longest lawful line is a subject with hundreds of visits; a megabyte is far above that."""
SUBJECTS, ITEMS, RECORDS, LABELS = "subjects.ndjson", "items.ndjson", "records.ndjson", "labels.ndjson"
KINDS: dict[str, type[Wire]] = {
    SUBJECTS: SubjectLine, ITEMS: ItemLine, RECORDS: RecordLine, LABELS: LabelLine,
}  # fmt: skip
NEEDED = ("protocol.yaml", SUBJECTS, ITEMS, RECORDS, LABELS, "report.json", "report.html", "salts.json")
"""What every submission has besides its instances."""


class Lines(Generic[W]):
    """All lines of one part, counted as they are read; with `examine` the leak rules look at each (`findings`)."""

    def __init__(self, model: type[W], part: Part, store: Blobs, *, examine: bool) -> None:
        self.model, self.part, self.store, self.examine = model, part, store, examine
        self.findings: list[Finding] = []
        self.number = 0

    def __iter__(self) -> Iterator[W]:
        self.findings, self.number = [], 0
        for raw in split(self.store.read(self.part.sha256)):
            if not raw.strip():
                continue
            self.number += 1
            try:
                line = self.model.model_validate_json(raw)
            except ValidationError as error:
                self.findings.append(self._not_v1(error))
                continue
            if self.examine:
                scope = f"{self.part.path}:{self.number}"
                self.findings += leaks.examine_line(json.loads(raw), scope=scope)
            yield line

    def _not_v1(self, error: ValidationError) -> Finding:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])[:80]
        return wrong(
            "submission.line", f"{self.part.path}:{self.number}", f"{where}: {first['type']}",
            "Pack the submission again with this version of MIDAS.",
        )  # fmt: skip


def split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines of a stream of chunks; `BadInput` for a line that no memory should have to hold."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise BadInput("A line is longer than 1 MiB.", advice="Pack the submission again.")
    if rest:
        yield rest


def part_of(header: SubmissionHeader, path: str) -> Part:
    return next(part for part in header.parts if part.path == path)


def lines_of(model: type[W], header: SubmissionHeader, store: Blobs, *, examine: bool = False) -> Lines[W]:
    """Return the lines of the part that holds `model`s."""
    path = next(path for path, kind in KINDS.items() if kind is model)
    return Lines(model, part_of(header, path), store, examine=examine)


def has_errors(findings: list[Finding] | tuple[Finding, ...]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)
