"""`midas grade` without a hub: the rubric, facts from a file, experts' ratings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from midas.cli import app
from midas.kernel import BadInput

FACTS = [{"kind": "metadata.title", "value": True}, {"kind": "metadata.basic", "value": True}]


def told(*words: str) -> str:
    answer = CliRunner().invoke(app, ["grade", *words], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_rubric_says_which_numbers_are_published() -> None:
    shown = json.loads(told("rubric", "--json"))
    assert shown["status"] == "draft for expert validation"
    assert shown["parameters"]["kappa"]["source"] == "published"
    assert "MIDAS default" in told("rubric")


def test_facts_are_graded_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS))
    made = json.loads(told("facts", str(path), "--json"))
    assert (made["cqi"], made["computed"], made["access"]) == (1.67, 1.67, None)
    assert made["advice"][0]["domain"] == 10  # without ethics nothing leaves
    assert "What would raise this" in told("facts", str(path), "--form", "lite")


@pytest.mark.parametrize(
    "text", ["{}x", '[{"value": 1}]', '["x"]', '[{"kind": "a.b", "value": 1, "odd": 2}]']
)
def test_what_are_no_facts_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "facts.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="no facts"):
        told("facts", str(path))


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text("[]")
    with pytest.raises(BadInput, match="no form"):
        told("facts", str(path), "--form", "short")


def test_experts_ratings_are_judged_on_either_scale(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("domain 1,4,4,3,4\ndomain 2,4,2,,4\n")
    high = json.loads(told("delphi", str(path), "--json"))
    low = json.loads(told("delphi", str(path), "--scale", "0-4", "--json"))
    assert [one["agreeing"] for one in high["items"]] == [3, 2]
    assert [one["agreeing"] for one in low["items"]] == [4, 2]
    assert "S-CVI/Ave" in told("delphi", str(path))
    for words in (["--scale", "1-7"], []):
        path.write_text("domain 1,good\n")
        with pytest.raises(BadInput):
            told("delphi", str(path), *words)
