"""What the documents say of the code is so: links, pictures, words, rooms, settings, formats; and every public name says
what it is."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.reading import PAGES, ROOT, midas_lines, name_of, unfenced

import midas
from midas.formats import Kind, Limits, photos
from midas.testing.hospital import images

LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
SOURCE = ROOT / "src" / "midas"
VARIABLE = re.compile(r"\b(?:MIDAS(?:_[A-Z]+)+|DATABASE_URL|XDG_CACHE_HOME|REQUIRE_SYSTEM)\b(?!_)")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_picture_is_there(page: Path) -> None:
    targets = [
        target
        for target, _ in LINK.findall(unfenced(page))
        if not target.startswith(("http:", "https:", "mailto:"))
    ]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fence_is_closed_and_named(page: Path) -> None:
    fences = [line for line in page.read_text("utf-8").splitlines() if line.startswith("```")]
    assert len(fences) % 2 == 0
    assert all(len(opening) > 3 for opening in fences[::2])


def test_pages_are_read_at_all() -> None:
    assert len(PAGES) >= 10
    assert sum(len(midas_lines(page)) for page in PAGES) > 50


def _table(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading of a page."""
    after = page.read_text("utf-8").split(heading, 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert rows is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def test_words_of_the_glossary_are_words_of_the_code() -> None:
    """One word for one thing: each term stands in the source; a term that nothing uses any more is struck out."""
    text = "\n".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py")).lower()
    rows = _table(ROOT / "docs" / "words.md", "# Words")
    terms = [term for row in rows for term in re.findall(r"\*\*([^*]+)\*\*", row[0])]
    words = [word for term in terms for word in re.split(r", ", term)]
    assert len(words) > 25
    assert [word for word in words if not re.search(rf"\b{re.escape(word)}", text)] == []


def test_states_and_answers_are_those_of_the_glossary() -> None:
    from midas.manifest import Answer
    from midas.spoke.intake.models import State

    page = (ROOT / "docs" / "words.md").read_text("utf-8")
    assert {state.value for state in State} == {"waiting", "held", "refused", "sent"}
    assert "**waiting, held, refused, sent**" in page
    assert {answer.value for answer in Answer} == {"right", "withdrawn", "wrong"}
    assert "**right, withdrawn, wrong**" in page


def test_the_architecture_names_every_room_and_no_other() -> None:
    rows = _table(ROOT / "docs" / "architecture.md", "```mermaid")
    named = {room for row in rows for room in re.findall(r"`(\w+)`", row[1])}
    rooms = {found.name for found in pkgutil.iter_modules(midas.__path__) if found.ispkg}
    assert named == rooms


def _variables(texts: Iterator[str]) -> set[str]:
    return {name for text in texts for name in VARIABLE.findall(text)}


def test_every_variable_of_the_environment_is_documented_and_exists() -> None:
    documented = _variables(page.read_text("utf-8") for page in PAGES)
    code = _variables(path.read_text("utf-8") for path in SOURCE.rglob("*.py") if "testing" not in path.parts)
    tests = _variables(
        path.read_text("utf-8") for path in (ROOT / "tests" / "conftest.py", ROOT / ".ci" / "run")
    )
    assert code - documented == set(), "in the code, in no document"
    assert documented - code - tests == set(), "in a document, nowhere in the code"


def _read_variables(path: Path) -> Iterator[str]:
    """Names that a file takes out of the environment, by `os.environ` or by an option's `envvar`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "envvar" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        inner = (
            node.func
            if isinstance(node, ast.Call)
            else node.value
            if isinstance(node, ast.Subscript)
            else None
        )
        if inner is not None and "os.environ" in ast.unparse(inner):
            key = node.args[0] if isinstance(node, ast.Call) and node.args else getattr(node, "slice", None)
            if isinstance(key, ast.Constant):
                yield str(key.value)


def test_the_pattern_finds_every_variable_that_is_read() -> None:
    found = {
        name for path in SOURCE.rglob("*.py") if "testing" not in path.parts for name in _read_variables(path)
    }
    assert found
    assert all(VARIABLE.fullmatch(name) for name in found), found


FORMATS = ROOT / "docs" / "formats.md"


def test_every_kind_of_file_is_in_the_table_of_formats() -> None:
    said = FORMATS.read_text("utf-8").lower()
    other = {Kind.SLIDE: "svs", Kind.ARCHIVE: "zip", Kind.TEXT: "text", Kind.UNKNOWN: "unknown"}
    assert [kind for kind in Kind if other.get(kind, kind.value) not in said] == []


def test_the_limits_of_the_formats_are_those_of_the_code() -> None:
    rows = {row[0]: row[1] for row in _table(FORMATS, "## Archives and limits")}
    limits = Limits()
    assert rows["archives inside one another"] == str(limits.max_depth)
    assert rows["files"] == f"{limits.max_members:,}"
    assert rows["bytes unpacked"] == f"{limits.max_total_bytes >> 40} TiB"
    past = next(name for name in rows if name.startswith("bytes out"))
    assert past.endswith(f"past {limits.free_bytes >> 20} MiB")
    assert rows[past] == f"{limits.max_ratio:g}"
    assert rows["pixels of one photograph"] == f"{photos.PIXELS_LIMIT:,}"


def test_the_stand_ins_are_those_of_the_sample_hospital() -> None:
    rows = _table(FORMATS, "## What stands in for what")
    assert rows == [
        [one.source, one.package, one.stands_for] for one in (*images.PHOTOGRAPHS, *images.OTHERS)
    ]


def _doors() -> list[str]:
    names = [found.name for found in pkgutil.walk_packages(midas.__path__, "midas.") if found.ispkg]
    return [
        "midas",
        *(name for name in names if not re.search(r"\.(migrations|templatetags|management|locale)\b", name)),
    ]


@pytest.mark.parametrize("door", _doors())
def test_a_room_and_every_name_at_its_door_say_what_they_are(door: str) -> None:
    room = importlib.import_module(door)
    assert (room.__doc__ or "").strip(), f"{door} has no docstring"
    bare = []
    for name in getattr(room, "__all__", ()):
        thing = getattr(room, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            said = inspect.cleandoc(thing.__doc__ or "")
            generated = dataclasses.is_dataclass(thing) and said.startswith(f"{name}(")
            if not said or generated:
                bare.append(name)
    assert bare == []
