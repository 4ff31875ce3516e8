"""YAML text → plain values, each with the line it stands on. In comes text, out go `str`, numbers, lists and dicts.

Dates stay text. Duplicate keys, anchors and other documents are refused, so that every program reads a protocol alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Loc = tuple[str | int, ...]
"""The way to a value: keys and positions from the root."""

MAX_BYTES = 1_000_000
"""A protocol is written by people; anything larger is not one."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong at one place of a protocol file, and what to do. `line` counts from 1."""

    line: int
    what: str
    advice: str

    def at(self, name: str) -> str:
        return f"{name}:{self.line}: {self.what}; {self.advice}"


class Unreadable(Exception):
    """The text is not a YAML document of the kind accepted here."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.what)
        self.complaint = complaint


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(node: Node) -> Any:
    kind, text = str(node.tag).rsplit(":", 1)[-1], node.value
    try:
        match kind:
            case "int":
                return int(text.replace("_", ""), 0)
            case "float":
                return float(text.replace("_", ""))
    except ValueError:
        return text
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[Loc, int] = {}
        self._seen: set[int] = set()

    def value(self, node: Node, loc: Loc) -> Any:
        if id(node) in self._seen:
            raise Unreadable(
                Complaint(
                    _line(node),
                    "anchors (&, *) are not used in protocols",
                    "write the value out at each place",
                )
            )
        self._seen.add(id(node))
        self.lines.setdefault(loc, _line(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode):
            return [self.value(child, (*loc, number)) for number, child in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            key = str(key_node.value)
            if key in found:
                first = self.lines[(*loc, key)]
                raise Unreadable(
                    Complaint(
                        _line(key_node), f"'{key}' was already given on line {first}", "keep one of the two"
                    )
                )
            self.lines[(*loc, key)] = _line(key_node)
            found[key] = self.value(child, (*loc, key))
        return found


def read_yaml(text: str) -> tuple[Any, dict[Loc, int]]:
    """Return the plain value and the line (from 1) of every place in it; `Unreadable` says what YAML does not allow."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = int(mark.line) + 1 if mark is not None else 1
        raise Unreadable(
            Complaint(
                line,
                f"this is not YAML ({error.problem or 'unreadable'})",
                "check indentation, quotes and colons",
            )
        ) from None
    except RecursionError:
        raise Unreadable(
            Complaint(1, "its brackets or indents are nested too deep", "start from `midas protocol new`")
        ) from None
    except YAMLError as error:
        what = str(error).splitlines()[0]
        raise Unreadable(Complaint(1, f"this is not YAML ({what})", "save it as UTF-8 text")) from None
    if node is None:
        raise Unreadable(Complaint(1, "the file is empty", "start from `midas protocol new`"))
    reader = _Reader()
    return reader.value(node, ()), reader.lines
