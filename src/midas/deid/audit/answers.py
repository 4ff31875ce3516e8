"""The answer key: for every planted file what a right de-identification does to it. JSON lines, one value a line.

In come the nouns below from planting, out they come again for scoring. All values are synthetic, so a key may be shown.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midas.kernel import BadInput, whole_file

Where = tuple[tuple[int, int], ...]
Mask = npt.NDArray[np.bool_]
SCHEMA = "midas-deid-answers/1"
ACTIONS = (
    "tag_retained", "text_notnull", "text_retained", "text_removed", "date_shifted", "uid_changed", "pixels_hidden",
    "pixels_retained", "uid_consistent", "patid_consistent",
)  # fmt: skip
"""The ten kinds of action of the MIDI-B challenge (arXiv 2507.23608)."""
REMOVALS = frozenset({"text_removed", "date_shifted", "uid_changed", "pixels_hidden"})
"""Actions that a file which was not given back has fulfilled; of all others it has fulfilled none."""


@dataclass(frozen=True)
class Check:
    """At `where` (sequence tag, item number, …) and `tag`, `action` is right; `value` is what was there or must stay."""

    file: int
    action: str
    category: str
    tag: int
    value: str = ""
    where: Where = ()
    area: str = "attributes"


@dataclass(frozen=True)
class Secret:
    """A string that may stand nowhere in any output; `spot` says where it was planted."""

    file: int
    value: str
    kind: str
    spot: str


@dataclass(frozen=True)
class Line:
    """A line of text drawn into the pixels. `mask` holds its glyphs inside the box (left, top, width, height)."""

    file: int
    box: tuple[int, int, int, int]
    frames: tuple[int, int]
    mask: str
    secret: bool
    kind: str
    text: str

    def glyphs(self) -> Mask:
        _, _, width, height = self.box
        packed = np.frombuffer(zlib.decompress(base64.b64decode(self.mask)), dtype=np.uint8)
        return np.unpackbits(packed, count=width * height).reshape(height, width).astype(bool)


def packed(mask: Mask) -> str:
    """Return a glyph mask as text for the key."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode("ascii")


@dataclass(frozen=True)
class Planted:
    """One file of the planted corpus: where it lies, whose it is and what must hold of its pixels."""

    number: int
    path: str
    source: str
    kind: str
    person: int
    patient: str
    study: str
    series: str
    instance: str
    syntax: str
    clean: bool
    """Whether nothing was drawn into the pixels, so that all of them must come out as they went in."""


@dataclass(frozen=True)
class Answers:
    """The whole key of a planted corpus under `root`. `days` and `uids` are the true ones, by person and by file."""

    root: Path
    seed: int
    files: tuple[Planted, ...]
    checks: tuple[Check, ...] = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    lines: tuple[Line, ...] = field(repr=False)
    days: dict[int, tuple[str, ...]] = field(repr=False)

    def of(self, number: int) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.file == number)


_KINDS: dict[str, Any] = {"file": Planted, "check": Check, "secret": Secret, "line": Line}


def write_answers(answers: Answers, path: Path) -> None:
    """Write the key; its first line says which corpus it belongs to."""
    with whole_file(path) as stream:
        head = {"schema": SCHEMA, "seed": answers.seed, "days": {str(k): v for k, v in answers.days.items()}}
        for row in (head, *_rows(answers)):
            stream.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _rows(answers: Answers) -> Iterable[dict[str, Any]]:
    groups: dict[str, Iterable[Any]] = {
        "file": answers.files,
        "check": answers.checks,
        "secret": answers.secrets,
        "line": answers.lines,
    }
    for name, group in groups.items():
        for one in group:
            yield {"is": name, **asdict(one)}


def read_answers(path: Path, *, root: Path) -> Answers:
    """Read a key for the corpus under `root`; `BadInput` where it is of another kind."""
    with path.open(encoding="utf-8") as stream:
        head = json.loads(stream.readline())
        if head.get("schema") != SCHEMA:
            raise BadInput("This is not an answer key of this version.", advice="Plant the corpus again.")
        found: dict[str, list[Any]] = {name: [] for name in _KINDS}
        for line in stream:
            row = json.loads(line)
            name = row.pop("is")
            found[name].append(_KINDS[name](**{key: _frozen(value) for key, value in row.items()}))
    days = {int(person): tuple(values) for person, values in head["days"].items()}
    return Answers(
        root, head["seed"], tuple(found["file"]), tuple(found["check"]), tuple(found["secret"]), tuple(found["line"]), days
    )  # fmt: skip


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
