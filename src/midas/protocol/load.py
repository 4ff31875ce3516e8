"""A protocol file → `Loaded`, or one `ProtocolError` that names every wrong line with what to do about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from midas.kernel import BadInput, Digest, NotFound, sha256_bytes
from midas.protocol import model
from midas.protocol.checks import check
from midas.protocol.model import Protocol
from midas.protocol.yaml import MAX_BYTES, Complaint, Loc, Unreadable, read_yaml

KNOWN_FIELDS = sorted({
    field.alias or name
    for noun in vars(model).values()
    if isinstance(noun, type) and issubclass(noun, BaseModel)
    for name, field in noun.model_fields.items()
})  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A valid protocol, the SHA-256 of the file's bytes (its version), and the file's text."""

    protocol: Protocol
    sha256: Digest
    source: str


class ProtocolError(BadInput):
    """A protocol file that cannot be used; `complaints` holds each wrong place, `message` all of them as lines."""

    def __init__(self, name: str, complaints: Iterable[Complaint]) -> None:
        self.name = name
        self.complaints = tuple(sorted(complaints, key=lambda one: one.line))
        super().__init__("\n".join(one.at(name) for one in self.complaints))


def _line_of(loc: Loc, lines: dict[Loc, int]) -> int:
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc, 1)


def _place(loc: Loc) -> str:
    return ".".join(str(step) for step in loc) or "the protocol"


def _explain(kind: str, loc: Loc, error: dict[str, Any]) -> tuple[str, str]:
    """Return what is wrong and what to do for one of pydantic's error kinds."""
    name, context = str(loc[-1]) if loc else "", error.get("ctx", {})
    if kind == "missing":
        return f"'{name}' is missing in {_place(loc[:-1])}", f"add '{name}:'"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(name, KNOWN_FIELDS, n=1)
        return f"'{name}' is not known here", f"did you mean '{near[0]}'?" if near else "take it out"
    if kind == "literal_error":
        return f"'{error['input']}' is not a choice for {name}", f"use one of {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"{name} is not written as it should be", f"write it to match {context['pattern']}"
    if kind == "string_type":
        return f"{_place(loc)} should be text", "put the value in quotes"
    if kind == "value_error":
        return f"{_place(loc)}: {context['error']}", "change one of them to agree"
    if kind == "too_short":
        return f"{_place(loc)} is empty", f"give at least {context['min_length']}"
    return f"{_place(loc)}: {error['msg'][0].lower()}{error['msg'][1:]}", "see `midas protocol schema`"


def _complaints(error: ValidationError, lines: dict[Loc, int]) -> list[Complaint]:
    found = []
    for one in error.errors(include_url=False):
        loc: Loc = tuple(one["loc"])
        if loc and loc[-1] == "[key]":
            loc = loc[:-1]
        what, advice = _explain(one["type"], loc, dict(one))
        found.append(Complaint(_line_of(loc, lines), what, advice))
    return found


@lru_cache(
    maxsize=16
)  # the same bytes always give the same frozen value, and reading them takes half a second
def parse(data: bytes, *, name: str = "protocol.yaml") -> Loaded:
    """Read a protocol from the bytes of its file; `ProtocolError` (a `BadInput`) names every wrong line of `name`."""
    if len(data) > MAX_BYTES:
        raise ProtocolError(
            name, [Complaint(1, f"it is larger than {MAX_BYTES:,} bytes", "give a protocol file")]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ProtocolError(name, [Complaint(line, "it is not UTF-8 text", "save it as UTF-8")]) from None
    try:
        value, lines = read_yaml(text)
    except Unreadable as error:
        raise ProtocolError(name, [error.complaint]) from None
    if not isinstance(value, dict):
        raise ProtocolError(name, [Complaint(1, "it is not a mapping", "start from `midas protocol new`")])
    try:
        protocol = Protocol.model_validate(value)
    except ValidationError as error:
        raise ProtocolError(name, _complaints(error, lines)) from None
    wrong = [Complaint(_line_of(loc, lines), what, advice) for loc, what, advice in check(protocol)]
    if wrong:
        raise ProtocolError(name, wrong)
    return Loaded(protocol=protocol, sha256=sha256_bytes(data), source=text)


def load(path: Path) -> Loaded:
    """Read a protocol file; `NotFound` without one, `ProtocolError` (a `BadInput`) with `file:line: what; advice`."""
    try:
        data = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(
            f"There is no protocol file {path}.", advice="Start one with `midas protocol new`."
        ) from None
    return parse(data, name=Path(path).name)


def shipped() -> tuple[str, ...]:
    """Return the names of the protocols that come with MIDAS."""
    folder = resources.files("midas.protocol") / "shipped"
    return tuple(sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml")))


def load_named(name: str) -> Loaded:
    """Read one of the shipped protocols, such as `oral-cancer`; `NotFound` where there is none of that name."""
    if not re.fullmatch(r"[a-z0-9-]+", name) or name not in shipped():
        raise NotFound(f"No protocol named {name} is shipped.", advice=f"Shipped: {', '.join(shipped())}.")
    return parse(
        (resources.files("midas.protocol") / "shipped" / f"{name}.yaml").read_bytes(), name=f"{name}.yaml"
    )
