"""What stands in records in English is told in Hindi: every statement, check, gate and error that the pages show."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override

from midas.grading import rubric_named
from midas.grading.rubric import FORMS
from midas.quality import registry
from midas.quality.patterns import PATTERNS
from midas.quality.tables import SINGULAR
from midas.release.gates import GATES
from midas.release.leakage import SAYS
from midas.ui.phrases import INDIAN, book, phrase
from midas.ui.templatetags.midas import told as marked

SRC = Path(__file__).parents[3] / "src" / "midas"
RELEASE = ("gates", "faults", "approving", "pairing", "cutting", "drafting", "excluding")
DEID = (
    "documents", "engine", "looking", "pixels", "samples", "segments", "sop", "staying", "stream", "verify", "writing",
)  # fmt: skip
BOOK = SRC / "ui" / "locale" / "hi" / "phrases"
FIGURE = "7"
"""What a sentence is tried with where its code puts a value."""
SPEAK = (
    *sorted((SRC / "quality").glob("*.py")), *sorted((SRC / "catalogue" / "findings").glob("*.py")),
    *sorted((SRC / "grading").glob("*.py")),
    *(SRC / "release" / f"{name}.py" for name in RELEASE),
    *(SRC / "catalogue" / f"{name}.py" for name in ("verification", "references", "lines", "examine", "registration")),
    *(SRC / "deid" / f"{name}.py" for name in DEID),
    *(SRC / "deid" / "faces" / f"{name}.py" for name in ("cutting", "front", "photo", "series")),
    *sorted((SRC / "deid" / "pictures").glob("*.py")), *sorted((SRC / "ingest").glob("*.py")),
    *(SRC / "spoke" / "intake" / f"{name}.py" for name in ("cells", "matching", "rows", "tables", "taking")),
    *(SRC / "spoke" / f"{name}.py" for name in ("bench", "labelling", "reviewing")),
    SRC / "spoke" / "outbox" / "questions.py",
)  # fmt: skip
"""Modules whose sentences reach a page."""
UNSEEN = {"attacker.py", "coverage.py", "generalise.py", "risk.py"}
"""Modules of quality whose sentences are told to programs alone."""

PUT_TOGETHER = {"7 is 7 number7 above 0.", "7 7 commercial use; the protocol's terms 7 it."}
"""Sentences whose words, too, are values; they are tried as they come out."""


def told(text: str) -> str:
    return book("hi").told(text) or ""


def written(node: ast.AST) -> str | None:
    """Return a text of the code with `FIGURE` for each value in it; `None` for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            FIGURE if isinstance(one, ast.FormattedValue) else str(one.value) for one in node.values
        )
    return None


def texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module that are no docstring, no part of another text, and not beside their Hindi."""
    skip = {
        id(part)
        for one in ast.walk(tree)
        if isinstance(one, ast.JoinedStr)
        for part in ast.walk(one)
        if part is not one
    }
    skip |= {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    pairs = [one.elts for one in ast.walk(tree) if isinstance(one, ast.Tuple)]
    pairs += [one.values for one in ast.walk(tree) if isinstance(one, ast.Dict)]
    skip |= {
        id(one) for pair in pairs if any(INDIAN.search(written(it) or "") for it in pair) for one in pair
    }
    for one in ast.walk(tree):
        if id(one) not in skip and (text := written(one)):
            yield text


def sentences(file: Path) -> list[str]:
    """Return what reads like a sentence: a capital or a value first, words, and a stop last."""
    found = (re.sub(r"^7 (?=[A-Z])", "", one) for one in texts(ast.parse(file.read_text("utf-8"))))
    told = {one for one in found if re.fullmatch(r"[A-Z7'].* .*[.?]", one, re.DOTALL)}
    return sorted(one for one in told if len(re.findall("[A-Za-z]{3,}", one)) > 1 and one not in PUT_TOGETHER)


def rubric_texts() -> Iterator[str]:
    found = rubric_named()
    yield found.title
    for domain in found.domains:
        for form in FORMS:
            yield from (domain.names[form], domain.zero[form])
            for step in domain.ladder(form):
                for one in step:
                    yield one.says
                    yield from (it.wanted for it in one.comparisons)
    for kind in found.kinds.values():
        yield from (kind.says, kind.document, kind.unit)
    yield from (one.says for one in (*found.parameters.values(), *found.hard_stops))
    yield from (one.then for one in (*found.bands, *found.prs.bands))


def test_every_text_of_the_rubric_has_its_hindi() -> None:
    symbols = {"kWh", "kg"}
    assert {one for one in rubric_texts() if one and not INDIAN.search(told(one))} == symbols


def test_the_translation_of_the_rubric_holds_no_text_that_the_rubric_has_no_more() -> None:
    held = tomllib.loads((BOOK / f"rubric-{rubric_named().id}.toml").read_text("utf-8"))["phrases"]
    assert set(held) - set(rubric_texts()) == set()


def test_every_check_has_its_hindi() -> None:
    for check in registry().values():
        assert INDIAN.search(check.title["hi"]), check.id
        assert INDIAN.search(told(check.advice)), check.id


def test_every_gate_has_its_hindi() -> None:
    for gate in GATES:
        assert all(INDIAN.search(one["hi"]) for one in (gate.title, gate.needs)), gate.id
    for says in SAYS.values():
        assert INDIAN.search(told(f"The split leaks: {says} across parts: P-A (train) and P-B (test)."))
        assert says not in told(f"The split leaks: {says} across parts: P-A (train) and P-B (test).")


@pytest.mark.parametrize(
    "file", [one for one in SPEAK if one.name not in UNSEEN], ids=lambda one: f"{one.parent.name}/{one.stem}"
)
def test_every_sentence_that_reaches_a_page_has_its_hindi(file: Path) -> None:
    assert [one for one in sentences(file) if not told(one)] == []


def test_what_a_measurement_begins_with_has_its_hindi() -> None:
    """`judge(check, value, "The noise is", …)`, and the tables from which the words of others come."""
    begins = set()
    for file in (SRC / "quality").glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        calls = [
            one
            for one in ast.walk(tree)
            if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "judge"
        ]
        begins |= {text for one in calls if (text := written(one.args[2]))}
        if any(isinstance(one.args[2], ast.Name) for one in calls):
            rows = [
                one.elts for one in ast.walk(tree) if isinstance(one, ast.Tuple) and 2 <= len(one.elts) <= 3
            ]
            begins |= {
                text for row in rows if (text := written(row[-1])) and re.fullmatch(r"[A-Z].* .*[a-z]", text)
            }
    assert len(begins) > 35
    assert [
        one
        for one in begins
        if not told(f"{one} 0.25 HU, below 7.") or one in told(f"{one} 0.25 HU, above 7.")
    ] == []


def test_what_is_wrong_in_a_row_has_its_hindi() -> None:
    tree = (
        ast.parse((SRC / "quality" / "rows.py").read_text("utf-8")),
        ast.parse((SRC / "quality" / "tables.py").read_text("utf-8")),
    )
    says = {one for module in tree for one in texts(module) if one.split(" ")[0] in SINGULAR and " " in one}
    assert len(says) >= 9
    for one in says:
        verb, _, rest = one.replace("no 7", "no number").partition(" ")
        for sentence in (
            f"3 of 9 rows {verb} {rest}.",
            f"Table pathology, column grade: the cell {SINGULAR[verb]} {rest}.",
        ):
            assert rest.partition(" 7")[0] not in (told(sentence) or rest), sentence


def test_a_translation_has_the_figures_of_its_sentence() -> None:
    for file in BOOK.glob("*.toml"):
        tables = tomllib.loads(file.read_text("utf-8"))
        for name in ("phrases", "parts"):
            for english, says in tables.get(name, {}).items():
                wanted = set(range(len(re.findall(r"\{#?\}", english))))
                assert {int(one) for _, one, _, _ in string.Formatter().parse(says) if one} == wanted, english
                assert INDIAN.search(says) or not re.search("[a-z]{3}", re.sub(r"[A-Z]\w+", "", english)), (
                    english
                )


@pytest.mark.parametrize(
    ("english", "hindi"),
    [
        (
            "The noise is 34.2 HU, above 20. So in 3 of 10 looks.",
            "शोर (नॉइज़): 34.2 HU, सीमा 20 से अधिक। 10 में से 3 बार देखने पर ऐसा मिला।",
        ),
        (
            "Table pathology, column grade: the cell is no code of ICD-10.",
            "तालिका pathology, कॉलम grade: मान ICD-10 का कोड नहीं है।",
        ),
        (
            "Persons have images and no part. 3 of them: P-A, P-B and 2 more.",
            "कुछ लोगों की छवियाँ हैं पर उनका कोई भाग नहीं है। ऐसे 3: P-A, P-B और 2 अन्य।",
        ),
        (
            (
                "On 2026-11-23 no ethics decision covers these persons: iec-1 (IEC No. 12/2024) ended on 2026-01-01. "
                "Who rests on it, 2 of them: P-1, P-2."
            ),
            (
                "2026-11-23 को कोई नैतिक निर्णय इन लोगों पर लागू नहीं है: iec-1 (IEC No. 12/2024) 2026-01-01 को "
                "समाप्त हुआ। इस पर 2 लोग टिके हैं: P-1, P-2।"
            ),
        ),
        (
            "Row 7, column “age”: the cell is outside the allowed range; write a value between 18 and 90 year.",
            "पंक्ति 7, कॉलम “age”: मान अनुमत सीमा के बाहर है; 18 और 90 year के बीच का मान लिखें।",
        ),
        ("PixelSpacing is 2 numbers above 0.", "PixelSpacing के लिए 0 से बड़ी 2 संख्याएँ चाहिए।"),
        (
            "MIT allows commercial use; the protocol's terms forbid it.",
            "MIT व्यावसायिक उपयोग की अनुमति देता है; प्रोटोकॉल की शर्तें उसे मना करती हैं।",
        ),
        (
            "CC-BY-NC-4.0 forbids commercial use; the protocol's terms allow it.",
            "CC-BY-NC-4.0 व्यावसायिक उपयोग मना करता है; प्रोटोकॉल की शर्तें उसकी अनुमति देती हैं।",
        ),
        (
            "'Backups are made routinely' is computed, never stated. Raise what is measured.",
            "“बैकअप नियमित लिए जाते हैं” की गणना होती है, इसे कहा नहीं जाता। जो मापा जाता है उसे बेहतर करें।",
        ),
    ],
)
def test_a_sentence_keeps_its_figures_and_names(english: str, hindi: str) -> None:
    assert told(english) == hindi


def test_every_figure_and_name_of_a_floor_stays() -> None:
    leak = told(
        "De-identification lies below the protocol's floor. spdc (3c1b…): its audit planted 3 files of 10; "
        "aiims (9f…): it came without an audit."
    )
    assert all(one in leak for one in ("spdc", "3c1b…", "3", "10", "aiims", "9f…"))
    assert not re.search("[a-z]{6,}", leak)


def test_english_stays_english_and_what_nobody_translated_is_marked_so() -> None:
    with override("en"):
        assert marked("The draft has no grade.") == "The draft has no grade."
    with override("hi"):
        assert marked("The draft has no grade.") == "मसौदे की कोई श्रेणी नहीं है।"
        assert marked("Odd <b>words</b>") == '<span lang="en">Odd &lt;b&gt;words&lt;/b&gt;</span>'
        assert marked("P-1 को स्वीकृति") == "P-1 को स्वीकृति"
    with override("ta"):  # nobody wrote its book
        assert phrase("The draft has no grade.") == "The draft has no grade."


def test_every_kind_of_identifier_has_its_hindi() -> None:
    for pattern in PATTERNS:
        kind = pattern.kind.replace("-", " ")
        assert kind not in told(f"A text looks like: {kind}."), kind
