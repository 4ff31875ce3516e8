"""The threat model keeps its word: every flow answers all of STRIDE, and every test and file that it names exists."""

from __future__ import annotations

import re

from tests.docs.reading import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
FLOWS = {
    title: re.findall(r"^\| ([STRIDE]) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    for title, text in re.findall(r"^## \d+\. (.+?)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
}


def test_every_flow_has_an_answer_to_each_letter() -> None:
    assert len(FLOWS) == 15
    for title, rows in FLOWS.items():
        assert sorted({letter for letter, *_ in rows}) == sorted("STRIDE"), title
        for letter, threat, stopped, tests in rows:
            if threat.startswith("does not apply: "):
                assert len(threat) > 30, (title, letter)
                continue
            assert len(stopped) > 10, (title, letter)
            assert re.findall(r"`(test_\w+)`", tests), (title, letter)


def test_every_test_that_is_named_is_there() -> None:
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", path.read_text("utf-8")))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 80
    assert sorted(named - there) == []


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", PAGE))
    assert len(named) > 12
    assert [one for one in sorted(named) if not (ROOT / "src" / "midas" / one).is_file()] == []


def test_who_finds_something_is_told_where_to_say_it() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    assert "private vulnerability reporting" in text
    assert "docs/security.md" in text
    assert "@" not in text
