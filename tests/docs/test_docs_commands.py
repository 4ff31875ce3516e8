"""Commands explain themselves: every one has examples, and what documents and examples type does exist."""

from __future__ import annotations

import re

import pytest
from tests.docs.reading import PAGES, Node, is_group, midas_lines, name_of, nodes, trouble_with

COMMANDS = [node for node in nodes() if not is_group(node.command)]
GROUPS = [node for node in nodes() if is_group(node.command)]


def _text(node: Node) -> str:
    return f"{node.command.help or ''}\n{node.command.epilog or ''}"


def _examples(node: Node) -> list[str]:
    after = re.split(r"Examples?\b", _text(node), maxsplit=1)[-1]
    return [
        line.strip()
        for line in re.split(r"\n|·", re.sub(r"\[/?[a-z ]*\]", "", after))
        if re.match(r"[\w=$(]*midas ", line.strip(" :"))
    ]


def _id(node: Node) -> str:
    return " ".join(node.words) or "midas"


@pytest.mark.parametrize("node", nodes(), ids=_id)
def test_every_command_and_option_says_what_it_does(node: Node) -> None:
    assert (node.command.help or "").strip() or not node.words
    for parameter in node.command.params:
        assert getattr(parameter, "help", None) or parameter.name == "help", f"{_id(node)}: {parameter.name}"


@pytest.mark.parametrize("node", COMMANDS, ids=_id)
def test_every_command_shows_examples_of_itself(node: Node) -> None:
    assert re.search(r"Examples?\b", _text(node)), "no Examples in its help"
    examples = _examples(node)
    assert examples
    assert any(f"midas {_id(node)}" in line for line in examples), (
        f"none of them is of this command: {examples}"
    )
    for line in examples:
        assert trouble_with(line[line.index("midas ") :].strip(" :")) == ""


@pytest.mark.parametrize("node", GROUPS, ids=_id)
def test_a_group_names_its_commands(node: Node) -> None:
    inner = [one for one in nodes() if one.words[:-1] == node.words and one.words]
    assert inner
    assert all((one.command.help or "").strip() for one in inner)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_types_exists(page: object) -> None:
    wrong = [said for line in midas_lines(page) if (said := trouble_with(line))]  # type: ignore[arg-type]
    assert wrong == []


def test_a_line_with_something_unknown_is_found() -> None:
    assert trouble_with("midas hub dance") != ""
    assert trouble_with("midas get oral-cancer --loud") != ""
    assert trouble_with("midas hub user add NAME --role curator") == ""
