"""One fact, one writer: every kind of evidence that MIDAS computes is written in one place, and the rubric knows it."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import midas
from midas.grading import rubric_named
from midas.kernel import Ink

SOURCE = Path(midas.__file__).parent
WRITERS = frozenset({
    "access/telling.py", "annotate/facts.py", "catalogue/findings/telling.py", "quality/evidence.py",
    "release/evidence.py", "release/facts.py", "release/upkeep.py", "web/evidence.py",
    "web/spending.py",
})  # fmt: skip
NOBODY_KNOWS = {
    "metadata.related": "no release links other works or versions yet",
    "representation.review_age": "nobody records a review of coverage yet",
    "privacy.disclosure_control": "public tables are made safe, and not verified by a second program",
    "privacy.epsilon": "nothing is released under differential privacy",
    "privacy.face_risk": "no recognition was measured",
    "privacy.text_risk": "the audit counts identifiers of all sorts together",
    "linkage.versions": "no model is registered at the hub",
    "linkage.hashed": "no model is registered at the hub",
    "linkage.confirmed": "no model is registered at the hub",
    "linkage.each_use": "the hub does not see trainings",
    "linkage.signed": "no model is registered at the hub",
    "linkage.reproducible": "no model is registered at the hub",
}
"""Kinds that only a program may state and that no program of ours can know yet, each with the reason."""


def written() -> dict[str, set[str]]:
    """Return the modules that name each kind of the rubric as a value, outside of docstrings."""
    kinds, found = set(rubric_named().kinds), defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(("testing/", "grading/")):  # what is graded by, and made up
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and node.value in kinds:
                found[node.value].add(name)
    return found


def test_each_kind_has_one_writer() -> None:
    assert {kind: names for kind, names in written().items() if len(names) != 1} == {}
    assert {name for names in written().values() for name in names} == WRITERS


def test_what_is_written_may_be_computed() -> None:
    kinds = rubric_named().kinds
    assert [kind for kind in written() if not kinds[kind].hears(Ink.COMPUTED)] == []


def test_each_kind_that_only_a_program_may_state_has_a_writer_or_a_reason() -> None:
    computed = {name for name, one in rubric_named().kinds.items() if not one.hears(Ink.ATTESTED)}
    assert computed - set(written()) == set(NOBODY_KNOWS)
