"""The documents as the tests read them: pages, fenced blocks, links, and the `midas` commands that they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import typer

from midas.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(midas [^`]+)`")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language, in their order."""
    return [body for found, body in FENCE.findall(page.read_text("utf-8")) if found == language]


def console_commands(page: Path) -> list[str]:
    """Return what stands after `$ ` in the console blocks, line by line."""
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def unfenced(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def midas_lines(page: Path) -> list[str]:
    """Return each `midas …` that a page names: in console blocks (also inside `$(…)`) and as inline code."""
    lines = []
    for command in console_commands(page):
        lines += [part for part in re.findall(r"\bmidas [^|>&)]+", command) if part]
    return lines + INLINE.findall(unfenced(page))


@cache
def root_command() -> click.Group:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    return command  # type: ignore[return-value]


@dataclass(frozen=True)
class Node:
    """One command or group of the `midas` program, with the words that lead to it."""

    words: tuple[str, ...]
    command: click.Command


@cache
def nodes() -> tuple[Node, ...]:
    return tuple(_walk((), root_command()))


def _walk(words: tuple[str, ...], command: click.Command) -> Iterator[Node]:
    yield Node(words, command)
    if is_group(command):
        context = click.Context(command)
        for name in command.list_commands(context):  # type: ignore[attr-defined]
            inner = command.get_command(context, name)  # type: ignore[attr-defined]
            assert inner is not None
            yield from _walk((*words, name), inner)


def is_group(command: click.Command) -> bool:
    return hasattr(command, "list_commands")


def trouble_with(line: str) -> str:
    """Say what a `midas …` line names that does not exist; "" where all of it does."""
    known = {node.words: node.command for node in nodes()}
    words = shlex.split(line.replace("…", "X"))[1:]
    path: tuple[str, ...] = ()
    while words and (*path, words[0]) in known:
        path = (*path, words.pop(0))
    command = known[path]
    if is_group(command) and words and not words[0].startswith("-"):
        return f"{line}: there is no `midas {' '.join((*path, words[0]))}`"
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "-h"}
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in options:
            return f"{line}: `midas {' '.join(path)}` has no {word}"
    return ""
